// Elements of a hash map: preallocated, type-stable, taken and given back without locks.
// Any CPU and any host thread may call take and give at once. Both are lock-free: a failed exchange means that someone
// else's succeeded. Free elements form a stack whose head carries a tag that every change raises, so a head read before
// others popped and pushed the same element is never mistaken for the present one (2^32 changes within one take excepted).
import * as L from "../../memory/layout";

const TAG: u64 = 1 << 32;

/** The next state of a link word: another target, a new tag. */
@inline
export function link(old: u64, target: i32): u64 {
  return ((old & 0xffffffff00000000) + TAG) | <u64><u32>target;
}

/** The element a link word points at, relative to the map; 0 at the end of a chain. */
@inline
export function target(word: u64): i32 {
  return <i32>word & ~7;
}

/** An unused element (relative to the map), or 0 when every one is in use or on its way back. */
export function take(map: i32): i32 {
  while (true) {
    const head = atomic.load<u64>(map, L.MAP_FREE); // pairs with the exchange in give: the successor's offset is visible
    const e = <i32>head;
    if (e == 0) return takeUntouched(map);
    // may be stale if e was popped meanwhile; then the tag makes the exchange fail
    const next = atomic.load<i32>(map + e, L.ELEM_HASH);
    if (atomic.cmpxchg<u64>(map + L.MAP_FREE, head, link(head, next)) == head) return e;
  }
}

function takeUntouched(map: i32): i32 {
  const pool = load<u32>(map, L.MAP_POOL);
  // looked at first, so that failing calls do not wrap the counter
  if (atomic.load<u32>(map, L.MAP_BUMP) >= pool) return 0;
  const index = atomic.add<u32>(map + L.MAP_BUMP, 1);
  if (index >= pool) return 0;
  return load<i32>(map, L.MAP_ELEMS_OFF) + index * load<i32>(map, L.MAP_ELEM_STRIDE);
}

/** Gives back an element that no chain leads to any more. Its next word keeps its tag: late readers notice the reuse. */
export function give(map: i32, e: i32): void {
  while (true) {
    const head = atomic.load<u64>(map, L.MAP_FREE);
    atomic.store<i32>(map + e, <i32>head, L.ELEM_HASH);
    if (atomic.cmpxchg<u64>(map + L.MAP_FREE, head, link(head, e)) == head) return;
  }
}
