// A run held against the path that the verifier itself takes along it: the verifier's steps are done again beside the
// interpreter's, from the function's entry, with nothing pruned. Where the verifier goes two ways, the way is kept that
// the run goes; where that does not tell, the one whose facts hold. So every register and stack slot of every frame is
// held at every step against what the verifier makes of this very path, however many paths there are.
import { type Frame, isTaken } from "../../runtime/engine/interp_insn.ts";
import type { Insn, InsnOf } from "../../src/isa/insn.ts";
import type { Capability, Rights } from "../../src/spec/privileges.ts";
import { THROW } from "../../src/spec/kfuncs/index.ts";
import type { Env } from "../../src/verifier/env.ts";
import { isTailCall } from "../../src/verifier/passes/flow.ts";
import type { Prog, VerifiedProg } from "../../src/verifier/proof.ts";
import { forgetInstance } from "../../src/verifier/stack/live.ts";
import { NO_HIST } from "../../src/verifier/state/history.ts";
import type { VerifierState } from "../../src/verifier/state/state.ts";
import { enter, prepare, step, VerifierError } from "../../src/verifier/verify.ts";
import { ClaimError, type ClaimReading, Seen, showClaim, showSeen } from "./claim_reading.ts";

/** Where the verifier may go on. */
interface Way {
  readonly state: VerifierState;
  readonly pc: number;
  readonly prevPc: number;
  /** it does an insn again that the run has done */
  readonly again: boolean;
}

/** More ways than this that all hold at one place cannot be kept apart. */
const MAX_WAYS = 64;

export class TooManyWays extends Error {
  override readonly name = "TooManyWays";
}

/** The verifier would not have gone on here. */
export class PathRefused extends Error {
  override readonly name = "PathRefused";
  constructor(
    readonly pc: number,
    message: string,
  ) {
    super(message);
  }
}

/** Frames of the interpreter that are frames of one path of the verifier: a program, a global function, a late callback. */
interface Walk {
  readonly seen: Seen[];
  readonly fps: bigint[];
  ways: Way[];
}

function topOf(walk: Walk): Seen {
  const top = walk.seen.at(-1);
  if (top === undefined) throw new Error("a walk without frames");
  return top;
}

/** Copies of one state that learned nothing that tells them apart. */
function isSame(a: VerifierState, b: VerifierState): boolean {
  return a.frames.every((frame, i) => {
    const other = b.frames[i];
    if (other === undefined || frame.stack.length !== other.stack.length) return false;
    return (
      frame.regs.every((r, regno) => r === other.regs[regno]) &&
      frame.stack.every((slot, spi) => slot === other.stack[spi])
    );
  });
}

/** Of the two ways at a jump the verifier follows one at once and queues the other, that of the target. */
type Side = "queued" | "followed";

function sideOf(insn: InsnOf<"jmp">, frame: Frame): Side {
  return isTaken(frame, insn) ? "queued" : "followed";
}

export class PathChecker {
  readonly #env: Env;
  readonly #top: number;
  #walks: Walk[] = [];
  #last: Insn | undefined;
  /** callbacks that were named for later, by function */
  readonly #late = new Map<number, VerifierState[]>();
  /** the most ways that were kept at one place */
  widest = 0;

  /** `of`: whose path, if not the program's own. */
  constructor(
    readonly verified: VerifiedProg,
    of: Prog,
    caps: readonly Capability[],
    readonly reading: ClaimReading,
  ) {
    // with claims nothing is asked about what a decision depended on
    this.#env = prepare(of, { cpus: 1, logLevel: 0, caps, claims: () => undefined });
    // guesses are not walked, and the masks and barriers against them change nothing that a run does
    (this.#env as { may: Rights }).may = { ...this.#env.may, misprediction: true };
    this.#top = this.#env.history.top;
  }

  /** Before an insn: throws ClaimError if the path does not come here or does not hold, PathRefused if it ends in a refusal. */
  onStep(insn: Insn, frame: Frame): void {
    const walk = this.#walkOf(frame);
    const came = this.#cameTo(walk, insn.pc);
    const { reading } = this;
    reading.fps = walk.fps;
    reading.base = 0;
    const held = came.filter(({ state }) => this.#holds(state, walk));
    if (held.length === 0) throw new ClaimError("path", insn.pc, this.#explain(insn.pc, came, walk));
    if (held.length > this.widest) this.widest = held.length;
    if (held.length > MAX_WAYS) throw new TooManyWays(`more than ${MAX_WAYS} ways at ${insn.pc}`);
    walk.ways = [];
    const goes = insn.kind === "jmp" && insn.target === insn.pc + 1 ? sideOf(insn, frame) : undefined;
    for (const way of held) this.#step(way, walk.ways, goes);
    this.#last = insn;
    if (insn.kind === "exit") this.#leave(walk);
  }

  #leave(walk: Walk): void {
    walk.seen.pop();
    walk.fps.pop();
    if (walk.seen.length === 0) this.#walks.splice(this.#walks.indexOf(walk), 1);
  }

  /** The walk whose innermost frame this is. Frames that are left behind are gone. */
  #walkOf(frame: Frame): Walk {
    const innermost = this.#walks.at(-1);
    if (innermost !== undefined && topOf(innermost).frame === frame) return innermost;
    return this.#back(frame) ?? this.#begin(frame);
  }

  #back(frame: Frame): Walk | undefined {
    for (let i = this.#walks.length - 1; i >= 0; i--) {
      const walk = this.#walks[i] as Walk;
      const at = walk.seen.findIndex((seen) => seen.frame === frame);
      if (at === -1) continue;
      this.#walks.length = i + 1;
      walk.seen.length = walk.fps.length = at + 1;
      return walk;
    }
    return undefined;
  }

  /** A frame that was not there before. */
  #begin(frame: Frame): Walk {
    const { subprogno, depth } = frame;
    const isTailCalled = this.#last !== undefined && isTailCall(this.#last);
    if (depth === 0 && !isTailCalled) this.#walks = this.#walks.slice(0, this.#thrownTo());
    const walk = this.#walks.at(-1);
    if (depth > 0 && walk !== undefined && this.#env.subprogs[subprogno]?.global !== true) {
      walk.seen.push(new Seen(frame));
      walk.fps.push(frame.regs[10] ?? 0n);
      return walk;
    }
    const begun = {
      seen: [new Seen(frame)],
      fps: [frame.regs[10] ?? 0n],
      ways: this.#entries(subprogno, depth),
    };
    this.#walks.push(begun);
    return begun;
  }

  /** How many walks are left under a program that begins: those that wait for a tail call, where it threw. */
  #thrownTo(): number {
    const last = this.#last;
    const called = last?.kind === "call" && last.callee.kind === "kfunc" ? last.callee.btfId : undefined;
    if (called === undefined || this.#env.kfuncs.get(called)?.name !== THROW) return 0;
    return this.#walks.findLastIndex(({ seen }) => seen[0]?.frame.depth === 0);
  }

  #entries(subprogno: number, depth: number): Way[] {
    const env = this.#env;
    const late = depth === 0 && subprogno !== 0 && subprogno !== env.exceptionCb;
    const pc = env.subprogs[subprogno]?.start ?? -1;
    if (late)
      return (this.#late.get(subprogno) ?? []).map((state) => ({
        state: state.clone(),
        pc,
        prevPc: -1,
        again: false,
      }));
    enter(env, subprogno);
    return [{ state: env.state, pc, prevPc: -1, again: false }];
  }

  /** Of the ways from the last insn those that lead here. */
  #cameTo(walk: Walk, pc: number): Way[] {
    const { ways } = walk;
    const depth = walk.seen.length;
    const came: Way[] = [];
    for (let i = 0; i < ways.length; i++) {
      const way = ways[i] as Way;
      if (way.again) this.#step(way, ways);
      else if (
        way.pc === pc &&
        way.state.depth === depth &&
        !came.some(({ state }) => isSame(state, way.state))
      )
        came.push(way);
    }
    return came;
  }

  #holds({ frames }: VerifierState, { seen }: Walk): boolean {
    this.reading.restart();
    return frames.every((frame, i) => this.reading.holds(frame, seen[i] as Seen));
  }

  /** Adds where the verifier goes on after its next insn. `goes`: of two ways to the same place the one that is taken. */
  #step({ state, pc, prevPc }: Way, to: Way[], goes?: Side): void {
    const env = this.#env;
    const insn = env.insns[pc];
    if (insn === undefined) throw new PathRefused(pc, `no insn at ${pc}`);
    env.state = state;
    env.pc = pc;
    env.prevPc = prevPc;
    env.curHist = state.hist = NO_HIST;
    env.history.cut(this.#top);
    forgetInstance(env);
    const { depth } = state;
    const { inCallback } = state.cur;
    const isOpen = this.#exec(insn);
    const queue = env.branches.splice(0);
    if (isOpen && (goes !== "queued" || queue.length === 0))
      to.push({ state, pc: env.pc, prevPc: pc, again: inCallback && state.depth < depth });
    if (goes === "followed") return;
    for (const queued of queue) {
      const first = queued.state.frames[0];
      if (first?.inAsyncCallback === true && first.call !== state.frames[0]?.call)
        this.#keepLate(queued.state);
      else
        to.push({
          state: queued.state,
          pc: queued.pc,
          prevPc: pc,
          again: insn.kind === "alu" && queued.pc === pc,
        });
    }
  }

  #exec(insn: Insn): boolean {
    try {
      return step(this.#env, insn);
    } catch (error) {
      if (!(error instanceof VerifierError)) throw error;
      throw new PathRefused(insn.pc, error.reasons.join("; "));
    }
  }

  #keepLate(state: VerifierState): void {
    const { subprogno } = state.cur;
    const known = this.#late.get(subprogno) ?? [];
    const isKnown = known.some((k) => [1, 2, 3].every((i) => k.cur.regs[i]?.aux === state.cur.regs[i]?.aux));
    if (!isKnown) this.#late.set(subprogno, [...known, state]);
  }

  #explain(pc: number, came: readonly Way[], walk: Walk): string {
    const last = came.at(-1);
    if (last === undefined) {
      const pcs = walk.ways.map((way) => way.pc).join(", ");
      return `after ${this.#last?.pc ?? "nothing"} the verifier goes to ${pcs || "nowhere"}, the run to ${pc}`;
    }
    const bad = walk.seen.flatMap((seen, i) =>
      this.reading
        .failing(last.state.frames[i] ?? last.state.cur, seen)
        .map((what) => `${what} of frame ${i}`),
    );
    const seen = topOf(walk);
    const shown = came.map(({ state }) => `  claimed: ${showClaim(state.cur, this.verified, seen.frame)}`);
    return (
      `on this path ${bad.join(", ") || "nothing alone"} does not hold at ${pc}\n` +
      `  is:      ${showSeen(seen)}\n${shown.join("\n")}`
    );
  }
}
