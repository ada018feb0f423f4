// May this map be created, and may it live here? The kernel's create-time rules first, then the fields of its values, then
// what there is no room or no code for in a world. Checks only; creating is the world's business.
import type { MapSpec, SpecialField } from "../../src/elf/object_spec.ts";
import { BpfError, type ErrnoName } from "../../src/spec/errors.ts";
import { mapLayout } from "../map/map_layout.ts";
import { CAPABILITIES, type Capability, missingForMap } from "../../src/spec/privileges.ts";
import { MAP_FLAGS, type MapTypeName, mapTypeRow } from "../../src/spec/map_types.ts";
import { brokenRule } from "./map_rules.ts";

const F = MAP_FLAGS;
const PAGE_SIZE = 4096;
const U32_MAX = 2 ** 32 - 1;

const KPTR_HOLDERS: readonly MapTypeName[] = [
  "hash",
  "percpu_hash",
  "lru_hash",
  "lru_percpu_hash",
  "array",
  "percpu_array",
  "sk_storage",
  "inode_storage",
  "task_storage",
  "cgrp_storage",
];

/** Map types whose values may hold a field (map_check_btf in kernel/bpf/syscall.c). */
// biome-ignore format: table
const HOLDERS: Partial<Record<SpecialField["kind"], readonly MapTypeName[]>> = {
  bpf_timer:         ["hash", "lru_hash", "array"],
  bpf_wq:            ["hash", "lru_hash", "array"],
  bpf_task_work:     ["hash", "lru_hash", "array"],
  bpf_list_head:     ["hash", "lru_hash", "array"],
  bpf_rb_root:       ["hash", "lru_hash", "array"],
  bpf_spin_lock:     ["hash", "array", "cgroup_storage", "sk_storage", "inode_storage", "task_storage", "cgrp_storage"],
  bpf_res_spin_lock: ["hash", "lru_hash", "array", "percpu_array", "sk_storage", "inode_storage", "task_storage", "cgrp_storage"],
  kptr:              [...KPTR_HOLDERS],
  bpf_refcount:      [...KPTR_HOLDERS],
  percpu_kptr:       [...KPTR_HOLDERS],
  uptr:              ["task_storage"],
};

/** Fields that programs can be run with here. */
const RUN: ReadonlySet<SpecialField["kind"]> = new Set(["bpf_timer", "bpf_wq", "bpf_spin_lock"]);

/** Fields in the order of the kernel's checks. */
function checkSpecialFields(map: MapSpec, refuse: (code: ErrnoName, why: string) => never): void {
  const [first] = map.specialFields;
  if (first === undefined) return;
  if ((map.flags & (F.RDONLY_PROG | F.WRONLY_PROG)) !== 0)
    refuse(
      "EACCES",
      `a value with '${first.kind}' excludes the flags BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG`,
    );
  for (const { kind } of map.specialFields) {
    const types = HOLDERS[kind];
    if (types?.includes(map.type) !== true)
      refuse(
        "EOPNOTSUPP",
        `a value with '${kind}' needs a map of type ${(types ?? []).join(" or ")}, not ${map.type}`,
      );
  }
  for (const { name, contains } of map.specialFields)
    if (contains?.known === false)
      refuse("EFAULT", `the struct that '${name}' keeps has no field that the kernel knows`);
}

/** A size in bytes as libbpf makes a ring of it: the next power of two of pages. */
function ringSize(bytes: number): number {
  if (bytes === 0) return 0; // the kernel's to refuse
  const pages = 2 ** Math.ceil(Math.log2(bytes / PAGE_SIZE));
  const size = Math.max(1, pages) * PAGE_SIZE;
  return size > U32_MAX ? bytes : size;
}

const FD_SIZE = 4;

/** Types whose values have no size of their own. A value's type says what its records are: cilium/ebpf drops its size. */
const RECORDS: readonly MapTypeName[] = ["ringbuf", "arena", "perf_event_array"];

function withoutRecordSize(map: MapSpec): MapSpec {
  return map.valueTypeId !== 0 && RECORDS.includes(map.type) ? { ...map, valueSize: 0, valueTypeId: 0 } : map;
}

/** A perf event array's sizes can only be 4: cilium/ebpf fills in those that are not said. */
function asPerfArray(map: MapSpec, ncpus: number): MapSpec {
  return {
    ...map,
    keySize: map.keySize || FD_SIZE,
    valueSize: map.valueSize || FD_SIZE,
    maxEntries: map.maxEntries || ncpus,
  };
}

/** What loaders make of a definition before they ask for the map. */
export function asCreated(given: MapSpec, ncpus: number): MapSpec {
  const map = withoutRecordSize(given);
  if (mapTypeRow(map.type).entries === "bytes") return { ...map, maxEntries: ringSize(map.maxEntries) };
  return map.type === "perf_event_array" ? asPerfArray(map, ncpus) : map;
}

/** Throws BpfError with the errno map creation would give a process with these capabilities. */
export function checkMapSpec(map: MapSpec, caps: readonly Capability[] = CAPABILITIES): void {
  const refuse = (code: ErrnoName, why: string): never => {
    throw new BpfError(code, `map '${map.name}': ${why}`);
  };
  const found = brokenRule(asCreated(map, 1));
  if (found !== undefined) refuse(found.code, found.why);
  const missing = missingForMap(map.type, caps);
  if (missing !== undefined) refuse("EPERM", `maps of type ${map.type} need CAP_${missing.toUpperCase()}`);
  checkSpecialFields(map, refuse);
  if (map.inner === undefined || mapTypeRow(map.type).holds !== "map") return;
  if (map.inner.inner !== undefined) refuse("EINVAL", "maps of maps of maps are not possible");
  checkMapSpec(map.inner, caps);
}

/** Throws BpfError where programs that use the map cannot run here, or where a world has no room for it. */
export function checkMapRuns(map: MapSpec, ncpus: number): void {
  if (!mapTypeRow(map.type).runs)
    throw new BpfError(
      "EOPNOTSUPP",
      `map '${map.name}': programs that use maps of type ${map.type} can be verified here, but not run`,
    );
  for (const { kind } of map.specialFields)
    if (!RUN.has(kind))
      throw new BpfError(
        "EOPNOTSUPP",
        `map '${map.name}': programs that use a value with '${kind}' can be verified here, but not run`,
      );
  mapLayout(asCreated(map, ncpus), ncpus);
  if (map.inner !== undefined) checkMapRuns(map.inner, ncpus);
}
