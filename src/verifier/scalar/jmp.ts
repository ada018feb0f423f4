// What a comparison of two Scalars decides, and what each outcome teaches about both.
// Knows nothing of registers or insns. Precision is that of the kernel.
import type { JmpOp, Width } from "../../isa/insn.ts";
import {
  capS32max,
  capSmax,
  capU32max,
  capUmax,
  raiseS32min,
  raiseSmin,
  raiseU32min,
  raiseUmin,
  syncBounds,
  unbound32,
  unbound64,
  violationOf,
} from "./bounds.ts";
import { copyOf, type Draft, type Scalar } from "./scalar.ts";
import { tnumIntersect, tnumOverlap } from "./tnum.ts";
import { addHi, addLo, isPow2, ltS64, ltU32, ltU64, subHi, subLo } from "./u64.ts";

/** What holds of both sides of a comparison. */
export class Pair {
  constructor(
    readonly dst: Scalar,
    readonly src: Scalar,
  ) {}
}

export class Outcomes {
  constructor(
    /** undefined: the jump is never taken */
    readonly taken: Pair | undefined,
    readonly fallthrough: Pair | undefined,
  ) {}
}

/** Every comparison is one of these or its denial, perhaps with the sides exchanged. */
type Relation = "eq" | "ne" | "set" | "clear" | "ult" | "ule" | "slt" | "sle";

interface Side {
  readonly rel: Relation;
  readonly swap: boolean;
}

const keep = (rel: Relation): Side => ({ rel, swap: false });
const swapped = (rel: Relation): Side => ({ rel, swap: true });

// biome-ignore format: table
const RELATIONS: Record<JmpOp, { readonly taken: Side; readonly fallthrough: Side }> = {
  jeq:  { taken: keep("eq"),     fallthrough: keep("ne") },
  jne:  { taken: keep("ne"),     fallthrough: keep("eq") },
  jset: { taken: keep("set"),    fallthrough: keep("clear") },
  jgt:  { taken: swapped("ult"), fallthrough: keep("ule") },
  jge:  { taken: swapped("ule"), fallthrough: keep("ult") },
  jlt:  { taken: keep("ult"),    fallthrough: swapped("ule") },
  jle:  { taken: keep("ule"),    fallthrough: swapped("ult") },
  jsgt: { taken: swapped("slt"), fallthrough: keep("sle") },
  jsge: { taken: swapped("sle"), fallthrough: keep("slt") },
  jslt: { taken: keep("slt"),    fallthrough: swapped("sle") },
  jsle: { taken: keep("sle"),    fallthrough: swapped("slt") },
};

function apart32(a: Scalar, b: Scalar): boolean {
  return (
    ltU32(b.u32maxBits, a.u32minBits) ||
    ltU32(a.u32maxBits, b.u32minBits) ||
    a.s32min > b.s32max ||
    a.s32max < b.s32min
  );
}

function apart64(a: Scalar, b: Scalar): boolean {
  return (
    ltU64(b.umaxLo, b.umaxHi, a.uminLo, a.uminHi) ||
    ltU64(a.umaxLo, a.umaxHi, b.uminLo, b.uminHi) ||
    ltS64(b.smaxLo, b.smaxHi, a.sminLo, a.sminHi) ||
    ltS64(a.smaxLo, a.smaxHi, b.sminLo, b.sminHi)
  );
}

/** true, false or "cannot say" of one relation. */
type Decide = (a: Scalar, b: Scalar) => boolean | undefined;

function eq64(a: Scalar, b: Scalar): boolean | undefined {
  if (a.isConst && b.isConst) return a.valLo === b.valLo && a.valHi === b.valHi;
  return !tnumOverlap(a, b) || apart64(a, b) || apart32(a, b) ? false : undefined;
}

function eq32(a: Scalar, b: Scalar): boolean | undefined {
  if (a.isConst32 && b.isConst32) return a.valLo === b.valLo;
  const differ = ((a.valLo ^ b.valLo) & ~a.maskLo & ~b.maskLo) !== 0;
  return differ || apart32(a, b) ? false : undefined;
}

function set64(a: Scalar, b: Scalar): boolean | undefined {
  if (!b.isConst) return a.isConst ? set64(b, a) : undefined;
  if (((a.valLo & b.valLo) | (a.valHi & b.valHi)) !== 0) return true;
  return (((a.valLo | a.maskLo) & b.valLo) | ((a.valHi | a.maskHi) & b.valHi)) === 0 ? false : undefined;
}

function set32(a: Scalar, b: Scalar): boolean | undefined {
  if (!b.isConst32) return a.isConst32 ? set32(b, a) : undefined;
  if ((a.valLo & b.valLo) !== 0) return true;
  return ((a.valLo | a.maskLo) & b.valLo) === 0 ? false : undefined;
}

function ult64(a: Scalar, b: Scalar): boolean | undefined {
  if (ltU64(a.umaxLo, a.umaxHi, b.uminLo, b.uminHi)) return true;
  return ltU64(a.uminLo, a.uminHi, b.umaxLo, b.umaxHi) ? undefined : false;
}

function ult32(a: Scalar, b: Scalar): boolean | undefined {
  if (ltU32(a.u32maxBits, b.u32minBits)) return true;
  return ltU32(a.u32minBits, b.u32maxBits) ? undefined : false;
}

function slt64(a: Scalar, b: Scalar): boolean | undefined {
  if (ltS64(a.smaxLo, a.smaxHi, b.sminLo, b.sminHi)) return true;
  return ltS64(a.sminLo, a.sminHi, b.smaxLo, b.smaxHi) ? undefined : false;
}

function slt32(a: Scalar, b: Scalar): boolean | undefined {
  if (a.s32max < b.s32min) return true;
  return a.s32min < b.s32max ? undefined : false;
}

function not(v: boolean | undefined): boolean | undefined {
  return v === undefined ? undefined : !v;
}

// biome-ignore format: table
const DECIDE: Record<Relation, Record<Width, Decide>> = {
  eq:    { 64: eq64,                      32: eq32 },
  ne:    { 64: (a, b) => not(eq64(a, b)), 32: (a, b) => not(eq32(a, b)) },
  set:   { 64: set64,                     32: set32 },
  clear: { 64: (a, b) => not(set64(a, b)), 32: (a, b) => not(set32(a, b)) },
  ult:   { 64: ult64,                     32: ult32 },
  ule:   { 64: (a, b) => not(ult64(b, a)), 32: (a, b) => not(ult32(b, a)) },
  slt:   { 64: slt64,                     32: slt32 },
  sle:   { 64: (a, b) => not(slt64(b, a)), 32: (a, b) => not(slt32(b, a)) },
};

export function isBranchTaken(op: JmpOp, width: Width, dst: Scalar, src: Scalar): boolean | undefined {
  const { rel, swap } = RELATIONS[op].taken;
  const decide = DECIDE[rel][width];
  return swap ? decide(src, dst) : decide(dst, src);
}

/** Narrows both drafts, for a relation that was not decided beforehand. Does not sync. */
type Refine = (a: Draft, b: Draft) => void;

function refineEq64(a: Draft, b: Draft): void {
  raiseUmin(a, b.uminLo, b.uminHi);
  capUmax(a, b.umaxLo, b.umaxHi);
  raiseSmin(a, b.sminLo, b.sminHi);
  capSmax(a, b.smaxLo, b.smaxHi);
  tnumIntersect(a, a, b);
  raiseUmin(b, a.uminLo, a.uminHi);
  capUmax(b, a.umaxLo, a.umaxHi);
  raiseSmin(b, a.sminLo, a.sminHi);
  capSmax(b, a.smaxLo, a.smaxHi);
  b.valLo = a.valLo;
  b.valHi = a.valHi;
  b.maskLo = a.maskLo;
  b.maskHi = a.maskHi;
}

function refineEq32(a: Draft, b: Draft): void {
  raiseU32min(a, b.u32minBits);
  capU32max(a, b.u32maxBits);
  raiseS32min(a, b.s32min);
  capS32max(a, b.s32max);
  b.u32minBits = a.u32minBits;
  b.u32maxBits = a.u32maxBits;
  b.s32min = a.s32min;
  b.s32max = a.s32max;
  const mask = a.maskLo & b.maskLo;
  a.valLo = b.valLo = (a.valLo | b.valLo) & ~mask;
  a.maskLo = b.maskLo = mask;
}

/** Moves each end of `a` that is the excluded constant; undecided ranges hold a second value, so none wraps. */
function exclude64(a: Draft, lo: number, hi: number): void {
  if (a.uminLo === lo && a.uminHi === hi) {
    a.uminHi = addHi(lo, hi, 1, 0);
    a.uminLo = addLo(lo, 1);
  }
  if (a.umaxLo === lo && a.umaxHi === hi) {
    a.umaxHi = subHi(lo, hi, 1, 0);
    a.umaxLo = subLo(lo, 1);
  }
  if (a.sminLo === lo && a.sminHi === hi) {
    a.sminHi = addHi(lo, hi, 1, 0);
    a.sminLo = addLo(lo, 1);
  }
  if (a.smaxLo === lo && a.smaxHi === hi) {
    a.smaxHi = subHi(lo, hi, 1, 0);
    a.smaxLo = subLo(lo, 1);
  }
}

function exclude32(a: Draft, v: number): void {
  if (a.u32minBits === v) a.u32minBits = addLo(v, 1);
  if (a.u32maxBits === v) a.u32maxBits = subLo(v, 1);
  if (a.s32min === v) a.s32min = addLo(v, 1);
  if (a.s32max === v) a.s32max = subLo(v, 1);
}

/** Some bit of `b` is set in a: tells which only when b has a single one. */
function setBits64(a: Draft, lo: number, hi: number): void {
  if (!isPow2(lo, hi)) return;
  a.valLo |= lo;
  a.valHi |= hi;
  a.maskLo &= ~lo;
  a.maskHi &= ~hi;
}

/** No bit of `b` is set in a. Bounds are forgotten and learnt again from the bits. */
function clearBits(a: Draft, lo: number, hi: number): void {
  unbound64(a);
  unbound32(a);
  a.valLo &= ~lo;
  a.valHi &= ~hi;
  a.maskLo &= ~lo;
  a.maskHi &= ~hi;
}

/** For relations that teach only when one side is a constant: hands over the other side and its lanes. */
function withConst64(refine: (a: Draft, lo: number, hi: number) => void): Refine {
  return (a, b) => {
    if (b.isConst) refine(a, b.valLo, b.valHi);
    else if (a.isConst) refine(b, a.valLo, a.valHi);
  };
}

function withConst32(refine: (a: Draft, lo: number) => void): Refine {
  return (a, b) => {
    if (b.isConst32) refine(a, b.valLo);
    else if (a.isConst32) refine(b, a.valLo);
  };
}

function refineUlt64(a: Draft, b: Draft): void {
  capUmax(a, subLo(b.umaxLo, 1), subHi(b.umaxLo, b.umaxHi, 1, 0));
  raiseUmin(b, addLo(a.uminLo, 1), addHi(a.uminLo, a.uminHi, 1, 0));
}

function refineUle64(a: Draft, b: Draft): void {
  capUmax(a, b.umaxLo, b.umaxHi);
  raiseUmin(b, a.uminLo, a.uminHi);
}

function refineSlt64(a: Draft, b: Draft): void {
  capSmax(a, subLo(b.smaxLo, 1), subHi(b.smaxLo, b.smaxHi, 1, 0));
  raiseSmin(b, addLo(a.sminLo, 1), addHi(a.sminLo, a.sminHi, 1, 0));
}

function refineSle64(a: Draft, b: Draft): void {
  capSmax(a, b.smaxLo, b.smaxHi);
  raiseSmin(b, a.sminLo, a.sminHi);
}

function refineUlt32(a: Draft, b: Draft): void {
  capU32max(a, subLo(b.u32maxBits, 1));
  raiseU32min(b, addLo(a.u32minBits, 1));
}

function refineUle32(a: Draft, b: Draft): void {
  capU32max(a, b.u32maxBits);
  raiseU32min(b, a.u32minBits);
}

function refineSlt32(a: Draft, b: Draft): void {
  capS32max(a, subLo(b.s32max, 1));
  raiseS32min(b, addLo(a.s32min, 1));
}

function refineSle32(a: Draft, b: Draft): void {
  capS32max(a, b.s32max);
  raiseS32min(b, a.s32min);
}

// biome-ignore format: table
const REFINE: Record<Relation, Record<Width, Refine>> = {
  eq:    { 64: refineEq64,              32: refineEq32 },
  ne:    { 64: withConst64(exclude64),  32: withConst32(exclude32) },
  set:   { 64: withConst64(setBits64),  32: withConst32((a, lo) => setBits64(a, lo, 0)) },
  clear: { 64: withConst64(clearBits),  32: withConst32((a, lo) => clearBits(a, lo, 0)) },
  ult:   { 64: refineUlt64,             32: refineUlt32 },
  ule:   { 64: refineUle64,             32: refineUle32 },
  slt:   { 64: refineSlt64,             32: refineSlt32 },
  sle:   { 64: refineSle64,             32: refineSle32 },
};

/**
 * The bounds of an outcome that cannot happen but was not seen to be impossible may exclude each other.
 * The kernel forgets them and goes on, so the path is walked here too.
 */
function settle(old: Scalar, d: Draft): Scalar {
  if (old.isConst) return old;
  syncBounds(d);
  if (violationOf(d) !== undefined) {
    unbound64(d);
    unbound32(d);
  }
  return d;
}

function narrow(side: Side, width: Width, dst: Scalar, src: Scalar): Pair {
  // A constant that equals an undecided value is that value.
  if (side.rel === "eq" && width === 64) {
    if (src.isConst) return new Pair(src, src);
    if (dst.isConst) return new Pair(dst, dst);
  }
  const a = copyOf(dst);
  const b = copyOf(src);
  const refine = REFINE[side.rel][width];
  if (side.swap) refine(b, a);
  else refine(a, b);
  return new Pair(settle(dst, a), settle(src, b));
}

function narrowSelf(side: Side, width: Width, reg: Scalar): Scalar {
  if (reg.isConst) return reg;
  const d = copyOf(reg);
  REFINE[side.rel][width](d, d);
  return settle(reg, d);
}

/**
 * `if r op r`, one register on both sides. The kernel does not decide these by themselves, only by the bounds,
 * and lets both sides of the relation narrow the one register.
 */
export function narrowJmpSelf(op: JmpOp, width: Width, reg: Scalar): Outcomes {
  if (isBranchTaken(op, width, reg, reg) !== undefined) return narrowJmp(op, width, reg, reg);
  const taken = narrowSelf(RELATIONS[op].taken, width, reg);
  const fallthrough = narrowSelf(RELATIONS[op].fallthrough, width, reg);
  return new Outcomes(new Pair(taken, taken), new Pair(fallthrough, fallthrough));
}

/** Both outcomes of `if dst op src`. An outcome is undefined where isBranchTaken rules it out. */
export function narrowJmp(op: JmpOp, width: Width, dst: Scalar, src: Scalar): Outcomes {
  const decided = isBranchTaken(op, width, dst, src);
  if (decided === true) return new Outcomes(new Pair(dst, src), undefined);
  if (decided === false) return new Outcomes(undefined, new Pair(dst, src));
  return narrowUndecided(op, width, dst, src);
}

/** The same where it is known that isBranchTaken cannot say. */
export function narrowUndecided(op: JmpOp, width: Width, dst: Scalar, src: Scalar): Outcomes {
  const { taken, fallthrough } = RELATIONS[op];
  return new Outcomes(narrow(taken, width, dst, src), narrow(fallthrough, width, dst, src));
}
