// Bugs planted on purpose are found by random programs: here two of the ten, test/planted/run.ts looks for all.
// A plant that no longer fits the sources is an error.
import { describe, expect, it } from "vitest";
import { PLANTED_BUGS, type PlantedBug } from "./bugs.ts";
import { checkApplies, findBug, patched } from "./plant.ts";

function bug(name: string): PlantedBug {
  const found = PLANTED_BUGS.find((b) => b.name === name);
  if (found === undefined) throw new Error(`no bug ${name}`);
  return found;
}

describe("planted bugs", () => {
  it("are five in the verifier and five in the JIT, each of its own", () => {
    const of = (where: PlantedBug["where"]): number => PLANTED_BUGS.filter((b) => b.where === where).length;
    expect([of("verifier"), of("jit")]).toEqual([5, 5]);
    expect(new Set(PLANTED_BUGS.map(({ name }) => name)).size).toBe(10);
  });

  it.each(PLANTED_BUGS.map((b) => [b.name, b] as const))("%s still fits the sources", (_, planted) => {
    expect(() => checkApplies(planted)).not.toThrow();
  });

  it("that do not fit are refused", () => {
    const [planted] = PLANTED_BUGS;
    if (planted === undefined) throw new Error("no bugs");
    expect(() => patched("nothing of the kind", planted)).toThrow("occurs 0 times");
    expect(() => patched(planted.find + planted.find, planted)).toThrow("occurs 2 times");
  });

  // the JIT's is one of results, the verifier's one of claims
  it.each([["upper-half"], ["pkt-range"]])("%s is found", { timeout: 120_000 }, async (name) => {
    const { seed, how } = await findBug(bug(name), { seed: 0, count: 96 });
    expect(seed, how).toBeTypeOf("number");
  });

  it("nothing is found where nothing is planted", { timeout: 120_000 }, async () => {
    expect(await findBug(undefined, { seed: 0, count: 96 })).toMatchObject({ seed: undefined });
  });
});
