// What a path's history keeps of an insn, packed into numbers: the stack slot it accessed, which of its operands are
// frame pointers, which scalars were linked when it ran. Who writes the entries and who reads them is not known here.

/** What a path did at one insn, as far as walking back needs it. */
export interface Hist {
  readonly pc: number;
  readonly prev: number;
  flags: number;
  linked: readonly number[] | undefined;
}

const FRAME_MASK = 7;

// flags of an entry
const SPI_SHIFT = 3;
const SPI_MASK = 0x3f;
export const HIST_STACK = 1 << 9;
export const HIST_SRC_FP = 1 << 10;
export const HIST_DST_FP = 1 << 11;

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
