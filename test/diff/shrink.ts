// Makes a failing program smaller: insns become jumps to the next one as long as it still fails in the same place.
import type { Insn } from "../../src/isa/insn.ts";
import { fmtInsn } from "../../src/isa/disasm.ts";
import type { RandomProg } from "../harness/random_prog.ts";
import type { Failure, RandomDiff } from "./random_diff.ts";

const isNop = (insn: Insn | undefined): boolean => insn?.kind === "ja" && insn.target === insn.pc + 1;

function without(
  insns: readonly (Insn | undefined)[],
  from: number,
  count: number,
): (Insn | undefined)[] | undefined {
  const out = insns.slice();
  let any = false;
  for (let pc = from; pc < from + count; pc++) {
    const insn = out[pc];
    if (insn === undefined || insn.kind === "exit" || isNop(insn)) continue;
    any = true;
    const slots = insn.kind === "ld_imm64" ? 2 : 1;
    for (let k = 0; k < slots; k++) out[pc + k] = { kind: "ja", wide: false, pc: pc + k, target: pc + k + 1 };
  }
  return any ? out : undefined;
}

/** The smallest program found that fails as `failure` does. */
export async function shrink(diff: RandomDiff, random: RandomProg, failure: Failure): Promise<Failure> {
  let best = failure;
  for (let step = 16; step >= 1; step = Math.floor(step / 2)) {
    for (let again = true; again; ) {
      again = false;
      for (let pc = best.prog.insns.length - step; pc >= 0; pc -= step) {
        const insns = without(best.prog.insns, pc, step);
        if (insns === undefined) continue;
        const smaller = await diff.one({ ...random, prog: { ...random.prog, insns } });
        if (smaller === undefined || smaller.where !== failure.where) continue;
        best = smaller;
        again = true;
      }
    }
  }
  return best;
}

/** The program, jumps to the next insn left out. */
export function listing(insns: readonly (Insn | undefined)[], at?: number): string {
  return insns
    .flatMap((insn) =>
      insn === undefined || isNop(insn) ? [] : [`${insn.pc === at ? ">" : " "}${insn.pc}: ${fmtInsn(insn)}`],
    )
    .join("\n");
}
