// Claims must be able to fail: a program run against what was claimed of another one, which differs in one place, is found
// out, whatever kind of fact it is that does not hold.
import { describe, expect, it } from "vitest";
import { assemble } from "../../src/isa/asm.ts";
import { helperByName } from "../../src/spec/helpers.ts";
import { CAPABILITIES } from "../../src/spec/privileges.ts";
import type { Prog, VerifiedProg } from "../../src/verifier/proof.ts";
import { RANDOM_MAPS } from "../harness/random_gen.ts";
import { randomProg } from "../harness/random_prog.ts";
import { type Broken, ClaimRun, type Held, type Left, tryVerify } from "./claim_run.ts";
import { ClaimTotals } from "./claim_totals.ts";
import { CONTEXT_MAPS, randomContextProg } from "./random_contexts.ts";

const TEMPLATE = randomProg(0).prog;
const MAP = RANDOM_MAPS.findIndex(
  ({ type, keySize, valueSize }) => type === "array" && keySize === 4 && valueSize >= 16,
);

function prog(source: string): Prog {
  const insns = assemble(source, {
    helperId: (name) => helperByName(name.replace(/^bpf_/, ""))?.id,
    mapIndex: () => MAP,
  });
  return { ...TEMPLATE, insns, funcs: [], subprogs: [], lines: [] };
}

function verified(of: Prog): VerifiedProg {
  const found = tryVerify(of, CAPABILITIES);
  if ("refused" in found) throw new Error(found.refused);
  return found;
}

/** Runs one program against the claims of another. */
function against(run: string, claimed: string): Held | Broken | Left {
  return new ClaimRun().run(verified(prog(run)), 1, prog(claimed));
}

const PACKET = (checked: number): string => `
  r6 = *(u32 *)(r1 + 0)
  r7 = *(u32 *)(r1 + 4)
  r2 = r6
  r2 += ${checked}
  if r2 > r7 goto out
  r0 = *(u8 *)(r6 + 0)
  out: r0 = 1
  exit`;

const VALUE = (off: number): string => `
  *(u32 *)(r10 - 4) = 0
  r2 = r10
  r2 += -4
  r1 = map[m] ll
  call bpf_map_lookup_elem
  if r0 == 0 goto out
  r0 += ${off}
  r0 = *(u8 *)(r0 + 0)
  out: r0 = 1
  exit`;

// biome-ignore format: table
const LIES: readonly (readonly [what: string, run: string, claimed: string])[] = [
  ["a constant",             "r1 = 5\nr0 = r1\nexit",                              "r1 = 6\nr0 = r1\nexit"],
  ["bounds",                 "r2 = *(u32 *)(r1 + 12)\nr2 &= 255\nr2 += 256\nr0 = 1\nexit", "r2 = *(u32 *)(r1 + 12)\nr2 &= 255\nr2 += 512\nr0 = 1\nexit"],
  ["bits",                   "r2 = 4\nr2 <<= 1\nr0 = r2\nexit",                    "r2 = 4\nr2 <<= 2\nr0 = r2\nexit"],
  ["the sign",               "r2 = -1\nw0 = 1\nexit",                              "w2 = -1\nw0 = 1\nexit"],
  ["a spilled number",       "*(u64 *)(r10 - 8) = 1\nr0 = 0\nexit",                "*(u64 *)(r10 - 8) = 2\nr0 = 0\nexit"],
  ["a byte that is zero",    "*(u8 *)(r10 - 1) = 1\nr0 = 0\nexit",                 "*(u8 *)(r10 - 1) = 0\nr0 = 0\nexit"],
  ["a distance on the stack", "r2 = r10\nr2 += -8\nr0 = 0\nexit",                  "r2 = r10\nr2 += -16\nr0 = 0\nexit"],
  ["a packet's range",       PACKET(14),                                           PACKET(500)],
  ["a place in a value",     VALUE(4),                                             VALUE(8)],
  ["the kind of a pointer",  "r2 = r1\nr0 = 0\nexit",                              "r2 = r10\nr0 = 0\nexit"],
  ["equal numbers",          "r2 = *(u32 *)(r1 + 12)\nr3 = *(u32 *)(r1 + 12)\nr3 += 1\nr0 = 0\nexit", "r2 = *(u32 *)(r1 + 12)\nr3 = r2\nr3 += 0\nr0 = 0\nexit"],
];

describe("claims", () => {
  it.each(LIES)("%s that does not hold is found", (_, run, claimed) => {
    expect(against(run, claimed)).toMatchObject({ kind: "broken", where: "claims" });
    expect(against(run, run)).toMatchObject({ kind: "held" });
    expect(against(claimed, claimed)).toMatchObject({ kind: "held" });
  });

  it("a jump to a side that was never seen is found", () => {
    const jump = (to: number): string => `r1 = 5\nif r1 == ${to} goto out\nr0 = 0\nexit\nout: r0 = 1\nexit`;
    expect(against(jump(5), jump(6))).toMatchObject({ kind: "broken" });
  });

  it("programs of every type are held against theirs, with stand-ins where something lacks here", () => {
    const totals = new ClaimTotals();
    const broken: string[] = [];
    const types = new Set<string>();
    let accepted = 0;
    for (let seed = 5000; seed < 5500; seed++) {
      const of = randomContextProg(seed);
      const found = tryVerify(of, totals.caps);
      if ("refused" in found) continue;
      accepted++;
      types.add(of.type);
      const failure = totals.add(found, seed, { type: of.type, maps: CONTEXT_MAPS });
      if (failure !== undefined) broken.push(`seed ${seed}: ${failure.where}: ${failure.what}`);
    }
    expect(broken).toEqual([]);
    expect(totals.ran).toBe(accepted);
    expect(types.size).toBeGreaterThan(20);
  });
});
