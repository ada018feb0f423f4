// Helpers that take a callback. One that calls it before it returns: a queued path runs the callback and comes back to
// the call, the other goes on after it; the path that comes back meets its own earlier state, which is widened until
// it covers every round. One that calls it later: the callback is a path of its own, with a stack of its own.
import type { HelperProto } from "../../spec/helpers.ts";
import { enterFrame } from "./subprog.ts";
import type { Env } from "../env.ts";
import type { Subprog } from "../passes/subprogs.ts";
import type { CallMeta } from "./call_meta.ts";
import { lentDynptr } from "../objects/dynptr.ts";
import { markPrecise } from "../precision/precision.ts";
import { kernelStruct } from "./helper_objects.ts";
import { Scalar } from "../scalar/scalar.ts";
import { NOT_INIT, RegState, UNKNOWN, isNull, ptrReg } from "../state/regs.ts";
import type { Frame } from "../state/state.ts";

/** Map, key and value, as callbacks of maps get them. */
function elemArgs(map: number): RegState[] {
  return [ptrReg("map_ptr", 0, map), ptrReg("map_key", 0, map), ptrReg("map_value", 0, map)];
}

/** r1..r5 of a callback that runs within the call. */
function callbackArgs(env: Env, proto: HelperProto, meta: CallMeta, caller: Frame): RegState[] {
  const ctx = caller.regs[3] as RegState;
  if (proto.name === "user_ringbuf_drain") return [lentDynptr(env), ctx];
  if (proto.name === "find_vma") {
    const { btf, id } = kernelStruct(env, "vm_area_struct");
    const vma = new RegState("ptr_", 0, Scalar.zero, 0, id, 0, 0, btf);
    return [caller.regs[1] as RegState, vma, caller.regs[4] as RegState];
  }
  return proto.name === "loop" ? [UNKNOWN, ctx] : [...elemArgs(meta.map), ctx];
}

function setArgs(callee: Frame, args: readonly RegState[]): void {
  for (let i = 1; i <= 5; i++) callee.regs[i] = args[i - 1] ?? NOT_INIT;
}

export function enterCallback(env: Env, proto: HelperProto, meta: CallMeta): void {
  if (proto.name === "loop") {
    const noFlags = isNull(env.regs[4] as RegState);
    if (noFlags) markPrecise(env, 4);
    env.facts.loopFlags(env.pc, noFlags);
    markPrecise(env, 1);
    const max = (env.regs[1] as RegState).s.umaxNum;
    if (env.frame.callbackDepth >= max) {
      env.frame.callbackDepth = 0;
      return;
    }
  }
  runCallback(env, meta.callback, (caller) => callbackArgs(env, proto, meta, caller));
}

/** Queues the path that runs the callback and comes back to the call; this one goes on after it. */
export function runCallback(env: Env, subprogno: number, args: (caller: Frame) => readonly RegState[]): void {
  const sub = env.subprogs[subprogno] as Subprog;
  sub.isCallback = true;
  env.facts.callback(env.pc, subprogno);
  const st = env.push(sub.start, env.pc);
  const caller = st.cur;
  const callee = enterFrame(env, st, subprogno, env.pc, "callback");
  setArgs(callee, args(caller));
  st.callbackUnrollDepth++;
  caller.callbackDepth++;
  env.frame.callbackDepth = 0;
}

/** The callback of a timer or work queue that lies in `map`. */
export function queueCallback(env: Env, subprogno: number, map: number): void {
  const sub = env.subprogs[subprogno] as Subprog;
  sub.isCallback = true;
  sub.isAsyncCallback = true;
  env.facts.callback(env.pc, subprogno);
  setArgs(env.pushAsync(subprogno), elemArgs(map));
}
