// How the facts of a Scalar inform each other: bits, u64, s64, u32 and s32 bounds.
// Each step only intersects with what the other facts imply; knows nothing of operations or branches.
// The order and number of steps is the kernel's, because its log shows the result.
import { copyOf, type Draft, type Scalar } from "./scalar.ts";
import { tnumIn, tnumIntersectRange, tnumNextHi, tnumNextLo } from "./tnum.ts";
import { hiOf, I32_MAX, I32_MIN, loOf, ltS64, ltU32, ltU64 } from "./u64.ts";

export function raiseUmin(d: Draft, lo: number, hi: number): void {
  if (ltU64(d.uminLo, d.uminHi, lo, hi)) {
    d.uminLo = lo;
    d.uminHi = hi;
  }
}

export function capUmax(d: Draft, lo: number, hi: number): void {
  if (ltU64(lo, hi, d.umaxLo, d.umaxHi)) {
    d.umaxLo = lo;
    d.umaxHi = hi;
  }
}

export function raiseSmin(d: Draft, lo: number, hi: number): void {
  if (ltS64(d.sminLo, d.sminHi, lo, hi)) {
    d.sminLo = lo;
    d.sminHi = hi;
  }
}

export function capSmax(d: Draft, lo: number, hi: number): void {
  if (ltS64(lo, hi, d.smaxLo, d.smaxHi)) {
    d.smaxLo = lo;
    d.smaxHi = hi;
  }
}

export function raiseU32min(d: Draft, bits: number): void {
  if (ltU32(d.u32minBits, bits)) d.u32minBits = bits;
}

export function capU32max(d: Draft, bits: number): void {
  if (ltU32(bits, d.u32maxBits)) d.u32maxBits = bits;
}

export function raiseS32min(d: Draft, v: number): void {
  if (d.s32min < v) d.s32min = v;
}

export function capS32max(d: Draft, v: number): void {
  if (v < d.s32max) d.s32max = v;
}

export function unbound32(d: Draft): void {
  d.u32minBits = 0;
  d.u32maxBits = -1;
  d.s32min = I32_MIN;
  d.s32max = I32_MAX;
}

/** Without what is known of the low half beside its bits. */
export function without32(s: Scalar): Scalar {
  const d = copyOf(s);
  unbound32(d);
  return d;
}

export function unboundU64(d: Draft): void {
  d.uminLo = d.uminHi = 0;
  d.umaxLo = d.umaxHi = -1;
}

export function unboundS64(d: Draft): void {
  d.sminLo = 0;
  d.sminHi = I32_MIN;
  d.smaxLo = -1;
  d.smaxHi = I32_MAX;
}

export function unbound64(d: Draft): void {
  unboundU64(d);
  unboundS64(d);
}

export function setConst(d: Draft, lo: number, hi: number): void {
  d.valLo = d.uminLo = d.umaxLo = d.sminLo = d.smaxLo = lo;
  d.valHi = d.uminHi = d.umaxHi = d.sminHi = d.smaxHi = hi;
  d.maskLo = d.maskHi = 0;
  d.u32minBits = d.u32maxBits = d.s32min = d.s32max = lo;
}

/** Bits -> 32-bit bounds. The least signed value takes an unknown sign bit as 1 and all other unknown bits as 0. */
export function boundFromBits32(d: Draft): void {
  raiseS32min(d, d.valLo | (d.maskLo & I32_MIN));
  capS32max(d, d.valLo | (d.maskLo & I32_MAX));
  raiseU32min(d, d.valLo);
  capU32max(d, d.valLo | d.maskLo);
}

/**
 * If just one member of the bits' set lies in the u64 range, that is the value.
 * Members below umin do not count; `next` is the first above it.
 */
function pickOnlyMember(d: Draft): void {
  const { maskLo, maskHi, uminLo, uminHi } = d;
  const tmaxLo = d.valLo | maskLo;
  const tmaxHi = d.valHi | maskHi;
  if ((uminLo & ~maskLo) === d.valLo && (uminHi & ~maskHi) === d.valHi) {
    pickMinMember(d, uminLo === tmaxLo && uminHi === tmaxHi);
    return;
  }
  const nextLo = tnumNextLo(d, uminLo, uminHi);
  const nextHi = tnumNextHi(d, uminLo, uminHi);
  if (nextLo === tmaxLo && nextHi === tmaxHi) {
    setConst(d, tmaxLo, tmaxHi);
  } else if (!ltU64(d.umaxLo, d.umaxHi, nextLo, nextHi)) {
    const thirdLo = tnumNextLo(d, nextLo, nextHi);
    const thirdHi = tnumNextHi(d, nextLo, nextHi);
    if (ltU64(d.umaxLo, d.umaxHi, thirdLo, thirdHi)) setConst(d, nextLo, nextHi);
  }
}

/** umin is a member; from a member, the next is one increment that carries through the known bits. */
function pickMinMember(d: Draft, isLast: boolean): void {
  const { uminLo, uminHi } = d;
  const sum = ((uminLo | ~d.maskLo) + 1) | 0;
  const nextLo = isLast ? uminLo : d.valLo | (sum & d.maskLo);
  const nextHi = isLast ? uminHi : d.valHi | (((uminHi | ~d.maskHi) + (sum === 0 ? 1 : 0)) & d.maskHi);
  if (ltU64(d.umaxLo, d.umaxHi, nextLo, nextHi)) setConst(d, uminLo, uminHi);
}

/** Bits -> 64-bit bounds. */
function boundFromBits64(d: Draft): void {
  raiseSmin(d, d.valLo, d.valHi | (d.maskHi & I32_MIN));
  capSmax(d, d.valLo | d.maskLo, d.valHi | (d.maskHi & I32_MAX));
  raiseUmin(d, d.valLo, d.valHi);
  capUmax(d, d.valLo | d.maskLo, d.valHi | d.maskHi);
  pickOnlyMember(d);
}

export function boundFromBits(d: Draft): void {
  boundFromBits32(d);
  boundFromBits64(d);
}

/** The low halves of a 64-bit range whose upper half does not change, or steps once across zero of s32. */
function deduce32From64(d: Draft): void {
  if (d.uminHi === d.umaxHi) {
    raiseU32min(d, d.uminLo);
    capU32max(d, d.umaxLo);
    if (d.uminLo <= d.umaxLo) {
      raiseS32min(d, d.uminLo);
      capS32max(d, d.umaxLo);
    }
  }
  if (d.sminHi === d.smaxHi) {
    if (!ltU32(d.smaxLo, d.sminLo)) {
      raiseU32min(d, d.sminLo);
      capU32max(d, d.smaxLo);
    }
    if (d.sminLo <= d.smaxLo) {
      raiseS32min(d, d.sminLo);
      capS32max(d, d.smaxLo);
    }
  }
  if (((d.uminHi + 1) | 0) === d.umaxHi && d.uminLo < 0 && d.umaxLo >= 0) {
    raiseS32min(d, d.uminLo);
    capS32max(d, d.umaxLo);
  }
  if (((d.sminHi + 1) | 0) === d.smaxHi && d.sminLo < 0 && d.smaxLo >= 0) {
    raiseS32min(d, d.sminLo);
    capS32max(d, d.smaxLo);
  }
}

/** u32 <-> s32. A signed range across zero is two unsigned pieces; it still helps when the other range meets only one. */
function deduce32Signs(d: Draft): void {
  if (d.u32minBits <= d.u32maxBits) {
    raiseS32min(d, d.u32minBits);
    capS32max(d, d.u32maxBits);
  }
  if (!ltU32(d.s32max, d.s32min)) {
    raiseU32min(d, d.s32min);
    capU32max(d, d.s32max);
  } else if (ltU32(d.u32maxBits, d.s32min)) {
    d.s32min = d.u32minBits;
    capU32max(d, d.s32max);
  } else if (ltU32(d.s32max, d.u32minBits)) {
    d.s32max = d.u32maxBits;
    raiseU32min(d, d.s32min);
  }
}

/** u64 <-> s64, by the same reasoning. */
function deduce64Signs(d: Draft): void {
  if (!ltS64(d.umaxLo, d.umaxHi, d.uminLo, d.uminHi)) {
    raiseSmin(d, d.uminLo, d.uminHi);
    capSmax(d, d.umaxLo, d.umaxHi);
  }
  if (!ltU64(d.smaxLo, d.smaxHi, d.sminLo, d.sminHi)) {
    raiseUmin(d, d.sminLo, d.sminHi);
    capUmax(d, d.smaxLo, d.smaxHi);
  } else if (ltU64(d.umaxLo, d.umaxHi, d.sminLo, d.sminHi)) {
    d.sminLo = d.uminLo;
    d.sminHi = d.uminHi;
    capUmax(d, d.smaxLo, d.smaxHi);
  } else if (ltU64(d.smaxLo, d.smaxHi, d.uminLo, d.uminHi)) {
    d.smaxLo = d.umaxLo;
    d.smaxHi = d.umaxHi;
    raiseUmin(d, d.sminLo, d.sminHi);
  }
}

/** Puts the low-half bounds under each end of the 64-bit ranges. */
function tighten64By(d: Draft, minBits: number, maxBits: number): void {
  raiseUmin(d, minBits, d.uminHi);
  capUmax(d, maxBits, d.umaxHi);
  raiseSmin(d, minBits, d.sminHi);
  capSmax(d, maxBits, d.smaxHi);
}

function deduce64From32(d: Draft): void {
  tighten64By(d, d.u32minBits, d.u32maxBits);
  if (!ltU32(d.s32max, d.s32min)) tighten64By(d, d.s32min, d.s32max);
  // After a sign-extending load: within s32 and the low half not negative, so the upper half is zero.
  const inS32 = !ltS64(d.sminLo, d.sminHi, I32_MIN, -1) && !ltS64(I32_MAX, 0, d.smaxLo, d.smaxHi);
  if (d.s32min >= 0 && inS32) {
    d.sminLo = d.uminLo = d.s32min;
    d.smaxLo = d.umaxLo = d.s32max;
    d.sminHi = d.uminHi = 0;
    d.smaxHi = d.umaxHi = d.s32max >> 31;
    tnumIntersectRange(d, d.sminLo, d.sminHi, d.smaxLo, d.smaxHi);
  }
}

function deduceOnce(d: Draft): void {
  deduce32From64(d);
  deduce32Signs(d);
  deduce64Signs(d);
  deduce64From32(d);
}

/** One pass; did it change a bound? */
function deduceChanges(d: Draft): boolean {
  const { uminLo, uminHi, umaxLo, umaxHi, sminLo, sminHi, smaxLo, smaxHi } = d;
  const { u32minBits, u32maxBits, s32min, s32max } = d;
  deduceOnce(d);
  return (
    ((uminLo ^ d.uminLo) | (uminHi ^ d.uminHi) | (umaxLo ^ d.umaxLo) | (umaxHi ^ d.umaxHi)) !== 0 ||
    ((sminLo ^ d.sminLo) | (sminHi ^ d.sminHi) | (smaxLo ^ d.smaxLo) | (smaxHi ^ d.smaxHi)) !== 0 ||
    ((u32minBits ^ d.u32minBits) |
      (u32maxBits ^ d.u32maxBits) |
      (s32min ^ d.s32min) |
      (s32max ^ d.s32max)) !==
      0
  );
}

/** All eight bounds say the same range within 0..2^31-1: no pass can change them. */
function isSmallRange(d: Draft): boolean {
  const { uminLo: min, umaxLo: max } = d;
  return (
    (d.uminHi | d.umaxHi | d.sminHi | d.smaxHi) === 0 &&
    min >= 0 &&
    min <= max &&
    ((d.sminLo ^ min) | (d.smaxLo ^ max) | (d.u32minBits ^ min) | (d.u32maxBits ^ max)) === 0 &&
    d.s32min === min &&
    d.s32max === max
  );
}

/** The kernel makes three passes; one that changes nothing is the last that matters. */
function deduce(d: Draft): void {
  if (isSmallRange(d)) return;
  if (deduceChanges(d) && deduceChanges(d)) deduceOnce(d);
}

/** Bounds -> bits: the leading bits that both ends share. */
function bitsFromBounds(d: Draft): void {
  tnumIntersectRange(d, d.uminLo, d.uminHi, d.umaxLo, d.umaxHi);
  const { valHi, maskHi } = d;
  tnumIntersectRange(d, d.u32minBits, 0, d.u32maxBits, 0);
  d.valHi = valHi;
  d.maskHi = maskHi;
}

/** Lets all facts inform each other. May leave min above max when the facts exclude each other. */
export function syncBounds(d: Draft): Scalar {
  boundFromBits(d);
  deduce(d);
  bitsFromBounds(d);
  boundFromBits(d);
  return d;
}

/** The rule an inconsistent Scalar breaks, or undefined. The words are those of the kernel. */
export function violationOf(s: Scalar): string | undefined {
  const badRange =
    ltU64(s.umaxLo, s.umaxHi, s.uminLo, s.uminHi) ||
    ltS64(s.smaxLo, s.smaxHi, s.sminLo, s.sminHi) ||
    ltU32(s.u32maxBits, s.u32minBits) ||
    s.s32max < s.s32min;
  if (badRange) return "range bounds violation";
  if (s.isConst) {
    const { valLo: lo, valHi: hi } = s;
    const u64 = s.uminLo === lo && s.uminHi === hi && s.umaxLo === lo && s.umaxHi === hi;
    const s64 = s.sminLo === lo && s.sminHi === hi && s.smaxLo === lo && s.smaxHi === hi;
    if (!u64 || !s64) return "const tnum out of sync with range bounds";
  }
  if (s.isConst32) {
    const lo = s.valLo;
    const same = s.u32minBits === lo && s.u32maxBits === lo && s.s32min === lo && s.s32max === lo;
    if (!same) return "const subreg tnum out of sync with range bounds";
  }
  return undefined;
}

/** Is every fact of `old` weaker than or equal to that of `cur`? Then what held for old holds for cur. */
export function subsumes(old: Scalar, cur: Scalar): boolean {
  return (
    old === cur ||
    (!ltU64(cur.uminLo, cur.uminHi, old.uminLo, old.uminHi) &&
      !ltU64(old.umaxLo, old.umaxHi, cur.umaxLo, cur.umaxHi) &&
      !ltS64(cur.sminLo, cur.sminHi, old.sminLo, old.sminHi) &&
      !ltS64(old.smaxLo, old.smaxHi, cur.smaxLo, cur.smaxHi) &&
      !ltU32(cur.u32minBits, old.u32minBits) &&
      !ltU32(old.u32maxBits, cur.u32maxBits) &&
      old.s32min <= cur.s32min &&
      old.s32max >= cur.s32max &&
      tnumIn(old, cur))
  );
}

export interface Limits {
  readonly umin?: bigint;
  readonly umax?: bigint;
  readonly smin?: bigint;
  readonly smax?: bigint;
  readonly s32min?: number;
  readonly s32max?: number;
  readonly u32min?: number;
  readonly u32max?: number;
}

/** `s` with further limits, e.g. from what a helper promises to return. */
export function withLimits(s: Scalar, limits: Limits): Scalar {
  const d = copyOf(s);
  if (limits.umin !== undefined) raiseUmin(d, loOf(limits.umin), hiOf(limits.umin));
  if (limits.umax !== undefined) capUmax(d, loOf(limits.umax), hiOf(limits.umax));
  if (limits.smin !== undefined) raiseSmin(d, loOf(limits.smin), hiOf(limits.smin));
  if (limits.smax !== undefined) capSmax(d, loOf(limits.smax), hiOf(limits.smax));
  if (limits.u32min !== undefined) raiseU32min(d, limits.u32min | 0);
  if (limits.u32max !== undefined) capU32max(d, limits.u32max | 0);
  if (limits.s32min !== undefined) raiseS32min(d, limits.s32min);
  if (limits.s32max !== undefined) capS32max(d, limits.s32max);
  return syncBounds(d);
}
