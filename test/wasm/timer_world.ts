// Timers driven directly through the library: maps whose values hold one, helpers called as programs do, callbacks made
// of JavaScript functions. Knows nothing of what the rules are.
import type { BpfMap } from "../../runtime/map/bpf_map.ts";
import type { MapShape } from "../../runtime/map/map_layout.ts";
import * as L from "../../runtime/memory/layout.ts";
import { TestWorld, type WorldOptions, u32 } from "./world.ts";

export const TIMER_OFF = 8;
/** A world that has seen no packet is at 1 s. */
export const START = 1_000_000_000n;
export const MONOTONIC = 1;
export const ABS = 1;

export const EPERM = -1;
export const ENOMEM = -12;
export const EBUSY = -16;
export const EINVAL = -22;
export const EDEADLK = -35;
export const ECANCELED = -125;

export interface Fired {
  readonly cpu: number;
  readonly fp: number;
  readonly map: number;
  readonly key: number;
  readonly value: number;
}

/** Types whose values may hold a timer. */
export const TIMER_TYPES = ["hash", "lru_hash", "array"] as const;

export const TIMER_SHAPE: Partial<MapShape> = {
  type: "hash",
  valueSize: 24,
  specialFields: [{ kind: "bpf_timer", name: "t", off: TIMER_OFF, size: 16 }],
};

/** `(module (import "e" "f" (func (param i32 i32 i64 i64 i64 i64 i64) (result i64))) (export "f" (func 0)))` */
export const CALLBACK_MODULE = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 12, 1, 0x60, 7, 0x7f, 0x7f, 0x7e, 0x7e, 0x7e, 0x7e, 0x7e, 1, 0x7e],
  ...[2, 7, 1, 1, 0x65, 1, 0x66, 0, 0],
  ...[7, 5, 1, 1, 0x66, 0, 0],
]);

type TableFunction = (cpu: number, fp: number, ...regs: bigint[]) => bigint;

/** Only functions that came through a Wasm module may stand in a table. */
function toTableFunction(f: TableFunction): TableFunction {
  const module = new WebAssembly.Module(CALLBACK_MODULE);
  return new WebAssembly.Instance(module, { e: { f } }).exports["f"] as TableFunction;
}

export class TimerWorld extends TestWorld {
  /** Worlds of one thread: no locks, and other ways through the helpers. */
  static alone = false;
  #functions = 0;

  constructor(options: WorldOptions = {}) {
    super({ pages: 128, flags: TimerWorld.alone ? L.WORLD_F_ALONE : 0, ...options });
  }

  timers(shape: Partial<MapShape> = {}): BpfMap {
    return this.map({ ...TIMER_SHAPE, ...shape });
  }

  /** A function in the table that belongs to program `prog`. */
  callback(f: (fired: Fired) => unknown, prog = 1): number {
    const index = this.#functions++;
    this.table.set(
      index,
      toTableFunction((cpu, fp, map = 0n, key = 0n, value = 0n) => {
        f({ cpu, fp, map: Number(map), key: Number(key), value: Number(value) });
        return 0n;
      }),
    );
    this.view.setUint32(L.WORLD_FUNC_PROG + index * 4, prog, true);
    return index;
  }

  refs(prog: number): number {
    return this.view.getUint32(L.WORLD_PROG_REFS + prog * 4, true);
  }

  setUserRefs(map: BpfMap, refs: number): void {
    this.view.setUint32(map.addr + L.MAP_USER_REFS, refs, true);
  }

  /** The value of a key; of hash maps it is put there if it is missing. */
  value(map: BpfMap, key: number): number {
    const find = (): number => Number(this.call("map_lookup_elem", [map.addr, this.key(key)]));
    if (find() === 0) map.update(u32(key), new Uint8Array(map.shape.valueSize));
    return find();
  }

  /** The timer of a key. */
  slot(map: BpfMap, key: number): number {
    return this.value(map, key) + TIMER_OFF;
  }

  key(key: number): number {
    const at = this.cpu + 2048;
    this.view.setUint32(at, key, true);
    return at;
  }

  /** A helper's result as a number. */
  do(name: string, args: readonly (bigint | number)[], cpu = 0): number {
    return Number(this.call(name, args, this.cpuBlock(cpu)));
  }

  /** A timer that is ready to be started. */
  timer(map: BpfMap, key: number, fn: number, clock = MONOTONIC): number {
    const slot = this.slot(map, key);
    const init = this.do("timer_init", [slot, map.addr, clock]);
    if (init !== 0) throw new Error(`timer_init gave ${init}`);
    const set = this.do("timer_set_callback", [slot, fn]);
    if (set !== 0) throw new Error(`timer_set_callback gave ${set}`);
    return slot;
  }

  run(until: bigint, { cpu = 0, budget = 1_000_000 } = {}): number {
    return this.lib.timers_run(this.cpuBlock(cpu), until, budget);
  }

  reason(cpu = 0): number {
    return this.view.getUint32(this.cpuBlock(cpu) + L.CPU_WALK_REASON, true);
  }

  now(cpu = 0): bigint {
    return this.view.getBigUint64(this.cpuBlock(cpu) + L.CPU_MONOTONIC, true);
  }

  counter(off: number, cpu = 0): bigint {
    return this.view.getBigUint64(this.cpuBlock(cpu) + off, true);
  }

  pending(cpu = 0): number {
    return this.view.getUint32(this.cpuBlock(cpu) + L.CPU_TIMERS, true);
  }

  initialised(slot: number): boolean {
    return this.view.getBigUint64(slot, true) !== 0n;
  }

  /** Timer objects of the map that are in use: those behind values and spare ones. */
  objects(map: BpfMap): number {
    const { view } = this;
    const word = (off: number): number => view.getUint32(map.addr + off, true);
    let used = Math.min(word(L.MAP_TIMER_BUMP), word(L.MAP_TIMER_POOL));
    for (let t = word(L.MAP_TIMER_FREE); t !== 0; t = view.getUint32(map.addr + t + L.TIMER_VALUE, true))
      used--;
    const offs = [
      [L.MAP_TIMER_OFF, L.MAP_TIMER_OBJECT],
      [L.MAP_WQ_OFF, L.MAP_WQ_OBJECT],
    ].flatMap(([field = 0, object = 0]) => (word(field) === 0xffffffff ? [] : [word(object)]));
    const elements = word(L.MAP_POOL) === 0 ? word(L.MAP_MAX_ENTRIES) : word(L.MAP_POOL);
    const first = map.addr + word(L.MAP_ELEMS_OFF) + word(L.MAP_VALUE_OFF);
    for (let i = 0; i < elements; i++)
      for (const off of offs)
        used += Number(view.getUint32(first + i * word(L.MAP_ELEM_STRIDE) + off + L.TIMER_VALUE, true) !== 0);
    return used;
  }
}
