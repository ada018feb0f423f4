// Whether a program of its type may be loaded at all: its expected attach type, whether it sleeps, what it returns.
// The rules are rows of src/spec/prog_rules.ts.
import { effectiveAttach, progRules } from "../../spec/prog_rules.ts";
import type { Env } from "../env.ts";
import { checkSecret } from "../state/privileges.ts";
import { checkRegRead } from "../state/reg_checks.ts";
import { checkNothingHeld } from "../state/refs.ts";
import { regTypeStr } from "../state/regs.ts";
import { checkAsyncReturn, checkProgReturn, returnsNothing } from "./returns.ts";

/** Before anything of the program is looked at. */
export function checkAttachType(env: Env): void {
  const { type, expectedAttachType } = env.prog;
  const allowed = progRules(type).attach;
  const attach = effectiveAttach(type, expectedAttachType);
  // where there is nothing to choose from, nothing may be given
  if (allowed === undefined || (allowed.length === 0 && attach === undefined)) return;
  if (attach === undefined || !allowed.includes(attach))
    env.rejectAt(
      -1,
      "EINVAL",
      `a ${type} program cannot be loaded with expected attach type ${attach ?? "0"}`,
    );
}

export function checkSleepable(env: Env): void {
  const { type, flags, expectedAttachType } = env.prog;
  const rule = progRules(type).sleepable;
  const sleeps = flags.includes("sleepable");
  if (rule === "always") {
    if (!sleeps) env.rejectAt(-1, "EINVAL", "Syscall programs can only be sleepable");
    return;
  }
  if (!sleeps || rule === "may") return;
  if (rule === undefined || expectedAttachType === undefined || !rule.includes(expectedAttachType))
    env.rejectAt(
      -1,
      "EINVAL",
      "Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable",
    );
}

/** The register is what the program returns, or the callback that runs on its own, from whatever frame. */
export function checkReturned(env: Env, regno: number): void {
  checkSecret(env, regno, checkRegRead(env, regno), "leaks addr as return value");
  if (env.state.frames[0]?.inAsyncCallback === true) return checkAsyncReturn(env, regno);
  checkProgReturn(env, regno);
}

/** The exit of the program, of a global function, or of a callback that runs on its own. */
export function checkExit(env: Env): void {
  checkNothingHeld(env, "BPF_EXIT instruction in main prog");
  const isProg = env.frame.subprogno === 0 || env.frame.subprogno === env.exceptionCb;
  if (isProg && !env.frame.inAsyncCallback && returnsNothing(env)) return;
  const r0 = checkRegRead(env, 0);
  checkSecret(env, 0, r0, "leaks addr as return value");
  if (env.frame.inAsyncCallback) return checkAsyncReturn(env);
  if (isProg) checkProgReturn(env);
  else if (r0.kind !== "scalar")
    env.reject("EINVAL", `At subprogram exit the register R0 is not a scalar value (${regTypeStr(r0)})`);
}
