// Lies about what is not one walk from a program's start to its end are found on the path too: programs that others jump to,
// that are thrown out of, functions that run later or by their types alone, rounds of an iterator. A program is run against
// the path of another one that differs in one place.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openObject } from "../../runtime/load/open.ts";
import { RUNNING } from "../../runtime/load/outside.ts";
import { toProg } from "../../runtime/load/prog.ts";
import { assemble } from "../../src/isa/asm.ts";
import type { Insn } from "../../src/isa/insn.ts";
import { helperByName } from "../../src/spec/helpers.ts";
import { CAPABILITIES } from "../../src/spec/privileges.ts";
import type { Prog, VerifiedProg } from "../../src/verifier/proof.ts";
import { plausibleFrame } from "../harness/random_frames.ts";
import { RANDOM_MAPS } from "../harness/random_gen.ts";
import { randomProg } from "../harness/random_prog.ts";
import type { Surroundings } from "../harness/random_world.ts";
import { ROOT } from "../kernel/recordings.ts";
import { ClaimRun, type Outcome, tryVerify } from "./claim_run.ts";

const PATH = { path: true, claims: false };

function verified(of: Prog): VerifiedProg {
  const found = tryVerify(of, CAPABILITIES);
  if ("refused" in found) throw new Error(found.refused);
  return found;
}

/** The same insn with another number in it, if it has one that is known to be there behind it. */
function lieAbout(insn: Insn): Insn | undefined {
  if (insn.kind === "alu" && insn.op === "mov" && insn.src.kind === "imm")
    return { ...insn, src: { kind: "imm", imm: insn.src.imm + 1 } };
  if (insn.kind !== "ld_imm64" || insn.value.kind !== "map_value") return undefined;
  return { ...insn, value: { ...insn.value, off: insn.value.off + 8 } };
}

/** A program of an object, run; and run against one that lies in a function of this name. */
function lieIn(object: string, name: string, func: string): readonly [honest: Outcome, lying: Outcome[]] {
  const opened = openObject(join(ROOT, "test/objects", object));
  const { spec } = opened;
  const prog = toProg(spec, opened.prog(name));
  const of = verified(prog);
  const around: Surroundings = {
    type: prog.type,
    maps: prog.maps,
    data: spec.maps.map((map) => map.data),
    frame: plausibleFrame,
  };
  const run = new ClaimRun(CAPABILITIES, around, undefined, PATH);
  const honest = run.run(of, 1);
  if (honest.kind !== "held") return [honest, []];
  const at = of.subprogs.findIndex((subprog) => subprog.name === func);
  const start = of.subprogs[at]?.start ?? -1;
  const end = of.subprogs[at + 1]?.start ?? prog.insns.length;
  const lying = prog.insns.slice(start, end).flatMap((insn) => {
    const lie = insn === undefined || honest.ran[insn.pc] !== 1 ? undefined : lieAbout(insn);
    if (insn === undefined || lie === undefined) return [];
    return run.run(of, 1, { ...prog, insns: prog.insns.with(insn.pc, lie) });
  });
  return [honest, lying];
}

// biome-ignore format: table
const IN_FUNCTIONS = [
  ["a late callback",                  "timers.o",   "once_array",  "count"],
  ["one that puts itself off again",   "timers.o",   "every_hash",  "every_ms"],
  ["one that cancels itself",          "timers.o",   "cancel_self", "cancels_itself"],
  ["one whose timer is deleted in it", "timers.o",   "delete_self", "deletes_itself"],
  ["a program that is thrown out of",  "throws.o",   "plain",       "plain"],
  ["a function that throws",           "throws.o",   "below",       "deep"],
  ["a function that is thrown past",   "throws.o",   "caught",      "middle"],
  ["a function that catches",          "throws.o",   "caught_here", "catch_it"],
  ["a global function that throws",    "throws.o",   "from_global", "global_deep"],
  ["a global function",                "calls.o",    "calls",       "sum_header"],
  ["rounds of an iterator",            "iters.o",    "ranges",      "ranges"],
  ["an iterator in an iterator",       "iters.o",    "nested",      "gcd"],
  ["a program that jumps",             "dispatch.o", "dispatch",    "dispatch"],
  ["a program that jumps to itself",   "dispatch.o", "spin",        "spin"],
] as const;

const kernelBtf = RUNNING.kernelBtf();
const KFUNC = /kfunc (\w+)/g;

function asm(source: string): Prog {
  const named = source.replace(KFUNC, (_, name: string) => `kfunc#${kernelBtf?.find(name, "func")?.id}`);
  const insns = assemble(named, {
    helperId: (name) => helperByName(name.replace(/^bpf_/, ""))?.id,
    mapIndex: (name) => RANDOM_MAPS.findIndex((map) => map.name === name),
  });
  const called = insns.flatMap((insn) =>
    insn?.kind === "call" && insn.callee.kind === "subprog" ? insn.callee.target : [],
  );
  const funcs = [0, ...called].map((pc) => ({ pc, typeId: 0 }));
  return { ...randomProg(0).prog, kernelBtf: () => kernelBtf, insns, funcs, subprogs: [], lines: [] };
}

/** Jumps to itself once; the second time it is somebody else. */
const SECOND = (r4: number): string => `
  r7 = map[globals][0]+0
  r8 = *(u32 *)(r7 + 0)
  if r8 == 77 goto second
  *(u32 *)(r7 + 0) = 77
  r2 = map[jump] ll
  r3 = 0
  call bpf_tail_call
  r0 = 1
  exit
  second: *(u32 *)(r7 + 0) = 1
  r4 = ${r4}
  r0 = 2
  exit`;

const NOT_MADE = (r9: number): string => `
  r2 = map[jump] ll
  r3 = 1
  call bpf_tail_call
  r9 = ${r9}
  r0 = 2
  exit`;

/** A function that jumps away for good, or one that returns. */
const GONE = (call: string): string => `
  r6 = r1
  r7 = map[globals][0]+0
  r8 = *(u32 *)(r7 + 0)
  *(u32 *)(r7 + 0) = 77
  if r8 == 77 goto out
  r1 = r6
  call pc+4
  r5 = r0
  r0 = 1
  out: r0 = 2
  exit
  r2 = map[jump] ll
  r3 = 0
  call ${call}
  r0 = 7
  exit`;

const ROUNDS = (rounds: number, by: number): string => `
  r7 = 0
  r1 = r10
  r1 += -8
  r2 = 0
  r3 = ${rounds}
  call kfunc bpf_iter_num_new
  more: r1 = r10
  r1 += -8
  call kfunc bpf_iter_num_next
  if r0 == 0 goto done
  r7 += ${by}
  goto more
  done: r1 = r10
  r1 += -8
  call kfunc bpf_iter_num_destroy
  r0 = r7
  exit`;

const THROWS = (first: string): string => `
  r6 = r1
  r1 = 5
  ${first}
  r0 = 1
  exit`;

// biome-ignore format: table
const LIES: readonly (readonly [what: string, run: string, of: string])[] = [
  ["a number in a program that was jumped to", SECOND(4),                           SECOND(5)],
  ["a number behind a jump that is not made",  NOT_MADE(4),                         NOT_MADE(5)],
  ["what a function that jumped returns",      GONE("bpf_tail_call"),               GONE("bpf_get_smp_processor_id")],
  ["a number in a round of an iterator",       ROUNDS(3, 1),                        ROUNDS(3, 2)],
  ["how many rounds a new iterator has",       ROUNDS(3, 1),                        ROUNDS(4, 1)],
  ["where what throws goes on",                 THROWS("call kfunc bpf_throw"),      THROWS("call kfunc bpf_rcu_read_unlock")],
];

describe("a lie is found on the path", () => {
  it.each(IN_FUNCTIONS)("about a number in %s", (_, object, name, func) => {
    const [honest, lying] = lieIn(object, name, func);
    expect(honest).toMatchObject({ kind: "held" });
    expect(lying.length).toBeGreaterThan(0);
    for (const outcome of lying) expect(outcome).toMatchObject({ kind: "broken" });
  });

  it.each(LIES)("%s", (_, run, of) => {
    const against = (which: string): Outcome =>
      new ClaimRun(undefined, undefined, undefined, PATH).run(verified(asm(run)), 1, asm(which));
    expect(against(run)).toMatchObject({ kind: "held" });
    expect(against(of)).toMatchObject({ kind: "broken" });
  });
});
