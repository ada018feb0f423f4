// One turn of the walker on the thread that owns the CPU, the caller's as a Worker's: tells a stop from a trap.
import { CPU_WALK_REASON, WALK_STOPPED, WORLD_STOP, WORLD_STOPPED } from "../memory/layout.ts";
import type { EngineProg } from "../engine/engine.ts";

/** Packets a call of the walker takes at most: some milliseconds, after which V8 can swap in better code. */
const BUDGET = 1 << 18;

/** Why the walker came back, WALK_*. A trap raises the stop word, so that the other CPUs end too, and is thrown. */
export function walkTurn(
  memory: WebAssembly.Memory,
  walk: EngineProg["walk"],
  cpu: number,
  flags: number,
): number {
  try {
    walk(cpu, flags, BUDGET);
  } catch (error) {
    const words = new Int32Array(memory.buffer);
    // Emitted code that sees the stop word says so and executes `unreachable`; any other trap is none of that.
    const stop =
      error instanceof WebAssembly.RuntimeError &&
      error.message === "unreachable" &&
      Atomics.load(words, WORLD_STOPPED >> 2) !== 0;
    if (stop) return WALK_STOPPED;
    Atomics.store(words, WORLD_STOP >> 2, 1);
    throw error;
  }
  return new DataView(memory.buffer).getUint32(cpu + CPU_WALK_REASON, true);
}
