// Arithmetic and moves: the result register of each ALU insn. The numbers themselves are the Scalar's business;
// here it is decided which values keep sharing facts.
import type { Insn, InsnOf } from "../../isa/insn.ts";
import { ptrAlu } from "./alu_ptr.ts";
import { arenaAlu } from "../mem/arena.ts";
import type { Env } from "../env.ts";
import { checkRegRead, checkRegWrite } from "../state/reg_checks.ts";
import {
  ADD_CONST32,
  ADD_CONST64,
  RegState,
  type RegKind,
  immReg,
  UNKNOWN,
  scalarReg,
  withoutId,
  withValue,
} from "../state/regs.ts";
import { Scalar } from "../scalar/scalar.ts";
import { alu, neg } from "../scalar/alu.ts";
import { end, mov32, movsx } from "../scalar/cast.ts";
import { sanitizeNumbers } from "./sanitize.ts";
import { forkSign } from "./sign_fork.ts";
import { checkSecret } from "../state/privileges.ts";
import { noteEscape } from "../stack/bounds.ts";
import { linkable } from "../stack/write.ts";

const SCALAR: RegKind = "scalar";

/** 32-bit constants are zero-extended, 64-bit ones sign-extended. */
function movImm(imm: number, width: 32 | 64): RegState {
  return width === 64 || imm >= 0 ? immReg(imm) : scalarReg(Scalar.ofLanes(imm, 0));
}

function mov(env: Env, insn: InsnOf<"alu">): RegState {
  if (insn.src.kind === "imm") return movImm(insn.src.imm, insn.width);
  const regno = insn.src.regno;
  const src = env.regs[regno] as RegState;
  if (insn.width === 64) return shared(env, regno, src);
  if (src.kind !== SCALAR) return lowHalfOfPtr(env, regno, src);
  if (src.s.bitWidth > 32) return scalarReg(mov32(src.s));
  return withValue(shared(env, regno, src), mov32(src.s));
}

/** The source gets an id if it has none, so that its copy is known to be one. */
function shared(env: Env, regno: number, src: RegState): RegState {
  const linked = linkable(env, src);
  if (linked !== src) env.regs[regno] = linked;
  return linked;
}

function lowHalfOfPtr(env: Env, regno: number, ptr: RegState): RegState {
  checkSecret(env, regno, ptr, "partial copy of pointer");
  noteEscape(env, ptr);
  return scalarReg(mov32(Scalar.unknown));
}

function signExtend(env: Env, insn: InsnOf<"movsx">): RegState {
  const src = env.regs[insn.src] as RegState;
  if (src.kind !== SCALAR) {
    if (insn.width === 32) return lowHalfOfPtr(env, insn.src, src);
    checkSecret(env, insn.src, src, "sign-extension part of pointer");
    noteEscape(env, src);
    return UNKNOWN;
  }
  const unchanged = src.s.bitWidth < insn.from;
  const base = unchanged ? shared(env, insn.src, src) : withoutId(src);
  return withValue(base, movsx(insn.width, insn.from, src.s));
}

const S32_MAX = 0x7fffffff;
const S32_MIN = -0x80000000;
const U32_MAX = 0xffffffff;

/** The constant that an operand adds, if it is one that a link can remember. */
function constStep(insn: InsnOf<"alu">, by: Scalar): number | undefined {
  if (insn.op !== "add" && insn.op !== "sub") return undefined;
  if (insn.width === 32) {
    if (by.maskLo !== 0) return undefined;
  } else if (!by.isConst || by.constNum < S32_MIN || by.constNum > S32_MAX) return undefined;
  const val = by.valLo | 0;
  if (insn.op === "add") return val;
  return val === S32_MIN ? undefined : -val;
}

/**
 * Which ids survive: only a constant added once keeps a link, with its distance; in 32 bits only while the upper
 * half was zero (adjust_reg_min_max_vals in kernel/bpf/verifier.c).
 */
function relink(env: Env, insn: InsnOf<"alu">, before: RegState, src: RegState, after: RegState): RegState {
  const sameReg = insn.src.kind === "reg" && insn.src.regno === insn.dst;
  const step = before.id === 0 || before.addConst || sameReg ? undefined : constStep(insn, src.s);
  if (!env.may.numbersTracked || step === undefined || (insn.width === 32 && before.s.umaxNum > U32_MAX))
    return after;
  return new RegState(SCALAR, step, after.s, before.id, 0, insn.width === 32 ? ADD_CONST32 : ADD_CONST64);
}

function checkConstOperand(env: Env, insn: InsnOf<"alu">): void {
  if (insn.src.kind !== "imm") return;
  const imm = insn.src.imm;
  if ((insn.op === "div" || insn.op === "mod") && imm === 0) env.reject("EINVAL", "div by zero");
  const isShift = insn.op === "lsh" || insn.op === "rsh" || insn.op === "arsh";
  if (isShift && (imm < 0 || imm >= insn.width)) env.reject("EINVAL", `invalid shift ${imm}`);
}

function binary(env: Env, insn: InsnOf<"alu">): RegState {
  const dst = env.regs[insn.dst] as RegState;
  const src = insn.src.kind === "reg" ? (env.regs[insn.src.regno] as RegState) : immReg(insn.src.imm);
  if (dst.kind !== SCALAR || src.kind !== SCALAR)
    return arenaAlu(env, dst, src) ?? ptrAlu(env, insn, dst, src);
  sanitizeNumbers(env, insn);
  const from = forkSign(env, insn, dst, src.s);
  return relink(env, insn, from, src, compute(env, insn, from.s, src.s));
}

/** The result as a register that shares nothing. */
function compute(env: Env, { pc, op, width }: InsnOf<"alu">, dst: Scalar, src: Scalar): RegState {
  if (dst.isConst && src.isConst) return scalarReg(alu(op, width, dst, src));
  return env.sums.get(pc, dst, src) ?? env.sums.set(pc, dst, src, scalarReg(alu(op, width, dst, src)));
}

/** Checks and computes; the caller writes the destination. */
export function execAlu(env: Env, insn: Extract<Insn, { kind: "alu" | "movsx" | "neg" | "end" }>): void {
  const isMov = insn.kind === "movsx" || (insn.kind === "alu" && insn.op === "mov");
  if (insn.kind === "alu" && insn.src.kind === "reg") checkRegRead(env, insn.src.regno);
  if (insn.kind === "movsx") checkRegRead(env, insn.src);
  const dst = isMov ? undefined : checkRegRead(env, insn.dst);
  if (insn.kind === "alu") checkConstOperand(env, insn);
  if (dst !== undefined && (insn.kind === "neg" || insn.kind === "end"))
    checkSecret(env, insn.dst, dst, "pointer arithmetic prohibited");
  checkRegWrite(env, insn.dst);
  env.setReg(insn.dst, result(env, insn, dst));
}

function result(
  env: Env,
  insn: Extract<Insn, { kind: "alu" | "movsx" | "neg" | "end" }>,
  dst: RegState | undefined,
): RegState {
  switch (insn.kind) {
    case "alu":
      return insn.op === "mov" ? mov(env, insn) : binary(env, insn);
    case "movsx":
      return signExtend(env, insn);
    case "neg":
    case "end":
      if (dst === undefined || dst.kind !== SCALAR) {
        if (dst !== undefined) noteEscape(env, dst);
        return UNKNOWN;
      }
      // nothing moves: what shares its value still does
      if (insn.kind === "end" && insn.to === "le" && insn.bits === 64) return dst;
      return scalarReg(insn.kind === "neg" ? neg(insn.width, dst.s) : end(insn.to, insn.bits, dst.s));
  }
}
