// The walker: frames in, verdicts out, on one CPU by the thread that owns it. Here rounds and budgets; one entry for
// each kind of frames, so that a linked module has the one its program needs.
import * as L from "../../memory/layout";
import { startClock } from "./clock";
import { FlowFrames } from "./frame_flow";
import { SkbFrames } from "./frame_skb";
import { XdpFrames } from "./frame_xdp";
import { timers_abort } from "./timer_run";
import { walkLoop } from "./walk_loops";

/** Frames [CPU_WALK_POS, + n) of one round. */
@inline
function walkSome<K>(cpu: i32, n: i32, flags: i32): i32 {
  const frame = load<i32>(cpu, L.CPU_WALK_FRAMES) + load<i32>(cpu, L.CPU_WALK_POS) * L.FRAME_DESC_SIZE;
  const end = frame + n * L.FRAME_DESC_SIZE;
  const round: u64 = load<u32>(cpu, L.CPU_WALK_ROUND);
  const offset = load<u64>(cpu, L.CPU_WALK_TS_OFFSET) + round * load<u64>(cpu, L.CPU_WALK_ROUND_NS);
  if ((flags & L.WALK_CLOCK) != 0) startClock(cpu, load<u64>(frame, L.FRAME_TS) + offset);
  return walkLoop<K>(cpu, frame, end, offset, flags);
}

/** Goes to the next round; false if there is none. */
function nextRound(cpu: i32): bool {
  const round = load<u32>(cpu, L.CPU_WALK_ROUND) + 1;
  if (load<i32>(cpu, L.CPU_WALK_COUNT) == 0 || round >= load<u32>(cpu, L.CPU_WALK_ROUNDS)) return false;
  store<u32>(cpu, round, L.CPU_WALK_ROUND);
  store<i32>(cpu, 0, L.CPU_WALK_POS);
  return true;
}

@inline
function walkFrames<K>(cpu: i32, flags: i32, budget: i32): i32 {
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
    reason = walkSome<K>(cpu, min(count - pos, left), flags);
    left -= load<u32>(cpu, L.CPU_WALK_POS) - pos;
  }
  store<i32>(cpu, reason, L.CPU_WALK_REASON);
  return <i32>(<u32>budget - left);
}

export function walk(cpu: i32, flags: i32, budget: i32): i32 {
  return walkFrames<XdpFrames>(cpu, flags, budget);
}

export function walk_skb(cpu: i32, flags: i32, budget: i32): i32 {
  return walkFrames<SkbFrames>(cpu, flags, budget);
}

export function walk_flow(cpu: i32, flags: i32, budget: i32): i32 {
  return walkFrames<FlowFrames>(cpu, flags, budget);
}
