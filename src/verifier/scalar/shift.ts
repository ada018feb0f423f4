// What shifts by a constant do to Scalars. Knows bits and bounds only.
// A count that is not a constant below the width makes the result unknown, as in the kernel.
import type { Width } from "../../isa/insn.ts";
import {
  boundFromBits,
  boundFromBits32,
  syncBounds,
  unbound32,
  unbound64,
  unboundS64,
  unboundU64,
} from "./bounds.ts";
import { zext } from "./cast.ts";
import { copyOf, type Draft, Scalar } from "./scalar.ts";
import { I32_MAX, I32_MIN, ltU32, ltU64, sarHi, sarLo, shlHi, shlLo, shrHi, shrLo } from "./u64.ts";

type ShiftOp = "lsh" | "rsh" | "arsh";

/** Shift counts are constants below the width: the caller has checked. */
type ShiftStep = (d: Draft, n: number) => void;

function lshU32(d: Draft, n: number): void {
  d.s32min = I32_MIN;
  d.s32max = I32_MAX;
  if (n > 31 || ltU32(1 << (31 - n), d.u32maxBits)) {
    d.u32minBits = 0;
    d.u32maxBits = -1;
  } else {
    d.u32minBits <<= n;
    d.u32maxBits <<= n;
  }
}

function stepLsh32(d: Draft, n: number): void {
  lshU32(d, n);
  d.valLo <<= n;
  d.maskLo <<= n;
  d.valHi = d.maskHi = 0;
  unbound64(d);
  boundFromBits32(d);
}

function stepLsh64(d: Draft, n: number): void {
  unboundS64(d);
  if (n === 32) {
    // Half of the pair that sign-extends the low half; the sign does not change here.
    d.sminLo = d.smaxLo = 0;
    d.sminHi = d.s32min;
    d.smaxHi = d.s32max;
  }
  if (ltU64(shlLo(1, 63 - n), shlHi(1, 0, 63 - n), d.umaxLo, d.umaxHi)) {
    unboundU64(d);
  } else {
    d.uminHi = shlHi(d.uminLo, d.uminHi, n);
    d.uminLo = shlLo(d.uminLo, n);
    d.umaxHi = shlHi(d.umaxLo, d.umaxHi, n);
    d.umaxLo = shlLo(d.umaxLo, n);
  }
  lshU32(d, n);
  d.valHi = shlHi(d.valLo, d.valHi, n);
  d.valLo = shlLo(d.valLo, n);
  d.maskHi = shlHi(d.maskLo, d.maskHi, n);
  d.maskLo = shlLo(d.maskLo, n);
  boundFromBits(d);
}

function stepRsh32(d: Draft, n: number): void {
  d.s32min = I32_MIN;
  d.s32max = I32_MAX;
  d.valLo = (d.valLo >>> n) | 0;
  d.maskLo = (d.maskLo >>> n) | 0;
  d.valHi = d.maskHi = 0;
  d.u32minBits = (d.u32minBits >>> n) | 0;
  d.u32maxBits = (d.u32maxBits >>> n) | 0;
  unbound64(d);
  boundFromBits32(d);
}

function stepRsh64(d: Draft, n: number): void {
  unboundS64(d);
  d.valLo = shrLo(d.valLo, d.valHi, n);
  d.valHi = shrHi(d.valHi, n);
  d.maskLo = shrLo(d.maskLo, d.maskHi, n);
  d.maskHi = shrHi(d.maskHi, n);
  d.uminLo = shrLo(d.uminLo, d.uminHi, n);
  d.uminHi = shrHi(d.uminHi, n);
  d.umaxLo = shrLo(d.umaxLo, d.umaxHi, n);
  d.umaxHi = shrHi(d.umaxHi, n);
  unbound32(d);
  boundFromBits(d);
}

function stepArsh32(d: Draft, n: number): void {
  d.s32min >>= n;
  d.s32max >>= n;
  d.valLo >>= n;
  d.maskLo >>= n;
  d.valHi = d.maskHi = 0;
  d.u32minBits = 0;
  d.u32maxBits = -1;
  unbound64(d);
  boundFromBits32(d);
}

function stepArsh64(d: Draft, n: number): void {
  d.sminLo = sarLo(d.sminLo, d.sminHi, n);
  d.sminHi = sarHi(d.sminHi, n);
  d.smaxLo = sarLo(d.smaxLo, d.smaxHi, n);
  d.smaxHi = sarHi(d.smaxHi, n);
  d.valLo = sarLo(d.valLo, d.valHi, n);
  d.valHi = sarHi(d.valHi, n);
  d.maskLo = sarLo(d.maskLo, d.maskHi, n);
  d.maskHi = sarHi(d.maskHi, n);
  unboundU64(d);
  unbound32(d);
  boundFromBits(d);
}

// biome-ignore format: table
const SHIFTS: Record<ShiftOp, Record<Width, ShiftStep>> = {
  lsh:  { 32: stepLsh32,  64: stepLsh64 },
  rsh:  { 32: stepRsh32,  64: stepRsh64 },
  arsh: { 32: stepArsh32, 64: stepArsh64 },
};

export function shift(op: ShiftOp, width: Width, dst: Scalar, src: Scalar): Scalar {
  const known = width === 64 ? src.isConst : src.isConst32;
  // The kernel asks the whole 64-bit bound even for 32-bit shifts.
  if (!known || src.umaxHi !== 0 || src.umaxLo >>> 0 >= width) return Scalar.unknown;
  const d = copyOf(dst);
  SHIFTS[op][width](d, src.valLo);
  if (width === 32) zext(d);
  return syncBounds(d);
}
