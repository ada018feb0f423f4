// bpf_timer and bpf_wq, rule by rule, as far as the library decides them: errnos, references, order, clocks, freeing.
import { describe, expect, it } from "vitest";
import * as L from "../../runtime/memory/layout.ts";
import {
  ABS,
  EBUSY,
  ECANCELED,
  EDEADLK,
  EINVAL,
  ENOMEM,
  EPERM,
  MONOTONIC,
  START,
  TIMER_OFF,
  TIMER_SHAPE,
  TimerWorld,
} from "./timer_world.ts";
import { hex, u32 } from "./world.ts";

const TYPES = ["hash", "lru_hash", "array"] as const;
const NEVER = 2n ** 63n - 1n;

describe.each(TYPES)("errnos of the helpers, %s", (type) => {
  const make = (): { w: TimerWorld; map: ReturnType<TimerWorld["timers"]>; slot: number; fn: number } => {
    const w = new TimerWorld();
    const map = w.timers({ type });
    return { w, map, slot: w.slot(map, 1), fn: w.callback(() => {}) };
  };

  it.each([
    [0, 0],
    [1, 0],
    [7, 0],
    [2, EINVAL],
    [3, EINVAL],
    [4, EINVAL],
    [8, EINVAL],
    [9, EINVAL],
    [11, EINVAL],
    [15, EINVAL],
    [16, EINVAL],
    [17, EINVAL],
    [2 ** 32 + 1, EINVAL],
  ])("timer_init with flags %i gives %i", (flags, want) => {
    const { w, map, slot } = make();
    expect(w.do("timer_init", [slot, map.addr, flags])).toBe(want);
    expect(w.initialised(slot)).toBe(want === 0);
  });

  it("timer_init of an initialised timer: EBUSY", () => {
    const { w, map, slot } = make();
    expect(w.do("timer_init", [slot, map.addr, 1])).toBe(0);
    expect(w.do("timer_init", [slot, map.addr, 1])).toBe(EBUSY);
    expect(w.objects(map)).toBe(1);
  });

  it("without a user reference: EPERM, nothing stays", () => {
    const { w, map, slot, fn } = make();
    w.setUserRefs(map, 0);
    expect(w.do("timer_init", [slot, map.addr, 1])).toBe(EPERM);
    expect(w.initialised(slot)).toBe(false);
    expect(w.objects(map)).toBe(0);
    w.setUserRefs(map, 1);
    expect(w.do("timer_init", [slot, map.addr, 1])).toBe(0);
    w.setUserRefs(map, 0);
    expect(w.do("timer_set_callback", [slot, fn])).toBe(EPERM);
    expect(w.refs(1)).toBe(0);
  });

  it("what is not initialised: EINVAL", () => {
    const { w, slot, fn } = make();
    expect(w.do("timer_set_callback", [slot, fn])).toBe(EINVAL);
    expect(w.do("timer_start", [slot, 0, 0])).toBe(EINVAL);
    expect(w.do("timer_cancel", [slot])).toBe(EINVAL);
    expect(w.do("timer_cancel_async", [slot])).toBe(EINVAL);
  });

  it("timer_start: EINVAL without a callback and with unknown flags", () => {
    const { w, map, slot, fn } = make();
    w.do("timer_init", [slot, map.addr, 1]);
    expect(w.do("timer_start", [slot, 0, 0])).toBe(EINVAL);
    w.do("timer_set_callback", [slot, fn]);
    expect(w.do("timer_start", [slot, 0, 4])).toBe(EINVAL);
    expect(w.do("timer_start", [slot, 0, -1])).toBe(EINVAL);
    expect(w.pending()).toBe(0);
    for (const flags of [0, 1, 2, 3]) expect(w.do("timer_start", [slot, 0, flags])).toBe(0);
    expect(w.pending()).toBe(1);
  });

  it("timer_cancel: 1 if it was armed, 0 if not; then it needs a callback again", () => {
    const { w, slot, map, fn } = make();
    w.timer(map, 1, fn);
    expect(w.refs(1)).toBe(1);
    expect(w.do("timer_cancel", [slot])).toBe(0);
    expect(w.refs(1)).toBe(0);
    expect(w.do("timer_start", [slot, 5, 0])).toBe(EINVAL);
    expect(w.do("timer_set_callback", [slot, fn])).toBe(0);
    expect(w.do("timer_start", [slot, 5, 0])).toBe(0);
    expect(w.do("timer_cancel", [slot])).toBe(1);
    expect(w.run(NEVER)).toBe(0);
    expect(w.counter(L.CPU_TIMERS_CANCELLED)).toBe(1n);
  });

  it("timer_cancel_async keeps callback and program", () => {
    const { w, slot, map, fn } = make();
    w.timer(map, 1, fn);
    expect(w.do("timer_cancel_async", [slot])).toBe(0);
    expect(w.do("timer_start", [slot, 5, 0])).toBe(0);
    expect(w.do("timer_cancel_async", [slot])).toBe(1);
    expect(w.pending()).toBe(0);
    expect(w.refs(1)).toBe(1);
    expect(w.do("timer_start", [slot, 5, 0])).toBe(0);
    expect(w.run(START + 5n)).toBe(1);
  });
});

describe("program references", () => {
  it("one a timer, taken when the program changes", () => {
    const w = new TimerWorld();
    const map = w.timers();
    const [a, b, c] = [w.callback(() => {}, 1), w.callback(() => {}, 1), w.callback(() => {}, 2)];
    const slot = w.timer(map, 1, a);
    expect([w.refs(1), w.refs(2)]).toEqual([1, 0]);
    w.do("timer_set_callback", [slot, b]);
    w.do("timer_set_callback", [slot, a]);
    expect([w.refs(1), w.refs(2)]).toEqual([1, 0]);
    w.do("timer_set_callback", [slot, c]);
    expect([w.refs(1), w.refs(2)]).toEqual([0, 1]);
    w.do("timer_start", [slot, 5, 0]);
    expect([w.refs(1), w.refs(2)]).toEqual([0, 1]);
    w.run(START + 5n);
    expect([w.refs(1), w.refs(2)]).toEqual([0, 1]); // fired: it may be started again
    map.delete(u32(1));
    expect([w.refs(1), w.refs(2)]).toEqual([0, 0]);
  });

  it("CPU_CUR_PROG says whose callback runs", () => {
    const w = new TimerWorld();
    const map = w.timers();
    const seen: number[] = [];
    const cur = (): number => w.view.getUint32(w.cpuBlock(0) + L.CPU_CUR_PROG, true);
    const slot = w.timer(
      map,
      1,
      w.callback(() => seen.push(cur()), 7),
    );
    w.do("timer_start", [slot, 0, 0]);
    w.run(START);
    expect([...seen, cur()]).toEqual([7, 0]);
  });
});

describe("callbacks", () => {
  it.each(TYPES)("arguments, %s", (type) => {
    const w = new TimerWorld({ ncpus: 2 });
    const map = w.timers({ type, maxEntries: 100 });
    const seen: unknown[] = [];
    const fn = w.callback(({ cpu, fp, map, key, value }) => {
      seen.push([cpu, fp, map, w.view.getUint32(key, true), value]);
    });
    for (const key of [7, 99]) {
      const slot = w.timer(map, key, fn);
      expect(w.do("timer_start", [slot, 1, 0], 1)).toBe(0);
    }
    expect(w.run(START + 1n)).toBe(0);
    expect(w.run(START + 1n, { cpu: 1 })).toBe(2);
    const cpu = w.cpuBlock(1);
    const row = (key: number): unknown => [cpu, cpu + L.CPU_STACK_TOP, map.addr, key, w.value(map, key)];
    expect(seen).toEqual([row(7), row(99)]);
  });

  it("one shot; a periodic timer starts itself; one callback serves several maps", () => {
    const w = new TimerWorld();
    const maps = [w.timers(), w.timers()] as const;
    const seen: [number, bigint][] = [];
    const fn = w.callback(({ map, value }) => {
      seen.push([map, w.now()]);
      if (map === maps[1].addr) w.do("timer_start", [value + TIMER_OFF, 10, 0]);
    });
    for (const map of maps) w.do("timer_start", [w.timer(map, 1, fn), 10, 0]);
    expect(w.run(START + 35n)).toBe(4);
    expect(seen.map(([map, at]) => [maps.findIndex((m) => m.addr === map), Number(at - START)])).toEqual([
      [0, 10],
      [1, 10],
      [1, 20],
      [1, 30],
    ]);
    expect(w.lib.timer_next_due(w.cpuBlock(0))).toBe(START + 40n);
    expect(w.view.getBigUint64(L.WORLD_TIMER_SEQ, true)).toBe(5n);
    expect(w.counter(L.CPU_TIMERS_FIRED)).toBe(4n);
  });

  it("set up by three programs: init, set_callback and start", () => {
    const w = new TimerWorld({ ncpus: 3 });
    const map = w.timers();
    const slot = w.slot(map, 1);
    const fn = w.callback(() => {});
    expect(w.do("timer_init", [slot, map.addr, 1], 0)).toBe(0);
    expect(w.do("timer_set_callback", [slot, fn], 1)).toBe(0);
    expect(w.do("timer_start", [slot, 1, 0], 2)).toBe(0);
    expect([w.pending(0), w.pending(1), w.pending(2)]).toEqual([0, 0, 1]);
    // started again elsewhere it goes there
    expect(w.do("timer_start", [slot, 1, 0], 1)).toBe(0);
    expect([w.pending(0), w.pending(1), w.pending(2)]).toEqual([0, 1, 0]);
    expect(w.do("timer_cancel", [slot], 0)).toBe(1);
  });

  it("a restart moves the deadline; budget and stop word end a run that goes on later", () => {
    const w = new TimerWorld();
    const map = w.timers({ maxEntries: 50 });
    const seen: number[] = [];
    const fn = w.callback(({ key }) => seen.push(w.view.getUint32(key, true)));
    const slots = [0, 1, 2, 3].map((key) => w.timer(map, key, fn));
    slots.forEach((slot) => w.do("timer_start", [slot, 10, 0]));
    w.do("timer_start", [slots[0]!, 20, 0]);
    w.do("timer_start", [slots[3]!, 5, 0]);
    expect(w.run(START + 100n, { budget: 2 })).toBe(2);
    expect(w.reason()).toBe(L.WALK_BUDGET);
    w.view.setUint32(L.WORLD_STOP, 1, true);
    expect(w.run(START + 100n)).toBe(0);
    expect(w.reason()).toBe(L.WALK_STOPPED);
    w.view.setUint32(L.WORLD_STOP, 0, true);
    expect(w.run(START + 100n)).toBe(2);
    expect(w.reason()).toBe(L.WALK_DONE);
    expect(seen).toEqual([3, 1, 2, 0]);
  });

  it("a callback that a trap ended counts as ended at the next run", () => {
    const w = new TimerWorld();
    const map = w.timers();
    let traps = true;
    const slot = w.timer(
      map,
      1,
      w.callback(() => {
        if (traps) throw new Error("trap");
      }),
    );
    w.do("timer_start", [slot, 0, 0]);
    expect(() => w.run(START)).toThrow("trap");
    expect(w.do("timer_cancel", [slot])).toBe(EDEADLK);
    w.lib.timers_abort(w.cpuBlock(0));
    traps = false;
    w.do("timer_start", [slot, 0, 0]);
    expect(w.run(START)).toBe(1);
    expect(w.do("timer_cancel", [slot])).toBe(0);
  });
});

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

describe("cancelling from callbacks", () => {
  it("its own: EDEADLK, nothing dropped", () => {
    const w = new TimerWorld();
    const map = w.timers();
    const results: number[] = [];
    const fn = w.callback(({ value }) => {
      const slot = value + TIMER_OFF;
      results.push(w.do("timer_cancel", [slot]), w.do("timer_cancel_async", [slot]), w.refs(1));
      results.push(w.do("timer_start", [slot, 5, 0]), w.do("timer_cancel", [slot]));
    });
    const slot = w.timer(map, 1, fn);
    w.do("timer_start", [slot, 0, 0]);
    expect(w.run(START)).toBe(1);
    expect(results).toEqual([EDEADLK, ECANCELED, 1, 0, EDEADLK]);
    expect(w.do("timer_cancel", [slot])).toBe(1);
  });

  it("another: 1", () => {
    const w = new TimerWorld();
    const map = w.timers();
    const results: number[] = [];
    const other = w.timer(
      map,
      2,
      w.callback(() => results.push(99)),
    );
    const fn = w.callback(() => results.push(w.do("timer_cancel", [other]), w.do("timer_cancel", [other])));
    w.do("timer_start", [other, 10, 0]);
    w.do("timer_start", [w.timer(map, 1, fn), 5, 0]);
    w.run(START + 100n);
    expect(results).toEqual([1, 0]);
    const cancelling = w.view.getUint16(
      Number(w.view.getBigUint64(other, true) & 0xffffffffn) + L.TIMER_CANCELLING,
      true,
    );
    expect(cancelling).toBe(0);
  });

  it("another while someone is cancelling this one: EDEADLK, counted back, nothing dropped", () => {
    const w = new TimerWorld();
    const map = w.timers();
    const results: number[] = [];
    const other = w.timer(
      map,
      2,
      w.callback(() => results.push(99)),
    );
    const object = (slot: number): number => w.view.getUint32(slot, true);
    const fn = w.callback(({ value }) => {
      const own = object(value + TIMER_OFF) + L.TIMER_CANCELLING;
      w.view.setUint16(own, 1, true); // what a callback on another CPU does first
      results.push(w.do("timer_cancel", [other]), w.refs(1));
      w.view.setUint16(own, 0, true);
    });
    const slot = w.timer(map, 1, fn);
    w.do("timer_start", [slot, 0, 0]);
    w.do("timer_start", [other, 1, 0]);
    expect(w.run(START + 1n)).toBe(2);
    expect(results).toEqual([EDEADLK, 2, 99]);
    expect(w.view.getUint16(object(other) + L.TIMER_CANCELLING, true)).toBe(0);
  });

  it("from outside the counter is not touched", () => {
    const w = new TimerWorld();
    const map = w.timers();
    const slot = w.timer(
      map,
      1,
      w.callback(() => {}),
    );
    const at = w.view.getUint32(slot, true) + L.TIMER_CANCELLING;
    w.view.setUint16(at, 3, true);
    expect(w.do("timer_cancel", [slot])).toBe(0);
    expect(w.view.getUint16(at, true)).toBe(3);
  });
});

describe("freeing", () => {
  type Change = readonly [
    name: string,
    types: readonly string[],
    change: (w: TimerWorld, map: number, key: number) => void,
  ];
  const value = (w: TimerWorld): number => w.put(new Uint8Array(24).fill(0xee));
  const CHANGES: readonly Change[] = [
    ["update", TYPES, (w, map, key) => w.do("map_update_elem", [map, w.key(key), value(w), 0])],
    ["host update", TYPES, (w, map, key) => w.lib.map_update_user(map, w.key(key), value(w), 0n, w.cpu)],
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
    ["release of the map", TYPES, (w, map) => w.lib.map_release_timers(map)],
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

  it.each(TYPES)("the bytes of a value never reach the timer and never leave it, %s", (type) => {
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

describe("bpf_wq", () => {
  const shape = {
    ...TIMER_SHAPE,
    specialFields: [{ kind: "bpf_wq", name: "w", off: TIMER_OFF, size: 16 }] as const,
  };

  it("errnos, one run a start, freed with its element", () => {
    const w = new TimerWorld();
    const map = w.map(shape);
    const slot = w.slot(map, 1);
    const seen: number[] = [];
    const fn = w.callback(({ key, cpu }) => {
      seen.push(w.view.getUint32(key, true), Number(w.view.getBigUint64(cpu + L.CPU_CUR_TIMER, true)));
      if (seen.length === 2) seen.push(w.do("wq_start", [slot, 0]));
    });
    expect(w.do("wq_start", [slot, 0])).toBe(EINVAL);
    expect(w.do("wq_init", [slot, map.addr, 1])).toBe(EINVAL);
    expect(w.do("wq_init", [slot, map.addr, 0])).toBe(0);
    expect(w.do("wq_init", [slot, map.addr, 0])).toBe(EBUSY);
    expect(w.do("wq_start", [slot, 0])).toBe(EINVAL);
    expect(w.do("wq_set_callback_impl", [slot, fn, 1, 0])).toBe(EINVAL);
    expect(w.do("wq_set_callback_impl", [slot, fn, 0, 0])).toBe(0);
    expect(w.do("wq_start", [slot, 1])).toBe(EINVAL);
    expect(w.do("wq_start", [slot, 0])).toBe(0);
    expect(w.do("wq_start", [slot, 0])).toBe(0); // waits already
    expect(w.run(START)).toBe(2);
    expect(seen).toEqual([1, 0, 0, 1, 0]);
    w.do("wq_start", [slot, 0]);
    expect(w.refs(1)).toBe(1);
    map.delete(u32(1));
    expect([w.pending(), w.refs(1), w.objects(map)]).toEqual([0, 0, 0]);
  });

  it("without a user reference: EPERM", () => {
    const w = new TimerWorld();
    const map = w.map(shape);
    w.setUserRefs(map, 0);
    expect(w.do("wq_init", [w.slot(map, 1), map.addr, 0])).toBe(EPERM);
    expect(w.objects(map)).toBe(0);
  });
});

describe("what a map must be", () => {
  it.each(["percpu_hash", "percpu_array", "lru_percpu_hash", "lpm_trie"] as const)(
    "%s: EOPNOTSUPP",
    (type) => {
      const w = new TimerWorld();
      expect(() => w.timers({ type, keySize: type === "lpm_trie" ? 8 : 4 })).toThrow("cannot hold timers");
    },
  );
});
