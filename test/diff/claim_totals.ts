// Accepted programs of a run, each put through the interpreter and held against its claims: how many were, why others
// were not, and those of which something did not hold.
import { BpfError } from "../../src/spec/errors.ts";
import type { Capability } from "../../src/spec/privileges.ts";
import type { ProgTypeName } from "../../src/spec/prog_types.ts";
import { RUN_TYPES } from "../../src/spec/run_types.ts";
import type { VerifiedProg } from "../../src/verifier/proof.ts";
import type { Surroundings } from "../harness/random_world.ts";
import { type Broken, ClaimRun } from "./claim_run.ts";

/** Programs run in one world: its table only grows. */
const PER_WORLD = 5000;

export class ClaimTotals {
  readonly #left = new Map<string, number>();
  readonly #worlds = new Map<ProgTypeName, { readonly run: ClaimRun; count: number }>();
  ran = 0;
  broken = 0;
  #packets = 0;
  #steps = 0;

  constructor(
    readonly caps: readonly Capability[],
    readonly around: (type: ProgTypeName) => Surroundings,
  ) {}

  #world(type: ProgTypeName): ClaimRun {
    let world = this.#worlds.get(type);
    if (world === undefined || world.count === PER_WORLD) {
      world = { run: new ClaimRun(this.caps, this.around(type)), count: 0 };
      this.#worlds.set(type, world);
    }
    world.count++;
    return world.run;
  }

  /** What did not hold, if anything. */
  add(verified: VerifiedProg, seed: number): Broken | undefined {
    const { type } = verified.prog;
    if (RUN_TYPES[type] === undefined) return this.#leave(`${type} programs are not run here`);
    try {
      const outcome = this.#world(type).run(verified, seed);
      if (outcome.kind === "left") return this.#leave(outcome.why);
      if (outcome.kind === "broken") {
        this.broken++;
        return outcome;
      }
      this.ran++;
      this.#packets += outcome.results.length;
      this.#steps += outcome.steps;
      return undefined;
    } catch (error) {
      if (!(error instanceof BpfError) || error.code !== "EOPNOTSUPP") throw error;
      return this.#leave(error.message.replace(/^[^:]*: (\d+: )?/, ""));
    }
  }

  #leave(why: string): undefined {
    this.#left.set(why, (this.#left.get(why) ?? 0) + 1);
  }

  text(): string {
    const left = [...this.#left].sort((a, b) => b[1] - a[1]);
    return [
      `claims: ${this.ran} accepted programs run on ${this.#packets} packets, ${this.#steps} insns, ${this.broken} broken`,
      ...left.map(([why, n]) => `  not run ${n}: ${why}`),
    ].join("\n");
  }
}
