// What undoing each insn takes when the origin of a value is searched for, as rows of small numbers: searches walk over
// millions of insns. Says what an insn is; what is done about it is `precision`.
import type { Insn } from "../../isa/insn.ts";

/** No value comes from it. */
export const NOTHING = 0;
/** dst is a constant, or comes from a frame pointer. */
export const SET = 1;
/** dst is src. */
export const MOVED = 2;
/** dst is made of dst and src. */
export const COMBINED = 3;
/** dst is loaded. */
export const LOADED = 4;
/** src, NO_REG for a constant, is stored at dst. */
export const STORED = 5;
/** dst and src are compared. */
export const COMPARED = 6;
/** Calls and what else wants the insn itself. */
export const RARE = 7;

export const NO_REG = -1;
const FP = 10;

/** What an insn is, in one number: its kind, dst and src. */
function row(kind: number, dst: number = NO_REG, src: number = NO_REG): number {
  return kind | ((dst & 0xff) << 8) | ((src & 0xff) << 16);
}

function aluRow(insn: Extract<Insn, { kind: "alu" }>): number {
  const src = insn.src.kind === "reg" && insn.src.regno !== FP ? insn.src.regno : NO_REG;
  if (insn.op === "mov") return copyRow(insn.dst, src);
  return src === NO_REG ? row(NOTHING) : row(COMBINED, insn.dst, src);
}

function copyRow(dst: number, src: number): number {
  return src === NO_REG || src === FP ? row(SET, dst) : row(MOVED, dst, src);
}

function rowOf(insn: Insn): number {
  switch (insn.kind) {
    case "alu":
      return aluRow(insn);
    case "movsx":
    case "addr_space_cast":
      return copyRow(insn.dst, insn.src);
    case "neg":
    case "end":
    case "ja":
    case "may_goto":
    case "invalid":
      return row(NOTHING);
    case "ld_imm64":
      return row(SET, insn.dst);
    case "ldx":
    case "load_acquire":
      return row(LOADED, insn.dst);
    case "atomic":
      return insn.fetch ? row(LOADED, insn.op === "cmpxchg" ? 0 : insn.src) : row(RARE);
    case "st":
      return row(STORED, insn.base, insn.src.kind === "reg" ? insn.src.regno : NO_REG);
    case "store_release":
      return row(STORED, insn.base, insn.src);
    case "jmp":
      return insn.src.kind === "imm" ? row(NOTHING) : row(COMPARED, insn.dst, insn.src.regno);
    case "call":
    case "exit":
    case "ld_abs":
    case "ld_ind":
      return row(RARE);
  }
}

const ALWAYS = 1 << 31;

function bit(regno: number): number {
  return regno === NO_REG ? 0 : 1 << regno;
}

/** If none of these registers is wanted the insn changes nothing of what is, unless its path noted more of it. */
function touchedBy(kind: number, dst: number, src: number): number {
  if (kind === RARE) return ALWAYS;
  if (kind === NOTHING) return 0;
  return kind === COMPARED ? bit(dst) | bit(src) : bit(dst);
}

/** By insn, one a slot. */
export class UndoRows {
  private readonly touched: Int32Array;
  readonly kind: Uint8Array;
  readonly dst: Int8Array;
  readonly src: Int8Array;

  constructor(insns: readonly (Insn | undefined)[]) {
    this.kind = new Uint8Array(insns.length);
    this.dst = new Int8Array(insns.length).fill(NO_REG);
    this.src = new Int8Array(insns.length).fill(NO_REG);
    this.touched = new Int32Array(insns.length).fill(ALWAYS);
    insns.forEach((insn, pc) => {
      if (insn === undefined) return;
      const row = rowOf(insn);
      this.kind[pc] = row;
      this.dst[pc] = row >> 8;
      this.src[pc] = row >> 16;
      this.touched[pc] = touchedBy(this.kind[pc], this.dst[pc], this.src[pc]);
    });
  }

  /** Whether undoing the insn may change what is wanted: a set of registers and perhaps other things. */
  matters(pc: number, wanted: number): boolean {
    return ((wanted | ALWAYS) & (this.touched[pc] as number)) !== 0;
  }

  /** The first insn that matters from `pc` down to `stop`; `stop` if none does. */
  skipTo(pc: number, stop: number, wanted: number): number {
    const { touched } = this;
    const mask = wanted | ALWAYS;
    let at = pc;
    while (at > stop && ((touched[at] as number) & mask) === 0) at--;
    return at;
  }
}
