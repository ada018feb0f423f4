// Several CPUs on threads: timers of shared maps set up, started, cancelled, freed and fired at once. Every run ends, nothing
// fires after its free, and all references and objects are back at the end. SOFTIRQ_STRESS_MS makes it longer.
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import type { BpfMap } from "../../runtime/map/bpf_map.ts";
import * as L from "../../runtime/memory/layout.ts";
import { libBytes } from "../../runtime/wasm/lib.ts";
import { checkPool } from "./check_pool.ts";
import { CALLBACK_MODULE, TimerWorld } from "./timer_world.ts";
import { u32 } from "./world.ts";

const MS = Number(process.env["SOFTIRQ_STRESS_MS"] ?? 1200);

interface Result {
  readonly rounds: number;
  readonly fired: number;
  readonly deadlock: number;
  readonly freed: number;
  readonly errors: readonly string[];
  readonly results: Readonly<Record<string, number>>;
}

interface Scenario {
  readonly type: "hash" | "lru_hash" | "array";
  readonly cpus: number;
  readonly keys: number;
  readonly maxDue: number;
}

function mapData(w: TimerWorld, map: BpfMap, keys: number): object {
  const end = map.addr + w.view.getUint32(map.addr + L.MAP_TOTAL_SIZE, true);
  return { addr: map.addr, end, keys, array: map.shape.type === "array" };
}

async function stress({
  type,
  cpus,
  keys,
  maxDue,
}: Scenario): Promise<{ w: TimerWorld; maps: BpfMap[]; total: Result }> {
  const w = new TimerWorld({ ncpus: cpus, pages: 256 });
  const own = w.timers({ type: type === "array" ? "array" : "hash", maxEntries: keys });
  const shared = w.timers({ type, maxEntries: keys });
  w.view.setUint32(L.WORLD_TIMER_CAP, 0xffffffff, true);
  for (const [i, prog] of [1, 2].entries()) w.view.setUint32(L.WORLD_FUNC_PROG + i * 4, prog, true);
  for (let key = 0; key < keys; key++) own.update(u32(key), new Uint8Array(24));
  const workerData = {
    bytes: libBytes(),
    callbackModule: CALLBACK_MODULE,
    memory: w.memory,
    own: mapData(w, own, keys),
    shared: mapData(w, shared, type === "lru_hash" ? 3 * keys : keys),
    cpus,
    keys,
    maxDue,
    ms: MS,
    L: { ...L },
    gate: w.alloc(64),
    freed: w.alloc(w.view.getUint32(own.addr + L.MAP_TOTAL_SIZE, true) / 2),
  };
  const results = await Promise.all(
    Array.from({ length: cpus }, (_, id) => {
      const worker = new Worker(new URL("./timers_worker.mjs", import.meta.url), {
        workerData: { ...workerData, id, cpu: w.cpuBlock(id) },
      });
      return new Promise<Result>((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      });
    }),
  );
  const sum = (of: "rounds" | "fired" | "deadlock" | "freed"): number =>
    results.reduce((n, r) => n + r[of], 0);
  const counts: Record<string, number> = {};
  for (const r of results) for (const [k, n] of Object.entries(r.results)) counts[k] = (counts[k] ?? 0) + n;
  const total = {
    rounds: sum("rounds"),
    fired: sum("fired"),
    deadlock: sum("deadlock"),
    freed: sum("freed"),
    errors: results.flatMap((r) => r.errors),
    results: counts,
  };
  return { w, maps: [own, shared], total };
}

function checkRest(w: TimerWorld, maps: readonly BpfMap[], cpus: number): void {
  for (let i = 0; i < cpus; i++) {
    const cpu = w.cpuBlock(i);
    expect(w.view.getUint32(cpu + L.CPU_BASE_LOCK, true)).toBe(0);
    expect(w.view.getBigUint64(cpu + L.CPU_CUR_TIMER, true)).toBe(0n);
  }
  for (const map of maps) {
    w.setUserRefs(map, 0);
    w.lib.map_release_timers(map.addr);
    expect(w.objects(map)).toBe(0);
    if (map.shape.type !== "array") checkPool(map);
  }
  for (let i = 0; i < cpus; i++) {
    expect(w.pending(i)).toBe(0);
    expect(w.lib.timer_next_due(w.cpuBlock(i))).toBe(-1n);
    expect(w.lib.timers_run(w.cpuBlock(i), 2n ** 62n, 1)).toBe(0);
  }
  expect([w.refs(1), w.refs(2)]).toEqual([0, 0]);
}

const SCENARIOS: readonly Scenario[] = [
  { type: "hash", cpus: 3, keys: 1, maxDue: 50 },
  { type: "hash", cpus: 3, keys: 6, maxDue: 500 },
  { type: "array", cpus: 3, keys: 3, maxDue: 50 },
  { type: "lru_hash", cpus: 3, keys: 4, maxDue: 5000 },
  { type: "hash", cpus: 2, keys: 2, maxDue: 2 },
];

describe("timers on threads", () => {
  it.each(SCENARIOS)(
    "$type, $cpus CPUs, $keys elements, up to $maxDue ns",
    { timeout: MS + 60_000 },
    async (scenario) => {
      const { w, maps, total } = await stress(scenario);
      expect(total.errors).toEqual([]);
      checkRest(w, maps, scenario.cpus);
      expect(total.fired).toBeGreaterThan(100);
      expect(total.freed).toBeGreaterThan(100);
      expect(total.results["cancel 1"]).toBeGreaterThan(0);
      expect(total.results["closed undefined"]).toBeGreaterThan(0);
      if (scenario.type !== "array")
        for (const taken of ["take 0", "buckets true"]) expect(total.results[taken]).toBeGreaterThan(0);
      if (process.env["SOFTIRQ_STRESS_MS"] !== undefined) console.log(scenario, total);
    },
  );
});
