// One WebAssembly function under construction: where BPF registers live, temporaries, and the list of
// statements of the current block. Knows no insn; the tables of this folder write through it.
import type binaryen from "binaryen";
import type { Insn, RegNo } from "../../src/isa/insn.ts";
import type { FrameKind } from "../../src/spec/run_types.ts";
import type { InsnAux, SubprogInfo } from "../../src/verifier/proof.ts";
import type { MapBinding } from "./abi.ts";
import type { OptPass } from "../opt/passes.ts";
import { NO_PLAN, type Plan } from "../opt/plan.ts";
import type { Slots } from "./stack.ts";

export type Binaryen = typeof binaryen;
export type Module = binaryen.Module;
export type Expr = binaryen.ExpressionRef;

/** Part of binaryen's interface that its type declarations leave out. */
interface RawBinaryen {
  readonly Block: { setName(block: Expr, name: string): void };
  readonly Expression: { setType(expr: Expr, type: binaryen.Type): void };
}

export type Concurrency = "single" | "shared";

export interface LowerOptions {
  /** test every access against the region the verifier claimed for it */
  readonly checked: boolean;
  /** "single": nobody else can reach this memory, so atomics are plain operations */
  readonly concurrency: Concurrency;
  /** table index of the program itself; its callbacks follow in subprog order */
  readonly tableBase: number;
  /** what is done to the program's own code before it is lowered */
  readonly passes: readonly OptPass[];
  /** what a packet is to the program; default "xdp" */
  readonly frames?: FrameKind;
}

/** What lowering any function of one program needs. */
export interface Env {
  readonly b: Binaryen;
  readonly m: Module;
  readonly options: LowerOptions;
  readonly insns: readonly (Insn | undefined)[];
  readonly aux: readonly (InsnAux | undefined)[] | undefined;
  readonly subprogs: readonly SubprogInfo[];
  readonly maps: readonly MapBinding[];
  readonly loopHeads: ReadonlySet<number>;
  /** number of the subprog that is called with what is thrown; 0 or absent: none */
  readonly exceptionCb?: number;
  /** internal name of the function table */
  readonly table: string;
  /** internal name of a function the library exports */
  libFunction(name: string): string | undefined;
  /** internal name of the function of a subprog */
  subprogName(subprogno: number): string;
}

/** What lowering one function of it needs besides. */
export interface ProgEnv extends Env {
  /** numbers of the subprogs that may not come back, because they throw */
  readonly throwing: ReadonlySet<number>;
}

const CPU = 0;
const FP = 1;
const FIRST_ARG = 2;

export class Fn {
  readonly m: Module;
  /** statements of the block being lowered */
  out: Expr[] = [];
  readonly vars: binaryen.Type[] = [];
  /** expressions that may trap and the insn they belong to */
  readonly marks: { readonly expr: Expr; readonly pc: number }[] = [];
  readonly #regs = new Map<number, number>();
  readonly #temps = new Map<string, number>();
  readonly #firstVar: number;

  constructor(
    readonly env: ProgEnv,
    readonly subprog: SubprogInfo,
    readonly slots: Slots,
    /** 1 for the program itself (ctx), 5 for subprogs and callbacks */
    readonly args: 1 | 5,
    readonly plan: Plan = NO_PLAN,
  ) {
    this.m = env.m;
    this.#firstVar = FIRST_ARG + args;
    for (let i = 0; i < args; i++) this.#regs.set(i + 1, FIRST_ARG + i);
  }

  push(expr: Expr): void {
    this.out.push(expr);
  }

  /** Names the insn that a trap in `expr` would mean. */
  mark(expr: Expr, pc: number): Expr {
    this.marks.push({ expr, pc });
    return expr;
  }

  #newVar(type: binaryen.Type): number {
    this.vars.push(type);
    return this.#firstVar + this.vars.length - 1;
  }

  #reg(regno: RegNo): number {
    const known = this.#regs.get(regno);
    if (known !== undefined) return known;
    const local = this.#newVar(this.env.b.i64);
    this.#regs.set(regno, local);
    return local;
  }

  /**
   * A block that branches name. The label is set afterwards: given one, binaryen would search the whole block for
   * branches to it, again at every level of nesting.
   */
  labelled(label: string, children: readonly Expr[]): Expr {
    const { b, m } = this.env;
    const block = m.block(null, children, b.none);
    const raw = b as unknown as RawBinaryen;
    raw.Block.setName(block, label);
    raw.Expression.setType(block, b.none);
    return block;
  }

  /** A named temporary; the same name is the same local. */
  temp(name: string, type: "i32" | "i64"): number {
    const known = this.#temps.get(name);
    if (known !== undefined) return known;
    const local = this.#newVar(type === "i32" ? this.env.b.i32 : this.env.b.i64);
    this.#temps.set(name, local);
    return local;
  }

  getTemp(name: string, type: "i32" | "i64"): Expr {
    return this.m.local.get(this.temp(name, type), type === "i32" ? this.env.b.i32 : this.env.b.i64);
  }

  setTemp(name: string, type: "i32" | "i64", value: Expr): Expr {
    return this.m.local.set(this.temp(name, type), value);
  }

  cpu(): Expr {
    return this.m.local.get(CPU, this.env.b.i32);
  }

  /** The frame pointer as a 32-bit address. */
  fp(): Expr {
    return this.m.local.get(FP, this.env.b.i32);
  }

  /** Frame pointer of a callee: its frame starts below all of this one. */
  calleeFp(): Expr {
    const depth = (this.subprog.stackDepth + 7) & ~7;
    return depth === 0 ? this.fp() : this.m.i32.sub(this.fp(), this.m.i32.const(depth));
  }

  get(regno: RegNo): Expr {
    if (regno === 10) return this.m.i64.extend_u(this.fp());
    return this.m.local.get(this.#reg(regno), this.env.b.i64);
  }

  get32(regno: RegNo): Expr {
    return regno === 10 ? this.fp() : this.m.i32.wrap(this.get(regno));
  }

  set(regno: RegNo, value: Expr): void {
    this.push(this.m.local.set(this.#reg(regno), value));
  }

  /** 32-bit results clear the upper half. */
  set32(regno: RegNo, value: Expr): void {
    this.set(regno, this.m.i64.extend_u(value));
  }

  /** A sign-extended 32-bit immediate. */
  imm64(imm: number): Expr {
    return this.m.i64.const(BigInt(imm | 0));
  }

  u64(value: bigint): Expr {
    return this.m.i64.const(BigInt.asIntN(64, value));
  }

  /** An address or another u32 as an i64. */
  u32(value: number): Expr {
    return this.m.i64.const(BigInt(value >>> 0));
  }
}
