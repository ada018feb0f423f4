// May this map be created? The kernel's create-time rules (map_alloc_check of each type), read from MAP_TYPES.
// Checks only; creating is the world's business.
import type { MapSpec } from "../../src/elf/object_spec.ts";
import { BpfError, type ErrnoName } from "../../src/spec/errors.ts";
import { MAP_TYPES, type MapTypeName, type SizeRule } from "../../src/spec/map_types.ts";

const BPF_F_NO_PREALLOC = 1 << 0;
const BPF_F_NUMA_NODE = 1 << 2;
const BPF_F_RDONLY = 1 << 3;
const BPF_F_WRONLY = 1 << 4;
const BPF_F_ZERO_SEED = 1 << 6;
const BPF_F_RDONLY_PROG = 1 << 7;
const BPF_F_WRONLY_PROG = 1 << 8;
const BPF_F_MMAPABLE = 1 << 10;

const ACCESS_FLAGS = BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;
const ARRAY_FLAGS = BPF_F_NUMA_NODE | BPF_F_MMAPABLE | ACCESS_FLAGS;
const HASH_FLAGS = BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | BPF_F_ZERO_SEED | ACCESS_FLAGS;

/** Creation flags each supported type takes; others are EINVAL. */
const FLAGS: Partial<Record<MapTypeName, number>> = {
  array: ARRAY_FLAGS,
  percpu_array: ARRAY_FLAGS & ~BPF_F_MMAPABLE,
  hash: HASH_FLAGS,
  percpu_hash: HASH_FLAGS,
  lru_hash: HASH_FLAGS & ~BPF_F_NO_PREALLOC,
  lpm_trie: BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | ACCESS_FLAGS,
  prog_array: BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY,
  perf_event_array: BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY,
  devmap: BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG,
};

/** BPF_F_RDONLY_PROG together with BPF_F_WRONLY_PROG, and the like, cancel each other. */
const EXCLUSIVE = [BPF_F_RDONLY | BPF_F_WRONLY, BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG];

/** The whole world has 4 GiB of address space; one map may take half of it. */
const MAX_MAP_BYTES = 2 ** 31;

function sizeFits(rule: SizeRule, size: number): boolean {
  switch (rule.rule) {
    case "any":
      return size > 0;
    case "none":
      return size === 0;
    case "fixed":
      return size === rule.size;
    case "range":
      return size >= rule.min && size <= rule.max;
    case "oneOf":
      return rule.sizes.includes(size);
  }
}

/** Throws BpfError with the errno map creation would give. `ncpus` counts in the size of per-CPU maps. */
export function checkMapSpec(map: MapSpec, ncpus: number): void {
  const row = MAP_TYPES[map.type];
  const refuse = (code: ErrnoName, why: string): never => {
    throw new BpfError(code, `map '${map.name}': ${why}`);
  };
  const flags = FLAGS[map.type];
  if (!row.supported || flags === undefined) return refuse("EOPNOTSUPP", `maps of type ${map.type} are not supported`);
  if (!sizeFits(row.key, map.keySize)) refuse("EINVAL", `key size ${map.keySize} is not valid for a map of type ${map.type}`);
  if (!sizeFits(row.value, map.valueSize)) refuse("EINVAL", `value size ${map.valueSize} is not valid for a map of type ${map.type}`);
  if (map.maxEntries === 0) refuse("EINVAL", "max_entries is 0");
  if ((map.flags & ~flags) !== 0) refuse("EINVAL", `flags 0x${map.flags.toString(16)} are not valid for a map of type ${map.type}`);
  if (EXCLUSIVE.some((pair) => (map.flags & pair) === pair)) refuse("EINVAL", `flags 0x${map.flags.toString(16)} exclude each other`);
  if (map.type === "lpm_trie" && (map.flags & BPF_F_NO_PREALLOC) === 0) refuse("EINVAL", "a map of type lpm_trie needs BPF_F_NO_PREALLOC");
  if (map.keySize > 512) refuse("E2BIG", `key size ${map.keySize} is larger than 512`);
  const bytes = map.maxEntries * (map.keySize + 64 + map.valueSize * (row.perCpu ? ncpus : 1));
  if (bytes > MAX_MAP_BYTES) refuse("E2BIG", `${map.maxEntries} elements need ${bytes} bytes, more than a world can give one map`);
  if (map.specialFields.length > 0) {
    const field = map.specialFields[0];
    refuse("EOPNOTSUPP", `a value with '${field?.kind ?? ""}' is not supported yet`);
  }
}
