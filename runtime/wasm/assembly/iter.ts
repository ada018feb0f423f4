// Iteration over chained maps. For programs (for_each_map_elem) by element, for the host by bucket. The host's iteration copies whole entries out, beside running CPUs. An entry is only
// handed out if its element was in the chain before and after it was copied. An element present all the time is handed out;
// one inserted, replaced or removed meanwhile may or may not be.
import * as L from "../../memory/layout";
import { bucketOf, isDeleted, isLinked, sweep } from "./chain";
import { copyBytes } from "./bytes";
import { ENOENT, LPM_TRIE } from "./errno";
import { BY_ADDR, hashKey, keyEquals } from "./hash_key";
import { lpmFindExact } from "./lpm";
import { target } from "./pool";
import { copyValuesOut, round8, valueRoom } from "./value";

@inline
export function keyAt(map: i32, elem: i32): i32 {
  return elem + (load<i32>(map, L.MAP_TYPE) == LPM_TRIE ? load<i32>(map, L.MAP_RAW_KEY_OFF) : L.ELEM_KEY);
}

@inline
export function keyRoom(map: i32): i32 {
  return round8(load<i32>(map, L.MAP_KEY_SIZE));
}

/**
 * Appends entries {key, values}, each part rounded up to 8, from bucket `state[0]` on, its first `state[1]` elements left
 * out, until `room` bytes are used. Moves `state` (two u32) on; returns the number of entries. Done when state[0] is past
 * the last bucket. `room` must hold one entry. `locked`: each value is copied under its lock.
 */
export function map_collect(map: i32, state: i32, out: i32, room: i32, locked: bool): i32 {
  const entry = keyRoom(map) + valueRoom(map);
  const buckets = load<u32>(map, L.MAP_BUCKET_MASK) + 1;
  let bucket = load<u32>(state);
  let skip = load<i32>(state, 4);
  let count = 0;
  while (bucket < buckets) {
    const most = <i32>(<u32>(room - count * entry) / <u32>entry);
    const got = collectBucket(map, bucket, skip, out + count * entry, most, locked);
    if (got < 0) {
      // no room for all of this bucket
      count += ~got;
      skip += ~got;
      break;
    }
    count += got;
    bucket++;
    skip = 0;
  }
  store<u32>(state, bucket);
  store<i32>(state, skip, 4);
  return count;
}

/** The number of entries written, or its complement when the bucket holds more than `most`. */
export function collectBucket(map: i32, index: u32, skip: i32, out: i32, most: i32, locked: bool): i32 {
  const bucket = map + load<i32>(map, L.MAP_INDEX_OFF) + (index << 3);
  const keyBytes = keyRoom(map);
  const valueBytes = valueRoom(map);
  const valueOff = load<i32>(map, L.MAP_VALUE_OFF);
  while (true) {
    let prev = bucket;
    let at = atomic.load<u64>(prev);
    let seen = 0;
    let to = out;
    while (true) {
      if (target(at) == 0) return max(seen - skip, 0);
      if (seen - skip >= most) return ~most;
      const e = map + target(at);
      const next = atomic.load<u64>(e);
      if (isDeleted(next)) {
        sweep(map, bucket);
        break;
      }
      if (seen >= skip) {
        copyBytes(to, keyAt(map, e), keyBytes);
        copyValuesOut(map, e + valueOff, to + keyBytes, locked);
      }
      if (atomic.load<u64>(prev) != at) break;
      if (seen >= skip) to += keyBytes + valueBytes;
      seen++;
      prev = e;
      at = next;
    }
  }
}

/** The first key at or behind bucket `index`. */
function firstFrom(map: i32, index: u32, out: i32): i64 {
  const buckets = load<u32>(map, L.MAP_BUCKET_MASK) + 1;
  for (; index < buckets; index++) {
    if (copyKeyBehind(map, map + load<i32>(map, L.MAP_INDEX_OFF) + (index << 3), 0, out)) return 0;
  }
  return ENOENT;
}

/** Copies the key of the element behind element `after` (0 = the first) of a chain; false at its end or if it is gone. */
function copyKeyBehind(map: i32, bucket: i32, after: i32, out: i32): bool {
  while (true) {
    let prev = bucket;
    let at = atomic.load<u64>(prev);
    let passed = after == 0;
    while (true) {
      if (target(at) == 0) return false;
      const e = map + target(at);
      const next = atomic.load<u64>(e);
      if (isDeleted(next)) {
        sweep(map, bucket);
        break;
      }
      if (passed) copyBytes(out, keyAt(map, e), load<i32>(map, L.MAP_KEY_SIZE));
      if (atomic.load<u64>(prev) != at) break;
      if (passed) return true;
      passed = e == after;
      prev = e;
      at = next;
    }
  }
}

/** As bpf_map_get_next_key: the key behind `key`, the first one if `key` is 0 or not there; 0 or -ENOENT. */
export function map_next_key(map: i32, key: i32, out: i32, cpu: i32): i64 {
  if (key == 0) return firstFrom(map, 0, out);
  const lpm = load<i32>(map, L.MAP_TYPE) == LPM_TRIE;
  if (lpm && lpmFindExact(map, key, cpu) == 0) return firstFrom(map, 0, out);
  const own = lpm ? cpu + L.CPU_KEY_SCRATCH : key; // lpmFindExact left the normal form there
  const hash = hashKey(map, own, 0, 0, BY_ADDR);
  const bucket = bucketOf(map, hash);
  const e = elementIn(map, bucket, own);
  if (e == 0) return firstFrom(map, 0, out);
  if (copyKeyBehind(map, bucket, e, out)) return 0;
  return firstFrom(map, (hash & load<u32>(map, L.MAP_BUCKET_MASK)) + 1, out);
}

function elementIn(map: i32, bucket: i32, key: i32): i32 {
  let at = atomic.load<u64>(bucket);
  while (target(at) != 0) {
    const e = map + target(at);
    // a stale hit is harmless: copyKeyBehind does not meet the element, and the next bucket follows
    if (keyEquals(map, e, key, 0, 0, BY_ADDR)) return e;
    at = atomic.load<u64>(e);
  }
  return 0;
}

/** The number of the first element in use at or behind number `from`, or -1: it is at ELEMS_OFF + number * ELEM_STRIDE. */
export function map_each_next(map: i32, from: i32): i32 {
  const used = min<i32>(atomic.load<i32>(map, L.MAP_BUMP), load<i32>(map, L.MAP_POOL));
  const stride = load<i32>(map, L.MAP_ELEM_STRIDE);
  for (let i = from; i < used; i++) {
    if (isLinked(map, load<i32>(map, L.MAP_ELEMS_OFF) + i * stride)) return i;
  }
  return -1;
}
