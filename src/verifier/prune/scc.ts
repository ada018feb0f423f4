// Loops that the verifier does not count out. Insns that can reach each other form a component; a path that ends on
// an open state of its own component went round. What the rest of the component depends on is not known then, so such
// a path is kept until the state where the component was entered has no open path left, and is only then told what
// the state it ended on turned out to depend on, again and again until nothing new is found.
// Follows what Linux 6.17 does (compute_scc, propagate_backedges in kernel/bpf/verifier.c).
import type { Env } from "../env.ts";
import { NOWHERE } from "../passes/flow.ts";
import { markAllPrecise, propagatePrecision } from "../precision/precision.ts";
import { emptyList } from "../state/list.ts";
import type { PathEnd, VerifierState } from "../state/state.ts";

/** A path that ended on an open state: what walking back over it takes. There may be a hundred thousand of them. */
class Backedge implements PathEnd {
  readonly parent: VerifierState | undefined;
  readonly hist: number;
  readonly firstPc: number;
  readonly depth: number;
  constructor(
    { parent, hist, firstPc, depth }: VerifierState,
    readonly pc: number,
    readonly equal: VerifierState,
  ) {
    this.parent = parent;
    this.hist = hist;
    this.firstPc = firstPc;
    this.depth = depth;
  }
}

/** A component entered through the same calls. */
export interface SccVisit {
  /** as the log names it */
  readonly chain: string;
  /** the loop is a call that calls back, which Linux does not count as one */
  readonly ofCallback: boolean;
  entry: VerifierState | undefined;
  backedges: Backedge[];
}

const MAX_ROUNDS = 64;

const UNSEEN = 0;
const DONE = 0xffffffff;

/** Numbers of the components of two insns or more, of insns that follow themselves, of calls that call back; 0 = none. */
export function computeSccs(env: Env): void {
  const n = env.insns.length;
  const { next, target } = env.flow;
  const order = new Uint32Array(n);
  const low = new Uint32Array(n);
  /** how many of the insn's two ways were taken */
  const taken = new Uint8Array(n);
  const stack: number[] = [];
  const path: number[] = [];
  let count = 0;
  let nextScc = 1;
  const enter = (pc: number): void => {
    order[pc] = ++count;
    low[pc] = count;
    stack.push(pc);
    path.push(pc);
  };
  const lower = (pc: number, to: number): void => {
    if ((low[to] as number) < (low[pc] as number)) low[pc] = low[to] as number;
  };
  const finish = (pc: number): void => {
    const single = stack[stack.length - 1] === pc;
    const followsItself = next[pc] === pc || target[pc] === pc;
    const counts = !single || followsItself || env.callsCallback[pc] === 1;
    if (single && counts && !followsItself) env.callbackSccs.add(nextScc);
    for (let w = stack.pop(); w !== undefined; w = stack.pop()) {
      low[w] = DONE;
      if (counts) env.scc[w] = nextScc;
      if (w === pc) break;
    }
    if (counts) nextScc++;
  };
  for (let start = 0; start < n; start++) {
    if (env.insns[start] === undefined || order[start] !== UNSEEN) continue;
    enter(start);
    for (let pc = path.at(-1); pc !== undefined; pc = path.at(-1)) {
      const way = taken[pc] as number;
      taken[pc] = way + 1;
      if (way === 2) {
        path.pop();
        if (low[pc] === order[pc]) finish(pc);
        const up = path.at(-1);
        if (up !== undefined) lower(up, pc);
        continue;
      }
      const to = (way === 0 ? next : target)[pc] as number;
      if (to === NOWHERE) continue;
      if (order[to] === UNSEEN) enter(to);
      else lower(pc, to);
    }
  }
}

/** Where the state stands in its frame: at a call, or at `pc`. */
function placeIn(st: VerifierState, frameno: number, pc: number): number {
  return st.frames[frameno + 1]?.callsite ?? pc;
}

/** The outermost component the state is in, by the calls that lead there; undefined = in none. */
function visitOf(env: Env, st: VerifierState, pc: number): SccVisit | undefined {
  for (let i = 0; i < st.frames.length; i++) {
    const scc = env.scc[placeIn(st, i, pc)] as number;
    if (scc === 0) continue;
    // most are of the outermost function: those need no name to be found
    const known = i === 0 ? env.sccsOfMain[scc] : undefined;
    return known ?? namedVisit(env, st, i, scc);
  }
  return undefined;
}

function namedVisit(env: Env, st: VerifierState, frameno: number, scc: number): SccVisit {
  const calls = Array.from({ length: frameno }, (_, i) => placeIn(st, i, -1));
  const chain = `(${[...calls, scc].join(",")})`;
  let visit = env.sccVisits.get(chain);
  if (visit === undefined) {
    visit = { chain, ofCallback: env.callbackSccs.has(scc), entry: undefined, backedges: emptyList() };
    env.sccVisits.set(chain, visit);
    if (frameno === 0) env.sccsOfMain[scc] = visit;
  }
  return visit;
}

/** A state was kept: perhaps the first of its component. */
export function enterScc(env: Env, st: VerifierState): void {
  const visit = visitOf(env, st, st.pc);
  if (visit === undefined) return;
  st.sccVisit = visit;
  if (visit.entry !== undefined) return;
  visit.entry = st;
  if (env.log.level === 2) env.log.line(`SCC enter ${visit.chain}`);
}

/** No path from the state is open any more: perhaps its component is done. */
export function exitScc(env: Env, st: VerifierState): void {
  const visit = st.sccVisit;
  if (visit?.entry !== st) return;
  if (env.log.level === 2) env.log.line(`SCC exit ${visit.chain}`);
  visit.entry = undefined;
  const { backedges } = visit;
  env.backedges -= backedges.length;
  propagate(env, backedges);
  visit.backedges = emptyList();
}

function propagate(env: Env, backedges: readonly Backedge[]): void {
  for (let round = 0, changed = true; changed; round++) {
    if (round > MAX_ROUNDS) {
      for (const backedge of backedges) markAllPrecise(env, backedge);
      break;
    }
    changed = false;
    for (const backedge of backedges)
      if (propagatePrecision(env, backedge.equal, backedge, backedge.pc)) changed = true;
  }
}

/** The current path ends on `equal`, whose marks are not complete yet. */
export function addBackedge(env: Env, equal: VerifierState): void {
  const visit = equal.sccVisit;
  if (visit === undefined) throw new Error(`a path went round outside of a loop at insn ${env.pc}`);
  visit.backedges.push(new Backedge(env.state, env.pc, equal));
  if (env.log.level === 2) env.log.line(`SCC backedge ${visit.chain}`);
  env.backedges++;
  env.notePeak();
}

/** Some path went round the state's component: what it depends on is not known yet. */
export function isIncomplete(st: VerifierState): boolean {
  return st.sccVisit !== undefined && st.sccVisit.backedges.length > 0;
}
