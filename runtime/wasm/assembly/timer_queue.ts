// One CPU's queue of armed timers, in order of deadline, then of arming. Decides where an entry stands and which is next;
// knows nothing of callbacks and references. Every function here is called with the CPU's base lock held.
//
// A wheel of 11 levels x 64 lists over the 64 bits of the deadline, relative to a reference time REF: an entry stands at
// the level of the highest 6-bit digit in which its deadline differs from REF, in the list of its own digit there.
// - Every entry's level is right for the present REF. When REF enters a list's window, that list's entries go to lower
//   levels, in order; these are empty then. So entries of one deadline are always in one list, in order of arming.
// - The first list of the lowest level that is not empty holds the earliest deadline: found by two bit scans.
// - REF goes no further than the time the caller asks about, so what is armed from now on is not before it. Deadlines
//   that are (absolute ones in the past, or of a CPU whose clock is behind) go to a pairing heap, all of it before the wheel.
// Start, restart and cancel are O(1) in the wheel; an entry goes down at most 10 levels in its life; the heap takes O(log n).
import * as L from "../../memory/layout";

/** Relative delays of 2^63 ns and more: armed, never due. */
export const NEVER: u64 = 0x7fffffffffffffff;
export const NONE: u64 = 0xffffffffffffffff;

@inline
export function queueOf(on: i32): i32 {
  return on + L.CPU_QUEUE;
}

@inline
function dueOf(t: i32): u64 {
  return load<u64>(t, L.TIMER_DUE);
}

@inline
function listIndex(due: u64, ref: u64): u32 {
  const diff = due ^ ref;
  // x / 6 for x below 64
  const level = diff == 0 ? 0 : ((63 - <u32>clz(diff)) * 43) >> 8;
  return (level << 6) | (<u32>(due >> (level * 6)) & 63);
}

@inline
function append(q: i32, t: i32, index: u32): void {
  const list = q + L.QUEUE_LISTS + (index << 3);
  const last = load<i32>(list, 4);
  store<i32>(t, 0, L.TIMER_NEXT);
  store<i32>(t, last, L.TIMER_PREV);
  store<i32>(list, t, 4);
  if (last != 0) {
    store<i32>(last, t, L.TIMER_NEXT);
    return;
  }
  store<i32>(list, t);
  const bitmap = q + L.QUEUE_BITMAPS + ((index >> 6) << 3);
  store<u64>(bitmap, load<u64>(bitmap) | (<u64>1 << (index & 63)));
  store<u32>(q, load<u32>(q, L.QUEUE_LEVELS) | (1 << (index >> 6)), L.QUEUE_LEVELS);
}

function markEmpty(q: i32, index: u32): void {
  const bitmap = q + L.QUEUE_BITMAPS + ((index >> 6) << 3);
  const bits = load<u64>(bitmap) & ~(<u64>1 << (index & 63));
  store<u64>(bitmap, bits);
  if (bits == 0) store<u32>(q, load<u32>(q, L.QUEUE_LEVELS) & ~(1 << (index >> 6)), L.QUEUE_LEVELS);
}

/** Puts the entry in; `due` is its deadline. */
export function enqueue(on: i32, t: i32, due: u64): void {
  const q = queueOf(on);
  store<u64>(t, due, L.TIMER_DUE);
  let state = load<u32>(t, L.TIMER_STATE) | L.TIMER_F_QUEUED;
  const count = load<u32>(on, L.CPU_TIMERS);
  store<u32>(on, count + 1, L.CPU_TIMERS);
  if (count == 0) store<u64>(q, min(due, load<u64>(on, L.CPU_MONOTONIC)), L.QUEUE_REF);
  const ref = load<u64>(q, L.QUEUE_REF);
  if (due < ref) {
    state |= L.TIMER_F_LATE;
    store<i32>(t, 0, L.TIMER_CHILD);
    store<i32>(t, 0, L.TIMER_NEXT);
    store<i32>(t, 0, L.TIMER_PREV);
    store<i32>(q, meld(load<i32>(q, L.QUEUE_LATE), t), L.QUEUE_LATE);
  } else {
    const index = listIndex(due, ref);
    append(q, t, index);
    if (index + 1 == load<u32>(q, L.QUEUE_FAR) && due < load<u64>(q, L.QUEUE_FAR_DUE)) store<u64>(q, due, L.QUEUE_FAR_DUE);
  }
  atomic.store<u32>(t, state, L.TIMER_STATE);
  if (due < load<u64>(on, L.CPU_TIMER_DUE)) store<u64>(on, due, L.CPU_TIMER_DUE);
}

/** Takes the entry out. */
export function dequeue(on: i32, t: i32): void {
  const q = queueOf(on);
  const state = load<u32>(t, L.TIMER_STATE);
  atomic.store<u32>(t, state & ~(L.TIMER_F_QUEUED | L.TIMER_F_LATE), L.TIMER_STATE);
  store<u32>(on, load<u32>(on, L.CPU_TIMERS) - 1, L.CPU_TIMERS);
  if ((state & L.TIMER_F_LATE) != 0) {
    dequeueLate(q, t);
    return;
  }
  const prev = load<i32>(t, L.TIMER_PREV);
  const next = load<i32>(t, L.TIMER_NEXT);
  if (prev != 0) store<i32>(prev, next, L.TIMER_NEXT);
  if (next != 0) store<i32>(next, prev, L.TIMER_PREV);
  const far = load<u32>(q, L.QUEUE_FAR);
  if (prev != 0 && next != 0 && far == 0) return;
  const due = dueOf(t);
  const index = listIndex(due, load<u64>(q, L.QUEUE_REF));
  const list = q + L.QUEUE_LISTS + (index << 3);
  if (prev == 0) store<i32>(list, next);
  if (next == 0) store<i32>(list, prev, 4);
  if (prev == 0 && next == 0) markEmpty(q, index);
  if (index + 1 == far && due == load<u64>(q, L.QUEUE_FAR_DUE)) store<u32>(q, 0, L.QUEUE_FAR);
}

/** The number of the list with the earliest deadline of the wheel, or -1. */
@inline
function firstList(q: i32): i32 {
  const levels = load<u32>(q, L.QUEUE_LEVELS);
  if (levels == 0) return -1;
  const level = <i32>ctz(levels);
  return (level << 6) | <i32>ctz(load<u64>(q + (level << 3), L.QUEUE_BITMAPS));
}

/** The earliest deadline that could stand in this list. */
@inline
function windowStart(q: i32, index: i32): u64 {
  const shift = (index >> 6) * 6;
  const above: u64 = shift >= 58 ? 0 : ~(<u64>0) << (shift + 6);
  return (load<u64>(q, L.QUEUE_REF) & above) | (<u64>(index & 63) << shift);
}

/** Spreads the list over the lower levels; REF goes to the start of its window, or to the deadline of a single entry. */
function cascade(q: i32, index: i32, windowStart: u64, until: u64): void {
  const list = q + L.QUEUE_LISTS + (index << 3);
  let t = load<i32>(list);
  const start = load<i32>(t, L.TIMER_NEXT) == 0 && dueOf(t) <= until ? dueOf(t) : windowStart;
  store<u64>(q, start, L.QUEUE_REF);
  store<u64>(list, 0);
  markEmpty(q, index);
  if (<u32>index + 1 == load<u32>(q, L.QUEUE_FAR)) store<u32>(q, 0, L.QUEUE_FAR);
  while (t != 0) {
    const next = load<i32>(t, L.TIMER_NEXT);
    append(q, t, listIndex(dueOf(t), start));
    t = next;
  }
}

/** The entry with the earliest deadline if that is at or before `until`, else 0. REF goes no further than `until`. */
export function peek(on: i32, until: u64): i32 {
  const q = queueOf(on);
  const late = load<i32>(q, L.QUEUE_LATE);
  if (late != 0) return dueOf(late) <= until ? late : 0;
  while (true) {
    const index = firstList(q);
    if (index < 0) return 0;
    const start = windowStart(q, index);
    if (start > until) return 0;
    if (index < 64) {
      store<u64>(q, start, L.QUEUE_REF);
      return load<i32>(q + (index << 3), L.QUEUE_LISTS);
    }
    cascade(q, index, start, until);
  }
}

/** A time no deadline is before, NONE if nothing is armed; found without looking into lists. */
export function dueBound(on: i32): u64 {
  const q = queueOf(on);
  const late = load<i32>(q, L.QUEUE_LATE);
  if (late != 0) return dueOf(late);
  const index = firstList(q);
  if (index < 0) return NONE;
  return <u32>index + 1 == load<u32>(q, L.QUEUE_FAR) ? load<u64>(q, L.QUEUE_FAR_DUE) : windowStart(q, index);
}

/** The earliest deadline, NONE if nothing is armed. Looks through one list; what it finds is kept until that entry goes. */
export function dueExact(on: i32): u64 {
  const q = queueOf(on);
  const late = load<i32>(q, L.QUEUE_LATE);
  if (late != 0) return dueOf(late);
  const index = firstList(q);
  if (index < 0) return NONE;
  if (index < 64) return windowStart(q, index);
  if (<u32>index + 1 == load<u32>(q, L.QUEUE_FAR)) return load<u64>(q, L.QUEUE_FAR_DUE);
  let first = NONE;
  for (let t = load<i32>(q + (index << 3), L.QUEUE_LISTS); t != 0; t = load<i32>(t, L.TIMER_NEXT)) first = min(first, dueOf(t));
  store<u32>(q, index + 1, L.QUEUE_FAR);
  store<u64>(q, first, L.QUEUE_FAR_DUE);
  return first;
}

/** Whether `a` fires before `b`. */
@inline
export function before(a: i32, b: i32): bool {
  const x = dueOf(a);
  const y = dueOf(b);
  return x != y ? x < y : load<u64>(a, L.TIMER_SEQ) < load<u64>(b, L.TIMER_SEQ);
}

// The heap: CHILD is an entry's first child, NEXT its right neighbour, PREV its left neighbour or, of a first child, its
// parent. A root has neither.

function meld(a: i32, b: i32): i32 {
  if (a == 0) return b;
  if (b == 0) return a;
  const swap = before(b, a);
  const top = swap ? b : a;
  const low = swap ? a : b;
  const child = load<i32>(top, L.TIMER_CHILD);
  store<i32>(low, child, L.TIMER_NEXT);
  store<i32>(low, top, L.TIMER_PREV);
  if (child != 0) store<i32>(child, low, L.TIMER_PREV);
  store<i32>(top, low, L.TIMER_CHILD);
  return top;
}

@inline
function alone(t: i32): i32 {
  store<i32>(t, 0, L.TIMER_NEXT);
  store<i32>(t, 0, L.TIMER_PREV);
  return t;
}

/** One heap of a row of neighbours: melds pairs from the left, then the pairs from the right. */
function meldRow(t: i32): i32 {
  let pairs = 0;
  while (t != 0) {
    const second = load<i32>(t, L.TIMER_NEXT);
    const rest = second == 0 ? 0 : load<i32>(second, L.TIMER_NEXT);
    const pair = meld(alone(t), second == 0 ? 0 : alone(second));
    store<i32>(pair, pairs, L.TIMER_NEXT);
    pairs = pair;
    t = rest;
  }
  let root = 0;
  while (pairs != 0) {
    const rest = load<i32>(pairs, L.TIMER_NEXT);
    root = meld(root, alone(pairs));
    pairs = rest;
  }
  return root;
}

function dequeueLate(q: i32, t: i32): void {
  const root = load<i32>(q, L.QUEUE_LATE);
  const below = meldRow(load<i32>(t, L.TIMER_CHILD));
  if (t == root) {
    store<i32>(q, below, L.QUEUE_LATE);
    return;
  }
  const prev = load<i32>(t, L.TIMER_PREV);
  const next = load<i32>(t, L.TIMER_NEXT);
  if (load<i32>(prev, L.TIMER_CHILD) == t) store<i32>(prev, next, L.TIMER_CHILD);
  else store<i32>(prev, next, L.TIMER_NEXT);
  if (next != 0) store<i32>(next, prev, L.TIMER_PREV);
  store<i32>(q, meld(root, below), L.QUEUE_LATE);
}
