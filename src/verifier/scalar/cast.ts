// Changes of width: zero and sign extension, narrow loads, byte swaps.
// Knows bits and bounds only; precision is that of the kernel.
import type { Width } from "../../isa/insn.ts";
import { setConst, syncBounds, unbound32, unbound64, unboundU64 } from "./bounds.ts";
import { copyOf, type Draft, Scalar } from "./scalar.ts";
import { tnumIntersectRange } from "./tnum.ts";
import { I32_MAX, I32_MIN } from "./u64.ts";

/** Clears the upper half, as 32-bit operations do. The caller syncs. */
export function zext(d: Draft): void {
  d.valHi = d.maskHi = 0;
  d.uminLo = d.u32minBits;
  d.umaxLo = d.u32maxBits;
  d.uminHi = d.umaxHi = d.sminHi = d.smaxHi = 0;
  const positive = d.s32min >= 0 && d.s32max >= 0;
  d.sminLo = positive ? d.s32min : 0;
  d.smaxLo = positive ? d.s32max : -1;
}

/** w = w: the low half, zero-extended. */
export function mov32(s: Scalar): Scalar {
  if (s.isConst) return s.valHi === 0 ? s : Scalar.ofLanes(s.valLo, 0);
  if (s === Scalar.unknown || s === Scalar.unknown32) return Scalar.unknown32;
  const d = copyOf(s);
  zext(d);
  return syncBounds(d);
}

function swab16(v: number): number {
  return ((v & 0xff) << 8) | ((v >>> 8) & 0xff);
}

function swab32(v: number): number {
  return (swab16(v) << 16) | swab16(v >>> 16);
}

function swapBits(d: Draft, bits: 16 | 32 | 64): void {
  const { valLo, valHi, maskLo, maskHi } = d;
  d.valHi = bits === 64 ? swab32(valLo) : 0;
  d.maskHi = bits === 64 ? swab32(maskLo) : 0;
  d.valLo = bits === 16 ? swab16(valLo) : swab32(bits === 64 ? valHi : valLo);
  d.maskLo = bits === 16 ? swab16(maskLo) : swab32(bits === 64 ? maskHi : maskLo);
}

/** le, be or bswap on a little-endian machine: the bits move, the bounds follow from them. */
export function end(to: "le" | "be" | "swap", bits: 16 | 32 | 64, s: Scalar): Scalar {
  const d = copyOf(s);
  if (to !== "le") {
    swapBits(d, bits);
    unbound64(d);
    unbound32(d);
  }
  return bits === 64 ? syncBounds(d) : coerceToSize(d, bits === 16 ? 2 : 4);
}

const UNKNOWN_OF = { 1: Scalar.unknown8, 2: Scalar.unknown16, 4: Scalar.unknown32 } as const;

/** The value after a load of `size` bytes, zero-extended. */
export function coerceToSize(s: Scalar, size: 1 | 2 | 4 | 8): Scalar {
  if (size === 8) return s;
  if (s === Scalar.unknown) return UNKNOWN_OF[size];
  const keep = size === 4 ? -1 : (1 << (size * 8)) - 1;
  const d = copyOf(s);
  d.valHi = d.maskHi = 0;
  d.valLo &= keep;
  d.maskLo &= keep;
  const sameTop = d.uminHi === d.umaxHi && (d.uminLo & ~keep) === (d.umaxLo & ~keep);
  d.uminLo = d.sminLo = sameTop ? d.uminLo & keep : 0;
  d.umaxLo = d.smaxLo = sameTop ? d.umaxLo & keep : keep;
  d.uminHi = d.umaxHi = d.sminHi = d.smaxHi = 0;
  if (size < 4) unbound32(d);
  return syncBounds(d);
}

/** The low `bits` bits of an int32, sign-extended. */
function sext(v: number, bits: 8 | 16 | 32): number {
  return (v << (32 - bits)) >> (32 - bits);
}

function forgetBits(d: Draft): void {
  d.valLo = d.valHi = 0;
  d.maskLo = d.maskHi = -1;
}

/** 64-bit sign extension of the low `bits` bits, also for signed loads. */
function sext64(s: Scalar, bits: 8 | 16 | 32): Scalar {
  if (s.isConst) return Scalar.ofImm(sext(s.valLo, bits));
  const d = copyOf(s);
  const shift = bits % 32;
  const sameTop = d.sminHi === d.smaxHi && (bits === 32 || d.sminLo >> shift === d.smaxLo >> shift);
  const a = sext(d.sminLo, bits);
  const b = sext(d.smaxLo, bits);
  forgetBits(d);
  if (sameTop && a >= 0 === b >= 0) {
    const min = Math.min(a, b);
    const max = Math.max(a, b);
    d.s32min = d.u32minBits = d.sminLo = d.uminLo = min;
    d.s32max = d.u32maxBits = d.smaxLo = d.umaxLo = max;
    d.sminHi = d.uminHi = d.smaxHi = d.umaxHi = min >> 31;
    tnumIntersectRange(d, min, min >> 31, max, max >> 31);
    return d;
  }
  unboundU64(d);
  unbound32(d);
  d.s32min = d.sminLo = I32_MIN >> (32 - bits);
  d.s32max = d.smaxLo = I32_MAX >> (32 - bits);
  d.sminHi = -1;
  d.smaxHi = 0;
  return d;
}

/** 32-bit sign extension of the low `bits` bits, the upper half zero. */
function sext32(s: Scalar, bits: 8 | 16): Scalar {
  const d = copyOf(s);
  if (s.isConst) {
    setConst(d, sext(s.valLo, bits), 0);
    return d;
  }
  const sameTop = d.s32min >> bits === d.s32max >> bits;
  const a = sext(d.s32min, bits);
  const b = sext(d.s32max, bits);
  forgetBits(d);
  unbound32(d);
  unbound64(d);
  if (sameTop && a >= 0 === b >= 0) {
    d.s32min = d.u32minBits = Math.min(a, b);
    d.s32max = d.u32maxBits = Math.max(a, b);
    tnumIntersectRange(d, d.s32min, 0, d.s32max, 0);
  } else {
    d.s32min = I32_MIN >> (32 - bits);
    d.s32max = I32_MAX >> (32 - bits);
  }
  zext(d);
  return syncBounds(d);
}

/** dst = (s8|s16|s32)src in either width; 32 bits from 32 is a plain mov32. */
export function movsx(width: Width, from: 8 | 16 | 32, src: Scalar): Scalar {
  if (width === 64) return sext64(src, from);
  return from === 32 ? mov32(src) : sext32(src, from);
}

/** The value after a sign-extending load of `size` bytes. */
export function coerceToSizeSx(s: Scalar, size: 1 | 2 | 4 | 8): Scalar {
  if (size === 8) return s;
  return sext64(s, size === 1 ? 8 : size === 2 ? 16 : 32);
}
