// Update, delete and eviction on chains, for HASH, LRU_HASH, their per-CPU kinds and LPM_TRIE. Concurrency: see chain.ts.
// An update of an existing element puts a new element in its place, as the kernel does, so readers see one whole value or
// the other and pointers to the old one stay valid memory. Per-CPU values are written in place: their slot has one owner.
// MAP_COUNT counts the elements in use; raising it first, before an element is taken, is what makes "full" exact.
import * as L from "../../memory/layout";
import { bucketOf, insert, isDeleted, remove, removeExact, replace, sweep } from "./chain";
import { copyBytes, zeroBytes } from "./bytes";
import { BPF_EXIST, BPF_F_LOCK, BPF_NOEXIST, E2BIG, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC, LPM_TRIE } from "./errno";
import { BY_ADDR, hashKey, keyEquals, storeKey } from "./hash_key";
import { give, take, target } from "./pool";
import { freeFields, hasTimers } from "./timer_free";
import { copyAllCpus, copyValueLocked, copyValuesOut, initValue } from "./value";

/** What an update writes. */
export const ONE_VALUE: i32 = 0; // the value of a map that is not per-CPU
export const OWN_CPU: i32 = 1; // this CPU's value; a new element's others are zero
export const ALL_CPUS: i32 = 2; // every CPU's, as the host passes them

/** The kernel gives up sooner or later too; here it means that others hold every spare element for that long. */
const TAKE_TRIES = 100000;
/** Elements in use that one eviction passes by before it takes one all the same: bounds its time. */
const EVICT_SPARED = 64;

/** Removes one element that was not looked up since the hand last came by. False if none could be removed. */
export function evict(map: i32, cpu: i32): bool {
  const pool = load<u32>(map, L.MAP_POOL);
  const stride = load<i32>(map, L.MAP_ELEM_STRIDE);
  const elems = load<i32>(map, L.MAP_ELEMS_OFF);
  let spared = 0;
  for (let tries: u32 = 0; tries < 2 * pool; tries++) {
    const used = min(atomic.load<u32>(map, L.MAP_BUMP), pool);
    if (used == 0) return false;
    const e = elems + (atomic.add<u32>(map + L.MAP_HAND, 1) % used) * stride;
    if (atomic.load<i32>(map + e, L.ELEM_REF) != 0 && spared < EVICT_SPARED) {
      atomic.store<i32>(map + e, 0, L.ELEM_REF);
      spared++;
      continue;
    }
    if (removeExact(map, e, cpu)) return true;
  }
  return false;
}

/** Room for one more element, by evicting if `lru`: 0 or the errno. */
function reserve(map: i32, lru: bool, cpu: i32): i64 {
  const most = load<i32>(map, L.MAP_MAX_ENTRIES);
  // a full map that does not evict answers without traffic on the counter
  if (lru || atomic.load<i32>(map, L.MAP_COUNT) < most) {
    if (atomic.add<i32>(map + L.MAP_COUNT, 1) < most) return 0;
    if (lru && evict(map, cpu)) return 0;
    atomic.sub<i32>(map + L.MAP_COUNT, 1);
  }
  if (lru) return ENOMEM;
  return load<i32>(map, L.MAP_TYPE) == LPM_TRIE ? ENOSPC : E2BIG;
}

@inline
function cpuValue(map: i32, elem: i32, cpuIndex: i32): i32 {
  return elem + load<i32>(map, L.MAP_VALUE_OFF) + cpuIndex * load<i32>(map, L.MAP_PERCPU_STRIDE);
}

/** A new element with key and value, not yet in any chain; 0 if there is none. `raw`: the key as given, for LPM. */
function prepare(map: i32, key: i32, raw: i32, hash: u32, value: i32, cpuIndex: i32, mode: i32): i32 {
  let fresh = take(map);
  for (let i = 0; fresh == 0 && i < TAKE_TRIES; i++) fresh = take(map);
  if (fresh == 0) return 0;
  const e = map + fresh;
  atomic.store<u32>(e, hash, L.ELEM_HASH);
  atomic.store<i32>(e, 0, L.ELEM_REF);
  storeKey(map, e, key);
  if (raw != 0) copyBytes(e + load<i32>(map, L.MAP_RAW_KEY_OFF), raw, load<i32>(map, L.MAP_KEY_SIZE));
  if (mode == ONE_VALUE) {
    if (hasTimers(map)) freeFields(map, cpuValue(map, e, 0));
    initValue(map, cpuValue(map, e, 0), value);
  } else {
    zeroBytes(cpuValue(map, e, 0), load<i32>(map, L.MAP_NCPUS) * load<i32>(map, L.MAP_PERCPU_STRIDE));
    writePerCpu(map, e, value, cpuIndex, mode);
  }
  return fresh;
}

function writePerCpu(map: i32, elem: i32, value: i32, cpuIndex: i32, mode: i32): void {
  if (mode == ALL_CPUS) copyAllCpus(map, cpuValue(map, elem, 0), value);
  else copyBytes(cpuValue(map, elem, cpuIndex), value, load<i32>(map, L.MAP_VALUE_SIZE));
}

/** Gives back what an update took but did not use. */
function abandon(map: i32, fresh: i32, counted: bool, result: i64): i64 {
  if (fresh != 0) give(map, fresh);
  if (counted) atomic.sub<i32>(map + L.MAP_COUNT, 1);
  return result;
}

/** Update of any chained map, key by address. `raw` is 0 or the LPM key as given. */
export function upsert(map: i32, key: i32, raw: i32, value: i32, flags: i64, cpu: i32, mode: i32, lru: bool): i64 {
  if ((<u64>flags & ~(<u64>BPF_F_LOCK)) > <u64>BPF_EXIST) return EINVAL;
  if ((flags & BPF_F_LOCK) != 0 && load<i32>(map, L.MAP_LOCK_OFF) == L.MAP_NO_FIELD) return EINVAL;
  const cpuIndex = load<i32>(cpu, L.CPU_INDEX);
  const hash = hashKey(map, key, 0, 0, BY_ADDR);
  const bucket = bucketOf(map, hash);
  let fresh = 0;
  let counted = false;
  while (true) {
    const head = atomic.load<u64>(bucket);
    let prev = bucket;
    let at = head;
    while (true) {
      if (target(at) == 0) {
        if ((flags & BPF_EXIST) != 0) return abandon(map, fresh, counted, ENOENT);
        if (!counted) {
          const full = reserve(map, lru, cpu);
          if (full != 0) return abandon(map, fresh, false, full);
          counted = true;
        }
        if (fresh == 0) fresh = prepare(map, key, raw, hash, value, cpuIndex, mode);
        if (fresh == 0) return abandon(map, 0, true, ENOMEM);
        if (insert(map, bucket, head, fresh)) return 0;
        break;
      }
      const e = map + target(at);
      const next = atomic.load<u64>(e);
      if (isDeleted(next)) {
        sweep(map, bucket);
        break;
      }
      const same = keyEquals(map, e, key, 0, 0, BY_ADDR);
      if (atomic.load<u64>(prev) != at) break;
      if (same) {
        if ((flags & BPF_NOEXIST) != 0) return abandon(map, fresh, counted, EEXIST);
        if (mode != ONE_VALUE) {
          writePerCpu(map, e, value, cpuIndex, mode);
          return abandon(map, fresh, counted, 0);
        }
        if ((flags & BPF_F_LOCK) != 0) {
          copyValueLocked(map, cpuValue(map, e, 0), value);
          return abandon(map, fresh, counted, 0);
        }
        if (fresh == 0) fresh = prepare(map, key, raw, hash, value, cpuIndex, mode);
        if (fresh == 0) return abandon(map, 0, counted, ENOMEM);
        if (replace(map, bucket, prev, at, next, fresh, cpu)) return abandon(map, 0, counted, 0);
        break;
      }
      prev = e;
      at = next;
    }
  }
}

/** Delete of any chained map, key by address. */
export function removeKey(map: i32, key: i32, cpu: i32): i64 {
  return takeKey(map, key, 0, false, cpu);
}

/** The same; unless `out` is 0 all its values are copied there first, under the value's lock if `locked`. */
export function takeKey(map: i32, key: i32, out: i32, locked: bool, cpu: i32): i64 {
  const bucket = bucketOf(map, hashKey(map, key, 0, 0, BY_ADDR));
  while (true) {
    let prev = bucket;
    let at = atomic.load<u64>(prev);
    while (true) {
      if (target(at) == 0) return ENOENT;
      const e = map + target(at);
      const next = atomic.load<u64>(e);
      if (isDeleted(next)) {
        sweep(map, bucket);
        break;
      }
      const same = keyEquals(map, e, key, 0, 0, BY_ADDR);
      if (atomic.load<u64>(prev) != at) break;
      if (same) {
        if (out != 0) copyValuesOut(map, cpuValue(map, e, 0), out, locked);
        if (remove(map, bucket, prev, at, next, cpu)) return 0;
        break;
      }
      prev = e;
      at = next;
    }
  }
}
