// The clocks as programs read them: two words of the CPU block, kept by the walker from the packets' timestamps
// (or by someone else: WORLD_F_REAL_CLOCK). TAI runs with REALTIME, BOOTTIME with MONOTONIC.
import * as L from "../../memory/layout";

const NS_PER_JIFFY: u64 = 4000000;
const FIRST_JIFFY: u64 = 0x100000000 - 300 * 250;

export function ktime_get_ns(cpu: i32): i64 {
  return load<i64>(cpu, L.CPU_MONOTONIC);
}
export function ktime_get_boot_ns(cpu: i32): i64 {
  return load<i64>(cpu, L.CPU_MONOTONIC);
}
export function ktime_get_coarse_ns(cpu: i32): i64 {
  return load<i64>(cpu, L.CPU_MONOTONIC);
}
export function ktime_get_tai_ns(cpu: i32): i64 {
  return load<i64>(cpu, L.CPU_REALTIME);
}

/** 250 a second, from 300 s before the counter's lower half wraps, as Linux starts it. */
export function jiffies64(cpu: i32): i64 {
  return <i64>(load<u64>(cpu, L.CPU_MONOTONIC) / NS_PER_JIFFY + FIRST_JIFFY);
}

/** A packet of this timestamp is seen now: the clocks go there, never back, nor before the world's first packet. */
@inline
export function advanceClock(cpu: i32, ts: u64): void {
  const first = load<u64>(L.WORLD_FIRST_TS);
  if (ts <= load<u64>(cpu, L.CPU_REALTIME) || ts < first) return;
  store<u64>(cpu, ts, L.CPU_REALTIME);
  store<u64>(cpu, ts - first + L.MONOTONIC_START_NS, L.CPU_MONOTONIC);
}

/** A callback due at this time runs now: the clocks go there, never back. */
@inline
export function advanceMonotonic(cpu: i32, to: u64): void {
  const now = load<u64>(cpu, L.CPU_MONOTONIC);
  if (to <= now) return;
  store<u64>(cpu, to, L.CPU_MONOTONIC);
  store<u64>(cpu, to - L.MONOTONIC_START_NS + load<u64>(L.WORLD_FIRST_TS), L.CPU_REALTIME);
}

export function clock_set(cpu: i32, ts: i64): void {
  if ((load<i32>(L.WORLD_FLAGS) & L.WORLD_F_REAL_CLOCK) != 0) return;
  startClock(cpu, ts);
  advanceClock(cpu, ts);
}

/** The first caller's timestamp is the world's beginning; every CPU starts there. */
export function startClock(cpu: i32, ts: u64): void {
  if (atomic.cmpxchg<i32>(L.WORLD_CLOCK_STARTED, 0, 1) == 0) {
    store<u64>(L.WORLD_FIRST_TS, ts);
    atomic.store<i32>(L.WORLD_CLOCK_STARTED, 2); // pairs with the loads above and below
  }
  while (atomic.load<i32>(L.WORLD_CLOCK_STARTED) != 2) {}
  const first = load<u64>(L.WORLD_FIRST_TS);
  if (load<u64>(cpu, L.CPU_REALTIME) < first) store<u64>(cpu, first, L.CPU_REALTIME);
}
