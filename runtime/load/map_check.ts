// May this map be created? The kernel's create-time rules (map_alloc_check of each type), read from MAP_TYPES.
// Checks only; creating is the world's business.
import type { MapSpec, SpecialField } from "../../src/elf/object_spec.ts";
import { validFields } from "../../src/elf/special_fields.ts";
import { BpfError, type ErrnoName } from "../../src/spec/errors.ts";
import { mapLayout } from "../map/map_layout.ts";
import { MAP_FLAGS, type MapTypeName, mapTypeRow, sizeAllowed } from "../../src/spec/map_types.ts";

const F = MAP_FLAGS;
const USER_FLAGS = F.NUMA_NODE | F.RDONLY | F.WRONLY;
const ACCESS_FLAGS = USER_FLAGS | F.RDONLY_PROG | F.WRONLY_PROG;
const HASH_FLAGS = ACCESS_FLAGS | F.NO_PREALLOC | F.ZERO_SEED;

/** Creation flags each supported type takes; others are EINVAL. */
const ALLOWED_FLAGS: Partial<Record<MapTypeName, number>> = {
  array: ACCESS_FLAGS | F.MMAPABLE | F.INNER_MAP,
  percpu_array: ACCESS_FLAGS,
  hash: HASH_FLAGS,
  percpu_hash: HASH_FLAGS,
  lru_hash: HASH_FLAGS & ~F.NO_PREALLOC,
  lru_percpu_hash: HASH_FLAGS & ~F.NO_PREALLOC,
  lpm_trie: ACCESS_FLAGS | F.NO_PREALLOC,
  prog_array: USER_FLAGS,
  perf_event_array: USER_FLAGS,
  devmap: USER_FLAGS | F.RDONLY_PROG,
  devmap_hash: USER_FLAGS | F.RDONLY_PROG,
  cpumap: F.NUMA_NODE,
  xskmap: USER_FLAGS | F.RDONLY_PROG,
  array_of_maps: ACCESS_FLAGS,
  hash_of_maps: HASH_FLAGS,
};

/** BPF_F_RDONLY_PROG together with BPF_F_WRONLY_PROG, and the like, cancel each other. */
const EXCLUSIVE = [F.RDONLY | F.WRONLY, F.RDONLY_PROG | F.WRONLY_PROG];

/** Map types whose values may hold a field. Others than these are never possible here. */
// biome-ignore format: table
const HOLDERS: Partial<Record<SpecialField["kind"], readonly MapTypeName[]>> = {
  bpf_timer:     ["hash", "lru_hash", "array"],
  bpf_wq:        ["hash", "lru_hash", "array"],
  bpf_spin_lock: ["hash", "array"],
};

/** Fields that count, in the order of the kernel's checks; what is there twice is plain bytes. */
function checkSpecialFields(map: MapSpec, refuse: (code: ErrnoName, why: string) => never): void {
  const fields = validFields(map.specialFields);
  const [first] = fields;
  if (first === undefined) return;
  if ((map.flags & (F.RDONLY_PROG | F.WRONLY_PROG)) !== 0)
    refuse(
      "EACCES",
      `a value with '${first.kind}' excludes the flags BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG`,
    );
  for (const { kind } of fields) {
    const types = HOLDERS[kind];
    if (types === undefined) refuse("EOPNOTSUPP", `a value with '${kind}' is not supported yet`);
    else if (!types.includes(map.type))
      refuse(
        "EOPNOTSUPP",
        `a value with '${kind}' needs a map of type ${types.join(" or ")}, not ${map.type}`,
      );
  }
}

/** Throws BpfError with the errno map creation would give. `ncpus` counts in the size of per-CPU maps. */
export function checkMapSpec(map: MapSpec, ncpus: number): void {
  const row = mapTypeRow(map.type);
  const refuse = (code: ErrnoName, why: string): never => {
    throw new BpfError(code, `map '${map.name}': ${why}`);
  };
  const flags = ALLOWED_FLAGS[map.type];
  if (!row.supported || flags === undefined)
    return refuse("EOPNOTSUPP", `maps of type ${map.type} are not supported`);
  if (!sizeAllowed(row.key, map.keySize))
    refuse("EINVAL", `key size ${map.keySize} is not valid for a map of type ${map.type}`);
  if (!sizeAllowed(row.value, map.valueSize))
    refuse("EINVAL", `value size ${map.valueSize} is not valid for a map of type ${map.type}`);
  const sizedByCpus = map.type === "perf_event_array"; // 0 stands for one slot a CPU
  if (map.maxEntries === 0 && !sizedByCpus) refuse("EINVAL", "max_entries is 0");
  if ((map.flags & ~flags) !== 0)
    refuse("EINVAL", `flags 0x${map.flags.toString(16)} are not valid for a map of type ${map.type}`);
  if (EXCLUSIVE.some((pair) => (map.flags & pair) === pair))
    refuse("EINVAL", `flags 0x${map.flags.toString(16)} exclude each other`);
  if (map.type === "lpm_trie" && (map.flags & F.NO_PREALLOC) === 0)
    refuse("EINVAL", "a map of type lpm_trie needs BPF_F_NO_PREALLOC");
  if (map.keySize > 512) refuse("E2BIG", `key size ${map.keySize} is larger than 512`);
  checkSpecialFields(map, refuse);
  const shape = {
    ...map,
    maxEntries: Math.max(1, map.maxEntries),
    specialFields: validFields(map.specialFields),
  };
  mapLayout(shape, ncpus); // refuses what is too large for a world
  if (row.holds !== "map") return;
  if (map.inner === undefined)
    return refuse("EINVAL", "maps inside it need a definition: __array(values, struct …)");
  if (map.inner.inner !== undefined) refuse("EINVAL", "maps of maps of maps are not possible");
  checkMapSpec(map.inner, ncpus);
}
