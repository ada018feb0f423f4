// Helpers that call back: one queued path runs the callback and comes back to the call, the other goes on after it.
// The path that comes back meets its own earlier state, which is widened until it covers every round.
import type { HelperProto } from "../spec/helpers.ts";
import { enterFrame } from "./call_subprog.ts";
import type { Env, Subprog } from "./env.ts";
import type { CallMeta } from "./helper_args.ts";
import { markPrecise } from "./precision.ts";
import { NOT_INIT, type RegState, UNKNOWN, ptrReg } from "./regs.ts";
import type { Frame } from "./state.ts";

/** r1..r5 of the callback. */
function callbackArgs(proto: HelperProto, meta: CallMeta, caller: Frame): RegState[] {
  const ctx = caller.regs[3] as RegState;
  if (proto.name === "loop") return [UNKNOWN, ctx];
  return [
    ptrReg("map_ptr", 0, meta.map),
    ptrReg("map_key", 0, meta.map),
    ptrReg("map_value", 0, meta.map),
    ctx,
  ];
}

export function enterCallback(env: Env, proto: HelperProto, meta: CallMeta): void {
  if (proto.name === "loop") {
    markPrecise(env, 1);
    const max = (env.regs[1] as RegState).s.umaxNum;
    if (env.frame.callbackDepth >= max) {
      env.frame.callbackDepth = 0;
      return;
    }
  }
  const sub = env.subprogs[meta.callback] as Subprog;
  sub.isCallback = true;
  env.facts.callback(env.pc, meta.callback);
  const st = env.push(sub.start, env.pc);
  const caller = st.cur;
  const callee = enterFrame(env, st, meta.callback, env.pc);
  const args = callbackArgs(proto, meta, caller);
  for (let i = 1; i <= 5; i++) callee.regs[i] = args[i - 1] ?? NOT_INIT;
  callee.inCallback = true;
  st.callbackUnrollDepth++;
  caller.callbackDepth++;
  env.frame.callbackDepth = 0;
}
