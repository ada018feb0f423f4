// The clock's worker: instantiates what the main thread links, sleeps, runs callbacks. It never turns to its event
// loop: it is told things through shared words and a port that it reads when they say so.
import { receiveMessageOnPort, workerData } from "node:worker_threads";
import { loadAddon } from "../../native/binding.ts";
import {
  CLOCK_BUSY,
  CLOCK_LOOK,
  CLOCK_RUNS,
  CPU_CUR_PROG,
  CPU_EVENTS,
  CPU_EVENTS_LOST_PRINTK,
  CPU_EVENTS_TAIL,
} from "../memory/layout.ts";
import { createLib } from "../wasm/lib.ts";
import { runDueCpus } from "./loop.ts";
import { RealCpus } from "./real_cpu.ts";
import { openSleeper } from "./real_sleep.ts";
import { ClockWords, LOOP_ENDED, LOOP_RUNS } from "./real_words.ts";
import type { FromWorker, ToWorker, WorkerData } from "./worker_data.ts";

const WORKER_OWNER = 2;
const NO_CPU = -1;

const { place, spin, realtime, native, port } = workerData as WorkerData;
const { memory } = place;
const words = new ClockWords(place);
const table = new WebAssembly.Table({ element: "anyfunc", initial: 16 });
const { addon } = loadAddon();
const sleeper = openSleeper(words, spin, native);
const lib = createLib(memory, table, { wait: sleeper.waitIndex });
const cpus = new RealCpus(words, lib, WORKER_OWNER, native ? addon : undefined, { takeEvents, trapError });

const post = (message: FromWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

/** Copies what callbacks have sent, so that the buffer never waits for the main thread. */
function takeEvents(index: number): void {
  const cpu = place.cpus[index] ?? 0;
  const tail = words.u32[(cpu + CPU_EVENTS_TAIL) / 4] ?? 0;
  const lost = words.u64[(cpu + CPU_EVENTS_LOST_PRINTK) / 8] ?? 0n;
  if (tail === 0 && lost === 0n) return;
  const at = words.u32[(cpu + CPU_EVENTS) / 4] ?? 0;
  if (at + tail > memory.buffer.byteLength) memory.grow(0); // grown by another thread: the buffer is taken anew
  const bytes = new Uint8Array(tail);
  bytes.set(new Uint8Array(memory.buffer, at, tail));
  words.u32[(cpu + CPU_EVENTS_TAIL) / 4] = 0;
  words.u64[(cpu + CPU_EVENTS_LOST_PRINTK) / 8] = 0n;
  post({ kind: "events", bytes, lostPrintk: Number(lost) }, [bytes.buffer]);
}

function link(
  module: WebAssembly.Module,
  functions: readonly { readonly index: number; readonly exportName: string }[],
): void {
  const { exports } = new WebAssembly.Instance(module, { env: { memory, table } });
  const most = Math.max(...functions.map((f) => f.index)) + 1;
  if (most > table.length) table.grow(most - table.length);
  for (const { index, exportName } of functions) table.set(index, exports[exportName]);
}

let seen = 0;
let open = true;

/** Carries out every command given so far, then says so. */
function obey(): void {
  const given = Atomics.load(words.u32, words.ctl);
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    const command = next.message as ToWorker;
    if (command.kind === "link") link(command.module, command.functions);
    else if (command.kind === "unlink")
      for (let i = 0; i < command.count; i++)
        if (command.first + i < table.length) table.set(command.first + i, null);
    if (command.kind === "close") open = false;
  }
  seen = given;
  Atomics.store(words.u32, words.ack, given);
  Atomics.notify(words.u32, words.ack);
}

function step(): void {
  if (Atomics.load(words.u32, words.ctl) !== seen) return obey();
  if (words.stopping) {
    Atomics.wait(words.u32, words.ctl, seen);
    return;
  }
  const left = runLoop();
  if (left === CLOCK_BUSY) runDueCpus(cpus);
  else if (left >= 0) leave(left);
}

/** Runs timers until this side is needed; what for, as clock_loop says it. */
function runLoop(): number {
  words.u32[(place.block + CLOCK_RUNS) / 4] = NO_CPU;
  try {
    return lib.clock_loop(place.block, WORKER_OWNER, seen);
  } catch (cause) {
    const index = words.u32[(place.block + CLOCK_RUNS) / 4] ?? NO_CPU;
    // not a callback's trap, but the sleep's error
    if (index === NO_CPU) throw cause;
    try {
      cpus.left(index, cause);
    } finally {
      cpus.release(index);
    }
    return CLOCK_LOOK;
  }
}

function leave(index: number): void {
  takeEvents(index);
  cpus.release(index);
  cpus.yieldToWaiters();
}

/** The program whose callback trapped. */
let trappedProg = 0;

function trapError(index: number, cause: WebAssembly.RuntimeError): Error {
  trappedProg = words.u32[((place.cpus[index] ?? 0) + CPU_CUR_PROG) / 4] ?? 0;
  return cause;
}

function failed(cause: unknown): void {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  post({
    kind: "failed",
    prog: trappedProg,
    trap: error instanceof WebAssembly.RuntimeError,
    message: error.message,
    stack: error.stack ?? "",
  });
}

if (realtime) addon?.threadRealtime(true);
Atomics.store(words.u32, words.state, LOOP_RUNS);
while (open) {
  try {
    step();
  } catch (cause) {
    failed(cause);
    break;
  }
}
sleeper.close();
Atomics.store(words.u32, words.state, LOOP_ENDED);
Atomics.notify(words.u32, words.ack);
port.close();
