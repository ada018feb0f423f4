// What the passes found for the blocks of one function: insns whose result comes another way, wide loads to do, insns
// that nothing needs any more. Lowering follows it insn by insn; without it everything is lowered as it stands.
import type { Block, Cfg } from "../ir/cfg.ts";
import type { Insn, InsnKind } from "../../src/isa/insn.ts";
import type { InsnAux } from "../../src/verifier/proof.ts";
import type { MapBinding } from "../lower/abi.ts";
import { type KeyPlan, NO_KEYS, planKeys } from "./keys.ts";
import { findWideLoad, type WideLoad } from "./loads.ts";
import type { OptPass } from "./passes.ts";
import { effectsOf, liveOut, regBit, type RegSet } from "./regs.ts";
import { frozenLoad } from "./rodata.ts";
import { BlockValues, FP_ROOT } from "./values.ts";

/** Where the value of an insn's destination comes from, if not from the insn. */
export type Result =
  | { readonly kind: "wide"; readonly load: WideLoad }
  | { readonly kind: "const"; readonly value: bigint };

export interface Plan {
  /** by pc of an insn that has a destination */
  readonly results: ReadonlyMap<number, Result>;
  /** by pc of the load they are done at */
  readonly wide: ReadonlyMap<number, ReadonlySet<WideLoad>>;
  /** pcs of insns whose result nobody reads */
  readonly dead: ReadonlySet<number>;
  readonly keys: KeyPlan;
}

export interface PlanInput {
  readonly cfg: Cfg;
  readonly aux: readonly (InsnAux | undefined)[];
  readonly maps: readonly MapBinding[];
  readonly passes: readonly OptPass[];
  /** every access is tested, also one whose result nobody reads */
  readonly checked: boolean;
}

/** Kinds that do nothing but write a register: a verified load does not trap. */
const PURE: ReadonlySet<InsnKind> = new Set(["alu", "neg", "movsx", "end", "ld_imm64", "ldx"]);

class Planner implements Plan {
  readonly results = new Map<number, Result>();
  readonly wide = new Map<number, Set<WideLoad>>();
  readonly dead = new Set<number>();
  readonly keys: KeyPlan;
  /** by pc of a call: where r2 points, from the frame pointer */
  readonly #r2 = new Map<number, number>();
  readonly #input: PlanInput;
  readonly #passes: ReadonlySet<OptPass>;

  constructor(input: PlanInput) {
    this.#input = input;
    this.#passes = new Set(input.passes);
    const live = liveOut(input.cfg);
    for (const block of input.cfg.blocks) {
      if (block.insns.length === 0) continue;
      this.#forward(block);
      this.#backward(block, live[block.id]!);
    }
    const insns = input.cfg.blocks.flatMap((block) => block.insns);
    this.keys = this.#passes.has("keys") ? planKeys({ ...input, insns, r2: this.#r2 }) : NO_KEYS;
  }

  /** What the block's values tell. */
  #forward(block: Block): void {
    const values = new BlockValues();
    for (const insn of block.insns) {
      if (insn.kind === "call") {
        const key = values.get(2);
        if (key.root === FP_ROOT) this.#r2.set(insn.pc, key.add);
      }
      const found =
        insn.kind === "ldx" && this.#passes.has("rodata")
          ? frozenLoad(insn, values.get(insn.base), this.#input.maps)
          : undefined;
      if (found !== undefined) this.results.set(insn.pc, { kind: "const", value: found });
      const value = values.step(insn, this.#input.aux[insn.pc]);
      if (insn.kind !== "alu" || insn.op === "mov" || value?.lanes === undefined) continue;
      const load = this.#passes.has("loads") ? findWideLoad(value.lanes) : undefined;
      if (load !== undefined) this.results.set(insn.pc, { kind: "wide", load });
    }
  }

  /** What is needed, from the end. */
  #backward(block: Block, after: RegSet): void {
    let live = after;
    for (let i = block.insns.length - 1; i >= 0; i--) {
      const insn = block.insns[i]!;
      const { uses, defs } = effectsOf(insn);
      const result = this.results.get(insn.pc);
      if (PURE.has(insn.kind) && (defs & live) === 0) this.dead.add(insn.pc);
      else if (result?.kind === "wide") this.#need(result.load);
      live &= ~defs;
      live |= this.#reads(insn, uses, result);
    }
  }

  #need(load: WideLoad): void {
    const loads = this.wide.get(load.pc) ?? new Set();
    this.wide.set(load.pc, loads.add(load));
  }

  /** Registers that what remains of an insn reads. */
  #reads(insn: Insn, uses: RegSet, result: Result | undefined): RegSet {
    const dropped = this.dead.has(insn.pc) || result !== undefined;
    if (!dropped) return uses;
    const needsBase = "base" in insn && (this.#input.checked || this.wide.has(insn.pc));
    return needsBase ? regBit(insn.base) : 0;
  }
}

export function planFunc(input: PlanInput): Plan {
  return new Planner(input);
}

/** Nothing found. */
export const NO_PLAN: Plan = {
  results: new Map(),
  wide: new Map(),
  dead: new Set(),
  keys: NO_KEYS,
};
