// Two CPUs on two threads, step by step: who waits for a running callback and who must not, and races that have one right
// outcome. Random calls on more CPUs: timers_stress.test.ts.
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import type { BpfMap } from "../../runtime/map/bpf_map.ts";
import * as L from "../../runtime/memory/layout.ts";
import { libBytes } from "../../runtime/wasm/lib.ts";
import { CALLBACK_MODULE, EDEADLK, TIMER_TYPES, TimerWorld } from "./timer_world.ts";

class TwoCpus {
  readonly w = new TimerWorld({ ncpus: 2 });
  readonly map: BpfMap;
  readonly #other: BpfMap;

  constructor(type: "hash" | "lru_hash" | "array") {
    this.map = this.w.timers({ type });
    this.#other = this.w.timers({ type: "array", maxEntries: 1 });
    this.w.view.setUint32(L.WORLD_FUNC_PROG, 1, true);
    this.w.view.setUint32(L.WORLD_FUNC_PROG + 4, 2, true);
  }

  /** What each CPU's thread notes when it does its part. */
  run(parts: readonly [string, string], rounds = 1): Promise<Record<string, number>[]> {
    const { w, map } = this;
    const flags = w.alloc(64);
    const results = parts.map((part, id) => {
      const worker = new Worker(new URL("./timers_threads_worker.mjs", import.meta.url), {
        workerData: {
          ...{ part, rounds, flags, id, cpu: w.cpuBlock(id), memory: w.memory, bytes: libBytes() },
          ...{ callbackModule: CALLBACK_MODULE, map: map.addr, value: w.value(map, 1), L: { ...L } },
          other: w.value(this.#other, 0),
          otherMap: this.#other.addr,
        },
      });
      return new Promise<Record<string, number>>((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      });
    });
    return Promise.all(results);
  }

  rest(): number[] {
    const { w, map } = this;
    return [w.objects(map), w.refs(1), w.refs(2), w.pending(0), w.pending(1)];
  }
}

describe("a callback that runs on another CPU", () => {
  it.each(TIMER_TYPES)("is waited for by cancel, %s", async (type) => {
    const cpus = new TwoCpus(type);
    const [, other] = await cpus.run(["slow callback", "cancel"]);
    expect(other).toEqual({ result: 0, ended: 1, again: -22 });
    expect(cpus.rest()).toEqual([1, 0, 0, 0, 0]);
  });

  it.each(TIMER_TYPES)("is waited for by an update from a program, %s", async (type) => {
    const cpus = new TwoCpus(type);
    const [, other] = await cpus.run(["slow callback", "update"]);
    expect(other).toEqual({ result: 0, ended: 1, again: 0 });
    expect(cpus.rest()).toEqual([0, 0, 0, 0, 0]);
  });

  it.each(["hash", "lru_hash"] as const)("is waited for by a delete from a program, %s", async (type) => {
    const cpus = new TwoCpus(type);
    const [, other] = await cpus.run(["slow callback", "delete"]);
    expect(other).toEqual({ result: 0, ended: 1, again: 0 });
    expect(cpus.rest()).toEqual([0, 0, 0, 0, 0]);
  });

  it.each(TIMER_TYPES)("is waited for when the map's last user goes, %s", async (type) => {
    const cpus = new TwoCpus(type);
    const [, other] = await cpus.run(["slow callback", "release"]);
    expect(other).toEqual({ result: 0, ended: 1, again: 0 });
    expect(cpus.rest()).toEqual([0, 0, 0, 0, 0]);
  });

  it.each(TIMER_TYPES)("is not waited for by a free from any callback, %s", async (type) => {
    const cpus = new TwoCpus(type);
    // the first one's callback ends when the second one's has freed it
    const [slow, other] = await cpus.run(["waiting callback", "callback that frees"]);
    expect(slow).toEqual({ fired: 1, told: 1, slot: 0 });
    expect(other).toEqual({ result: 0, ended: 0, slot: 0, init: 0 });
  });

  it("may be cancelling this one: of two that cancel each other both go on", async () => {
    const cpus = new TwoCpus("array");
    const results = await cpus.run(["cancels the other's", "cancels the other's"], 300);
    let deadlocks = 0;
    for (const r of results) {
      expect((r["0"] ?? 0) + (r["1"] ?? 0) + (r[EDEADLK] ?? 0)).toBe(300);
      deadlocks += r[EDEADLK] ?? 0;
    }
    expect(deadlocks).toBeGreaterThanOrEqual(300);
  });
});

describe("races", () => {
  it("of two inits of one slot one wins", async () => {
    const cpus = new TwoCpus("array");
    const results = await cpus.run(["init", "init"], 20_000);
    const sum = (key: string): number => results.reduce((n, r) => n + (r[key] ?? 0), 0);
    expect([sum("0"), sum("-16"), sum("leaked")]).toEqual([20_000, 20_000, 0]);
  });

  it("of an init and the map's last user nothing stays", async () => {
    const cpus = new TwoCpus("array");
    const results = await cpus.run(["init of a map", "last user"], 20_000);
    expect((results[0]?.["0"] ?? 0) + (results[0]?.["-1"] ?? 0)).toBe(20_000);
    expect(results[1]?.["leaked"] ?? 0).toBe(0);
    expect(cpus.rest()).toEqual([0, 0, 0, 0, 0]);
  });
});
