// Map types: one row each, in the kernel's order, by libbpf's names, with the facts about their shape
// that loading and verification need. Knows nothing of how a map is built.

/** What a key or value may be: any size, a fixed number of bytes, or none at all. */
export type SizeRule =
  | { readonly rule: "any" } // at least one byte
  | { readonly rule: "fixed"; readonly size: number }
  | { readonly rule: "range"; readonly min: number; readonly max: number }
  | { readonly rule: "oneOf"; readonly sizes: readonly number[] }
  | { readonly rule: "none" }; // must be 0

export interface MapTypeRow {
  /** BPF_MAP_TYPE_* */
  readonly id: number;
  /** programs that use it can run here; those that use another can only be verified */
  readonly runs: boolean;
  readonly perCpu: boolean;
  /** an update of a full map removes another element instead of failing */
  readonly evicts: boolean;
  /** all max_entries elements exist from creation on, keys are u32 indexes */
  readonly indexed: boolean;
  /** max_entries must be given (else it must be 0, or is a size in bytes) */
  readonly entries: "required" | "zero" | "bytes";
  readonly key: SizeRule;
  readonly value: SizeRule;
  /** what a value refers to rather than is */
  readonly holds: "bytes" | "prog" | "map" | "dev" | "cpu" | "perf_event" | "socket" | "other";
}

const any: SizeRule = { rule: "any" };
const none: SizeRule = { rule: "none" };
const u32: SizeRule = { rule: "fixed", size: 4 };
/** a prefix length and at most 256 bytes of data */
const lpm: SizeRule = { rule: "range", min: 5, max: 260 };
/** an ifindex or a queue size, and since 5.8 a program fd behind it */
const devval: SizeRule = { rule: "oneOf", sizes: [4, 8] };
const sockval: SizeRule = { rule: "oneOf", sizes: [4, 8] };
const stackval: SizeRule = { rule: "range", min: 8, max: 127 * 32 };
const storekey: SizeRule = { rule: "oneOf", sizes: [8, 16] };

function row(
  id: number,
  runs: 0 | 1,
  perCpu: 0 | 1,
  evicts: 0 | 1,
  indexed: 0 | 1,
  entries: MapTypeRow["entries"],
  key: SizeRule,
  value: SizeRule,
  holds: MapTypeRow["holds"],
): MapTypeRow {
  return {
    id,
    runs: runs === 1,
    perCpu: perCpu === 1,
    evicts: evicts === 1,
    indexed: indexed === 1,
    entries,
    key,
    value,
    holds,
  };
}

// biome-ignore format: table
export const MAP_TYPES = {
  //                            id  runs cpu evict index entries    key       value     holds
  hash:                    row( 1,  1,   0,  0,    0,    "required", any,      any,      "bytes"),
  array:                   row( 2,  1,   0,  0,    1,    "required", u32,      any,      "bytes"),
  prog_array:              row( 3,  1,   0,  0,    1,    "required", u32,      u32,      "prog"),
  perf_event_array:        row( 4,  1,   0,  0,    1,    "required", u32,      u32,      "perf_event"),
  percpu_hash:             row( 5,  1,   1,  0,    0,    "required", any,      any,      "bytes"),
  percpu_array:            row( 6,  1,   1,  0,    1,    "required", u32,      any,      "bytes"),
  stack_trace:             row( 7,  0,   0,  0,    0,    "required", u32,      stackval, "other"),
  cgroup_array:            row( 8,  0,   0,  0,    1,    "required", u32,      u32,      "other"),
  lru_hash:                row( 9,  1,   0,  1,    0,    "required", any,      any,      "bytes"),
  lru_percpu_hash:         row(10,  1,   1,  1,    0,    "required", any,      any,      "bytes"),
  lpm_trie:                row(11,  1,   0,  0,    0,    "required", lpm,      any,      "bytes"),
  array_of_maps:           row(12,  1,   0,  0,    1,    "required", u32,      u32,      "map"),
  hash_of_maps:            row(13,  1,   0,  0,    0,    "required", any,      u32,      "map"),
  devmap:                  row(14,  1,   0,  0,    1,    "required", u32,      devval,   "dev"),
  sockmap:                 row(15,  0,   0,  0,    1,    "required", u32,      sockval,  "socket"),
  cpumap:                  row(16,  1,   0,  0,    1,    "required", u32,      devval,   "cpu"),
  xskmap:                  row(17,  1,   0,  0,    1,    "required", u32,      u32,      "socket"),
  sockhash:                row(18,  0,   0,  0,    0,    "required", any,      sockval,  "socket"),
  cgroup_storage:          row(19,  0,   0,  0,    0,    "zero",     storekey, any,      "bytes"),
  reuseport_sockarray:     row(20,  0,   0,  0,    1,    "required", u32,      sockval,  "socket"),
  percpu_cgroup_storage:   row(21,  0,   1,  0,    0,    "zero",     storekey, any,      "bytes"),
  queue:                   row(22,  1,   0,  0,    0,    "required", none,     any,      "bytes"),
  stack:                   row(23,  1,   0,  0,    0,    "required", none,     any,      "bytes"),
  sk_storage:              row(24,  0,   0,  0,    0,    "zero",     u32,      any,      "bytes"),
  devmap_hash:             row(25,  1,   0,  0,    0,    "required", u32,      devval,   "dev"),
  struct_ops:              row(26,  0,   0,  0,    0,    "required", u32,      any,      "other"),
  ringbuf:                 row(27,  1,   0,  0,    0,    "bytes",    none,     none,     "bytes"),
  inode_storage:           row(28,  0,   0,  0,    0,    "zero",     u32,      any,      "bytes"),
  task_storage:            row(29,  0,   0,  0,    0,    "zero",     u32,      any,      "bytes"),
  bloom_filter:            row(30,  1,   0,  0,    0,    "required", none,     any,      "bytes"),
  user_ringbuf:            row(31,  0,   0,  0,    0,    "bytes",    none,     none,     "bytes"),
  cgrp_storage:            row(32,  0,   0,  0,    0,    "zero",     u32,      any,      "bytes"),
  arena:                   row(33,  0,   0,  0,    0,    "required", none,     none,     "other"),
} as const satisfies Record<string, MapTypeRow>;

/** A map type by libbpf's name. */
export type MapTypeName = keyof typeof MAP_TYPES;

const BY_ID: ReadonlyMap<number, MapTypeName> = new Map(
  Object.entries(MAP_TYPES).map(([name, r]) => [r.id, name as MapTypeName]),
);

/** The name of a kernel map type number. */
export function mapTypeName(id: number): MapTypeName | undefined {
  return BY_ID.get(id);
}

/** The row of a map type, in its general shape. */
export function mapTypeRow(name: MapTypeName): MapTypeRow {
  return MAP_TYPES[name];
}

export function sizeAllowed(rule: SizeRule, size: number): boolean {
  switch (rule.rule) {
    case "any":
      return size > 0;
    case "fixed":
      return size === rule.size;
    case "range":
      return size >= rule.min && size <= rule.max;
    case "oneOf":
      return rule.sizes.includes(size);
    case "none":
      return size === 0;
  }
}

// biome-ignore format: table
/** Flags of map creation (BPF_F_*). */
export const MAP_FLAGS = {
  NO_PREALLOC:      1 << 0,
  NO_COMMON_LRU:    1 << 1,
  NUMA_NODE:        1 << 2,
  RDONLY:           1 << 3,
  WRONLY:           1 << 4,
  STACK_BUILD_ID:   1 << 5,
  ZERO_SEED:        1 << 6,
  RDONLY_PROG:      1 << 7,
  WRONLY_PROG:      1 << 8,
  CLONE:            1 << 9,
  MMAPABLE:         1 << 10,
  PRESERVE_ELEMS:   1 << 11,
  INNER_MAP:        1 << 12,
  LINK:             1 << 13,
  PATH_FD:          1 << 14,
  VTYPE_OBJ_FD:     1 << 15,
  TOKEN_FD:         1 << 16,
  SEGV_ON_FAULT:    1 << 17,
  NO_USER_CONV:     1 << 18,
} as const;
