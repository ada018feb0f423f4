// bpf_timer and bpf_wq as programs call them: init, set_callback, start, cancel. Decides what each refuses and in which
// order; who guards what is in timer_object.ts. A helper that returns 0 or more saw the object of its slot alive.
// Progress: all but timer_cancel are bounded; that waits for a callback on another CPU, and of any cycle of callbacks that
// cancel each other at least one gives up (CANCELLING is raised, then the own one looked at: both sequentially consistent).
import * as L from "../../memory/layout";
import { EBUSY, ECANCELED, EDEADLK, EINVAL, ENOMEM, EPERM } from "./errno";
import { pause, stopping } from "./pause";
import { waitCallback } from "./timer_free";
import {
  baseOf, disarm, dropProg, freeTaken, giveTimer, homeOf, lockBase, lockTimer, lockWord, progRefs, settle, takeTimer,
  timerOf, unlockBase, withBase, wordOf,
} from "./timer_object";
import { NEVER, dequeue, enqueue } from "./timer_queue";

const CLOCK_REALTIME: u64 = 0;
const CLOCK_MONOTONIC: u64 = 1;
const CLOCK_BOOTTIME: u64 = 7;
const MAX_CLOCKS: u64 = 16;
const BPF_F_TIMER_ABS: u64 = 1;
const BPF_F_TIMER_CPU_PIN: u64 = 2;

@inline
function userRefs(map: i32): i32 {
  return atomic.load<i32>(map, L.MAP_USER_REFS);
}

/** A timer set up by a callback goes on with that one's count, so that one that makes its successor anew is capped too. */
function inheritCount(cpu: i32, t: i32): void {
  const cur = load<u64>(cpu, L.CPU_CUR_TIMER);
  const from = timerOf(cur != 0 ? cur : load<u64>(cpu, L.CPU_CUR_WORK));
  store<u32>(t, from == 0 ? 0 : load<u32>(from, L.TIMER_FIRES), L.TIMER_FIRES);
  store<u32>(t, from == 0 ? 0 : load<u32>(from, L.TIMER_SECOND), L.TIMER_SECOND);
}

function asyncInit(cpu: i32, slot: i32, map: i32, fieldOff: i32, kind: u32): i64 {
  if (atomic.load<u64>(slot) != 0) return EBUSY;
  const t = takeTimer(map);
  if (t == 0) return ENOMEM;
  store<i32>(t, map, L.TIMER_MAP);
  store<i32>(t, slot - fieldOff, L.TIMER_VALUE);
  store<i32>(t, 0, L.TIMER_CALLBACK);
  store<u32>(t, 0, L.TIMER_PROG);
  atomic.store<i32>(t, 0, L.TIMER_CANCELLING);
  inheritCount(cpu, t);
  atomic.store<u32>(t, withBase(kind, load<u32>(homeOf(cpu), L.CPU_INDEX)), L.TIMER_STATE);
  const word = wordOf(t);
  if (atomic.cmpxchg<u64>(slot, 0, word) != 0) {
    giveTimer(map, t);
    return EBUSY;
  }
  if (userRefs(map) != 0) return 0;
  // published before the count was read: a racing release frees it, or this does
  if (atomic.cmpxchg<u64>(slot, word, 0) == word) freeTaken(word);
  return EPERM;
}

function setCallback(slot: i32, fn: u64): i64 {
  const word = atomic.load<u64>(slot);
  const on = word == 0 ? 0 : lockWord(word);
  if (on == 0) return EINVAL;
  const t = timerOf(word);
  if (userRefs(load<i32>(t, L.TIMER_MAP)) == 0) {
    unlockBase(on);
    return EPERM;
  }
  const prog = fn < <u64>L.WORLD_FUNC_MAX ? load<u32>(L.WORLD_FUNC_PROG + (<i32>fn << 2)) : 0;
  if (load<i32>(t, L.TIMER_CALLBACK) == 0 || load<u32>(t, L.TIMER_PROG) != prog) {
    atomic.add<i32>(progRefs(prog), 1);
    dropProg(t);
    store<u32>(t, prog, L.TIMER_PROG);
  }
  store<i32>(t, <i32>fn + 1, L.TIMER_CALLBACK);
  unlockBase(on);
  return 0;
}

/** Arms it on the CPU of `cpu`, or where its callback runs now. `on` is locked and unlocked here. */
function arm(cpu: i32, on: i32, t: i32, due: u64): void {
  let state = load<u32>(t, L.TIMER_STATE);
  if ((state & L.TIMER_F_QUEUED) != 0) {
    dequeue(on, t);
    state = load<u32>(t, L.TIMER_STATE);
  }
  const own = homeOf(cpu);
  if (on != own && (state & L.TIMER_F_RUNNING) == 0) {
    atomic.store<u32>(t, withBase(state, L.TIMER_BASE_MOVING), L.TIMER_STATE);
    unlockBase(on);
    lockBase(own);
    atomic.store<u32>(t, withBase(state, load<u32>(own, L.CPU_INDEX)), L.TIMER_STATE);
    on = own;
  }
  // exact where one thread runs all CPUs; beside others only the order within a queue counts
  const seq = load<u64>(L.WORLD_TIMER_SEQ);
  store<u64>(L.WORLD_TIMER_SEQ, seq + 1);
  store<u64>(t, seq, L.TIMER_SEQ);
  enqueue(on, t, due);
  store<u64>(on, load<u64>(on, L.CPU_TIMERS_STARTED) + 1, L.CPU_TIMERS_STARTED);
  unlockBase(on);
}

/** On MONOTONIC. BOOTTIME is the same; REALTIME has a constant distance. */
@inline
function deadline(cpu: i32, clock: u32, ns: u64, absolute: bool): u64 {
  if (ns > NEVER) return NEVER;
  const now = load<u64>(cpu, L.CPU_MONOTONIC);
  if (!absolute) return min(now + ns, NEVER);
  if (clock != <u32>CLOCK_REALTIME) return ns;
  const ahead = <i64>(load<u64>(cpu, L.CPU_REALTIME) - now);
  const due = <i64>ns - ahead;
  return ahead < 0 ? min(<u64>due, NEVER) : <u64>max(due, 0);
}

export function timer_init(cpu: i32, slot: i64, map: i64, flags: i64): i64 {
  const clock = <u64>flags;
  if (clock >= MAX_CLOCKS) return EINVAL;
  if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME) return EINVAL;
  return asyncInit(cpu, <i32>slot, <i32>map, load<i32>(<i32>map, L.MAP_TIMER_OFF), <u32>clock << L.TIMER_CLOCK_SHIFT);
}

export function timer_set_callback(cpu: i32, slot: i64, fn: i64): i64 {
  return setCallback(<i32>slot, fn);
}

export function timer_start(cpu: i32, slot: i64, ns: i64, flags: i64): i64 {
  if ((<u64>flags & ~(BPF_F_TIMER_ABS | BPF_F_TIMER_CPU_PIN)) != 0) return EINVAL;
  const word = atomic.load<u64>(<i32>slot);
  const on = word == 0 ? 0 : lockWord(word);
  if (on == 0) return EINVAL;
  const t = timerOf(word);
  if (load<i32>(t, L.TIMER_CALLBACK) == 0) {
    unlockBase(on);
    return EINVAL;
  }
  const clock = (load<u32>(t, L.TIMER_STATE) >> L.TIMER_CLOCK_SHIFT) & 255;
  arm(cpu, on, t, deadline(cpu, clock, ns, (<u64>flags & BPF_F_TIMER_ABS) != 0));
  return 0;
}

/** Locked: whether this word's callback runs now. */
@inline
function runs(on: i32, word: u64): bool {
  return load<u64>(on, L.CPU_CUR_TIMER) == word;
}

export function timer_cancel(cpu: i32, slot: i64): i64 {
  const word = atomic.load<u64>(<i32>slot);
  let on = word == 0 ? 0 : lockWord(word);
  if (on == 0) return EINVAL;
  const t = timerOf(word);
  const cur = load<u64>(cpu, L.CPU_CUR_TIMER);
  if (cur == word) {
    unlockBase(on);
    return EDEADLK;
  }
  if (cur != 0) {
    atomic.add<i32>(t + L.TIMER_CANCELLING, 1);
    if (atomic.load<i32>(timerOf(cur), L.TIMER_CANCELLING) != 0) {
      atomic.sub<i32>(t + L.TIMER_CANCELLING, 1);
      unlockBase(on);
      return EDEADLK;
    }
  }
  dropProg(t);
  // as hrtimer_cancel: what its callback armed again is taken out after that has ended
  let armed = false;
  let alive = true;
  while (alive && runs(on, word) && !stopping()) {
    unlockBase(on);
    waitCallback(word);
    on = lockTimer(t);
    alive = load<u32>(t, L.TIMER_GEN) == <u32>(word >> 32);
  }
  if (alive) armed = disarm(on, t);
  if (cur != 0) {
    // counted, it has not been reused; uncounted, a freed one may have been, and is left alone
    atomic.sub<i32>(t + L.TIMER_CANCELLING, 1);
    settle(t);
  }
  unlockBase(on);
  return armed ? 1 : 0;
}

export function timer_cancel_async(cpu: i32, slot: i64): i64 {
  const word = atomic.load<u64>(<i32>slot);
  const on = word == 0 ? 0 : lockWord(word);
  if (on == 0) return EINVAL;
  const result: i64 = runs(on, word) ? ECANCELED : disarm(on, timerOf(word)) ? 1 : 0;
  unlockBase(on);
  return result;
}

export function wq_init(cpu: i32, slot: i64, map: i64, flags: i64): i64 {
  if (<u32>flags != 0) return EINVAL;
  return asyncInit(cpu, <i32>slot, <i32>map, load<i32>(<i32>map, L.MAP_WQ_OFF), L.TIMER_F_WORK);
}

export function wq_set_callback_impl(cpu: i32, slot: i64, fn: i64, flags: i64, aux: i64): i64 {
  return <u32>flags != 0 ? EINVAL : setCallback(<i32>slot, fn);
}

/** Work that waits already is left where it is. */
export function wq_start(cpu: i32, slot: i64, flags: i64): i64 {
  if (<u32>flags != 0) return EINVAL;
  const word = atomic.load<u64>(<i32>slot);
  const on = word == 0 ? 0 : lockWord(word);
  if (on == 0) return EINVAL;
  const t = timerOf(word);
  const idle = load<i32>(t, L.TIMER_CALLBACK) != 0;
  if (!idle || (load<u32>(t, L.TIMER_STATE) & L.TIMER_F_QUEUED) != 0) {
    unlockBase(on);
    return idle ? 0 : EINVAL;
  }
  arm(cpu, on, t, load<u64>(cpu, L.CPU_MONOTONIC));
  return 0;
}
