// `and` and `or` of a constant with a number that is 0 or all ones, as a shifted sign is: each of the two goes on in a
// path of its own, so that a mask made of a sign gives one of two constants.
import type { InsnOf } from "../../isa/insn.ts";
import type { Env } from "../env.ts";
import { type RegState, scalarReg, withValue, ZERO } from "../state/regs.ts";
import { syncBounds } from "../scalar/bounds.ts";
import { copyOf, Scalar } from "../scalar/scalar.ts";

/** The low half is `lo`. */
function withLow(s: Scalar, lo: number): Scalar {
  if (s.maskHi === 0) return Scalar.ofLanes(lo, s.valHi);
  const d = copyOf(s);
  d.valLo = d.u32minBits = d.u32maxBits = d.s32min = d.s32max = lo;
  d.maskLo = 0;
  return syncBounds(d);
}

/** The destination of the current path; the other one, if there is one, begins at this insn with 0. */
export function forkSign(env: Env, insn: InsnOf<"alu">, dst: RegState, by: Scalar): RegState {
  if ((insn.op !== "and" && insn.op !== "or") || !by.isConst) return dst;
  const { s } = dst;
  if (s.sminLo === -1 && s.sminHi === -1 && s.smaxLo === 0 && s.smaxHi === 0) {
    env.push(insn.pc, insn.pc).cur.regs[insn.dst] = ZERO;
    return scalarReg(Scalar.ofImm(-1));
  }
  if (s.s32min !== -1 || s.s32max !== 0) return dst;
  env.push(insn.pc, insn.pc).cur.regs[insn.dst] = withValue(dst, withLow(s, 0));
  return withValue(dst, withLow(s, -1));
}
