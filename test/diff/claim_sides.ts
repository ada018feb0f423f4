// Which sides of a conditional jump the proof says are ever taken, against those that are.
import type { Frame } from "../../runtime/engine/interp_insn.ts";
import type { Insn, InsnOf } from "../../src/isa/insn.ts";
import type { VerifiedProg } from "../../src/verifier/proof.ts";
import { ClaimError } from "./claim_reading.ts";

export class SideChecker {
  #last: { readonly insn: InsnOf<"jmp" | "may_goto">; readonly frame: Frame } | undefined;

  constructor(readonly verified: VerifiedProg) {}

  /** Before an insn: throws ClaimError if the jump before it went where it never does. */
  onStep(insn: Insn, frame: Frame): void {
    const last = this.#last;
    this.#last = insn.kind === "jmp" || insn.kind === "may_goto" ? { insn, frame } : undefined;
    if (last === undefined || last.frame !== frame) return;
    const { pc, target } = last.insn;
    const sides = this.verified.aux[pc]?.jump;
    const isKnown =
      (insn.pc === target && sides?.taken === true) || (insn.pc === pc + 1 && sides?.fallthrough === true);
    if (!isKnown)
      throw new ClaimError(
        "facts",
        pc,
        `the jump at ${pc} goes to ${insn.pc}, which it never does by the facts`,
      );
  }
}
