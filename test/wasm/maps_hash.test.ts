// HASH, LRU_HASH and their kin against a plain model: random calls give the same results and contents.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkPool } from "./check_pool.ts";
import { CALLS, type Row, KEY_SIZES, keyOf, valueOf, fmt, runCalls } from "./map_model.ts";
import { TestWorld, u32 } from "./world.ts";

const HASHES: readonly Row[] = [
  ...KEY_SIZES.map((keySize) => ({ type: "hash" as const, keySize })),
  { type: "hash", maxEntries: 1 },
  { type: "hash", valueSize: 1 },
  { type: "hash", keySize: 16, valueSize: 1000 },
  { type: "percpu_hash", valueSize: 12, ncpus: 3 },
  { type: "percpu_hash", valueSize: 8, ncpus: 1 },
  { type: "devmap_hash", valueSize: 4 },
];

describe("hash maps follow the model", () => {
  it.each(HASHES)("$type key $keySize value $valueSize", ({ ncpus = 1, ...shape }) => {
    const world = new TestWorld({ ncpus, pages: 64 });
    fc.assert(
      fc.property(CALLS, (calls) => {
        const map = world.map(shape);
        const fit =
          shape.type === "devmap_hash"
            ? calls.map((c) => (c.op === "update" ? { ...c, value: c.value | 1 } : c))
            : calls;
        runCalls(map, fit, (n) => keyOf(n, map.shape.keySize));
      }),
      { numRuns: 40 },
    );
  });
});

describe("lru_hash", () => {
  it("never fails for want of room, keeps what was looked up", () => {
    const world = new TestWorld();
    const map = world.map({ type: "lru_hash", maxEntries: 64, valueSize: 4 });
    for (let i = 0; i < 64; i++) map.update(u32(i), u32(i));
    expect(map.size).toBe(64);
    const key = world.put(u32(0));
    for (let i = 0; i < 32; i++) {
      world.view.setUint32(key, i, true);
      expect(world.call("map_lookup_elem", [map.addr, key])).not.toBe(0n);
    }
    for (let i = 100; i < 132; i++) map.update(u32(i), u32(i));
    expect(map.size).toBe(64);
    for (let i = 0; i < 32; i++) expect(map.lookup(u32(i))).toEqual(u32(i));
    for (let i = 100; i < 132; i++) expect(map.lookup(u32(i))).toEqual(u32(i));
    expect(map.lookup(u32(40))).toBeUndefined();
    checkPool(map);
  });

  it.each([{ type: "lru_hash" } as const, { type: "lru_percpu_hash", ncpus: 2 } as const])(
    "$type: random calls, never more than max_entries",
    ({ type, ...w }) => {
      const world = new TestWorld({ ...w, pages: 64 });
      fc.assert(
        fc.property(fc.array(fc.tuple(fc.nat(30), fc.boolean()), { maxLength: 200 }), (calls) => {
          const map = world.map({ type, maxEntries: 7 });
          for (const [n, remove] of calls) {
            if (remove) map.delete(u32(n));
            else map.update(u32(n), valueOf(map, n));
            expect(fmt(map.lookup(u32(n)))).toBe(remove ? undefined : fmt(valueOf(map, n)));
            expect(map.size).toBeLessThanOrEqual(7);
          }
          for (const [k, v] of map) expect(fmt(v)).toBe(fmt(valueOf(map, k[0] ?? 0)));
          checkPool(map);
        }),
        { numRuns: 40 },
      );
    },
  );
});
