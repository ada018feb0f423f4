// Loads put together: clang reads an unaligned field byte by byte and joins the bytes with shifts. Where a value is
// found to be adjacent bytes that loads of this very block have brought, with no write to such memory between them, one
// load of all of them stands for it, done at the last of those loads. It touches no byte that the program does not.
import type { Size } from "../../src/isa/insn.ts";
import { type Byte, isOwnByte, type Lanes } from "./values.ts";

export interface WideLoad {
  /** the last of the narrow loads: at this insn, before it, its base register leads to all of the bytes */
  readonly pc: number;
  /** of the first byte, from the base register of that load */
  readonly off: number;
  readonly size: Size;
  /** the lowest address has the highest byte */
  readonly swapped: boolean;
}

/** Swapping two bytes costs more than loading them one by one. */
const MIN_SWAPPED = 4;

function follows(first: Byte, byte: Byte | undefined, distance: number): boolean {
  return (
    byte !== undefined &&
    byte.root === first.root &&
    byte.off === first.off + distance &&
    byte.kinds === first.kinds &&
    byte.age === first.age
  );
}

/**
 * Stack slots may be locals, and what a helper reads from there comes by another way; a part of a context's field is
 * not always where it seems to be.
 */
function isOutside(byte: Byte): boolean {
  return !isOwnByte(byte) && !byte.kinds.includes("stack") && !byte.kinds.includes("ctx");
}

/** The one load that gives a value of these bytes. */
export function findWideLoad(lanes: Lanes): WideLoad | undefined {
  const count = lanes.findIndex((byte) => byte === undefined);
  const size = count === -1 ? lanes.length : count;
  const [first] = lanes;
  if (first === undefined || !isOutside(first) || (size !== 2 && size !== 4 && size !== 8)) return undefined;
  if (lanes.slice(size).some((byte) => byte !== undefined)) return undefined;
  const bytes = lanes.slice(0, size) as readonly Byte[];
  const rising = bytes.every((byte, i) => follows(first, byte, i));
  const falling = size >= MIN_SWAPPED && bytes.every((byte, i) => follows(first, byte, -i));
  if (!rising && !falling) return undefined;
  const last = bytes.reduce((found, byte) => (byte.pc > found.pc ? byte : found));
  if (bytes.every((byte) => byte.pc === last.pc)) return undefined;
  const start = rising ? first.off : first.off - size + 1;
  return { pc: last.pc, off: start - last.baseAdd, size, swapped: falling };
}
