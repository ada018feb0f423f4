// Arithmetic on pointers without the right to ignore misprediction: the operand is masked so that even a wrong guess
// stays inside the object. What cannot be masked, or not the same way on every path, is refused. A mask changes
// nothing where the guess was right, so what runs needs none.
import type { InsnOf } from "../../isa/insn.ts";
import type { Env } from "../env.ts";
import { checkMapPlace } from "../mem/mem_access.ts";
import { type RegState, withValue } from "../state/regs.ts";
import { without32 } from "../scalar/bounds.ts";
import { fmtTnum } from "../scalar/fmt.ts";
import { MAX_STACK } from "../state/state.ts";

type Alu = InsnOf<"alu">;

// how an operand is masked, see Speculation.mask
const MASK_SRC = 1;
const MASK_DST = 2;
const MASK_NEGATIVE = 4;
const MASK_CONSTANT = 8;
const NO_POINTER = 16;

const PROHIBITED = "pointer arithmetic with it prohibited for !root";

/** The mask that was found before the pointer moved. */
export interface Mask {
  readonly kind: number;
  readonly limit: number;
  readonly toLeft: boolean;
}

function isMasked(env: Env, insn: Alu): boolean {
  if (env.may.misprediction || (insn.op !== "add" && insn.op !== "sub")) return false;
  return insn.src.kind === "reg" && env.speculation.barrierBefore[insn.pc] === 0;
}

function noteMask(env: Env, insn: Alu, kind: number, limit: number): void {
  const { speculation: s } = env;
  const { pc, dst, op } = insn;
  if (s.mask[pc] !== 0 && (s.mask[pc] !== kind || s.limit[pc] !== limit))
    env.reject("EACCES", `R${dst} tried to ${op} from different maps, paths or scalars, ${PROHIBITED}`);
  s.mask[pc] = kind;
  s.limit[pc] = limit;
}

/** Numbers are not masked, on any path. */
export function sanitizeNumbers(env: Env, insn: Alu): void {
  if (isMasked(env, insn)) noteMask(env, insn, NO_POINTER, 0);
}

function regOf(insn: Alu): number {
  return insn.src.kind === "reg" ? insn.src.regno : insn.dst;
}

/** How far the pointer may move, as 32 bits. */
function limitOf(env: Env, insn: Alu, ptr: RegState, ptrReg: number, toLeft: boolean): number {
  const left = toLeft ? 1 : 0;
  let max: number;
  let limit: number;
  if (ptr.kind === "fp") {
    max = MAX_STACK + left;
    limit = -(ptr.s.constNum + ptr.off) >>> 0;
  } else if (ptr.kind === "map_value") {
    max = env.mapAt(ptr.aux).valueSize;
    limit = ((toLeft ? ptr.s.sminNum : ptr.s.umaxNum) + ptr.off) >>> 0;
  } else env.reject("EACCES", `R${ptrReg} has pointer with unsupported alu operation, ${PROHIBITED}`);
  if (limit >= max)
    env.reject("EACCES", `R${insn.dst} tried to ${insn.op} beyond pointer bounds, ${PROHIBITED}`);
  return limit;
}

/**
 * The path on which the operand turns out to be masked to nothing: the pointer stays where it is. One that moves in its own
 * register has lost its bounds of 32 bits by then.
 */
function pushTruncated(env: Env, insn: Alu, ptr: RegState, ptrIsDst: boolean): void {
  if (env.isFull) {
    env.say(`The sequence of ${env.branches.length + 1} jumps is too complex.`);
    env.reject("ENOMEM", `R${insn.dst} could not be pushed for speculative verification, ${PROHIBITED}`);
  }
  const state = env.push(insn.pc + 1, insn.pc);
  state.speculative = true;
  state.cur.regs[insn.dst] = ptrIsDst ? withValue(ptr, without32(ptr.s)) : ptr;
}

/** Before the pointer moves. Undefined: nothing is masked here. */
export function sanitizePtr(
  env: Env,
  insn: Alu,
  ptr: RegState,
  by: RegState,
  ptrIsDst: boolean,
): Mask | undefined {
  if (!isMasked(env, insn)) return undefined;
  const { isConst } = by.s;
  const negative = by.s.sminHi < 0;
  let mask: Mask | undefined;
  if (!env.state.speculative) {
    if (!isConst && negative !== by.s.smaxHi < 0)
      env.reject(
        "EACCES",
        `R${ptrIsDst ? regOf(insn) : insn.dst} has unknown scalar with mixed signed bounds, ${PROHIBITED}`,
      );
    const toLeft = negative === (insn.op === "add");
    const limit = limitOf(env, insn, ptr, ptrIsDst ? insn.dst : regOf(insn), toLeft);
    const kind =
      (negative ? MASK_NEGATIVE : 0) | (isConst ? MASK_CONSTANT : 0) | (ptrIsDst ? MASK_SRC : MASK_DST);
    if (!isConst) env.speculation.exploreLimits = true;
    mask = { kind, limit, toLeft };
  }
  if (!isConst) pushTruncated(env, insn, ptr, ptrIsDst);
  return mask;
}

function checkStackPlace(env: Env, regno: number, ptr: RegState): void {
  const off = (ptr.off + ptr.s.valLo) | 0;
  if (!ptr.s.isConst)
    env.reject(
      "EACCES",
      `R${regno} variable stack access prohibited for !root, var_off=${fmtTnum(ptr.s)} off=${off}`,
    );
  if (off >= 0 || off < -MAX_STACK)
    env.reject(
      "EACCES",
      `R${regno} stack pointer arithmetic goes out of range, prohibited for !root; off=${off}`,
    );
}

/** After it has moved: it points into its object, and the mask is how far it may have come. */
export function sanitizeMoved(env: Env, insn: Alu, moved: RegState, mask: Mask | undefined): void {
  if (env.may.misprediction) return;
  if (moved.kind === "fp") checkStackPlace(env, insn.dst, moved);
  if (moved.kind === "map_value") {
    env.blame = {
      line: `R${insn.dst} pointer arithmetic of map value goes out of range, prohibited for !root`,
    };
    checkMapPlace(env, insn.dst, moved, moved.off, 1, false);
    env.blame = undefined;
  }
  if (mask === undefined) return;
  const limit = limitOf(env, insn, moved, insn.dst, mask.toLeft);
  noteMask(env, insn, mask.kind, Math.abs((mask.limit | 0) - (limit | 0)));
}
