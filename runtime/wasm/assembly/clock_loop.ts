// The real clock's loop of a thread that does nothing else: sleeps until a deadline, owns that CPU, runs what is due there.
// All of it that happens for every timer, so that the thread neither allocates nor has code compiled meanwhile: a collection
// or a compiler's thread makes the next timer late. Whatever is rarer ends the loop and is the host's.
import * as L from "../../memory/layout";
import { cpuBlock } from "./timer_object";
import { runCpu } from "./timer_run";

/** Of a turn that needs nobody. */
const GO_ON: i32 = i32.MIN_VALUE;

/** Blocks until a deadline is due, a kick or the stop word; the reason. CLOCK_NOW is the time then. */
@external("env", "wait")
declare function wait(): i32;

function stamp(on: i32, clock: i32, now: u64): void {
  store<u64>(on, now, L.CPU_MONOTONIC);
  store<u64>(on, now + load<u64>(clock, L.CLOCK_AHEAD), L.CPU_REALTIME);
}

/** Whether records wait for the host. By the CPU's owner. */
function hasEvents(on: i32): bool {
  return load<u32>(on, L.CPU_EVENTS_TAIL) != 0 || load<u64>(on, L.CPU_EVENTS_LOST_PRINTK) != 0;
}

/** Runs what is due on a CPU that is free; false where it stays owned: it has records, or threads sleep for it. */
function runOwned(on: i32, clock: i32, owner: u32, now: u64): bool {
  stamp(on, clock, now);
  runCpu(on, on, now, L.CLOCK_BUDGET, true);
  return !hasEvents(on) && atomic.cmpxchg<u32>(on, owner, 0, L.CPU_OWNER) == owner;
}

/** Runs what is due on every CPU; GO_ON, or what is left to the caller. */
function turn(clock: i32, owner: u32, now: u64): i32 {
  const ncpus = load<u32>(L.WORLD_NCPUS);
  for (let i: u32 = 0; i < ncpus; i++) {
    const on = cpuBlock(i);
    if (atomic.load<u64>(on, L.CPU_TIMER_DUE) > now) continue;
    if (atomic.cmpxchg<u32>(on, 0, owner, L.CPU_OWNER) != 0) return L.CLOCK_BUSY;
    store<u32>(clock, i, L.CLOCK_RUNS);
    if (!runOwned(on, clock, owner, now)) return i;
    store<i32>(clock, -1, L.CLOCK_RUNS);
  }
  return atomic.load<u32>(clock, L.CLOCK_WANTED) == 0 ? GO_ON : L.CLOCK_BUSY;
}

@inline
function isTold(clock: i32, told: i32): bool {
  return atomic.load<i32>(clock, L.CLOCK_CTL) != told;
}

/**
 * Runs timers until its caller is needed: CLOCK_LOOK, CLOCK_BUSY, or the index of a CPU that is still owned, to be emptied
 * and released. `told`: CLOCK_CTL as the caller knows it. After a trap CLOCK_RUNS is the CPU, owned.
 */
export function clock_loop(clock: i32, owner: i32, told: i32): i32 {
  let left = GO_ON;
  do {
    // told again: what is due may be of a program that was linked while we slept
    if (isTold(clock, told) || wait() != L.WAKE_DUE || isTold(clock, told)) return L.CLOCK_LOOK;
    left = turn(clock, owner, load<u64>(clock, L.CLOCK_NOW));
  } while (left == GO_ON);
  return left;
}
