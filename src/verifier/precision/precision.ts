// Which scalars a decision depended on. Walking back over the insns of a path, through checkpoints, calls and spills,
// the values that fed the decision are marked precise in every checkpoint; pruning may ignore the others.
// Where the walk loses its way everything is marked: too much is slow, too little unsound.
import type { Insn } from "../../isa/insn.ts";
import { isSyncCallbackCall } from "../passes/cfg.ts";
import type { Env } from "../env.ts";
import { isTailCall } from "../passes/flow.ts";
import {
  HIST_DST_FP,
  HIST_SRC_FP,
  HIST_STACK,
  histFrame,
  histSpi,
  linkedFrame,
  linkedIndex,
  linkedIsReg,
  NO_HIST,
} from "../state/history.ts";
import { logLost, logParent, logPropagated, logSearch, logUndo } from "./log.ts";
import type { RegState } from "../state/regs.ts";
import { type Frame, MAIN_CALLSITE, MAX_FRAMES, type PathEnd, type VerifierState } from "../state/state.ts";
import { findSubprog } from "../passes/subprogs.ts";
import { COMBINED, COMPARED, LOADED, MOVED, NOTHING, SET, STORED } from "./undo.ts";
import type { Wanted } from "./wanted.ts";

const ARGS = 0x3e; // r1..r5

/** "lost": the origin cannot be followed, so everything must be taken as precise. */
type Step = "ok" | "lost";

function isWanted(w: Wanted, e: number): boolean {
  return linkedIsReg(e)
    ? (w.regsOf(linkedFrame(e)) & (1 << linkedIndex(e))) !== 0
    : w.slotsOf(linkedFrame(e)).has(linkedIndex(e));
}

function anyWanted(w: Wanted, linked: readonly number[]): boolean {
  for (const e of linked) if (isWanted(w, e)) return true;
  return false;
}

/** If one of the linked scalars is wanted, so are all: their facts came from one another. */
function syncLinked(w: Wanted, linked: readonly number[]): void {
  if (!anyWanted(w, linked)) return;
  for (const e of linked) {
    if (linkedIsReg(e)) w.addIn(linkedFrame(e), linkedIndex(e));
    else w.slotsOf(linkedFrame(e)).add(linkedIndex(e));
  }
}

/** Undoes one insn: what is wanted after it, in terms of what was there before it. */
function backtrack(env: Env, w: Wanted, pc: number, subseq: number, entry: number): Step | "untouched" {
  logUndo(env, w, pc);
  const flags = env.history.flags(entry);
  if (flags === 0 && !env.undo.matters(pc, w.mask)) return "untouched";
  const linked = env.history.linked(entry);
  if (linked === undefined) return backtrackOne(env, w, pc, subseq, flags);
  syncLinked(w, linked);
  const step = backtrackOne(env, w, pc, subseq, flags);
  if (step === "ok") syncLinked(w, linked);
  return step;
}

function backtrackOne(env: Env, w: Wanted, pc: number, subseq: number, flags: number): Step {
  const { kind, dst, src } = env.undo;
  const to = dst[pc] as number;
  const from = src[pc] as number;
  switch (kind[pc]) {
    case NOTHING:
      return "ok";
    case SET:
      w.drop(to);
      return "ok";
    case MOVED:
      if (!w.has(to)) return "ok";
      w.drop(to);
      w.add(from);
      return "ok";
    case COMBINED:
      if (w.has(to)) w.add(from);
      return "ok";
    case LOADED:
      return backtrackLoad(w, to, flags);
    case STORED:
      return backtrackStore(w, to, from, flags);
    case COMPARED:
      return backtrackJmp(w, to, from, flags);
    default:
      return backtrackRare(env, w, env.insns[pc] as Insn, subseq, flags);
  }
}

function backtrackRare(env: Env, w: Wanted, insn: Insn, subseq: number, flags: number): Step {
  switch (insn.kind) {
    case "atomic":
      return (flags & HIST_STACK) !== 0 && w.slotsOf(histFrame(flags)).has(histSpi(flags)) ? "lost" : "ok";
    case "call":
      return backtrackCall(env, w, insn, subseq);
    case "exit":
      return backtrackExit(env, w, subseq);
    default:
      // legacy packet loads
      if (w.has(0)) return "lost";
      return insn.pc === subseq - 1 ? "ok" : intoCallee(w);
  }
}

function backtrackLoad(w: Wanted, regno: number, flags: number): Step {
  if (!w.has(regno)) return "ok";
  w.drop(regno);
  if ((flags & HIST_STACK) !== 0) w.slotsOf(histFrame(flags)).add(histSpi(flags));
  return "ok";
}

function backtrackStore(w: Wanted, base: number, src: number, flags: number): Step {
  if (w.has(base)) return "lost";
  if ((flags & HIST_STACK) === 0) return "ok";
  const slots = w.slotsOf(histFrame(flags));
  const spi = histSpi(flags);
  if (!slots.has(spi)) return "ok";
  slots.delete(spi);
  if (src >= 0) w.add(src);
  return "ok";
}

function backtrackJmp(w: Wanted, dst: number, src: number, flags: number): Step {
  if (!w.has(dst) && !w.has(src)) return "ok";
  if ((flags & HIST_SRC_FP) === 0) w.add(src);
  if ((flags & HIST_DST_FP) === 0) w.add(dst);
  return "ok";
}

/** Out of a callee, backwards: its arguments are the caller's. */
function leaveCallee(w: Wanted, keepArgs: boolean): Step {
  if ((w.mask & ~ARGS) !== 0 || !w.slotsOf(w.frame).isEmpty || w.frame === 0) return "lost";
  const args = w.mask;
  w.setRegs(w.frame, 0);
  w.frame--;
  if (keepArgs) w.setRegs(w.frame, w.mask | args);
  return "ok";
}

function backtrackCall(env: Env, w: Wanted, insn: Extract<Insn, { kind: "call" }>, subseq: number): Step {
  if (insn.callee.kind === "subprog") {
    const sub = env.subprogs[findSubprog(env, insn.callee.target)];
    if (sub?.global !== true) return leaveCallee(w, true);
  } else if (isSyncCallbackCall(env, insn) && insn.pc !== subseq - 1) return leaveCallee(w, false);
  else if (isTailCall(insn) && insn.pc !== subseq - 1) return backtrackTailCall(w);
  w.drop(0);
  return (w.mask & ARGS) !== 0 ? "lost" : "ok";
}

/** Into a callee that ended in a tail call: the caller's r0 came from the other program. */
function backtrackTailCall(w: Wanted): Step {
  w.drop(0);
  return intoCallee(w);
}

/** Into a callee that ended in its middle. */
function intoCallee(w: Wanted): Step {
  if ((w.mask & ARGS) !== 0 || w.frame + 1 >= MAX_FRAMES) return "lost";
  w.enter(0);
  return "ok";
}

/** Into a callee, backwards: from the insn after the call to the callee's exit. */
function backtrackExit(env: Env, w: Wanted, subseq: number): Step {
  const before = subseq > 0 ? env.insns[subseq - 1] : undefined;
  const fromCall = before?.kind === "call" && before.callee.kind === "subprog";
  if (fromCall && (w.mask & ARGS) !== 0) return "lost";
  const r0 = fromCall && w.has(0);
  w.drop(0);
  if (w.frame + 1 >= MAX_FRAMES) return "lost";
  w.enter(r0 ? 1 : 0);
  return "ok";
}

/** Everything in the checkpoints before `from`; true if that was news to some. */
export function markAllPrecise(env: Env, from: PathEnd): boolean {
  logLost(env, from.depth - 1);
  let changed = false;
  for (let st = from.parent; st !== undefined; st = st.parent) {
    for (const frame of st.frames) {
      if (frame.preciseRegs !== 0x3ff || (frame.preciseSlots.lo & frame.preciseSlots.hi) !== -1)
        changed = true;
      frame.preciseRegs = 0x3ff;
      frame.preciseSlots.set(-1, -1);
    }
  }
  return changed;
}

/**
 * What another path spilled and compared was set by a helper in this one: nothing is spilled there, so the walk finds no
 * beginning and comes to checkpoints whose stack was not yet so deep. The kernel takes that for a bug of its own.
 */
function rejectUnknownSlot(env: Env, spi: number, total: number): never {
  const where = "(i >= func->allocated_stack / BPF_REG_SIZE)";
  env.reject("EFAULT", `verifier bug: stack slot ${spi}, total slots ${total} ${where}`);
}

/** Marks what is wanted in a checkpoint; what is marked there already needs no further search. */
function markIn(env: Env, st: VerifierState, w: Wanted): Step {
  for (let f = w.frame; f >= 0; f--) {
    const frame = st.frames[f];
    if (frame === undefined) return "lost";
    for (let i = 0; i < 10; i++) {
      const bit = 1 << i;
      if ((w.regsOf(f) & bit) === 0) continue;
      if ((frame.regs[i] as RegState).kind !== "scalar" || (frame.preciseRegs & bit) !== 0) w.dropIn(f, i);
      else frame.preciseRegs |= bit;
    }
    const slots = w.slotsOf(f);
    for (let spi = 0; spi < 64 && !slots.isEmpty; spi++) {
      if (!slots.has(spi)) continue;
      if (spi >= frame.stack.length) rejectUnknownSlot(env, spi, frame.stack.length);
      if (frame.slot(spi).spilled?.kind !== "scalar" || frame.preciseSlots.has(spi)) slots.delete(spi);
      else frame.preciseSlots.add(spi);
    }
    logParent(env, st, frame, w.regsOf(f), slots);
  }
  return "ok";
}

/** Walks back through one state's insns; false when the whole search is over. */
function walkState(
  env: Env,
  st: PathEnd,
  w: Wanted,
  lastPc: number,
  subseqPc: number,
  skipFirst: boolean,
): "done" | "lost" | "more" {
  const { history } = env;
  let { hist } = st;
  let subseq = subseqPc;
  let skip = skipFirst;
  for (let pc = lastPc; ; ) {
    if (!skip && env.log.level !== 2) {
      const last = env.undo.skipTo(pc, hist === NO_HIST ? st.firstPc : history.pc(hist), w.mask);
      if (last !== pc) subseq = last + 1;
      pc = last;
    }
    const entry = hist !== NO_HIST && history.pc(hist) === pc ? hist : NO_HIST;
    if (skip) skip = false;
    else {
      const step = backtrack(env, w, pc, subseq, entry);
      if (step === "lost") return "lost";
      if (step === "ok" && w.isEmpty) return "done";
    }
    subseq = pc;
    const isFirst = hist === NO_HIST || (entry !== NO_HIST && history.before(entry) === NO_HIST);
    if (pc === st.firstPc && isFirst) return "more";
    if (entry !== NO_HIST) {
      hist = history.before(entry);
      pc = history.prev(entry);
    } else pc--;
    if (pc < 0 || pc >= env.insns.length) return "lost";
  }
}

/** From `from` at its insn back to where the wanted values came from; true if some checkpoint learned of it. */
function search(env: Env, w: Wanted, from: PathEnd, fromPc: number): boolean {
  let at = from;
  let lastPc = fromPc;
  let subseq = -1;
  let changed = false;
  for (;;) {
    logSearch(env, w.frame, lastPc, at.firstPc, subseq);
    const end = walkState(env, at, w, lastPc, subseq, at === from);
    if (end === "done") return changed;
    const st = at.parent;
    if (end === "lost" || st === undefined || markIn(env, st, w) === "lost")
      return markAllPrecise(env, from) || changed;
    if (w.isEmpty) return changed;
    changed = true;
    subseq = at.firstPc;
    lastPc = st.lastPc;
    at = st;
    if (lastPc < 0) {
      logSearch(env, w.frame, lastPc, st.firstPc, subseq);
      return markEntry(env, st, w, from) || changed;
    }
  }
}

/** The entry of a global function: its arguments are where values begin. */
function markEntry(env: Env, st: VerifierState, w: Wanted, from: PathEnd): boolean {
  const frame = st.frames[0];
  const atEntry =
    st.frames.length === 1 && frame !== undefined && frame.subprogno > 0 && frame.callsite === MAIN_CALLSITE;
  if (!atEntry || (w.mask & ~ARGS) !== 0 || !w.slotsOf(0).isEmpty) return markAllPrecise(env, from);
  frame.preciseRegs |= w.mask;
  return false;
}

/** Nothing needs to be marked. */
function isAllCompared(env: Env): boolean {
  return env.exact || !env.may.imprecision;
}

/** A decision depended on the current frame's register. */
export function markPrecise(env: Env, regno: number): void {
  if (isAllCompared(env) || (env.regs[regno] as RegState).kind !== "scalar") return;
  const w = env.wanted.restart(env.state.depth - 1);
  w.add(regno);
  search(env, w, env.state, env.pc);
}

export function markSlotPrecise(env: Env, frameno: number, spi: number): void {
  if (isAllCompared(env)) return;
  const w = env.wanted.restart(env.state.depth - 1);
  w.slotsOf(frameno).add(spi);
  search(env, w, env.state, env.pc);
}

/** `cur`, which stands at `pc`, is covered by `old`: what mattered there matters here. True if that was news. */
export function propagatePrecision(env: Env, old: VerifierState, cur: PathEnd, pc: number): boolean {
  if (isAllCompared(env)) return false;
  const w = env.wanted.restart(cur.depth - 1);
  for (let f = old.frames.length - 1; f >= 0; f--) {
    const frame = old.frames[f] as Frame;
    for (let i = 0; i < 10; i++)
      if ((frame.preciseRegs & (1 << i)) !== 0 && (frame.regs[i] as RegState).kind === "scalar")
        w.addIn(f, i);
    const slots = w.slotsOf(f);
    for (let spi = 0; spi < frame.stack.length && !frame.preciseSlots.isEmpty; spi++)
      if (frame.preciseSlots.has(spi) && frame.slot(spi).spilled?.kind === "scalar") slots.add(spi);
    logPropagated(env, f, w.regsOf(f), slots);
  }
  return !w.isEmpty && search(env, w, cur, pc);
}
