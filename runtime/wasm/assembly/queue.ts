// QUEUE and STACK: values in a ring of max_entries + 1 slots, one of which stays empty. Any CPU and any host thread may
// call; each call holds the map's lock for one copy, as in the kernel: not lock-free, and in a stopped world a waiter
// ends. A value pushed with BPF_EXIST into a full map takes the place of the oldest one, in a stack too.
import * as L from "../../memory/layout";
import { copyBytes, zeroBytes } from "./bytes";
import { BPF_EXIST, BPF_NOEXIST, E2BIG, EINVAL, ENOENT, QUEUE } from "./errno";
import { lock, unlock } from "./value";

@inline
function slots(map: i32): u32 {
  return load<u32>(map, L.MAP_MAX_ENTRIES) + 1;
}

@inline
function after(map: i32, index: u32): u32 {
  return index + 1 == slots(map) ? 0 : index + 1;
}

@inline
function slot(map: i32, index: u32): i32 {
  return map + load<i32>(map, L.MAP_ELEMS_OFF) + index * load<i32>(map, L.MAP_ELEM_STRIDE);
}

export function queuePush(map: i32, value: i32, flags: i64): i64 {
  if ((flags & BPF_NOEXIST) != 0 || <u64>flags > <u64>BPF_EXIST) return EINVAL;
  lock(map + L.FIFO_LOCK);
  const head = load<u32>(map, L.FIFO_HEAD);
  const tail = load<u32>(map, L.FIFO_TAIL);
  const next = after(map, head);
  const full = next == tail;
  if (!full || flags == BPF_EXIST) {
    if (full) store<u32>(map, after(map, tail), L.FIFO_TAIL);
    copyBytes(slot(map, head), value, load<i32>(map, L.MAP_VALUE_SIZE));
    store<u32>(map, next, L.FIFO_HEAD);
  }
  unlock(map + L.FIFO_LOCK);
  return full && flags != BPF_EXIST ? E2BIG : 0;
}

/** The value that is next to be taken into `out`, taken if `pop`; zeros and ENOENT if there is none. */
export function queueGet(map: i32, out: i32, pop: bool): i64 {
  const size = load<i32>(map, L.MAP_VALUE_SIZE);
  lock(map + L.FIFO_LOCK);
  const head = load<u32>(map, L.FIFO_HEAD);
  const tail = load<u32>(map, L.FIFO_TAIL);
  const found = head != tail;
  if (!found) {
    zeroBytes(out, size);
  } else if (load<i32>(map, L.MAP_TYPE) == QUEUE) {
    copyBytes(out, slot(map, tail), size);
    if (pop) store<u32>(map, after(map, tail), L.FIFO_TAIL);
  } else {
    const last = (head == 0 ? slots(map) : head) - 1;
    copyBytes(out, slot(map, last), size);
    if (pop) store<u32>(map, last, L.FIFO_HEAD);
  }
  unlock(map + L.FIFO_LOCK);
  return found ? 0 : ENOENT;
}

/** Copies all values out in the order in which they would be taken, at most `most`; how many there are. For the host. */
export function queue_collect(map: i32, out: i32, most: u32): i32 {
  const size = load<i32>(map, L.MAP_VALUE_SIZE);
  const stride = load<i32>(map, L.MAP_ELEM_STRIDE);
  lock(map + L.FIFO_LOCK);
  const head = load<u32>(map, L.FIFO_HEAD);
  const tail = load<u32>(map, L.FIFO_TAIL);
  const count = head >= tail ? head - tail : head + slots(map) - tail;
  const stack = load<i32>(map, L.MAP_TYPE) != QUEUE;
  for (let i: u32 = 0; i < min(count, most); i++) {
    const nth = stack ? head + slots(map) - 1 - i : tail + i;
    copyBytes(out + i * stride, slot(map, nth % slots(map)), size);
  }
  unlock(map + L.FIFO_LOCK);
  return count;
}
