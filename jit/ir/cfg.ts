// Basic blocks of one subprogram, from decoded insns and what verification learned about them: sides of
// jumps that no path takes and insns that no path reaches are left out (a trap stands in their place).
// Knows nothing of WebAssembly.
import type { Insn, InsnOf } from "../../src/isa/insn.ts";
import type { InsnAux } from "../../src/verifier/proof.ts";

/** How a block ends. Targets are block ids. */
export type Term =
  | { readonly kind: "jump"; to: number }
  | {
      readonly kind: "branch";
      readonly insn: InsnOf<"jmp"> | InsnOf<"may_goto">;
      taken: number;
      fall: number;
    }
  | { readonly kind: "exit" }
  | { readonly kind: "trap"; readonly pc: number }
  /** goes to `targets[label]`; made where a loop has several entries */
  | { readonly kind: "dispatch"; readonly targets: readonly number[] };

export interface Block {
  readonly id: number;
  /** of the first insn; -1 in blocks that no insn stands for */
  readonly pc: number;
  readonly insns: readonly Insn[];
  /** value of the dispatch label this block sets */
  readonly label?: number;
  term: Term;
}

/** Block 0 is the entry; every block is reachable from it. */
export interface Cfg {
  readonly blocks: Block[];
}

export interface CfgInput {
  readonly insns: readonly (Insn | undefined)[];
  /** absent: every insn counts as reached */
  readonly aux?: readonly (InsnAux | undefined)[];
}

/** Successors in the order taken, fall: a depth-first walk in this order lays the fall side out next. */
export function succs(term: Term): readonly number[] {
  if (term.kind === "jump") return [term.to];
  if (term.kind === "branch") return [term.taken, term.fall];
  return term.kind === "dispatch" ? term.targets : [];
}

/** The pc after an insn. */
function nextPc(insn: Insn): number {
  return insn.pc + (insn.kind === "ld_imm64" ? 2 : 1);
}

function isSeen(input: CfgInput, pc: number): boolean {
  return input.aux === undefined || input.aux[pc]?.seen === true;
}

function findLeaders(input: CfgInput, start: number, end: number): Set<number> {
  const leaders = new Set<number>([start]);
  for (let pc = start; pc < end; pc++) {
    const insn = input.insns[pc];
    if (insn === undefined || !("target" in insn)) continue;
    leaders.add(insn.target).add(pc + 1);
  }
  return leaders;
}

/** Blocks of the subprogram at pcs start..end-1. */
export function buildCfg(input: CfgInput, start: number, end: number): Cfg {
  const leaders = findLeaders(input, start, end);
  const blocks: Block[] = [];
  const idByPc = new Map<number, number>();
  const pending: number[] = [];

  const blockAt = (pc: number): number => {
    const known = idByPc.get(pc);
    if (known !== undefined) return known;
    const id = blocks.length;
    blocks.push({ id, pc, insns: [], term: { kind: "trap", pc } });
    idByPc.set(pc, id);
    pending.push(id);
    return id;
  };

  const branch = (insn: InsnOf<"jmp"> | InsnOf<"may_goto">): Term => {
    const sides = input.aux?.[insn.pc]?.jump ?? { taken: true, fallthrough: true };
    if (sides.taken && sides.fallthrough) {
      const fall = blockAt(insn.pc + 1);
      return { kind: "branch", insn, taken: blockAt(insn.target), fall };
    }
    if (sides.taken) return { kind: "jump", to: blockAt(insn.target) };
    if (sides.fallthrough) return { kind: "jump", to: blockAt(insn.pc + 1) };
    return { kind: "trap", pc: insn.pc };
  };

  const fill = (block: Block): void => {
    const insns = block.insns as Insn[];
    for (let pc = block.pc; ; ) {
      const insn = pc < end && isSeen(input, pc) ? input.insns[pc] : undefined;
      if (insn === undefined) return void (block.term = { kind: "trap", pc });
      if (insn.kind === "exit") return void (block.term = { kind: "exit" });
      if (insn.kind === "ja") return void (block.term = { kind: "jump", to: blockAt(insn.target) });
      if (insn.kind === "jmp" || insn.kind === "may_goto") return void (block.term = branch(insn));
      insns.push(insn);
      pc = nextPc(insn);
      if (leaders.has(pc)) return void (block.term = { kind: "jump", to: blockAt(pc) });
    }
  };

  blockAt(start);
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) fill(blocks[id]!);
  return { blocks };
}
