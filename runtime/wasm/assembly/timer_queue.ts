// One CPU's queue of armed timers, in order of deadline, then of arming. Decides where an entry stands and which is next;
// knows nothing of callbacks and references. Every function here is called with the CPU's base lock held.
//
// Behind: the wheel (timer_wheel.ts). In front: a heap of what is due at or before REF.
// - An armed timer is in the heap, or its LIST is a list whose window begins at or before its deadline. So re-arming to a
//   later time and cancelling change nothing but the timer itself: the list sorts it out when its window has come.
// - Re-arming to an earlier time puts the timer's second node into an earlier list; the first one stays where it is. Only
//   a node in LIST counts, any other is dropped when it is met. With both in use one is moved. So lists hold at most two
//   nodes a timer, whatever programs do, and every node that is met was paid for by a start.
// - When the first list's window has come, REF goes into it, and its entries go to the heap or to lower levels, which are
//   empty then. REF goes no further than the time the caller asks about.
// Start, re-arm and cancel are O(1); an entry goes down at most 10 levels in its life; the heap takes O(log n) of the entries
// in it, few: those of a short list's first deadline, and what was armed for now or the past.
// Memory touched by start, re-arm and cancel: the timer's own, and lines that are touched all the time.
import * as L from "../../memory/layout";
import { sole } from "./alone";
import { heapInsert, heapRemove } from "./timer_heap";
import {
  NONE, dueOf, firstList, listAt, listIndex, markEmpty, nodeOf, noteFar, placeCold, queueOf, startOf, timerOfNode, unlink, unlinkBoth,
  windowLast, windowStart,
} from "./timer_wheel";

/** Relative delays of 2^63 ns and more: armed, never due. */
export const NEVER: u64 = 0x7fffffffffffffff;
/** A list of so many nodes is looked through for its first deadline. */
const SHORT: i32 = 8;

function toHeapCold(q: i32, t: i32): void {
  unlinkBoth(t);
  store<i32>(q, heapInsert(load<i32>(q, L.QUEUE_HEAP), t), L.QUEUE_HEAP);
  store<u32>(t, load<u32>(t, L.TIMER_STATE) | L.TIMER_F_HEAP, L.TIMER_STATE);
}

function outOfHeapCold(q: i32, t: i32): void {
  store<i32>(q, heapRemove(load<i32>(q, L.QUEUE_HEAP), t), L.QUEUE_HEAP);
  store<u32>(t, load<u32>(t, L.TIMER_STATE) & ~L.TIMER_F_HEAP, L.TIMER_STATE);
}

/** The deadline of an armed timer goes: what is known of its list may not hold any more. */
@inline
function forgetFar(q: i32, t: i32): void {
  const far = load<u32>(q, L.QUEUE_FAR);
  if (far != 0 && far == load<u16>(t, L.TIMER_LIST) && dueOf(t) == load<u64>(q, L.QUEUE_FAR_DUE)) store<u32>(q, 0, L.QUEUE_FAR);
}

/**
 * Arms it, or arms it anew. `state` and `list` are its words as they are now; `shared` is a constant: others may look at
 * this queue, or sleep until its first deadline. Instructions are what this costs: of two timers that have to come from
 * memory both are fetched at once if they are few enough.
 */
@inline
export function enqueue(on: i32, t: i32, state: u32, list: u32, due: u64, seq: u64, shared: bool): void {
  const q = queueOf(on);
  if (due < startOf(q, list)) {
    enqueueCold(on, t, due, seq);
    return;
  }
  if ((state & L.TIMER_F_ARMED) == 0) {
    store<u32>(on, load<u32>(on, L.CPU_TIMERS) + 1, L.CPU_TIMERS);
    store<u32>(t, state | L.TIMER_F_ARMED, L.TIMER_STATE);
  } else if (shared) forgetFar(q, t);
  store<u64>(t, due, L.TIMER_DUE);
  store<u64>(t, seq, L.TIMER_SEQ);
  if (!shared) return;
  noteFar(q, list, due);
  if (due < load<u64>(on, L.CPU_TIMER_DUE)) store<u64>(on, due, L.CPU_TIMER_DUE);
}

/** The same of a timer in the heap, in no list, or in one whose window begins too late. */
function enqueueCold(on: i32, t: i32, due: u64, seq: u64): void {
  const q = queueOf(on);
  const state = load<u32>(t, L.TIMER_STATE);
  if ((state & L.TIMER_F_HEAP) != 0) outOfHeapCold(q, t);
  else if ((state & L.TIMER_F_ARMED) != 0) forgetFar(q, t);
  store<u32>(t, (state & ~L.TIMER_F_HEAP) | L.TIMER_F_ARMED, L.TIMER_STATE);
  store<u64>(t, due, L.TIMER_DUE);
  store<u64>(t, seq, L.TIMER_SEQ);
  if ((state & L.TIMER_F_ARMED) == 0) {
    const count = load<u32>(on, L.CPU_TIMERS);
    store<u32>(on, count + 1, L.CPU_TIMERS);
    // no timers, no nodes: REF is free to go anywhere
    if (count == 0 && load<u32>(q, L.QUEUE_LEVELS) == 0) store<u64>(q, min(due, load<u64>(on, L.CPU_MONOTONIC)), L.QUEUE_REF);
  }
  const ref = load<u64>(q, L.QUEUE_REF);
  if (due <= ref) toHeapCold(q, t);
  else placeCold(q, t, listIndex(due, ref));
  // what is armed for later than its list begins does not lower it: with `shared` it does
  const bound = sole() && due > ref ? startOf(q, load<u16>(t, L.TIMER_LIST)) : due;
  if (bound < load<u64>(on, L.CPU_TIMER_DUE)) store<u64>(on, bound, L.CPU_TIMER_DUE);
}

/** Disarms it. Nodes stay in their lists. */
@inline
export function dequeue(on: i32, t: i32, state: u32, shared: bool): void {
  const q = queueOf(on);
  if ((state & L.TIMER_F_HEAP) != 0) outOfHeapCold(q, t);
  else if (shared) forgetFar(q, t);
  store<u32>(t, state & ~(L.TIMER_F_ARMED | L.TIMER_F_HEAP), L.TIMER_STATE);
  store<u32>(on, load<u32>(on, L.CPU_TIMERS) - 1, L.CPU_TIMERS);
}

/** Leaves nothing of it in this queue: before its memory or its CPU changes. */
export function leaveQueue(on: i32, t: i32): void {
  const state = load<u32>(t, L.TIMER_STATE);
  if ((state & L.TIMER_F_ARMED) != 0) dequeue(on, t, state, true);
  unlinkBoth(t);
}

/** Whether the timer is armed by this list. */
@inline
function counts(t: i32, index: u32): bool {
  return load<u16>(t, L.TIMER_LIST) == index + 1 && (load<u32>(t, L.TIMER_STATE) & L.TIMER_F_ARMED) != 0;
}

/** The node leaves the list; if it counts its timer needs another place. */
@inline
function drop(node: i32, t: i32, index: u32): void {
  unlink(node);
  if (load<u16>(t, L.TIMER_LIST) == index + 1) store<u16>(t, 0, L.TIMER_LIST);
}

/** The first deadline in a short list, NONE if nothing counts; 0 if the list is long. */
function firstOfShort(q: i32, index: u32): u64 {
  let first = NONE;
  let seen = 0;
  for (let node = load<i32>(listAt(q, index)); node != 0; node = load<i32>(nodeOf(node), L.NODE_NEXT)) {
    if (++seen > SHORT) return 0;
    const t = timerOfNode(node);
    if (counts(t, index)) first = min(first, dueOf(t));
  }
  return first;
}

/** Empties the list whose window comes first, begun at `start`: into the heap, or to where the deadlines now belong. */
function spread(q: i32, index: u32, start: u64, until: u64): void {
  // the first deadline itself goes to the heap by this
  const ref = max(start, min(min(firstOfShort(q, index), until), windowLast(start, index)));
  store<u64>(q, ref, L.QUEUE_REF);
  if (index + 1 == load<u32>(q, L.QUEUE_FAR)) store<u32>(q, 0, L.QUEUE_FAR);
  const list = listAt(q, index);
  // from the head each time: what goes to the heap takes its other node along, and that may be in this list
  for (let node = load<i32>(list); node != 0; node = load<i32>(list)) {
    const t = timerOfNode(node);
    const armed = counts(t, index);
    drop(node, t, index);
    if (!armed) continue;
    const due = dueOf(t);
    if (due <= ref) toHeapCold(q, t);
    else placeCold(q, t, listIndex(due, ref));
  }
  markEmpty(q, index);
}

/** The entry with the earliest deadline if that is at or before `until`, else 0. REF goes no further than `until`. */
export function peek(on: i32, until: u64): i32 {
  const q = queueOf(on);
  while (true) {
    const first = load<i32>(q, L.QUEUE_HEAP);
    if (first != 0) return dueOf(first) <= until ? first : 0;
    const index = firstList(q);
    if (index < 0) return 0;
    const start = windowStart(q, index);
    if (start > until) return 0;
    spread(q, index, start, until);
  }
}

/** A time no deadline is before and no list begins before, NONE if there are none; found without looking into lists. */
export function dueBound(on: i32): u64 {
  const q = queueOf(on);
  const first = load<i32>(q, L.QUEUE_HEAP);
  if (first != 0) return dueOf(first);
  const index = firstList(q);
  if (index < 0) return NONE;
  return <u32>index + 1 == load<u32>(q, L.QUEUE_FAR) ? load<u64>(q, L.QUEUE_FAR_DUE) : windowStart(q, index);
}

/** The earliest deadline of the list; what does not belong there leaves it. NONE if nothing is left. */
function settleList(q: i32, index: u32): u64 {
  const last = windowLast(windowStart(q, index), index);
  let first = NONE;
  let next = 0;
  for (let node = load<i32>(listAt(q, index)); node != 0; node = next) {
    next = load<i32>(nodeOf(node), L.NODE_NEXT);
    const t = timerOfNode(node);
    const armed = counts(t, index);
    const due = dueOf(t);
    if (armed && due <= last) {
      first = min(first, due);
      continue;
    }
    drop(node, t, index);
    if (armed) placeCold(q, t, listIndex(due, load<u64>(q, L.QUEUE_REF)));
  }
  return first;
}

/** The earliest deadline, NONE if nothing is armed. Looks through a list; what it finds is kept if `shared`, until that goes. */
export function dueExact(on: i32, shared: bool): u64 {
  if (load<u32>(on, L.CPU_TIMERS) == 0) return NONE;
  const q = queueOf(on);
  const near = load<i32>(q, L.QUEUE_HEAP);
  if (near != 0) return dueOf(near);
  while (true) {
    const index = firstList(q);
    if (<u32>index + 1 == load<u32>(q, L.QUEUE_FAR)) return load<u64>(q, L.QUEUE_FAR_DUE);
    const first = settleList(q, index);
    if (first == NONE) continue;
    if (shared) {
      store<u32>(q, index + 1, L.QUEUE_FAR);
      store<u64>(q, first, L.QUEUE_FAR_DUE);
    }
    return first;
  }
}
