// When timers fire: order, clocks, absolute, past and far deadlines, and the storm that never ends.
import { describe, expect, it } from "vitest";
import * as L from "../../runtime/memory/layout.ts";
import { ABS, START, TIMER_OFF, TimerWorld } from "./timer_world.ts";
import { u32 } from "./world.ts";

describe("order and deadlines", () => {
  it("by deadline, then by arming, over all distances", () => {
    const w = new TimerWorld();
    const n = 400;
    const map = w.timers({ maxEntries: n });
    const seen: number[] = [];
    const fn = w.callback(({ key }) => seen.push(w.view.getUint32(key, true)));
    let x = 12345;
    const random = (): number => (x = (Math.imul(x, 1103515245) + 12345) >>> 0) / 2 ** 32;
    const dues = Array.from({ length: n }, (_, key) => {
      const slot = w.timer(map, key, fn);
      // every power of two, with many equal ones
      const due =
        random() < 0.3 ? BigInt(Math.floor(random() * 5)) : BigInt(Math.floor(2 ** (random() * 50)));
      w.do("timer_start", [slot, due, 0]);
      return { key, due };
    });
    const want = dues
      .toSorted((a, b) => (a.due < b.due ? -1 : a.due > b.due ? 1 : a.key - b.key))
      .map((d) => d.key);
    // in pieces: the reference time of the wheel moves in between
    for (let t = 0n; t < 60n; t++) w.run(START + (1n << t));
    expect(seen).toEqual(want);
    expect(w.pending()).toBe(0);
    expect(w.lib.timer_next_due(w.cpuBlock(0))).toBe(-1n);
  });

  it("absolute deadlines in the past: by deadline, before everything else", () => {
    const w = new TimerWorld();
    const map = w.timers({ maxEntries: 100 });
    const seen: number[] = [];
    const fn = w.callback(({ key }) => seen.push(w.view.getUint32(key, true)));
    const dues = [500, 20, 900, 20, 0, 700, 3, 500, 1, 20];
    dues.forEach((due, key) => w.do("timer_start", [w.timer(map, key, fn), due, ABS]));
    w.do("timer_start", [w.timer(map, 50, fn), 0, 0]);
    w.do("timer_start", [w.slot(map, 2), 10, ABS]); // moved within the past
    expect(w.do("timer_cancel", [w.slot(map, 5)])).toBe(1);
    expect(w.lib.timer_next_due(w.cpuBlock(0))).toBe(0n);
    expect(w.run(START)).toBe(10);
    expect(seen).toEqual([4, 8, 6, 2, 1, 3, 9, 0, 7, 50]);
    expect(w.now()).toBe(START); // never back
  });

  it("relative delays saturate, absolute ones too: armed, never due", () => {
    const w = new TimerWorld();
    const map = w.timers();
    const fn = w.callback(() => {});
    for (const ns of [2n ** 63n, 2n ** 64n - 1n, 2n ** 63n - 1n]) {
      const slot = w.timer(map, 1, fn);
      expect(w.do("timer_start", [slot, ns, 0])).toBe(0);
      expect(w.run(2n ** 63n - 1n)).toBe(0);
      expect(w.run(-1n)).toBe(0);
      expect(w.do("timer_cancel", [slot])).toBe(1);
      w.do("timer_set_callback", [slot, fn]);
      w.do("timer_start", [slot, 2n ** 63n, ABS]);
      expect(w.run(2n ** 63n - 1n)).toBe(0);
      map.delete(u32(1));
      expect(w.pending()).toBe(0);
    }
  });

  it.each([
    ["REALTIME", 0, 5_000_000_000_000n],
    ["MONOTONIC", 1, START],
    ["BOOTTIME", 7, START],
  ] as const)("absolute on CLOCK_%s", (_, clock, base) => {
    const w = new TimerWorld();
    const map = w.timers();
    w.lib.clock_set(w.cpuBlock(0), 5_000_000_000_000n);
    const seen: bigint[] = [];
    const slot = w.timer(
      map,
      1,
      w.callback(() => seen.push(w.now(), w.counter(L.CPU_REALTIME))),
      clock,
    );
    w.do("timer_start", [slot, base + 77n, ABS]);
    expect(w.run(START + 76n)).toBe(0);
    expect(w.run(START + 77n)).toBe(1);
    expect(seen).toEqual([START + 77n, 5_000_000_000_077n]);
  });
});

describe("storms", () => {
  it.each([0n, 1n])("a callback that starts itself with %i ns for ever ends the run", (ns) => {
    const w = new TimerWorld();
    w.view.setUint32(L.WORLD_TIMER_CAP, 1000, true);
    const map = w.timers();
    w.callback(() => {});
    const fn = w.callback(({ value }) => w.do("timer_start", [value + TIMER_OFF, ns, 0]));
    w.do("timer_start", [w.timer(map, 1, fn), 0, 0]);
    expect(w.run(START + 1_000_000n)).toBe(1000);
    expect(w.reason()).toBe(L.WALK_STORM);
    expect(w.view.getUint32(w.cpuBlock(0) + L.CPU_STORM_FN, true)).toBe(fn);
  });

  it("one that makes its successor anew is capped too", () => {
    const w = new TimerWorld();
    w.view.setUint32(L.WORLD_TIMER_CAP, 1000, true);
    const map = w.timers();
    const fn = w.callback(() => {
      w.do("map_delete_elem", [map.addr, w.key(1)]);
      w.do("timer_start", [w.timer(map, 1, fn), 0, 0]);
    });
    w.do("timer_start", [w.timer(map, 1, fn), 0, 0]);
    expect(w.run(START)).toBe(1000);
    expect(w.reason()).toBe(L.WALK_STORM);
  });

  it("as many as the cap in each second are none", () => {
    const w = new TimerWorld();
    w.view.setUint32(L.WORLD_TIMER_CAP, 1000, true);
    const map = w.timers();
    const fn = w.callback(({ value }) => w.do("timer_start", [value + TIMER_OFF, 1_000_000, 0]));
    w.do("timer_start", [w.timer(map, 1, fn), 0, 0]);
    expect(w.run(START + 5_000_000_000n)).toBe(5001);
    expect(w.reason()).toBe(L.WALK_DONE);
  });
});
