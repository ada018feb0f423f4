// Owning CPUs on the real clock, from one thread: a program or a callback runs on a CPU only while its thread owns it,
// and whoever leaves a CPU runs what became due there meanwhile. Knows nothing of programs and packets.
import type { Addon } from "../../native/binding.ts";
import {
  CLOCK_BUDGET,
  CPU_BASE_LOCK,
  CPU_WALK_REASON,
  WALK_BUDGET,
  WALK_EVENTS_FULL,
  WALK_STOPPED,
  WORLD_STOPPED,
} from "../memory/layout.ts";
import type { LibExports } from "../wasm/lib.ts";
import { type ClockWords, NEVER, clockNs } from "./real_words.ts";

/** Another thread sleeps for this CPU: native/cpu_lock.h. */
const SLEEPER = 1 << 31;
/** An owner that leaves gives callbacks so long; then the loop goes on with them. */
const MOST_DRAIN_NS = 1_000_000n;

export type Owner = 1 | 2;

export interface CpuHooks {
  /** empties a CPU's event buffer; called while the CPU is owned */
  readonly takeEvents: (index: number) => void;
  /** what is thrown for a trap in a callback; called while the CPU is owned */
  readonly trapError: (index: number, cause: WebAssembly.RuntimeError) => Error;
}

/** `fired`: all that was due has run; `stopped`: the stop word. */
export type Ran = "fired" | "stopped";

export class RealCpus {
  readonly words: ClockWords;
  readonly #lib: LibExports;
  readonly #owner: Owner;
  readonly #addon: Addon | undefined;
  readonly #hooks: CpuHooks;

  constructor(words: ClockWords, lib: LibExports, owner: Owner, addon: Addon | undefined, hooks: CpuHooks) {
    this.words = words;
    this.#lib = lib;
    this.#owner = owner;
    this.#addon = addon;
    this.#hooks = hooks;
  }

  get count(): number {
    return this.words.owner.length;
  }

  /** Blocks until the CPU is this thread's; false when `untilNs` has come. */
  acquire(index: number, untilNs = NEVER): boolean {
    if (this.tryAcquire(index)) return true;
    const { u32, owner, bytes } = this.words;
    const at = owner[index] ?? 0;
    if (this.#addon !== undefined)
      return this.#addon.cpuAcquire(bytes, at * 4, this.#owner, untilNs === NEVER ? {} : { untilNs });
    for (;;) {
      const seen = Atomics.load(u32, at);
      if (seen === 0) {
        // others may sleep as we did: who has slept leaves the bit for them
        if (Atomics.compareExchange(u32, at, 0, this.#owner | SLEEPER) === 0) return true;
        continue;
      }
      if ((seen & SLEEPER) === 0 && Atomics.compareExchange(u32, at, seen, seen | SLEEPER) !== seen) continue;
      const ms = untilNs === NEVER ? 1000 : Number(untilNs - clockNs()) / 1e6;
      if (ms <= 0) return false;
      Atomics.wait(u32, at, seen | SLEEPER, ms);
    }
  }

  release(index: number): void {
    const { u32, owner, bytes } = this.words;
    const at = owner[index] ?? 0;
    if (Atomics.compareExchange(u32, at, this.#owner, 0) === this.#owner) return;
    if (this.#addon !== undefined) {
      this.#addon.cpuRelease(bytes, at * 4, this.#owner);
      return;
    }
    Atomics.store(u32, at, 0);
    Atomics.notify(u32, at, 1);
  }

  /** A thread that would rather wait its turn than take part in a race for a CPU that a loop keeps taking back. */
  acquireFirst(index: number): void {
    if (this.tryAcquire(index)) return;
    const { u32, wanted } = this.words;
    Atomics.add(u32, wanted, 1);
    try {
      this.acquire(index);
    } finally {
      Atomics.sub(u32, wanted, 1);
      Atomics.notify(u32, wanted);
    }
  }

  /** Lets those go first that want a CPU. By a thread that owns none. */
  yieldToWaiters(): void {
    const { u32, wanted } = this.words;
    const seen = Atomics.load(u32, wanted);
    if (seen > 0) Atomics.wait(u32, wanted, seen, 2);
  }

  /** Takes a CPU that is free. */
  tryAcquire(index: number): boolean {
    return Atomics.compareExchange(this.words.u32, this.words.owner[index] ?? 0, 0, this.#owner) === 0;
  }

  /**
   * Runs what is due on an owned CPU, for `mostNs` at most. A callback's clock is the last reading before it: between
   * the wake-up and the first one nothing else is done.
   */
  runDue(index: number, mostNs: bigint): Ran {
    let now = clockNs();
    let end: bigint | undefined;
    do {
      this.words.stamp(index, now);
      if (!this.#runSome(index, now)) return "stopped";
      const reason = this.#reason(index);
      this.#hooks.takeEvents(index);
      if (reason === WALK_STOPPED) return "stopped";
      end ??= now + mostNs;
      const due = this.words.dueOf(index);
      if (due > now && reason !== WALK_BUDGET && reason !== WALK_EVENTS_FULL) return "fired";
      now = clockNs();
      if (due > now) return "fired";
    } while (now < end);
    return "fired";
  }

  #reason(index: number): number {
    return this.words.u32[((this.words.place.cpus[index] ?? 0) + CPU_WALK_REASON) / 4] ?? 0;
  }

  /** False where a callback was left because of the stop word. */
  #runSome(index: number, now: bigint): boolean {
    try {
      this.#lib.timers_run(this.words.place.cpus[index] ?? 0, now, CLOCK_BUDGET);
      return true;
    } catch (cause) {
      this.left(index, cause);
      return false;
    }
  }

  /** A callback was left, by the stop word or else by what this throws. By the CPU's owner. */
  left(index: number, cause: unknown): void {
    const stopped = this.words.u32[WORLD_STOPPED / 4] !== 0;
    const trap = cause instanceof WebAssembly.RuntimeError && !stopped;
    const error = trap ? this.#hooks.trapError(index, cause) : cause;
    this.#abort(index);
    if (!stopped) throw error;
  }

  /** A callback that was left by a trap counts as ended: whoever frees its timer waits for that. */
  #abort(index: number): void {
    const cpu = this.words.place.cpus[index] ?? 0;
    // a lock that the trap has left taken will never be free
    if (this.words.u32[(cpu + CPU_BASE_LOCK) / 4] === 0) this.#lib.timers_abort(cpu);
  }

  /** Runs `body` as this thread's program on all CPUs given: clocks read now, what is due runs behind it. */
  own<T>(indices: readonly number[], body: () => T): T {
    const held: number[] = [];
    let sound = false;
    try {
      for (const index of indices) {
        this.acquireFirst(index);
        held.push(index);
      }
      const now = clockNs();
      for (const index of indices) this.words.stamp(index, now);
      const result = body();
      for (const index of indices) this.#drain(index);
      sound = true;
      return result;
    } finally {
      // after an error the buffers are emptied all the same: it may be a stop, and then the run is told so far
      if (!sound) for (const index of held) this.#hooks.takeEvents(index);
      for (const index of held) this.release(index);
    }
  }

  /** The events were taken, what is due has run (or is left to the loop where it goes on and on). */
  #drain(index: number): void {
    this.#hooks.takeEvents(index);
    if (this.words.dueOf(index) <= clockNs() && !this.words.stopping) this.runDue(index, MOST_DRAIN_NS);
  }
}
