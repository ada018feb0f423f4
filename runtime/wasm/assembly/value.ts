// Values and their special fields (timers, locks): copies skip those bytes, new elements have them zeroed.
import * as L from "../../memory/layout";
import { copyBytes, zeroBytes } from "./bytes";

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

/** Into a new element: the special fields are zero. */
export function initValue(map: i32, dst: i32, src: i32): void {
  copyBytes(dst, src, load<i32>(map, L.MAP_VALUE_SIZE));
  const count = load<i32>(map, L.MAP_SPECIAL_COUNT);
  for (let i = 0; i < count; i++) {
    const field = map + L.MAP_SPECIAL + (i << 3);
    zeroBytes(dst + load<i32>(field), load<i32>(field, 4));
  }
}

/** bpf_spin_lock: 0 free, 1 held. Acquire pairs with the store in unlock. */
@inline
export function lock(addr: i32): void {
  while (atomic.cmpxchg<i32>(addr, 0, 1) != 0) {}
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

/** All CPUs' values, each rounded up to 8, as the host passes them. */
export function copyAllCpus(map: i32, dst: i32, src: i32): void {
  const stride = load<i32>(map, L.MAP_PERCPU_STRIDE);
  const step = round8(load<i32>(map, L.MAP_VALUE_SIZE));
  const ncpus = load<i32>(map, L.MAP_NCPUS);
  for (let i = 0; i < ncpus; i++) copyValue(map, dst + i * stride, src + i * step);
}
