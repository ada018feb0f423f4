// BPF_LD_ABS and BPF_LD_IND: loads of packet bytes by offset, for programs on sockets and packets. The context is in r6
// and the value comes in r0; where the packet has no such bytes the function ends at once and returns 0.
import type { InsnOf } from "../../isa/insn.ts";
import { progRules } from "../../spec/prog_rules.ts";
import { clearCallerSaved } from "../state/call_effects.ts";
import type { Env } from "../env.ts";
import type { Subprog } from "../passes/subprogs.ts";
import { checkPtrOff, checkRegRead } from "../state/reg_checks.ts";
import { checkNothingHeld } from "../state/refs.ts";
import { isTailCall } from "../passes/flow.ts";
import { UNKNOWN, scalarReg } from "../state/regs.ts";
import { Scalar } from "../scalar/scalar.ts";

const WHAT = "BPF_LD_[ABS|IND]";
const CTX_REG = 6;

function checkLdAbs(env: Env, insn: InsnOf<"ld_abs"> | InsnOf<"ld_ind">): void {
  if (progRules(env.prog.type).ldAbs !== true)
    env.reject("EINVAL", `${WHAT} instructions not allowed for this program type`);
  const ctx = checkRegRead(env, CTX_REG);
  checkNothingHeld(env, WHAT);
  if (ctx.kind !== "ctx") env.reject("EINVAL", "at the time of BPF_LD_ABS|IND R6 != pointer to skb");
  if (insn.kind === "ld_ind") checkRegRead(env, insn.src);
  checkPtrOff(env, ctx, CTX_REG);
}

/**
 * True if the current path goes on where a called function returns: with 0, as it does when the packet is too short.
 * The other side, with a value, waits its turn.
 */
export function execLdAbs(env: Env, insn: InsnOf<"ld_abs"> | InsnOf<"ld_ind">): boolean {
  checkLdAbs(env, insn);
  clearCallerSaved(env);
  env.setReg(0, UNKNOWN);
  if (env.state.frames.length === 1) {
    env.pc++;
    return false;
  }
  env.push(env.pc + 1, env.pc);
  env.setReg(0, scalarReg(Scalar.zero));
  return true;
}

/** Does the function return a number? Unknown where it has no type. */
function returnsInt(env: Env, sub: Subprog): boolean {
  const { btf, funcs } = env.prog;
  const func = btf?.byId(funcs.find(({ pc }) => pc === sub.start)?.typeId ?? 0);
  const proto = btf === undefined || func?.kind !== "func" ? undefined : btf.resolve(func.typeId);
  if (btf === undefined || proto?.kind !== "func_proto") return true;
  const { kind } = btf.resolve(proto.typeId);
  return kind === "int" || kind === "enum" || kind === "enum64";
}

/** Functions that may end in the middle return a number, and say so. */
export function checkAbnormalReturns(env: Env): void {
  const hasTypes = env.prog.funcs.length > 0;
  for (const sub of env.subprogs.slice(1)) {
    const insns = env.insns.slice(sub.start, sub.end);
    const kinds = [
      ["LD_ABS", insns.some((i) => i?.kind === "ld_abs" || i?.kind === "ld_ind")],
      ["tail_call", insns.some((i) => i !== undefined && isTailCall(i))],
    ] as const;
    for (const [what, has] of kinds) {
      if (!has) continue;
      if (!hasTypes) env.rejectAt(-1, "EINVAL", `${what} is not allowed in subprogs without BTF`);
      if (!returnsInt(env, sub))
        env.rejectAt(-1, "EINVAL", `${what} is only allowed in functions that return 'int'.`);
    }
  }
}
