// Where control may go from one insn to the next, within a function. Knows nothing of what insns do.
import type { Insn } from "../../isa/insn.ts";
import { HELPERS } from "../../spec/helpers.ts";

/** Slots an insn takes. */
export function insnSlots(insn: Insn): 1 | 2 {
  return insn.kind === "ld_imm64" ? 2 : 1;
}

/** Where a jump or an exit leads, the next insn first; undefined: the insn is neither. */
export function jumpOf(insn: Insn): readonly number[] | undefined {
  switch (insn.kind) {
    case "exit":
      return [];
    case "ja":
      return [insn.target];
    case "jmp":
    case "may_goto":
      return [insn.pc + 1, insn.target];
    case "invalid":
      return insn.leadsTo;
    default:
      return undefined;
  }
}

/** The insns that may follow, the next one first. */
export function successors(insn: Insn): readonly number[] {
  return jumpOf(insn) ?? [insn.pc + insnSlots(insn)];
}

export function isTailCall(insn: Insn): boolean {
  return (
    insn.kind === "call" && insn.callee.kind === "helper" && HELPERS[insn.callee.id]?.name === "tail_call"
  );
}
