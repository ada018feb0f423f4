// Where a map's parts lie in its one block [header | indexes | elements], and the header that says so. Decides sizes only;
// what the words mean is in ../memory/layout.ts, what is done with them in the Wasm library.
import type { SpecialField } from "../../src/elf/object_spec.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { MAP_TYPES, type MapTypeName } from "../../src/spec/map_types.ts";
import * as L from "../memory/layout.ts";

/** What a map's creator says. MapSpec and MapDef have these fields. */
export interface MapShape {
  readonly name: string;
  readonly type: MapTypeName;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** bloom filter: how many hash functions */
  readonly mapExtra?: bigint;
  readonly specialFields: readonly SpecialField[];
}

/** The words of the header that never change, by their offsets. */
export interface MapLayout {
  readonly elemsOff: number;
  readonly elemStride: number;
  readonly valueOff: number;
  readonly percpuStride: number;
  readonly indexOff: number;
  readonly bucketMask: number;
  readonly pool: number;
  readonly rawKeyOff: number;
  /** spare objects of timers and work items; 0 and 0 if values hold none */
  readonly timersOff: number;
  readonly timerPool: number;
  readonly totalSize: number;
}

type Kind =
  | "array"
  | "percpu_array"
  | "slots"
  | "progs"
  | "inner"
  | "none"
  | "chained"
  | "lpm"
  | "queue"
  | "bloom"
  | "ring";

const KINDS: Partial<Record<MapTypeName, Kind>> = {
  hash: "chained",
  array: "array",
  prog_array: "progs",
  perf_event_array: "none",
  percpu_hash: "chained",
  percpu_array: "percpu_array",
  lru_hash: "chained",
  lru_percpu_hash: "chained",
  lpm_trie: "lpm",
  devmap: "slots",
  cpumap: "slots",
  xskmap: "slots",
  devmap_hash: "chained",
  array_of_maps: "inner",
  hash_of_maps: "chained",
  queue: "queue",
  stack: "queue",
  bloom_filter: "bloom",
  ringbuf: "ring",
};

const BPF_F_ZERO_SEED = 1 << 6;
/** Addresses are 32 bits; a map takes half of them at most. */
const MAX_MAP_SIZE = 2 ** 31;
const MAX_KEY_SIZE = 512;
const BLOOM_HASHES_DEFAULT = 5;

/** How the library keeps maps of this type; undefined if it does not. */
export function mapKind(type: MapTypeName): Kind | undefined {
  return KINDS[type];
}

function roundUp(n: number, to: number): number {
  return Math.ceil(n / to) * to;
}

function powerOfTwo(n: number): number {
  return 2 ** Math.ceil(Math.log2(n));
}

const FLAT: Omit<MapLayout, "elemStride" | "totalSize" | "percpuStride"> = {
  elemsOff: L.MAP_HEADER_SIZE,
  valueOff: 0,
  indexOff: 0,
  bucketMask: 0,
  pool: 0,
  rawKeyOff: 0,
  timersOff: 0,
  timerPool: 0,
};

function flat(entries: number, elemStride: number, rows: number): MapLayout {
  const row = rows === 1 ? entries * elemStride : roundUp(entries * elemStride, 64);
  return {
    ...FLAT,
    elemStride,
    percpuStride: rows === 1 ? 0 : row,
    totalSize: L.MAP_HEADER_SIZE + row * rows,
  };
}

/** CPUs and host threads hold at most two elements each while they work; these are for them. */
function spares(ncpus: number): number {
  return 2 * ncpus + 32;
}

function chained(map: MapShape, ncpus: number): MapLayout {
  const perCpu = MAP_TYPES[map.type].perCpu;
  const lpm = map.type === "lpm_trie";
  const key = roundUp(map.keySize, 8);
  const value = roundUp(map.valueSize, 8) + objectRoom(map);
  const valueOff = L.ELEM_KEY + key;
  const rawKeyOff = valueOff + value * (perCpu ? ncpus : 1);
  const elemStride = rawKeyOff + (lpm ? key : 0);
  const indexOff = lpm ? roundUp(L.MAP_PREFIX_BITS + L.MAP_PREFIX_BITS_SIZE, 64) : L.MAP_HEADER_SIZE;
  const buckets = powerOfTwo(map.maxEntries);
  const pool = map.maxEntries + spares(ncpus);
  const elemsOff = roundUp(indexOff + buckets * 8, 64);
  return {
    elemsOff,
    elemStride,
    valueOff,
    percpuStride: perCpu ? value : 0,
    indexOff,
    bucketMask: buckets - 1,
    pool,
    rawKeyOff: lpm ? rawKeyOff : 0,
    timersOff: 0,
    timerPool: 0,
    totalSize: elemsOff + pool * elemStride,
  };
}

/** A bloom filter has 7/5 bits for each value and hash function, in a power of two. */
function bloom(map: MapShape): MapLayout {
  const hashes = Number(map.mapExtra ?? 0n) || BLOOM_HASHES_DEFAULT;
  const wanted = Math.floor((map.maxEntries * hashes) / 5) * 7;
  const bits = Math.min(2 ** 32, powerOfTwo(Math.max(64, wanted)));
  return { ...flat(0, 0, 1), bucketMask: bits - 1, pool: hashes, totalSize: L.MAP_HEADER_SIZE + bits / 8 };
}

/** The ring, as much again behind it for records that pass its end, and a word of marks for every 8 bytes. */
function ring({ maxEntries }: MapShape): MapLayout {
  const elemsOff = L.PAGE_SIZE;
  const indexOff = elemsOff + 2 * maxEntries;
  return { ...flat(0, 0, 1), elemsOff, indexOff, totalSize: indexOff + maxEntries };
}

/** Bytes behind each value: the objects of its timer and its work item. */
function objectRoom(map: MapShape): number {
  return L.TIMER_SIZE * TIMER_FIELDS.filter((kind) => fieldOff(map, kind) >= 0).length;
}

function layoutOf(kind: Kind, map: MapShape, ncpus: number): MapLayout {
  switch (kind) {
    case "array":
      return flat(map.maxEntries, roundUp(map.valueSize, 8) + objectRoom(map), 1);
    case "percpu_array":
      // one CPU's values lie together: no cache line is shared between CPUs
      return flat(map.maxEntries, roundUp(map.valueSize, 8), ncpus);
    case "slots":
      return { ...flat(map.maxEntries, L.SLOT_SIZE, 1), valueOff: L.SLOT_VALUE };
    case "progs":
      return flat(map.maxEntries, L.PROG_SLOT_SIZE, 1);
    case "inner":
      return flat(map.maxEntries, L.INNER_SLOT_SIZE, 1);
    case "none":
      return flat(0, 0, 1);
    case "queue":
      // one slot stays empty: full and empty look different
      return flat(map.maxEntries + 1, roundUp(map.valueSize, 8), 1);
    case "bloom":
      return bloom(map);
    case "ring":
      return ring(map);
    case "chained":
    case "lpm":
      return chained(map, ncpus);
  }
}

const TIMER_FIELDS = ["bpf_timer", "bpf_wq"] as const;
/** Types whose values may hold timers and work items. */
const TIMER_TYPES: ReadonlySet<MapTypeName> = new Set(["hash", "array", "lru_hash"]);

/**
 * The spare objects behind the elements, for when a value's own is still in use: freed while its callback runs or is being
 * waited for, or held for a moment by a thread that sets one up.
 */
function withTimers(map: MapShape, layout: MapLayout, ncpus: number): MapLayout {
  if (objectRoom(map) === 0) return layout;
  if (!TIMER_TYPES.has(map.type)) {
    throw new BpfError(
      "EOPNOTSUPP",
      `map '${map.name}': maps of type ${map.type} cannot hold timers, use hash, lru_hash or array`,
    );
  }
  const timerPool = 3 * ncpus + 32;
  const timersOff = roundUp(layout.totalSize, 64);
  return { ...layout, timersOff, timerPool, totalSize: timersOff + timerPool * L.TIMER_SIZE };
}

/** Throws BpfError where the library has no such map or its block would be too large. */
export function mapLayout(map: MapShape, ncpus: number): MapLayout {
  const kind = mapKind(map.type);
  if (kind === undefined)
    throw new BpfError("EOPNOTSUPP", `map '${map.name}': maps of type ${map.type} are not supported`);
  if (map.maxEntries < 1) throw new BpfError("EINVAL", `map '${map.name}': max_entries is 0`);
  if (map.keySize > MAX_KEY_SIZE)
    throw new BpfError("E2BIG", `map '${map.name}': key size ${map.keySize} is larger than ${MAX_KEY_SIZE}`);
  if (map.specialFields.length > L.MAP_SPECIAL_MAX) {
    throw new BpfError("E2BIG", `map '${map.name}': ${map.specialFields.length} special fields in the value`);
  }
  const layout = withTimers(map, layoutOf(kind, map, ncpus), ncpus);
  if (layout.totalSize > MAX_MAP_SIZE) {
    throw new BpfError(
      "ENOMEM",
      `map '${map.name}': ${map.maxEntries} elements need ${layout.totalSize} bytes`,
    );
  }
  return layout;
}

function fieldOff(map: MapShape, kind: SpecialField["kind"]): number {
  return map.specialFields.find((f) => f.kind === kind)?.off ?? L.MAP_NO_FIELD;
}

function headerWords(
  map: MapShape,
  layout: MapLayout,
  ncpus: number,
  id: number,
): [off: number, value: number][] {
  const object = roundUp(map.valueSize, 8);
  return [
    [L.MAP_TYPE, MAP_TYPES[map.type].id],
    [L.MAP_FLAGS, map.flags],
    [L.MAP_KEY_SIZE, map.keySize],
    [L.MAP_VALUE_SIZE, map.valueSize],
    [L.MAP_MAX_ENTRIES, map.maxEntries],
    [L.MAP_NCPUS, ncpus],
    [L.MAP_ELEMS_OFF, layout.elemsOff],
    [L.MAP_ELEM_STRIDE, layout.elemStride],
    [L.MAP_VALUE_OFF, layout.valueOff],
    [L.MAP_PERCPU_STRIDE, layout.percpuStride],
    [L.MAP_INDEX_OFF, layout.indexOff],
    [L.MAP_BUCKET_MASK, layout.bucketMask],
    [L.MAP_POOL, layout.pool],
    [L.MAP_TOTAL_SIZE, layout.totalSize],
    [L.MAP_ID, id],
    [L.MAP_LOCK_OFF, fieldOff(map, "bpf_spin_lock")],
    [L.MAP_TIMER_OFF, fieldOff(map, "bpf_timer")],
    [L.MAP_WQ_OFF, fieldOff(map, "bpf_wq")],
    [L.MAP_TIMER_OBJECT, object],
    [L.MAP_WQ_OBJECT, fieldOff(map, "bpf_timer") >= 0 ? object + L.TIMER_SIZE : object],
    [L.MAP_TIMERS_OFF, layout.timersOff],
    [L.MAP_TIMER_POOL, layout.timerPool],
    [L.MAP_USER_REFS, 1], // its creator's
    [L.MAP_RAW_KEY_OFF, layout.rawKeyOff],
    [L.MAP_SPECIAL_COUNT, map.specialFields.length],
  ];
}

export interface CreateMapOptions {
  readonly ncpus: number;
  /** of the hash function; not used with BPF_F_ZERO_SEED */
  readonly seed: bigint;
  readonly id?: number;
}

/** What createMap needs of the library. */
export interface MapInit {
  map_init(map: number): void;
}

/**
 * Makes a map in zeroed memory at `addr` (64-byte aligned), `mapLayout(map, ncpus).totalSize` bytes. ARRAY contents
 * (global data) are written afterwards by the caller.
 */
export function createMap(
  memory: WebAssembly.Memory,
  lib: MapInit,
  addr: number,
  map: MapShape,
  options: CreateMapOptions,
): MapLayout {
  if (addr % 64 !== 0) throw new Error(`map at ${addr}: not on a cache line`);
  const layout = mapLayout(map, options.ncpus);
  if (addr + layout.totalSize > memory.buffer.byteLength)
    throw new Error(`map at ${addr}: outside of the memory`);
  const view = new DataView(memory.buffer, addr, L.MAP_HEADER_SIZE);
  for (const [off, value] of headerWords(map, layout, options.ncpus, options.id ?? 0))
    view.setInt32(off, value, true);
  view.setBigUint64(
    L.MAP_SEED,
    (map.flags & BPF_F_ZERO_SEED) !== 0 ? 0n : BigInt.asUintN(64, options.seed),
    true,
  );
  const fields = map.specialFields.toSorted((a, b) => a.off - b.off);
  for (const [i, field] of fields.entries()) {
    view.setUint32(L.MAP_SPECIAL + i * 8, field.off, true);
    view.setUint32(L.MAP_SPECIAL + i * 8 + 4, field.size, true);
  }
  lib.map_init(addr);
  return layout;
}
