// What the kernel is asked about creating maps: for each type a good definition, each of its fields and flags changed
// alone, and many changed at once. The same list in every run, so that the answers alone are recorded.
import { MAP_FLAGS, MAP_TYPES, type MapTypeName } from "../../src/spec/map_types.ts";
import { Rng } from "../harness/random_builder.ts";

export interface MapAttrs {
  readonly type: MapTypeName;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly mapExtra: bigint;
  readonly numaNode: number;
  /** the sizes are those of BTF types */
  readonly typed: boolean;
  /** maps of maps: there is a map to take after */
  readonly inner: boolean;
}

type Fields = Omit<MapAttrs, "type">;

const GOOD: Fields = {
  keySize: 4,
  valueSize: 4,
  maxEntries: 4,
  flags: 0,
  mapExtra: 0n,
  numaNode: 0,
  typed: false,
  inner: true,
};
const STORAGE: Partial<Fields> = { maxEntries: 0, flags: MAP_FLAGS.NO_PREALLOC, typed: true };
const KEYLESS: Partial<Fields> = { keySize: 0 };
const RING: Partial<Fields> = { keySize: 0, valueSize: 0, maxEntries: 4096 };

/** Where the type's good definition is another one. */
const BASES: Partial<Record<MapTypeName, Partial<Fields>>> = {
  stack_trace: { valueSize: 8 },
  lpm_trie: { keySize: 8, flags: MAP_FLAGS.NO_PREALLOC },
  cgroup_storage: { keySize: 8, maxEntries: 0 },
  percpu_cgroup_storage: { keySize: 8, maxEntries: 0 },
  queue: KEYLESS,
  stack: KEYLESS,
  bloom_filter: KEYLESS,
  sk_storage: STORAGE,
  inode_storage: STORAGE,
  task_storage: STORAGE,
  cgrp_storage: STORAGE,
  ringbuf: RING,
  user_ringbuf: RING,
  struct_ops: { maxEntries: 1 },
  arena: { keySize: 0, valueSize: 0, maxEntries: 1, flags: MAP_FLAGS.MMAPABLE },
};

const KEY_SIZES = [
  0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 20, 32, 255, 256, 259, 260, 261, 264, 511, 512, 513,
];
// biome-ignore format: list
const VALUE_SIZES = [
  0, 1, 3, 4, 5, 7, 8, 12, 16, 24, 32, 1008, 1016, 1024, 4064, 4072, 4096, 32760, 32768, 32769, 65000, 65535, 65536,
  4194000, 4194240, 4194304, 4194305,
];
const MAX_ENTRIES = [0, 1, 2, 3, 4, 5, 100, 255, 256, 257, 4095, 4096, 4097, 8192, 12288, 65536];
/** Too many for any machine, so that nothing is really taken; types that could take half of its memory are left out. */
const HUGE: Partial<Record<MapTypeName, readonly number[]>> = {
  hash: [2 ** 27 + 1, 2 ** 31 + 1, 2 ** 32 - 1],
  percpu_hash: [2 ** 27 + 1, 2 ** 31 + 1, 2 ** 32 - 1],
  lru_hash: [2 ** 27 + 1, 2 ** 31 + 1, 2 ** 32 - 1],
  array: [2 ** 32 - 1],
  percpu_array: [2 ** 32 - 1],
  prog_array: [2 ** 32 - 1],
  stack_trace: [2 ** 31 + 1, 2 ** 32 - 1],
  lpm_trie: [2 ** 31 + 1, 2 ** 32 - 1],
  devmap_hash: [2 ** 31 + 1, 2 ** 32 - 1],
  sockmap: [2 ** 31, 2 ** 32 - 1],
  sockhash: [2 ** 31 + 1, 2 ** 32 - 1],
  queue: [2 ** 32 - 1],
  stack: [2 ** 32 - 1],
  ringbuf: [2 ** 31 + 1, 2 ** 32 - 1],
  user_ringbuf: [2 ** 31 + 1, 2 ** 32 - 1],
  cpumap: [2 ** 31, 2 ** 32 - 1],
  arena: [2 ** 20, 2 ** 20 + 1, 2 ** 32 - 1],
};
const EXTRA = [
  0n,
  1n,
  5n,
  15n,
  16n,
  17n,
  4096n,
  1n << 32n,
  0xffff_f000n,
  0x7fff_ffff_f000n,
  (1n << 64n) - 1n,
];
const ALL_FLAGS = [...Object.values(MAP_FLAGS), 1 << 19, 1 << 30];
/** A token is a descriptor: without one the order of checks is another for every type. */
const MIXED_FLAGS = ALL_FLAGS.filter((flag) => flag !== MAP_FLAGS.TOKEN_FD);
const PAIRS = [
  MAP_FLAGS.RDONLY | MAP_FLAGS.WRONLY,
  MAP_FLAGS.RDONLY_PROG | MAP_FLAGS.WRONLY_PROG,
  MAP_FLAGS.NO_PREALLOC | MAP_FLAGS.ZERO_SEED,
  MAP_FLAGS.MMAPABLE | MAP_FLAGS.RDONLY_PROG,
  MAP_FLAGS.MMAPABLE | MAP_FLAGS.SEGV_ON_FAULT,
  MAP_FLAGS.NO_PREALLOC | MAP_FLAGS.CLONE,
  MAP_FLAGS.NO_COMMON_LRU | MAP_FLAGS.NO_PREALLOC,
];
const RANDOM_A_TYPE = 400;
/** Memory that one map may really take while it is asked for. */
const MOST_BYTES = 64 << 20;

function good(type: MapTypeName): Fields {
  return { ...GOOD, ...BASES[type] };
}

/** One field at a time. A flag is tried with and without those the type must have. */
function* changes(type: MapTypeName, base: Fields): Generator<Fields> {
  yield base;
  for (const keySize of KEY_SIZES) yield { ...base, keySize };
  for (const valueSize of VALUE_SIZES) yield { ...base, valueSize };
  for (const maxEntries of [...MAX_ENTRIES, ...(HUGE[type] ?? [])]) yield { ...base, maxEntries };
  for (const flags of [0, ...ALL_FLAGS, ...PAIRS]) {
    yield { ...base, flags };
    yield { ...base, flags: base.flags | flags };
  }
  for (const mapExtra of EXTRA) yield { ...base, mapExtra };
  for (const numaNode of [0, 1, 1000]) yield { ...base, numaNode, flags: base.flags | MAP_FLAGS.NUMA_NODE };
  if (base.typed) yield { ...base, typed: false };
  yield { ...base, inner: false };
}

function* mixtures(type: MapTypeName, base: Fields): Generator<Fields> {
  const rng = new Rng(MAP_TYPES[type].id + 1);
  const entries = [...MAX_ENTRIES, ...(HUGE[type] ?? [])];
  const or = <T>(list: readonly T[], usual: T): T => (rng.below(2) === 0 ? usual : rng.pick(list));
  for (let i = 0; i < RANDOM_A_TYPE; i++) {
    const flags = or(MIXED_FLAGS, 0) | or(MIXED_FLAGS, 0) | (rng.below(4) === 0 ? 0 : base.flags);
    yield {
      keySize: or(KEY_SIZES, base.keySize),
      valueSize: or(VALUE_SIZES, base.valueSize),
      maxEntries: or(entries, base.maxEntries),
      flags,
      mapExtra: rng.below(4) === 0 ? rng.pick(EXTRA) : 0n,
      numaNode: rng.below(4) === 0 ? 1 : 0,
      typed: base.typed && rng.below(4) !== 0,
      inner: rng.below(8) !== 0,
    };
  }
}

/** Neither takes much memory nor asks for what only a struct of the kernel can answer. */
function isCheap(type: MapTypeName, f: Fields): boolean {
  const huge = (HUGE[type] ?? []).includes(f.maxEntries);
  const cpus = MAP_TYPES[type].perCpu ? 4 : 1;
  return huge || f.maxEntries * (f.keySize + f.valueSize + 64) * cpus <= MOST_BYTES;
}

/** All questions of one type. */
export function mapQuestions(type: MapTypeName): readonly MapAttrs[] {
  const base = good(type);
  return [...changes(type, base), ...mixtures(type, base)]
    .filter((f) => isCheap(type, f))
    .map((f) => ({ type, ...f }));
}
