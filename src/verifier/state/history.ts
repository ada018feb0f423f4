// What paths did at their insns, as far as walking back needs it: where they came from, the stack slot an insn accessed,
// which of its operands are frame pointers, which scalars were linked when it ran. Entries lie in one row of numbers, of
// which the garbage collector sees nothing, and name the one before: paths that fork share what lies before. A walked insn
// makes one at most, so there are never more of them than insns that may be walked. Paths are walked depth first, so the
// row is a stack: what was added since a path forked is of no use once all that forked later has ended.
// Who writes the entries and who reads them is not known here.
import { emptyList } from "./list.ts";

/** The entry before the first. */
export const NO_HIST = 0;

// an entry
const PC = 0;
const PREV = 1;
const FLAGS = 2;
const BEFORE = 3;
const COUNT = 4;
/** where its linked scalars lie, if it has any */
const LINKS = 5;
const ENTRY = 6;

export class History {
  private row = new Int32Array(ENTRY * 1024);
  private used: number = ENTRY;
  /** of the entries that have any, in their order */
  private readonly links: (readonly number[])[] = emptyList();

  /** The entry of the insn at `pc`, reached from the one at `prev`, in a path whose latest entry is `before`. */
  add(pc: number, prev: number, before: number): number {
    const at = this.used;
    if (at === this.row.length) this.grow();
    const { row } = this;
    row[at + PC] = pc;
    row[at + PREV] = prev;
    row[at + FLAGS] = 0;
    row[at + BEFORE] = before;
    row[at + COUNT] = this.count(before) + 1;
    row[at + LINKS] = this.links.length;
    this.used += ENTRY;
    return at;
  }

  /** Where the next entry will lie. */
  get top(): number {
    return this.used;
  }

  /** Forgets the entries from `top` on. */
  cut(top: number): void {
    if (top < this.used) this.links.length = this.row[top + LINKS] as number;
    this.used = top;
  }

  private grow(): void {
    const { row } = this;
    this.row = new Int32Array(2 * row.length);
    this.row.set(row);
  }

  /** What more is known of the latest entry. */
  amend(entry: number, flags: number, linked: readonly number[] | undefined): void {
    this.row[entry + FLAGS] = this.flags(entry) | flags | (linked === undefined ? 0 : HIST_LINKED);
    if (linked !== undefined) this.links[this.row[entry + LINKS] as number] = linked;
  }

  pc(entry: number): number {
    return this.row[entry + PC] as number;
  }
  prev(entry: number): number {
    return this.row[entry + PREV] as number;
  }
  flags(entry: number): number {
    return this.row[entry + FLAGS] as number;
  }
  before(entry: number): number {
    return this.row[entry + BEFORE] as number;
  }
  /** How many entries a path has whose latest this is. */
  count(entry: number): number {
    return this.row[entry + COUNT] as number;
  }
  linked(entry: number): readonly number[] | undefined {
    return (this.flags(entry) & HIST_LINKED) === 0
      ? undefined
      : this.links[this.row[entry + LINKS] as number];
  }
}

const FRAME_MASK = 7;

// flags of an entry
const SPI_SHIFT = 3;
const SPI_MASK = 0x3f;
export const HIST_STACK = 1 << 9;
export const HIST_SRC_FP = 1 << 10;
export const HIST_DST_FP = 1 << 11;
const HIST_LINKED = 1 << 12;

export function stackFlags(frameno: number, spi: number): number {
  return frameno | (spi << SPI_SHIFT) | HIST_STACK;
}
export function histSpi(flags: number): number {
  return (flags >> SPI_SHIFT) & SPI_MASK;
}
export function histFrame(flags: number): number {
  return flags & FRAME_MASK;
}

// a linked scalar: frame, register or slot, number
const LINKED_REG = 1 << 3;
const INDEX_SHIFT = 4;

export function packLinked(frameno: number, isReg: boolean, index: number): number {
  return frameno | (isReg ? LINKED_REG : 0) | (index << INDEX_SHIFT);
}
export function linkedFrame(entry: number): number {
  return entry & FRAME_MASK;
}
export function linkedIsReg(entry: number): boolean {
  return (entry & LINKED_REG) !== 0;
}
export function linkedIndex(entry: number): number {
  return entry >> INDEX_SHIFT;
}
