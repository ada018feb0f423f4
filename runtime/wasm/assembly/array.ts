// ARRAY and PERCPU_ARRAY: elements exist from creation on. Any CPU may do anything at any time, wait-free; values are
// copied without a lock, as in the kernel, unless BPF_F_LOCK asks for the value's own one.
import * as L from "../../memory/layout";
import { ARRAY, BPF_EXIST, BPF_F_LOCK, BPF_NOEXIST, E2BIG, EEXIST, EINVAL } from "./errno";
import { freeValue, hasTimers } from "./timer_free";
import { copyAllCpus, copyValue, copyValueLocked } from "./value";

@inline
function element(map: i32, key: i32): i32 {
  const index = load<u32>(key);
  if (index >= load<u32>(map, L.MAP_MAX_ENTRIES)) return 0;
  return map + load<i32>(map, L.MAP_ELEMS_OFF) + index * load<i32>(map, L.MAP_ELEM_STRIDE);
}

@inline
function ownOffset(map: i32, cpu: i32): i32 {
  return load<i32>(cpu, L.CPU_INDEX) * load<i32>(map, L.MAP_PERCPU_STRIDE);
}

export function array_lookup(map: i32, key: i32, cpu: i32): i32 {
  return element(map, key);
}

export function percpu_array_lookup(map: i32, key: i32, cpu: i32): i32 {
  const at = element(map, key);
  return at == 0 ? 0 : at + ownOffset(map, cpu);
}

/** 0, or why an update with these flags is refused. */
function refused(map: i32, at: i32, flags: i64): i64 {
  // the order is the kernel's: a per-CPU array knows no BPF_F_LOCK, an array looks for a lock last
  const known = load<i32>(map, L.MAP_TYPE) == ARRAY ? <u64>flags & ~(<u64>BPF_F_LOCK) : <u64>flags;
  if (known > <u64>BPF_EXIST) return EINVAL;
  if (at == 0) return E2BIG;
  if ((flags & BPF_NOEXIST) != 0) return EEXIST;
  if ((flags & BPF_F_LOCK) != 0 && load<i32>(map, L.MAP_LOCK_OFF) == L.MAP_NO_FIELD) return EINVAL;
  return 0;
}

export function array_update(map: i32, key: i32, value: i32, flags: i64, cpu: i32): i64 {
  const at = element(map, key);
  const why = refused(map, at, flags);
  if (why != 0) return why;
  if ((flags & BPF_F_LOCK) != 0) copyValueLocked(map, at, value);
  else copyValue(map, at, value);
  if (hasTimers(map)) freeValue(map, at, cpu);
  return 0;
}

export function percpu_array_update(map: i32, key: i32, value: i32, flags: i64, cpu: i32): i64 {
  const at = element(map, key);
  const why = refused(map, at, flags);
  if (why == 0) copyValue(map, at + ownOffset(map, cpu), value);
  return why;
}

/** The host's update of a per-CPU map: every CPU's value. */
export function percpu_array_update_all(map: i32, key: i32, value: i32, flags: i64): i64 {
  const at = element(map, key);
  const why = refused(map, at, flags);
  if (why == 0) copyAllCpus(map, at, value);
  return why;
}

export function array_delete(map: i32, key: i32, cpu: i32): i64 {
  return EINVAL;
}
export function percpu_array_delete(map: i32, key: i32, cpu: i32): i64 {
  return EINVAL;
}
