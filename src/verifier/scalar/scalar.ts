// What is known of a 64-bit value: its bits (tnum) and its bounds read as u64, s64, and the low half as u32, s32.
// A Scalar is a value: immutable, without registers, pointers or ids. Every number is kept as int32 lanes,
// which V8 stores without a heap object; bigint getters are for logs and rare paths.
// The set it stands for is the intersection of all facts; losing precision is allowed, losing a member is not.
import { I32_MAX, I32_MIN, fls64, hiOf, loOf, toS64, toU64 } from "./u64.ts";

/** How many constants are kept to be used again, by their low bits: a power of two. */
export const CONSTS_KEPT = 4096;
const consts: (Scalar | undefined)[] = new Array(CONSTS_KEPT).fill(undefined);

export class Scalar {
  constructor(
    /** tnum: bits set in mask are unknown, the others are those of val; val & mask is 0 */
    readonly valLo: number,
    readonly valHi: number,
    readonly maskLo: number,
    readonly maskHi: number,
    readonly uminLo: number,
    readonly uminHi: number,
    readonly umaxLo: number,
    readonly umaxHi: number,
    readonly sminLo: number,
    readonly sminHi: number,
    readonly smaxLo: number,
    readonly smaxHi: number,
    /** u32 bounds of the low half, as int32 bits; read them as numbers through u32min and u32max */
    readonly u32minBits: number,
    readonly u32maxBits: number,
    readonly s32min: number,
    readonly s32max: number,
  ) {}

  /** any 64-bit value */
  static readonly unknown: Scalar = new Scalar(
    ...([0, 0, -1, -1] as const),
    ...([0, 0, -1, -1] as const),
    ...([0, I32_MIN, -1, I32_MAX] as const),
    ...([0, -1, I32_MIN, I32_MAX] as const),
  );

  /** any value of `bits` bits, the rest zero: what narrow loads and 32-bit operations give when nothing is known */
  static readonly unknown8: Scalar = Scalar.ofBits(0xff);
  static readonly unknown16: Scalar = Scalar.ofBits(0xffff);
  static readonly unknown32: Scalar = Scalar.ofBits(-1);

  static readonly zero: Scalar = Scalar.ofLanes(0, 0);

  /** A constant; most often the same object as the last time. */
  static ofLanes(lo: number, hi: number): Scalar {
    const i = lo & (CONSTS_KEPT - 1);
    const known = consts[i];
    if (known !== undefined && known.valLo === lo && known.valHi === hi) return known;
    const made = new Scalar(lo, hi, 0, 0, lo, hi, lo, hi, lo, hi, lo, hi, lo, lo, lo, lo);
    consts[i] = made;
    return made;
  }

  /** Any value of these lowest bits; the rest zero. */
  private static ofBits(bits: number): Scalar {
    const s32min = bits === -1 ? I32_MIN : 0;
    const s32max = bits === -1 ? I32_MAX : bits;
    return new Scalar(0, 0, bits, 0, 0, 0, bits, 0, 0, 0, bits, 0, 0, bits, s32min, s32max);
  }

  /** A constant from a signed 32-bit immediate, sign-extended as insns do. */
  static ofImm(imm: number): Scalar {
    return imm === 0 ? Scalar.zero : Scalar.ofLanes(imm | 0, imm >> 31);
  }

  static ofBigInt(v: bigint): Scalar {
    return Scalar.ofLanes(loOf(v), hiOf(v));
  }

  /** All 64 bits are known. */
  get isConst(): boolean {
    return (this.maskLo | this.maskHi) === 0;
  }

  /** The low 32 bits are known. */
  get isConst32(): boolean {
    return this.maskLo === 0;
  }

  get isZero(): boolean {
    return (this.maskLo | this.maskHi | this.valLo | this.valHi) === 0;
  }

  /** Nothing at all is known. */
  get isUnknown(): boolean {
    return this.maskLo === -1 && this.maskHi === -1 && hasFullBounds(this);
  }

  get value(): bigint {
    return toU64(this.valLo, this.valHi);
  }
  get mask(): bigint {
    return toU64(this.maskLo, this.maskHi);
  }
  get umin(): bigint {
    return toU64(this.uminLo, this.uminHi);
  }
  get umax(): bigint {
    return toU64(this.umaxLo, this.umaxHi);
  }
  get smin(): bigint {
    return toS64(this.sminLo, this.sminHi);
  }
  get smax(): bigint {
    return toS64(this.smaxLo, this.smaxHi);
  }
  get u32min(): number {
    return this.u32minBits >>> 0;
  }
  get u32max(): number {
    return this.u32maxBits >>> 0;
  }

  /**
   * The same as numbers: exact up to 2^53, beyond that rounded, but never across a smaller power of two.
   * So `s.umaxNum < LIMIT` is right for every LIMIT up to 2^53.
   */
  get uminNum(): number {
    return (this.uminHi >>> 0) * 0x100000000 + (this.uminLo >>> 0);
  }
  get umaxNum(): number {
    return (this.umaxHi >>> 0) * 0x100000000 + (this.umaxLo >>> 0);
  }
  get sminNum(): number {
    return this.sminHi * 0x100000000 + (this.sminLo >>> 0);
  }
  get smaxNum(): number {
    return this.smaxHi * 0x100000000 + (this.smaxLo >>> 0);
  }
  /** Only for constants: the value read as s64 (rounded beyond 2^53). */
  get constNum(): number {
    return this.valHi * 0x100000000 + (this.valLo >>> 0);
  }

  /** Bits needed for every member read as unsigned: 0..64. */
  get bitWidth(): number {
    return fls64(this.umaxLo, this.umaxHi);
  }
}

/** A Scalar still being computed; handed out only as Scalar. */
export type Draft = { -readonly [K in keyof Scalar]: Scalar[K] };

function hasFullBounds(s: Scalar): boolean {
  return (
    (s.uminLo | s.uminHi | s.sminLo | s.u32minBits) === 0 &&
    (s.umaxLo & s.umaxHi & s.smaxLo & s.u32maxBits) === -1 &&
    s.sminHi === I32_MIN &&
    s.smaxHi === I32_MAX &&
    s.s32min === I32_MIN &&
    s.s32max === I32_MAX
  );
}

// biome-ignore format: one row a group of fields
export function copyOf(s: Scalar): Draft {
  return new Scalar(
    s.valLo, s.valHi, s.maskLo, s.maskHi,
    s.uminLo, s.uminHi, s.umaxLo, s.umaxHi,
    s.sminLo, s.sminHi, s.smaxLo, s.smaxHi,
    s.u32minBits, s.u32maxBits, s.s32min, s.s32max,
  );
}

// biome-ignore format: one row a group of fields
export function sameScalar(a: Scalar, b: Scalar): boolean {
  return a === b || (
    a.valLo === b.valLo && a.valHi === b.valHi && a.maskLo === b.maskLo && a.maskHi === b.maskHi &&
    a.uminLo === b.uminLo && a.uminHi === b.uminHi && a.umaxLo === b.umaxLo && a.umaxHi === b.umaxHi &&
    a.sminLo === b.sminLo && a.sminHi === b.sminHi && a.smaxLo === b.smaxLo && a.smaxHi === b.smaxHi &&
    a.u32minBits === b.u32minBits && a.u32maxBits === b.u32maxBits && a.s32min === b.s32min && a.s32max === b.s32max
  );
}
