// Where control may go from one insn to the next, within a function. Knows nothing of what insns do.
import type { Insn } from "../../isa/insn.ts";
import { HELPERS } from "../../spec/helpers.ts";

/** Slots an insn takes. */
export function insnSlots(insn: Insn): 1 | 2 {
  return insn.kind === "ld_imm64" ? 2 : 1;
}

/** In place of an insn: control goes there from no insn at all. */
export const NOWHERE: number = -0x80000000;

/** The two ways on from every insn, one a slot; where they lead may lie outside of the program. */
export class Flow {
  /** the insn behind it */
  readonly next: Int32Array;
  /** where its jump leads */
  readonly target: Int32Array;

  constructor(insns: readonly (Insn | undefined)[]) {
    this.next = new Int32Array(insns.length).fill(NOWHERE);
    this.target = new Int32Array(insns.length).fill(NOWHERE);
    for (const insn of insns) if (insn !== undefined) this.add(insn);
  }

  private add(insn: Insn): void {
    const { pc } = insn;
    switch (insn.kind) {
      case "exit":
        return;
      case "ja":
        this.target[pc] = insn.target;
        return;
      case "jmp":
      case "may_goto":
        this.next[pc] = pc + 1;
        this.target[pc] = insn.target;
        return;
      case "invalid":
        if (insn.leadsTo === undefined) this.next[pc] = pc + 1;
        else this.addInvalid(pc, insn.leadsTo);
        return;
      default:
        this.next[pc] = pc + insnSlots(insn);
    }
  }

  /** As a jump or an exit that is wrong in something else: its target is the last. */
  private addInvalid(pc: number, leadsTo: readonly number[]): void {
    this.next[pc] = leadsTo.length > 1 ? pc + 1 : NOWHERE;
    this.target[pc] = leadsTo.at(-1) ?? NOWHERE;
  }
}

export function isTailCall(insn: Insn): boolean {
  return (
    insn.kind === "call" && insn.callee.kind === "helper" && HELPERS[insn.callee.id]?.name === "tail_call"
  );
}
