// Scalars as the kernel's verifier log prints them: order, omissions, decimal or hex, bounds with one value joined.
// Tools parse this text. Knows nothing of registers; ids and pointer attributes are the caller's.
import type { Scalar } from "./scalar.ts";
import { I32_MAX, I32_MIN } from "./u64.ts";

const S64_MIN = -0x8000000000000000n;
const S64_MAX = 0x7fffffffffffffffn;
const U64_MAX = 0xffffffffffffffffn;
const U32_MAX = 0xffffffffn;

function hex(v: bigint): string {
  return `0x${BigInt.asUintN(64, v).toString(16)}`;
}

/** Unsigned: decimal up to 65535. */
export function fmtUnum(v: bigint): string {
  return v <= 0xffffn ? v.toString() : hex(v);
}

/** Signed: decimal within 16 bits, else hex of the 64-bit pattern. */
export function fmtSnum(v: bigint): string {
  return v >= -0x8000n && v <= 0x7fffn ? v.toString() : hex(v);
}

export function fmtTnum(s: Scalar): string {
  return s.isConst ? fmtUnum(s.value) : `(${hex(s.value)}; ${hex(s.mask)})`;
}

/** A signed 32-bit bound is not sign-extended where it prints as hex. */
function s32Val(v: number): bigint {
  return v >= -0x8000 && v <= 0x7fff ? BigInt(v) : BigInt(v >>> 0);
}

interface Bound {
  readonly name: string;
  readonly signed: boolean;
  readonly val: bigint;
  readonly omit: boolean;
}

function boundsOf(s: Scalar): Bound[] {
  const u32min = BigInt(s.u32min);
  const u32max = BigInt(s.u32max);
  // biome-ignore format: table
  return [
    { name: "smin",   signed: true,  val: s.smin,           omit: s.smin === S64_MIN },
    { name: "smax",   signed: true,  val: s.smax,           omit: s.smax === S64_MAX },
    { name: "umin",   signed: false, val: s.umin,           omit: s.umin === 0n },
    { name: "umax",   signed: false, val: s.umax,           omit: s.umax === U64_MAX },
    { name: "smin32", signed: true,  val: s32Val(s.s32min), omit: s.s32min === I32_MIN },
    { name: "smax32", signed: true,  val: s32Val(s.s32max), omit: s.s32max === I32_MAX },
    { name: "umin32", signed: false, val: u32min,           omit: u32min === 0n },
    { name: "umax32", signed: false, val: u32max,           omit: u32max === U32_MAX },
  ];
}

function isJoined(a: Bound, b: Bound): boolean {
  if (a.val !== b.val) return false;
  return (a.signed && a.val < 0n) === (b.signed && b.val < 0n);
}

/** The bounds worth printing; mins join with mins and maxes with maxes: `smin=umin=4`. */
function fmtBounds(s: Scalar): string[] {
  const bounds = boundsOf(s);
  const done = bounds.map((b) => b.omit);
  const out: string[] = [];
  for (const [i, bound] of bounds.entries()) {
    if (done[i] === true) continue;
    let names = bound.name;
    for (let j = i + 2; j < bounds.length; j += 2) {
      const other = bounds[j];
      if (other === undefined || done[j] === true || !isJoined(bound, other)) continue;
      done[j] = true;
      names += `=${other.name}`;
    }
    out.push(`${names}=${bound.signed ? fmtSnum(bound.val) : fmtUnum(bound.val)}`);
  }
  return out;
}

/** What stands in the brackets after id and the like, also for a pointer's variable offset. Not for constants. */
export function fmtScalarAttrs(s: Scalar): string[] {
  const attrs = fmtBounds(s);
  if (s.mask !== U64_MAX) attrs.push(`var_off=${fmtTnum(s)}`);
  return attrs;
}

/** A scalar register: the plain number, or `scalar(id=1,umax=255,var_off=(0x0; 0xff))`; `attrs` come first. */
export function fmtScalar(s: Scalar, attrs: readonly string[] = []): string {
  if (s.isConst) return fmtSnum(BigInt.asIntN(64, s.value));
  return `scalar(${[...attrs, ...fmtScalarAttrs(s)].join(",")})`;
}
