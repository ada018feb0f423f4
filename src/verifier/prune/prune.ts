// When to keep a state, and when a path may end because an earlier state covers it. Also notices loops that
// cannot end. What "covers" means is decided elsewhere.
import type { Env } from "../env.ts";
import { activeDepthsDiffer, isActive } from "../objects/iter.ts";
import { frameText } from "../log/log_state.ts";
import { NO_HIST } from "../state/history.ts";
import { propagatePrecision } from "../precision/precision.ts";
import { addBackedge, enterScc, exitScc, isIncomplete } from "./scc.ts";
import { noteEscape } from "../stack/bounds.ts";
import { liveSlots, updateStackLive } from "../stack/live.ts";
import { NOT_INIT, type RegState } from "../state/regs.ts";
import { maybeLooping, type Mode, statesEqual } from "./states_equal.ts";
import { Explored, type VerifierState } from "../state/state.ts";

/** A path's history is cut by a checkpoint before it gets longer than this. */
const MAX_HISTORY = 40;

/** More states than this are kept at an insn only with the right to. */
const MAX_STATES = 64;

type Verdict = "hit" | "miss" | "skip";

/** An earlier state some of whose paths are still open: this path may be a round of a loop. */
function matchOpen(env: Env, old: VerifierState, cur: VerifierState, pc: number): Verdict {
  // another entry of a callback that sets itself again is no loop
  if (old.cur.inAsyncCallback && old.cur.call.asyncEntry !== cur.cur.call.asyncEntry) return "skip";
  const insn = env.insns[pc];
  if (env.iterNext[pc] === 1)
    return statesEqual(env, old, cur, pc, "range") && isActive(cur) ? "hit" : "skip";
  if (insn?.kind === "may_goto") {
    if (old.mayGotoDepth !== cur.mayGotoDepth && statesEqual(env, old, cur, pc, "range")) return "hit";
  } else if (env.callsCallback[pc] === 1) return statesEqual(env, old, cur, pc, "whole") ? "hit" : "skip";
  if (
    maybeLooping(old, cur) &&
    old.mayGotoDepth === cur.mayGotoDepth &&
    old.callbackUnrollDepth === cur.callbackUnrollDepth &&
    statesEqual(env, old, cur, pc, "exact") &&
    !activeDepthsDiffer(old, cur)
  )
    rejectLoop(env, old, cur, pc);
  return "skip";
}

function rejectLoop(env: Env, old: VerifierState, cur: VerifierState, pc: number): never {
  env.log.source(env.lineAt(pc));
  const show = (st: VerifierState): string => frameText(env, st.cur, st.refs);
  const states = [`cur state:${show(cur)}`, `old state:${show(old)}`];
  env.reject("EINVAL", `infinite loop detected at insn ${pc}`, ...states);
}

/** What a helper gets unseen counts as dead here, but when the helper runs it may follow a pointer to the stack. */
function noteUnseenArgs(env: Env): void {
  for (let regno = 1; regno <= 5; regno++) noteEscape(env, env.regs[regno] as RegState);
}

function onHit(env: Env, old: VerifierState, open: boolean): void {
  if (env.jmpPoint[env.pc] === 1) env.pushHistory(0, undefined);
  propagatePrecision(env, old, env.state, env.pc);
  if (env.unseenArgs) noteUnseenArgs(env);
  if (open && !env.exact) addBackedge(env, old);
}

/** States that are compared often and never match are let go. */
function isUseless(env: Env, e: Explored, pc: number): boolean {
  const n = env.forceCheckpoint[pc] === 1 && e.state.branches > 0 ? 64 : 3;
  return e.misses > e.hits * n + n;
}

/** As splice, which makes a list of what it takes out. */
function removeAt(list: Explored[], at: number): void {
  for (let i = at + 1; i < list.length; i++) list[i - 1] = list[i] as Explored;
  list.pop();
}

function keep(env: Env, pc: number): void {
  const cur = env.state;
  const state = cur.clone();
  state.pc = pc;
  for (const frame of state.frames) frame.keepMarks();
  env.exploredAt().push(new Explored(state));
  env.totalStates++;
  env.curStates++;
  env.notePeak();
  env.prevJmps = env.jmpsProcessed;
  env.prevInsns = env.processed;
  cur.parent = state;
  cur.firstPc = pc;
  cur.hist = NO_HIST;
  enterScc(env, state);
}

/** Clears what cannot be read any more in the states that no open path goes on from. */
function cleanStates(env: Env, pc: number): void {
  for (const { state } of env.exploredAt()) {
    if (state.branches > 0 || state.cleaned || state.pc !== pc || !sameCalls(state, env.state)) continue;
    if (!isIncomplete(state)) clean(env, state);
  }
}

/** With claims: what no path from here reads is claimed no more, so that fewer states differ. */
function forgetDead(env: Env, st: VerifierState): void {
  for (const frame of st.frames) {
    const live = env.liveIn(st, frame, env.pc);
    for (let i = 0; i < 10; i++) if ((live & (1 << i)) === 0) frame.regs[i] = NOT_INIT;
  }
}

function sameCalls(a: VerifierState, b: VerifierState): boolean {
  if (a.frames.length !== b.frames.length) return false;
  for (let i = 1; i < a.frames.length; i++) if (a.frames[i]?.callsite !== b.frames[i]?.callsite) return false;
  return true;
}

function clean(env: Env, st: VerifierState): void {
  st.cleaned = true;
  for (const frame of st.frames) {
    const live = env.liveIn(st, frame, st.pc);
    for (let i = 0; i < 10; i++) if ((live & (1 << i)) === 0) frame.regs[i] = NOT_INIT;
    frame.keepOnly(liveSlots(env, st, frame.frameno, st.pc));
  }
}

/** How a state without open paths is compared: in full while it is not known what all the paths from it depend on. */
function openMode(env: Env, old: VerifierState): Mode {
  if (env.exact) return "whole";
  if (!isIncomplete(old)) return "covered";
  return old.sccVisit?.ofCallback === true ? "whole" : "range";
}

/** At a prune point: true if this path need not be followed any further. */
export function isVisited(env: Env): boolean {
  const pc = env.pc;
  const cur = env.state;
  const force =
    env.testStateFreq || env.forceCheckpoint[pc] === 1 || env.history.count(cur.hist) > MAX_HISTORY;
  let add = force || (env.jmpsProcessed - env.prevJmps >= 2 && env.processed - env.prevInsns >= 8);
  if (env.exact) forgetDead(env, cur);
  else cleanStates(env, pc);
  const list = env.exploredAt();
  const count = list.length;
  for (let i = list.length - 1; i >= 0; i--) {
    const e = list[i] as Explored;
    const old = e.state;
    if (old.pc !== pc) continue;
    let hit = false;
    let open = old.branches > 0;
    if (open) {
      hit = matchOpen(env, old, cur, pc) === "hit";
      if (!hit && !force && env.jmpsProcessed - env.prevJmps < 20 && env.processed - env.prevInsns < 100)
        add = false;
    } else {
      open = isIncomplete(old);
      hit = statesEqual(env, old, cur, pc, openMode(env, old));
    }
    if (hit) {
      e.hits++;
      onHit(env, old, open);
      return true;
    }
    if (add) e.misses++;
    if (isUseless(env, e, pc)) {
      removeAt(list, i);
      // where paths go on from it, it is still needed
      if (old.branches > 0) old.dropped = true;
      else env.curStates--;
    }
  }
  if (count > env.maxStatesPerInsn) env.maxStatesPerInsn = count;
  if (add && (env.may.statesKept || count <= MAX_STATES)) keep(env, pc);
  return false;
}

/** A path has ended: its checkpoints have one open path less. */
export function endPath(env: Env): void {
  closeBranches(env);
  updateStackLive(env);
}

function closeBranches(env: Env): void {
  for (let st: VerifierState | undefined = env.state; st !== undefined; st = st.parent) {
    st.branches--;
    if (st.branches > 0) return;
    exitScc(env, st);
    if (st.dropped) env.curStates--;
  }
}
