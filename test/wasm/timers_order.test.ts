// Thousands of timers re-armed, cancelled and freed at random while the clock goes on: what fires, when and in which order,
// against a plain list. More of them than a short list holds, so that all ways through the queue are taken.
import { describe, expect, it } from "vitest";
import * as L from "../../runtime/memory/layout.ts";
import { START, TimerWorld } from "./timer_world.ts";
import { u32 } from "./world.ts";

const TIMERS = 3000;
const ROUNDS = 40;

interface Armed {
  readonly due: number;
  readonly seq: number;
}

class Many {
  readonly w: TimerWorld;
  readonly slots: readonly number[];
  readonly armed = new Map<number, Armed>();
  readonly fired: string[] = [];
  readonly #map: ReturnType<TimerWorld["timers"]>;
  readonly #fn: number;
  #seq = 0;
  #state = 12345;

  constructor(flags: number, ncpus: number) {
    this.w = new TimerWorld({ flags, ncpus });
    this.#map = this.w.timers({ type: "array", maxEntries: TIMERS });
    this.#fn = this.w.callback(({ cpu, key }) => {
      const now = this.w.view.getBigUint64(cpu + L.CPU_MONOTONIC, true) - START;
      this.fired.push(`${this.w.view.getUint32(key, true)} at ${now}`);
    });
    this.slots = Array.from({ length: TIMERS }, (_, key) => this.w.timer(this.#map, key, this.#fn));
  }

  random(n: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * n);
  }

  get now(): number {
    return Number(this.w.now() - START);
  }

  change(spread: number): void {
    const key = this.random(TIMERS);
    const slot = this.slots[key]!;
    const cpu = this.random(this.w.ncpus);
    const what = this.random(16);
    if (what === 0) {
      this.#map.update(u32(key), new Uint8Array(24)); // frees it
      this.armed.delete(key);
      this.w.timer(this.#map, key, this.#fn);
    } else if (what < 4) {
      expect(this.w.do("timer_cancel_async", [slot], cpu)).toBe(Number(this.armed.delete(key)));
    } else {
      const due = this.now + (what < 6 ? this.random(3) : this.random(spread));
      expect(this.w.do("timer_start", [slot, Number(START) + due, 1], cpu)).toBe(0);
      this.armed.set(key, { due, seq: this.#seq++ });
    }
  }

  /** What fires until then, by the list. */
  expected(until: number): string[] {
    const due = [...this.armed].filter(([, t]) => t.due <= until);
    due.sort(([, a], [, b]) => a.due - b.due || a.seq - b.seq);
    for (const [key] of due) this.armed.delete(key);
    return due.map(([key, t]) => `${key} at ${t.due}`);
  }

  advance(ns: number): void {
    const until = this.now + ns;
    const want = this.expected(until);
    this.fired.length = 0;
    this.w.lib.timers_run_all(this.w.cpuBlock(0), START + BigInt(until), 1_000_000);
    expect(this.fired).toEqual(want);
    for (let i = 0; i < this.w.ncpus; i++) this.w.lib.clock_set(this.w.cpuBlock(i), START + BigInt(until));
    let pending = 0;
    for (let i = 0; i < this.w.ncpus; i++) pending += this.w.pending(i);
    expect(pending).toBe(this.armed.size);
  }
}

const WORLDS = [
  ["locks", 0, 1],
  ["alone", L.WORLD_F_ALONE, 1],
  ["locks, 3 CPUs", 0, 3],
  ["alone, 3 CPUs", L.WORLD_F_ALONE, 3],
] as const;

describe("many timers", () => {
  it.each(WORLDS)("fire in order of deadline, then of arming: %s", (_, flags, ncpus) => {
    const many = new Many(flags, ncpus);
    for (let i = 0; i < ncpus; i++) many.w.lib.clock_set(many.w.cpuBlock(i), START); // the world begins
    for (let round = 0; round < ROUNDS; round++) {
      const spread = [20, 3000, 10 ** 6, 10 ** 9][round % 4]!;
      for (let i = 0; i < 1500; i++) many.change(spread);
      many.advance(many.random(spread));
    }
    many.advance(2 * 10 ** 9);
    expect(many.armed.size).toBe(0);
  });
});
