// The Wasm library as the host uses it: loads lib.wasm and instantiates it on a world's memory. Knows the exports'
// signatures and nothing of what is behind them.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Addresses are unsigned 32-bit; what comes back as i32 may be negative and is made unsigned by the caller. */
export interface LibExports {
  world_init(ncpus: number, seed: bigint, flags: number): void;
  cpu_init(cpu: number, index: number, seed: bigint): void;
  clock_set(cpu: number, ts: bigint): void;
  stats_reset(cpu: number): void;
  walk(cpu: number, flags: number, budget: number): number;
  walk_skb(cpu: number, flags: number, budget: number): number;
  walk_flow(cpu: number, flags: number, budget: number): number;
  timers_run(cpu: number, until: bigint, budget: number): number;
  timers_run_all(cpu: number, until: bigint, budget: number): number;
  timer_next_due(cpu: number): bigint;
  timers_stats_reset(cpu: number): void;
  map_release_timers(map: number): void;
  map_init(map: number): void;
  map_lookup_user(map: number, key: number, cpu: number): number;
  map_update_user(map: number, key: number, value: number, flags: bigint, cpu: number): bigint;
  map_delete_user(map: number, key: number, cpu: number): bigint;
  map_collect(map: number, state: number, out: number, room: number, locked: number): number;
  map_take(map: number, state: number, out: number, room: number, locked: number, cpu: number): number;
  map_take_elem(map: number, key: number, out: number, locked: number, cpu: number): bigint;
  map_next_key(map: number, key: number, out: number, cpu: number): bigint;
  map_push_elem(cpu: number, map: bigint, value: bigint, flags: bigint): bigint;
  map_pop_elem(cpu: number, map: bigint, out: bigint): bigint;
  map_peek_elem(cpu: number, map: bigint, out: bigint): bigint;
  queue_collect(map: number, out: number, most: number): number;
  rings_read(cpu: number): number;
  rings_abort(): void;
  map_copy_locked(map: number, value: number, out: number): void;
  timer_free(slot: number, cpu: number): void;
  timers_abort(cpu: number): void;
  clock_loop(clock: number, owner: number, told: number): number;
}

/** A helper as programs call it. */
export type HelperExport = (cpu: number, ...args: bigint[]) => bigint;

/** Stands for the program where none is linked. */
function noProg(): bigint {
  throw new Error("lib.wasm: walk called without a program");
}

function noWait(): number {
  throw new Error("lib.wasm: clock_loop called on a thread without a clock");
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** lib.wasm's bytes; found from the package's root, from the sources as from dist. */
export const libBytes = once((): Uint8Array => {
  const root = dirname(createRequire(import.meta.url).resolve("#package.json"));
  return readFileSync(join(root, "dist/runtime/wasm/lib.wasm"));
});

const libModule = once(() => new WebAssembly.Module(libBytes() as BufferSource));

/** What the library calls. */
export interface LibCalls {
  /** the program under a walker; for tests and the interpreter */
  readonly prog?: (cpu: number, fp: number, ctx: bigint) => bigint;
  /** the sleep of clock_loop: WAKE_* */
  readonly wait?: () => number;
}

/** The library alone on a world's memory. `table` is the world's, where timers are run. */
export function createLib(
  memory: WebAssembly.Memory,
  table?: WebAssembly.Table,
  { prog = noProg, wait = noWait }: LibCalls = {},
): WebAssembly.Exports & LibExports {
  const env = { memory, prog, wait, table: table ?? new WebAssembly.Table({ element: "anyfunc", initial: 1 }) };
  const { exports } = new WebAssembly.Instance(libModule(), { env });
  return exports as WebAssembly.Exports & LibExports;
}
