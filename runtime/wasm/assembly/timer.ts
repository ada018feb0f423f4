// bpf_timer and bpf_wq as programs call them: init, set_callback, start, cancel. Decides what each refuses and in which
// order; who guards what is in timer_object.ts. A helper that returns 0 or more saw the object of its slot alive.
// Progress: all but timer_cancel are bounded; that waits for a callback on another CPU, and of any cycle of callbacks that
// cancel each other at least one gives up (CANCELLING is raised, then the own one looked at: both sequentially consistent).
import * as L from "../../memory/layout";
import { alone, sole } from "./alone";
import { EBUSY, ECANCELED, EDEADLK, EINVAL, ENOMEM, EPERM } from "./errno";
import { pause, stopping } from "./pause";
import { waitCallback } from "./timer_free";
import {
  addRefs, disarm, disarmState, dropProg, freeTaken, giveTimer, homeOf, isOf, lockBase, lockTimer, lockWord, settle,
  takeTimer, timerOf, unlockBase, withBase, wordOf,
} from "./timer_object";
import { NEVER, enqueue, leaveQueue } from "./timer_queue";

const CLOCK_REALTIME: u64 = 0;
const CLOCK_MONOTONIC: u64 = 1;
const CLOCK_BOOTTIME: u64 = 7;
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

function asyncInit(cpu: i32, slot: i32, map: i32, value: i32, objectAt: i32, kind: u32): i64 {
  if (atomic.load<u64>(slot) != 0) return EBUSY;
  const t = takeTimer(map, value, objectAt);
  if (t == 0) return ENOMEM;
  store<i32>(t, map, L.TIMER_MAP);
  store<u32>(t, 0, L.TIMER_CALLBACK); // and PROG
  atomic.store<u16>(t, 0, L.TIMER_CANCELLING);
  inheritCount(cpu, t);
  // a queue may still know it from its former life: its base stays until it is armed
  const on = lockTimer(t);
  atomic.store<u32>(t, withBase(kind, load<u32>(on, L.CPU_INDEX)), L.TIMER_STATE);
  unlockBase(on);
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
  const t = sole() ? objectOf(slot, word) : timerOf(word);
  const on = t == 0 ? 0 : lockTimer(t);
  if (on == 0) return EINVAL;
  if (!isOf(load<u64>(t), word)) {
    unlockBase(on);
    return EINVAL;
  }
  if (userRefs(load<i32>(t, L.TIMER_MAP)) == 0) {
    unlockBase(on);
    return EPERM;
  }
  const prog = fn < <u64>L.WORLD_FUNC_MAX ? load<u32>(L.WORLD_FUNC_PROG + (<i32>fn << 2)) : 0;
  if (load<u16>(t, L.TIMER_CALLBACK) == 0 || load<u16>(t, L.TIMER_PROG) != prog) {
    addRefs(prog, 1);
    dropProg(t);
    store<u16>(t, <u16>prog, L.TIMER_PROG);
  }
  store<u16>(t, <u16>(fn + 1), L.TIMER_CALLBACK);
  unlockBase(on);
  return 0;
}

/** Takes it from the CPU it is on, which is locked, to another, which then is. */
function move(on: i32, own: i32, t: i32): void {
  leaveQueue(on, t);
  const state = load<u32>(t, L.TIMER_STATE);
  atomic.store<u32>(t, withBase(state, L.TIMER_BASE_MOVING), L.TIMER_STATE);
  unlockBase(on);
  lockBase(own);
  atomic.store<u32>(t, withBase(state, load<u32>(own, L.CPU_INDEX)), L.TIMER_STATE);
}

/** The number of this arming: the order among equal deadlines. */
@inline
function nextSeq(): u64 {
  if (!alone()) return atomic.add<u64>(L.WORLD_TIMER_SEQ, 1);
  const seq = load<u64>(L.WORLD_TIMER_SEQ);
  store<u64>(L.WORLD_TIMER_SEQ, seq + 1);
  return seq;
}

/** Arms it on the CPU of `cpu`, or where its callback runs now. `on` is locked and unlocked here. */
function arm(cpu: i32, on: i32, t: i32, due: u64): void {
  const own = homeOf(cpu);
  if (on != own && (load<u32>(t, L.TIMER_STATE) & L.TIMER_F_RUNNING) == 0) {
    move(on, own, t);
    on = own;
  }
  enqueue(on, t, load<u32>(t, L.TIMER_STATE), load<u16>(t, L.TIMER_LIST), due, nextSeq(), true);
  unlockBase(on);
}

/** On MONOTONIC. BOOTTIME is the same; REALTIME has a constant distance. */
export function absoluteCold(cpu: i32, clock: u32, ns: u64): u64 {
  if (ns > NEVER) return NEVER;
  if (clock != <u32>CLOCK_REALTIME) return ns;
  const ahead = <i64>(load<u64>(cpu, L.CPU_REALTIME) - load<u64>(cpu, L.CPU_MONOTONIC));
  const due = <i64>ns - ahead;
  return ahead < 0 ? min(<u64>due, NEVER) : <u64>max(due, 0);
}

@inline
function clockOf(state: u32): u32 {
  return (state >> L.TIMER_CLOCK_SHIFT) & 255;
}

@inline
function relative(cpu: i32, ns: u64): u64 {
  const due = load<u64>(cpu, L.CPU_MONOTONIC) + ns;
  return <i64>(due | ns) < 0 ? NEVER : due;
}

export function timer_init(cpu: i32, slot: i64, map: i64, flags: i64): i64 {
  const clock = <u64>flags;
  if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME) return EINVAL;
  const value = <i32>slot - load<i32>(<i32>map, L.MAP_TIMER_OFF);
  return asyncInit(cpu, <i32>slot, <i32>map, value, L.MAP_TIMER_OBJECT, <u32>clock << L.TIMER_CLOCK_SHIFT);
}

export function timer_set_callback(cpu: i32, slot: i64, fn: i64): i64 {
  return setCallback(<i32>slot, fn);
}

/**
 * The object of a slot that holds `word`, 0 if it holds none. Its address is guessed first, from where the last slot's
 * object was: so that slot and object are fetched at once where both have to come from memory.
 */
@inline
function objectOf(slot: i32, word: u64): i32 {
  const guess = slot + load<i32>(L.WORLD_TIMER_DELTA);
  return guess == <i32>word ? guess : guessAnewCold(slot, word);
}

export function guessAnewCold(slot: i32, word: u64): i32 {
  if (word != 0) store<i32>(L.WORLD_TIMER_DELTA, timerOf(word) - slot);
  return timerOf(word);
}

export function timer_start(cpu: i32, slot: i64, ns: i64, flags: i64): i64 {
  if ((<u64>flags & ~(BPF_F_TIMER_ABS | BPF_F_TIMER_CPU_PIN)) != 0) return EINVAL;
  const absolute = (<u64>flags & BPF_F_TIMER_ABS) != 0;
  if (!sole()) return startCold(cpu, <i32>slot, ns, absolute);
  const word = load<u64>(<i32>slot);
  const t = objectOf(<i32>slot, word);
  if (t == 0) return EINVAL;
  const head = load<u64>(t);
  const links = load<u64>(t, L.TIMER_CALLBACK); // and LIST
  if (!isOf(head, word) || <u16>links == 0) return EINVAL;
  const due = absolute ? absoluteCold(cpu, clockOf(<u32>head), ns) : relative(cpu, ns);
  const list = <u32>(links >> ((L.TIMER_LIST - L.TIMER_CALLBACK) << 3)) & 0xffff;
  const seq = load<u64>(L.WORLD_TIMER_SEQ);
  store<u64>(L.WORLD_TIMER_SEQ, seq + 1);
  enqueue(L.CPU_BASE, t, <u32>head, list, due, seq, false);
  return 0;
}

export function startCold(cpu: i32, slot: i32, ns: i64, absolute: bool): i64 {
  const word = atomic.load<u64>(slot);
  if (word == 0) return EINVAL;
  const t = timerOf(word);
  const on = lockTimer(t);
  const head = load<u64>(t);
  if (!isOf(head, word) || load<u16>(t, L.TIMER_CALLBACK) == 0) {
    unlockBase(on);
    return EINVAL;
  }
  arm(cpu, on, t, absolute ? absoluteCold(cpu, clockOf(<u32>head), ns) : relative(cpu, ns));
  return 0;
}

/** Locked: whether this word's callback runs now. */
@inline
function runs(on: i32, word: u64): bool {
  return load<u64>(on, L.CPU_CUR_TIMER) == word;
}

export function timer_cancel(cpu: i32, slot: i64): i64 {
  if (load<u64>(cpu, L.CPU_CUR_TIMER) != 0 || !sole()) return cancelCold(cpu, <i32>slot);
  const word = load<u64>(<i32>slot);
  const t = objectOf(<i32>slot, word);
  if (t == 0) return EINVAL;
  const head = load<u64>(t);
  if (!isOf(head, word)) return EINVAL;
  dropProg(t);
  return disarmState(L.CPU_BASE, t, <u32>head, false) ? 1 : 0;
}

export function cancelCold(cpu: i32, slot: i32): i64 {
  const word = atomic.load<u64>(slot);
  if (word == 0) return EINVAL;
  const t = timerOf(word);
  const on = lockTimer(t);
  if (!isOf(load<u64>(t), word)) {
    unlockBase(on);
    return EINVAL;
  }
  const cur = load<u64>(cpu, L.CPU_CUR_TIMER);
  if (cur != 0) return cancelWithin(on, t, word, cur);
  dropProg(t);
  return waitAndDisarm(on, t, word, 0);
}

/** From a timer's callback. */
function cancelWithin(on: i32, t: i32, word: u64, cur: u64): i64 {
  if (cur == word) {
    unlockBase(on);
    return EDEADLK;
  }
  atomic.add<u16>(t + L.TIMER_CANCELLING, 1);
  if (atomic.load<u16>(timerOf(cur), L.TIMER_CANCELLING) != 0) {
    atomic.sub<u16>(t + L.TIMER_CANCELLING, 1);
    unlockBase(on);
    return EDEADLK;
  }
  dropProg(t);
  return waitAndDisarm(on, t, word, cur);
}

/** As hrtimer_cancel: what its callback armed again is taken out after that has ended. */
function waitAndDisarm(on: i32, t: i32, word: u64, cur: u64): i64 {
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
    atomic.sub<u16>(t + L.TIMER_CANCELLING, 1);
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
  const value = <i32>slot - load<i32>(<i32>map, L.MAP_WQ_OFF);
  return asyncInit(cpu, <i32>slot, <i32>map, value, L.MAP_WQ_OBJECT, L.TIMER_F_WORK);
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
  const ready = load<u16>(t, L.TIMER_CALLBACK) != 0;
  if (!ready || (load<u32>(t, L.TIMER_STATE) & L.TIMER_F_ARMED) != 0) {
    unlockBase(on);
    return ready ? 0 : EINVAL;
  }
  arm(cpu, on, t, load<u64>(cpu, L.CPU_MONOTONIC));
  return 0;
}
