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
import { ClaimChecker, ClaimError, Claims, MAX_CLAIMS, placesIn, TooManyClaims } from "./claims.ts";
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

/** Every claim held. */
export interface Held {
  readonly kind: "held";
  /** by slot: 1 if any packet came here */
  readonly ran: Uint8Array;
  readonly steps: number;
  readonly claims: number;
  /** r0 of each packet */
  readonly results: readonly bigint[];
}

/** Something did not hold; `where`: `verifier`, `claims`, `interp`. */
export interface Broken {
  readonly kind: "broken";
  readonly where: string;
  readonly what: string;
  readonly pc: number | undefined;
}

/** The program was not run to its end. */
export interface Left {
  readonly kind: "left";
  readonly why: string;
}

const TOO_LONG = "too long";
const UNDECIDED = "ends only where something is irrelevant";
const GOES_ON = "goes on too long";

export class ClaimRun {
  readonly random: RandomWorld;
  #standIn: StandIn | undefined;

  constructor(
    readonly caps: readonly Capability[] = CAPABILITIES,
    readonly around?: Surroundings,
    /** states kept of one program */
    readonly maxClaims: number = MAX_CLAIMS,
  ) {
    this.random = new RandomWorld(interpEngine, { checked: true, opt: 1, cache: false }, around);
  }

  /**
   * `seed`: of the packets. `of`: whose claims, if not the program's own. Throws BpfError EOPNOTSUPP where a program that is
   * accepted cannot be run here.
   */
  run(verified: VerifiedProg, seed: number, of: Prog = verified.prog): Held | Broken | Left {
    return this.#withClaims(verified, of, (claims) => this.#interpret(verified, claims, seed));
  }

  /** As `run`, with stand-ins for what a program lacks to be run here. */
  runAside(verified: VerifiedProg, seed: number): Held | Broken | Left {
    return this.#withClaims(verified, verified.prog, (claims) => this.#standInFor(verified, claims, seed));
  }

  #withClaims(
    verified: VerifiedProg,
    prog: Prog,
    interpret: (claims: Claims) => Held | Broken | Left,
  ): Held | Broken | Left {
    const claims = new Claims(this.maxClaims);
    const exact = tryVerify(prog, this.caps, claims);
    if (!("refused" in exact)) return interpret(claims);
    this.random.world.reserveFunctions(verified.subprogs.length);
    if (TOO_BIG.test(exact.refused)) return { kind: "left", why: TOO_LONG };
    if (isConvergent(prog)) return { kind: "left", why: UNDECIDED };
    const what = `accepted, but not when nothing is taken as irrelevant: ${exact.refused}`;
    return { kind: "broken", where: "verifier", what, pc: undefined };
  }

  get #insnLimit(): number {
    return this.around === undefined ? INSN_LIMIT : CHANGED_INSN_LIMIT;
  }

  #interpret(verified: VerifiedProg, claims: Claims, seed: number): Held | Broken | Left {
    const { world, maps } = this.random;
    const places = placesIn(world.cpu(0), RUN_TYPES[verified.prog.type]?.frames ?? "xdp");
    const watched = new Watched(
      claims,
      new ClaimChecker(claims, world, maps, verified, places, () => interp.tableIndex),
    );
    const { onStep } = watched;
    const interp = loadInterp(
      world,
      verified,
      { maps },
      { checked: true, onStep, insnLimit: this.#insnLimit },
    );
    const outcome = this.#outcome(watched, () => this.random.run(interp, seed));
    forget(world.table, interp.tableIndex, verified.subprogs.length);
    return outcome;
  }

  #standInFor(verified: VerifiedProg, claims: Claims, seed: number): Held | Broken | Left {
    const { world, maps } = this.random;
    this.#standIn ??= new StandIn(this.random);
    const { places } = this.#standIn;
    const tableIndex = world.reserveFunctions(verified.subprogs.length);
    const watched = new Watched(
      claims,
      new ClaimChecker(claims, world, maps, verified, places, () => tableIndex),
    );
    const hooks = { onStep: watched.onStep, insnLimit: this.#insnLimit };
    return this.#outcome(watched, () => this.#standIn?.run(verified, seed, tableIndex, hooks));
  }

  #outcome(watched: Watched, run: () => void): Held | Broken | Left {
    try {
      run();
      return watched.held;
    } catch (error) {
      if (error instanceof InsnLimit && this.around !== undefined) return { kind: "left", why: GOES_ON };
      if (error instanceof ClaimError)
        return { kind: "broken", where: "claims", what: error.message, pc: error.pc };
      const pc = error instanceof InterpTrap ? error.pc : undefined;
      return { kind: "broken", where: "interp", what: String((error as Error).stack), pc };
    }
  }
}

/** What a run comes to. */
class Watched {
  readonly #ran: Uint8Array;
  readonly #results: bigint[] = [];

  constructor(
    readonly claims: Claims,
    readonly checker: ClaimChecker,
  ) {
    this.#ran = new Uint8Array(checker.verified.prog.insns.length);
  }

  readonly onStep = (insn: Insn, frame: Frame): void => {
    this.#ran[insn.pc] = 1;
    this.checker.onStep(insn, frame);
    if (insn.kind === "exit" && frame.depth === 0) this.#results.push(frame.regs[0] ?? 0n);
  };

  get held(): Held {
    const { claims, checker } = this;
    return {
      kind: "held",
      ran: this.#ran,
      results: this.#results,
      steps: checker.steps,
      claims: claims.count,
    };
  }
}

/** Nothing is kept alive by the table. */
export function forget(table: WebAssembly.Table, first: number, count: number): void {
  for (let i = 0; i < count; i++) table.set(first + i, null);
}
