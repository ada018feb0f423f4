// A thread for each simulated CPU but the first, which is the caller's: Workers that hold the same programs on the
// same memory and sleep until they are given a command. Knows nothing of captures. Memory may grow only while none
// of them is busy.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { BpfError } from "../../src/spec/errors.ts";
import type { EngineProg, LinkedModule } from "../engine/engine.ts";
import type { Loans } from "../memory/loans.ts";
import type { World } from "../memory/world.ts";
import * as W from "./worker_words.ts";

/** Threads start from built output: Node 20 has no Workers in TypeScript. */
function workerFile(): string {
  const root = dirname(createRequire(import.meta.url).resolve("#package.json"));
  return join(root, "dist/runtime/cpu/worker.js");
}

/** What a thread sent about an error of its own; `stack` is of its own Wasm frames. */
export interface ThreadFailure {
  readonly cpu: number;
  readonly trap: boolean;
  readonly message: string;
  readonly stack: string;
}

interface Thread {
  readonly worker: Worker;
  /** address of its command block */
  readonly command: number;
}

export class CpuThreads {
  readonly #world: World;
  readonly #modules: readonly LinkedModule[];
  readonly #threads: readonly Thread[];
  readonly #served: number;
  #failures: ThreadFailure[] = [];
  /** a thread that ended unasked */
  #death: Error | undefined;
  #closed = false;
  /** of the next wait: the word must not have changed since */
  #seen = 0;

  /**
   * Starts the threads of CPU 1 and on. Every program whose table index may lie in memory must be among `progs`:
   * when this returns each thread has all of them in its table. Throws EOPNOTSUPP where an engine has one thread only.
   */
  static async start(world: World, loans: Loans, progs: readonly EngineProg[]): Promise<CpuThreads> {
    const modules = progs.map(({ linked, verified }) => {
      if (linked === undefined)
        throw new BpfError(
          "EOPNOTSUPP",
          `program '${verified.prog.name}': its engine runs on one thread only`,
        );
      return linked;
    });
    world.share();
    const threads = new CpuThreads(world, loans, modules);
    try {
      await Promise.all(threads.#threads.map(({ worker }, n) => threads.#ready(worker, n + 1)));
    } catch (error) {
      await threads.close();
      throw error;
    }
    return threads;
  }

  private constructor(world: World, loans: Loans, modules: readonly LinkedModule[]) {
    this.#world = world;
    this.#modules = modules;
    this.#served = loans.take(64);
    const commands = loans.take((world.ncpus - 1) * W.CMD_SIZE);
    world.bytes.fill(0, this.#served, this.#served + 64);
    world.bytes.fill(0, commands, commands + (world.ncpus - 1) * W.CMD_SIZE);
    const file = workerFile();
    this.#threads = Array.from({ length: world.ncpus - 1 }, (_, n) => {
      const command = commands + n * W.CMD_SIZE;
      const input: W.WorkerInput = {
        memory: world.memory,
        tableSize: world.table.length,
        modules,
        cpu: world.cpu(n + 1),
        command,
        served: this.#served,
      };
      return { worker: new Worker(file, { workerData: input, execArgv: [], name: `cpu ${n + 1}` }), command };
    });
  }

  #ready(worker: Worker, cpu: number): Promise<void> {
    return new Promise((resolve, reject) => {
      worker.on("message", (message: W.WorkerMessage) => {
        if (message.kind === "failed") this.#failures.push({ cpu, ...message });
        else {
          worker.unref(); // from here on it keeps nobody's process alive
          resolve();
        }
      });
      const died = (cause: unknown) => {
        if (this.#closed) return;
        this.#death ??= new Error(
          `the thread of CPU ${cpu} ended unasked: ${cause instanceof Error ? cause.message : String(cause)}`,
          { cause },
        );
        this.#world.stop();
        reject(this.#death);
      };
      worker.on("error", died);
      worker.on("exit", (code) => died(`exit code ${code}`));
    });
  }

  /** Lets a CPU walk from its CPU_WALK_* words on; the reason it ended for is in CPU_WALK_REASON when it is no longer busy. */
  walk(cpu: number, prog: EngineProg, flags: number): void {
    this.#give(cpu, W.OP_WALK, prog, (view, at) => view.setUint32(at + W.CMD_FLAGS, flags, true));
  }

  /** Lets a CPU call an export of a program's module: i32 arguments as numbers, i64 as bigints. */
  call(cpu: number, prog: EngineProg, name: string, args: readonly (number | bigint)[]): void {
    if (name.length > W.MAX_NAME || args.length > W.MAX_ARGS)
      throw new Error(`call of '${name}' with ${args.length} arguments does not fit a command`);
    this.#give(cpu, W.OP_CALL, prog, (view, at) => {
      let wide = 0;
      for (const [n, arg] of args.entries()) {
        view.setBigInt64(at + W.CMD_ARGS + n * 8, BigInt(arg), true);
        if (typeof arg === "bigint") wide |= 1 << n;
      }
      view.setUint32(at + W.CMD_NARGS, args.length, true);
      view.setUint32(at + W.CMD_WIDE, wide, true);
      view.setUint32(at + W.CMD_NAME_LEN, name.length, true);
      for (let i = 0; i < name.length; i++) view.setUint8(at + W.CMD_NAME + i, name.charCodeAt(i));
    });
  }

  /** What the last call on this CPU returned, as a signed number. */
  result(cpu: number): bigint {
    return this.#world.view.getBigInt64(this.#thread(cpu).command + W.CMD_RESULT, true);
  }

  /** Has this CPU not finished its command yet? */
  busy(cpu: number): boolean {
    const { command } = this.#thread(cpu);
    const words = new Int32Array(this.#world.memory.buffer);
    // pairs with the store in worker.ts: when it is seen, all that the command wrote is seen
    return (
      Atomics.load(words, (command + W.CMD_DONE) >> 2) !== Atomics.load(words, (command + W.CMD_SEQ) >> 2)
    );
  }

  get anyBusy(): boolean {
    return this.#threads.some((_, n) => this.busy(n + 1));
  }

  /** Sleeps until some CPU finishes a command, for at most so long; at once if one did since the last call. */
  sleep(ms: number): void {
    const words = new Int32Array(this.#world.memory.buffer);
    Atomics.wait(words, this.#served >> 2, this.#seen, ms);
    this.#seen = Atomics.load(words, this.#served >> 2);
  }

  /** Waits until no CPU is busy; the event loop runs now and then. Throws where a thread has died. */
  async settle(turnMs: number, onTurn: () => Promise<unknown>): Promise<void> {
    for (let left = performance.now() + turnMs; this.anyBusy; ) {
      this.sleep(turnMs);
      if (performance.now() < left) continue;
      await onTurn();
      if (this.#death !== undefined) throw this.#death;
      left = performance.now() + turnMs;
    }
  }

  /** The error of the command that a CPU finished last, undefined when it went well. */
  async failure(cpu: number): Promise<ThreadFailure | undefined> {
    const { command } = this.#thread(cpu);
    if (this.#world.view.getUint32(command + W.CMD_STATUS, true) === W.STATUS_OK) return undefined;
    for (;;) {
      const found = this.#failures.find((f) => f.cpu === cpu);
      this.#failures = this.#failures.filter((f) => f !== found);
      if (found !== undefined) return found;
      if (this.#death !== undefined) throw this.#death;
      await new Promise((resolve) => setTimeout(resolve, 1)); // its message is under way
    }
  }

  #thread(cpu: number): Thread {
    const thread = this.#threads[cpu - 1];
    if (thread === undefined) throw new Error(`CPU ${cpu} has no thread of its own`);
    return thread;
  }

  #give(cpu: number, op: number, prog: EngineProg, write: (view: DataView, at: number) => void): void {
    if (this.#closed) throw new Error("the CPUs' threads have ended");
    if (this.#death !== undefined) throw this.#death;
    if (this.busy(cpu)) throw new Error(`CPU ${cpu} is busy`);
    const index = this.#modules.findIndex((m) => m === prog.linked);
    if (index < 0)
      throw new Error(`program '${prog.verified.prog.name}' was loaded after the CPUs' threads were started`);
    const { command } = this.#thread(cpu);
    const { view } = this.#world;
    view.setUint32(command + W.CMD_OP, op, true);
    view.setUint32(command + W.CMD_MODULE, index, true);
    write(view, command);
    this.#raise(command);
  }

  #raise(command: number): void {
    const words = new Int32Array(this.#world.memory.buffer);
    Atomics.add(words, (command + W.CMD_SEQ) >> 2, 1); // pairs with the load in worker.ts
    Atomics.notify(words, (command + W.CMD_SEQ) >> 2);
  }

  /** Ends the threads, in the middle of a command if need be; none touches memory after that. Again is harmless. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }
}
