// The addon's face for the real clock: waiting for deadlines in shared memory and owning CPUs. Checks and names;
// who keeps the queues, runs timers and picks the spin policy is decided elsewhere (runtime/clock).

/** The addon's own calls. Reasons are indices of `REASONS`. */
export interface RawHrtimer {
  waiterOpen(
    view: Uint8Array,
    offsets: Float64Array,
    adaptive: boolean,
    spinNs: number,
    details: Float64Array,
  ): number;
  waiterWait(waiter: number, until: bigint | undefined): number;
  waiterWaitAsync(waiter: number, until: bigint | undefined): Promise<number>;
  waiterPublish(waiter: number, index: number, deadline: bigint | undefined): boolean;
  waiterKick(waiter: number): void;
  waiterClose(waiter: number): void;
  cpuAcquire(
    view: Uint8Array,
    off: number,
    owner: number,
    spinNs: number,
    until: bigint | undefined,
  ): boolean;
  cpuRelease(view: Uint8Array, off: number, owner: number): void;
  threadRealtime(realtime: boolean): void;
}

/**
 * Offsets in the memory; who stores what, and in which order, is in native/hrtimer.h. All zero at the start, but
 * for `due`: all ones, no deadline.
 */
export interface TimerWords {
  /** u64 each, at most 64: earliest deadline of a queue, ns of `clockNs` */
  readonly due: number | readonly number[];
  /** u64: the deadline the waiter sleeps for, 0 while it is awake. Arming `d < asleep` needs `publish`. */
  readonly asleep: number;
  /** u32: the addon's alone */
  readonly seq: number;
  /** u32: the world's stop word */
  readonly stop: number;
  /** u64: the time, of `clockNs`, at which a wait last found a deadline due; for the thread that waits */
  readonly now: number;
}

/** How the last stretch before a deadline is spent: asleep, spinning for what the kernel's lateness asks for, or for so many ns. */
export type Spin = "off" | "adaptive" | number;

/**
 * Why a wait has ended: a published deadline is due, the caller's own is, someone has kicked, the stop word is set,
 * the waiter was closed.
 */
export type WakeReason = "due" | "until" | "kicked" | "stopped" | "closed";

/** On the words of one event loop. Any number may publish; one waits. Belongs to the thread that made it. */
export interface Waiter {
  /** Blocks this thread. The next wait after "due" comes when `due` has been raised, or it is "due" at once. */
  wait(untilNs?: bigint): WakeReason;
  /** `wait()` for Wasm to import: the index of the reason in `REASONS`. */
  readonly waitIndex: () => number;
  /** The same on a thread of its own, one at a time; keeps the process alive meanwhile. */
  waitAsync(untilNs?: bigint): Promise<WakeReason>;
  /** of the last "due" or "until": ns after the deadline */
  readonly lateNs: number;
  /** of the last "due": which of `words.due` */
  readonly index: number;
  /** how long before a deadline it is awake now */
  readonly spinNs: number;
  /**
   * Lowers `due[index]` to the deadline, or looks at the `due` that were stored already, and wakes the waiter where
   * it sleeps for a later one; the answer is whether it did.
   */
  publish(deadlineNs?: bigint, index?: number): boolean;
  /** Ends the wait of now, or else the next one, with "kicked". */
  kick(): void;
  /** A promise of `waitAsync` says "closed"; afterwards nothing touches the memory. Again is harmless. */
  close(): void;
}

/** Ownership of a CPU: native/cpu_lock.h. An owner is a number from 1 to 2^31 - 1, of a thread. */
export interface CpuLocks {
  /**
   * Blocks until the word at `off` is this owner's; false when `untilNs` has come. `EDEADLK` where it is already.
   * Without a contender `Atomics.compareExchange(words, off / 4, 0, owner) === 0` does the same.
   */
  cpuAcquire(
    view: Uint8Array,
    off: number,
    owner: number,
    options?: { spinNs?: number; untilNs?: bigint },
  ): boolean;
  /** `EPERM` where it is another's. `compareExchange(words, off / 4, owner, 0) === owner` does it where nobody sleeps. */
  cpuRelease(view: Uint8Array, off: number, owner: number): void;
}

/** By `Wake` of hrtimer.h. */
export const REASONS: readonly (WakeReason | undefined)[] = ["due", "until", "kicked", "stopped", "closed"];
const MOST_SPIN = 1e9;

/** Runs a call of the addon and names its errno. */
type Named = <T>(call: () => T) => T;

export function wrapCpuLocks(raw: RawHrtimer, named: Named): CpuLocks {
  return {
    cpuAcquire: (view, off, owner, { spinNs = 0, untilNs } = {}) =>
      named(() => raw.cpuAcquire(view, off, owner, spinNs, untilNs)),
    cpuRelease: (view, off, owner) => named(() => raw.cpuRelease(view, off, owner)),
  };
}

export class RawWaiter implements Waiter {
  readonly #raw: RawHrtimer;
  readonly #named: Named;
  readonly #id: number;
  readonly #details = new Float64Array(4);
  readonly waitIndex: () => number;
  #open = true;

  constructor(raw: RawHrtimer, named: Named, view: Uint8Array, words: TimerWords, spin: Spin) {
    this.#raw = raw;
    this.#named = named;
    const due = typeof words.due === "number" ? [words.due] : words.due;
    const offsets = Float64Array.of(words.asleep, words.seq, words.stop, words.now, ...due);
    const spinNs = typeof spin === "number" ? Math.min(spin, MOST_SPIN) : 0;
    this.#id = named(() => raw.waiterOpen(view, offsets, spin === "adaptive", spinNs, this.#details));
    // bound: called from Wasm it is neither compiled nor does it allocate
    this.waitIndex = raw.waiterWait.bind(undefined, this.#id, undefined);
  }

  get lateNs(): number {
    return this.#details[0] ?? 0;
  }
  get index(): number {
    return this.#details[1] ?? 0;
  }
  get spinNs(): number {
    return this.#details[3] ?? 0;
  }

  wait(untilNs?: bigint): WakeReason {
    if (!this.#open) return "closed";
    return this.#reason(this.#named(() => this.#raw.waiterWait(this.#id, untilNs)));
  }

  async waitAsync(untilNs?: bigint): Promise<WakeReason> {
    if (!this.#open) return "closed";
    return this.#reason(await this.#named(() => this.#raw.waiterWaitAsync(this.#id, untilNs)));
  }

  publish(deadlineNs?: bigint, index = 0): boolean {
    return this.#open && this.#named(() => this.#raw.waiterPublish(this.#id, index, deadlineNs));
  }

  kick(): void {
    if (this.#open) this.#raw.waiterKick(this.#id);
  }

  close(): void {
    if (this.#open) this.#raw.waiterClose(this.#id);
    this.#open = false;
  }

  #reason(index: number): WakeReason {
    const reason = REASONS[index];
    if (reason !== undefined) return reason;
    const errno = this.#details[2] ?? 0;
    // without an errno: two waiters on the same words
    return this.#named(() => {
      throw Object.assign(
        new Error(errno === 0 ? "wait: another waiter sleeps on these words" : "wait: no sleep"),
        {
          errno: errno === 0 ? EBUSY : errno,
        },
      );
    });
  }
}

const EBUSY = 16;
