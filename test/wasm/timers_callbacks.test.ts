// Callbacks of timers: what they are called with, how often, who may set them up, and who keeps their program.
import { describe, expect, it } from "vitest";
import * as L from "../../runtime/memory/layout.ts";
import { EDEADLK, START, TIMER_OFF, TIMER_TYPES, TimerWorld } from "./timer_world.ts";
import { u32 } from "./world.ts";

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
  it.each(TIMER_TYPES)("arguments, %s", (type) => {
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

  it.each(["hash", "lru_hash"] as const)(
    "the key is the element's own memory: reused, it changes, %s",
    (type) => {
      const w = new TimerWorld();
      const map = w.timers({ type, maxEntries: 1 });
      const seen: number[] = [];
      const fn = w.callback(({ key, value }) => {
        expect(key).toBe(value - w.view.getUint32(map.addr + L.MAP_VALUE_OFF, true) + L.ELEM_KEY);
        seen.push(w.view.getUint32(key, true));
        w.do("map_delete_elem", [map.addr, w.key(7)]);
        for (let other = 50; w.view.getUint32(key, true) === 7 && other < 60; other++) {
          w.do("map_update_elem", [map.addr, w.key(other), w.put(new Uint8Array(24)), 0]);
          w.do("map_delete_elem", [map.addr, w.key(other)]);
        }
        seen.push(w.view.getUint32(key, true));
      });
      w.do("timer_start", [w.timer(map, 7, fn), 0, 0]);
      expect(w.run(START)).toBe(1);
      expect(seen).toEqual([7, 50]);
    },
  );

  it("without a callback at its deadline nothing runs", () => {
    const w = new TimerWorld();
    const map = w.timers();
    const fn = w.callback(({ value }) => {
      w.do("timer_start", [value + TIMER_OFF, 0, 0]);
      // what a cancel on another CPU does before it waits for this callback
      w.view.setUint32(w.view.getUint32(value + TIMER_OFF, true) + L.TIMER_CALLBACK, 0, true);
    });
    w.do("timer_start", [w.timer(map, 1, fn), 0, 0]);
    w.run(START);
    expect([w.pending(), w.counter(L.CPU_TIMERS_FIRED), w.reason()]).toEqual([0, 1n, L.WALK_DONE]);
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
