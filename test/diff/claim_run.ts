// One accepted program in the interpreter, on random packets, each step held against what the verifier claimed there. Says
// whether all held, what did not, or why the program was not run.
import { loadInterp, interpEngine } from "../../runtime/engine/interp_engine.ts";
import { InsnLimit } from "../../runtime/engine/interp.ts";
import { type Frame, InterpTrap } from "../../runtime/engine/interp_insn.ts";
import type { Insn } from "../../src/isa/insn.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { RUN_TYPES } from "../../src/spec/run_types.ts";
import { CAPABILITIES, type Capability } from "../../src/spec/privileges.ts";
import type { Prog, VerifiedProg } from "../../src/verifier/proof.ts";
import { VerifierError, verify } from "../../src/verifier/verify.ts";
import { RandomWorld, type Surroundings } from "../harness/random_world.ts";
import { PathChecker, PathRefused, TooManyWays } from "./claim_path.ts";
import { ClaimError, ClaimReading, placesIn } from "./claim_reading.ts";
import { SideChecker } from "./claim_sides.ts";
import { ClaimChecker, Claims, MAX_CLAIMS, TooManyClaims } from "./claims.ts";
import { isConvergent } from "./convergent.ts";
import { StandIn } from "./stand_in.ts";

/** Insns of one program; changed programs may go round for ever, as far as a loop may. */
const INSN_LIMIT = 5_000_000;
const CHANGED_INSN_LIMIT = 100_000;

type Checked = VerifiedProg | { readonly refused: string };

export function tryVerify(prog: Prog, caps: readonly Capability[], claims?: Claims): Checked {
  try {
    return verify(prog, {
      cpus: 1,
      logLevel: 0,
      caps,
      ...(claims === undefined ? {} : { claims: claims.record }),
    });
  } catch (error) {
    if (error instanceof VerifierError) return { refused: error.reasons[0] ?? error.message };
    if (error instanceof TooManyClaims) return { refused: "too large" };
    if (error instanceof BpfError) return { refused: error.message };
    throw error;
  }
}

/** Refusals for size may come earlier where nothing is pruned that differs at all. */
const TOO_BIG = /too large|too complex/;

/** Everything held, as far as the program ran. */
export interface Held {
  readonly kind: "held";
  /** by slot: 1 if any packet came here */
  readonly ran: Uint8Array;
  readonly steps: number;
  /** states that were recorded, of which one had to hold at every step */
  readonly claims: number;
  /** why there were none */
  readonly noClaims: string | undefined;
  /** it went round until it was stopped */
  readonly cut: boolean;
  /** with stand-ins for what is not here */
  readonly aside: boolean;
  /** r0 of each packet */
  readonly results: readonly bigint[];
}

/** Something did not hold; `where`: `verifier`, `path`, `claims`, `facts`, `interp`. */
export interface Broken {
  readonly kind: "broken";
  readonly where: string;
  readonly what: string;
  readonly pc: number | undefined;
}

/** The program was not run. */
export interface Left {
  readonly kind: "left";
  readonly why: string;
}

export type Outcome = Held | Broken | Left;

const TOO_LONG = "too long where nothing is irrelevant";
const UNDECIDED = "ends only where something is irrelevant";

/** What a run is held against. */
export interface Against {
  /** the path that the verifier takes along it */
  readonly path: boolean;
  /** the states that the verifier passes through where nothing is taken as irrelevant */
  readonly claims: boolean;
}

const EVERYTHING: Against = { path: true, claims: true };

/** As commands are told: `path`, `claims` or both. */
export function parseAgainst(text: string): Against {
  const names = text.split(",");
  const unknown = names.find((name) => !Object.hasOwn(EVERYTHING, name));
  if (unknown !== undefined) throw new Error(`--against ${unknown}: path, claims or both`);
  return { path: names.includes("path"), claims: names.includes("claims") };
}

/** What is held against every step. */
interface Checks {
  readonly sides: SideChecker;
  readonly path: PathChecker | undefined;
  readonly claims: ClaimChecker | undefined;
}

export class ClaimRun {
  readonly random: RandomWorld;
  #standIn: StandIn | undefined;

  constructor(
    readonly caps: readonly Capability[] = CAPABILITIES,
    readonly around?: Surroundings,
    /** states kept of one program */
    readonly maxClaims: number = MAX_CLAIMS,
    readonly against: Against = EVERYTHING,
  ) {
    this.random = new RandomWorld(interpEngine, { checked: true, opt: 1, cache: false }, around);
  }

  /**
   * `seed`: of the packets. `of`: whose claims and path, if not the program's own. Throws BpfError EOPNOTSUPP where a program
   * that is accepted cannot be run here.
   */
  run(verified: VerifiedProg, seed: number, of: Prog = verified.prog): Outcome {
    return this.#withClaims(verified, of, (said) => this.#interpret(verified, said, seed));
  }

  /** As `run`, with stand-ins where a program lacks something to be run here. */
  runAnyhow(verified: VerifiedProg, seed: number): Outcome {
    return this.#withClaims(verified, verified.prog, (said) => {
      const isHere = RUN_TYPES[verified.prog.type] !== undefined;
      const outcome = isHere ? unlessMissing(() => this.#interpret(verified, said, seed)) : "no context";
      if (typeof outcome !== "string") return outcome;
      const aside = unlessMissing(() => this.#standInFor(verified, said, seed));
      return typeof aside === "string" ? { kind: "left", why: aside } : aside;
    });
  }

  #withClaims(verified: VerifiedProg, of: Prog, interpret: (said: Said) => Outcome): Outcome {
    if (!this.against.claims) return interpret({ of, claims: undefined, noClaims: "not asked for" });
    const claims = new Claims(this.maxClaims);
    const exact = tryVerify(of, this.caps, claims);
    if (!("refused" in exact)) return interpret({ of, claims, noClaims: undefined });
    const noClaims = TOO_BIG.test(exact.refused) ? TOO_LONG : isConvergent(of) ? UNDECIDED : undefined;
    if (noClaims !== undefined) return interpret({ of, claims: undefined, noClaims });
    this.random.world.reserveFunctions(verified.subprogs.length);
    const what = `accepted, but not when nothing is taken as irrelevant: ${exact.refused}`;
    return { kind: "broken", where: "verifier", what, pc: undefined };
  }

  get #insnLimit(): number {
    return this.around === undefined ? INSN_LIMIT : CHANGED_INSN_LIMIT;
  }

  #watch(verified: VerifiedProg, { of, claims, noClaims }: Said, reading: ClaimReading): Watched {
    const checks = {
      sides: new SideChecker(verified),
      path: this.against.path ? new PathChecker(verified, of, this.caps, reading) : undefined,
      claims: claims === undefined ? undefined : new ClaimChecker(claims, verified, reading),
    };
    return new Watched(verified, checks, noClaims);
  }

  #interpret(verified: VerifiedProg, said: Said, seed: number): Outcome {
    const { world, maps } = this.random;
    const interp = loadInterp(
      world,
      verified,
      { maps },
      {
        checked: true,
        onStep: (insn, frame) => watched.onStep(insn, frame),
        insnLimit: this.#insnLimit,
      },
    );
    const places = placesIn(world.cpu(0), RUN_TYPES[verified.prog.type]?.frames ?? "xdp");
    const reading = new ClaimReading(world, maps, places, interp.tableIndex);
    const watched = this.#watch(verified, said, reading);
    const outcome = this.#outcome(watched, false, () => this.random.run(interp, seed));
    forget(world.table, interp.tableIndex, verified.subprogs.length);
    return outcome;
  }

  #standInFor(verified: VerifiedProg, said: Said, seed: number): Outcome {
    const { world, maps } = this.random;
    this.#standIn ??= new StandIn(this.random);
    const { places } = this.#standIn;
    const tableIndex = world.reserveFunctions(verified.subprogs.length);
    const watched = this.#watch(verified, said, new ClaimReading(world, maps, places, tableIndex));
    const hooks = { onStep: watched.onStep, insnLimit: this.#insnLimit };
    return this.#outcome(watched, true, () => this.#standIn?.run(verified, seed, tableIndex, hooks));
  }

  #outcome(watched: Watched, aside: boolean, run: () => void): Outcome {
    try {
      run();
      return watched.held(aside, false);
    } catch (error) {
      if (error instanceof InsnLimit && this.around !== undefined) return watched.held(aside, true);
      if (error instanceof TooManyWays) return { kind: "left", why: error.message };
      if (isMissing(error)) throw error;
      return { kind: "broken", ...whatBroke(error as Error) };
    }
  }
}

/** What is said of a program. */
interface Said {
  readonly of: Prog;
  readonly claims: Claims | undefined;
  readonly noClaims: string | undefined;
}

function whatBroke(error: Error): Omit<Broken, "kind"> {
  if (error instanceof ClaimError) return { where: error.where, what: error.message, pc: error.pc };
  if (error instanceof PathRefused)
    return { where: "verifier", what: `accepted, but refused on this path: ${error.message}`, pc: error.pc };
  return {
    where: "interp",
    what: String(error.stack),
    pc: error instanceof InterpTrap ? error.pc : undefined,
  };
}

/** What a run comes to. */
class Watched {
  /** functions that end no packet, by number */
  readonly #late: readonly boolean[];
  readonly #ran: Uint8Array;
  readonly #results: bigint[] = [];
  #steps = 0;

  constructor(
    verified: VerifiedProg,
    readonly checks: Checks,
    readonly noClaims: string | undefined,
  ) {
    this.#late = verified.subprogs.map(({ isAsyncCallback }) => isAsyncCallback);
    this.#ran = new Uint8Array(verified.prog.insns.length);
  }

  readonly onStep = (insn: Insn, frame: Frame): void => {
    const { sides, path, claims } = this.checks;
    this.#ran[insn.pc] = 1;
    this.#steps++;
    sides.onStep(insn, frame);
    path?.onStep(insn, frame);
    claims?.onStep(insn, frame);
    const endsPacket = insn.kind === "exit" && frame.depth === 0 && this.#late[frame.subprogno] !== true;
    if (endsPacket) this.#results.push(frame.regs[0] ?? 0n);
  };

  held(aside: boolean, cut: boolean): Held {
    return {
      kind: "held",
      ran: this.#ran,
      results: this.#results,
      steps: this.#steps,
      claims: this.checks.claims?.claims.count ?? 0,
      noClaims: this.noClaims,
      aside,
      cut,
    };
  }
}

const MISSING: ReadonlySet<string> = new Set(["EOPNOTSUPP", "ENOMEM"]);

const isMissing = (error: unknown): error is BpfError => error instanceof BpfError && MISSING.has(error.code);

/** What is missing to run it, where something is. */
function unlessMissing<T>(run: () => T): T | string {
  try {
    return run();
  } catch (error) {
    if (!isMissing(error)) throw error;
    return error.message.replace(/^[^:]*: (\d+: )?/, "");
  }
}

/** Nothing is kept alive by the table. */
export function forget(table: WebAssembly.Table, first: number, count: number): void {
  for (let i = 0; i < count; i++) table.set(first + i, null);
}
