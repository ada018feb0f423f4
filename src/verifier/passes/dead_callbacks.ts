// Callbacks that are named and never called: the kernel cuts out what no path reaches, and then looks for the function
// at the place that the insn names.
import type { Insn } from "../../isa/insn.ts";
import type { Env } from "../env.ts";
import { insnSlots } from "./flow.ts";

/**
 * The insn at the place of `pc` once what no path reaches is cut out, run after run. Places behind a run move up with
 * their insns; one within it stays, and other insns come to lie there.
 */
function afterCuts(env: Env, pc: number): number {
  const { insns } = env;
  let place = pc;
  for (let at = 0; at <= place && at < insns.length; ) {
    const start = at;
    while (at < insns.length && !env.facts.isSeen(at)) at += insnSlots(insns[at] as Insn);
    if (place < at) place += at - start;
    else if (at < insns.length) at += insnSlots(insns[at] as Insn);
  }
  return place;
}

/** Where no function begins there the kernel refuses; unless there is only one function left, then it does not look. */
export function checkDeadCallbacks(env: Env): void {
  if (env.subprogs.filter((s) => env.facts.isSeen(s.start)).length < 2) return;
  for (const insn of env.insns) {
    if (insn?.kind !== "ld_imm64" || insn.value.kind !== "func" || !env.facts.isSeen(insn.pc)) continue;
    if (!env.subprogStarts.has(afterCuts(env, insn.value.target)))
      env.rejectAt(-1, "EFAULT", `verifier bug: No program to jit at insn ${insn.pc} (subprog < 0)`);
  }
}
