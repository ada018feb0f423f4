// Accepted programs of a run, each put through the interpreter and held against its claims: how many were, why others
// were not, and those of which something did not hold.
import { BpfError } from "../../src/spec/errors.ts";
import { CAPABILITIES, type Capability } from "../../src/spec/privileges.ts";
import { RUN_TYPES } from "../../src/spec/run_types.ts";
import type { VerifiedProg } from "../../src/verifier/proof.ts";
import type { Surroundings } from "../harness/random_world.ts";
import { creatable } from "./stand_in.ts";
import { type Broken, ClaimRun, type Held, type Left } from "./claim_run.ts";

/** Programs run in one world: its table only grows. */
const PER_WORLD = 5000;

export class ClaimTotals {
  readonly #left = new Map<string, number>();
  readonly #worlds = new WeakMap<Surroundings, { readonly run: ClaimRun; count: number }>();
  ran = 0;
  broken = 0;
  #packets = 0;
  #steps = 0;
  #aside = 0;

  constructor(
    readonly caps: readonly Capability[] = CAPABILITIES,
    readonly maxClaims?: number,
  ) {}

  #world(around: Surroundings): ClaimRun {
    let world = this.#worlds.get(around);
    if (world === undefined || world.count === PER_WORLD) {
      world = {
        run: new ClaimRun(this.caps, { ...around, maps: around.maps.map(creatable) }, this.maxClaims),
        count: 0,
      };
      this.#worlds.set(around, world);
    }
    world.count++;
    return world.run;
  }

  /** What did not hold, if anything. Of the same surroundings one world is made. */
  add(verified: VerifiedProg, seed: number, around: Surroundings): Broken | undefined {
    const outcome = this.#run(() => this.#world(around), verified, seed);
    if (outcome.kind === "left") return this.#leave(outcome.why);
    if (outcome.kind === "broken") {
      this.broken++;
      return outcome;
    }
    this.ran++;
    this.#packets += outcome.results.length;
    this.#steps += outcome.steps;
    return undefined;
  }

  #run(world: () => ClaimRun, verified: VerifiedProg, seed: number): Held | Broken | Left {
    if (RUN_TYPES[verified.prog.type] !== undefined) {
      const outcome = unlessMissing(() => world().run(verified, seed));
      if (typeof outcome !== "string") return outcome;
    }
    const outcome = unlessMissing(() => world().runAside(verified, seed));
    if (typeof outcome === "string") return { kind: "left", why: outcome };
    if (outcome.kind === "held") this.#aside++;
    return outcome;
  }

  #leave(why: string): undefined {
    this.#left.set(why, (this.#left.get(why) ?? 0) + 1);
  }

  text(): string {
    const left = [...this.#left].sort((a, b) => b[1] - a[1]);
    return [
      `claims: ${this.ran} accepted programs run on ${this.#packets} packets, ${this.#steps} insns, ${this.broken} broken; ` +
        `${this.#aside} of them with stand-ins for what is not here`,
      ...left.map(([why, n]) => `  not run ${n}: ${why}`),
    ].join("\n");
  }
}

const MISSING: ReadonlySet<string> = new Set(["EOPNOTSUPP", "ENOMEM"]);

/** What is missing to run it, where something is. */
function unlessMissing<T>(run: () => T): T | string {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof BpfError) || !MISSING.has(error.code)) throw error;
    return error.message.replace(/^[^:]*: (\d+: )?/, "");
  }
}
