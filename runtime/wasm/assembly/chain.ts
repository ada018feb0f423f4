// Chains of hash maps: lock-free linked lists after Michael, one a bucket, the newest element first.
//
// Who: any number of CPUs and host threads may find, insert, replace and remove in one map at once.
// Progress: lock-free. A retry means that another thread's change went through; nobody waits for anybody.
// How: a link word is {target offset, ELEM_DELETED, tag}; every change of a word raises its tag.
// - An element is in the map while the chain leads to it and its own word is unmarked. Marking that word (one exchange)
//   removes it; taking it out of the chain afterwards is tidying that anyone who passes does, and whoever does it gives
//   the element back to the pool.
// - Insertion changes the bucket's word. It succeeds only if that word is still the one its search began with, and every
//   insertion changes it: so two inserts of one key cannot both succeed.
// - Replacement marks the old element's word and points it at the new element in the same exchange: readers find either
//   the old value or the new one, never none.
// - An element's key may be rewritten as soon as it is back in the pool. So a step is only believed if the word that
//   led to the element is unchanged after its key and next word were read; the tags rule out that it left and came back.
// Pairing: the exchange that publishes an element (release) pairs with the load of the word that leads to it (acquire).
import * as L from "../../memory/layout";
import { hashKey, keyEquals, keyHi, keyLo } from "./hash_key";
import { give, link, target } from "./pool";
import { freeFields, freeHeld, hasTimers, timerWord, waitFreed } from "./timer_free";

const DELETED: u64 = 1;

@inline
export function isDeleted(word: u64): bool {
  return (word & DELETED) != 0;
}

@inline
export function bucketOf(map: i32, hash: u32): i32 {
  return map + load<i32>(map, L.MAP_INDEX_OFF) + ((hash & load<u32>(map, L.MAP_BUCKET_MASK)) << 3);
}

@inline
function valueOf(map: i32, e: i32): i32 {
  return map + e + load<i32>(map, L.MAP_VALUE_OFF);
}

/** The word of a live element's timer, to be freed by whoever marks it. */
@inline
function heldTimer(map: i32, e: i32): u64 {
  return hasTimers(map) ? timerWord(map, valueOf(map, e)) : 0;
}

/** Takes the marked element at `word` out of the chain; false if the chain changed meanwhile. */
export function unlink(map: i32, prev: i32, word: u64, next: u64): bool {
  if (atomic.cmpxchg<u64>(prev, word, link(word, target(next))) != word) return false;
  if (hasTimers(map)) freeFields(map, valueOf(map, target(word)));
  give(map, target(word));
  return true;
}

/** Takes every marked element out of a bucket's chain. */
export function sweep(map: i32, bucket: i32): void {
  let prev = bucket;
  let word = atomic.load<u64>(prev);
  while (target(word) != 0) {
    const e = map + target(word);
    const next = atomic.load<u64>(e);
    if (isDeleted(next) && unlink(map, prev, word, next)) {
      word = link(word, target(next)); // as unlink left it
    } else if (!isDeleted(next) && atomic.load<u64>(prev) == word) {
      prev = e;
      word = next;
    } else {
      prev = bucket;
      word = atomic.load<u64>(prev);
    }
  }
}

/** The address of the element with this key, or 0. `kind` is a constant: how the key is passed. */
@inline
export function find(map: i32, key: i32, kind: i32): i32 {
  return findWords(map, key, keyLo(key, kind), keyHi(key, kind), kind);
}

@inline
export function findWords(map: i32, key: i32, lo: u64, hi: u64, kind: i32): i32 {
  const bucket = bucketOf(map, hashKey(map, key, lo, hi, kind));
  while (true) {
    let prev = bucket;
    let at = atomic.load<u64>(prev);
    while (true) {
      if (target(at) == 0) return 0;
      const e = map + target(at);
      const next = atomic.load<u64>(e);
      if (isDeleted(next)) {
        sweep(map, bucket);
        break;
      }
      const same = keyEquals(map, e, key, lo, hi, kind);
      if (atomic.load<u64>(prev) != at) break;
      if (same) return e;
      prev = e;
      at = next;
    }
  }
}

/** Marks the element that `at` in `prev` leads to and takes it out; false if its word is not `next` any more. */
export function remove(map: i32, bucket: i32, prev: i32, at: u64, next: u64, cpu: i32): bool {
  const e = map + target(at);
  const timer = heldTimer(map, target(at));
  if (atomic.cmpxchg<u64>(e, next, link(next, target(next)) | DELETED) != next) return false;
  atomic.sub<i32>(map + L.MAP_COUNT, 1);
  if (timer != 0) freeHeld(map, valueOf(map, target(at)), timer);
  if (!unlink(map, prev, at, link(next, target(next)))) sweep(map, bucket);
  if (timer != 0) waitFreed(timer, cpu);
  return true;
}

/** Puts `fresh` (relative) in the place of the element that `at` leads to; false if its word is not `next` any more. */
export function replace(map: i32, bucket: i32, prev: i32, at: u64, next: u64, fresh: i32, cpu: i32): bool {
  const own = map + fresh;
  atomic.store<u64>(own, link(atomic.load<u64>(own), target(next)));
  const e = map + target(at);
  const timer = heldTimer(map, target(at));
  if (atomic.cmpxchg<u64>(e, next, link(next, fresh) | DELETED) != next) return false;
  if (timer != 0) freeHeld(map, valueOf(map, target(at)), timer);
  if (!unlink(map, prev, at, link(next, fresh))) sweep(map, bucket);
  if (timer != 0) waitFreed(timer, cpu);
  return true;
}

/** Puts `fresh` in front of a chain whose bucket word was `head` when it was searched; false if it has changed. */
export function insert(map: i32, bucket: i32, head: u64, fresh: i32): bool {
  const own = map + fresh;
  atomic.store<u64>(own, link(atomic.load<u64>(own), target(head)));
  return atomic.cmpxchg<u64>(bucket, head, link(head, fresh)) == head;
}

/** Whether the very element at offset `e` is in its bucket's chain; removes it unless it is only looked for. */
@inline
function meetExact(map: i32, e: i32, only: bool, cpu: i32): bool {
  // stale if the element is free or being refilled; then the walk does not meet it
  const bucket = bucketOf(map, atomic.load<u32>(map + e, L.ELEM_HASH));
  while (true) {
    let prev = bucket;
    let at = atomic.load<u64>(prev);
    while (true) {
      if (target(at) == 0) return false;
      const next = atomic.load<u64>(map + target(at));
      if (isDeleted(next)) {
        sweep(map, bucket);
        break;
      }
      if (atomic.load<u64>(prev) != at) break;
      if (target(at) == e) return only || remove(map, bucket, prev, at, next, cpu);
      prev = map + target(at);
      at = next;
    }
  }
}

/** Removes an element for eviction, which knows no key. */
export function removeExact(map: i32, e: i32, cpu: i32): bool {
  return meetExact(map, e, false, cpu);
}

export function isLinked(map: i32, e: i32): bool {
  return meetExact(map, e, true, 0);
}
