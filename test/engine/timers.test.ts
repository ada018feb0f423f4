// The programs of test/objects/timers on both engines and the virtual clock: what their helpers gave, how often their
// callbacks ran, and that the engines agree on every byte of every map.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { EngineName } from "../../runtime/engine/engine.ts";
import { mapsToJson } from "../../runtime/json/maps.ts";
import { loadObject } from "../../runtime/load/object.ts";
import { openObject } from "../../runtime/load/open.ts";
import { runProg } from "../../runtime/run.ts";
import { openCaptures } from "../../src/pcap/index.ts";

const OBJECT = join(import.meta.dirname, "../objects/timers.o");
const CAPTURE = join(import.meta.dirname, "../kernel/jumbo.pcap");
const MS = 1_000_000n;

const [EINVAL, EBUSY, EDEADLK] = [-22n, -16n, -35n];

interface Outcome {
  readonly results: readonly bigint[];
  readonly inCallback: readonly bigint[];
  readonly fired: bigint;
  readonly second: bigint;
  readonly maps: unknown;
}

/** Runs the program on the capture's first packet; then the clock goes on. */
async function run(prog: string, engine: EngineName, checked: boolean): Promise<Outcome> {
  using object = await loadObject(openObject(OBJECT), { progs: [prog], engine, checked, cache: false });
  const result = await runProg(object, prog, openCaptures([CAPTURE]), { limit: 1, until: 20n * MS });
  const s64 = (name: string, i = 0): bigint => {
    const v = object.spec.variables.find((each) => each.name === name);
    const bytes = object
      .map(object.spec.maps[v?.map ?? -1]?.name ?? "")
      .lookup(new Uint8Array(4)) as Uint8Array;
    return new DataView(bytes.buffer, bytes.byteOffset).getBigInt64((v?.off ?? 0) + i * 8, true);
  };
  const list = (name: string, n: number): bigint[] => Array.from({ length: n }, (_, i) => s64(name, i));
  return {
    results: list("results", 8),
    inCallback: list("in_callback", 4),
    fired: s64("fired"),
    second: s64("fired_second"),
    maps: mapsToJson(object, { events: result.events }),
  };
}

// biome-ignore format: table
const CASES: readonly [prog: string, fired: bigint, results: readonly bigint[], inCallback?: readonly bigint[], second?: bigint][] = [
  ["once_array",   1n,  [0n, 0n, 0n]],
  ["once_hash",    1n,  [0n, 0n, 0n]],
  ["once_sparse",  1n,  [0n, 0n, 0n]],
  ["once_lru",     1n,  [0n, 0n, 0n]],
  ["every_array",  20n, []],
  ["every_hash",   20n, []],
  ["every_lru",    20n, []],
  ["errors",       0n,  [EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, 0n, EBUSY, EINVAL]],
  ["cancels",      1n,  [EINVAL, 0n, 1n, 0n, EINVAL, 0n, 0n]],
  ["cancel_self",  20n, [], [EDEADLK, 0n]],
  ["cancel_other", 1n,  [], [1n]],
  ["delete_self",  1n,  [], [0n, EINVAL, EINVAL]],
  ["delete_armed", 0n,  [0n]],
  ["absolute",     1n,  [0n]],
  ["in_inner_map", 10n, [0n, 0n], [], 10n],
  ["beside_lock",  1n,  [0n]],
  ["restart",      1n,  [0n]],
  ["at_once",      1n,  [0n]],
  ["never",        0n,  [0n]],
];

const padded = (list: readonly bigint[], n: number): bigint[] =>
  Array.from({ length: n }, (_, i) => list[i] ?? 0n);

describe("timers", () => {
  it.each(CASES)("%s", async (prog, fired, results, inCallback = [], second = 0n) => {
    const have = await run(prog, "wasm", false);
    const { maps: _, ...outcome } = have;
    expect(outcome).toEqual({
      fired,
      second,
      results: padded(results, 8),
      inCallback: padded(inCallback, 4),
    });
    expect(await run(prog, "wasm", true)).toEqual(have);
    expect(await run(prog, "interp", true)).toEqual(have);
  });
});
