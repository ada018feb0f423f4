// Random programs in the interpreter: at every step, one of the verifier's claims covers registers and stack.
import { describe, expect, it } from "vitest";
import type { Engine } from "../../runtime/engine/engine.ts";
import { interpEngine, loadInterp } from "../../runtime/engine/interp_engine.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { Scalar } from "../../src/verifier/scalar/scalar.ts";
import { verify } from "../../src/verifier/verify.ts";
import { randomProg } from "../harness/random_prog.ts";
import { RandomWorld } from "../harness/random_world.ts";
import { Claims, contains } from "./claims.ts";

const SEEDS = Number(process.env["CLAIM_SEEDS"] ?? 40);
const FIRST = Number(process.env["CLAIM_FIRST"] ?? 0);

/** The interpreter, with every step held against the claims. */
function claimEngine(claims: () => Claims): Engine {
  return {
    ...interpEngine,
    load: async (world, verified, input, options) =>
      loadInterp(world, verified, input, {
        ...options,
        onStep: (insn, machine) => {
          const wrong = claims().check(insn, machine, world.memory.buffer, world.cpu(0));
          if (wrong !== undefined) throw new Error(wrong);
        },
      }),
  };
}

describe("claims", () => {
  it("a scalar's members", () => {
    expect([contains(Scalar.unknown, 5n), contains(Scalar.zero, 0n), contains(Scalar.zero, 1n)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("cover what the interpreter has", { timeout: 300_000 }, async () => {
    let claims = new Claims();
    const engine = claimEngine(() => claims);
    const world = new RandomWorld(engine, { checked: true, opt: 1, cache: false });
    const wrong: string[] = [];
    let accepted = 0;
    let steps = 0;
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      claims = new Claims();
      const { prog } = randomProg(seed);
      let verified: ReturnType<typeof verify>;
      try {
        verified = verify(prog, { logLevel: 0, cpus: 1, claims: claims.record });
      } catch (e) {
        if (e instanceof BpfError || e instanceof RangeError) continue;
        throw e;
      }
      accepted++;
      try {
        world.run(await world.load(verified), seed);
      } catch (e) {
        wrong.push(`seed ${seed}: ${(e as Error).message}`);
      }
      steps += claims.checked;
    }
    expect(wrong).toEqual([]);
    expect(accepted).toBeGreaterThan(SEEDS * 0.3);
    expect(steps).toBeGreaterThan(accepted * 10);
  });
});
