// A pairing heap of timer objects by deadline, then by arming: the short front of a CPU's queue. Every function here is
// called with that CPU's base lock held. Knows nothing of the wheel behind it.
// CHILD is an entry's first child, NEXT its right neighbour, PREV its left neighbour or, of a first child, its parent. A root
// has neither. Outside of the heap the words are the wheel's: it finds NEXT zero when a timer leaves.
import * as L from "../../memory/layout";

/** Whether `a` fires before `b`. */
@inline
export function before(a: i32, b: i32): bool {
  const x = load<u64>(a, L.TIMER_DUE);
  const y = load<u64>(b, L.TIMER_DUE);
  return x != y ? x < y : load<u64>(a, L.TIMER_SEQ) < load<u64>(b, L.TIMER_SEQ);
}

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

/** The new root. */
export function heapInsert(root: i32, t: i32): i32 {
  store<i32>(alone(t), 0, L.TIMER_CHILD);
  return meld(root, t);
}

/** The new root. */
export function heapRemove(root: i32, t: i32): i32 {
  const below = meldRow(load<i32>(t, L.TIMER_CHILD));
  const prev = load<i32>(t, L.TIMER_PREV);
  const next = load<i32>(t, L.TIMER_NEXT);
  alone(t);
  store<i32>(t, 0, L.TIMER_CHILD);
  if (t == root) return below;
  if (load<i32>(prev, L.TIMER_CHILD) == t) store<i32>(prev, next, L.TIMER_CHILD);
  else store<i32>(prev, next, L.TIMER_NEXT);
  if (next != 0) store<i32>(next, prev, L.TIMER_PREV);
  return meld(root, below);
}
