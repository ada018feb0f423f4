// Timers on the virtual clock between packets: when they fire, in which order over CPUs, where the walker stops, and that
// neither batches nor the number of CPUs change what a run does.
import { describe, expect, it } from "vitest";
import * as L from "../../runtime/memory/layout.ts";
import { START, TIMER_OFF, TimerWorld } from "./timer_world.ts";
import { walkFrames } from "./walk_frames.ts";

const FLAGS = L.WALK_CLOCK | L.WALK_TIMERS;
const FIRST = 1_700_000_000_000_000_000n;

/** Packets at these times after the first one. */
function frames(
  w: TimerWorld,
  times: readonly (number | readonly [number, number])[],
): Parameters<typeof walkFrames>[1] {
  const at = w.alloc(64);
  return times.map((t) => {
    const [ts, cpu] = typeof t === "number" ? [t, 0] : t;
    return { at, len: 60, ts: FIRST + BigInt(ts), cpu };
  });
}

describe("between packets", () => {
  it("due at or before a packet fires before it, at its own time; 0 fires after the program", () => {
    const log: string[] = [];
    let packet = 0;
    const delays = [100, 0, 250, 2 ** 40];
    const w: TimerWorld = new TimerWorld({
      prog: (cpu) => {
        log.push(`packet ${w.now() - START}`);
        const slot = w.slot(map, packet);
        w.do("timer_init", [slot, map.addr, 1]);
        w.do("timer_set_callback", [slot, fn]);
        w.do("timer_start", [slot, delays[packet++]!, 0]);
        expect(w.view.getBigUint64(cpu + L.CPU_CUR_TIMER, true)).toBe(0n);
        return 2n;
      },
    });
    const map = w.timers();
    const fn = w.callback(({ key, cpu }) => {
      log.push(`timer ${w.view.getUint32(key, true)} ${w.now() - START}`);
      expect(w.view.getBigUint64(cpu + L.CPU_REALTIME, true)).toBe(FIRST + w.now() - START);
    });
    // 30 ns after the first: again 30; the timer of packet 1 is due at once
    expect(walkFrames(w, frames(w, [0, 30, 30, 100]), FLAGS)).toBe(4);
    expect(log).toEqual(["packet 0", "packet 30", "timer 1 30", "packet 30", "timer 0 100", "packet 100"]);
    expect(w.run(START + 2n ** 41n)).toBe(2);
    expect(log.slice(6)).toEqual(["timer 2 280", `timer 3 ${2 ** 40 + 100}`]);
  });

  it("stops in the middle of due timers when events are nearly full, and goes on", () => {
    const w: TimerWorld = new TimerWorld({ prog: () => 2n });
    const map = w.timers({ maxEntries: 16 });
    const cpu = w.cpuBlock(0);
    const order: number[] = [];
    const fn = w.callback(({ key }) => {
      order.push(w.view.getUint32(key, true));
      w.view.setUint32(cpu + L.CPU_EVENTS_TAIL, 3000, true);
    });
    w.view.setUint32(cpu + L.CPU_EVENTS, w.alloc(4096), true);
    w.view.setUint32(cpu + L.CPU_EVENTS_SIZE, 4096, true);
    w.view.setUint32(cpu + L.CPU_EVENTS_RESERVE, 2000, true);
    for (let key = 0; key < 5; key++) w.do("timer_start", [w.timer(map, key, fn), key, 0]);
    let taken = walkFrames(w, frames(w, [100, 200]), FLAGS | L.WALK_EVENTS);
    for (let i = 0; i < 9 && w.reason() === L.WALK_EVENTS_FULL; i++) {
      w.view.setUint32(cpu + L.CPU_EVENTS_TAIL, 0, true);
      taken += w.lib.walk(cpu, FLAGS | L.WALK_EVENTS, 10);
    }
    expect([taken, order, w.reason()]).toEqual([2, [0, 1, 2, 3, 4], L.WALK_DONE]);
  });

  it("a storm ends the walk before the packet", () => {
    const w: TimerWorld = new TimerWorld({ prog: () => 2n });
    w.view.setUint32(L.WORLD_TIMER_CAP, 100, true);
    const map = w.timers();
    const fn = w.callback(({ value }) => w.do("timer_start", [value + TIMER_OFF, 0, 0]));
    w.do("timer_start", [w.timer(map, 1, fn), 0, 0]);
    expect(walkFrames(w, frames(w, [5, 6]), FLAGS)).toBe(0);
    expect([w.reason(), w.counter(L.CPU_TIMERS_FIRED)]).toEqual([L.WALK_STORM, 100n]);
  });

  it("without WALK_TIMERS nothing fires", () => {
    const w: TimerWorld = new TimerWorld({ prog: () => 2n });
    const map = w.timers();
    w.do("timer_start", [
      w.timer(
        map,
        1,
        w.callback(() => expect.fail("fired")),
      ),
      0,
      0,
    ]);
    expect(walkFrames(w, frames(w, [5, 6]), L.WALK_CLOCK)).toBe(2);
  });
});

/** A row of packets on several CPUs whose timers start and cancel one another: what happened, in order. */
function history(ncpus: number, batch: number): string[] {
  const log: string[] = [];
  let x = 1;
  const random = (n: number): number => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * n);
  };
  const act = (cpu: number): void => {
    const index = w.view.getUint32(cpu + L.CPU_INDEX, true);
    for (let i = random(4); i > 0; i--) {
      const slot = w.slot(map, random(16));
      const [name, ...args] = (
        [
          ["timer_init", map.addr, 1],
          ["timer_set_callback", fn],
          ["timer_start", random(3) * random(4000), 0],
          ["timer_start", Number(START) + random(60000), 1],
          ["timer_start", random(500), 2],
          ["timer_cancel"],
        ] as const
      )[random(6)]!;
      log.push(`${index} ${name} ${w.do(name, [slot, ...args], index)}`);
    }
  };
  const w: TimerWorld = new TimerWorld({
    ncpus,
    prog: (cpu) => {
      log.push(
        `packet ${w.view.getBigUint64(cpu + L.CPU_MONOTONIC, true)} on ${w.view.getUint32(cpu + L.CPU_INDEX, true)}`,
      );
      act(cpu);
      return 2n;
    },
  });
  const map = w.timers({ maxEntries: 16 });
  const fn = w.callback(({ cpu, key }) => {
    log.push(`timer ${w.view.getUint32(key, true)} at ${w.view.getBigUint64(cpu + L.CPU_MONOTONIC, true)}`);
    act(cpu);
  });
  for (let key = 0; key < 16; key++) w.slot(map, key);
  // times go back a little now and then, as between the queues of a real card
  const times = Array.from({ length: 300 }, (_, i): [number, number] => [
    i * 200 + ((i * 7919) % 1000),
    (i * 31) % ncpus,
  ]);
  let taken = walkFrames(w, frames(w, times), FLAGS | L.WALK_CPUS, batch);
  while (taken < times.length) taken += w.lib.walk(w.cpuBlock(0), FLAGS | L.WALK_CPUS, batch);
  log.push(`rest ${w.lib.timers_run_all(w.cpuBlock(0), START + 10n ** 6n, 1_000_000)}`);
  return log;
}

describe("determinism", () => {
  it.each([1, 2, 4])("%i CPUs: batches of 1, 7 and 4096 do the same, twice", (ncpus) => {
    const want = history(ncpus, 4096);
    expect(want.filter((line) => line.startsWith("timer ")).length).toBeGreaterThan(50);
    for (const batch of [4096, 1, 7]) expect(history(ncpus, batch)).toEqual(want);
  });

  it("over CPUs by deadline, then by arming", () => {
    const w = new TimerWorld({ ncpus: 3 });
    const map = w.timers({ maxEntries: 16 });
    const order: number[] = [];
    const fn = w.callback(({ key }) => order.push(w.view.getUint32(key, true)));
    const dues = [500, 70000, 500, 3, 70000, 500, 0, 69999, 3];
    dues.forEach((due, key) => {
      const slot = w.timer(map, key, fn);
      w.do("timer_start", [slot, due, 0], (key * 2) % 3);
    });
    expect(w.lib.timers_run_all(w.cpuBlock(0), START + 500n, 100)).toBe(6);
    expect(w.lib.timers_run_all(w.cpuBlock(0), START + 70000n, 2)).toBe(2);
    expect(w.reason()).toBe(L.WALK_BUDGET);
    expect(w.lib.timers_run_all(w.cpuBlock(0), START + 70000n, 2)).toBe(1);
    expect(order).toEqual([6, 3, 8, 0, 2, 5, 7, 1, 4]);
  });
});
