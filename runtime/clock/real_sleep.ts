// A thread's sleep until the earliest deadline of a world's CPUs, and how others wake it for an earlier one: by the
// addon, or without it by Atomics.wait with the same words and the same order of accesses (native/hrtimer.h).
import { type Addon, loadAddon } from "../../native/binding.ts";
import { REASONS, type Spin, type TimerWords, type WakeReason } from "../../native/hrtimer.ts";
import { type ClockWords, NEVER, clockNs } from "./real_words.ts";

export type { Spin, WakeReason } from "../../native/hrtimer.ts";

export interface Sleeper {
  /** Blocks this thread until a deadline is due, the caller's own is, a kick, or the stop word. */
  wait(untilNs?: bigint): WakeReason;
  /** The same for Wasm: the reason's index in `REASONS`. */
  readonly waitIndex: () => number;
  /** The same without blocking the thread; one at a time. */
  waitAsync(untilNs?: bigint): Promise<WakeReason>;
  /** Wakes the sleeper, on whatever thread, if a deadline is earlier than what it sleeps for. */
  publish(): void;
  kick(): void;
  close(): void;
}

/** Which of the clock's two sleeps: of deadlines of CPUs, or the main thread's own. */
export type SleepWords = Pick<ClockWords, "u32" | "u64" | "bytes" | "stop" | "now"> & {
  readonly asleep: number;
  readonly seq: number;
  readonly due: readonly number[];
};

export function openSleeper(words: SleepWords, spin: Spin, native: boolean): Sleeper {
  if (!native) return new AtomicsSleeper(words, spin);
  const found = loadAddon();
  if (found.addon === undefined)
    throw new Error(`the addon is there on one thread and not on another: ${found.reason}`);
  return nativeSleeper(found.addon, words, spin);
}

function nativeSleeper(addon: Addon, words: SleepWords, spin: Spin): Sleeper {
  const at: TimerWords = {
    due: words.due.map((i) => i * 8),
    asleep: words.asleep * 8,
    seq: words.seq * 4,
    stop: words.stop * 4,
    now: words.now * 8,
  };
  const waiter = addon.waiter(words.bytes, at, { spin });
  return {
    wait: (until) => waiter.wait(until),
    waitIndex: waiter.waitIndex,
    waitAsync: (until) => waiter.waitAsync(until),
    publish: () => void waiter.publish(),
    kick: () => waiter.kick(),
    close: () => waiter.close(),
  };
}

/** What Atomics.wait is late by, mostly: the spin of "adaptive" without the addon. */
const USUAL_LATENESS = 150_000;
/** The stop word wakes nobody here: it is looked at so often. */
const LOOK_MS = 50;
const KICK = 1;

class AtomicsSleeper implements Sleeper {
  readonly #words: SleepWords;
  readonly #spin: bigint;
  #closed = false;
  #wakeAsync: (() => void) | undefined;

  constructor(words: SleepWords, spin: Spin) {
    this.#words = words;
    this.#spin = BigInt(spin === "off" ? 0 : spin === "adaptive" ? USUAL_LATENESS : spin);
  }

  #earliest(): bigint {
    let first = NEVER;
    for (const i of this.#words.due) {
      const due = Atomics.load(this.#words.u64, i);
      if (due < first) first = due;
    }
    return first;
  }

  /** Why not to sleep now, or how long and from which value of seq on. */
  #prepare(until: bigint): WakeReason | { readonly seq: number; readonly ms: number } {
    const { u32, u64, asleep, seq, stop } = this.#words;
    if (this.#closed) return "closed";
    if (Atomics.load(u32, stop) !== 0) return "stopped";
    const seen = Atomics.load(u32, seq);
    if ((seen & KICK) !== 0) {
      Atomics.and(u32, seq, ~KICK);
      return "kicked";
    }
    const due = this.#earliest();
    const now = clockNs();
    if (due <= now) {
      u64[this.#words.now] = now;
      return "due";
    }
    if (until <= now) return "until";
    const target = due < until ? due : until;
    Atomics.store(u64, asleep, target);
    // armed between the two looks: whoever did may have seen us awake
    if (this.#earliest() < target) return this.#prepare(until);
    return { seq: seen, ms: Math.min(LOOK_MS, Number(target - now - this.#spin) / 1e6) };
  }

  wait(until = NEVER): WakeReason {
    const { u32, u64, asleep, seq } = this.#words;
    for (;;) {
      const next = this.#prepare(until);
      if (typeof next === "string") {
        Atomics.store(u64, asleep, 0n);
        return next;
      }
      if (next.ms > 0) Atomics.wait(u32, seq, next.seq, next.ms);
    }
  }

  readonly waitIndex = (): number => REASONS.indexOf(this.wait());

  async waitAsync(until = NEVER): Promise<WakeReason> {
    const { u64, asleep } = this.#words;
    for (;;) {
      const next = this.#prepare(until);
      if (typeof next === "string") {
        Atomics.store(u64, asleep, 0n);
        return next;
      }
      await this.#pause(next.ms);
    }
  }

  /** Node's timers count whole milliseconds and fire late rather than early: the last one is spent in turns. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeAsync = resolve;
      if (ms < 1) setImmediate(resolve);
      else setTimeout(resolve, Math.floor(ms));
    });
  }

  publish(): void {
    if (this.#earliest() < Atomics.load(this.#words.u64, this.#words.asleep))
      this.#wake(() => Atomics.add(this.#words.u32, this.#words.seq, 2));
  }

  kick(): void {
    this.#wake(() => Atomics.or(this.#words.u32, this.#words.seq, KICK));
  }

  #wake(change: () => void): void {
    change();
    Atomics.notify(this.#words.u32, this.#words.seq);
    this.#wakeAsync?.();
  }

  close(): void {
    this.#closed = true;
    this.#wakeAsync?.();
  }
}
