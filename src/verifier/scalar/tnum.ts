// Tristate numbers: 64 bits of which each is 0, 1 or unknown, as int32 lanes.
// Knows arithmetic on bits only. A Scalar has the same four fields and can be passed as a Tnum.
import { addHi, addLo, fls64, ltU64, subHi, subLo } from "./u64.ts";

/** Bits set in mask are unknown; the others are those of val. val & mask is 0. */
export interface Tnum {
  readonly valLo: number;
  readonly valHi: number;
  readonly maskLo: number;
  readonly maskHi: number;
}

export interface TnumOut {
  valLo: number;
  valHi: number;
  maskLo: number;
  maskHi: number;
}

/** Stores val without the bits of mask, as most operations end. */
function put(out: TnumOut, valLo: number, valHi: number, maskLo: number, maskHi: number): void {
  out.valLo = valLo & ~maskLo;
  out.valHi = valHi & ~maskHi;
  out.maskLo = maskLo;
  out.maskHi = maskHi;
}

/** All functions that fill `out` allow it to be one of the operands. */
export function tnumAdd(out: TnumOut, a: Tnum, b: Tnum): void {
  const vLo = addLo(a.valLo, b.valLo);
  const vHi = addHi(a.valLo, a.valHi, b.valLo, b.valHi);
  const mLo = addLo(a.maskLo, b.maskLo);
  const mHi = addHi(a.maskLo, a.maskHi, b.maskLo, b.maskHi);
  const sLo = addLo(mLo, vLo);
  const sHi = addHi(mLo, mHi, vLo, vHi);
  put(out, vLo, vHi, (sLo ^ vLo) | a.maskLo | b.maskLo, (sHi ^ vHi) | a.maskHi | b.maskHi);
}

export function tnumSub(out: TnumOut, a: Tnum, b: Tnum): void {
  const dLo = subLo(a.valLo, b.valLo);
  const dHi = subHi(a.valLo, a.valHi, b.valLo, b.valHi);
  const chiLo = addLo(dLo, a.maskLo) ^ subLo(dLo, b.maskLo);
  const chiHi = addHi(dLo, dHi, a.maskLo, a.maskHi) ^ subHi(dLo, dHi, b.maskLo, b.maskHi);
  put(out, dLo, dHi, chiLo | a.maskLo | b.maskLo, chiHi | a.maskHi | b.maskHi);
}

export function tnumAnd(out: TnumOut, a: Tnum, b: Tnum): void {
  const vLo = a.valLo & b.valLo;
  const vHi = a.valHi & b.valHi;
  const mLo = (a.valLo | a.maskLo) & (b.valLo | b.maskLo) & ~vLo;
  const mHi = (a.valHi | a.maskHi) & (b.valHi | b.maskHi) & ~vHi;
  put(out, vLo, vHi, mLo, mHi);
}

export function tnumOr(out: TnumOut, a: Tnum, b: Tnum): void {
  const vLo = a.valLo | b.valLo;
  const vHi = a.valHi | b.valHi;
  put(out, vLo, vHi, (a.maskLo | b.maskLo) & ~vLo, (a.maskHi | b.maskHi) & ~vHi);
}

export function tnumXor(out: TnumOut, a: Tnum, b: Tnum): void {
  put(out, a.valLo ^ b.valLo, a.valHi ^ b.valHi, a.maskLo | b.maskLo, a.maskHi | b.maskHi);
}

/** Members of either. */
function tnumUnion(out: TnumOut, a: Tnum, b: Tnum): void {
  const mLo = (a.valLo ^ b.valLo) | a.maskLo | b.maskLo;
  const mHi = (a.valHi ^ b.valHi) | a.maskHi | b.maskHi;
  put(out, a.valLo & b.valLo, a.valHi & b.valHi, mLo, mHi);
}

/** Members of both. Where they disagree on a known bit (no members at all) the bit becomes 1. */
export function tnumIntersect(out: TnumOut, a: Tnum, b: Tnum): void {
  put(out, a.valLo | b.valLo, a.valHi | b.valHi, a.maskLo & b.maskLo, a.maskHi & b.maskHi);
}

function isUnknown(t: Tnum): boolean {
  return (t.maskLo & t.maskHi) === -1;
}

/** Anything times `t`, step by step as below: unknown from the lowest bit on that `t` may have. */
function putMultiples(out: TnumOut, t: Tnum): void {
  const lo = t.valLo | t.maskLo;
  const hi = t.valHi | t.maskHi;
  put(out, 0, 0, lo | -lo, lo === 0 ? hi | -hi : -1);
}

/**
 * Long multiplication, one bit of `a` a step: a known 1 adds b, an unknown bit joins "added" with "not added".
 */
export function tnumMul(out: TnumOut, a: Tnum, b: Tnum): void {
  if (isUnknown(a)) return putMultiples(out, b);
  if (isUnknown(b)) return putMultiples(out, a);
  const acc: TnumOut = { valLo: 0, valHi: 0, maskLo: 0, maskHi: 0 };
  const sum: TnumOut = { valLo: 0, valHi: 0, maskLo: 0, maskHi: 0 };
  const row: TnumOut = { valLo: b.valLo, valHi: b.valHi, maskLo: b.maskLo, maskHi: b.maskHi };
  let { valLo, valHi, maskLo, maskHi } = a;
  while ((valLo | valHi | maskLo | maskHi) !== 0) {
    if ((valLo & 1) !== 0) {
      tnumAdd(acc, acc, row);
    } else if ((maskLo & 1) !== 0) {
      tnumAdd(sum, acc, row);
      tnumUnion(acc, acc, sum);
    }
    valLo = (valLo >>> 1) | (valHi << 31);
    valHi >>>= 1;
    maskLo = (maskLo >>> 1) | (maskHi << 31);
    maskHi >>>= 1;
    row.valHi = (row.valHi << 1) | (row.valLo >>> 31);
    row.valLo <<= 1;
    row.maskHi = (row.maskHi << 1) | (row.maskLo >>> 31);
    row.maskLo <<= 1;
  }
  put(out, acc.valLo, acc.valHi, acc.maskLo, acc.maskHi);
}

/** Lanes of the number whose low `bits` bits are 1, for 0..64. */
function lowOnesLo(bits: number): number {
  return bits >= 32 ? -1 : ((1 << bits) - 1) | 0;
}

function lowOnesHi(bits: number): number {
  return bits >= 64 ? -1 : bits > 32 ? ((1 << (bits - 32)) - 1) | 0 : 0;
}

/** Intersects `out` with the smallest tnum that holds every u64 from min to max. */
export function tnumIntersectRange(
  out: TnumOut,
  minLo: number,
  minHi: number,
  maxLo: number,
  maxHi: number,
): void {
  const bits = fls64(minLo ^ maxLo, minHi ^ maxHi);
  const freeLo = lowOnesLo(bits);
  const freeHi = lowOnesHi(bits);
  put(
    out,
    out.valLo | (minLo & ~freeLo),
    out.valHi | (minHi & ~freeHi),
    out.maskLo & freeLo,
    out.maskHi & freeHi,
  );
}

/** May the two be equal, as far as bits known in both say? */
export function tnumOverlap(a: Tnum, b: Tnum): boolean {
  const lo = (a.valLo ^ b.valLo) & ~a.maskLo & ~b.maskLo;
  const hi = (a.valHi ^ b.valHi) & ~a.maskHi & ~b.maskHi;
  return (lo | hi) === 0;
}

/** Is every member of `b` a member of `a`? */
export function tnumIn(a: Tnum, b: Tnum): boolean {
  if (((b.maskLo & ~a.maskLo) | (b.maskHi & ~a.maskHi)) !== 0) return false;
  return a.valLo === (b.valLo & ~a.maskLo) && a.valHi === (b.valHi & ~a.maskHi);
}

/**
 * The smallest member above z, lanes apart; the smallest of all if z is below it, the largest if there is none above.
 * Members are val plus a selection of mask bits, so this increments that selection: all other bits are set to 1 so
 * that the carry passes through them, and so are all bits below the highest bit of z - val that is outside mask.
 */
export function tnumNextLo(t: Tnum, zLo: number, zHi: number): number {
  if (!ltU64(zLo, zHi, t.valLo | t.maskLo, t.valHi | t.maskHi)) return t.valLo | t.maskLo;
  if (ltU64(zLo, zHi, t.valLo, t.valHi)) return t.valLo;
  return t.valLo | ((filledLo(t, zLo, zHi) + 1) & t.maskLo);
}

export function tnumNextHi(t: Tnum, zLo: number, zHi: number): number {
  if (!ltU64(zLo, zHi, t.valLo | t.maskLo, t.valHi | t.maskHi)) return t.valHi | t.maskHi;
  if (ltU64(zLo, zHi, t.valLo, t.valHi)) return t.valHi;
  const carry = filledLo(t, zLo, zHi) === -1 ? 1 : 0;
  return t.valHi | ((filledHi(t, zLo, zHi) + carry) & t.maskHi);
}

function filledLo(t: Tnum, zLo: number, zHi: number): number {
  const dLo = subLo(zLo, t.valLo);
  const dHi = subHi(zLo, zHi, t.valLo, t.valHi);
  const bits = fls64(dLo & ~t.maskLo, dHi & ~t.maskHi);
  return dLo | ~t.maskLo | lowOnesLo(bits);
}

function filledHi(t: Tnum, zLo: number, zHi: number): number {
  const dLo = subLo(zLo, t.valLo);
  const dHi = subHi(zLo, zHi, t.valLo, t.valHi);
  const bits = fls64(dLo & ~t.maskLo, dHi & ~t.maskHi);
  return dHi | ~t.maskHi | lowOnesHi(bits);
}
