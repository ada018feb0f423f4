// Claims must be able to fail: a program run against what was claimed of another one, which differs in one place, is found
// out, whatever kind of fact it is that does not hold.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openObject } from "../../runtime/load/open.ts";
import { toProg } from "../../runtime/load/prog.ts";
import { assemble } from "../../src/isa/asm.ts";
import { helperByName } from "../../src/spec/helpers.ts";
import { CAPABILITIES } from "../../src/spec/privileges.ts";
import type { Prog, VerifiedProg } from "../../src/verifier/proof.ts";
import { ROOT } from "../kernel/recordings.ts";
import { RANDOM_MAPS } from "../harness/random_gen.ts";
import { randomProg } from "../harness/random_prog.ts";
import type { Surroundings } from "../harness/random_world.ts";
import { type Against, ClaimRun, type Outcome, tryVerify } from "./claim_run.ts";
import { ClaimTotals } from "./claim_totals.ts";
import { CONTEXT_MAPS, randomContextProg } from "./random_contexts.ts";

const TEMPLATE = randomProg(0).prog;
const MAP = RANDOM_MAPS.findIndex(
  ({ type, keySize, valueSize }) => type === "array" && keySize === 4 && valueSize >= 16,
);

/** Functions that are named, as func_info names them. */
function funcsOf(insns: Prog["insns"]): Prog["funcs"] {
  const named = insns.flatMap((insn) =>
    insn?.kind === "ld_imm64" && insn.value.kind === "func" ? insn.value.target : [],
  );
  return named.length === 0 ? [] : [0, ...named].map((pc) => ({ pc, typeId: 0 }));
}

function prog(source: string): Prog {
  const insns = assemble(source, {
    helperId: (name) => helperByName(name.replace(/^bpf_/, ""))?.id,
    mapIndex: () => MAP,
  });
  return { ...TEMPLATE, insns, funcs: funcsOf(insns), subprogs: [], lines: [] };
}

function verified(of: Prog): VerifiedProg {
  const found = tryVerify(of, CAPABILITIES);
  if ("refused" in found) throw new Error(found.refused);
  return found;
}

const EACH = { path: { path: true, claims: false }, claims: { path: false, claims: true } } as const;

/** Runs one program against what is said of another. */
function against(run: string, of: string, which: Against): Outcome {
  return new ClaimRun(undefined, undefined, undefined, which).run(verified(prog(run)), 1, prog(of));
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

/** Which of two numbers depends on the packet, so that both are claimed where the sides meet. */
const SIDES = (one: number, other: number): string => `
  r2 = *(u32 *)(r1 + 12)
  r3 = ${one}
  if r2 == 0x12345 goto out
  r3 = ${other}
  out: r4 = r3
  r0 = 1
  exit`;

const ROUNDS = (n: number, by: number): string => `
  r6 = 0
  r7 = 0
  more: r7 += ${by}
  r6 += 1
  if r6 < ${n} goto more
  r0 = r7
  exit`;

/** A function that returns one number and leaves another on its caller's stack. */
const CALLED = (r0: number, slot: number): string => `
  *(u64 *)(r10 - 8) = 0
  r1 = r10
  r1 += -8
  call pc+2
  r0 = *(u64 *)(r10 - 8)
  exit
  *(u64 *)(r1 + 0) = ${slot}
  r0 = ${r0}
  exit`;

const CALLS_BACK = (by: number): string => `
  *(u64 *)(r10 - 8) = 0
  r1 = 3
  r2 = func pc+7 ll
  r3 = r10
  r3 += -8
  r4 = 0
  call bpf_loop
  r0 = *(u64 *)(r10 - 8)
  exit
  r4 = *(u64 *)(r2 + 0)
  r4 += ${by}
  *(u64 *)(r2 + 0) = r4
  r0 = 0
  exit`;

const SIGN = (mask: number): string => `
  r2 = *(u32 *)(r1 + 12)
  r2 <<= 63
  r2 s>>= 63
  r2 &= ${mask}
  r3 = r2
  r0 = 1
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

/** What the path alone can tell: states of other paths would hide it, or there are too many of them. */
// biome-ignore format: table
const PATH_LIES: readonly (readonly [what: string, run: string, of: string])[] = [
  ["a number that holds on another path", SIDES(1, 2),                             SIDES(2, 1)],
  ["a number in a round of a loop",       ROUNDS(4, 1),                            ROUNDS(4, 2)],
  ["the number of rounds",                ROUNDS(3, 1),                            ROUNDS(2, 1)],
  ["a number that a function returns",    CALLED(7, 0),                            CALLED(8, 0)],
  ["a slot that a function writes below", CALLED(7, 5),                            CALLED(7, 6)],
  ["a number in a callback's context",    CALLS_BACK(1),                           CALLS_BACK(2)],
  ["the mask that is made of a sign",     SIGN(31),                                SIGN(30)],
];

describe("claims", () => {
  it.each(LIES)("%s that does not hold is found", (_, run, of) => {
    for (const [where, which] of Object.entries(EACH)) {
      expect(against(run, of, which)).toMatchObject({ kind: "broken", where });
      expect(against(run, run, which)).toMatchObject({ kind: "held" });
      expect(against(of, of, which)).toMatchObject({ kind: "held" });
    }
  });

  it("a jump to a side that was never seen is found", () => {
    const jump = (to: number): string => `r1 = 5\nif r1 == ${to} goto out\nr0 = 0\nexit\nout: r0 = 1\nexit`;
    for (const [where, which] of Object.entries(EACH))
      expect(against(jump(5), jump(6), which)).toMatchObject({ kind: "broken", where });
  });

  it.each(PATH_LIES)("%s that does not hold is found on the path", (_, run, of) => {
    expect(against(run, of, EACH.path)).toMatchObject({ kind: "broken", where: "path" });
    expect(against(run, run, EACH.path)).toMatchObject({ kind: "held" });
    expect(against(of, of, EACH.path)).toMatchObject({ kind: "held" });
  });

  it("a path that the verifier would refuse is found", () => {
    const load = (off: number): string => PACKET(14).replace("r6 + 0)\n  out", `r6 + ${off})\n  out`);
    expect(against(load(13), load(14), EACH.path)).toMatchObject({ kind: "broken", where: "verifier" });
    expect(against(load(13), load(12), EACH.path)).toMatchObject({ kind: "held" });
  });

  it("a program with more states than are kept is held against its path", () => {
    const of = verified(prog(ROUNDS(40, 1)));
    const outcome = new ClaimRun(undefined, undefined, 20).run(of, 1);
    expect(outcome).toMatchObject({
      kind: "held",
      claims: 0,
      noClaims: "too long where nothing is irrelevant",
    });
  });

  it("a program that reads what a number points to is left, and said why", () => {
    const opened = openObject(join(ROOT, "test/verifier/objects/global_args.o"));
    const of = verified(toProg(opened.spec, opened.prog("fine_bytes_untrusted")));
    const totals = new ClaimTotals();
    expect(totals.add(of, 1, { type: of.prog.type, maps: of.prog.maps })).toBeUndefined();
    expect(totals.text()).toContain("not run 1: reads whatever a number points to");
  });

  it("programs of every type are held against theirs, with stand-ins where something lacks here", () => {
    const totals = new ClaimTotals();
    const broken: string[] = [];
    const types = new Set<string>();
    const arounds = new Map<string, Surroundings>();
    const aroundOf = (type: Prog["type"]): Surroundings => {
      const around = arounds.get(type) ?? { type, maps: CONTEXT_MAPS };
      arounds.set(type, around);
      return around;
    };
    let accepted = 0;
    for (let seed = 5000; seed < 5500; seed++) {
      const of = randomContextProg(seed);
      const found = tryVerify(of, totals.caps);
      if ("refused" in found) continue;
      accepted++;
      types.add(of.type);
      const failure = totals.add(found, seed, aroundOf(of.type));
      if (failure !== undefined) broken.push(`seed ${seed}: ${failure.where}: ${failure.what}`);
    }
    expect(broken).toEqual([]);
    expect(totals.ran).toBe(accepted);
    expect(types.size).toBeGreaterThan(20);
  });
});
