// HASH, PERCPU_HASH, LRU_HASH, LRU_PERCPU_HASH. Concurrency and progress: see chain.ts.
// Lookups of LRU maps set the element's reference word (only when it is clear, to leave its cache line shared).
import * as L from "../../memory/layout";
import { find } from "./chain";
import { ALL_CPUS, ONE_VALUE, OWN_CPU, removeKey, upsert } from "./hash_core";
import { BY_ADDR, WORD16, WORD4, WORD8 } from "./hash_key";

@inline
export function value(map: i32, elem: i32): i32 {
  return elem == 0 ? 0 : elem + load<i32>(map, L.MAP_VALUE_OFF);
}

@inline
export function ownValue(map: i32, elem: i32, cpu: i32): i32 {
  if (elem == 0) return 0;
  return elem + load<i32>(map, L.MAP_VALUE_OFF) + load<i32>(cpu, L.CPU_INDEX) * load<i32>(map, L.MAP_PERCPU_STRIDE);
}

@inline
export function touched(elem: i32): i32 {
  if (elem != 0 && atomic.load<i32>(elem, L.ELEM_REF) == 0) atomic.store<i32>(elem, 1, L.ELEM_REF);
  return elem;
}

/** CPU 0's value of an element that counts as used from now on. */
export function touchedValue(map: i32, key: i32): i32 {
  return value(map, touched(find(map, key, BY_ADDR)));
}

/** Keys of 4, 8 and 16 bytes, the usual ones, are taken by value. */
@inline
function findAny(map: i32, key: i32): i32 {
  const size = load<i32>(map, L.MAP_KEY_SIZE);
  if (size == 16) return find(map, key, WORD16);
  if (size == 8) return find(map, key, WORD8);
  return size == 4 ? find(map, key, WORD4) : find(map, key, BY_ADDR);
}

export function hash_lookup(map: i32, key: i32, cpu: i32): i32 {
  return value(map, findAny(map, key));
}
export function hash_lookup4(map: i32, key: i32, cpu: i32): i32 {
  return value(map, find(map, key, WORD4));
}
export function hash_lookup8(map: i32, key: i32, cpu: i32): i32 {
  return value(map, find(map, key, WORD8));
}
export function percpu_hash_lookup(map: i32, key: i32, cpu: i32): i32 {
  return ownValue(map, findAny(map, key), cpu);
}
export function percpu_hash_lookup4(map: i32, key: i32, cpu: i32): i32 {
  return ownValue(map, find(map, key, WORD4), cpu);
}
export function percpu_hash_lookup8(map: i32, key: i32, cpu: i32): i32 {
  return ownValue(map, find(map, key, WORD8), cpu);
}
export function lru_hash_lookup(map: i32, key: i32, cpu: i32): i32 {
  return value(map, touched(findAny(map, key)));
}
export function lru_hash_lookup4(map: i32, key: i32, cpu: i32): i32 {
  return value(map, touched(find(map, key, WORD4)));
}
export function lru_hash_lookup8(map: i32, key: i32, cpu: i32): i32 {
  return value(map, touched(find(map, key, WORD8)));
}
export function lru_percpu_hash_lookup(map: i32, key: i32, cpu: i32): i32 {
  return ownValue(map, touched(find(map, key, BY_ADDR)), cpu);
}

export function hash_update(map: i32, key: i32, value: i32, flags: i64, cpu: i32): i64 {
  return upsert(map, key, 0, value, flags, cpu, ONE_VALUE, false);
}
export function percpu_hash_update(map: i32, key: i32, value: i32, flags: i64, cpu: i32): i64 {
  return upsert(map, key, 0, value, flags, cpu, OWN_CPU, false);
}
export function lru_hash_update(map: i32, key: i32, value: i32, flags: i64, cpu: i32): i64 {
  return upsert(map, key, 0, value, flags, cpu, ONE_VALUE, true);
}
export function lru_percpu_hash_update(map: i32, key: i32, value: i32, flags: i64, cpu: i32): i64 {
  return upsert(map, key, 0, value, flags, cpu, OWN_CPU, true);
}
/** The host's update of a per-CPU map: every CPU's value. */
export function percpu_hash_update_all(map: i32, key: i32, value: i32, flags: i64, cpu: i32, lru: bool): i64 {
  return upsert(map, key, 0, value, flags, cpu, ALL_CPUS, lru);
}

export function hash_delete(map: i32, key: i32, cpu: i32): i64 {
  return removeKey(map, key, cpu);
}
export function percpu_hash_delete(map: i32, key: i32, cpu: i32): i64 {
  return removeKey(map, key, cpu);
}
export function lru_hash_delete(map: i32, key: i32, cpu: i32): i64 {
  return removeKey(map, key, cpu);
}
export function lru_percpu_hash_delete(map: i32, key: i32, cpu: i32): i64 {
  return removeKey(map, key, cpu);
}
