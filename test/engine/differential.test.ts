// Every verified random program does the same in WebAssembly, plain and checked, as in the reference interpreter,
// which also holds every access against what the verifier claimed.
import { describe, expect, it } from "vitest";
import type { EngineOptions, EngineProg } from "../../runtime/engine/engine.ts";
import { interpEngine } from "../../runtime/engine/interp_engine.ts";
import { wasmEngine } from "../../runtime/engine/wasm.ts";
import { BpfError } from "../../src/spec/errors.ts";
import type { VerifiedProg } from "../../src/verifier/proof.ts";
import { verify } from "../../src/verifier/verify.ts";
import { randomProg } from "../harness/random_prog.ts";
import { firstDifference, RandomWorld } from "../harness/random_world.ts";

const SEEDS = Number(process.env["RANDOM_SEEDS"] ?? 60);
const FIRST = Number(process.env["RANDOM_FIRST"] ?? 0);

/** Seeds that once showed a difference. */
const FOUND = [1004, 1198, 1214];

const options = (more: Partial<EngineOptions>): EngineOptions => ({
  checked: false,
  opt: 1,
  cache: false,
  ...more,
});

function verified(seed: number): VerifiedProg | undefined {
  try {
    return verify(randomProg(seed).prog, { cpus: 1 });
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw new Error(`seed ${seed}: the verifier failed`, { cause: error });
  }
}

describe("random programs", () => {
  it("run the same in every engine", { timeout: 600_000 }, async () => {
    const reference = new RandomWorld(interpEngine, options({ checked: true }));
    const others = [
      new RandomWorld(wasmEngine, options({})),
      new RandomWorld(wasmEngine, options({ checked: true })),
    ];
    let accepted = 0;
    const wrong: string[] = [];
    const attempt = (what: string, world: RandomWorld, prog: EngineProg): boolean => {
      try {
        world.run(prog);
        return true;
      } catch (error) {
        wrong.push(`${what}: ${(error as Error).message} at insn ${prog.trapPc?.(error as Error) ?? "?"}`);
        return false;
      }
    };
    for (const seed of [...FOUND, ...Array.from({ length: SEEDS }, (_, i) => FIRST + i)]) {
      const prog = verified(seed);
      if (prog === undefined) continue;
      accepted++;
      const progs = [await reference.load(prog)];
      for (const world of others) progs.push(await world.load(prog));
      if (!attempt(`seed ${seed}, interp`, reference, progs[0]!)) continue;
      others.forEach((world, i) => {
        const name = `seed ${seed}, wasm${world.options.checked ? " checked" : ""}`;
        if (!attempt(name, world, progs[i + 1]!)) return;
        const at = firstDifference(reference.world, world.world);
        if (at !== undefined) wrong.push(`${name}: memory differs at 0x${at.toString(16)}`);
      });
    }
    expect(wrong).toEqual([]);
    expect(accepted).toBeGreaterThan(SEEDS * 0.3);
  });
});
