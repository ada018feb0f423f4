// One accepted program in the interpreter, on random packets, each step held against what the verifier claimed there. Says
// whether all held, what did not, or why the program was not run.
import { loadInterp, interpEngine } from "../../runtime/engine/interp_engine.ts";
import { InsnLimit } from "../../runtime/engine/interp.ts";
import type { Insn } from "../../src/isa/insn.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { CAPABILITIES, type Capability } from "../../src/spec/privileges.ts";
import type { Prog, VerifiedProg } from "../../src/verifier/proof.ts";
import { VerifierError, verify } from "../../src/verifier/verify.ts";
import { RandomWorld, type Surroundings } from "../harness/random_world.ts";
import { ClaimChecker, ClaimError, Claims, TooManyClaims } from "./claims.ts";
import { isConvergent } from "./convergent.ts";

/** Insns of one program; changed programs may go round for ever, as far as a loop may. */
const INSN_LIMIT = 5_000_000;
const CHANGED_INSN_LIMIT = 100_000;

export type Checked = VerifiedProg | { readonly refused: string };

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

export const TOO_LONG = "too long";
export const UNDECIDED = "ends only where something is irrelevant";
export const GOES_ON = "goes on too long";

export class ClaimRun {
  readonly random: RandomWorld;

  constructor(
    readonly caps: readonly Capability[] = CAPABILITIES,
    readonly around?: Surroundings,
  ) {
    this.random = new RandomWorld(interpEngine, { checked: true, opt: 1, cache: false }, around);
  }

  /** `seed`: of the packets. Throws BpfError EOPNOTSUPP where a program that is accepted cannot be run here. */
  run(verified: VerifiedProg, seed: number): Held | Broken | Left {
    const { world } = this.random;
    const { prog } = verified;
    const claims = new Claims();
    const exact = tryVerify(prog, this.caps, claims);
    if ("refused" in exact) {
      world.reserveFunctions(verified.subprogs.length);
      if (TOO_BIG.test(exact.refused)) return { kind: "left", why: TOO_LONG };
      if (isConvergent(prog)) return { kind: "left", why: UNDECIDED };
      const what = `accepted, but not when nothing is taken as irrelevant: ${exact.refused}`;
      return { kind: "broken", where: "verifier", what, pc: undefined };
    }
    return this.#interpret(verified, claims, seed);
  }

  #interpret(verified: VerifiedProg, claims: Claims, seed: number): Held | Broken | Left {
    const { world, maps } = this.random;
    const checker = new ClaimChecker(claims, world, maps, verified, () => interp.tableIndex);
    const ran = new Uint8Array(verified.prog.insns.length);
    const results: bigint[] = [];
    const onStep = (insn: Insn, frame: Parameters<ClaimChecker["onStep"]>[1]): void => {
      ran[insn.pc] = 1;
      checker.onStep(insn, frame);
      if (insn.kind === "exit" && frame.depth === 0) results.push(frame.regs[0] ?? 0n);
    };
    const insnLimit = this.around === undefined ? INSN_LIMIT : CHANGED_INSN_LIMIT;
    const interp = loadInterp(world, verified, { maps }, { checked: true, onStep, insnLimit });
    try {
      this.random.run(interp, seed);
    } catch (error) {
      if (error instanceof InsnLimit && this.around !== undefined) return { kind: "left", why: GOES_ON };
      const isClaim = error instanceof ClaimError;
      return {
        kind: "broken",
        where: isClaim ? "claims" : "interp",
        what: isClaim ? error.message : String((error as Error).stack),
        pc: isClaim ? error.pc : interp.trapPc?.(error as Error),
      };
    } finally {
      forget(world.table, interp.tableIndex, verified.subprogs.length);
    }
    return { kind: "held", ran, steps: checker.steps, claims: claims.count, results };
  }
}

/** Nothing is kept alive by the table. */
export function forget(table: WebAssembly.Table, first: number, count: number): void {
  for (let i = 0; i < count; i++) table.set(first + i, null);
}
