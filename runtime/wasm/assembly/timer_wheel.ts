// The wheel of a CPU's queue: lists of timers by deadline, and the nodes that lists are made of. Decides which list a deadline
// belongs to and which comes first; what an entry's place means is in timer_queue.ts. All with the CPU's base lock held.
//
// 11 levels x 64 lists over the 63 bits of a deadline, relative to the reference time REF: an entry stands at the level of the
// highest 6-bit digit in which its deadline differs from REF, in the list of its own digit there. A list's window is what has
// REF's digits above its level and its own number there: lists in order of their number are windows in order of time.
import * as L from "../../memory/layout";

export const NONE: u64 = 0xffffffffffffffff;

@inline
export function queueOf(on: i32): i32 {
  return on + L.CPU_QUEUE;
}

@inline
export function dueOf(t: i32): u64 {
  return load<u64>(t, L.TIMER_DUE);
}

/** The timer of a node referred to by `ref`. */
@inline
export function timerOfNode(ref: i32): i32 {
  return (ref & ~1) - L.TIMER_NODE_A - ((ref & 1) * (L.TIMER_NODE_B - L.TIMER_NODE_A));
}

/** What refers to a timer's node. */
@inline
function refOf(t: i32, second: bool): i32 {
  return second ? t + L.TIMER_NODE_B + 1 : t + L.TIMER_NODE_A;
}

@inline
export function nodeOf(ref: i32): i32 {
  return ref & ~1;
}

@inline
export function listIndex(due: u64, ref: u64): u32 {
  const diff = due ^ ref;
  // x / 6 for x below 64
  const level = diff == 0 ? 0 : ((63 - <u32>clz(diff)) * 43) >> 8;
  return (level << 6) | (<u32>(due >> (level * 6)) & 63);
}

@inline
export function listAt(q: i32, index: u32): i32 {
  return q + L.QUEUE_LISTS + (index << 2);
}

/** The first node of an empty list. */
function begin(q: i32, index: u32): void {
  const bitmap = q + L.QUEUE_BITMAPS + ((index >> 6) << 3);
  store<u64>(bitmap, load<u64>(bitmap) | (<u64>1 << (index & 63)));
  store<u32>(q, load<u32>(q, L.QUEUE_LEVELS) | (1 << (index >> 6)), L.QUEUE_LEVELS);
  store<u64>(q + ((index + 1) << 3), windowStart(q, index), L.QUEUE_STARTS);
}

export function markEmpty(q: i32, index: u32): void {
  const bitmap = q + L.QUEUE_BITMAPS + ((index >> 6) << 3);
  const bits = load<u64>(bitmap) & ~(<u64>1 << (index & 63));
  store<u64>(bitmap, bits);
  if (bits == 0) store<u32>(q, load<u32>(q, L.QUEUE_LEVELS) & ~(1 << (index >> 6)), L.QUEUE_LEVELS);
}

@inline
function isLinked(ref: i32): bool {
  return load<i32>(nodeOf(ref), L.NODE_AT) != 0;
}

@inline
function link(q: i32, ref: i32, index: u32): void {
  const list = listAt(q, index);
  const node = nodeOf(ref);
  const first = load<i32>(list);
  store<i32>(node, first, L.NODE_NEXT);
  store<i32>(node, list, L.NODE_AT);
  store<i32>(list, ref);
  if (first != 0) store<i32>(nodeOf(first), node + L.NODE_NEXT, L.NODE_AT);
  else begin(q, index);
}

/** A list that is empty now stays marked as used until someone looks. */
@inline
export function unlink(ref: i32): void {
  const node = nodeOf(ref);
  const next = load<i32>(node, L.NODE_NEXT);
  const at = load<i32>(node, L.NODE_AT);
  store<i32>(at, next);
  if (next != 0) store<i32>(nodeOf(next), at, L.NODE_AT);
  store<i32>(node, 0, L.NODE_AT);
}

/** Takes both nodes of a timer that is not in the heap out of their lists. */
export function unlinkBoth(t: i32): void {
  if (isLinked(refOf(t, false))) unlink(refOf(t, false));
  if (isLinked(refOf(t, true))) unlink(refOf(t, true));
  store<u16>(t, 0, L.TIMER_LIST);
}

/** The earliest deadline that could stand in this list. */
@inline
export function windowStart(q: i32, index: u32): u64 {
  const shift = (index >> 6) * 6;
  const above: u64 = shift >= 58 ? 0 : ~(<u64>0) << (shift + 6);
  return (load<u64>(q, L.QUEUE_REF) & above) | (<u64>(index & 63) << shift);
}

/** The same of list `list` - 1, which has nodes. Never, if `list` is 0. */
@inline
export function startOf(q: i32, list: u32): u64 {
  return load<u64>(q + (list << 3), L.QUEUE_STARTS);
}

/** The last one, from the first. */
@inline
export function windowLast(start: u64, index: u32): u64 {
  return start | ((<u64>1 << ((index >> 6) * 6)) - 1);
}

/** A timer of list `list` - 1 has this deadline from now on. */
@inline
export function noteFar(q: i32, list: u32, due: u64): void {
  const far = load<u32>(q, L.QUEUE_FAR);
  if (far != 0 && far == list && due < load<u64>(q, L.QUEUE_FAR_DUE)) store<u64>(q, due, L.QUEUE_FAR_DUE);
}

/** Into this list, which is before the one it is in. */
export function placeCold(q: i32, t: i32, index: u32): void {
  let ref = refOf(t, false);
  if (isLinked(ref)) {
    ref = refOf(t, true);
    if (isLinked(ref)) unlink(ref);
  }
  link(q, ref, index);
  store<u16>(t, <u16>(index + 1), L.TIMER_LIST);
  noteFar(q, index + 1, dueOf(t));
}

/** The number of the list whose window comes first, or -1. */
export function firstList(q: i32): i32 {
  while (true) {
    const levels = load<u32>(q, L.QUEUE_LEVELS);
    if (levels == 0) return -1;
    const level = <i32>ctz(levels);
    const index = (level << 6) | <i32>ctz(load<u64>(q + (level << 3), L.QUEUE_BITMAPS));
    if (load<i32>(listAt(q, index)) != 0) return index;
    markEmpty(q, index);
  }
}
