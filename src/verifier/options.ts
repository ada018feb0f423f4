// What a caller of verify() may choose.
import type { Capability } from "../spec/privileges.ts";
import type { RegState } from "./state/regs.ts";
import type { StackSlot } from "./state/stack.ts";

/** Called before each insn is checked, with what is claimed of the innermost frame there. */
export type ClaimRecorder = (
  pc: number,
  regs: readonly RegState[],
  stack: readonly (StackSlot | undefined)[],
) => void;

/** As in bpf(2): 1 the path to the error, 2 every path; 4 in addition: how deep each function's stack is. */
export type LogLevel = 0 | 1 | 2 | 4 | 5 | 6;

/** What of the level is about paths. */
export function pathLevel(level: LogLevel = 0): 0 | 1 | 2 {
  return level === 4 || level === 0 ? 0 : level === 1 || level === 5 ? 1 : 2;
}

export function logsStacks(level: LogLevel = 0): boolean {
  return level >= 4;
}

export interface VerifyOptions {
  readonly logLevel?: LogLevel;
  /** tests: report every state. Nothing is pruned that is not wholly covered by what was reported. */
  readonly claims?: ClaimRecorder;
  /** how many CPUs there will be, if that is known: bounds bpf_get_smp_processor_id */
  readonly cpus?: number;
  /** what the process that loads the program has; everything, if not given */
  readonly caps?: readonly Capability[];
}
