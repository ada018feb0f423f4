// A product of which one factor is unknown takes no long multiplication; it is what the long one gives.
import { expect, it } from "vitest";
import { tnumMul } from "../../src/verifier/scalar/tnum.ts";

type Bits = readonly [val: bigint, mask: bigint];

const u64 = (n: bigint): bigint => BigInt.asUintN(64, n);

function add([av, am]: Bits, [bv, bm]: Bits): Bits {
  const sv = u64(av + bv);
  const mask = (u64(am + bm + sv) ^ sv) | am | bm;
  return [sv & ~mask, mask];
}

function union([av, am]: Bits, [bv, bm]: Bits): Bits {
  const mask = (av ^ bv) | am | bm;
  return [av & bv & ~mask, mask];
}

/** By the book: a known 1 of `a` adds b, an unknown bit may have. */
function product([av, am]: Bits, b: Bits): Bits {
  let acc: Bits = [0n, 0n];
  for (let i = 0n; i < 64n; i++) {
    const row: Bits = [u64(b[0] << i), u64(b[1] << i)];
    if (((av >> i) & 1n) === 1n) acc = add(acc, row);
    else if (((am >> i) & 1n) === 1n) acc = union(acc, add(acc, row));
  }
  return acc;
}

function ours([av, am]: Bits, [bv, bm]: Bits): Bits {
  const lanes = (val: bigint, mask: bigint) => ({
    valLo: Number(BigInt.asIntN(32, val)),
    valHi: Number(BigInt.asIntN(32, val >> 32n)),
    maskLo: Number(BigInt.asIntN(32, mask)),
    maskHi: Number(BigInt.asIntN(32, mask >> 32n)),
  });
  const out = lanes(av, am);
  tnumMul(out, out, lanes(bv, bm));
  const whole = (lo: number, hi: number): bigint => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
  return [whole(out.valLo, out.valHi), whole(out.maskLo, out.maskHi)];
}

const ALL = 2n ** 64n - 1n;
const UNKNOWN: Bits = [0n, ALL];

/** Few bits, many bits, all of them in one half. */
const WORDS = [
  0n,
  1n,
  2n,
  6n,
  0x80n,
  0xff00n,
  1n << 31n,
  1n << 32n,
  3n << 32n,
  1n << 63n,
  0x8000_0000_8000_0000n,
  ALL,
];
const FACTORS: readonly Bits[] = WORDS.flatMap((val) => WORDS.map((mask): Bits => [val & ~mask, mask]));

it.each(FACTORS)("%i with the unknown bits %i", (val, mask) => {
  const factor: Bits = [val, mask];
  expect(ours(factor, UNKNOWN)).toEqual(product(factor, UNKNOWN));
  expect(ours(UNKNOWN, factor)).toEqual(product(UNKNOWN, factor));
  expect(ours(factor, [5n, 8n])).toEqual(product(factor, [5n, 8n]));
});
