// Freeing the timers and work items of elements: the map operations' side. An element's fields are freed
// - by whoever removes or replaces it: the words are read before and the objects freed at once after the removal, so that
//   a delete that returned leaves nothing armed; only this side may wait for a callback;
// - again by whoever gives the element back to its pool, for what was set up in between;
// - and when the element is taken anew, for what a stale pointer set up after that.
// Outside of timer callbacks freeing a timer waits until its callback on another CPU has ended; inside of any it never does,
// so no two callbacks can wait for each other here. A work item's callback is never waited for.
import * as L from "../../memory/layout";
import { pause, stopping } from "./pause";
import { baseOf, cpuBlock, forget, freeTaken, timerOf } from "./timer_object";

@inline
export function hasTimers(map: i32): bool {
  return load<i32>(map, L.MAP_TIMER_POOL) != 0;
}

/** Waits until the callback that runs with this word has ended; returns early when the world is stopped. */
export function waitCallback(word: u64): void {
  const state = atomic.load<u32>(timerOf(word), L.TIMER_STATE);
  if ((state & L.TIMER_F_RUNNING) == 0) return; // so it does not move either
  const at = cpuBlock(baseOf(state)) + L.CPU_CUR_TIMER;
  let looks: u32 = 0;
  while (atomic.load<u64>(at) == word && !stopping()) pause(looks++);
}

/** Whether freeing for `cpu` may wait: not from within a timer's callback. 0 = no CPU, may wait. */
@inline
function mayWait(cpu: i32): bool {
  return cpu == 0 || load<u64>(cpu, L.CPU_CUR_TIMER) == 0;
}

/** Takes the word out of the slot, if another has not, and sees to it that its object is freed. */
@inline
function freeSlot(slot: i32, word: u64): void {
  if (word == 0) return;
  atomic.cmpxchg<u64>(slot, word, 0);
  freeTaken(word);
}

@inline
function field(map: i32, value: i32, at: i32): i32 {
  const off = load<i32>(map + at);
  return off == L.MAP_NO_FIELD ? 0 : value + off;
}

/** The word of the value's timer, 0 if there is none. */
export function timerWord(map: i32, value: i32): u64 {
  const slot = field(map, value, L.MAP_TIMER_OFF);
  return slot == 0 ? 0 : atomic.load<u64>(slot);
}

/** Frees both fields as they are now, without waiting. */
export function freeFields(map: i32, value: i32): void {
  const timer = field(map, value, L.MAP_TIMER_OFF);
  if (timer != 0) freeSlot(timer, atomic.load<u64>(timer));
  const work = field(map, value, L.MAP_WQ_OFF);
  if (work != 0) freeSlot(work, atomic.load<u64>(work));
}

/** Frees the timer that was in the value before it was removed. */
export function freeHeld(map: i32, value: i32, word: u64): void {
  freeSlot(value + load<i32>(map, L.MAP_TIMER_OFF), word);
}

/** After freeing: as long as the kernel would wait. */
export function waitFreed(word: u64, cpu: i32): void {
  if (word != 0 && mayWait(cpu)) waitCallback(word);
}

/** The fields of a live value: an array's update. */
export function freeValue(map: i32, value: i32, cpu: i32): void {
  const word = timerWord(map, value);
  freeFields(map, value);
  if (word != 0) freeTaken(word);
  waitFreed(word, cpu);
}

export function timer_free(slot: i32, cpu: i32): void {
  const word = atomic.load<u64>(slot);
  freeSlot(slot, word);
  waitFreed(word, cpu);
}

/** Every element's, also those not in use. With MAP_USER_REFS at 0 none comes after it: see timer_init. */
export function map_release_timers(map: i32): void {
  if (!hasTimers(map)) return;
  const pool = load<u32>(map, L.MAP_POOL);
  const count = pool == 0 ? load<u32>(map, L.MAP_MAX_ENTRIES) : min(atomic.load<u32>(map, L.MAP_BUMP), pool);
  const stride = load<i32>(map, L.MAP_ELEM_STRIDE);
  let value = map + load<i32>(map, L.MAP_ELEMS_OFF) + load<i32>(map, L.MAP_VALUE_OFF);
  for (let i: u32 = 0; i < count; i++, value += stride) {
    freeValue(map, value, 0);
    if (load<i32>(map, L.MAP_TIMER_OFF) != L.MAP_NO_FIELD) forget(value + load<i32>(map, L.MAP_TIMER_OBJECT));
    if (load<i32>(map, L.MAP_WQ_OFF) != L.MAP_NO_FIELD) forget(value + load<i32>(map, L.MAP_WQ_OBJECT));
  }
  const spares = min(atomic.load<u32>(map, L.MAP_TIMER_BUMP), load<u32>(map, L.MAP_TIMER_POOL));
  let t = map + load<i32>(map, L.MAP_TIMERS_OFF);
  for (let i: u32 = 0; i < spares; i++, t += L.TIMER_SIZE) forget(t);
}
