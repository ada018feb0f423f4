// What the passes found for the blocks of one function: insns whose result comes another way, wide loads to do, insns
// that nothing needs any more. Lowering follows it insn by insn; without it everything is lowered as it stands.
import type { Block, Cfg } from "../ir/cfg.ts";
import type { Insn, InsnKind, RegNo } from "../../src/isa/insn.ts";
import type { InsnAux } from "../../src/verifier/proof.ts";
import type { MapBinding } from "../lower/abi.ts";
import { type KeyPlan, NO_KEYS, planKeys } from "./keys.ts";
import { findWideLoad, type WideLoad } from "./loads.ts";
import type { OptPass } from "./passes.ts";
import { effectsOf, liveOut, regBit, type RegSet } from "./regs.ts";
import { frozenLoad } from "./rodata.ts";
import { StoreRuns, type WideStore } from "./stores.ts";
import { BlockValues, FP_ROOT } from "./values.ts";

/** Where the value of an insn's destination comes from, if not from the insn. */
export type Result =
  | { readonly kind: "wide"; readonly load: WideLoad }
  | { readonly kind: "const"; readonly value: bigint };

export interface Plan {
  /** by pc of an insn that has a destination */
  readonly results: ReadonlyMap<number, Result>;
  /** by pc of the load they are done at */
  readonly wide: ReadonlyMap<number, readonly WideLoad[]>;
  /** pcs of insns whose result nobody reads */
  readonly dead: ReadonlySet<number>;
  readonly keys: KeyPlan;
  /** by pc of the last of the narrow stores */
  readonly stores: ReadonlyMap<number, readonly WideStore[]>;
  /** pcs of narrow stores that wide ones stand for */
  readonly joined: ReadonlySet<number>;
  /** by pc: values to keep for wide stores */
  readonly kept: ReadonlyMap<number, readonly Kept[]>;
}

/** A register to keep in a local, before or after an insn. */
export interface Kept {
  readonly name: string;
  readonly regno: RegNo;
  readonly when: "before" | "after";
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
  readonly wide = new Map<number, WideLoad[]>();
  readonly dead = new Set<number>();
  readonly keys: KeyPlan;
  readonly stores = new Map<number, WideStore[]>();
  readonly joined = new Set<number>();
  readonly kept = new Map<number, Kept[]>();
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
    const runs = this.#passes.has("stores") ? new StoreRuns(block.pc) : undefined;
    for (const insn of block.insns) {
      values.at(insn);
      runs?.see(insn, this.#input.aux[insn.pc], values);
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
    runs?.flush();
    this.#joinStores(runs?.found ?? [], values);
  }

  /** Takes the stores of a block that were put together. */
  #joinStores(found: readonly WideStore[], values: BlockValues): void {
    for (const store of found) {
      this.stores.set(store.pc, [...(this.stores.get(store.pc) ?? []), store]);
      for (const pc of store.pcs) this.joined.add(pc);
      const { source } = store;
      if (source.kind === "wide") this.#need(source.load);
      if (source.kind !== "own") continue;
      const origin = values.origins.get(source.root);
      if (origin === undefined) throw new Error(`${store.pc}: no origin of a stored value`);
      const { name } = source;
      const { pc, regno, when } = origin;
      const there = this.kept.get(pc) ?? [];
      if (there.every((kept) => kept.name !== name)) this.kept.set(pc, [...there, { name, regno, when }]);
    }
  }

  /** What is needed, from the end. */
  #backward(block: Block, after: RegSet): void {
    let live = after;
    for (let i = block.insns.length - 1; i >= 0; i--) {
      const insn = block.insns[i]!;
      const { uses, defs } = effectsOf(insn);
      const result = this.results.get(insn.pc);
      const kept = this.kept.get(insn.pc) ?? [];
      for (const { regno, when } of kept) if (when === "after") live |= regBit(regno);
      if (PURE.has(insn.kind) && (defs & live) === 0) this.dead.add(insn.pc);
      else if (result?.kind === "wide") this.#need(result.load);
      live &= ~defs;
      live |= this.#reads(insn, uses, result);
      for (const { regno, when } of kept) if (when === "before") live |= regBit(regno);
    }
  }

  #need(load: WideLoad): void {
    const loads = this.wide.get(load.pc) ?? [];
    // several insns may ask for the same one
    if (!loads.some(({ off, size }) => off === load.off && size === load.size)) loads.push(load);
    this.wide.set(load.pc, loads);
  }

  /** Registers that what remains of an insn reads. */
  #reads(insn: Insn, uses: RegSet, result: Result | undefined): RegSet {
    const dropped = this.dead.has(insn.pc) || result !== undefined || this.joined.has(insn.pc);
    if (!dropped) return uses;
    const isAnchor = this.wide.has(insn.pc) || this.stores.has(insn.pc);
    const needsBase = "base" in insn && (this.#input.checked || isAnchor);
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
  stores: new Map(),
  joined: new Set(),
  kept: new Map(),
};
