// The real clock of a host: timers fire in real time while it is open, on a worker thread or on the main one. Decides
// who runs where and what becomes of a failure; programs and packets are the host's business.
import { BpfError } from "../../src/spec/errors.ts";
import { loadAddon, requireAddon } from "../../native/binding.ts";
import type { EngineProg } from "../engine/engine.ts";
import { CLOCK_SIZE, CPU_CUR_PROG, WORLD_FLAGS, WORLD_F_REAL_CLOCK } from "../memory/layout.ts";
import type { World } from "../memory/world.ts";
import { TrapError } from "../engine/trap.ts";
import type { LibExports } from "../wasm/lib.ts";
import { MainLoop } from "./loop_main.ts";
import { RealCpus } from "./real_cpu.ts";
import { type Sleeper, type Spin, openSleeper } from "./real_sleep.ts";
import {
  type ClockPlace,
  ClockWords,
  LOOP_RUNS,
  NEVER,
  TICK_ASLEEP,
  TICK_BLOCK_SIZE,
  TICK_DUE,
  TICK_NOW,
  TICK_SEQ,
  clockNs,
} from "./real_words.ts";
import { ClockWorker } from "./worker.ts";
import type { FromWorker } from "./worker_data.ts";

export interface RealClockOptions {
  /** how the last stretch before a deadline is spent; default "adaptive" */
  readonly spin?: Spin;
  /** where callbacks run: on a thread of their own (default), or on the main one between turns of the event loop */
  readonly loop?: "worker" | "main";
  /**
   * "realtime": callbacks run before all ordinary threads of the machine, as the kernel's do, so that they are in time
   * beside others that compute. EPERM where the process may not (CAP_SYS_NICE, or `ulimit -r`); default "normal"
   */
  readonly priority?: "normal" | "realtime";
  /** called once when a callback trapped or the clock's thread died; without it the error is thrown from the event loop */
  readonly onError?: (error: Error) => void;
}

/** What the clock needs of its host. */
export interface ClockHost {
  readonly world: World;
  readonly lib: LibExports;
  /** empties the event buffer of a CPU that is owned */
  takeEvents(index: number): void;
  /** records from a CPU's event buffer, as they lay there */
  takeRecords(bytes: Uint8Array, lostPrintk: number): void;
  /** a trap in a program's callback, told as well as it can be */
  trapError(prog: number, cause: WebAssembly.RuntimeError): Error;
}

const MAIN_OWNER = 1;

const bound = (sleeper: Sleeper): Sleeper => ({
  wait: (until) => sleeper.wait(until),
  waitIndex: sleeper.waitIndex,
  waitAsync: (until) => sleeper.waitAsync(until),
  publish: () => sleeper.publish(),
  kick: () => sleeper.kick(),
  close: () => sleeper.close(),
});

/** Tries it on this thread: the clock's own could tell nobody why it cannot. */
function checkRealtime(loop: "worker" | "main"): void {
  if (loop === "main")
    throw new BpfError(
      "EINVAL",
      'priority "realtime" is for callbacks on a thread of their own: loop: "worker"',
    );
  const addon = requireAddon('priority "realtime"');
  try {
    addon.threadRealtime(true);
  } catch (cause) {
    if (!(cause instanceof BpfError)) throw cause;
    const why = `priority "realtime": this process may not (CAP_SYS_NICE or a limit on RTPRIO above 0): ${cause.code}`;
    throw new BpfError(cause.code, why, { cause });
  }
  addon.threadRealtime(false);
}

export class RealClock {
  /** which clock it is, for people */
  readonly name: string;
  readonly #host: ClockHost;
  readonly #words: ClockWords;
  readonly #cpus: RealCpus;
  readonly #all: readonly number[];
  /** by the addon's waits */
  readonly native: boolean;
  readonly #onError: ((error: Error) => void) | undefined;
  readonly #worker: ClockWorker | undefined;
  readonly #loop: MainLoop | undefined;
  /** on the loop's words: to wake it */
  readonly #waker: Sleeper;
  #failure: Error | undefined;
  #told = false;
  #closed: Promise<void> | undefined;
  #depth = 0;

  constructor(host: ClockHost, options: RealClockOptions) {
    const { spin = "adaptive", loop = "worker", priority = "normal", onError } = options;
    if (typeof spin === "number" && !(spin >= 0))
      throw new BpfError("EINVAL", `spin takes "off", "adaptive" or nanoseconds, not ${spin}`);
    if (priority === "realtime") checkRealtime(loop);
    const { world } = host;
    const { addon } = loadAddon();
    this.#host = host;
    this.#onError = onError;
    this.native = addon !== undefined;
    this.name = `real, ${addon === undefined ? "without the addon: Atomics.wait" : "native"}`;
    const place: ClockPlace = {
      memory: world.memory,
      cpus: Array.from({ length: world.ncpus }, (_, i) => world.cpu(i)),
      block: world.alloc(CLOCK_SIZE),
      ahead: BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6)) - clockNs(),
    };
    this.#words = new ClockWords(place);
    world.view.setUint32(WORLD_FLAGS, world.view.getUint32(WORLD_FLAGS, true) | WORLD_F_REAL_CLOCK, true);
    this.#cpus = new RealCpus(this.#words, host.lib, MAIN_OWNER, addon, {
      takeEvents: (index) => this.#take(index),
      trapError: (index, cause) => this.#callbackError(index, cause),
    });
    this.#all = place.cpus.map((_, i) => i);
    for (const index of this.#all) this.#words.stamp(index, clockNs());
    this.#waker = openSleeper(this.#words, spin, this.native);
    if (loop === "main") {
      this.#loop = new MainLoop(this.#cpus, this.#waker, (error) => this.#fail(error));
      Atomics.store(this.#words.u32, this.#words.state, LOOP_RUNS);
    } else {
      this.#worker = new ClockWorker(
        this.#words,
        { place, spin, realtime: priority === "realtime", native: this.native },
        this.#waker,
        (message) => this.#hear(message),
        (error) => this.#fail(error),
      );
    }
  }

  /** A callback trapped or the clock's thread died: nothing runs in this world any more. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** REALTIME, ns since the epoch. */
  get now(): bigint {
    return clockNs() + this.#words.place.ahead;
  }

  /** Whether code that a program gives may run on another thread than the caller's. */
  get threaded(): boolean {
    return this.#worker !== undefined;
  }

  /**
   * Runs `body` as the owner of every CPU: no callback runs meanwhile. Clocks are read before, what is due runs
   * behind it. Within itself it is free.
   */
  run<T>(body: () => T): T {
    this.#check();
    if (this.#depth > 0) return body();
    this.#depth++;
    try {
      return this.#cpus.own(this.#all, body);
    } catch (cause) {
      if (cause instanceof TrapError) this.#condemn(cause);
      throw cause;
    } finally {
      this.#depth--;
      if (this.#closed === undefined) this.#waker.publish();
    }
  }

  /** A program trapped: its callbacks do not go on either. */
  #condemn(trap: TrapError): void {
    this.#failure ??= trap;
    this.#host.world.stop();
  }

  #check(): void {
    if (this.#worker !== undefined && this.#failure === undefined && this.#worker.hasEnded)
      this.#worker.hearNow();
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed !== undefined) throw new BpfError("EBADF", "the host is closed");
  }

  /** The program's functions come to every thread that may call them. */
  link(prog: EngineProg): void {
    this.#check();
    if (this.#worker === undefined) return;
    if (prog.linked === undefined)
      throw new BpfError(
        "EOPNOTSUPP",
        'this engine runs on one thread: its timers need a host with loop: "main"',
      );
    this.#worker.tell({ kind: "link", ...prog.linked });
    this.#check();
  }

  unlink(first: number, count: number): void {
    if (this.#closed === undefined && this.#failure === undefined)
      this.#worker?.tell({ kind: "unlink", first, count });
  }

  /** The stop word has been cleared: go on. */
  resume(): void {
    this.#check();
    this.#worker?.tell({ kind: "look" });
    this.#loop?.look();
  }

  /** A sleep of the caller's own, for no timer, that the stop word ends. */
  ticker(spin: Spin = "off"): Sleeper {
    const { world } = this.#host;
    const block = world.borrow(TICK_BLOCK_SIZE);
    world.bytes.fill(0, block, block + TICK_BLOCK_SIZE);
    world.view.setBigUint64(block + TICK_DUE, NEVER, true);
    const { buffer } = world.memory;
    const words = {
      u32: new Int32Array(buffer),
      u64: new BigUint64Array(buffer),
      bytes: new Uint8Array(buffer),
      stop: this.#words.stop,
      asleep: (block + TICK_ASLEEP) / 8,
      seq: (block + TICK_SEQ) / 4,
      now: (block + TICK_NOW) / 8,
      due: [(block + TICK_DUE) / 8],
    };
    const sleeper = openSleeper(words, spin, this.native);
    const close = () => {
      sleeper.close();
      world.giveBack(block, TICK_BLOCK_SIZE);
    };
    return { ...bound(sleeper), close };
  }

  #take(index: number): void {
    this.#worker?.hearNow(); // what was sent before comes before
    this.#host.takeEvents(index);
  }

  #hear(message: FromWorker): void {
    if (message.kind === "events") {
      this.#host.takeRecords(message.bytes, message.lostPrintk);
      return;
    }
    const { trap, prog, message: text, stack } = message;
    const cause = Object.assign(
      trap ? new WebAssembly.RuntimeError(text) : new Error(`the clock's worker: ${text}`),
      { stack },
    );
    this.#fail(cause instanceof WebAssembly.RuntimeError ? this.#host.trapError(prog, cause) : cause);
  }

  /** A callback trapped on this thread: whoever called is told, and all who call after. */
  #callbackError(index: number, cause: WebAssembly.RuntimeError): Error {
    const { u32, place } = this.#words;
    const error = this.#host.trapError(u32[((place.cpus[index] ?? 0) + CPU_CUR_PROG) / 4] ?? 0, cause);
    this.#failure ??= error;
    return error;
  }

  #fail(error: Error): void {
    if (this.#told || this.#closed !== undefined) return;
    this.#told = true;
    this.#failure ??= error;
    const { onError } = this;
    if (onError !== undefined) onError(error);
    else
      setImmediate(() => {
        throw error;
      });
  }

  /** Who hears of a failure, now. */
  get onError(): ((error: Error) => void) | undefined {
    return this.#heir ?? this.#onError;
  }
  #heir: ((error: Error) => void) | undefined;

  /** While a run goes on its caller hears of failures. */
  async reportTo<T>(heir: (error: Error) => void, body: () => Promise<T>): Promise<T> {
    this.#heir = heir;
    try {
      return await body();
    } finally {
      this.#heir = undefined;
    }
  }

  /**
   * No callback runs after this call, whatever is armed; the promise says that the thread is gone. A callback that
   * runs now is ended by the stop word.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#loop?.close();
    if (this.#worker !== undefined) {
      this.#host.world.stop();
      try {
        this.#worker.tell({ kind: "close" });
        while (!this.#worker.hasEnded)
          Atomics.wait(this.#words.u32, this.#words.ack, Atomics.load(this.#words.u32, this.#words.ack), 10);
      } catch (cause) {
        await this.#worker.terminate();
        throw cause;
      }
      this.#waker.close();
      await this.#worker.join();
    }
    await this.#loop?.ended;
  }
}
