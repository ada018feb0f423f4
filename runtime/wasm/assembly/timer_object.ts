// Timer objects: what the slot in a value refers to. Decides who may touch one when; the rules of the helpers are in timer.ts.
//
// A slot is the u64 {address of the object, generation}, 0 when there is none. Whoever changes the slot from that word to 0
// (one exchange) sees to it that the object is freed; the generation makes it happen once. An object's memory stays an object's for the life of its map,
// so a stale word may always be followed: the generation, raised when the object is freed, tells that it is another's now.
//
// Who: any CPU and any host thread may do anything with any slot at any time.
// Guard: an object is changed under the base lock of the CPU its state names. The name changes under the old lock
// (to MOVING) and under the new one; so lockTimer holds the right lock if the name is the same before and after. Locks do
// not nest. Between takeTimer and the exchange that publishes it, an object is its maker's.
// Progress: a base lock is held for a bounded number of steps (cascades and scans of lists excepted) and never across a
// callback. The pool is a lock-free stack, as pool.ts.
// Pairing: unlock (atomic store) with the exchange in lock; the exchange that publishes a word with the load of the slot.
// An object that is freed while its callback runs, or while a callback is cancelling it, is DEAD: it goes back to the pool
// when both have ended, by whoever ends last.
import * as L from "../../memory/layout";
import { alone, sole } from "./alone";
import { pause } from "./pause";
import { link } from "./pool";
import { dequeue, leaveQueue } from "./timer_queue";

@inline
export function cpuBlock(index: u32): i32 {
  return L.CPU_BASE + index * L.CPU_STRIDE;
}

/** The block with the queue for timers armed by `cpu`, which may be a block of a host thread. */
@inline
export function homeOf(cpu: i32): i32 {
  const index = load<u32>(cpu, L.CPU_INDEX);
  return cpuBlock(index < load<u32>(L.WORLD_NCPUS) ? index : 0);
}

@inline
export function baseOf(state: u32): u32 {
  return state >> L.TIMER_BASE_SHIFT;
}

@inline
export function withBase(state: u32, base: u32): u32 {
  return (state & 0xffffff) | (base << L.TIMER_BASE_SHIFT);
}

@inline
export function timerOf(word: u64): i32 {
  return <i32>word;
}

/** The word of the object as it is now. */
@inline
export function wordOf(t: i32): u64 {
  return <u64><u32>t | (<u64>load<u32>(t, L.TIMER_GEN) << 32);
}

@inline
export function lockBase(on: i32): void {
  if (!alone()) lockBaseCold(on);
}

function lockBaseCold(on: i32): void {
  const at = on + L.CPU_BASE_LOCK;
  let looks: u32 = 0;
  while (atomic.cmpxchg<i32>(at, 0, 1) != 0) {
    while (atomic.load<i32>(at) != 0) pause(looks++);
  }
}

@inline
export function unlockBase(on: i32): void {
  if (!alone()) atomic.store<i32>(on + L.CPU_BASE_LOCK, 0);
}

/** Locks the CPU whose lock guards the object; its block. */
@inline
export function lockTimer(t: i32): i32 {
  // no address comes from the object here: it may have to be fetched from far, and what follows need not wait for it
  if (sole()) return L.CPU_BASE;
  return lockTimerCold(t);
}

function lockTimerCold(t: i32): i32 {
  if (alone()) return cpuBlock(baseOf(load<u32>(t, L.TIMER_STATE)));
  let looks: u32 = 0;
  while (true) {
    const state = atomic.load<u32>(t, L.TIMER_STATE);
    const base = baseOf(state);
    if (base != L.TIMER_BASE_MOVING) {
      const on = cpuBlock(base);
      lockBaseCold(on);
      if (baseOf(atomic.load<u32>(t, L.TIMER_STATE)) == base) return on;
      unlockBase(on);
    } else {
      pause(looks++);
    }
  }
}

/** Of a load of STATE and GEN at once: whether the object is still the word's. */
@inline
export function isOf(head: u64, word: u64): bool {
  return head >> 32 == word >> 32;
}

/** As lockTimer, of the object a word means; 0, and nothing locked, if that was freed. */
@inline
export function lockWord(word: u64): i32 {
  const t = timerOf(word);
  const on = lockTimer(t);
  if (isOf(load<u64>(t), word)) return on;
  unlockBase(on);
  return 0;
}

/** The object behind this value if it is free, else a spare one, or 0. `at`: MAP_TIMER_OBJECT or MAP_WQ_OBJECT. */
export function takeTimer(map: i32, value: i32, at: i32): i32 {
  const own = value + load<i32>(map + at);
  return atomic.cmpxchg<i32>(own + L.TIMER_VALUE, 0, value) == 0 ? own : takeSpare(map, value);
}

function takeSpare(map: i32, value: i32): i32 {
  while (true) {
    const head = atomic.load<u64>(map, L.MAP_TIMER_FREE);
    if (<i32>head == 0) break;
    // may be stale if it was taken meanwhile; then the tag makes the exchange fail
    const next = atomic.load<i32>(map + <i32>head, L.TIMER_VALUE);
    if (atomic.cmpxchg<u64>(map + L.MAP_TIMER_FREE, head, link(head, next)) == head) return used(map + <i32>head, value);
  }
  const pool = load<u32>(map, L.MAP_TIMER_POOL);
  // looked at first, so that failing calls do not wrap the counter
  if (atomic.load<u32>(map, L.MAP_TIMER_BUMP) >= pool) return 0;
  const index = atomic.add<u32>(map + L.MAP_TIMER_BUMP, 1);
  return index >= pool ? 0 : used(map + load<i32>(map, L.MAP_TIMERS_OFF) + index * L.TIMER_SIZE, value);
}

@inline
function used(t: i32, value: i32): i32 {
  atomic.store<i32>(t, value, L.TIMER_VALUE);
  return t;
}

/** Gives an object back that no slot holds and no lock is needed for. Its generation, base and nodes stay. */
export function giveTimer(map: i32, t: i32): void {
  if (<u32>t < <u32>(map + load<i32>(map, L.MAP_TIMERS_OFF))) {
    atomic.store<i32>(t, 0, L.TIMER_VALUE);
    return;
  }
  while (true) {
    const head = atomic.load<u64>(map, L.MAP_TIMER_FREE);
    atomic.store<i32>(t, <i32>head, L.TIMER_VALUE);
    if (atomic.cmpxchg<u64>(map + L.MAP_TIMER_FREE, head, link(head, t - map)) == head) return;
  }
}

/** Locked: a callback or a cancelling callback has ended; a freed object goes back if it was the last. */
export function settle(t: i32): void {
  const state = load<u32>(t, L.TIMER_STATE);
  if ((state & L.TIMER_F_DEAD) == 0 || (state & L.TIMER_F_RUNNING) != 0) return;
  if (atomic.load<u16>(t, L.TIMER_CANCELLING) != 0) return;
  atomic.store<u32>(t, state & ~L.TIMER_F_DEAD, L.TIMER_STATE);
  giveTimer(load<i32>(t, L.TIMER_MAP), t);
}

@inline
export function addRefs(prog: u32, n: i32): void {
  const refs = L.WORLD_PROG_REFS + (prog << 2);
  if (alone()) store<i32>(refs, load<i32>(refs) + n);
  else atomic.add<i32>(refs, n);
}

/** Locked: no callback any more, and no reference of its program. */
@inline
export function dropProg(t: i32): void {
  const callback = load<u32>(t, L.TIMER_CALLBACK); // and PROG
  if (<u16>callback == 0) return;
  addRefs(callback >> 16, -1);
  store<u32>(t, 0, L.TIMER_CALLBACK);
}

/** Locked: whether it was armed; it is not any more. */
@inline
export function disarmState(on: i32, t: i32, state: u32, shared: bool): bool {
  if ((state & L.TIMER_F_ARMED) == 0) return false;
  dequeue(on, t, state, shared);
  store<u64>(on, load<u64>(on, L.CPU_TIMERS_CANCELLED) + 1, L.CPU_TIMERS_CANCELLED);
  return true;
}

export function disarm(on: i32, t: i32): bool {
  return disarmState(on, t, load<u32>(t, L.TIMER_STATE), true);
}

/** Takes what the queues still know of an object that is not armed out of them. */
export function forget(t: i32): void {
  const on = lockTimer(t);
  leaveQueue(on, t);
  unlockBase(on);
}

/**
 * Frees the object of a word that is out of its slot, if nobody has yet. Does not wait for its callback. Whoever must
 * have it freed calls this, also where another took the word out and may not have come to freeing it.
 */
export function freeTaken(word: u64): void {
  const t = timerOf(word);
  const on = lockWord(word);
  if (on == 0) return;
  disarm(on, t);
  dropProg(t);
  store<u32>(t, load<u32>(t, L.TIMER_GEN) + 1, L.TIMER_GEN);
  atomic.store<u32>(t, load<u32>(t, L.TIMER_STATE) | L.TIMER_F_DEAD, L.TIMER_STATE);
  settle(t);
  unlockBase(on);
}
