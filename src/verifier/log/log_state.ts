// Prints what is known: at the start of a path everything, later what the last insn touched.
import type { Env } from "../env.ts";
import { fmtFrame } from "./log.ts";
import type { Frame, Ref } from "../state/state.ts";

/** All of a frame. */
export function frameText(env: Env, frame: Frame, refs: readonly Ref[] = []): string {
  return fmtFrame(frame, env.maps, -1, -1, -1, refs, !env.may.imprecision);
}

/** Where the current path comes from. */
export function fromTo(env: Env): string {
  return `from ${env.prevPc} to ${env.pc}${env.state.speculative ? " (speculative execution)" : ""}`;
}

/** Everything, where a path begins. What it prints still counts as touched: the kernel prints it twice. */
export function logWholeState(env: Env): void {
  const state = frameText(env, env.frame, env.state.refs);
  env.log.line(`${fromTo(env)}:${state}`);
}

/** What was touched since the last time, behind the insn or on a line of its own; nothing if nothing was. */
export function logTouched(env: Env): void {
  if (env.log.level === 0 || (env.scratchedRegs | env.scratchedLo | env.scratchedHi) === 0) return;
  const { scratchedRegs, scratchedLo, scratchedHi } = env;
  env.log.insnState(
    env.pc,
    fmtFrame(
      env.frame,
      env.maps,
      scratchedRegs,
      scratchedLo,
      scratchedHi,
      env.state.refs,
      !env.may.imprecision,
    ),
  );
  env.scratchedRegs = 0;
  env.scratchedLo = 0;
  env.scratchedHi = 0;
}
