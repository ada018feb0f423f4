// The main thread's hold on the clock's worker: starts it, gives it commands and waits for them, hears of its end.
import { dirname, join } from "node:path";
import { createRequire } from "node:module";
import { MessageChannel, type MessagePort, Worker, receiveMessageOnPort } from "node:worker_threads";
import { ClockWords, LOOP_ENDED } from "./real_words.ts";
import type { Sleeper } from "./real_sleep.ts";
import type { FromWorker, ToWorker, WorkerData } from "./worker_data.ts";

/** A worker that has not answered by then never will. */
const PATIENCE_MS = 30_000;

export class ClockWorker {
  readonly #words: ClockWords;
  readonly #sleeper: Sleeper;
  readonly #port: MessagePort;
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  readonly #hear: (message: FromWorker) => void;

  /** `onDeath` is called for a worker that ends by an error of its own making. `sleeper` is on the worker's words. */
  constructor(
    words: ClockWords,
    data: Omit<WorkerData, "port">,
    sleeper: Sleeper,
    hear: (message: FromWorker) => void,
    onDeath: (error: Error) => void,
  ) {
    const { port1, port2 } = new MessageChannel();
    this.#words = words;
    this.#sleeper = sleeper;
    this.#port = port1;
    this.#hear = hear;
    // the built file, also where this one runs from its source: workers start from JavaScript only
    const root = dirname(createRequire(import.meta.url).resolve("#package.json"));
    const workerData: WorkerData = { ...data, port: port2 };
    this.#worker = new Worker(join(root, "dist/runtime/clock/worker_main.js"), {
      workerData,
      transferList: [port2],
      execArgv: [],
    });
    this.#worker.on("error", (error) => {
      Atomics.store(words.u32, words.state, LOOP_ENDED);
      onDeath(error);
    });
    this.#ended = new Promise((resolve) => this.#worker.once("exit", () => resolve()));
    port1.on("message", hear);
    port1.unref(); // the worker itself keeps the process
  }

  /** Gives a command and waits until it has been carried out. Throws where the worker is gone. */
  tell(command: ToWorker): void {
    const { u32, ctl, ack } = this.#words;
    this.#port.postMessage(command);
    const want = Atomics.add(u32, ctl, 1) + 1;
    Atomics.notify(u32, ctl);
    this.#sleeper.kick();
    const end = performance.now() + PATIENCE_MS;
    for (let seen = Atomics.load(u32, ack); seen - want < 0; seen = Atomics.load(u32, ack)) {
      if (this.hasEnded) return;
      const left = end - performance.now();
      if (left <= 0) throw new Error(`the clock's worker did not answer within ${PATIENCE_MS / 1000} s`);
      Atomics.wait(u32, ack, seen, Math.min(left, 100));
    }
  }

  get hasEnded(): boolean {
    return Atomics.load(this.#words.u32, this.#words.state) === LOOP_ENDED;
  }

  /** Hears what the worker has said already, without waiting for the event loop's turn. */
  hearNow(): void {
    for (
      let next = receiveMessageOnPort(this.#port);
      next !== undefined;
      next = receiveMessageOnPort(this.#port)
    )
      this.#hear(next.message as FromWorker);
  }

  /** After the loop's end: resolves when the thread is gone. */
  async join(): Promise<void> {
    this.hearNow();
    this.#port.close();
    await this.#ended;
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}
