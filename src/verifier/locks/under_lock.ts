// What may be called while a lock is held, and in the callback that orders a tree, which runs under one.
import type { InsnOf } from "../../isa/insn.ts";
import { TREE_CALLS, UNDER_LOCK } from "../../spec/kfuncs/index.ts";
import type { Env } from "../env.ts";

const SPIN_UNLOCK = 94;

function kfuncName(env: Env, pc: number): string | undefined {
  const insn = env.insns[pc];
  if (insn?.kind !== "call" || insn.callee.kind !== "kfunc") return undefined;
  return env.kfuncs.get(insn.callee.btfId)?.name;
}

/** Nothing may be called but what gives the lock back, and what works on what it guards. */
export function checkCallUnderLock(env: Env, insn: InsnOf<"call">): void {
  if (!env.state.holdsLock) return;
  const { callee } = insn;
  const allowed =
    callee.kind === "helper" ? callee.id === SPIN_UNLOCK : UNDER_LOCK.has(kfuncName(env, insn.pc) ?? "");
  if (!allowed) env.reject("EINVAL", "function calls are not allowed while holding a lock");
}

/** In the callback by which a tree is ordered, or in what it calls. */
export function inTreeCallback(env: Env): boolean {
  return env.state.frames.some((f) => f.inCallback && TREE_CALLS.has(kfuncName(env, f.callsite) ?? ""));
}
