// The layout file by itself: no two fields of one structure share bytes.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";

const SOURCE = readFileSync(resolve(import.meta.dirname, "../../runtime/memory/layout.ts"), "utf8");

interface Field {
  readonly name: string;
  readonly off: number;
  readonly size: number;
}

/** Rows of `export const NAME = OFFSET; // u32, …`: the type in the comment says how long a field is. */
function fieldsOf(prefix: RegExp): Field[] {
  return [...SOURCE.matchAll(/^export const (\w+) = (0x[0-9a-f]+|\d+); \/\/ (?:(\d+) x )?u(16|32|64)\b/gm)]
    .map((m) => ({ name: m[1] ?? "", off: Number(m[2]), size: Number(m[3] ?? 1) * (Number(m[4]) / 8) }))
    .filter((f) => prefix.test(f.name));
}

describe("memory layout", () => {
  it.each([
    ["world header", /^WORLD_(?!F_)/],
    ["CPU block", /^CPU_/],
    ["frame descriptor", /^FRAME_/],
    ["result row", /^ROW_/],
    ["event record", /^EV_/],
    ["timer queue", /^QUEUE_/],
    ["timer object", /^TIMER_(?!F_)/],
    ["map header", /^MAP_(?!PREFIX)/],
  ])("%s: fields do not overlap", (_, prefix) => {
    const fields = fieldsOf(prefix).sort((a, b) => a.off - b.off);
    expect(fields.length).toBeGreaterThan(4);
    const overlaps = fields.flatMap((f, i) => {
      const next = fields[i + 1];
      return next !== undefined && next.off < f.off + f.size ? [`${f.name} and ${next.name}`] : [];
    });
    expect(overlaps).toEqual([]);
  });

  it("keeps fields aligned to their size", () => {
    const unaligned = fieldsOf(/./).filter((f) => f.size === 8 && f.off % 8 !== 0);
    expect(unaligned.map((f) => f.name)).toEqual([]);
  });
});
