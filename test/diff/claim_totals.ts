// Accepted programs of a run, each put through the interpreter and held against its claims: how many were, why others
// were not, and those of which something did not hold.
import { CAPABILITIES, type Capability } from "../../src/spec/privileges.ts";
import type { VerifiedProg } from "../../src/verifier/proof.ts";
import type { Surroundings } from "../harness/random_world.ts";
import { creatable } from "./stand_in.ts";
import { type Against, type Broken, ClaimRun } from "./claim_run.ts";

/** Programs run in one world: its table only grows. */
const PER_WORLD = 5000;

export class ClaimTotals {
  readonly #left = new Map<string, number>();
  readonly #noClaims = new Map<string, number>();
  readonly #worlds = new WeakMap<Surroundings, { readonly run: ClaimRun; count: number }>();
  ran = 0;
  broken = 0;
  #packets = 0;
  #steps = 0;
  #aside = 0;
  #cut = 0;

  constructor(
    readonly caps: readonly Capability[] = CAPABILITIES,
    readonly maxClaims?: number,
    readonly against?: Against,
  ) {}

  #world(around: Surroundings): ClaimRun {
    let world = this.#worlds.get(around);
    if (world === undefined || world.count === PER_WORLD) {
      world = {
        run: new ClaimRun(
          this.caps,
          { ...around, maps: around.maps.map(creatable) },
          this.maxClaims,
          this.against,
        ),
        count: 0,
      };
      this.#worlds.set(around, world);
    }
    world.count++;
    return world.run;
  }

  /** What did not hold, if anything. Of the same surroundings one world is made. */
  add(verified: VerifiedProg, seed: number, around: Surroundings): Broken | undefined {
    const outcome = this.#world(around).runAnyhow(verified, seed);
    if (outcome.kind === "left") return note(this.#left, outcome.why);
    if (outcome.kind === "broken") {
      this.broken++;
      return outcome;
    }
    this.ran++;
    if (outcome.aside) this.#aside++;
    if (outcome.cut) this.#cut++;
    if (outcome.noClaims !== undefined) note(this.#noClaims, outcome.noClaims);
    this.#packets += outcome.results.length;
    this.#steps += outcome.steps;
    return undefined;
  }

  text(): string {
    const share = (n: number): string => `${((100 * n) / Math.max(this.ran, 1)).toFixed(1)} %`;
    return [
      `claims: ${this.ran} accepted programs run on ${this.#packets} packets, ${this.#steps} insns, ${this.broken} broken; ` +
        `${this.#aside} of them with stand-ins for what is not here, ${this.#cut} stopped where they went round for long`,
      ...sorted(this.#noClaims).map(
        ([why, n]) => `  held against their path alone ${n} (${share(n)}): ${why}`,
      ),
      ...sorted(this.#left).map(([why, n]) => `  not run ${n}: ${why}`),
    ].join("\n");
  }
}

function note(counts: Map<string, number>, why: string): undefined {
  counts.set(why, (counts.get(why) ?? 0) + 1);
}

const sorted = (counts: ReadonlyMap<string, number>): [string, number][] =>
  [...counts].sort((a, b) => b[1] - a[1]);
