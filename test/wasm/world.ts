// A small world for tests of the library: memory, one or more CPUs, a bump allocator. Knows nothing of programs.
import { createMap, type MapShape, mapLayout } from "../../runtime/map/map_layout.ts";
import { BpfMap, type MapHome } from "../../runtime/map/bpf_map.ts";
import * as L from "../../runtime/memory/layout.ts";
import { createLib, type HelperExport, type LibExports } from "../../runtime/wasm/lib.ts";

export type Prog = (cpu: number, fp: number, ctx: bigint) => bigint;

export const SHAPE: MapShape = {
  name: "m",
  type: "hash",
  keySize: 4,
  valueSize: 8,
  maxEntries: 8,
  flags: 0,
  specialFields: [],
};

export interface WorldOptions {
  readonly ncpus?: number;
  readonly pages?: number;
  readonly prog?: Prog;
  /** the sleep of clock_loop */
  readonly wait?: () => number;
  /** WORLD_F_* */
  readonly flags?: number;
}

export class TestWorld implements MapHome {
  readonly memory: WebAssembly.Memory;
  readonly lib: WebAssembly.Exports & LibExports;
  readonly table = new WebAssembly.Table({ element: "anyfunc", initial: 64 });
  readonly cpu: number;
  readonly ncpus: number;
  #next: number;
  readonly #scratch: number;

  constructor({ ncpus = 1, pages = 512, prog, wait, flags = 0 }: WorldOptions = {}) {
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: 65536, shared: true });
    this.lib = createLib(this.memory, this.table, { ...(prog && { prog }), ...(wait && { wait }) });
    this.ncpus = ncpus;
    this.lib.world_init(ncpus, 42n, flags);
    // the host's own block, of which only the start is used
    this.cpu = L.CPU_BASE + ncpus * L.CPU_STRIDE;
    this.lib.cpu_init(this.cpu, 0, 0n);
    this.#scratch = this.cpu + 4096;
    this.#next = this.#scratch + (1 << 20);
  }

  cpuBlock(index: number): number {
    return L.CPU_BASE + index * L.CPU_STRIDE;
  }

  scratch(size: number): number {
    if (size > 1 << 20) throw new Error(`scratch of ${size} bytes`);
    return this.#scratch;
  }

  alloc(size: number): number {
    const at = this.#next;
    this.#next = Math.ceil((at + size) / 64) * 64;
    const missing = this.#next - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536));
    return at;
  }

  map(shape: Partial<MapShape>): BpfMap {
    const full = { ...SHAPE, ...shape };
    const addr = this.alloc(mapLayout(full, this.ncpus).totalSize);
    createMap(this.memory, this.lib, addr, full, { ncpus: this.ncpus, seed: 0x1234_5678_9abc_def0n });
    return new BpfMap(this, addr, full);
  }

  get view(): DataView {
    return new DataView(this.memory.buffer);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.memory.buffer);
  }

  /** Calls a helper as a program on `cpu` would. */
  call(name: string, args: readonly (bigint | number)[], cpu: number = this.cpuBlock(0)): bigint {
    return (this.lib[name] as HelperExport)(cpu, ...args.map(BigInt));
  }

  /** A copy of bytes somewhere in the world. */
  put(bytes: Uint8Array): number {
    const at = this.alloc(bytes.length);
    this.bytes.set(bytes, at);
    return at;
  }
}

export function u32(n: number): Uint8Array {
  const b = new Uint8Array(4);
  new DataView(b.buffer).setUint32(0, n, true);
  return b;
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
