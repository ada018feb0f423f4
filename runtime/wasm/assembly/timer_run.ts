// Dispatch: the callbacks of due timers and work items, one at a time on a CPU, by the thread that owns it, never inside a
// program. Decides the order over CPUs, the clock a callback sees and when a run ends; what is due is the queue's business.
// The base lock is held from one callback's end to the next one's start, not across callbacks.
import * as L from "../../memory/layout";
import { sole } from "./alone";
import { ARRAY } from "./errno";
import { advanceMonotonic } from "./clock";
import { stopping } from "./pause";
import { ringsRead } from "./ring";
import { cpuBlock, lockBase, settle, timerOf, unlockBase, wordOf } from "./timer_object";
import { before } from "./timer_heap";
import { NEVER, dequeue, dueBound, dueExact, peek } from "./timer_queue";

const NS_PER_SECOND: u64 = 1000000000;

@inline
function add64(at: i32, by: u64): void {
  store<u64>(at, load<u64>(at) + by);
}

@inline
function realClock(): bool {
  return (load<i32>(L.WORLD_FLAGS) & L.WORLD_F_REAL_CLOCK) != 0;
}

/** Address of the element's key: an array's index is written into the CPU block, a hash's is the element's own memory. */
@inline
function keyOf(on: i32, map: i32, value: i32): i32 {
  if (load<i32>(map, L.MAP_TYPE) != ARRAY) return value - load<i32>(map, L.MAP_VALUE_OFF) + L.ELEM_KEY;
  const index = <u32>(value - map - load<i32>(map, L.MAP_ELEMS_OFF)) / load<u32>(map, L.MAP_ELEM_STRIDE);
  store<u32>(on, index, L.CPU_TIMER_KEY);
  return on + L.CPU_TIMER_KEY;
}

/** Counts this callback; true if it is one too many in its virtual second. */
function storms(on: i32, t: i32, now: u64): bool {
  const q = on + L.CPU_QUEUE;
  const end = load<u64>(q, L.QUEUE_SECOND_END);
  if (now >= end || now + NS_PER_SECOND < end) {
    const second = now / NS_PER_SECOND;
    store<u32>(q, <u32>second, L.QUEUE_SECOND);
    store<u64>(q, (second + 1) * NS_PER_SECOND, L.QUEUE_SECOND_END);
  }
  const second = load<u32>(q, L.QUEUE_SECOND);
  const fires = load<u32>(t, L.TIMER_SECOND) == second ? load<u32>(t, L.TIMER_FIRES) : 0;
  const set = load<u32>(L.WORLD_TIMER_CAP);
  if (fires >= (set == 0 ? <u32>L.TIMER_CAP_DEFAULT : set)) {
    store<i32>(on, <i32>load<u16>(t, L.TIMER_CALLBACK) - 1, L.CPU_STORM_FN);
    return true;
  }
  store<u32>(t, second, L.TIMER_SECOND);
  store<u32>(t, fires + 1, L.TIMER_FIRES);
  return false;
}

/** Locked: the callback of this word has ended, or was left by a trap. */
function ended(on: i32, word: u64): void {
  const t = timerOf(word);
  store<u64>(on, 0, L.CPU_CUR_WORK);
  store<u32>(on, 0, L.CPU_CUR_PROG);
  atomic.store<u32>(t, load<u32>(t, L.TIMER_STATE) & ~L.TIMER_F_RUNNING, L.TIMER_STATE);
  atomic.store<u64>(on, 0, L.CPU_CUR_TIMER);
  settle(t);
}

/** Locked, and again at the end; not in between. */
function fire(on: i32, t: i32): void {
  const fn = <i32>load<u16>(t, L.TIMER_CALLBACK);
  dequeue(on, t, load<u32>(t, L.TIMER_STATE), true);
  if (fn == 0) return;
  const word = wordOf(t);
  const state = load<u32>(t, L.TIMER_STATE);
  const map = load<i32>(t, L.TIMER_MAP);
  const value = load<i32>(t, L.TIMER_VALUE);
  atomic.store<u32>(t, state | L.TIMER_F_RUNNING, L.TIMER_STATE);
  store<u32>(on, load<u16>(t, L.TIMER_PROG), L.CPU_CUR_PROG);
  if ((state & L.TIMER_F_WORK) != 0) store<u64>(on, word, L.CPU_CUR_WORK);
  else store<u64>(on, word, L.CPU_CUR_TIMER);
  add64(on + L.CPU_TIMERS_FIRED, 1);
  const key = keyOf(on, map, value);
  unlockBase(on);
  call_indirect<i64>(fn - 1, on, on + L.CPU_STACK_TOP, <i64><u32>map, <i64><u32>key, <i64><u32>value, <i64>0, <i64>0);
  lockBase(on);
  ended(on, word);
}

/** After a run that a trap ended inside a callback: that callback counts as ended. By the CPU's owner. */
export function timers_abort(on: i32): void {
  const word = load<u64>(on, L.CPU_CUR_TIMER) | load<u64>(on, L.CPU_CUR_WORK);
  if (word == 0) return;
  lockBase(on);
  ended(on, word);
  unlockBase(on);
}

function eventsFull(on: i32): bool {
  const tail = load<u32>(on, L.CPU_EVENTS_TAIL);
  return tail != 0 && load<u32>(on, L.CPU_EVENTS_SIZE) - tail < load<u32>(on, L.CPU_EVENTS_RESERVE);
}

/** WALK_BUDGET, or why this timer does not fire now. Sets the clock its callback sees. */
@inline
function refused(on: i32, t: i32, virtual: bool, events: bool): i32 {
  if (stopping()) return L.WALK_STOPPED;
  if (events && (!ringsRead(on) || eventsFull(on))) return L.WALK_EVENTS_FULL;
  if (!virtual) return L.WALK_BUDGET;
  const due = load<u64>(t, L.TIMER_DUE);
  if (storms(on, t, max(due, load<u64>(on, L.CPU_MONOTONIC)))) return L.WALK_STORM;
  advanceMonotonic(on, due);
  return L.WALK_BUDGET;
}

/** What was armed with 0 is due at the CPU's own time, even if the packet's is before it. */
@inline
function endOf(on: i32, until: u64): u64 {
  return min(max(until, load<u64>(on, L.CPU_MONOTONIC)), NEVER - 1);
}

/** Callbacks due on one CPU; the number fired. The reason is left with `cpu`. */
export function runCpu(cpu: i32, on: i32, until: u64, budget: u32, events: bool): u32 {
  const virtual = !realClock();
  timers_abort(on);
  lockBase(on);
  const end = endOf(on, until);
  let reason = L.WALK_DONE;
  let fired: u32 = 0;
  for (let t = peek(on, end); t != 0; t = peek(on, end)) {
    reason = fired == budget ? L.WALK_BUDGET : refused(on, t, virtual, events);
    if (reason != L.WALK_BUDGET || fired == budget) break;
    fire(on, t);
    reason = L.WALK_DONE;
    fired++;
  }
  store<u64>(on, virtual ? dueBound(on) : dueExact(on, true), L.CPU_TIMER_DUE);
  unlockBase(on);
  store<i32>(cpu, reason, L.CPU_WALK_REASON);
  return fired;
}

/** The CPU whose earliest due timer is the first of all, or 0. */
function firstDue(until: u64): i32 {
  const ncpus = load<u32>(L.WORLD_NCPUS);
  let best = 0;
  let bestCpu = 0;
  for (let i: u32 = 0; i < ncpus; i++) {
    const on = cpuBlock(i);
    const end = endOf(on, until);
    if (load<u64>(on, L.CPU_TIMER_DUE) > end) continue;
    lockBase(on);
    const t = peek(on, best == 0 ? end : min(end, load<u64>(best, L.TIMER_DUE)));
    store<u64>(on, dueBound(on), L.CPU_TIMER_DUE);
    unlockBase(on);
    if (t == 0 || (best != 0 && !before(t, best))) continue;
    best = t;
    bestCpu = on;
  }
  return bestCpu;
}

/** Callbacks due on all CPUs, by the one thread that runs them all, in order of deadline, then of arming. */
export function runAll(cpu: i32, until: u64, budget: u32, events: bool): u32 {
  const ncpus = load<u32>(L.WORLD_NCPUS);
  if (ncpus == 1) return runCpu(cpu, L.CPU_BASE, until, budget, events);
  for (let i: u32 = 0; i < ncpus; i++) timers_abort(cpuBlock(i));
  let reason = L.WALK_DONE;
  let fired: u32 = 0;
  for (let on = firstDue(until); on != 0; on = firstDue(until)) {
    lockBase(on);
    const t = peek(on, endOf(on, until));
    // 0: a host thread has just taken it out
    reason = t == 0 ? L.WALK_DONE : fired == budget ? L.WALK_BUDGET : refused(on, t, true, events);
    const fires = t != 0 && reason == L.WALK_BUDGET && fired != budget;
    if (fires) fire(on, t);
    store<u64>(on, dueBound(on), L.CPU_TIMER_DUE);
    unlockBase(on);
    if (t != 0 && !fires) break;
    reason = L.WALK_DONE;
    fired += u32(fires);
  }
  store<i32>(cpu, reason, L.CPU_WALK_REASON);
  return fired;
}

/** Whether no CPU has anything due: the walker's look before each packet. */
@inline
export function quiet(cpu: i32, until: u64, all: bool): bool {
  return all ? quietAll(until) : load<u64>(cpu, L.CPU_TIMER_DUE) > endOf(cpu, until);
}

function quietAll(until: u64): bool {
  const ncpus = load<u32>(L.WORLD_NCPUS);
  for (let i: u32 = 0; i < ncpus; i++) {
    const on = cpuBlock(i);
    if (load<u64>(on, L.CPU_TIMER_DUE) <= endOf(on, until)) return false;
  }
  return true;
}

export function timers_run(cpu: i32, until: i64, budget: i32): i32 {
  return runCpu(cpu, cpu, until, budget, true);
}

export function timers_run_all(cpu: i32, until: i64, budget: i32): i32 {
  return runAll(cpu, until, budget, true);
}

export function timer_next_due(cpu: i32): i64 {
  lockBase(cpu);
  const due = dueExact(cpu, !sole());
  // alone that is where the first list begins: see enqueue
  if (!sole()) store<u64>(cpu, due, L.CPU_TIMER_DUE);
  unlockBase(cpu);
  return due;
}

export function timers_stats_reset(cpu: i32): void {
  lockBase(cpu);
  store<u64>(cpu, 0, L.CPU_TIMERS_FIRED);
  store<u64>(cpu, 0, L.CPU_TIMERS_CANCELLED);
  unlockBase(cpu);
  atomic.store<u64>(L.WORLD_TIMER_SEQ_RESET, atomic.load<u64>(L.WORLD_TIMER_SEQ));
}
