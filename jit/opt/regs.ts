// Which registers an insn reads and writes, as bit masks, and which are live at the end of each block. A call leaves
// r1-r5 unreadable: the verifier sees to it.
import { succs, type Block, type Cfg, type Term } from "../ir/cfg.ts";
import type { Insn, InsnOf, Operand, RegNo } from "../../src/isa/insn.ts";
import { HELPERS } from "../../src/spec/helpers.ts";

/** A set of registers: bit n is rn. */
export type RegSet = number;

export interface Effects {
  readonly uses: RegSet;
  readonly defs: RegSet;
}

export const regBit = (regno: RegNo): RegSet => 1 << regno;

const NONE: RegSet = 0;
const R0 = regBit(0);
const ARGS = 0b111110;
/** What a call leaves changed or unreadable. */
const CALLED = R0 | ARGS;

function operandBit(src: Operand): RegSet {
  return src.kind === "reg" ? regBit(src.regno) : NONE;
}

function callUses({ callee }: InsnOf<"call">): RegSet {
  const proto = callee.kind === "helper" ? HELPERS[callee.id]?.proto : undefined;
  return proto === undefined ? ARGS : ARGS & ((1 << (proto.args.length + 1)) - 1);
}

export function effectsOf(insn: Insn): Effects {
  switch (insn.kind) {
    case "alu":
      return {
        uses: operandBit(insn.src) | (insn.op === "mov" ? NONE : regBit(insn.dst)),
        defs: regBit(insn.dst),
      };
    case "neg":
    case "end":
      return { uses: regBit(insn.dst), defs: regBit(insn.dst) };
    case "movsx":
    case "addr_space_cast":
      return { uses: regBit(insn.src), defs: regBit(insn.dst) };
    case "ld_imm64":
      return { uses: NONE, defs: regBit(insn.dst) };
    case "ldx":
    case "load_acquire":
      return { uses: regBit(insn.base), defs: regBit(insn.dst) };
    case "st":
      return { uses: regBit(insn.base) | operandBit(insn.src), defs: NONE };
    case "store_release":
      return { uses: regBit(insn.base) | regBit(insn.src), defs: NONE };
    case "atomic": {
      const uses = regBit(insn.base) | regBit(insn.src);
      if (insn.op === "cmpxchg") return { uses: uses | R0, defs: R0 };
      return { uses, defs: insn.fetch ? regBit(insn.src) : NONE };
    }
    case "ld_abs":
      return { uses: regBit(6), defs: CALLED };
    case "ld_ind":
      return { uses: regBit(6) | regBit(insn.src), defs: CALLED };
    case "call":
      return { uses: callUses(insn), defs: CALLED };
    case "jmp":
      return { uses: regBit(insn.dst) | operandBit(insn.src), defs: NONE };
    case "exit":
      return { uses: R0, defs: NONE };
    case "ja":
    case "may_goto":
    case "invalid":
      return { uses: NONE, defs: NONE };
  }
}

/** Registers the end of a block reads itself. */
function termUses(term: Term): RegSet {
  if (term.kind === "exit") return R0;
  return term.kind === "branch" ? effectsOf(term.insn).uses : NONE;
}

function liveBefore(block: Block, live: RegSet): RegSet {
  for (let i = block.insns.length - 1; i >= 0; i--) {
    const { uses, defs } = effectsOf(block.insns[i]!);
    live = (live & ~defs) | uses;
  }
  return live;
}

/** By block id: the registers that something after the block's last insn may read, its own condition included. */
export function liveOut({ blocks }: Cfg): readonly RegSet[] {
  const preds = blocks.map((): number[] => []);
  for (const { id, term } of blocks) for (const to of succs(term)) preds[to]!.push(id);
  // what a block does to a set: (set & keep) | gen
  const gen = blocks.map((block) => liveBefore(block, NONE));
  const keep = blocks.map((block) => liveBefore(block, -1) & ~liveBefore(block, NONE));
  const out = blocks.map(({ term }) => termUses(term));
  const pending = blocks.map(({ id }) => id);
  const queued = new Set(pending);
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    queued.delete(id);
    const before = gen[id]! | (out[id]! & keep[id]!);
    for (const pred of preds[id]!) {
      const joined = out[pred]! | before;
      if (joined === out[pred]) continue;
      out[pred] = joined;
      if (!queued.has(pred)) {
        queued.add(pred);
        pending.push(pred);
      }
    }
  }
  return out;
}
