// What arithmetic does to Scalars: each function maps operands to a superset of all results.
// Knows nothing of insns' registers, pointers or branches. Precision is that of the kernel, whose log shows it.
// Division, modulo and byte swaps of unknown values give up, as the kernel does.
import type { AluOp, Width } from "../../isa/insn.ts";
import {
  boundFromBits,
  capU32max,
  capUmax,
  raiseU32min,
  raiseUmin,
  setConst,
  syncBounds,
  unbound32,
  unboundS64,
  unboundU64,
} from "./bounds.ts";
import { zext } from "./cast.ts";
import { mulBounds } from "./mul.ts";
import { shift } from "./shift.ts";
import { copyOf, type Draft, Scalar } from "./scalar.ts";
import { tnumAdd, tnumAnd, tnumMul, tnumOr, tnumSub, tnumXor } from "./tnum.ts";
import { addHi, addLo, I32_MAX, I32_MIN, ltS64, ltU32, ltU64, mulHi, mulLo, subHi, subLo } from "./u64.ts";

/** One binary operation on a draft of dst, both widths: fills bits and bounds, does not sync. */
type Step = (d: Draft, src: Scalar) => void;

/** Did a signed sum a + b = r overflow? By sign bits of the top lanes. */
function addOverflows(a: number, b: number, r: number): boolean {
  return ((a ^ r) & (b ^ r)) < 0;
}

/** Did a signed difference a - b = r overflow? */
function subOverflows(a: number, b: number, r: number): boolean {
  return ((a ^ b) & (a ^ r)) < 0;
}

function addBounds32(d: Draft, s: Scalar): void {
  const smin = (d.s32min + s.s32min) | 0;
  const smax = (d.s32max + s.s32max) | 0;
  const lost = addOverflows(d.s32min, s.s32min, smin) || addOverflows(d.s32max, s.s32max, smax);
  d.s32min = lost ? I32_MIN : smin;
  d.s32max = lost ? I32_MAX : smax;
  const umin = addLo(d.u32minBits, s.u32minBits);
  const umax = addLo(d.u32maxBits, s.u32maxBits);
  // Both ends wrapping keeps their order; only one wrapping loses everything.
  const wraps = !ltU32(umin, d.u32minBits) && ltU32(umax, d.u32maxBits);
  d.u32minBits = wraps ? 0 : umin;
  d.u32maxBits = wraps ? -1 : umax;
}

function addBoundsS64(d: Draft, s: Scalar): void {
  const minHi = addHi(d.sminLo, d.sminHi, s.sminLo, s.sminHi);
  const maxHi = addHi(d.smaxLo, d.smaxHi, s.smaxLo, s.smaxHi);
  if (addOverflows(d.sminHi, s.sminHi, minHi) || addOverflows(d.smaxHi, s.smaxHi, maxHi)) {
    unboundS64(d);
    return;
  }
  d.sminLo = addLo(d.sminLo, s.sminLo);
  d.sminHi = minHi;
  d.smaxLo = addLo(d.smaxLo, s.smaxLo);
  d.smaxHi = maxHi;
}

/** The sum of the unsigned bounds, and which ends wrapped: bit 0 the lower, bit 1 the upper. */
function addBoundsU64(d: Draft, s: Scalar): number {
  const minLo = addLo(d.uminLo, s.uminLo);
  const minHi = addHi(d.uminLo, d.uminHi, s.uminLo, s.uminHi);
  const maxLo = addLo(d.umaxLo, s.umaxLo);
  const maxHi = addHi(d.umaxLo, d.umaxHi, s.umaxLo, s.umaxHi);
  const wraps =
    (ltU64(minLo, minHi, d.uminLo, d.uminHi) ? 1 : 0) | (ltU64(maxLo, maxHi, d.umaxLo, d.umaxHi) ? 2 : 0);
  d.uminLo = minLo;
  d.uminHi = minHi;
  d.umaxLo = maxLo;
  d.umaxHi = maxHi;
  return wraps;
}

function stepAdd(d: Draft, s: Scalar): void {
  addBounds32(d, s);
  addBoundsS64(d, s);
  if (addBoundsU64(d, s) === 2) unboundU64(d);
  tnumAdd(d, d, s);
}

function subBounds32(d: Draft, s: Scalar): void {
  const smin = (d.s32min - s.s32max) | 0;
  const smax = (d.s32max - s.s32min) | 0;
  const lost = subOverflows(d.s32min, s.s32max, smin) || subOverflows(d.s32max, s.s32min, smax);
  d.s32min = lost ? I32_MIN : smin;
  d.s32max = lost ? I32_MAX : smax;
  const wraps = ltU32(d.u32minBits, s.u32maxBits) && !ltU32(d.u32maxBits, s.u32minBits);
  const umin = subLo(d.u32minBits, s.u32maxBits);
  d.u32maxBits = wraps ? -1 : subLo(d.u32maxBits, s.u32minBits);
  d.u32minBits = wraps ? 0 : umin;
}

function subBoundsS64(d: Draft, s: Scalar): void {
  const minHi = subHi(d.sminLo, d.sminHi, s.smaxLo, s.smaxHi);
  const maxHi = subHi(d.smaxLo, d.smaxHi, s.sminLo, s.sminHi);
  if (subOverflows(d.sminHi, s.smaxHi, minHi) || subOverflows(d.smaxHi, s.sminHi, maxHi)) {
    unboundS64(d);
    return;
  }
  d.sminLo = subLo(d.sminLo, s.smaxLo);
  d.sminHi = minHi;
  d.smaxLo = subLo(d.smaxLo, s.sminLo);
  d.smaxHi = maxHi;
}

/** As addBoundsU64, for the difference. */
function subBoundsU64(d: Draft, s: Scalar): number {
  const wraps =
    (ltU64(d.uminLo, d.uminHi, s.umaxLo, s.umaxHi) ? 1 : 0) |
    (ltU64(d.umaxLo, d.umaxHi, s.uminLo, s.uminHi) ? 2 : 0);
  const minHi = subHi(d.uminLo, d.uminHi, s.umaxLo, s.umaxHi);
  const maxHi = subHi(d.umaxLo, d.umaxHi, s.uminLo, s.uminHi);
  d.uminLo = subLo(d.uminLo, s.umaxLo);
  d.uminHi = minHi;
  d.umaxLo = subLo(d.umaxLo, s.uminLo);
  d.umaxHi = maxHi;
  return wraps;
}

function stepSub(d: Draft, s: Scalar): void {
  subBounds32(d, s);
  subBoundsS64(d, s);
  if (subBoundsU64(d, s) === 1) unboundU64(d);
  tnumSub(d, d, s);
}

function stepMul(d: Draft, s: Scalar): void {
  tnumMul(d, d, s);
  mulBounds(d, s);
}

/** Signed bounds from unsigned ones that do not cross the sign; else nothing. */
function signedFromUnsigned32(d: Draft): void {
  const fits = d.u32minBits <= d.u32maxBits;
  d.s32min = fits ? d.u32minBits : I32_MIN;
  d.s32max = fits ? d.u32maxBits : I32_MAX;
}

function signedFromUnsigned64(d: Draft): void {
  if (ltS64(d.umaxLo, d.umaxHi, d.uminLo, d.uminHi)) {
    unboundS64(d);
    return;
  }
  d.sminLo = d.uminLo;
  d.sminHi = d.uminHi;
  d.smaxLo = d.umaxLo;
  d.smaxHi = d.umaxHi;
}

/** Shared by and, or, xor: the bits are done; `bounds` sets the unsigned bounds that follow from them. */
function bitwise(bits: (d: Draft, s: Scalar) => void, bounds32: Step, bounds64: Step): Step {
  return (d, s) => {
    bits(d, s);
    if (s.isConst && d.isConst) {
      setConst(d, d.valLo, d.valHi);
      return;
    }
    if (s.isConst32 && d.isConst32) {
      d.u32minBits = d.u32maxBits = d.s32min = d.s32max = d.valLo;
    } else {
      bounds32(d, s);
      signedFromUnsigned32(d);
    }
    bounds64(d, s);
    signedFromUnsigned64(d);
    boundFromBits(d);
  };
}

const stepAnd: Step = bitwise(
  (d, s) => tnumAnd(d, d, s),
  (d, s) => {
    d.u32minBits = d.valLo;
    capU32max(d, s.u32maxBits);
  },
  (d, s) => {
    d.uminLo = d.valLo;
    d.uminHi = d.valHi;
    capUmax(d, s.umaxLo, s.umaxHi);
  },
);

const stepOr: Step = bitwise(
  (d, s) => tnumOr(d, d, s),
  (d, s) => {
    raiseU32min(d, s.u32minBits);
    d.u32maxBits = d.valLo | d.maskLo;
  },
  (d, s) => {
    raiseUmin(d, s.uminLo, s.uminHi);
    d.umaxLo = d.valLo | d.maskLo;
    d.umaxHi = d.valHi | d.maskHi;
  },
);

const stepXor: Step = bitwise(
  (d, s) => tnumXor(d, d, s),
  (d) => {
    d.u32minBits = d.valLo;
    d.u32maxBits = d.valLo | d.maskLo;
  },
  (d) => {
    d.uminLo = d.valLo;
    d.uminHi = d.valHi;
    d.umaxLo = d.valLo | d.maskLo;
    d.umaxHi = d.valHi | d.maskHi;
  },
);

const STEPS: { readonly [op in AluOp]?: Step } = {
  add: stepAdd,
  sub: stepSub,
  mul: stepMul,
  and: stepAnd,
  or: stepOr,
  xor: stepXor,
};

/** Of these an unknown operand leaves nothing known. */
const LOSES: { readonly [op in AluOp]?: true } = { add: true, sub: true, xor: true };

/** The constants' own result, or undefined where the kernel does not compute it either. */
function constResult(op: AluOp, a: Scalar, b: Scalar): Scalar | undefined {
  const { valLo: alo, valHi: ahi } = a;
  const { valLo: blo, valHi: bhi } = b;
  switch (op) {
    case "add":
      return Scalar.ofLanes(addLo(alo, blo), addHi(alo, ahi, blo, bhi));
    case "sub":
      return Scalar.ofLanes(subLo(alo, blo), subHi(alo, ahi, blo, bhi));
    case "mul":
      return Scalar.ofLanes(mulLo(alo, blo), mulHi(alo, ahi, blo, bhi));
    case "and":
      return Scalar.ofLanes(alo & blo, ahi & bhi);
    case "or":
      return Scalar.ofLanes(alo | blo, ahi | bhi);
    case "xor":
      return Scalar.ofLanes(alo ^ blo, ahi ^ bhi);
    default:
      return undefined;
  }
}

/** dst op src. `mov` is not here: see mov32 and movsx; a 64-bit mov is the value itself. */
export function alu(op: AluOp, width: Width, dst: Scalar, src: Scalar): Scalar {
  if (op === "lsh" || op === "rsh" || op === "arsh") return shift(op, width, dst, src);
  const step = STEPS[op];
  if (step === undefined) return Scalar.unknown;
  if (LOSES[op] === true) {
    if (dst === Scalar.unknown || src === Scalar.unknown)
      return width === 64 ? Scalar.unknown : Scalar.unknown32;
    if (width === 32 && (dst === Scalar.unknown32 || src === Scalar.unknown32)) return Scalar.unknown32;
  }
  if (dst.isConst && src.isConst) {
    const r = constResult(op, dst, src);
    if (r !== undefined) return width === 64 ? r : Scalar.ofLanes(r.valLo, 0);
  }
  const d = copyOf(dst);
  step(d, src);
  if (width === 32) zext(d);
  const result = syncBounds(d);
  return result.isUnknown ? Scalar.unknown : result;
}

export function neg(width: Width, s: Scalar): Scalar {
  return alu("sub", width, Scalar.zero, s);
}

/** Pointer offset + scalar, both variable parts: pointers carry no 32-bit bounds. */
export function ptrAdd(ptr: Scalar, off: Scalar): Scalar {
  const d = copyOf(ptr);
  unbound32(d);
  addBoundsS64(d, off);
  if (addBoundsU64(d, off) !== 0) unboundU64(d);
  tnumAdd(d, d, off);
  return syncBounds(d);
}

export function ptrSub(ptr: Scalar, off: Scalar): Scalar {
  const d = copyOf(ptr);
  unbound32(d);
  subBoundsS64(d, off);
  if ((subBoundsU64(d, off) & 1) !== 0) unboundU64(d);
  tnumSub(d, d, off);
  return syncBounds(d);
}
