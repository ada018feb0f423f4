// Loops that end when a round is covered by an earlier one: may_goto, callbacks, iterators. Where nothing is taken as
// irrelevant nothing is taken as relevant either, counters are forgotten, and the loop may be refused.
import type { Insn } from "../../src/isa/insn.ts";
import { HELPERS } from "../../src/spec/helpers.ts";
import type { Prog } from "../../src/verifier/proof.ts";

function isLoop(insn: Insn): boolean {
  if (insn.kind === "may_goto") return true;
  if (insn.kind !== "call") return false;
  if (insn.callee.kind === "kfunc") return true;
  return insn.callee.kind === "helper" && HELPERS[insn.callee.id]?.proto?.args.includes("func") === true;
}

export function isConvergent({ insns }: Prog): boolean {
  return insns.some((insn) => insn !== undefined && isLoop(insn));
}
