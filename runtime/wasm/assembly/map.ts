// The map helpers as programs call them when the map is not known at compile time, and the host's operations: one
// dispatch by the header's type. What each type refuses is in its own file.
import * as L from "../../memory/layout";
import { array_lookup, array_update, percpu_array_lookup, percpu_array_update, percpu_array_update_all } from "./array";
import {
  ARRAY, ARRAY_OF_MAPS, BLOOM_FILTER, CPUMAP, DEVMAP, DEVMAP_HASH, EINVAL, EOPNOTSUPP, HASH, HASH_OF_MAPS, LPM_TRIE, LRU_HASH, LRU_PERCPU_HASH, PERCPU_ARRAY, XSKMAP,
  PERCPU_HASH, PROG_ARRAY,
} from "./errno";
import {
  hash_lookup, hash_update, lru_hash_lookup, lru_hash_update, lru_percpu_hash_lookup, lru_percpu_hash_update,
  percpu_hash_lookup, percpu_hash_update, percpu_hash_update_all, touchedValue,
} from "./hash";
import { bloomPeek, bloomPush } from "./bloom";
import { removeKey } from "./hash_core";
import { lpm_trie_delete, lpm_trie_lookup, lpm_trie_update } from "./lpm";
import { queueGet, queuePush } from "./queue";
import { innerDelete, innerLookup, innerSlot, innerUpdate, progDelete, progLookup, progUpdate, slotDelete, slotLookup, slotUpdate } from "./slot";

@inline
function typeOf(map: i32): i32 {
  return load<i32>(map, L.MAP_TYPE);
}

export function map_lookup_elem(cpu: i32, mapPtr: i64, keyPtr: i64): i64 {
  const map = <i32>mapPtr;
  const key = <i32>keyPtr;
  const type = typeOf(map);
  if (type == HASH) return <u32>hash_lookup(map, key, cpu);
  if (type == ARRAY) return <u32>array_lookup(map, key, cpu);
  if (type == PERCPU_ARRAY) return <u32>percpu_array_lookup(map, key, cpu);
  if (type == PERCPU_HASH) return <u32>percpu_hash_lookup(map, key, cpu);
  if (type == LRU_HASH) return <u32>lru_hash_lookup(map, key, cpu);
  if (type == LRU_PERCPU_HASH) return <u32>lru_percpu_hash_lookup(map, key, cpu);
  if (type == LPM_TRIE) return <u32>lpm_trie_lookup(map, key, cpu);
  if (type == DEVMAP || type == CPUMAP || type == XSKMAP) return <u32>slotLookup(map, load<u32>(key));
  if (type == DEVMAP_HASH) return <u32>hash_lookup(map, key, cpu);
  if (type == ARRAY_OF_MAPS) return <u32>innerLookup(map, load<u32>(key));
  if (type == HASH_OF_MAPS) return <u32>hash_of_maps_lookup(map, key, cpu);
  return 0;
}

/** Maps of maps: the inner map's header or 0. Programs can only look. */
export function array_of_maps_lookup(map: i32, key: i32, cpu: i32): i32 {
  return innerLookup(map, load<u32>(key));
}

export function hash_of_maps_lookup(map: i32, key: i32, cpu: i32): i32 {
  const at = hash_lookup(map, key, cpu);
  return at == 0 ? 0 : atomic.load<i32>(at);
}

/** Another CPU's value of a per-CPU map; 0 for a CPU there is not. */
export function map_lookup_percpu_elem(cpu: i32, mapPtr: i64, keyPtr: i64, index: i64): i64 {
  const map = <i32>mapPtr;
  if (<u32>index >= load<u32>(map, L.MAP_NCPUS)) return 0;
  const lru = typeOf(map) == LRU_PERCPU_HASH;
  const first = lru ? touchedValue(map, <i32>keyPtr) : map_lookup_user(map, <i32>keyPtr, cpu);
  return first == 0 ? 0 : <u32>(first + <i32>index * load<i32>(map, L.MAP_PERCPU_STRIDE));
}

export function map_update_elem(cpu: i32, mapPtr: i64, keyPtr: i64, valuePtr: i64, flags: i64): i64 {
  const map = <i32>mapPtr;
  const key = <i32>keyPtr;
  const value = <i32>valuePtr;
  const type = typeOf(map);
  if (type == PERCPU_ARRAY) return percpu_array_update(map, key, value, flags, cpu);
  if (type == PERCPU_HASH) return percpu_hash_update(map, key, value, flags, cpu);
  if (type == LRU_PERCPU_HASH) return lru_percpu_hash_update(map, key, value, flags, cpu);
  return updateShared(map, key, value, flags, cpu);
}

/** QUEUE, STACK, BLOOM_FILTER: for programs and host. */
export function map_push_elem(cpu: i32, mapPtr: i64, value: i64, flags: i64): i64 {
  const map = <i32>mapPtr;
  return typeOf(map) == BLOOM_FILTER ? bloomPush(map, <i32>value, flags) : queuePush(map, <i32>value, flags);
}

export function map_pop_elem(cpu: i32, mapPtr: i64, value: i64): i64 {
  const map = <i32>mapPtr;
  return typeOf(map) == BLOOM_FILTER ? EOPNOTSUPP : queueGet(map, <i32>value, true);
}

export function map_peek_elem(cpu: i32, mapPtr: i64, value: i64): i64 {
  const map = <i32>mapPtr;
  return typeOf(map) == BLOOM_FILTER ? bloomPeek(map, <i32>value) : queueGet(map, <i32>value, false);
}

/** The types that are not per-CPU, for program and host alike. */
function updateShared(map: i32, key: i32, value: i32, flags: i64, cpu: i32): i64 {
  const type = typeOf(map);
  if (type == HASH) return hash_update(map, key, value, flags, cpu);
  if (type == ARRAY) return array_update(map, key, value, flags, cpu);
  if (type == LRU_HASH) return lru_hash_update(map, key, value, flags, cpu);
  if (type == LPM_TRIE) return lpm_trie_update(map, key, value, flags, cpu);
  if (type == DEVMAP || type == CPUMAP || type == XSKMAP) return slotUpdate(map, load<u32>(key), value, flags);
  if (type == DEVMAP_HASH) return load<u32>(value) == 0 ? EINVAL : hash_update(map, key, value, flags, cpu);
  return EOPNOTSUPP;
}

export function map_delete_elem(cpu: i32, mapPtr: i64, keyPtr: i64): i64 {
  const map = <i32>mapPtr;
  const key = <i32>keyPtr;
  const type = typeOf(map);
  if (type == ARRAY || type == PERCPU_ARRAY) return EINVAL;
  if (type == LPM_TRIE) return lpm_trie_delete(map, key, cpu);
  if (type == DEVMAP || type == CPUMAP || type == XSKMAP) return slotDelete(map, load<u32>(key));
  if (isChained(type)) return removeKey(map, key, cpu);
  return EOPNOTSUPP;
}

@inline
function isChained(type: i32): bool {
  return type == HASH || type == PERCPU_HASH || type == LRU_HASH || type == LRU_PERCPU_HASH || type == DEVMAP_HASH ||
    type == HASH_OF_MAPS;
}

/** The value, CPU 0's of a per-CPU map, not marked as used; 0 if it is not there. */
export function map_lookup_user(map: i32, key: i32, cpu: i32): i32 {
  const type = typeOf(map);
  if (type == PROG_ARRAY) return progLookup(map, load<u32>(key));
  if (type == ARRAY_OF_MAPS) return innerSlot(map, load<u32>(key));
  if (type == ARRAY || type == PERCPU_ARRAY) return array_lookup(map, key, cpu);
  if (isChained(type)) return hash_lookup(map, key, cpu);
  return <i32>map_lookup_elem(cpu, <u32>map, <u32>key);
}

/** Per-CPU maps take every CPU's value, each rounded up to 8. */
export function map_update_user(map: i32, key: i32, value: i32, flags: i64, cpu: i32): i64 {
  const type = typeOf(map);
  if (type == PERCPU_ARRAY) return percpu_array_update_all(map, key, value, flags);
  if (type == PERCPU_HASH) return percpu_hash_update_all(map, key, value, flags, cpu, false);
  if (type == LRU_PERCPU_HASH) return percpu_hash_update_all(map, key, value, flags, cpu, true);
  if (type == PROG_ARRAY) return progUpdate(map, load<u32>(key), value, flags);
  if (type == ARRAY_OF_MAPS) return innerUpdate(map, load<u32>(key), value, flags);
  if (type == HASH_OF_MAPS) return hash_update(map, key, value, flags, cpu);
  return updateShared(map, key, value, flags, cpu);
}

export function map_delete_user(map: i32, key: i32, cpu: i32): i64 {
  if (typeOf(map) == PROG_ARRAY) return progDelete(map, load<u32>(key));
  if (typeOf(map) == ARRAY_OF_MAPS) return innerDelete(map, load<u32>(key));
  return map_delete_elem(cpu, <u32>map, <u32>key);
}

/** The words that change, for a map whose constant words were written into zeroed memory. */
export function map_init(map: i32): void {
  atomic.store<u64>(map, 0, L.MAP_FREE);
  atomic.store<i32>(map, 0, L.MAP_COUNT);
  atomic.store<i32>(map, 0, L.MAP_BUMP);
  atomic.store<i32>(map, 0, L.MAP_HAND);
  atomic.store<u64>(map, 0, L.MAP_TIMER_FREE);
  atomic.store<i32>(map, 0, L.MAP_TIMER_BUMP);
  store<i32>(map, L.LAYOUT_VERSION, L.MAP_LAYOUT);
  atomic.store<i32>(map, L.MAP_MAGIC_VALUE, L.MAP_MAGIC); // last: a map with the magic is complete
}
