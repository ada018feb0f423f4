// Which stack slots may still be read from an insn on. Reads and writes are noted as paths are walked, by insn and by
// the calls that lead to it; where a path ends they flow backwards through the function, and from a function's entry to
// the call. A state with no open path has all its marks: what they leave out cannot matter (Linux 6.18's liveness.c).
import type { Insn } from "../../isa/insn.ts";
import type { Env } from "../env.ts";
import type { Subprog } from "../passes/subprogs.ts";
import { isTailCall, NOWHERE } from "../passes/flow.ts";
import { type Frame, MAX_FRAMES, SlotSet, type VerifierState } from "../state/state.ts";

/** Sets of slots (0..63, two words each) of one frame, for every insn of a function. */
class Marks {
  readonly reads: Int32Array;
  /** on every visit */
  readonly writes: Int32Array;
  /** by this insn or, whatever way is taken, by one behind it in the function */
  readonly written: Int32Array;
  readonly live: Int32Array;
  constructor(insns: number) {
    this.reads = new Int32Array(2 * insns);
    this.writes = new Int32Array(2 * insns);
    this.written = new Int32Array(2 * insns);
    this.live = new Int32Array(2 * insns);
  }
}

/** On some visit an insn wrote nothing that it had always written: what it writes then does not count. */
const WRITES_NOTHING = 1;
const WRITES = 2;

/** A function as one chain of calls reaches it. */
export class Instance {
  /** by frame, the callers' too; made where something is marked */
  readonly frames: (Marks | undefined)[] = [];
  /** what is known of each insn's writes */
  readonly seen: Uint8Array;
  changed = false;
  /** some insn turned out to write less than it was thought to */
  lost = false;
  constructor(
    readonly callsites: readonly number[],
    readonly sub: Subprog,
  ) {
    this.seen = new Uint8Array(sub.end - sub.start);
  }
  get frameno(): number {
    return this.callsites.length;
  }
  get name(): string {
    return chainName(this.callsites, this.sub.start);
  }
  marks(frameno: number): Marks {
    const known = this.frames[frameno];
    if (known !== undefined) return known;
    const made = new Marks(this.seen.length);
    this.frames[frameno] = made;
    return made;
  }
}

function chainName(callsites: readonly number[], start: number): string {
  return callsites.length === 0 ? `(${start})` : `(${callsites.join(",")},${start})`;
}

/** What the verifier keeps of all this: see Env. */
export class StackLive {
  readonly instances = new Map<string, Instance>();
  readonly postorders = new Map<Subprog, Int32Array>();
  /** of the current frame; undefined: to be looked up */
  cur: Instance | undefined = undefined;
  /** what the current insn writes, by frame */
  readonly writing = new Int32Array(2 * MAX_FRAMES);
  /** some of it is not empty */
  wrote = false;
}

function instanceOf(env: Env, callsites: readonly number[], subprogno: number): Instance {
  const sub = env.subprogs[subprogno] as Subprog;
  const name = chainName(callsites, sub.start);
  let found = env.stackLive.instances.get(name);
  if (found === undefined) {
    found = new Instance(callsites, sub);
    env.stackLive.instances.set(name, found);
  }
  return found;
}

/** The instance of a state's frame. */
function frameInstance(env: Env, st: VerifierState, frameno: number): Instance {
  const { call } = st.frames[frameno] as Frame;
  if (call.instance === undefined) {
    const callsites = st.frames.slice(1, frameno + 1).map((f) => f.callsite);
    call.instance = instanceOf(env, callsites, call.subprogno);
  }
  return call.instance;
}

function current(env: Env): Instance {
  const { stackLive } = env;
  stackLive.cur ??= frameInstance(env, env.state, env.state.frames.length - 1);
  return stackLive.cur;
}

/** Another frame is the current one now; what the insn at hand wrote is not noted. */
export function forgetInstance(env: Env): void {
  env.stackLive.cur = undefined;
}

function markRead(at: Instance, frameno: number, pc: number, lo: number, hi: number): void {
  const m = at.marks(frameno);
  const i = 2 * (pc - at.sub.start);
  const newLo = lo & ~(m.reads[i] as number);
  const newHi = hi & ~(m.reads[i + 1] as number);
  if ((newLo | newHi) === 0) return;
  m.reads[i] = (m.reads[i] as number) | lo;
  m.reads[i + 1] = (m.reads[i + 1] as number) | hi;
  if (((newLo & ~(m.live[i] as number)) | (newHi & ~(m.live[i + 1] as number))) !== 0) at.changed = true;
}

/** The current insn may read the slot. */
export function noteSlotRead(env: Env, frameno: number, spi: number): void {
  const bit = 1 << (spi & 31);
  markRead(current(env), frameno, env.pc, spi < 32 ? bit : 0, spi < 32 ? 0 : bit);
}

/** The current insn writes all of the slot. */
export function noteSlotWrite(env: Env, frameno: number, spi: number): void {
  const { writing } = env.stackLive;
  const i = 2 * frameno + (spi >> 5);
  writing[i] = (writing[i] as number) | (1 << (spi & 31));
  env.stackLive.wrote = true;
}

export function beginInsn(env: Env): void {
  current(env);
  forgetWrites(env.stackLive);
}

function forgetWrites(stackLive: StackLive): void {
  if (!stackLive.wrote) return;
  const { writing } = stackLive;
  for (let i = 0; i < writing.length; i++) writing[i] = 0;
  stackLive.wrote = false;
}

export function endInsn(env: Env, pc: number): void {
  if (env.stackLive.cur !== undefined) commitWrites(env, env.stackLive.cur, pc);
}

/** An insn writes what it wrote on every visit. */
function commitWrites(env: Env, at: Instance, pc: number): void {
  const { writing } = env.stackLive;
  const i = pc - at.sub.start;
  if (at.seen[i] === WRITES_NOTHING) return;
  const seen = at.seen[i] === WRITES;
  let all = 0;
  for (let f = 0; f <= at.frameno; f++) {
    let lo = writing[2 * f] as number;
    let hi = writing[2 * f + 1] as number;
    if ((lo | hi) === 0 && (!seen || at.frames[f] === undefined)) continue;
    const { writes } = at.marks(f);
    const wasLo = writes[2 * i] as number;
    const wasHi = writes[2 * i + 1] as number;
    if (seen) {
      lo &= wasLo;
      hi &= wasHi;
    }
    all |= lo | hi;
    if (lo === wasLo && hi === wasHi) continue;
    writes[2 * i] = lo;
    writes[2 * i + 1] = hi;
    at.changed = true;
    if (((wasLo & ~lo) | (wasHi & ~hi)) !== 0) at.lost = true;
  }
  at.seen[i] = all === 0 ? WRITES_NOTHING : WRITES;
}

/** A tail call, or a load past the packet's end. */
function mayLeave(insn: Insn): boolean {
  return isTailCall(insn) || insn.kind === "ld_abs" || insn.kind === "ld_ind";
}

/** Where an insn that may leave the function for good goes as well: to some exit, in place of a jump's target. */
function secondWay(env: Env, sub: Subprog, pc: number): number {
  const target = env.flow.target[pc] as number;
  const insn = env.insns[pc];
  if (sub.start === 0 || insn === undefined || !mayLeave(insn)) return target;
  for (let at = sub.start; at < sub.end; at++) if (env.insns[at]?.kind === "exit") return at;
  return target;
}

/** Each insn with the two ways on from it, three numbers a step. */
const STEP = 3;

const FOUND = 1;
const DONE = 2;

/** The steps of the function, each behind those it leads to where there is no loop. */
function postorder(env: Env, sub: Subprog): Int32Array {
  const known = env.stackLive.postorders.get(sub);
  if (known !== undefined) return known;
  const color = new Uint8Array(sub.end - sub.start);
  const steps: number[] = [];
  const stack = [sub.start];
  const find = (to: number): void => {
    if (to === NOWHERE || color[to - sub.start] !== 0) return;
    color[to - sub.start] = FOUND;
    stack.push(to);
  };
  for (let pc = stack.at(-1); pc !== undefined; pc = stack.at(-1)) {
    const next = env.flow.next[pc] as number;
    const second = secondWay(env, sub, pc);
    if (color[pc - sub.start] === DONE) {
      steps.push(pc, next, second);
      stack.pop();
      continue;
    }
    color[pc - sub.start] = DONE;
    find(next);
    find(second);
  }
  const order = Int32Array.from(steps);
  env.stackLive.postorders.set(sub, order);
  return order;
}

/** One insn's marks from those of the insns behind it; true if they changed. */
function updateInsn(
  env: Env,
  at: Instance,
  frameno: number,
  m: Marks,
  pc: number,
  next: number,
  second: number,
): boolean {
  if (next === NOWHERE && second === NOWHERE) return false;
  const i = 2 * (pc - at.sub.start);
  let liveLo = 0;
  let liveHi = 0;
  let writtenLo = -1;
  let writtenHi = -1;
  if (next !== NOWHERE) {
    const k = 2 * (next - at.sub.start);
    liveLo = m.live[k] as number;
    liveHi = m.live[k + 1] as number;
    writtenLo = m.written[k] as number;
    writtenHi = m.written[k + 1] as number;
  }
  if (second !== NOWHERE) {
    const k = 2 * (second - at.sub.start);
    liveLo |= m.live[k] as number;
    liveHi |= m.live[k + 1] as number;
    writtenLo &= m.written[k] as number;
    writtenHi &= m.written[k + 1] as number;
  }
  const wLo = m.writes[i] as number;
  const wHi = m.writes[i + 1] as number;
  writtenLo |= wLo;
  writtenHi |= wHi;
  liveLo = (liveLo & ~wLo) | (m.reads[i] as number);
  liveHi = (liveHi & ~wHi) | (m.reads[i + 1] as number);
  const same =
    m.live[i] === liveLo &&
    m.live[i + 1] === liveHi &&
    m.written[i] === writtenLo &&
    m.written[i + 1] === writtenHi;
  if (same) return false;
  if (env.log.level === 2 && isLogged(env, at, m, pc)) {
    const where = `${at.name} frame ${frameno} insn ${pc} `;
    logChange(env, where, "live", m.live, i, liveLo, liveHi);
    logChange(env, where, "written", m.written, i, writtenLo, writtenHi);
  }
  m.live[i] = liveLo;
  m.live[i + 1] = liveHi;
  m.written[i] = writtenLo;
  m.written[i + 1] = writtenHi;
  return true;
}

function isLogged(env: Env, at: Instance, m: Marks, pc: number): boolean {
  if (pc === at.sub.start || env.prunePoint[pc] === 1) return true;
  const i = 2 * (pc - at.sub.start);
  const touched =
    (m.reads[i] as number) |
    (m.reads[i + 1] as number) |
    (m.writes[i] as number) |
    (m.writes[i + 1] as number);
  return touched !== 0;
}

function fmtSlots(lo: number, hi: number): string {
  const out: string[] = [];
  for (let spi = 0; spi < 64; spi++)
    if ((((spi < 32 ? lo : hi) >>> (spi & 31)) & 1) !== 0) out.push(`${(-spi - 1) * 8}`);
  return out.join(",");
}

function logChange(
  env: Env,
  where: string,
  what: "live" | "written",
  marks: Int32Array,
  i: number,
  lo: number,
  hi: number,
): void {
  const wasLo = marks[i] as number;
  const wasHi = marks[i + 1] as number;
  const more = fmtSlots(lo & ~wasLo, hi & ~wasHi);
  const less = fmtSlots(wasLo & ~lo, wasHi & ~hi);
  if (more === "" && less === "") return;
  env.log.line(where + (more === "" ? "" : `+${what} ${more} `) + (less === "" ? "" : `-${what} ${less}`));
}

/** Lets the marks flow back until nothing changes, then on to the call. */
function updateInstance(env: Env, at: Instance): void {
  if (at.lost) for (const m of at.frames) m?.written.fill(0);
  const order = postorder(env, at.sub);
  let rounds = 0;
  for (let again = true; again; ) {
    again = false;
    rounds++;
    for (let f = 0; f <= at.frameno; f++) {
      const m = at.frames[f];
      if (m === undefined) continue;
      for (let k = 0; k < order.length; k += STEP) {
        const pc = order[k] as number;
        if (updateInsn(env, at, f, m, pc, order[k + 1] as number, order[k + 2] as number)) again = true;
      }
    }
  }
  if (env.log.level === 2) env.log.line(`${at.name} live stack update done in ${rounds} iterations`);
  if (at.frameno > 0) passToCaller(env, at);
}

/** The call reads and writes what the function does that it calls. */
function passToCaller(env: Env, at: Instance): void {
  const callsite = at.callsites.at(-1) as number;
  const caller = instanceOf(env, at.callsites.slice(0, -1), subprogAt(env, callsite));
  const { writing } = env.stackLive;
  forgetWrites(env.stackLive);
  env.stackLive.wrote = true;
  for (let f = 0; f < at.frameno; f++) {
    const m = at.frames[f];
    if (m === undefined) continue;
    writing[2 * f] = m.written[0] as number;
    writing[2 * f + 1] = m.written[1] as number;
    markRead(caller, f, callsite, m.live[0] as number, m.live[1] as number);
  }
  commitWrites(env, caller, callsite);
}

function subprogAt(env: Env, pc: number): number {
  let i = 0;
  while ((env.subprogs[i + 1]?.start ?? env.insns.length) <= pc) i++;
  return i;
}

/** A path ends, or leaves a function: what it marked is passed on. */
export function updateStackLive(env: Env): void {
  forgetInstance(env);
  for (let f = env.state.frames.length - 1; f >= 0; f--) {
    const at = frameInstance(env, env.state, f);
    if (!at.changed) continue;
    updateInstance(env, at);
    at.changed = false;
    at.lost = false;
  }
}

function addLiveAt(at: Instance, frameno: number, pc: number, to: SlotSet): void {
  const m = at.frames[frameno];
  const i = 2 * (pc - at.sub.start);
  if (m !== undefined) to.set(to.lo | (m.live[i] as number), to.hi | (m.live[i + 1] as number));
}

/** For a state that stands at `pc`: which slots of this frame may still be read. */
export function liveSlots(env: Env, st: VerifierState, frameno: number, pc: number): SlotSet {
  const live = new SlotSet();
  const top = st.frames.length - 1;
  addLiveAt(frameInstance(env, st, top), frameno, pc, live);
  for (let f = frameno; f < top; f++) {
    const callsite = st.frames[f + 1]?.callsite as number;
    // a call that calls back is executed again after the callback
    const from = env.callsCallback[callsite] === 1 ? callsite : callsite + 1;
    addLiveAt(frameInstance(env, st, f), frameno, from, live);
  }
  return live;
}
