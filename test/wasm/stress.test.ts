// Several threads on one hash or LRU map: no element is lost, doubled or given away twice; the counts add up.
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import type { MapShape } from "../../runtime/map/map_layout.ts";
import * as L from "../../runtime/memory/layout.ts";
import { libBytes } from "../../runtime/wasm/lib.ts";
import { checkPool } from "./check_pool.ts";
import { TestWorld, hex, u32 } from "./world.ts";

const THREADS = 3;

interface Result {
  readonly inserted: number;
  readonly deleted: number;
  readonly refused: number;
  readonly errors: readonly string[];
  readonly own: readonly [number, number][];
}

interface Stress {
  readonly shape: Partial<MapShape>;
  readonly ownKeys: number;
  readonly sharedKeys: number;
  readonly rounds: number;
}

async function stress({
  shape,
  ...work
}: Stress): Promise<{ world: TestWorld; map: ReturnType<TestWorld["map"]>; results: Result[] }> {
  const world = new TestWorld({ ncpus: THREADS, pages: 128 });
  const map = world.map({ valueSize: 12, ...shape });
  const common = {
    bytes: libBytes(),
    memory: world.memory,
    map: map.addr,
    threads: THREADS,
    lru: shape.type === "lru_hash",
  };
  const results = await Promise.all(
    Array.from({ length: THREADS }, (_, id) => {
      const workerData = { ...common, ...work, id, cpu: world.cpuBlock(id), keySize: map.shape.keySize };
      const worker = new Worker(new URL("./stress_worker.mjs", import.meta.url), { workerData });
      return new Promise<Result>((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      });
    }),
  );
  expect(results.flatMap((r) => r.errors)).toEqual([]);
  checkPool(map);
  return { world, map, results };
}

function keyOf(n: number, size: number): string {
  return hex(Uint8Array.from({ length: size }, (_, i) => (i < 4 ? (u32(n)[i] ?? 0) : (n * i) & 255)));
}

describe("hash", () => {
  // few buckets and few spare elements: chains are shared, elements come back at once
  it.each([4, 8, 16, 21])("own and shared keys, key size %i", async (keySize) => {
    const { map, results } = await stress({
      shape: { type: "hash", keySize, maxEntries: 16 },
      ownKeys: 2,
      sharedKeys: 2,
      rounds: 150_000,
    });
    const entries = new Map([...map].map(([k, v]) => [hex(k), new DataView((v as Uint8Array).buffer)]));
    const total = (of: "inserted" | "deleted"): number => results.reduce((n, r) => n + r[of], 0);
    const own = results.flatMap((r) => r.own);
    for (const [n, value] of own) expect(entries.get(keyOf(n, keySize))?.getUint32(4, true)).toBe(value);
    const shared = Array.from({ length: 2 }, (_, n) => entries.get(keyOf(n, keySize))).filter(
      (v) => v !== undefined,
    );
    expect(shared.length).toBe(total("inserted") - total("deleted"));
    expect(total("inserted")).toBeGreaterThan(100);
    expect(entries.size).toBe(own.length + shared.length);
    for (const v of entries.values())
      expect(v.getUint32(8, true)).toBe(v.getUint32(0, true) ^ v.getUint32(4, true));
  });
});

describe("lru_hash", () => {
  it("evicts under contention", async () => {
    const { world, map } = await stress({
      shape: { type: "lru_hash", keySize: 8, maxEntries: 8 },
      ownKeys: 4,
      sharedKeys: 0,
      rounds: 150_000,
    });
    expect(world.view.getUint32(map.addr + L.MAP_COUNT, true)).toBeLessThanOrEqual(8);
    for (const [key, value] of map)
      expect(hex(key)).toBe(keyOf(new DataView((value as Uint8Array).buffer).getUint32(0, true), 8));
  });
});
