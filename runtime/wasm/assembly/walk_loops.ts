// The walker's loops over the frames of one round, for one kind of frames `K`. Three of them, because a packet of a
// parse-only program has about 10 ns: in place, copying, and one with everything that options can ask for. Position and
// counters are in memory after every frame, so a run that traps or is stopped has lost nothing.
import * as L from "../../memory/layout";
import { advanceClock } from "./clock";
import { ringsRead } from "./ring";
import { quiet, runAll, runCpu } from "./timer_run";
import { add64, countVerdict, writeErrorRow, writeOut, writeRow } from "./walk_rows";

@external("env", "prog")
declare function prog(cpu: i32, fp: i32, ctx: i64): i64;

const EINVAL: u32 = 22;

const BARE = L.WALK_CLOCK | L.WALK_NETWORK | L.WALK_SOCKET | L.WALK_FRESH;
const COPYING = BARE | L.WALK_COPY | L.WALK_HEADROOM;

@inline
function stopped(): bool {
  return atomic.load<i32>(L.WORLD_STOP) != 0;
}

@inline
function run(cpu: i32, ctx: i32): u32 {
  return <u32>prog(cpu, cpu + L.CPU_STACK_TOP, <u64><u32>ctx);
}

/** The frame is done with: counters and position. */
@inline
function passed(cpu: i32, frame: i32): void {
  add64(cpu + L.CPU_STAT_PACKETS, 1);
  add64(cpu + L.CPU_STAT_BYTES, load<u32>(frame, L.FRAME_LEN));
  store<i32>(cpu, load<i32>(cpu, L.CPU_WALK_POS) + 1, L.CPU_WALK_POS);
  add64(cpu + L.CPU_WALK_PACKET, 1);
}

@inline
function walkInPlace<K>(cpu: i32, frame: i32, end: i32, offset: u64, flags: i32): i32 {
  const kind = changetype<K>(0);
  kind.enter(cpu);
  for (; frame != end; frame += L.FRAME_DESC_SIZE) {
    if (stopped()) return L.WALK_STOPPED;
    if (kind.refused(cpu, frame, flags) == 0) {
      if ((flags & L.WALK_CLOCK) != 0) advanceClock(cpu, load<u64>(frame, L.FRAME_TS) + offset);
      kind.place(cpu, frame, flags);
      countVerdict(cpu, kind.classOf(cpu, run(cpu, kind.ctx(cpu))));
    } else {
      add64(cpu + L.CPU_STAT_ERRORS, 1);
    }
    passed(cpu, frame);
  }
  return L.WALK_BUDGET;
}

@inline
function walkCopying<K>(cpu: i32, frame: i32, end: i32, offset: u64, flags: i32): i32 {
  const kind = changetype<K>(0);
  kind.enter(cpu);
  kind.enterCopying(cpu);
  for (; frame != end; frame += L.FRAME_DESC_SIZE) {
    if (stopped()) return L.WALK_STOPPED;
    if (kind.refused(cpu, frame, flags) == 0) {
      if ((flags & L.WALK_CLOCK) != 0) advanceClock(cpu, load<u64>(frame, L.FRAME_TS) + offset);
      kind.copy(cpu, frame, flags);
      countVerdict(cpu, kind.classOf(cpu, run(cpu, kind.ctx(cpu))));
    } else {
      add64(cpu + L.CPU_STAT_ERRORS, 1);
    }
    passed(cpu, frame);
  }
  return L.WALK_BUDGET;
}

/** WALK_BUDGET, or the reason to stop before this frame. */
function mustStop(cpu: i32, on: i32, frame: i32, flags: i32): i32 {
  if (stopped()) return L.WALK_STOPPED;
  if ((flags & L.WALK_ROWS) != 0 && load<u32>(cpu, L.CPU_WALK_ROWS_POS) >= load<u32>(cpu, L.CPU_WALK_ROWS_CAP)) {
    return L.WALK_ROWS_FULL;
  }
  if ((flags & L.WALK_OUT) != 0) {
    const free = load<u32>(cpu, L.CPU_WALK_OUT_SIZE) - load<u32>(cpu, L.CPU_WALK_OUT_POS);
    if (<u64>free < <u64>load<u32>(frame, L.FRAME_LEN) + L.WALK_OUT_RESERVE) return L.WALK_OUT_FULL;
  }
  if ((flags & L.WALK_EVENTS) != 0) {
    if (!ringsRead(on)) return L.WALK_EVENTS_FULL; // what the packet before has left in them
    const tail = load<u32>(on, L.CPU_EVENTS_TAIL);
    // an empty buffer is as free as it gets
    if (tail != 0 && load<u32>(on, L.CPU_EVENTS_SIZE) - tail < load<u32>(on, L.CPU_EVENTS_RESERVE)) return L.WALK_EVENTS_FULL;
  }
  return L.WALK_BUDGET;
}

/** Fires what is due at or before a packet of this timestamp: WALK_BUDGET, or why it stopped before all had fired. */
function timersBefore(cpu: i32, on: i32, ts: u64, flags: i32): i32 {
  if ((load<i32>(L.WORLD_FLAGS) & L.WORLD_F_REAL_CLOCK) != 0) {
    return load<u64>(on, L.CPU_MONOTONIC) >= load<u64>(on, L.CPU_TIMER_DUE) ? L.WALK_TIMER_DUE : L.WALK_BUDGET;
  }
  const first = load<u64>(L.WORLD_FIRST_TS);
  const until = ts < first ? 0 : ts - first + L.MONOTONIC_START_NS;
  const all = (flags & L.WALK_CPUS) != 0;
  if (quiet(cpu, until, all)) return L.WALK_BUDGET;
  const events = (flags & L.WALK_EVENTS) != 0;
  if (all) runAll(cpu, until, 0xffffffff, events);
  else runCpu(cpu, cpu, until, 0xffffffff, events);
  const reason = load<i32>(cpu, L.CPU_WALK_REASON);
  return reason == L.WALK_DONE ? L.WALK_BUDGET : reason;
}

/** The CPU a frame runs on, 0 if its descriptor names one there is not. */
@inline
function cpuOf(cpu: i32, frame: i32, flags: i32): i32 {
  if ((flags & L.WALK_CPUS) == 0) return cpu;
  const index = load<u32>(frame, L.FRAME_CPU);
  return index < load<u32>(L.WORLD_NCPUS) ? load<i32>(L.WORLD_CPUS) + index * L.CPU_STRIDE : 0;
}

@inline
function walkFull<K>(cpu: i32, frame: i32, end: i32, offset: u64, flags: i32): i32 {
  const kind = changetype<K>(0);
  let now = load<u64>(cpu, L.CPU_WALK_NOW); // of all CPUs together: their frames come in order
  for (; frame != end; frame += L.FRAME_DESC_SIZE) {
    const named = cpuOf(cpu, frame, flags);
    const on = named == 0 ? cpu : named;
    const ts = load<u64>(frame, L.FRAME_TS) + offset;
    const errno = named == 0 ? EINVAL : kind.refused(on, frame, flags);
    if ((flags & L.WALK_TIMERS) != 0 && errno == 0) {
      const why = timersBefore(cpu, on, max(now, ts), flags);
      if (why != L.WALK_BUDGET) return why;
    }
    const reason = mustStop(cpu, on, frame, flags);
    if (reason != L.WALK_BUDGET) return reason;
    if (errno == 0) {
      now = max(now, ts);
      store<u64>(cpu, now, L.CPU_WALK_NOW);
      if ((flags & L.WALK_CLOCK) != 0) advanceClock(on, now);
      store<u64>(on, load<u64>(cpu, L.CPU_WALK_PACKET), L.CPU_PACKET);
      store<i32>(on, L.REDIRECT_NONE, L.CPU_REDIRECT_KIND);
      kind.enter(on);
      if ((flags & L.WALK_COPY) != 0) {
        kind.enterCopying(on);
        kind.copy(on, frame, flags);
      } else {
        kind.place(on, frame, flags);
      }
      const retval = run(on, kind.ctx(on));
      const verdict = kind.classOf(on, retval);
      countVerdict(cpu, verdict);
      const out = (flags & L.WALK_OUT) != 0 ? writeOut<K>(cpu, on, frame, ts, retval, verdict, flags) : 0;
      if ((flags & L.WALK_ROWS) != 0) writeRow<K>(cpu, on, ts, retval, verdict, out, flags);
    } else {
      add64(cpu + L.CPU_STAT_ERRORS, 1);
      if ((flags & L.WALK_ROWS) != 0) writeErrorRow(cpu, on, frame, ts, errno);
    }
    passed(cpu, frame);
  }
  return L.WALK_BUDGET;
}

/** The loop that does what `flags` ask for, and no more. */
export function walkLoop<K>(cpu: i32, frame: i32, end: i32, offset: u64, flags: i32): i32 {
  if ((flags & ~BARE) == 0) return walkInPlace<K>(cpu, frame, end, offset, flags);
  if ((flags & ~COPYING) == 0) return walkCopying<K>(cpu, frame, end, offset, flags);
  return walkFull<K>(cpu, frame, end, offset, flags);
}
