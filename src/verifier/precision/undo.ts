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

type Row = readonly [kind: number, dst?: number, src?: number];

function aluRow(insn: Extract<Insn, { kind: "alu" }>): Row {
  const src = insn.src.kind === "reg" && insn.src.regno !== FP ? insn.src.regno : NO_REG;
  if (insn.op === "mov") return copyRow(insn.dst, src);
  return src === NO_REG ? [NOTHING] : [COMBINED, insn.dst, src];
}

function copyRow(dst: number, src: number): Row {
  return src === NO_REG || src === FP ? [SET, dst] : [MOVED, dst, src];
}

function rowOf(insn: Insn): Row {
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
      return [NOTHING];
    case "ld_imm64":
      return [SET, insn.dst];
    case "ldx":
    case "load_acquire":
      return [LOADED, insn.dst];
    case "atomic":
      return insn.fetch ? [LOADED, insn.op === "cmpxchg" ? 0 : insn.src] : [RARE];
    case "st":
      return [STORED, insn.base, insn.src.kind === "reg" ? insn.src.regno : NO_REG];
    case "store_release":
      return [STORED, insn.base, insn.src];
    case "jmp":
      return insn.src.kind === "imm" ? [NOTHING] : [COMPARED, insn.dst, insn.src.regno];
    case "call":
    case "exit":
    case "ld_abs":
    case "ld_ind":
      return [RARE];
  }
}

const ALWAYS = 1 << 31;

function bit(regno: number): number {
  return regno === NO_REG ? 0 : 1 << regno;
}

/** If none of these registers is wanted the insn changes nothing of what is, unless its path noted more of it. */
function touchedBy([kind, dst = NO_REG, src = NO_REG]: Row): number {
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
      const [kind, dst = NO_REG, src = NO_REG] = row;
      this.touched[pc] = touchedBy(row);
      this.kind[pc] = kind;
      this.dst[pc] = dst;
      this.src[pc] = src;
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
