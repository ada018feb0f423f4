import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadAddon } from "../../native/binding.ts";
import { type HostOptions, loadObject, openObject } from "../../runtime/index.ts";
import { MAP_ELEMS_OFF, TIMER_CALLBACK } from "../../runtime/memory/layout.ts";
import { CANCEL, MS, OBJECTS, SAY, START, TimerHost, sleep, until } from "./harness.ts";

const EINVAL = 22;

// the worker starts from built output
const built = existsSync(new URL("../../dist/runtime/clock/worker_main.js", import.meta.url));
const mayRealtime = ((): boolean => {
  const { addon } = loadAddon();
  try {
    addon?.threadRealtime(true);
    addon?.threadRealtime(false);
    return addon !== undefined;
  } catch {
    return false;
  }
})();
const MODES: readonly (readonly [string, HostOptions])[] = [
  ...(mayRealtime ? [["worker, realtime", { priority: "realtime" }] as const] : []),
  ["worker, spin off", { spin: "off" }],
  ["worker, spin adaptive", { spin: "adaptive" }],
  ["worker, spin 50 µs", { spin: 50_000 }],
  ["main thread", { loop: "main" }],
];

describe.runIf(built).each(MODES)("real clock: %s", (_, options) => {
  it("fires a timer, never before its deadline", async () => {
    await using t = await TimerHost.open(options);
    expect(t.command(START, 0, 500n * MS)).toBe(0);
    expect(t.fired(0)).toBe(0);
    await until("fired", () => t.fired(0) === 1);
    await sleep(30);
    expect(t.fired(0)).toBe(1); // once
    expect(t.count("early")).toBe(0);
  });

  it("wakes for a deadline before the one it sleeps for", async () => {
    await using t = await TimerHost.open(options);
    t.command(START, 0, 60_000n * MS);
    await sleep(20); // asleep for the far one
    t.command(START, 1, 5n * MS);
    await until("the near one fired", () => t.fired(1) === 1);
    expect(t.fired(0)).toBe(0);
  });

  it("fires in order of deadlines, whatever the order of arming", async () => {
    await using t = await TimerHost.open(options);
    const delays = [40n, 10n, 30n, 20n];
    delays.forEach((ms, i) => t.command(START, i, ms * MS));
    await until("all fired", () => delays.every((_ms, i) => t.fired(i) === 1));
    // a busy machine may have been slow between two starts: what counts is when each was due
    const elems = delays.map((_ms, i) => t.elem(i));
    const byDue = elems.toSorted((a, b) => Number(a.due - b.due));
    expect(byDue.map(({ order }) => order)).toEqual([1, 2, 3, 4]);
  });

  it("a callback arms itself again and again; cancel ends it", async () => {
    await using t = await TimerHost.open(options);
    t.command(START, 0, MS, MS);
    await until("ten times", () => t.fired(0) >= 10);
    expect(t.elem(0).result).toBe(0n);
    expect(t.command(CANCEL, 0)).toBe(1); // it is armed whenever no callback runs
    const fired = t.fired(0);
    await sleep(20);
    expect(t.fired(0)).toBe(fired);
    expect(t.command(CANCEL, 0)).toBe(0);
  });

  it("a timer armed with 0 has fired when the program's call returns or soon after", async () => {
    await using t = await TimerHost.open(options);
    t.command(START, 0, 0n);
    await until("fired", () => t.fired(0) === 1);
  });

  it("start and cancel race with callbacks: every armed timer fires or is cancelled, once", async () => {
    await using t = await TimerHost.open(options);
    let cancelled = 0;
    let started = 0;
    const end = performance.now() + 500;
    while (performance.now() < end) {
      for (let i = 0; i < 200; i++) {
        const index = i % 8;
        expect(t.command(START, index, BigInt(i % 5) * 20_000n)).toBe(0);
        started++;
        if (i % 2 === 0) continue;
        const was = t.command(CANCEL, index);
        expect(was === 0 || was === 1).toBe(true);
        cancelled += was;
      }
      for (let index = 0; index < 8; index++) {
        const was = t.command(CANCEL, index);
        expect(was === 0 || was === 1 || was === -EINVAL).toBe(true);
        cancelled += was;
      }
      await sleep(0);
    }
    let fired = 0;
    for (let i = 0; i < 8; i++) fired += t.fired(i);
    // a start of an armed timer replaces it
    expect(fired + cancelled).toBeLessThanOrEqual(started);
    expect(fired + cancelled).toBeGreaterThan(0);
    expect(t.count("early")).toBe(0);
  });

  it("a callback never runs inside a program of the same CPU", async () => {
    await using t = await TimerHost.open(options);
    for (let i = 0; i < 8; i++) t.command(START, i, 50_000n, 50_000n + BigInt(i) * 7_000n);
    const end = performance.now() + 700;
    let runs = 0;
    for (; performance.now() < end; runs++) {
      t.object.runPacket("work", new Uint8Array(64));
      if (runs % 8 === 0) await sleep(0);
    }
    expect(runs).toBeGreaterThan(0);
    await until("timers go on beside", () => t.fired(0) > 10);
    expect(t.count("overlaps")).toBe(0);
    expect(t.count("early")).toBe(0);
  });

  it("a storm of callbacks lets packets through", async () => {
    await using t = await TimerHost.open(options);
    t.command(START, 0, 0n, 1n); // due again at once, for ever
    for (let i = 0; i < 20; i++) {
      expect(t.object.runPacket("work", new Uint8Array(64)).retval).toBe(2);
      await sleep(1);
    }
    expect(t.fired(0)).toBeGreaterThan(20);
    expect(t.count("overlaps")).toBe(0);
  });

  it("records of callbacks arrive, in order", async () => {
    await using t = await TimerHost.open(options);
    for (let i = 0; i < 5; i++) t.command(SAY, i, BigInt(i + 1) * 2n * MS);
    await until("five lines", () => t.host.events?.printk.items.length === 5);
    expect(t.host.events?.printk.items).toEqual([0, 1, 2, 3, 4].map((i) => `timer ${i} fired`));
  });

  it("closing the map's last handle cancels what is armed; the host lives on", async () => {
    await using t = await TimerHost.open(options);
    t.command(START, 0, MS, MS);
    await until("runs", () => t.fired(0) > 2);
    const { lib, world } = t.host;
    t.object.close();
    expect(lib.timer_next_due(world.cpu(0))).toBe(-1n);
    const other = await loadObject(openObject(join(OBJECTS, "clock_timer.o")), { host: t.host });
    expect(other.runPacket("sample_xdp", new Uint8Array(64)).retval).toBe(2);
    other.close();
  });

  it("closing the host with armed timers leaves nothing running", async () => {
    const t = await TimerHost.open(options);
    t.command(START, 0, 0n, 10_000n);
    await until("runs", () => t.fired(0) > 2);
    const gone = t.host.close();
    const fired = t.fired(0);
    await gone;
    await sleep(20);
    expect(t.fired(0)).toBe(fired);
    expect(() => t.command(START, 0, MS)).toThrowError(/EBADF|closed/);
    t.object.close();
    await t.host.close();
  });

  it("the stop word holds timers back until the next run", async () => {
    await using t = await TimerHost.open(options);
    t.command(START, 0, MS, MS);
    await until("runs", () => t.fired(0) > 2);
    t.host.world.stop();
    await sleep(20);
    const fired = t.fired(0);
    await sleep(30);
    expect(t.fired(0)).toBe(fired);
    t.host.resetRun();
    await until("goes on", () => t.fired(0) > fired);
  });

  it("the event loop turns meanwhile", async () => {
    await using t = await TimerHost.open(options);
    for (let i = 0; i < 4; i++) t.command(START, i, 0n, 200_000n);
    let turns = 0;
    const end = performance.now() + 500;
    while (performance.now() < end) {
      await new Promise((resolve) => setImmediate(resolve));
      turns++;
    }
    expect(turns).toBeGreaterThan(100);
    expect(t.fired(0)).toBeGreaterThan(10);
  });

  it("a trap in a callback fails the world, and names the program", async () => {
    const errors: Error[] = [];
    await using t = await TimerHost.open({ ...options, onError: (error) => errors.push(error) });
    t.command(START, 0, 20n * MS);
    breakTimer(t);
    await until("heard of it", () => errors.length > 0);
    expect(errors[0]?.message).toMatch(/program 'command' trapped/);
    expect(() => t.command(START, 1, MS)).toThrowError(/program 'command' trapped/);
    expect(t.host.clock?.failure).toBe(errors[0]);
  });

  it("samples a perf_event program and an XDP program at a rate", async () => {
    await using t = await TimerHost.open(options);
    const perf = t.host.sample(t.object.prog("sample_perf"), { hz: 200 });
    await until("samples", () => perf.runs >= 5);
    perf.stop();
    expect(t.count("periods")).toBe(5_000_000);
    const before = t.count("samples");
    expect(before).toBe(perf.runs);
    const xdp = t.host.sample(t.object.prog("sample_xdp"), { everyMs: 3 });
    await until("samples", () => xdp.runs >= 5);
    xdp.stop();
    await sleep(10);
    expect(t.count("samples")).toBe(before + xdp.runs);
    expect(() => t.host.sample(t.object.prog("sample_xdp"), { hz: 0 })).toThrowError(/rate/);
  });
});

describe.runIf(built)("real clock: several CPUs", () => {
  it("timers of other CPUs wait for none of them", async () => {
    await using t = await TimerHost.open({ cpus: 4 });
    t.command(START, 0, MS, MS);
    await until("runs", () => t.fired(0) > 5);
    expect(t.count("early")).toBe(0);
  });
});

describe("real clock: options", () => {
  it("refuses what makes no sense", async () => {
    await expect(TimerHost.open({ spin: -1 })).rejects.toThrowError(/spin/);
    await expect(TimerHost.open({ loop: "main", priority: "realtime" })).rejects.toThrowError(/loop/);
  });
  it("realtime is had or refused by name", async () => {
    try {
      await using t = await TimerHost.open({ priority: "realtime" });
      const policies = readdirSync("/proc/self/task").map(
        (id) =>
          readFileSync(`/proc/self/task/${id}/stat`, "utf8")
            .replace(/^.*\) /, "")
            .split(" ")[38],
      );
      expect(policies.filter((p) => p === "1")).toEqual(["1"]); // SCHED_FIFO: the clock's thread and no other
      t.command(START, 0, MS);
      await until("fires", () => t.fired(0) === 1);
    } catch (error) {
      expect(error).toMatchObject({ code: expect.stringMatching(/^(EPERM|EOPNOTSUPP)$/) as string });
      expect((error as Error).message).toMatch(/^priority "realtime": /);
    }
  });
  it("says which clock it is", async () => {
    await using t = await TimerHost.open({ loop: "main" });
    expect(t.host.clockName).toMatch(/^real, /);
  });
});

/** Makes the callback of timer 0 a function that is not there. */
function breakTimer({ object, host }: TimerHost): void {
  const { addr, def } = object.map("elems").live;
  const value = addr + host.world.view.getUint32(addr + MAP_ELEMS_OFF, true);
  const off = def.specialFields?.find((field) => field.kind === "bpf_timer")?.off ?? 0;
  expect(off).toBeGreaterThan(0);
  const timer = host.world.view.getUint32(value + off, true);
  host.exclusive(() => host.world.view.setUint16(timer + TIMER_CALLBACK, 0xffff, true));
}
