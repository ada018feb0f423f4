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

export interface VerifyOptions {
  /** as in bpf(2): 1 the path to the error, 2 every path */
  readonly logLevel?: 0 | 1 | 2;
  /** tests: report every state. Nothing is pruned that is not wholly covered by what was reported. */
  readonly claims?: ClaimRecorder;
  /** how many CPUs there will be, if that is known: bounds bpf_get_smp_processor_id */
  readonly cpus?: number;
  /** what the process that loads the program has; everything, if not given */
  readonly caps?: readonly Capability[];
}
