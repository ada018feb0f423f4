// A live map as the host sees it: raw bytes in and out, beside running CPUs. Errors are the kernel's for the same call from
// user space. Knows the header's layout and the library's exports; BTF forms and pins are others' business.
import { BpfError, errnoName } from "../../src/spec/errors.ts";
import { MAP_BATCH } from "../../src/spec/map_batch.ts";
import { MAP_TYPES } from "../../src/spec/map_types.ts";
import * as L from "../memory/layout.ts";
import type { LibExports } from "../wasm/lib.ts";
import { checkLockFlag } from "./batch.ts";
import { BatchedMap } from "./batched_map.ts";
import { chainedEntries } from "./chained.ts";
import { allValues, countValues, isKeyless, mayContain, nextValue, pushValue } from "./keyless.ts";
import { type MapShape, mapKind } from "./map_layout.ts";

export const BPF_ANY = 0;
export const BPF_NOEXIST = 1;
export const BPF_EXIST = 2;
export const BPF_F_LOCK = 4;

/** The bytes of a value; of a per-CPU map one for each CPU. */
export type MapValue = Uint8Array | Uint8Array[];

/** What a map needs of the world it lies in. */
export interface MapHome {
  readonly memory: WebAssembly.Memory;
  readonly lib: LibExports;
  /** a CPU block that only this thread uses: scratch space of the library */
  readonly cpu: number;
  /** address of at least `size` bytes that only this thread uses, valid until the next call */
  scratch(size: number): number;
}

/** Behind the key in the scratch area. */
const NEXT_KEY = 520;
const VALUES = 1088;

function round8(n: number): number {
  return (n + 7) & ~7;
}

export class BpfMap extends BatchedMap {
  readonly perCpu: boolean;
  readonly ncpus: number;
  #closed = false;
  #bytes: Uint8Array;

  /** `addr` is where createMap made it. */
  constructor(
    readonly home: MapHome,
    readonly addr: number,
    readonly shape: MapShape,
  ) {
    super();
    this.#bytes = new Uint8Array(home.memory.buffer);
    if (this.#word(L.MAP_MAGIC) !== L.MAP_MAGIC_VALUE)
      throw new Error(`map '${shape.name}': no map at ${addr}`);
    this.perCpu = MAP_TYPES[shape.type].perCpu;
    this.ncpus = this.#word(L.MAP_NCPUS);
  }

  get name(): string {
    return this.shape.name;
  }

  get frozen(): boolean {
    return (this.#word(L.MAP_STATE) & L.MAP_STATE_FROZEN) !== 0;
  }

  /** Bytes of an entry as the library passes it. */
  get entryRoom(): number {
    return round8(this.shape.keySize) + this.#valueRoom;
  }

  /** Of its value: of every CPU, each rounded up to 8. */
  get #valueRoom(): number {
    return round8(this.shape.valueSize) * (this.perCpu ? this.ncpus : 1);
  }

  get #indexed(): boolean {
    return MAP_TYPES[this.shape.type].indexed;
  }

  /**
   * A copy of the value, locks and timers as zero; undefined if there is no such key. With BPF_F_LOCK it is copied under the
   * value's lock; EINVAL for other flags and if the value has none.
   */
  lookup(key: Uint8Array, flags: number = BPF_ANY): MapValue | undefined {
    const at = this.#find(key);
    if (flags !== BPF_ANY) return this.#lookupLocked(at, flags);
    return at === 0 ? undefined : this.#valueAt(at, this.#word(L.MAP_PERCPU_STRIDE));
  }

  #lookupLocked(at: number, flags: number): Uint8Array | undefined {
    if (flags !== BPF_F_LOCK || this.#word(L.MAP_LOCK_OFF) === L.MAP_NO_FIELD >>> 0) {
      throw new BpfError("EINVAL", `lookup in map '${this.name}': flags ${flags} for values without a lock`);
    }
    if (at === 0) return undefined;
    const out = this.home.scratch(VALUES + this.#valueRoom) + VALUES;
    this.home.lib.map_copy_locked(this.addr, at, out);
    return this.#copyOut(out);
  }

  /** Throws EEXIST or ENOENT for the flags, E2BIG (LPM: ENOSPC) when full, EPERM when frozen. */
  update(key: Uint8Array, value: MapValue, flags: number = BPF_ANY): void {
    this.checkWritable("update");
    const parts = this.#checkValue(value);
    if (OF_MAPS.has(this.shape.type)) this.#checkInner(parts[0] as Uint8Array);
    const scratch = this.#putKey(key, this.#valueRoom);
    const step = round8(this.shape.valueSize);
    for (const [i, part] of parts.entries()) this.#view().set(part, scratch + VALUES + i * step);
    const { home, addr } = this;
    this.#check(home.lib.map_update_user(addr, scratch, scratch + VALUES, BigInt(flags), home.cpu), "update");
  }

  /** False if there was no such key. Elements of an array cannot be deleted: EINVAL. */
  delete(key: Uint8Array): boolean {
    this.checkWritable("delete");
    const scratch = this.#putKey(key, 0);
    const result = this.home.lib.map_delete_user(this.addr, scratch, this.home.cpu);
    if (errnoName(Number(result)) === "ENOENT") return false;
    this.#check(result, "delete");
    return true;
  }

  /**
   * Takes the element out: its value as it was when it went, undefined if there is no such key. ENOTSUPP where the kernel
   * has no such call: hashes have it, and queues and stacks with an empty key.
   */
  lookupAndDelete(key: Uint8Array, flags: number = BPF_ANY): MapValue | undefined {
    checkLockFlag(this.shape, flags);
    this.checkWritable("take from");
    if (MAP_BATCH[this.shape.type]?.takeElem !== true)
      throw new BpfError(
        "ENOTSUPP",
        `map '${this.name}': maps of type ${this.shape.type} have no lookup-and-delete`,
      );
    const scratch = this.#putKey(key, this.#valueRoom);
    if (this.shape.keySize === 0) return nextValue(this, true);
    const { home, addr } = this;
    const locked = flags === BPF_F_LOCK ? 1 : 0;
    const result = home.lib.map_take_elem(addr, scratch, scratch + VALUES, locked, home.cpu);
    return result === 0n ? this.#valueAt(scratch + VALUES, round8(this.shape.valueSize)) : undefined;
  }

  /** Queue, stack, bloom filter: throws E2BIG where it is full, unless with BPF_EXIST, which removes the oldest value. */
  push(value: Uint8Array, flags: number = BPF_ANY): void {
    this.checkWritable("push to");
    pushValue(this, value, flags);
  }

  /** Queue, stack: takes the next value; undefined if there is none. */
  pop(): Uint8Array | undefined {
    this.checkWritable("pop from");
    return nextValue(this, true);
  }

  /** Queue, stack: the value that pop would take. */
  peek(): Uint8Array | undefined {
    this.checkOpen();
    return nextValue(this, false);
  }

  /** Bloom filter: false if the value was certainly never pushed. */
  mayContain(value: Uint8Array): boolean {
    this.checkOpen();
    return mayContain(this, value);
  }

  /** Queue, stack: copies of all values in the order in which pop would take them. */
  values(): Uint8Array[] {
    this.checkOpen();
    return isKeyless(this) ? allValues(this) : [];
  }

  /** As bpf_map_get_next_key: the key after `key`, the first without one or if it is not there; undefined at the end. */
  nextKey(key?: Uint8Array): Uint8Array | undefined {
    this.checkOpen();
    if (this.shape.keySize === 0)
      throw new BpfError("EOPNOTSUPP", `map '${this.name}': a map of type ${this.shape.type} has no keys`);
    if (this.#indexed) return this.#nextIndex(key);
    const scratch = key === undefined ? this.home.scratch(VALUES) : this.#putKey(key, 0);
    const { home, addr } = this;
    const result = home.lib.map_next_key(addr, key === undefined ? 0 : scratch, scratch + NEXT_KEY, home.cpu);
    if (result !== 0n) return undefined;
    return this.#copyKey(scratch + NEXT_KEY);
  }

  /**
   * Every entry, in no particular order but an array's. Beside running CPUs each entry is whole and was in the map; one
   * changed meanwhile may be missing. Empty slots of device and program arrays are left out.
   */
  *entries(): Generator<[key: Uint8Array, value: MapValue]> {
    this.checkOpen();
    if (this.shape.type === "perf_event_array" || this.shape.keySize === 0) return;
    if (this.#indexed) yield* this.#indexedEntries();
    else yield* chainedEntries(this);
  }

  *keys(): Generator<Uint8Array> {
    for (const [key] of this.entries()) yield key;
  }

  [Symbol.iterator](): Generator<[key: Uint8Array, value: MapValue]> {
    return this.entries();
  }

  /** Elements in use; max_entries for arrays. */
  get size(): number {
    if (this.shape.keySize === 0) return isKeyless(this) ? countValues(this) : 0;
    if (!this.#indexed) return Math.min(this.#word(L.MAP_COUNT), this.shape.maxEntries);
    return mapKind(this.shape.type)?.endsWith("array") === true
      ? this.shape.maxEntries
      : [...this.entries()].length;
  }

  /** From now on the host may not change it; programs may. */
  freeze(): void {
    this.checkOpen();
    if (this.shape.specialFields.some((f) => f.kind === "bpf_timer")) {
      throw new BpfError("ENOTSUPP", `freeze map '${this.name}': its values hold timers`);
    }
    if (this.frozen) throw new BpfError("EBUSY", `freeze map '${this.name}': is frozen already`);
    const words = new Int32Array(this.home.memory.buffer, this.addr + L.MAP_STATE, 1);
    Atomics.or(words, 0, L.MAP_STATE_FROZEN);
  }

  /** Ends the use of this handle; the memory is the world's. */
  close(): void {
    this.#closed = true;
  }

  /** @internal an entry as the library wrote it */
  entryAt(at: number): [key: Uint8Array, value: MapValue] {
    return [this.#copyKey(at), this.#valueAt(at + round8(this.shape.keySize), round8(this.shape.valueSize))];
  }

  /** The memory as it is now: it grows. */
  #view(): Uint8Array {
    const { buffer } = this.home.memory;
    if (this.#bytes.buffer !== buffer) this.#bytes = new Uint8Array(buffer);
    return this.#bytes;
  }

  #word(off: number): number {
    return this.#wordAt(this.addr + off);
  }

  #wordAt(at: number): number {
    const b = this.#view();
    return (
      ((b[at] ?? 0) | ((b[at + 1] ?? 0) << 8) | ((b[at + 2] ?? 0) << 16) | ((b[at + 3] ?? 0) << 24)) >>> 0
    );
  }

  protected checkOpen(): void {
    if (this.#closed) throw new BpfError("EBADF", `map '${this.name}': is closed`);
  }

  protected checkWritable(what: string): void {
    this.checkOpen();
    if (this.frozen) throw new BpfError("EPERM", `${what} map '${this.name}': is frozen`);
    if (this.shape.type === "perf_event_array") {
      throw new BpfError(
        "EOPNOTSUPP",
        `${what} map '${this.name}': events are read through the world, not its slots`,
      );
    }
  }

  #checkKey(key: Uint8Array): void {
    if (key.length !== this.shape.keySize) {
      throw new BpfError(
        "EINVAL",
        `map '${this.name}': a key has ${this.shape.keySize} bytes, not ${key.length}`,
      );
    }
  }

  #checkValue(value: MapValue): Uint8Array[] {
    const parts = value instanceof Uint8Array ? [value] : value;
    const want = this.perCpu ? this.ncpus : 1;
    if (parts.length !== want || (this.perCpu && value instanceof Uint8Array)) {
      throw new BpfError(
        "EINVAL",
        `map '${this.name}': takes ${this.perCpu ? `a list of ${want} values` : "one value"}`,
      );
    }
    for (const part of parts) {
      if (part.length !== this.shape.valueSize) {
        throw new BpfError(
          "EINVAL",
          `map '${this.name}': a value has ${this.shape.valueSize} bytes, not ${part.length}`,
        );
      }
    }
    return parts;
  }

  /** Programs follow the addresses in a map of maps: nothing but a map's may stand there. */
  #checkInner(value: Uint8Array): void {
    const addr = new DataView(value.buffer, value.byteOffset, value.byteLength).getUint32(0, true);
    const inside = addr % 64 === 0 && addr + L.MAP_HEADER_SIZE <= this.home.memory.buffer.byteLength;
    if (!inside || this.#wordAt(addr + L.MAP_MAGIC) !== L.MAP_MAGIC_VALUE)
      throw new BpfError("EBADF", `update map '${this.name}': there is no map at ${addr}`);
  }

  /** Writes the key into scratch space with room for `room` bytes of values behind it. */
  #putKey(key: Uint8Array, room: number): number {
    this.#checkKey(key);
    const scratch = this.home.scratch(VALUES + room);
    this.#view().set(key, scratch);
    return scratch;
  }

  #check(result: bigint, what: string): void {
    if (result >= 0n) return;
    const code = errnoName(Number(result)) ?? "EIO";
    throw new BpfError(code, `${what} map '${this.name}': ${WORDS[code] ?? code}`);
  }

  #find(key: Uint8Array): number {
    this.checkOpen();
    const scratch = this.#putKey(key, 0);
    return this.home.lib.map_lookup_user(this.addr, scratch, this.home.cpu) >>> 0;
  }

  /** The value at `at`, the next CPU's `stride` bytes on. */
  #valueAt(at: number, stride: number): MapValue {
    if (!this.perCpu) return this.#copyOut(at);
    return Array.from({ length: this.ncpus }, (_, i) => this.#copyOut(at + i * stride));
  }

  #copyOut(at: number): Uint8Array {
    // slice of a shared array would be shared too
    const out = new Uint8Array(this.shape.valueSize);
    out.set(this.#view().subarray(at, at + this.shape.valueSize));
    for (const { off, size } of this.shape.specialFields) out.fill(0, off, off + size);
    return out;
  }

  #copyKey(at: number): Uint8Array {
    const out = new Uint8Array(this.shape.keySize);
    out.set(this.#view().subarray(at, at + this.shape.keySize));
    return out;
  }

  #nextIndex(key?: Uint8Array): Uint8Array | undefined {
    if (key !== undefined) this.#checkKey(key);
    const index = key === undefined ? -1 : new DataView(key.buffer, key.byteOffset).getUint32(0, true);
    if (index === this.shape.maxEntries - 1) return undefined;
    return indexKey(index < this.shape.maxEntries ? index + 1 : 0);
  }

  *#indexedEntries(): Generator<[Uint8Array, MapValue]> {
    for (let i = 0; i < this.shape.maxEntries; i++) {
      const key = indexKey(i);
      const value = this.lookup(key);
      if (value !== undefined) yield [key, value];
    }
  }
}

const OF_MAPS: ReadonlySet<string> = new Set(["array_of_maps", "hash_of_maps"]);

/** What an errno means for a map. */
const WORDS: Partial<Record<string, string>> = {
  ENOENT: "no such key",
  E2BIG: "is full or the index is out of range",
  ENOSPC: "is full",
  EEXIST: "the key exists",
  EINVAL: "not valid for this map",
  ENOMEM: "no element could be had",
  EOPNOTSUPP: "not supported for this map",
};

function indexKey(index: number): Uint8Array {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, index, true);
  return key;
}
