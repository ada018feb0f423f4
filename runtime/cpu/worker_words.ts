// The words between the caller and a CPU's thread: one block of shared memory for each CPU. The caller writes a
// command and raises SEQ; the thread runs it, writes what became of it, and sets DONE to the SEQ it has served.
// Knows nothing of Workers and programs.
import type { LinkedModule } from "../engine/engine.ts";

// ---- command block, written by the caller, on cache lines of its own ----
export const CMD_SEQ = 0; // i32, commands given so far; the thread sleeps on it
export const CMD_OP = 4; // u32, OP_*
export const CMD_MODULE = 8; // u32, which of the modules the thread was given
export const CMD_FLAGS = 12; // u32, OP_WALK: WALK_*
export const CMD_NARGS = 16; // u32, OP_CALL
export const CMD_WIDE = 20; // u32, OP_CALL: bit n: argument n is 64 bits wide
export const CMD_NAME_LEN = 24; // u32, OP_CALL
export const CMD_ARGS = 64; // 8 x u64
export const CMD_NAME = 128; // 64 bytes, ASCII
// ---- written by the thread ----
export const CMD_DONE = 192; // i32, the SEQ served last
export const CMD_STATUS = 196; // u32, STATUS_*
export const CMD_RESULT = 200; // u64, OP_CALL: what the export returned
export const CMD_SIZE = 256;

export const MAX_ARGS = 8;
export const MAX_NAME = 64;

export const OP_WALK = 1; // walks until the host must do something: the reason is in CPU_WALK_REASON
export const OP_CALL = 2; // calls an export by its name
export const OP_QUIT = 3; // the thread ends

export const STATUS_OK = 0;
export const STATUS_FAILED = 1; // a message with the error follows

/** What a thread is started with, once. */
export interface WorkerInput {
  readonly memory: WebAssembly.Memory;
  readonly tableSize: number;
  readonly modules: readonly LinkedModule[];
  /** address of the CPU's block */
  readonly cpu: number;
  /** address of its command block */
  readonly command: number;
  /** address of a u32 that counts served commands of all threads; the caller sleeps on it */
  readonly served: number;
}

export type WorkerMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly trap: boolean; readonly message: string; readonly stack: string };
