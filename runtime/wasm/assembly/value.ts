// Values and their special fields (timers, locks): copies skip those bytes, new elements have them zeroed.
import * as L from "../../memory/layout";
import { copyBytes, zeroBytes } from "./bytes";
import { pause, stopping } from "./pause";

@inline
export function round8(n: i32): i32 {
  return (n + 7) & ~7;
}

/** Over a live value: the special fields keep what they hold. */
export function copyValue(map: i32, dst: i32, src: i32): void {
  const size = load<i32>(map, L.MAP_VALUE_SIZE);
  const count = load<i32>(map, L.MAP_SPECIAL_COUNT);
  let at = 0;
  for (let i = 0; i < count; i++) {
    const field = map + L.MAP_SPECIAL + (i << 3);
    const off = load<i32>(field);
    copyBytes(dst + at, src + at, off - at);
    at = off + load<i32>(field, 4);
  }
  copyBytes(dst + at, src + at, size - at);
}

/**
 * Into a new element: the special fields are zero. Timers, work items and locks are not written: they are zero from the
 * start and after use, and a stale pointer to the element's former life may be using them right now.
 */
export function initValue(map: i32, dst: i32, src: i32): void {
  copyValue(map, dst, src);
  const count = load<i32>(map, L.MAP_SPECIAL_COUNT);
  for (let i = 0; i < count; i++) {
    const field = map + L.MAP_SPECIAL + (i << 3);
    const off = load<i32>(field);
    if (off == load<i32>(map, L.MAP_TIMER_OFF) || off == load<i32>(map, L.MAP_WQ_OFF) || off == load<i32>(map, L.MAP_LOCK_OFF)) continue;
    zeroBytes(dst + off, load<i32>(field, 4));
  }
}

/**
 * bpf_spin_lock: 0 free, 1 held. The exchange pairs with the store in unlock. A holder is a verified program that unlocks
 * soon; one that a stopped run left behind never does, so a waiter in a stopped world ends like any stopped program.
 */
export function lock(addr: i32): void {
  let looks: u32 = 0;
  while (atomic.cmpxchg<i32>(addr, 0, 1) != 0) {
    while (atomic.load<i32>(addr) != 0) {
      pause(looks++);
      if (stopping()) {
        atomic.store<i32>(L.WORLD_STOPPED, 1);
        unreachable();
      }
    }
  }
}

@inline
export function unlock(addr: i32): void {
  atomic.store<i32>(addr, 0);
}

/** BPF_F_LOCK: copies while holding the destination's own lock, so that readers who take it never see half a value. */
export function copyValueLocked(map: i32, dst: i32, src: i32): void {
  const at = dst + load<i32>(map, L.MAP_LOCK_OFF);
  lock(at);
  copyValue(map, dst, src);
  unlock(at);
}

/** The other way: a copy taken under the value's lock, special fields zero. */
export function map_copy_locked(map: i32, value: i32, out: i32): void {
  const at = value + load<i32>(map, L.MAP_LOCK_OFF);
  zeroBytes(out, load<i32>(map, L.MAP_VALUE_SIZE));
  lock(at);
  copyValue(map, out, value);
  unlock(at);
}

/** Bytes of an element's values as the host passes them: of every CPU, each rounded up to 8. */
export function valueRoom(map: i32): i32 {
  const one = round8(load<i32>(map, L.MAP_VALUE_SIZE));
  return load<i32>(map, L.MAP_PERCPU_STRIDE) == 0 ? one : one * load<i32>(map, L.MAP_NCPUS);
}

/** An element's values as the host is given them. */
@inline
export function copyValuesOut(map: i32, value: i32, out: i32, locked: bool): void {
  if (locked) map_copy_locked(map, value, out);
  else copyBytes(out, value, valueRoom(map));
}

/** All CPUs' values, each rounded up to 8, as the host passes them. */
export function copyAllCpus(map: i32, dst: i32, src: i32): void {
  const stride = load<i32>(map, L.MAP_PERCPU_STRIDE);
  const step = round8(load<i32>(map, L.MAP_VALUE_SIZE));
  const ncpus = load<i32>(map, L.MAP_NCPUS);
  for (let i = 0; i < ncpus; i++) copyValue(map, dst + i * stride, src + i * step);
}
