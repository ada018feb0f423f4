// 64-bit arithmetic on pairs of signed 32-bit lanes (lo, hi): no allocation, no bigint.
// Results come as two functions, one a lane, so that nothing is returned through shared state.
// Lanes are always int32 (`| 0`); the same bits serve signed and unsigned readers.

export const I32_MIN = -0x80000000;
export const I32_MAX = 0x7fffffff;

export function ltU32(a: number, b: number): boolean {
  return a >>> 0 < b >>> 0;
}

export function ltU64(alo: number, ahi: number, blo: number, bhi: number): boolean {
  return ahi === bhi ? alo >>> 0 < blo >>> 0 : ahi >>> 0 < bhi >>> 0;
}

export function ltS64(alo: number, ahi: number, blo: number, bhi: number): boolean {
  return ahi === bhi ? alo >>> 0 < blo >>> 0 : ahi < bhi;
}

export function addLo(alo: number, blo: number): number {
  return (alo + blo) | 0;
}

export function addHi(alo: number, ahi: number, blo: number, bhi: number): number {
  return (ahi + bhi + ((alo >>> 0) + (blo >>> 0) > 0xffffffff ? 1 : 0)) | 0;
}

export function subLo(alo: number, blo: number): number {
  return (alo - blo) | 0;
}

export function subHi(alo: number, ahi: number, blo: number, bhi: number): number {
  return (ahi - bhi - (alo >>> 0 < blo >>> 0 ? 1 : 0)) | 0;
}

/** Upper 32 bits of the 64-bit product of two unsigned 32-bit lanes. */
function mulU32Hi(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const mid = a1 * b0 + ((a0 * b0) >>> 16);
  const mid2 = a0 * b1 + (mid % 0x10000);
  return (a1 * b1 + Math.floor(mid / 0x10000) + Math.floor(mid2 / 0x10000)) | 0;
}

export function mulLo(alo: number, blo: number): number {
  return Math.imul(alo, blo);
}

export function mulHi(alo: number, ahi: number, blo: number, bhi: number): number {
  return (mulU32Hi(alo, blo) + Math.imul(alo, bhi) + Math.imul(ahi, blo)) | 0;
}

/** Shift counts are 0..63 in all shift functions. */
export function shlLo(lo: number, n: number): number {
  return n >= 32 ? 0 : lo << n;
}

export function shlHi(lo: number, hi: number, n: number): number {
  if (n === 0) return hi;
  return n >= 32 ? lo << (n - 32) : (hi << n) | (lo >>> (32 - n));
}

export function shrLo(lo: number, hi: number, n: number): number {
  if (n === 0) return lo;
  return n >= 32 ? (hi >>> (n - 32)) | 0 : (lo >>> n) | (hi << (32 - n));
}

export function shrHi(hi: number, n: number): number {
  return n >= 32 ? 0 : (hi >>> n) | 0;
}

export function sarLo(lo: number, hi: number, n: number): number {
  if (n === 0) return lo;
  return n >= 32 ? hi >> (n - 32) : (lo >>> n) | (hi << (32 - n));
}

export function sarHi(hi: number, n: number): number {
  return hi >> (n >= 32 ? 31 : n);
}

/** Number of the highest set bit, counted from 1; 0 for zero. */
export function fls64(lo: number, hi: number): number {
  return hi === 0 ? 32 - Math.clz32(lo) : 64 - Math.clz32(hi);
}

export function isPow2(lo: number, hi: number): boolean {
  if (hi === 0) return lo !== 0 && (lo & (lo - 1)) === 0;
  return lo === 0 && (hi & (hi - 1)) === 0;
}

export function toU64(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}

export function toS64(lo: number, hi: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0);
}

export function loOf(v: bigint): number {
  return Number(BigInt.asIntN(32, v));
}

export function hiOf(v: bigint): number {
  return Number(BigInt.asIntN(32, v >> 32n));
}
