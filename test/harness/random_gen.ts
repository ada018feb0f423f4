// The generator of random programs: which registers it may write, values it knows, and the pieces every statement
// is made of. What statements there are is the caller's.
import type { JmpOp, Operand, RegNo, Width } from "../../src/isa/insn.ts";
import { JMP_OPS, rowsOf } from "../../src/isa/opcode.ts";
import { helperByName } from "../../src/spec/helpers.ts";
import type { MapDef } from "../../src/verifier/proof.ts";
import { mapDef } from "./map_def.ts";
import { Builder, Rng } from "./random_builder.ts";
import { bounded, NONE, REGS, SCALAR, State, type Val } from "./random_state.ts";

const BPF_F_NO_PREALLOC = 1;

/** The maps every random program has. */
// biome-ignore format: table
export const RANDOM_MAPS: readonly MapDef[] = [
  mapDef("array",   "array",            4, 64, 4),
  mapDef("hash",    "hash",             4, 16, 64),
  mapDef("percpu",  "percpu_array",     4, 24, 2),
  mapDef("lru",     "lru_hash",         8, 16, 512),
  mapDef("phash",   "percpu_hash",      8, 8,  64),
  mapDef("lpm",     "lpm_trie",         8, 16, 64, BPF_F_NO_PREALLOC),
  mapDef("globals", "array",            4, 128, 1),
  mapDef("jump",    "prog_array",       4, 4,  4),
  mapDef("events",  "perf_event_array", 4, 4,  1),
  mapDef("ports",   "devmap",           4, 4,  4),
];

export const LOOKUP = [0, 1, 2, 3, 4, 5] as const;
export const UPDATE = [1, 3, 4, 5] as const;
export const [GLOBALS, JUMP, EVENTS, PORTS] = [6, 7, 8, 9] as const;

const JMP: readonly JmpOp[] = rowsOf(JMP_OPS).map(([op]) => op);
export const SIZES = [1, 2, 4, 8] as const;
export const CALLEE_SAVED = [7, 8, 9] as const;
export const CTX: RegNo = 6;
/** Bytes that a subprog may take for granted behind a pointer it is given. */
export const PKT_ARG = 14;
export const VALUE_ARG = 16;

/** A subprogram waiting to be written: what its r1 is. */
export interface Planned {
  readonly takes: "scalars" | "ctx" | "memory" | "packet" | "value" | "callback";
  readonly level: number;
}

export const reg = (regno: RegNo): Operand => ({ kind: "reg", regno });
export const imm = (n: number): Operand => ({ kind: "imm", imm: n });

/** Weight in a body, and what it makes; a statement that has not what it needs makes nothing. */
export type Statement = readonly [weight: number, make: (g: Gen) => void];

export class Gen {
  readonly b = new Builder();
  readonly rng: Rng;
  readonly planned: Planned[] = [];
  st = new State();
  locked = new Set<RegNo>();
  level = 0;
  depth = 0;
  loops = 0;
  branches = 0;

  constructor(
    seed: number,
    readonly statements: readonly Statement[],
  ) {
    this.rng = new Rng(seed);
  }

  // ---- registers ----

  writable(among: readonly RegNo[] = REGS): RegNo[] {
    return among.filter((regno) => !this.locked.has(regno));
  }

  /** A register to overwrite; pointers are spared mostly. */
  target(): RegNo {
    const free = this.writable();
    const cheap = free.filter((regno) => ["none", "scalar"].includes(this.st.get(regno).t));
    return this.rng.pick(cheap.length > 0 && this.rng.chance(90) ? cheap : free);
  }

  /** `n` different registers to overwrite; fewer if there are no more. */
  targets(n: number): RegNo[] {
    const free = this.writable().filter((regno) => ["none", "scalar"].includes(this.st.get(regno).t));
    const out: RegNo[] = [];
    while (out.length < n && free.length > 0) out.push(...free.splice(this.rng.below(free.length), 1));
    return out;
  }

  mov(dst: RegNo, src: Operand, width: Width = 64): void {
    this.b.emit({ kind: "alu", op: "mov", width, dst, src, signed: false });
    if (src.kind === "reg") this.st.set(dst, width === 64 ? this.st.get(src.regno) : SCALAR);
    else this.st.set(dst, src.imm >= 0 ? bounded(src.imm) : SCALAR);
  }

  add(dst: RegNo, n: number): void {
    this.b.emit({ kind: "alu", op: "add", width: 64, dst, src: imm(n), signed: false });
  }

  /** A register that holds a number; one is made if there is none. */
  scalar(among: readonly RegNo[] = REGS): RegNo {
    const have = this.st.of("scalar", among);
    if (have.length > 0) return this.rng.pick(have);
    const dst = this.rng.pick(this.writable(among));
    this.constant(dst);
    return dst;
  }

  constant(dst: RegNo): void {
    if (this.rng.chance(70)) return this.mov(dst, imm(this.rng.imm32()));
    this.b.emit({ kind: "ld_imm64", dst, value: { kind: "imm", imm: this.rng.imm64() } });
    this.st.set(dst, SCALAR);
  }

  /** A number that may be written, at most `max`; mostly the generator sees to it. */
  index(max: number): RegNo {
    const regno = this.scalar(this.writable());
    const known = this.st.get(regno);
    if (known.t === "scalar" && known.max !== undefined && known.max <= max) return regno;
    const mask = 2 ** Math.floor(Math.log2(max + 1)) - 1;
    if (!this.rng.chance(6)) {
      const width = this.rng.pick([32, 64] as const);
      this.b.emit({ kind: "alu", op: "and", width, dst: regno, src: imm(mask), signed: false });
    }
    this.st.set(regno, bounded(mask));
    return regno;
  }

  /** Bytes known to lie behind a pointer into a packet or a value. */
  rangeOf(regno: RegNo): number {
    const val = this.st.get(regno);
    return val.t === "pkt" ? val.range : val.t === "value" ? val.size : 0;
  }

  // ---- helpers ----

  call(name: string, result: Val = SCALAR): void {
    const row = helperByName(name);
    if (row === undefined) throw new Error(`no helper ${name}`);
    this.b.emit({ kind: "call", callee: { kind: "helper", id: row.id } });
    this.b.count(`helper:${name}`);
    this.st.clobber();
    this.st.set(0, result);
  }

  canCall(): boolean {
    return [0, 1, 2, 3, 4, 5].every((regno) => !this.locked.has(regno as RegNo));
  }

  hasCtx(): boolean {
    return this.st.get(CTX).t === "ctx";
  }

  map(dst: RegNo, map: number): void {
    this.b.emit({ kind: "ld_imm64", dst, value: { kind: "map", map } });
    this.st.set(dst, NONE);
  }

  /** `size` written bytes of stack; their offset from the frame pointer. */
  buffer(size: number): number {
    const slots = Math.ceil(size / 8);
    const off = -8 * this.rng.between(slots, 16);
    for (let i = 0; i < slots; i++) {
      const at = off + 8 * i;
      if (this.st.isData(at, 8)) continue;
      const have = this.st.of("scalar");
      const src = have.length > 0 && this.rng.chance(60) ? reg(this.rng.pick(have)) : imm(this.rng.imm32());
      this.b.emit({ kind: "st", base: 10, off: at, size: 8, src });
      this.st.write(at, 8, SCALAR);
    }
    return off;
  }

  stackPtr(dst: RegNo, off: number): void {
    this.mov(dst, reg(10));
    this.add(dst, off);
    this.st.set(dst, { t: "fp", off });
  }

  /** A key for `map` on the stack. */
  key(map: number): number {
    const def = RANDOM_MAPS[map];
    if (def === undefined) throw new Error(`no map ${map}`);
    const off = -8 * this.rng.between(1, 16);
    const small = this.rng.below(def.maxEntries + 2) % 8;
    const have = this.st.of("scalar");
    const src = have.length > 0 && this.rng.chance(50) ? reg(this.rng.pick(have)) : imm(small);
    if (def.type === "lpm_trie") {
      this.b.emit({ kind: "st", base: 10, off, size: 4, src: imm(this.rng.between(0, 33)) });
      this.b.emit({ kind: "st", base: 10, off: off + 4, size: 4, src });
    } else {
      this.b.emit({ kind: "st", base: 10, off, size: def.keySize === 8 ? 8 : 4, src });
    }
    this.st.write(off, def.keySize, SCALAR);
    return off;
  }

  // ---- control ----

  /** Runs `then` on a copy of the state; afterwards what holds on both ways. */
  way(then: () => void): State {
    const before = this.st.clone();
    this.depth++;
    then();
    this.depth--;
    const after = this.st;
    this.st = before;
    return after;
  }

  body(statements: number): void {
    for (let i = 0; i < statements; i++) this.statement();
  }

  statement(): void {
    const total = this.statements.reduce((sum, [weight]) => sum + weight, 0);
    let at = this.rng.below(total);
    for (const [weight, make] of this.statements) {
      at -= weight;
      if (at < 0) return make(this);
    }
  }

  /** Mostly every number known here shows in the result, so that a wrong one is seen. */
  exit(): void {
    const have = this.st.of("scalar");
    if (have.length === 0 || this.rng.chance(this.level > 0 ? 10 : 25)) {
      this.mov(0, imm(this.rng.below(5)));
    } else {
      const [first] = have;
      if (first !== undefined && first !== 0) this.mov(0, reg(first));
      for (const regno of have.slice(1)) {
        this.b.emit({ kind: "alu", op: "mul", width: 64, dst: 0, src: imm(31), signed: false });
        this.b.emit({ kind: "alu", op: "xor", width: 64, dst: 0, src: reg(regno), signed: false });
      }
      // a verdict that exists, now and then
      if (this.level === 0 && this.rng.chance(15))
        this.b.emit({ kind: "alu", op: "and", width: 64, dst: 0, src: imm(3), signed: false });
    }
    this.b.emit({ kind: "exit" });
  }

  /** End of a callback: mostly it wants to be called again. */
  stop(): void {
    this.mov(0, imm(this.rng.chance(80) ? 0 : 1));
    this.b.emit({ kind: "exit" });
  }

  condition(): { op: JmpOp; width: Width; dst: RegNo; src: Operand } {
    const dst = this.scalar();
    const src = this.rng.chance(50) ? reg(this.scalar()) : imm(this.rng.imm32());
    return { op: this.rng.pick(JMP), width: this.rng.pick([32, 64] as const), dst, src };
  }
}
