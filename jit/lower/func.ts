// One subprog as one WebAssembly function: blocks in layout order, each forward target the end of a `block`
// that opens at the start of its region, each loop a `loop`. Linear; nests only as deep as loops do.
import type { InsnOf } from "../../src/isa/insn.ts";
import { buildCfg, type Block, type Cfg } from "../ir/cfg.ts";
import type { Item } from "../ir/loops.ts";
import { structure } from "../ir/reduce.ts";
import { NO_PLAN, planFunc, type Plan } from "../opt/plan.ts";
import { Fn, type Env, type Expr, type ProgEnv } from "./fn.ts";
import { lowerInsn, type Straight } from "./insn.ts";
import { followKeys } from "./key.ts";
import { initPasses, lowerCondition } from "./jump.ts";
import { pollStop } from "./loop.ts";
import { keepValues, lowerPlanned, lowerWideLoads } from "./result.ts";
import { planSlots } from "./stack.ts";

const LABEL = "label";

/** Bytes of stack up to which a frame is zeroed by single stores. */
const ZERO_BY_STORES = 64;

class FuncLowerer {
  readonly #fn: Fn;
  readonly #cfg: Cfg;
  /** blocks that some branch names as its target */
  readonly #labelled = new Set<number>();
  readonly #openLoops = new Set<number>();

  constructor(fn: Fn, cfg: Cfg) {
    this.#fn = fn;
    this.#cfg = cfg;
  }

  lower(items: readonly Item[]): Expr {
    const { m, env } = this.#fn;
    const prologue = this.#prologue();
    const body = this.#region(items, -1);
    // every path has returned: this only tells the validator so
    return m.block(null, [...prologue, body, m.unreachable()], env.b.i64);
  }

  #prologue(): Expr[] {
    const fn = this.#fn;
    const out: Expr[] = [];
    if (
      this.#cfg.blocks.some((block) => block.term.kind === "branch" && block.term.insn.kind === "may_goto")
    ) {
      out.push(initPasses(fn));
    }
    if (fn.subprog.readsUninitStack && fn.slots.usesMemory) out.push(...zeroFrame(fn));
    return out;
  }

  /** Statements of a region; where control leaves at its end it reaches `follow` (-1: nothing). */
  #region(items: readonly Item[], follow: number): Expr {
    const fn = this.#fn;
    const { m, env } = fn;
    const outer = fn.out;
    fn.out = [];
    items.forEach((item, i) => {
      if (this.#labelled.has(item.node) && !this.#openLoops.has(item.node)) {
        fn.out = [fn.labelled(`b${item.node}`, fn.out)];
      }
      const next = items[i + 1]?.node ?? follow;
      if (item.body === undefined) this.#block(this.#cfg.blocks[item.node]!, next);
      else this.#loop(item.node, item.body, next);
    });
    const region = m.block(null, fn.out, env.b.none);
    fn.out = outer;
    return region;
  }

  #loop(head: number, body: readonly Item[], next: number): void {
    const { m } = this.#fn;
    this.#openLoops.add(head);
    const region = this.#region(body, next);
    this.#openLoops.delete(head);
    this.#fn.push(m.loop(`l${head}`, region));
  }

  #block(block: Block, next: number): void {
    const fn = this.#fn;
    if (this.#isPollPoint(block)) fn.push(pollStop(fn, block.pc));
    for (const insn of block.insns) {
      keepValues(fn, insn, "before");
      lowerWideLoads(fn, insn);
      if (!lowerPlanned(fn, insn)) lowerInsn(fn, insn as InsnOf<Straight>);
      keepValues(fn, insn, "after");
      followKeys(fn, insn);
    }
    if (block.label !== undefined) fn.push(fn.setTemp(LABEL, "i32", fn.m.i32.const(block.label)));
    this.#term(block, next);
  }

  /** Heads that the verifier names, and the dispatch blocks that stand for heads of irreducible loops. */
  #isPollPoint({ id, pc, term }: Block): boolean {
    const { loopHeads } = this.#fn.env;
    if (term.kind === "dispatch") return loopHeads.size > 0;
    return this.#openLoops.has(id) && loopHeads.has(pc);
  }

  #term({ term }: Block, next: number): void {
    const fn = this.#fn;
    const { m } = fn;
    switch (term.kind) {
      case "exit":
        return fn.push(m.return(fn.get(0)));
      case "trap":
        return fn.push(fn.mark(m.unreachable(), term.pc));
      case "jump":
        return this.#goto(term.to, next);
      case "dispatch": {
        const labels = term.targets.map((to) => this.#target(to));
        return fn.push(m.switch(labels, labels[0]!, fn.getTemp(LABEL, "i32")));
      }
      case "branch": {
        const toTaken = term.taken !== next;
        const to = toTaken ? term.taken : term.fall;
        fn.push(m.br(this.#target(to), lowerCondition(fn, term.insn, toTaken)));
        return this.#goto(toTaken ? term.fall : term.taken, next);
      }
    }
  }

  #goto(to: number, next: number): void {
    if (to !== next) this.#fn.push(this.#fn.m.br(this.#target(to)));
  }

  /** The label that brings control to a block: its loop while inside it, else the end of a block before it. */
  #target(to: number): string {
    if (this.#openLoops.has(to)) return `l${to}`;
    this.#labelled.add(to);
    return `b${to}`;
  }
}

function zeroFrame(fn: Fn): Expr[] {
  const { m } = fn;
  const depth = (fn.subprog.stackDepth + 7) & ~7;
  const bottom = (): Expr => m.i32.sub(fn.fp(), m.i32.const(depth));
  if (depth > ZERO_BY_STORES) return [m.memory.fill(bottom(), m.i32.const(0), m.i32.const(depth))];
  return Array.from({ length: depth / 8 }, (_, i) => m.i64.store(i * 8, 8, bottom(), fn.imm64(0)));
}

function planOf(env: Env, cfg: Cfg): Plan {
  const { aux, maps, options } = env;
  // without facts nothing tells what memory an access goes to
  return aux === undefined || options.passes.length === 0
    ? NO_PLAN
    : planFunc({ cfg, aux, maps, ...options });
}

/** Adds the function of a subprog under `name`. */
export function lowerFunc(env: ProgEnv, subprogno: number, name: string): Fn {
  const { b, m } = env;
  const subprog = env.subprogs[subprogno]!;
  const cfg = buildCfg(
    env.aux === undefined ? { insns: env.insns } : { insns: env.insns, aux: env.aux },
    subprog.start,
    subprog.end,
  );
  const items = structure(cfg);
  const slots = planSlots(
    subprog,
    cfg.blocks.flatMap((block) => block.insns),
    env.aux,
  );
  const fn = new Fn(env, subprog, slots, subprogno === 0 ? 1 : 5, planOf(env, cfg));
  const body = new FuncLowerer(fn, cfg).lower(items);
  const args = Array.from({ length: fn.args }, () => b.i64);
  m.addFunction(name, b.createType([b.i32, b.i32, ...args]), b.i64, fn.vars, body);
  return fn;
}
