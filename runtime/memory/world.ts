// A world: one shared memory and one function table, and the ground in it handed out in pieces. Grows only
// while nothing runs; views are taken anew after that. Knows nothing of what lies in the pieces.
import { BpfError } from "../../src/spec/errors.ts";
import {
  CPU_BASE,
  CPU_STRIDE,
  MAX_CPUS,
  PAGE_SIZE,
  WASM_PAGE_SIZE,
  WORLD_FLAGS,
  WORLD_F_ALONE,
  WORLD_F_SOLE,
  WORLD_STOP,
  WORLD_STOPPED,
} from "./layout.ts";

/** 4 GiB of address space; what is not allocated costs nothing. */
const MAX_PAGES = 65536;

export class World {
  readonly memory: WebAssembly.Memory;
  /** Programs and callbacks by index. Tables cannot be shared between Workers: each CPU thread fills its own. */
  readonly table: WebAssembly.Table;
  /** Callbacks run on a thread of their own beside the caller's: set before programs are loaded. */
  threaded = false;
  #next: number;
  #bytes: Uint8Array;
  #view: DataView;
  #tableNext = 0;
  /** pieces to lend, by size */
  readonly #lent = new Map<number, number[]>();

  constructor(readonly ncpus: number) {
    if (!Number.isInteger(ncpus) || ncpus < 1 || ncpus > MAX_CPUS)
      throw new BpfError("EINVAL", `a world has 1 to ${MAX_CPUS} CPUs, not ${ncpus}`);
    this.#next = CPU_BASE + ncpus * CPU_STRIDE;
    const initial = Math.ceil(this.#next / WASM_PAGE_SIZE);
    this.memory = new WebAssembly.Memory({ initial, maximum: MAX_PAGES, shared: true });
    this.table = new WebAssembly.Table({ element: "anyfunc", initial: 16 });
    this.#bytes = new Uint8Array(this.memory.buffer);
    this.#view = new DataView(this.memory.buffer);
  }

  /** All of memory; a growth makes earlier views too short, so take it anew after alloc. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get view(): DataView {
    return this.#view;
  }

  /** Bytes handed out so far, the null page included. */
  get allocated(): number {
    return this.#next;
  }

  cpu(index: number): number {
    return CPU_BASE + index * CPU_STRIDE;
  }

  /** Zeroed memory of `size` bytes; never given back before the world itself is. Throws ENOMEM. */
  alloc(size: number, align = 64): number {
    const addr = Math.ceil(this.#next / align) * align;
    const end = addr + size;
    if (end > MAX_PAGES * WASM_PAGE_SIZE - PAGE_SIZE)
      throw new BpfError("ENOMEM", `${size} bytes are more than the world has left`);
    const missing = Math.ceil(end / WASM_PAGE_SIZE) - this.memory.buffer.byteLength / WASM_PAGE_SIZE;
    if (missing > 0) this.#grow(missing, size);
    this.#next = end;
    return addr;
  }

  /**
   * Memory for a while, with whatever was in it; goes back by giveBack. A run borrows the same pieces as the run
   * before it, so that running again and again takes no more.
   */
  borrow(size: number): number {
    const known = this.#lent.get(size)?.pop();
    return known ?? this.alloc(size);
  }

  /** Ends a loan: `addr` as borrow gave it for this size. */
  giveBack(addr: number, size: number): void {
    const pieces = this.#lent.get(size);
    if (pieces === undefined) this.#lent.set(size, [addr]);
    else pieces.push(addr);
  }

  #grow(pages: number, wanted: number): void {
    try {
      this.memory.grow(pages);
    } catch (cause) {
      throw new BpfError("ENOMEM", `no memory for ${wanted} bytes`, { cause });
    }
    this.#bytes = new Uint8Array(this.memory.buffer);
    this.#view = new DataView(this.memory.buffer);
  }

  /** Room for so many functions in the table; gives the first index. */
  reserveFunctions(count: number): number {
    const first = this.#tableNext;
    this.#tableNext += count;
    if (this.#tableNext > this.table.length) this.table.grow(this.#tableNext - this.table.length);
    return first;
  }

  /** Other threads are going to work in this world: from now on its timers take locks. By the one thread it had. */
  share(): void {
    this.#view.setUint32(
      WORLD_FLAGS,
      this.#view.getUint32(WORLD_FLAGS, true) & ~(WORLD_F_ALONE | WORLD_F_SOLE),
      true,
    );
  }

  /** Asks every run in this world to end, from any thread. */
  stop(): void {
    Atomics.store(new Int32Array(this.memory.buffer), WORLD_STOP / 4, 1);
  }

  clearStop(): void {
    const words = new Int32Array(this.memory.buffer);
    Atomics.store(words, WORLD_STOP / 4, 0);
    Atomics.store(words, WORLD_STOPPED / 4, 0);
  }

  get stopping(): boolean {
    return Atomics.load(new Int32Array(this.memory.buffer), WORLD_STOP / 4) !== 0;
  }
}
