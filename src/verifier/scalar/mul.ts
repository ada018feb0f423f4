// Bounds of products. Separate from the other operations because overflow of 64-bit products needs wider numbers:
// doubles where they are exact, bigint where they are not.
import type { Draft, Scalar } from "./scalar.ts";
import { unboundS64, unboundU64 } from "./bounds.ts";
import { hiOf, I32_MAX, I32_MIN, loOf } from "./u64.ts";

const U32_MAX = 0xffffffff;
const U64_MAX = 0xffffffffffffffffn;
const S64_MIN = -0x8000000000000000n;
const S64_MAX = 0x7fffffffffffffffn;
/** Doubles round by less than one in 2^50, so a product rounded above these is above the limit. */
const SURELY_ABOVE_U64 = 0x10000000000000000 * 1.001;
const SURELY_ABOVE_S64 = 0x8000000000000000 * 1.001;

function isExact(n: number): boolean {
  return Number.isSafeInteger(n);
}

function mulBoundsU32(d: Draft, s: Scalar): void {
  if (d.u32max * s.u32max > U32_MAX) {
    d.u32minBits = 0;
    d.u32maxBits = -1;
  } else {
    d.u32minBits = Math.imul(d.u32minBits, s.u32minBits);
    d.u32maxBits = Math.imul(d.u32maxBits, s.u32maxBits);
  }
}

function mulBoundsS32(d: Draft, s: Scalar): void {
  const p0 = d.s32min * s.s32min;
  const p1 = d.s32min * s.s32max;
  const p2 = d.s32max * s.s32min;
  const p3 = d.s32max * s.s32max;
  const min = Math.min(p0, p1, p2, p3);
  const max = Math.max(p0, p1, p2, p3);
  const lost = min < I32_MIN || max > I32_MAX;
  d.s32min = lost ? I32_MIN : min | 0;
  d.s32max = lost ? I32_MAX : max | 0;
}

function setU64(d: Draft, min: number, max: number): void {
  d.uminLo = min | 0;
  d.uminHi = Math.floor(min / 0x100000000) | 0;
  d.umaxLo = max | 0;
  d.umaxHi = Math.floor(max / 0x100000000) | 0;
}

function mulBoundsU64(d: Draft, s: Scalar): void {
  const max = d.umaxNum * s.umaxNum;
  if (max > SURELY_ABOVE_U64) {
    unboundU64(d);
  } else if (isExact(max) && isExact(d.umaxNum) && isExact(s.umaxNum)) {
    setU64(d, d.uminNum * s.uminNum, max);
  } else {
    mulBoundsU64Big(d, s);
  }
}

function mulBoundsU64Big(d: Draft, s: Scalar): void {
  const max = d.umax * s.umax;
  const min = d.umin * s.umin;
  if (max > U64_MAX || min > U64_MAX) {
    unboundU64(d);
    return;
  }
  d.uminLo = loOf(min);
  d.uminHi = hiOf(min);
  d.umaxLo = loOf(max);
  d.umaxHi = hiOf(max);
}

function mulBoundsS64(d: Draft, s: Scalar): void {
  const { sminNum: a0, smaxNum: a1 } = d;
  const { sminNum: b0, smaxNum: b1 } = s;
  const p0 = a0 * b0;
  const p1 = a0 * b1;
  const p2 = a1 * b0;
  const p3 = a1 * b1;
  const min = Math.min(p0, p1, p2, p3);
  const max = Math.max(p0, p1, p2, p3);
  if (max > SURELY_ABOVE_S64 || min < -SURELY_ABOVE_S64) {
    unboundS64(d);
  } else if (isExact(min) && isExact(max) && isExact(a0) && isExact(a1) && isExact(b0) && isExact(b1)) {
    d.sminLo = min | 0;
    d.sminHi = Math.floor(min / 0x100000000) | 0;
    d.smaxLo = max | 0;
    d.smaxHi = Math.floor(max / 0x100000000) | 0;
  } else {
    mulBoundsS64Big(d, s);
  }
}

function mulBoundsS64Big(d: Draft, s: Scalar): void {
  const products = [d.smin * s.smin, d.smin * s.smax, d.smax * s.smin, d.smax * s.smax];
  const min = products.reduce((a, b) => (b < a ? b : a));
  const max = products.reduce((a, b) => (b > a ? b : a));
  if (min < S64_MIN || max > S64_MAX) {
    unboundS64(d);
    return;
  }
  d.sminLo = loOf(min);
  d.sminHi = hiOf(min);
  d.smaxLo = loOf(max);
  d.smaxHi = hiOf(max);
}

/** Multiplies all bounds of `d` by those of `s`; a range that overflows is lost. */
export function mulBounds(d: Draft, s: Scalar): void {
  mulBoundsU32(d, s);
  mulBoundsS32(d, s);
  mulBoundsU64(d, s);
  mulBoundsS64(d, s);
}
