// A CPU's thread: instantiates the modules it was given on the shared memory, with a table of its own, then serves
// commands until it is told to quit. Asleep in between. Started by threads.ts only.
import { parentPort, workerData } from "node:worker_threads";
import type { EngineProg } from "../engine/engine.ts";
import { CPU_WALK_REASON, WALK_BUDGET } from "../memory/layout.ts";
import {
  CMD_ARGS,
  CMD_DONE,
  CMD_FLAGS,
  CMD_MODULE,
  CMD_NAME,
  CMD_NAME_LEN,
  CMD_NARGS,
  CMD_OP,
  CMD_RESULT,
  CMD_SEQ,
  CMD_STATUS,
  CMD_WIDE,
  OP_CALL,
  OP_QUIT,
  OP_WALK,
  STATUS_FAILED,
  STATUS_OK,
  type WorkerInput,
  type WorkerMessage,
} from "./worker_words.ts";
import { walkTurn } from "./worker_walk.ts";

const { memory, tableSize, modules, cpu, command, served } = workerData as WorkerInput;

const table = new WebAssembly.Table({ element: "anyfunc", initial: tableSize });
const instances = modules.map(({ module, functions }) => {
  const { exports } = new WebAssembly.Instance(module, { env: { memory, table } });
  for (const { index, exportName } of functions) table.set(index, exports[exportName]);
  return exports;
});

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port has no origin
const post = (message: WorkerMessage) => parentPort?.postMessage(message);

/** Memory may have grown since the last command: views are taken anew for each. */
const viewNow = () => new DataView(memory.buffer);

function exportOf(view: DataView, name: string): (...args: (number | bigint)[]) => unknown {
  const found = instances[view.getUint32(command + CMD_MODULE, true)]?.[name];
  if (typeof found !== "function") throw new Error(`a CPU's thread has no export '${name}'`);
  return found as (...args: (number | bigint)[]) => unknown;
}

function walkUntilHost(view: DataView): void {
  const walk = exportOf(view, "walk") as EngineProg["walk"];
  const flags = view.getUint32(command + CMD_FLAGS, true);
  let reason: number;
  do reason = walkTurn(memory, walk, cpu, flags);
  while (reason === WALK_BUDGET);
  viewNow().setUint32(cpu + CPU_WALK_REASON, reason, true);
}

function callExport(view: DataView): void {
  const u32 = (off: number) => view.getUint32(command + off, true);
  const name = String.fromCharCode(...new Uint8Array(memory.buffer, command + CMD_NAME, u32(CMD_NAME_LEN)));
  const args = Array.from({ length: u32(CMD_NARGS) }, (_, n) => {
    const wide = ((u32(CMD_WIDE) >> n) & 1) !== 0;
    return wide
      ? view.getBigInt64(command + CMD_ARGS + n * 8, true)
      : view.getInt32(command + CMD_ARGS + n * 8, true);
  });
  const result = exportOf(view, name)(...args);
  if (typeof result === "number" || typeof result === "bigint")
    viewNow().setBigInt64(command + CMD_RESULT, BigInt(result), true);
}

const OPS: Readonly<Record<number, (view: DataView) => void>> = {
  [OP_WALK]: walkUntilHost,
  [OP_CALL]: callExport,
};

function serve(op: number): number {
  try {
    const run = OPS[op];
    if (run === undefined) throw new Error(`a CPU's thread knows no command ${op}`);
    run(viewNow());
    return STATUS_OK;
  } catch (error) {
    const { message, stack = "" } = error as Error;
    post({ kind: "failed", trap: error instanceof WebAssembly.RuntimeError, message, stack });
    return STATUS_FAILED;
  }
}

function loop(): void {
  for (let seq = 0; ; ) {
    Atomics.wait(new Int32Array(memory.buffer), (command + CMD_SEQ) >> 2, seq);
    const words = new Int32Array(memory.buffer);
    const next = Atomics.load(words, (command + CMD_SEQ) >> 2); // pairs with the add in CpuThreads: the command is written
    if (next === seq) continue;
    seq = next;
    const op = words[(command + CMD_OP) >> 2] ?? OP_QUIT;
    if (op === OP_QUIT) return;
    const status = serve(op);
    const after = new Int32Array(memory.buffer);
    after[(command + CMD_STATUS) >> 2] = status;
    Atomics.store(after, (command + CMD_DONE) >> 2, seq); // pairs with the load in CpuThreads.busy: results are written
    Atomics.add(after, served >> 2, 1);
    Atomics.notify(after, served >> 2);
  }
}

post({ kind: "ready" });
loop();
