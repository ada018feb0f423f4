// Which maps may be created: for each type the kernel's create-time rules in its own order, since the first one that is
// broken gives the errno. Rows only; measured on Linux 6.18 (test/kernel/record_map_create.ts asks for all of them).
import type { ErrnoName } from "./errors.ts";
import { MAP_FLAGS, type MapTypeName } from "./map_types.ts";

const F = MAP_FLAGS;

/** What is measured. "element": key and value together. */
export type Measured = "key" | "value" | "element" | "entries";

export type CreateRule =
  /** no other flags than these, and of a pair that cancels itself only one: else EINVAL */
  | { readonly rule: "flags"; readonly allowed: number }
  | { readonly rule: "needs"; readonly flag: keyof typeof F; readonly code: ErrnoName }
  | { readonly rule: "without"; readonly flag: keyof typeof F; readonly code: ErrnoName }
  /** no memory node may be asked for (together with a flag) */
  | { readonly rule: "noNode"; readonly with?: keyof typeof F }
  /** the size is one that MAP_TYPES has for the type: else EINVAL */
  | { readonly rule: "sized"; readonly what: "key" | "value" | "entries" }
  | {
      readonly rule: "most";
      readonly what: Measured;
      readonly most: number;
      readonly code: ErrnoName;
    }
  /** key and value have BTF types: else EINVAL */
  | { readonly rule: "typed" }
  /** a map to take the inner maps' shape from: else EBADF */
  | { readonly rule: "inner" }
  /** no bits of map_extra but these: else EINVAL */
  | { readonly rule: "extra"; readonly bits: bigint }
  /** a multiple of 8, or of 32 with build ids, of no more entries than a stack has */
  | { readonly rule: "stackValue" }
  /** a number of pages, a power of two */
  | { readonly rule: "ringSize" }
  /** pages behind map_extra that lie in one 4 GiB */
  | { readonly rule: "arenaRange" };

const USER = F.NUMA_NODE | F.RDONLY | F.WRONLY;
const ACCESS = USER | F.RDONLY_PROG | F.WRONLY_PROG;
const HASH = ACCESS | F.NO_PREALLOC | F.ZERO_SEED;
const LOCAL = F.NO_PREALLOC | F.CLONE;

/** The largest piece of memory the kernel gives out in one. */
const KMALLOC_MAX = 4 << 20;
const HTAB_ELEM = 48;
const PERCPU_MAX = 32768;
const LPM_VALUE_MAX = KMALLOC_MAX - 280;
const STORAGE_VALUE_MAX = 65407;
/** One bucket is 16 bytes and all of them are less than 4 GiB. */
const HASH_ENTRIES_MAX = 2 ** 27;
const NR_CPUS = 256;
const INT_MAX = 2 ** 31 - 1;
/** Bits of map_extra that are the number of hash functions. */
const BLOOM_EXTRA = 0xfn;
const PAGE_ADDRESS = ~0xfffn & ((1n << 64n) - 1n);
const ARENA_PAGES_MAX = 2 ** 20;

const flags = (allowed: number): CreateRule => ({ rule: "flags", allowed });
const most = (what: Measured, n: number, code: ErrnoName = "E2BIG"): CreateRule => ({
  rule: "most",
  what,
  most: n,
  code,
});
const KEY: CreateRule = { rule: "sized", what: "key" };
const VALUE: CreateRule = { rule: "sized", what: "value" };
const ENTRIES: CreateRule = { rule: "sized", what: "entries" };
const SIZES = [KEY, VALUE, ENTRIES];
const NO_NODE: CreateRule = { rule: "noNode" };
const NO_NODE_LRU: CreateRule = { rule: "noNode", with: "NO_COMMON_LRU" };
const NO_COMMON_LRU: CreateRule = { rule: "without", flag: "NO_COMMON_LRU", code: "EINVAL" };
const HASH_SIZES = [...SIZES, most("element", KMALLOC_MAX - HTAB_ELEM - 1)];
const HASH_ENTRIES = most("entries", HASH_ENTRIES_MAX);
const LRU: CreateRule = { rule: "without", flag: "NO_PREALLOC", code: "ENOTSUPP" };
const LRU_FLAGS = flags(HASH | F.NO_COMMON_LRU);
const INNER: CreateRule = { rule: "inner" };
const FDS = [VALUE, flags(USER), KEY, ENTRIES];
const STORAGE: readonly CreateRule[] = [
  flags(LOCAL),
  { rule: "needs", flag: "NO_PREALLOC", code: "EINVAL" },
  ...SIZES,
  { rule: "typed" },
  most("value", STORAGE_VALUE_MAX),
];
const QUEUE = [...SIZES, flags(ACCESS), most("value", KMALLOC_MAX)];
const RING = [flags(F.NUMA_NODE), KEY, VALUE, { rule: "ringSize" }] as const;
const SOCKETS = [...SIZES, flags(USER)];
const cgroupStorage = (valueMax: number): readonly CreateRule[] => [
  KEY,
  VALUE,
  most("value", valueMax),
  flags(ACCESS),
  ENTRIES,
];

// biome-ignore format: table
export const CREATE_RULES: Readonly<Record<MapTypeName, readonly CreateRule[]>> = {
  hash:                  [flags(HASH), NO_COMMON_LRU, ...HASH_SIZES, HASH_ENTRIES],
  percpu_hash:           [flags(HASH), NO_COMMON_LRU, NO_NODE, ...HASH_SIZES, most("value", PERCPU_MAX), HASH_ENTRIES],
  lru_hash:              [LRU_FLAGS, LRU, NO_NODE_LRU, ...HASH_SIZES, HASH_ENTRIES],
  lru_percpu_hash:       [LRU_FLAGS, LRU, NO_NODE, ...HASH_SIZES, most("value", PERCPU_MAX), HASH_ENTRIES],
  hash_of_maps:          [VALUE, flags(HASH), NO_COMMON_LRU, ...HASH_SIZES, INNER, HASH_ENTRIES],
  array:                 [...SIZES, flags(ACCESS | F.MMAPABLE | F.INNER_MAP), most("value", INT_MAX)],
  percpu_array:          [...SIZES, flags(ACCESS), NO_NODE, most("value", PERCPU_MAX)],
  prog_array:            FDS,
  perf_event_array:      [VALUE, flags(USER | F.PRESERVE_ELEMS), KEY, ENTRIES],
  cgroup_array:          FDS,
  array_of_maps:         [...FDS, INNER],
  reuseport_sockarray:   [...SIZES, flags(ACCESS)],
  lpm_trie:              [...SIZES, { rule: "needs", flag: "NO_PREALLOC", code: "EINVAL" }, flags(ACCESS | F.NO_PREALLOC), most("value", LPM_VALUE_MAX, "EINVAL")],
  stack_trace:           [flags(F.NUMA_NODE | F.RDONLY | F.WRONLY | F.STACK_BUILD_ID), ...SIZES, { rule: "stackValue" }, most("entries", 2 ** 31)],
  devmap:                [...SIZES, flags(USER)],
  devmap_hash:           [...SIZES, flags(USER), most("entries", 2 ** 31, "EINVAL")],
  cpumap:                [...SIZES, flags(F.NUMA_NODE), most("entries", NR_CPUS)],
  xskmap:                [...SIZES, flags(USER)],
  sockmap:               SOCKETS,
  sockhash:              [...SOCKETS, most("key", 512), most("entries", HASH_ENTRIES_MAX, "EINVAL")],
  cgroup_storage:        cgroupStorage(STORAGE_VALUE_MAX),
  percpu_cgroup_storage: cgroupStorage(PERCPU_MAX),
  sk_storage:            STORAGE,
  inode_storage:         STORAGE,
  task_storage:          STORAGE,
  cgrp_storage:          STORAGE,
  queue:                 QUEUE,
  stack:                 QUEUE,
  bloom_filter:          [most("value", KMALLOC_MAX), ...SIZES, flags(ACCESS | F.ZERO_SEED), { rule: "extra", bits: BLOOM_EXTRA }],
  ringbuf:               RING,
  user_ringbuf:          RING,
  arena:                 [...SIZES, { rule: "needs", flag: "MMAPABLE", code: "EINVAL" }, flags(F.SEGV_ON_FAULT | F.MMAPABLE | F.NO_USER_CONV), { rule: "extra", bits: PAGE_ADDRESS }, most("entries", ARENA_PAGES_MAX), { rule: "arenaRange" }],
  struct_ops:            [{ rule: "typed" }],
};

/** Types that map_extra means something for; for others it is 0. */
export const WITH_EXTRA: ReadonlySet<MapTypeName> = new Set<MapTypeName>(["bloom_filter", "arena"]);

/** Frames of a stack that is recorded, as set when a machine comes up. */
export const STACK_FRAMES_MAX = 127;
