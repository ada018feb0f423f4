// The scalar domain against concrete arithmetic (soundness) and against recorded logs of the kernel (precision).
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AluOp, JmpOp, Width } from "../../src/isa/insn.ts";
import { JMP_OPS, rowsOf } from "../../src/isa/opcode.ts";
import { alu, ptrAdd, ptrSub } from "../../src/verifier/scalar/alu.ts";
import { subsumes, withLimits } from "../../src/verifier/scalar/bounds.ts";
import { coerceToSize, coerceToSizeSx } from "../../src/verifier/scalar/cast.ts";
import { fmtScalar } from "../../src/verifier/scalar/fmt.ts";
import { isBranchTaken, narrowJmp } from "../../src/verifier/scalar/jmp.ts";
import { Scalar, sameScalar } from "../../src/verifier/scalar/scalar.ts";
import { compare, type KernelCase } from "./scalar_compare.ts";
import { broken, isFollowed, malformed, runAlu, runJmp, runOp, type Values } from "./scalar_concrete.ts";
import { type State, stepOp } from "./scalar_program.ts";
import { lcg, pick, type Rand, randomProgram } from "./scalar_random.ts";

const U64 = (v: bigint): bigint => BigInt.asUintN(64, v);
const EDGES = [
  0n,
  0x7fn,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0xffffffffn,
  0x7fffffffffffffffn,
  0xffffffffffffffffn,
];

function randomValue(rand: Rand): bigint {
  const wide = (BigInt(rand()) << 32n) | BigInt(rand());
  if (rand() % 3 === 0) return wide >> BigInt(rand() % 64);
  return U64(pick(rand, EDGES) + BigInt(rand() % 5) - 2n);
}

/** Follows one run of a random program with concrete values; returns what went wrong. */
function walk(seed: number): string | undefined {
  const rand = lcg(seed);
  const values: Values = {
    6: randomValue(rand),
    7: randomValue(rand),
    8: randomValue(rand),
    9: randomValue(rand),
  };
  let st: State = { 6: Scalar.unknown, 7: Scalar.unknown, 8: Scalar.unknown, 9: Scalar.unknown };
  for (const op of randomProgram(rand, 24)) {
    const before = st;
    const { next, other } = stepOp(st, op);
    const reached = op.k !== "jmp" || isFollowed(values, op) ? next : other;
    if (reached === undefined) return `${JSON.stringify(op)} is reached, the domain says never`;
    if (op.k !== "jmp") values[op.dst] = runOp(values, op);
    st = reached;
    for (const r of [6, 7, 8, 9] as const) {
      const bad = [...broken(st[r], values[r]), ...(malformed(st[r]) ?? [])];
      if (bad.length === 0) continue;
      return `${JSON.stringify(op)}: ${fmtScalar(before[r])} -> ${fmtScalar(st[r])} lost ${values[r]} in r${r}: ${bad.join()}`;
    }
  }
  return undefined;
}

/** All scalars with three unknown-able low bits on a base, and their members. */
function tiny(base: bigint): { readonly x: Scalar; readonly members: readonly bigint[] }[] {
  const out: { x: Scalar; members: bigint[] }[] = [];
  for (let mask = 0n; mask < 8n; mask++) {
    for (let value = 0n; value < 8n; value++) {
      if ((value & mask) !== 0n) continue;
      const bits = alu(
        "or",
        64,
        alu("and", 64, Scalar.unknown, Scalar.ofBigInt(mask)),
        Scalar.ofBigInt(value),
      );
      const x = alu("add", 64, bits, Scalar.ofBigInt(base));
      const members = [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n]
        .filter((v) => (v & ~mask) === value)
        .map((v) => U64(v + base));
      out.push({ x, members });
    }
  }
  return out;
}

const BASES = [0n, 0x7ffffffcn, 0xfffffffcn, 0x7ffffffffffffffcn, 0xfffffffffffffffcn];
const WIDTHS: readonly Width[] = [32, 64];
// biome-ignore format: table
const ALU: readonly AluOp[] = ["add", "sub", "mul", "div", "mod", "and", "or", "xor", "lsh", "rsh", "arsh"];
const JMP: readonly JmpOp[] = rowsOf(JMP_OPS).map(([op]) => op);

describe("scalar soundness", () => {
  it("keeps the concrete values of random programs", () => {
    const seeds = fc.integer();
    fc.assert(
      fc.property(seeds, (seed) => {
        expect(walk(seed)).toBeUndefined();
      }),
      { numRuns: 4000 },
    );
  });

  it.each(BASES)("holds all results of arithmetic on small sets at %s", (base) => {
    const right = tiny(0n).filter((_, i) => i % 2 === 0);
    for (const a of tiny(base)) {
      for (const b of right) {
        for (const op of ALU) {
          for (const width of WIDTHS) {
            const r = alu(op, width, a.x, b.x);
            const lost = a.members.flatMap((v) =>
              b.members.filter((w) => broken(r, runAlu(op, width, v, w)).length > 0).map((w) => [v, w]),
            );
            if (lost.length > 0)
              expect.fail(`${op}${width} ${fmtScalar(a.x)} ${fmtScalar(b.x)} lost ${String(lost[0])}`);
          }
        }
      }
    }
  });

  it.each(BASES)("holds all outcomes of jumps on small sets at %s", (base) => {
    for (const a of tiny(base)) {
      for (const b of tiny(base)) {
        for (const op of JMP) {
          for (const width of WIDTHS) {
            const out = narrowJmp(op, width, a.x, b.x);
            const decided = isBranchTaken(op, width, a.x, b.x);
            for (const v of a.members) {
              for (const w of b.members) {
                const taken = runJmp(op, width, v, w);
                const pair = taken ? out.taken : out.fallthrough;
                const ok =
                  pair !== undefined && broken(pair.dst, v).length === 0 && broken(pair.src, w).length === 0;
                if (!ok || (decided !== undefined && decided !== taken))
                  expect.fail(`${op}${width} ${fmtScalar(a.x)} ${fmtScalar(b.x)} lost ${v} ${w}`);
              }
            }
          }
        }
      }
    }
  });

  it("keeps members through narrow loads and pointer sums", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const rand = lcg(seed);
        const limit = randomValue(rand);
        const x = withLimits(Scalar.unknown, { umax: limit, smin: -BigInt(rand()) });
        const v = randomValue(rand);
        if (broken(x, v).length > 0) return;
        const off = Scalar.ofBigInt(randomValue(rand));
        for (const size of [1, 2, 4, 8] as const) {
          expect(broken(coerceToSize(x, size), BigInt.asUintN(size * 8, v))).toEqual([]);
          expect(broken(coerceToSizeSx(x, size), U64(BigInt.asIntN(size * 8, v)))).toEqual([]);
        }
        expect(broken(ptrAdd(x, off), U64(v + off.value))).toEqual([]);
        expect(broken(ptrSub(x, off), U64(v - off.value))).toEqual([]);
      }),
      { numRuns: 3000 },
    );
  });
});

describe("subsumes", () => {
  const byte = coerceToSize(Scalar.unknown, 1);
  const even = alu("and", 64, byte, Scalar.ofImm(0xfe));
  it.each([
    { name: "unknown over a byte", old: Scalar.unknown, cur: byte, want: true },
    { name: "a byte over unknown", old: byte, cur: Scalar.unknown, want: false },
    { name: "a byte over itself", old: byte, cur: byte, want: true },
    { name: "a byte over even bytes", old: byte, cur: even, want: true },
    { name: "even bytes over bytes", old: even, cur: byte, want: false },
    { name: "even bytes over an odd constant in range", old: even, cur: Scalar.ofImm(3), want: false },
    { name: "even bytes over an even constant", old: even, cur: Scalar.ofImm(4), want: true },
    { name: "a constant over another", old: Scalar.ofImm(4), cur: Scalar.ofImm(5), want: false },
  ])("$name: $want", ({ old, cur, want }) => {
    expect(subsumes(old, cur)).toBe(want);
  });
});

describe("numbers and constants", () => {
  it("reads bounds as numbers exactly up to 2^53", () => {
    const x = withLimits(Scalar.unknown, { umax: 2n ** 53n, smin: 5n });
    expect([x.uminNum, x.umaxNum, x.sminNum, x.smaxNum]).toEqual([5, 2 ** 53, 5, 2 ** 53]);
    expect([Scalar.unknown.sminNum, Scalar.unknown.umax, Scalar.unknown.bitWidth]).toEqual([
      -(2 ** 63),
      2n ** 64n - 1n,
      64,
    ]);
  });

  it("extends the sign of immediates", () => {
    expect(Scalar.ofImm(-1).value).toBe(2n ** 64n - 1n);
    expect(Scalar.ofImm(-1).constNum).toBe(-1);
    expect(sameScalar(Scalar.ofImm(7), Scalar.ofBigInt(7n))).toBe(true);
  });
});

interface Header {
  readonly release: string;
  readonly programs: number;
}

describe("the kernel's log", () => {
  const lines = readFileSync(new URL("./scalar_kernel.jsonl", import.meta.url), "utf8")
    .trimEnd()
    .split("\n");
  const header: Header = JSON.parse(lines[0] ?? "");
  const cases: KernelCase[] = lines.slice(1).map((line) => JSON.parse(line));

  it(`has all cases of ${header.release}`, () => {
    expect(header.programs).toBeGreaterThan(100);
    expect(cases.length).toBe(header.programs);
  });

  it("shows the same states after every op", () => {
    expect(cases.map(compare).filter((text) => text !== undefined)).toEqual([]);
  });
});
