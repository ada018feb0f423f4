// The walker: frames in, verdicts out, on one CPU by the thread that owns it. Three loops, because a packet of a parse-only
// program has about 10 ns: in place, copying, and one with everything that options can ask for. Position and counters are in
// memory after every frame, so a run that traps or is stopped has lost nothing.
import * as L from "../../memory/layout";
import { copyBytes, zeroBytes } from "./bytes";
import { advanceClock, startClock } from "./clock";
import { crc32 } from "./crc";
import { ringsRead } from "./ring";
import { quiet, runAll, runCpu, timers_abort } from "./timer_run";

@external("env", "prog")
declare function prog(cpu: i32, fp: i32, ctx: i64): i64;

const EINVAL: u32 = 22;
const ENOMEM: u32 = 12;
const XDP_REDIRECT: u32 = 4;
const UNKNOWN_VERDICT: u32 = 5;
const PCAP_RECORD: i32 = 16;

const BARE = L.WALK_CLOCK;
const COPYING = L.WALK_CLOCK | L.WALK_COPY | L.WALK_HEADROOM;

@inline
function add64(at: i32, by: u64): void {
  store<u64>(at, load<u64>(at) + by);
}

@inline
function stopped(): bool {
  return atomic.load<i32>(L.WORLD_STOP) != 0;
}

/** 0, or the errno a test run would give. */
@inline
function refused(frame: i32): u32 {
  const errno = load<u32>(frame, L.FRAME_ERRNO);
  if (errno != 0) return errno;
  const len = load<u32>(frame, L.FRAME_LEN);
  return len < <u32>L.ETH_HLEN ? EINVAL : len > <u32>L.XDP_LEN_MAX ? ENOMEM : 0;
}

@inline
function setFrame(cpu: i32, data: i32, len: i32): void {
  store<i32>(cpu, data, L.CPU_CTX_DATA);
  store<i32>(cpu, data + min<i32>(len, L.XDP_LINEAR_MAX), L.CPU_CTX_DATA_END);
  store<i32>(cpu, data, L.CPU_CTX_DATA_META);
  store<i32>(cpu, data + len, L.CPU_FRAME_END);
  store<i32>(cpu, 0, L.CPU_TAIL_CALLS);
}

/** The frame buffer is the frame's page: set once for a CPU, the frames come and go. */
@inline
function setPage(cpu: i32): void {
  store<i32>(cpu, cpu + L.CPU_FRAME, L.CPU_HARD_START);
  store<i32>(cpu, cpu + L.CPU_FRAME + L.XDP_HEADROOM + L.XDP_LINEAR_MAX, L.CPU_HARD_END);
}

@inline
function copyFrame(cpu: i32, frame: i32, headroom: bool): void {
  const data = cpu + L.CPU_FRAME + L.XDP_HEADROOM;
  const len = load<i32>(frame, L.FRAME_LEN);
  if (headroom) {
    for (let p = cpu + L.CPU_FRAME; p != data; p += 16) v128.store(p, v128.splat<i64>(0));
  }
  copyBytes(data, load<i32>(frame), len);
  setFrame(cpu, data, len);
}

@inline
function run(cpu: i32): u32 {
  return <u32>prog(cpu, cpu + L.CPU_STACK_TOP, <u64><u32>cpu);
}

@inline
function countVerdict(cpu: i32, retval: u32): void {
  add64(cpu + L.CPU_STAT_VERDICTS + (<i32>min(retval, UNKNOWN_VERDICT) << 3), 1);
}

/** The frame is done with: counters and position. */
@inline
function passed(cpu: i32, frame: i32): void {
  add64(cpu + L.CPU_STAT_PACKETS, 1);
  add64(cpu + L.CPU_STAT_BYTES, load<u32>(frame, L.FRAME_LEN));
  store<i32>(cpu, load<i32>(cpu, L.CPU_WALK_POS) + 1, L.CPU_WALK_POS);
  add64(cpu + L.CPU_WALK_PACKET, 1);
}

function walkInPlace(cpu: i32, frame: i32, end: i32, offset: u64, clock: bool): i32 {
  for (; frame != end; frame += L.FRAME_DESC_SIZE) {
    if (stopped()) return L.WALK_STOPPED;
    if (refused(frame) == 0) {
      if (clock) advanceClock(cpu, load<u64>(frame, L.FRAME_TS) + offset);
      setFrame(cpu, load<i32>(frame), load<i32>(frame, L.FRAME_LEN));
      countVerdict(cpu, run(cpu));
    } else {
      add64(cpu + L.CPU_STAT_ERRORS, 1);
    }
    passed(cpu, frame);
  }
  return L.WALK_BUDGET;
}

function walkCopying(cpu: i32, frame: i32, end: i32, offset: u64, flags: i32): i32 {
  const headroom = (flags & L.WALK_HEADROOM) != 0;
  setPage(cpu);
  for (; frame != end; frame += L.FRAME_DESC_SIZE) {
    if (stopped()) return L.WALK_STOPPED;
    if (refused(frame) == 0) {
      if ((flags & L.WALK_CLOCK) != 0) advanceClock(cpu, load<u64>(frame, L.FRAME_TS) + offset);
      copyFrame(cpu, frame, headroom);
      countVerdict(cpu, run(cpu));
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

function walkFull(cpu: i32, frame: i32, end: i32, offset: u64, flags: i32): i32 {
  let now = load<u64>(cpu, L.CPU_WALK_NOW); // of all CPUs together: their frames come in order
  for (; frame != end; frame += L.FRAME_DESC_SIZE) {
    const named = cpuOf(cpu, frame, flags);
    const on = named == 0 ? cpu : named;
    const ts = load<u64>(frame, L.FRAME_TS) + offset;
    const errno = named == 0 ? EINVAL : refused(frame);
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
      if ((flags & L.WALK_COPY) != 0) {
        setPage(on);
        copyFrame(on, frame, (flags & L.WALK_HEADROOM) != 0);
      } else {
        setFrame(on, load<i32>(frame), load<i32>(frame, L.FRAME_LEN));
      }
      const retval = run(on);
      countVerdict(cpu, retval);
      const out = (flags & L.WALK_OUT) != 0 ? writeOut(cpu, on, frame, ts, retval, flags) : 0;
      if ((flags & L.WALK_ROWS) != 0) writeRow(cpu, on, ts, retval, out, flags);
    } else {
      add64(cpu + L.CPU_STAT_ERRORS, 1);
      if ((flags & L.WALK_ROWS) != 0) writeErrorRow(cpu, on, frame, ts, errno);
    }
    passed(cpu, frame);
  }
  return L.WALK_BUDGET;
}

@inline
function outLen(on: i32): i32 {
  return load<i32>(on, L.CPU_FRAME_END) - load<i32>(on, L.CPU_CTX_DATA_META);
}

/** Appends a pcap record if the verdict is among those asked for; the address of its bytes, or 0. */
function writeOut(cpu: i32, on: i32, frame: i32, ts: u64, retval: u32, flags: i32): i32 {
  if ((load<u32>(cpu, L.CPU_WALK_OUT_MASK) >> min(retval, UNKNOWN_VERDICT) & 1) == 0) return 0;
  const pos = load<i32>(cpu, L.CPU_WALK_OUT_POS);
  const at = load<i32>(cpu, L.CPU_WALK_OUT) + pos;
  const len = outLen(on);
  const rest = ts % 1000000000;
  store<u32>(at, <u32>(ts / 1000000000));
  store<u32>(at, <u32>((flags & L.WALK_OUT_NS) != 0 ? rest : rest / 1000), 4);
  store<i32>(at, len, 8);
  // what the capture had cut off stays cut off
  const cut = load<u32>(frame, L.FRAME_ORIG_LEN) - load<u32>(frame, L.FRAME_LEN);
  store<i32>(at, len + max<i32>(cut, 0), 12);
  copyBytes(at + PCAP_RECORD, load<i32>(on, L.CPU_CTX_DATA_META), len);
  store<i32>(cpu, pos + PCAP_RECORD + len, L.CPU_WALK_OUT_POS);
  return at + PCAP_RECORD;
}

@inline
function nextRow(cpu: i32): i32 {
  const index = load<i32>(cpu, L.CPU_WALK_ROWS_POS);
  store<i32>(cpu, index + 1, L.CPU_WALK_ROWS_POS);
  return load<i32>(cpu, L.CPU_WALK_ROWS) + index * L.ROW_SIZE;
}

@inline
function writeRowHead(row: i32, cpu: i32, on: i32, ts: u64): void {
  store<u32>(row, load<u32>(on, L.CPU_INDEX), L.ROW_CPU);
  store<u64>(row, load<u64>(cpu, L.CPU_WALK_PACKET), L.ROW_PACKET);
  store<u64>(row, ts, L.ROW_TS);
}

function writeRow(cpu: i32, on: i32, ts: u64, retval: u32, out: i32, flags: i32): void {
  const row = nextRow(cpu);
  const start = load<i32>(on, L.CPU_CTX_DATA_META);
  const len = outLen(on);
  const redirected = retval == XDP_REDIRECT;
  store<u32>(row, retval, L.ROW_RETVAL);
  store<u32>(row, retval <= XDP_REDIRECT ? retval : 0, L.ROW_VERDICT);
  store<u32>(row, 0, L.ROW_ERRNO);
  store<i32>(row, len, L.ROW_LEN);
  store<u32>(row, (flags & L.WALK_CRC) != 0 ? crc32(start, len) : 0, L.ROW_CRC32);
  store<i32>(row, load<i32>(on, L.CPU_CTX_DATA) - start, L.ROW_META_LEN);
  store<i32>(row, redirected ? load<i32>(on, L.CPU_REDIRECT_KIND) : L.REDIRECT_NONE, L.ROW_REDIRECT_KIND);
  store<i32>(row, load<i32>(on, L.CPU_REDIRECT_MAP), L.ROW_REDIRECT_MAP);
  store<i32>(row, load<i32>(on, L.CPU_REDIRECT_INDEX), L.ROW_REDIRECT_INDEX);
  store<i32>(row, load<i32>(on, L.CPU_REDIRECT_IFINDEX), L.ROW_REDIRECT_IFINDEX);
  store<i32>(row, out, L.ROW_OUT_ADDR);
  writeRowHead(row, cpu, on, ts);
}

function writeErrorRow(cpu: i32, on: i32, frame: i32, ts: u64, errno: u32): void {
  const row = nextRow(cpu);
  zeroBytes(row, L.ROW_SIZE);
  store<u32>(row, errno, L.ROW_ERRNO);
  store<u32>(row, load<u32>(frame, L.FRAME_LEN), L.ROW_LEN);
  writeRowHead(row, cpu, on, ts);
}

/** Frames [CPU_WALK_POS, + n) of one round. */
function walkSome(cpu: i32, n: i32, flags: i32): i32 {
  const frame = load<i32>(cpu, L.CPU_WALK_FRAMES) + load<i32>(cpu, L.CPU_WALK_POS) * L.FRAME_DESC_SIZE;
  const end = frame + n * L.FRAME_DESC_SIZE;
  const round: u64 = load<u32>(cpu, L.CPU_WALK_ROUND);
  const offset = load<u64>(cpu, L.CPU_WALK_TS_OFFSET) + round * load<u64>(cpu, L.CPU_WALK_ROUND_NS);
  if ((flags & L.WALK_CLOCK) != 0) startClock(cpu, load<u64>(frame, L.FRAME_TS) + offset);
  if ((flags & ~BARE) == 0) return walkInPlace(cpu, frame, end, offset, (flags & L.WALK_CLOCK) != 0);
  if ((flags & ~COPYING) == 0) return walkCopying(cpu, frame, end, offset, flags);
  return walkFull(cpu, frame, end, offset, flags);
}

/** Goes to the next round; false if there is none. */
function nextRound(cpu: i32): bool {
  const round = load<u32>(cpu, L.CPU_WALK_ROUND) + 1;
  if (load<i32>(cpu, L.CPU_WALK_COUNT) == 0 || round >= load<u32>(cpu, L.CPU_WALK_ROUNDS)) return false;
  store<u32>(cpu, round, L.CPU_WALK_ROUND);
  store<i32>(cpu, 0, L.CPU_WALK_POS);
  return true;
}

export function walk(cpu: i32, flags: i32, budget: i32): i32 {
  if ((flags & L.WALK_TIMERS) != 0) timers_abort(cpu);
  let left = <u32>budget;
  let reason = L.WALK_BUDGET;
  while (reason == L.WALK_BUDGET) {
    const pos = load<u32>(cpu, L.CPU_WALK_POS);
    const count = load<u32>(cpu, L.CPU_WALK_COUNT);
    if (pos >= count) {
      if (nextRound(cpu)) continue;
      reason = L.WALK_DONE;
      break;
    }
    if (left == 0) break;
    reason = walkSome(cpu, min(count - pos, left), flags);
    left -= load<u32>(cpu, L.CPU_WALK_POS) - pos;
  }
  store<i32>(cpu, reason, L.CPU_WALK_REASON);
  return <i32>(<u32>budget - left);
}
