// Whether a number is among those that the verifier says a register may hold, every fact of it at once; written here a
// second time, from their meaning.
import type { Scalar } from "../../src/verifier/scalar/scalar.ts";

/** a <= b, as unsigned, in two lanes. */
function leU(aLo: number, aHi: number, bLo: number, bHi: number): boolean {
  return aHi === bHi ? aLo >>> 0 <= bLo >>> 0 : aHi >>> 0 < bHi >>> 0;
}

function leS(aLo: number, aHi: number, bLo: number, bHi: number): boolean {
  return aHi === bHi ? aLo >>> 0 <= bLo >>> 0 : aHi < bHi;
}

/** Every fact of a scalar holds of this value. */
export function isMember(s: Scalar, lo: number, hi: number): boolean {
  return (
    ((lo ^ s.valLo) & ~s.maskLo) === 0 &&
    ((hi ^ s.valHi) & ~s.maskHi) === 0 &&
    leU(s.uminLo, s.uminHi, lo, hi) &&
    leU(lo, hi, s.umaxLo, s.umaxHi) &&
    leS(s.sminLo, s.sminHi, lo, hi) &&
    leS(lo, hi, s.smaxLo, s.smaxHi) &&
    lo >>> 0 >= s.u32minBits >>> 0 &&
    lo >>> 0 <= s.u32maxBits >>> 0 &&
    lo >= s.s32min &&
    lo <= s.s32max
  );
}

export function isMemberBig(s: Scalar, value: bigint): boolean {
  return isMember(s, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
}

/** Of a number that was spilled in part only its lowest bytes are there. */
export function lowBytesHold(s: Scalar, view: DataView, at: number, size: number): boolean {
  if (size === 4) {
    const lo = view.getInt32(at, true);
    const u = lo >>> 0;
    const isInBounds = u >= s.u32minBits >>> 0 && u <= s.u32maxBits >>> 0 && lo >= s.s32min && lo <= s.s32max;
    return isInBounds && ((lo ^ s.valLo) & ~s.maskLo) === 0;
  }
  const lo = size === 2 ? view.getUint16(at, true) : view.getUint8(at);
  return ((lo ^ s.valLo) & ~s.maskLo & (size === 2 ? 0xffff : 0xff)) === 0;
}
