// Calls of the program's own functions. A static one is walked in the caller's path, in a frame of its own; a global
// one is checked once against its prototype, and at its calls only the arguments are.
import type { InsnOf } from "../../isa/insn.ts";
import type { Env } from "../env.ts";
import { callGlobal } from "./global.ts";
import { frameText } from "../log/log_state.ts";
import { badRange } from "../state/reg_checks.ts";
import { markPrecise } from "../precision/precision.ts";
import { NOT_INIT, type RegState } from "../state/regs.ts";
import { noteEscape } from "../stack/bounds.ts";
import { forgetInstance, updateStackLive } from "../stack/live.ts";
import { type Frame, MAX_FRAMES, newFrame, type VerifierState } from "../state/state.ts";
import { findSubprog, type Subprog } from "../passes/subprogs.ts";
import { widenImprecise } from "../state/widen.ts";

/** A new innermost frame; the registers are still empty. */
export function enterFrame(
  env: Env,
  st: VerifierState,
  subprogno: number,
  callsite: number,
  kind: "call" | "callback" = "call",
): Frame {
  if (st.frames.length >= MAX_FRAMES)
    env.reject("E2BIG", `the call stack of ${st.frames.length + 1} frames is too deep`);
  const frame = newFrame(st.frames.length, subprogno, callsite, kind);
  st.frames.push(frame);
  env.scratchAll();
  return frame;
}

function logFrame(env: Env, frame: Frame): void {
  env.log.line(frameText(env, frame, env.state.refs));
}

function enterStatic(env: Env, subprogno: number): void {
  const caller = env.frame;
  for (let i = 1; i <= 5; i++) noteEscape(env, caller.regs[i] as RegState);
  const callee = enterFrame(env, env.state, subprogno, env.pc);
  for (let i = 1; i <= 5; i++) {
    callee.regs[i] = caller.regs[i] as RegState;
  }
  for (let i = 0; i <= 5; i++) caller.regs[i] = NOT_INIT;
  if (env.log.level > 0) {
    env.log.line("caller:");
    logFrame(env, caller);
    env.log.line("callee:");
    logFrame(env, callee);
  }
  env.pc = (env.subprogs[subprogno] as Subprog).start;
  forgetInstance(env);
}

export function execCall(env: Env, insn: InsnOf<"call">): void {
  if (insn.callee.kind !== "subprog") throw new Error("not a subprogram call");
  const subprogno = findSubprog(env, insn.callee.target);
  const sub = env.subprogs[subprogno];
  if (sub === undefined)
    env.reject("EFAULT", `verifier bug. No program starts at insn ${insn.callee.target}`);
  if (sub.global) callGlobal(env, subprogno);
  else enterStatic(env, subprogno);
}

/** What the callback may return. */
const CALLBACK_MAX = 1;

function checkCallbackReturn(env: Env, r0: RegState): void {
  if (r0.kind !== "scalar") env.reject("EACCES", "R0 not a scalar value");
  markPrecise(env, 0);
  if (r0.s.sminNum >= 0 && r0.s.smaxNum <= CALLBACK_MAX) return;
  env.reject("EINVAL", badRange("At callback return", r0, 0, CALLBACK_MAX));
}

/** `exit` of a called function: back in the caller, after the call; of a callback: at the call again. */
export function execReturn(env: Env): void {
  updateStackLive(env);
  const st = env.state;
  const callee = env.frame;
  const r0 = callee.regs[0] as RegState;
  if (r0.kind === "fp") env.reject("EINVAL", "cannot return stack pointer to the caller");
  const caller = st.frames[st.frames.length - 2] as Frame;
  if (callee.inCallback) checkCallbackReturn(env, r0);
  else caller.regs[0] = r0;
  const next = callee.inCallback ? callee.callsite : callee.callsite + 1;
  if (env.log.level > 0) {
    env.log.line("returning from callee:");
    logFrame(env, callee);
    env.log.line(`to caller at ${next}:`);
    logFrame(env, caller);
  }
  st.frames.pop();
  env.pc = next;
  if (callee.inCallback) widenImprecise(env, next, st, st.parent);
}
