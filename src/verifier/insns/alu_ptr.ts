// Pointer plus or minus a number: what may be done to which kind of pointer, and what is still known afterwards.
// Constants go to the fixed offset, everything else to the variable part; a packet pointer then starts anew.
import type { InsnOf } from "../../isa/insn.ts";
import type { Env } from "../env.ts";
import { markPrecise } from "../precision/precision.ts";
import {
  type RegKind,
  RegState,
  UNKNOWN,
  UNTRUSTED,
  isPkt,
  regTypeStr,
  withPlace,
  withRange,
} from "../state/regs.ts";
import type { Scalar } from "../scalar/scalar.ts";
import { ptrAdd, ptrSub } from "../scalar/alu.ts";
import { sanitizeMoved, sanitizePtr } from "./sanitize.ts";
import { MAX_VAR_OFF, noteEscape } from "../stack/bounds.ts";

type Alu = InsnOf<"alu">;

const ALU_SYMBOLS: Readonly<Record<Alu["op"], string>> = {
  add: "+=",
  sub: "-=",
  mul: "*=",
  div: "/=",
  or: "|=",
  and: "&=",
  lsh: "<<=",
  rsh: ">>=",
  mod: "%=",
  xor: "^=",
  mov: "=",
  arsh: "s>>=",
};

/** Pointers that a number may be added to. */
const MOVABLE: ReadonlySet<RegKind> = new Set<RegKind>([
  "ctx",
  "map_value",
  "map_key",
  "fp",
  "pkt_meta",
  "pkt",
  "mem",
  "func",
  "tp_buffer",
  "ptr_",
  "buf",
  "dynptr_ptr",
]);

function isSane(n: number): boolean {
  return n < MAX_VAR_OFF && n > -MAX_VAR_OFF;
}

/** `r` is what is added, or a pointer before or after. What a linked number is off by counts too, as in the kernel. */
function checkSane(env: Env, r: RegState, ptr: RegState): void {
  const { s, off } = r;
  if (isSane(off) && isSane(s.sminNum) && (!s.isConst || isSane(s.constNum))) return;
  const type = regTypeStr(ptr);
  if (s.isConst && !isSane(s.constNum))
    env.reject("EINVAL", `math between ${type} pointer and ${s.smin} is not allowed`);
  if (!isSane(off)) env.reject("EINVAL", `${type} pointer offset ${off} is not allowed`);
  if (s.sminLo === 0 && s.sminHi === -0x80000000)
    env.reject("EINVAL", `math between ${type} pointer and register with unbounded min value is not allowed`);
  env.reject("EINVAL", `value ${s.smin} makes ${type} pointer be out of bounds`);
}

function fitsS32(n: number): boolean {
  return n >= -0x80000000 && n <= 0x7fffffff;
}

/** The pointer at another fixed offset. */
function movedBy(ptr: RegState, off: number): RegState {
  const there = withPlace(ptr, off, ptr.s);
  // At or beyond the packet's end: not any more, if it goes down. (The kernel keeps the mark all the same.)
  return isPkt(ptr) && ptr.aux < 0 && off < ptr.off ? withRange(there, 0) : there;
}

/** The pointer moved; `ptrIsDst` false for `scalar += pointer`. */
function moved(env: Env, insn: Alu, ptr: RegState, by: Scalar): RegState {
  const sign = insn.op === "sub" ? -1 : 1;
  const off = ptr.off + sign * by.constNum;
  if (by.isConst && fitsS32(off))
    return env.places.get(insn.pc, ptr, by) ?? env.places.set(insn.pc, ptr, by, movedBy(ptr, off));
  const s = sign > 0 ? ptrAdd(ptr.s, by) : ptrSub(ptr.s, by);
  if (!isPkt(ptr)) return withPlace(ptr, ptr.off, s);
  const range = sign > 0 || by.sminHi < 0 ? 0 : Math.max(ptr.aux, 0);
  return new RegState(ptr.kind, ptr.off, s, env.newId(), range, ptr.flags);
}

function checkMovable(env: Env, insn: Alu, ptr: RegState, by: RegState): void {
  const dst = insn.dst;
  if (ptr.maybeNull)
    env.reject("EACCES", `R${dst} pointer arithmetic on ${regTypeStr(ptr)} prohibited, null-check it first`);
  const nothing = by.s.isZero && insn.op === "add";
  const fixed = ptr.kind === "flow_keys" && by.s.isConst;
  if (!MOVABLE.has(ptr.kind) && !(ptr.kind === "map_ptr" && nothing) && !fixed)
    env.reject("EACCES", `R${dst} pointer arithmetic on ${regTypeStr(ptr)} prohibited`);
  checkSane(env, by, ptr);
  checkSane(env, ptr, ptr);
}

function checkOp(env: Env, insn: Alu, ptr: RegState, ptrIsDst: boolean): void {
  const dst = insn.dst;
  const sym = ALU_SYMBOLS[insn.op];
  if (insn.op === "add") return;
  if (insn.op === "sub") {
    if (!ptrIsDst) env.reject("EACCES", `R${dst} tried to subtract pointer from scalar`);
    if (ptr.kind === "fp") env.reject("EACCES", `R${dst} subtraction from stack pointer prohibited`);
    return;
  }
  if (insn.op === "and" || insn.op === "or" || insn.op === "xor")
    env.reject("EACCES", `R${dst} bitwise operator ${sym} on pointer prohibited`);
  env.reject("EACCES", `R${dst} pointer arithmetic with ${sym} operator prohibited`);
}

/** The result of an ALU insn with at least one pointer. */
export function ptrAlu(env: Env, insn: Alu, dst: RegState, src: RegState): RegState {
  const dstIsPtr = dst.kind !== "scalar";
  if (dstIsPtr && src.kind !== "scalar") {
    if (insn.op !== "sub" || !env.may.pointerLeaks)
      env.reject("EACCES", `R${insn.dst} pointer ${ALU_SYMBOLS[insn.op]} pointer prohibited`);
    noteEscape(env, dst);
    noteEscape(env, src);
    return UNKNOWN;
  }
  const ptr = dstIsPtr ? dst : src;
  const by = dstIsPtr ? src : dst;
  if (!dstIsPtr) markPrecise(env, insn.dst);
  else if (insn.src.kind === "reg") markPrecise(env, insn.src.regno);
  // loads through such a pointer cannot fault: where it points is not followed
  if (ptr.kind === "mem" && ptr.is(UNTRUSTED) && !ptr.maybeNull) return dst;
  if (insn.width === 32) {
    if (insn.op !== "sub" || !env.may.pointerLeaks)
      env.reject("EACCES", `R${insn.dst} 32-bit pointer arithmetic prohibited`);
    noteEscape(env, ptr);
    return UNKNOWN;
  }
  checkMovable(env, insn, ptr, by);
  const mask = sanitizePtr(env, insn, ptr, by, dstIsPtr);
  checkOp(env, insn, ptr, dstIsPtr);
  const result = moved(env, insn, ptr, by.s);
  checkSane(env, result, ptr);
  sanitizeMoved(env, insn, result, mask);
  return result;
}
