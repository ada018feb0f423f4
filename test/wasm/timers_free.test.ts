// What frees a timer, and what of it is left: every way an element goes, from outside and from callbacks.
import { describe, expect, it } from "vitest";
import * as L from "../../runtime/memory/layout.ts";
import {
  EINVAL,
  ENOMEM,
  MONOTONIC,
  START,
  TIMER_OFF,
  TIMER_SHAPE,
  TIMER_TYPES,
  TimerWorld,
} from "./timer_world.ts";
import { hex, u32 } from "./world.ts";

describe("freeing", () => {
  type Change = readonly [
    name: string,
    types: readonly string[],
    change: (w: TimerWorld, map: number, key: number) => void,
  ];
  const value = (w: TimerWorld): number => w.put(new Uint8Array(24).fill(0xee));
  const CHANGES: readonly Change[] = [
    ["update", TIMER_TYPES, (w, map, key) => w.do("map_update_elem", [map, w.key(key), value(w), 0])],
    [
      "host update",
      TIMER_TYPES,
      (w, map, key) => w.lib.map_update_user(map, w.key(key), value(w), 0n, w.cpu),
    ],
    ["delete", ["hash", "lru_hash"], (w, map, key) => w.do("map_delete_elem", [map, w.key(key)])],
    [
      "host lookup-and-delete",
      ["hash", "lru_hash"],
      (w, map, key) => w.lib.map_take_elem(map, w.key(key), w.alloc(24), 0, w.cpu),
    ],
    [
      "host lookup-and-delete of buckets",
      ["hash", "lru_hash"],
      (w, map) => w.lib.map_take(map, w.alloc(8), w.alloc(320), 320, 0, w.cpu),
    ],
    ["host delete", ["hash", "lru_hash"], (w, map, key) => w.lib.map_delete_user(map, w.key(key), w.cpu)],
    [
      "eviction",
      ["lru_hash"],
      (w, map) => {
        for (let i = 100; i < 200; i++) w.do("map_update_elem", [map, w.key(i), value(w), 0]);
      },
    ],
    ["release of the map", TIMER_TYPES, (w, map) => w.lib.map_release_timers(map)],
  ];
  const rows = CHANGES.flatMap(([name, types, change]) => types.map((type) => ({ name, type, change })));

  it.each(rows)(
    "$name, $type: disarmed, reference dropped, object given back, slot uninitialised",
    ({ type, change }) => {
      const w = new TimerWorld();
      const map = w.timers({ type: type as "hash", maxEntries: 16 });
      const fn = w.callback(() => expect.fail("fired"));
      const slot = w.timer(map, 1, fn);
      w.do("timer_start", [slot, 10, 0]);
      change(w, map.addr, 1);
      expect(w.initialised(slot)).toBe(false);
      expect([w.pending(), w.refs(1), w.objects(map)]).toEqual([0, 0, 0]);
      expect(w.run(START + 100n)).toBe(0);
      // at once again
      w.timer(map, 1, fn);
    },
  );

  it.each(TIMER_TYPES)("the bytes of a value never reach the timer and never leave it, %s", (type) => {
    const w = new TimerWorld();
    const map = w.timers({ type });
    const fn = w.callback(() => {});
    map.update(u32(1), new Uint8Array(24).fill(0xee));
    const slot = w.timer(map, 1, fn);
    const want = "ee".repeat(8) + "00".repeat(16);
    expect(hex(map.lookup(u32(1)) as Uint8Array)).toBe(want);
    const row = [...map].find(([key]) => hex(key) === "01000000");
    expect(hex(row?.[1] as Uint8Array)).toBe(want);
    expect(w.initialised(slot)).toBe(true);
  });

  it("BPF_F_LOCK: of an existing hash element the timer goes on, of an array element it is cancelled", () => {
    const specialFields = [
      { kind: "bpf_spin_lock", name: "l", off: 0, size: 4 },
      ...(TIMER_SHAPE.specialFields ?? []),
    ] as const;
    for (const [type, want] of [
      ["hash", 1],
      ["array", 0],
    ] as const) {
      const w = new TimerWorld();
      const map = w.timers({ type, specialFields });
      const slot = w.timer(
        map,
        1,
        w.callback(() => {}),
      );
      w.do("timer_start", [slot, 10, 0]);
      map.update(u32(1), new Uint8Array(24).fill(0xee), 4);
      expect([w.pending(), w.refs(1)]).toEqual([want, want]);
      expect(w.run(START + 10n)).toBe(want);
    }
  });

  it("its own element in the callback: EINVAL until it is initialised again, the object goes at the end", () => {
    const w = new TimerWorld();
    const map = w.timers();
    const results: number[] = [];
    const fn = w.callback(({ value }) => {
      const slot = value + TIMER_OFF;
      results.push(w.do("map_delete_elem", [map.addr, w.key(1)]));
      results.push(
        w.do("timer_start", [slot, 5, 0]),
        w.do("timer_set_callback", [slot, fn]),
        w.do("timer_cancel", [slot]),
      );
      results.push(w.objects(map), w.refs(1));
      results.push(w.do("timer_init", [slot, map.addr, MONOTONIC]), w.objects(map));
    });
    w.do("timer_start", [w.timer(map, 1, fn), 0, 0]);
    expect(w.run(START)).toBe(1);
    expect(results).toEqual([0, EINVAL, EINVAL, EINVAL, 1, 0, 0, 2]);
    // what the stale pointer set up goes when the element is taken again
    expect(w.objects(map)).toBe(1);
    for (let i = 0; i < 8; i++) map.update(u32(i), new Uint8Array(24));
    expect(w.objects(map)).toBe(0);
  });

  it("another's element in the callback", () => {
    const w = new TimerWorld();
    const map = w.timers();
    const other = w.timer(
      map,
      2,
      w.callback(() => expect.fail("fired")),
    );
    w.do("timer_start", [other, 10, 0]);
    w.do("timer_start", [
      w.timer(
        map,
        1,
        w.callback(() => w.do("map_delete_elem", [map.addr, w.key(2)])),
      ),
      5,
      0,
    ]);
    expect(w.run(START + 20n)).toBe(1);
    expect([w.pending(), w.objects(map)]).toEqual([0, 1]);
  });

  it("a slot initialised anew never fires for its former life", () => {
    const w = new TimerWorld();
    const map = w.timers({ type: "array" });
    const seen: number[] = [];
    const [a, b] = [w.callback(() => seen.push(1)), w.callback(() => seen.push(2))];
    w.do("timer_start", [w.timer(map, 1, a), 10, 0]);
    map.update(u32(1), new Uint8Array(24));
    w.do("timer_start", [w.timer(map, 1, b), 20, 0]);
    w.run(START + 15n);
    expect(seen).toEqual([]);
    w.run(START + 20n);
    expect(seen).toEqual([2]);
  });

  it("of a map that goes leaves nothing behind in the queues: its memory may be anything then", () => {
    const w = new TimerWorld();
    const [gone, map] = [w.timers({ maxEntries: 20 }), w.timers()];
    const seen: number[] = [];
    const fn = w.callback(({ map }) => seen.push(map));
    for (let key = 0; key < 20; key++) {
      const slot = w.timer(gone, key, fn);
      for (const ns of [1000 * key, 500]) w.do("timer_start", [slot, ns, 0]);
    }
    w.do("timer_start", [w.timer(map, 1, fn), 1000, 0]);
    w.setUserRefs(gone, 0);
    w.lib.map_release_timers(gone.addr);
    w.bytes.fill(0xee, gone.addr, gone.addr + w.view.getUint32(gone.addr + L.MAP_TOTAL_SIZE, true));
    w.do("timer_start", [w.timer(map, 2, fn), 20_000, 0]);
    expect(w.lib.timer_next_due(w.cpuBlock(0))).toBe(START + 1000n);
    expect([w.run(START + 1_000_000n), seen]).toEqual([2, [map.addr, map.addr]]);
  });

  it("a full pool: ENOMEM", () => {
    const w = new TimerWorld();
    const map = w.timers({ type: "array", maxEntries: 1 });
    const slot = w.slot(map, 0);
    const own = slot - TIMER_OFF + w.view.getUint32(map.addr + L.MAP_TIMER_OBJECT, true);
    w.view.setUint32(own + L.TIMER_VALUE, 1, true); // freed while its callback runs on another CPU
    w.view.setUint32(map.addr + L.MAP_TIMER_BUMP, w.view.getUint32(map.addr + L.MAP_TIMER_POOL, true), true);
    expect(w.do("timer_init", [slot, map.addr, 1])).toBe(ENOMEM);
  });

  it("a pending timer takes 64 bytes beside its value", () => {
    const w = new TimerWorld();
    const size = (n: number): number =>
      w.view.getUint32(w.timers({ type: "array", maxEntries: n }).addr + L.MAP_TOTAL_SIZE, true);
    expect((size(2000) - size(1000)) / 1000).toBe(24 + 64);
  });

  it.each(TIMER_TYPES)("a word of a former life means nothing to the object's present one, %s", (type) => {
    const w = new TimerWorld();
    const map = w.timers({ type, maxEntries: 1 });
    let fired = 0;
    const fn = w.callback(() => fired++);
    const slot = w.timer(map, type === "array" ? 0 : 1, fn);
    const former = w.view.getBigUint64(slot, true);
    w.lib.map_release_timers(map.addr);
    w.timer(map, type === "array" ? 0 : 1, fn);
    const present = w.view.getBigUint64(slot, true);
    expect([present & 0xffffffffn, present === former]).toEqual([former & 0xffffffffn, false]);
    expect(w.do("timer_start", [slot, 10, 0])).toBe(0);
    w.view.setBigUint64(slot, former, true); // as another CPU may have read it before
    const calls = ["timer_set_callback", "timer_start", "timer_cancel", "timer_cancel_async"];
    expect(calls.map((call) => w.do(call, [slot, fn, 0]))).toEqual(calls.map(() => EINVAL));
    w.lib.timer_free(slot, w.cpu);
    expect([w.refs(1), w.pending(), w.objects(map)]).toEqual([1, 1, 1]);
    w.run(START + 10n);
    expect(fired).toBe(1);
  });
});
