// Which C line an insn came from, by the object's line table.
import type { LineInfo } from "../elf/object_spec.ts";

/** The last line that begins at the insn or before it; lines are in the order of insns. */
export function lineOf(lines: readonly LineInfo[], pc: number): LineInfo | undefined {
  let lo = 0;
  let hi = lines.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if ((lines[mid] as LineInfo).pc <= pc) lo = mid + 1;
    else hi = mid;
  }
  return lines[lo - 1];
}
