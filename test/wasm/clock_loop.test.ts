// The real clock's loop in the library: what it does by itself, what it leaves to its caller, and in what state.
import { describe, expect, it } from "vitest";
import * as L from "../../runtime/memory/layout.ts";
import { CPU_OWNER, WORLD_F_REAL_CLOCK } from "../../runtime/memory/layout.ts";
import { REASONS, type WakeReason } from "../../native/hrtimer.ts";
import { TimerWorld } from "./timer_world.ts";

const LOOP = 2;
const OTHER = 1;
const AHEAD = 500n;

/** A world on a real clock whose time is what the test says: each wait is a step of it. */
class LoopWorld extends TimerWorld {
  readonly clock: number;
  readonly #steps: (() => WakeReason | bigint)[] = [];
  waits = 0;

  constructor(ncpus = 1) {
    super({ ncpus, flags: WORLD_F_REAL_CLOCK, wait: () => this.#wait() });
    this.clock = this.alloc(L.CLOCK_SIZE);
    this.view.setBigUint64(this.clock + L.CLOCK_AHEAD, AHEAD, true);
    this.set(L.CLOCK_RUNS, -1);
  }

  #wait(): number {
    this.waits++;
    const next = (this.#steps.shift() ?? (() => "kicked"))();
    if (typeof next === "bigint") this.view.setBigUint64(this.clock + L.CLOCK_NOW, next, true);
    return REASONS.indexOf(typeof next === "bigint" ? "due" : next);
  }

  /** What waits say, one after the other, then "kicked"; a time says "due". */
  wakes(...steps: (WakeReason | bigint | (() => WakeReason | bigint))[]): this {
    this.#steps.push(...steps.map((step) => (typeof step === "function" ? step : () => step)));
    return this;
  }

  loop(told = 0): number {
    return this.lib.clock_loop(this.clock, LOOP, told);
  }

  set(off: number, value: number): void {
    this.view.setInt32(this.clock + off, value, true);
  }

  get runs(): number {
    return this.view.getInt32(this.clock + L.CLOCK_RUNS, true);
  }

  owner(cpu = 0): number {
    return this.view.getUint32(this.cpuBlock(cpu) + CPU_OWNER, true);
  }

  /** Timers that say when they fire, due at these times on a CPU. */
  arm(times: readonly bigint[], cpu = 0, act: (at: bigint) => void = () => {}): bigint[] {
    const fired: bigint[] = [];
    const map = this.timers({ type: "array", maxEntries: times.length });
    const fn = this.callback(({ cpu: on }) => {
      fired.push(this.view.getBigUint64(on + L.CPU_MONOTONIC, true));
      act(this.view.getBigUint64(on + L.CPU_REALTIME, true));
    });
    times.forEach((at, i) => this.do("timer_start", [this.timer(map, i, fn), at, 1], cpu));
    return fired;
  }
}

describe("clock_loop", () => {
  it("sleeps, owns, runs what is due by the time of the wake-up, sleeps again", () => {
    const w = new LoopWorld();
    const owners: number[] = [];
    const fired = w.arm([10n, 20n, 21n, 90n], 0, (realtime) =>
      owners.push(w.owner(), Number(realtime), w.runs),
    );
    w.wakes(12n, 25n);
    expect(w.loop()).toBe(L.CLOCK_LOOK);
    expect(fired).toEqual([12n, 25n, 25n]);
    expect(owners).toEqual([LOOP, 512, 0, LOOP, 525, 0, LOOP, 525, 0]);
    expect([w.waits, w.owner(), w.runs, w.pending()]).toEqual([3, 0, -1, 1]);
  });

  it("more than a budget: the clock is looked at again in between", () => {
    const w = new LoopWorld();
    const fired = w.arm(Array.from({ length: 40 }, () => 5n));
    w.wakes(6n, 7n, 8n).loop();
    expect(fired).toEqual([...Array(16).fill(6n), ...Array(16).fill(7n), ...Array(8).fill(8n)]);
  });

  it("a command ends it before a sleep, and after one before a callback", () => {
    const w = new LoopWorld();
    const fired = w.arm([1n]);
    expect([w.loop(1), w.waits]).toEqual([L.CLOCK_LOOK, 0]);
    w.wakes(() => {
      w.set(L.CLOCK_CTL, 1);
      return 5n;
    });
    expect([w.loop(), w.waits, fired.length, w.owner()]).toEqual([L.CLOCK_LOOK, 1, 0, 0]);
  });

  it.each(["until", "kicked", "stopped", "closed"] as const)("a sleep that ends with %s ends it", (why) => {
    const w = new LoopWorld();
    const fired = w.arm([1n]);
    expect([w.wakes(why).loop(), w.waits, fired]).toEqual([L.CLOCK_LOOK, 1, []]);
  });

  it("a CPU of another thread is its caller's business; the ones before it have had their turn", () => {
    const w = new LoopWorld(3);
    const [first, second, third] = [w.arm([1n], 0), w.arm([1n], 1), w.arm([1n], 2)];
    w.view.setUint32(w.cpuBlock(1) + CPU_OWNER, OTHER, true);
    expect(w.wakes(5n).loop()).toBe(L.CLOCK_BUSY);
    expect([first, second, third]).toEqual([[5n], [], []]);
    expect([w.owner(0), w.owner(1), w.owner(2)]).toEqual([0, OTHER, 0]);
  });

  it("lets threads go first that wait for a CPU", () => {
    const w = new LoopWorld();
    const fired = w.arm([1n, 6n]);
    w.set(L.CLOCK_WANTED, 1);
    expect(w.wakes(5n, 7n).loop()).toBe(L.CLOCK_BUSY);
    expect([fired, w.owner()]).toEqual([[5n], 0]);
  });

  it("a CPU with records, lost ones too, stays owned for the caller, and so does one that threads sleep for", () => {
    const w = new LoopWorld(3);
    const block = (cpu: number) => w.cpuBlock(cpu);
    w.arm([1n], 0, () => w.view.setUint32(block(0) + L.CPU_EVENTS_TAIL, 8, true));
    w.arm([2n], 1, () => w.view.setBigUint64(block(1) + L.CPU_EVENTS_LOST_PRINTK, 1n, true));
    w.arm([3n], 2, () => w.view.setUint32(block(2) + CPU_OWNER, LOOP | 0x80000000, true));
    const left = [1n, 2n, 3n].map((now) => w.wakes(now).loop());
    expect(left).toEqual([0, 1, 2]);
    expect([w.owner(0), w.owner(1), w.owner(2)]).toEqual([LOOP, LOOP, (LOOP | 0x80000000) >>> 0]);
  });

  it("after a trap the CPU is owned, and named", () => {
    const w = new LoopWorld(2);
    w.arm([1n], 1, () => {
      throw new Error("trap");
    });
    w.wakes(5n);
    expect(() => w.loop()).toThrow("trap");
    expect([w.runs, w.owner(1)]).toEqual([1, LOOP]);
  });

  it("an error of the sleep names no CPU", () => {
    const w = new LoopWorld();
    w.arm([1n]);
    w.wakes(5n, () => {
      throw new Error("no sleep");
    });
    expect(() => w.loop()).toThrow("no sleep");
    expect([w.runs, w.owner()]).toEqual([-1, 0]);
  });
});
