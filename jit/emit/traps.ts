// Which insn a byte offset of an emitted module belongs to, so that a trap can be reported with its insn.
// Taken from the source map that binaryen writes, with the pc as the line.

export interface TrapTable {
  /** ascending offsets in the module */
  readonly offsets: readonly number[];
  /** the pc of the code from that offset on, -1 for code of no insn */
  readonly pcs: readonly number[];
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Signed numbers of one segment, base-64 variable-length quantities. */
function parseSegment(text: string): number[] {
  const fields: number[] = [];
  let value = 0;
  let shift = 0;
  for (const char of text) {
    const digit = BASE64.indexOf(char);
    value += (digit & 31) * 2 ** shift;
    shift += 5;
    if ((digit & 32) !== 0) continue;
    fields.push(value % 2 === 1 ? -(value - 1) / 2 : value / 2);
    value = 0;
    shift = 0;
  }
  return fields;
}

/** The pc is the zero-based line that the map names. */
export function parseSourceMap(sourceMap: string): TrapTable {
  const { mappings } = JSON.parse(sourceMap) as { mappings: string };
  const offsets: number[] = [];
  const pcs: number[] = [];
  let offset = 0;
  let line = 0;
  for (const text of mappings.split(",")) {
    if (text === "") continue;
    const fields = parseSegment(text);
    offset += fields[0] ?? 0;
    line += fields[2] ?? 0;
    offsets.push(offset);
    pcs.push(fields.length > 1 ? line : -1);
  }
  return { offsets, pcs };
}

/** The insn at a module offset. */
export function findTrap(table: TrapTable, offset: number): number | undefined {
  let low = 0;
  let high = table.offsets.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (table.offsets[mid]! <= offset) low = mid + 1;
    else high = mid;
  }
  const pc = table.pcs[low - 1];
  return pc === undefined || pc < 0 ? undefined : pc;
}

/** The insn a trap came from: the innermost frame of the error's stack that belongs to one, so also the call of a helper. */
export function trapPc(table: TrapTable, error: Error): number | undefined {
  for (const [, offset = ""] of (error.stack ?? "").matchAll(/wasm-function\[\d+\]:0x([0-9a-f]+)/g)) {
    const pc = findTrap(table, Number.parseInt(offset, 16));
    if (pc !== undefined) return pc;
  }
  return undefined;
}
