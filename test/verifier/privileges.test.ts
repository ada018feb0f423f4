// What a process without some capability may have verified, beside what Linux says.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BpfError, ERRNO } from "../../src/spec/errors.ts";
import type { MapTypeName } from "../../src/spec/map_types.ts";
import { type Capability, missingForMap } from "../../src/spec/privileges.ts";
import type { ProgTypeName } from "../../src/spec/prog_types.ts";
import type { Prog } from "../../src/verifier/proof.ts";
import { VerifierError, verify } from "../../src/verifier/verify.ts";
import { prog } from "./harness.ts";
import {
  ATTACHED,
  assembleFree,
  callOnly,
  FREE_MAPS,
  flagsOf,
  HELPER_IDS,
  LEVELS,
  privilegePrograms,
  type RecordedEperm,
  type RecordedLevel,
} from "./privilege_programs.ts";

const [head, ...lines] = readFileSync(join(import.meta.dirname, "privilege_kernel.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as unknown);
const { mapsAsked } = head as { readonly mapsAsked: readonly MapTypeName[] };
const levels = lines.filter((l): l is RecordedLevel => Object.hasOwn(l as object, "answers"));
const refusals = lines.filter((l): l is RecordedEperm => Object.hasOwn(l as object, "progs"));

function progOf(type: ProgTypeName, insns: Prog["insns"]): Prog {
  const attach = ATTACHED[type];
  return prog("", {
    type,
    insns,
    maps: FREE_MAPS,
    funcs: [],
    flags: flagsOf(type) === 0 ? [] : ["sleepable"],
    ...(attach === undefined ? {} : { expectedAttachType: attach }),
  });
}

/** As the recorder writes it. */
function answer(caps: readonly Capability[], type: ProgTypeName, insns: Prog["insns"]): string {
  try {
    verify(progOf(type, insns), { logLevel: 0, caps });
    return "0 ";
  } catch (e) {
    if (e instanceof VerifierError) return `${ERRNO[e.code]} ${e.reasons.at(-1)}`;
    if (e instanceof BpfError) return `${ERRNO[e.code]} `;
    throw e;
  }
}

describe("a process that has", () => {
  it("every level is recorded", () => {
    expect(levels.map(({ caps, type }) => ({ caps, type }))).toEqual(
      LEVELS.flatMap(({ caps, types }) => types.map((type) => ({ caps, type }))),
    );
  });

  it.each(levels)("$caps, programs of type $type", ({ caps, type, answers }) => {
    const rows = Object.entries(privilegePrograms(type));
    expect(rows.map(([name, source]) => `${name}: ${answer(caps, type, assembleFree(source))}`)).toEqual(
      rows.map(([name]) => `${name}: ${answers[name]}`),
    );
  });

  it.each(levels)("$caps, helpers of $type", ({ caps, type, helpersRefused }) => {
    const refused = HELPER_IDS.filter((id) =>
      answer(caps, type, callOnly(id)).includes("program of this type cannot use helper"),
    );
    expect(refused).toEqual(helpersRefused);
  });

  it.each(refusals)("$caps, types of programs and maps", ({ caps, progs, maps }) => {
    const insns = assembleFree("r0 = 1\nexit");
    for (const type of progs) expect(answer(caps, type, insns)).toBe(`${ERRNO.EPERM} `);
    for (const { type } of levels.filter((l) => l.caps.join() === caps.join()))
      expect(answer(caps, type, insns)).toBe("0 ");
    expect(mapsAsked.filter((type) => missingForMap(type, caps) !== undefined)).toEqual(maps);
  });
});

describe("a process without capabilities", () => {
  it("does not look into the kernel's maps", () => {
    const insns = assembleFree("r1 = map[h]\nr2 = *(u32 *)(r1 +0)\nr0 = 0\nexit");
    const words = "'struct bpf_htab' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN";
    expect(answer([], "socket_filter", insns)).toBe(`${ERRNO.EPERM} ${words}`);
  });

  const long = (n: number): Prog["insns"] => assembleFree(`${"r0 = 0\n".repeat(n - 1)}exit`);

  it("has programs of up to 4096 insns", () => {
    expect(answer([], "socket_filter", long(4096))).toBe("0 ");
    expect(answer([], "socket_filter", long(4097))).toBe(`${ERRNO.E2BIG} `);
    expect(answer(["bpf"], "socket_filter", long(4097))).toBe("0 ");
  });

  it("sees where a guess was wrong, and what stopped it", () => {
    const insns = assembleFree("r2 = 0\nif r2 == 0 goto out\nr3 = r5\nout: r0 = 0\nexit");
    const { log } = verify(progOf("socket_filter", insns), { logLevel: 2, caps: [] });
    expect(log).toContain("from 1 to 2 (speculative execution): R1=ctx() R2=Pscalar() R10=fp0");
    expect(log).toContain("R5 !read_ok");
  });

  it.each([
    // The states are those of Linux 6.18.
    ["r6 += r7", "R6=map_value(map=a,ks=4,vs=16,smin=0,smax=umax=3,var_off=(0x0; 0x3)) R7=scalar("],
    ["r7 += r6", "R7=map_value(map=a,ks=4,vs=16,smin=smin32=0,smax=umax=smax32=umax32=3,var_off=(0x0; 0x3))"],
  ])("sees a pointer that a wrong guess leaves where it was: %s", (add, state) => {
    const insns = assembleFree(
      "*(u32 *)(r10 -4) = 0\nr2 = r10\nr2 += -4\nr1 = map[a]\ncall bpf_map_lookup_elem\nif r0 == 0 goto out\n" +
        `r6 = r0\nr0 = *(u32 *)(r6 +0)\nr7 = *(u32 *)(r6 +4)\nr0 &= 3\nr7 &= 3\nr6 += r0\n${add}\nr1 = 0\nout: r0 = 0\nexit`,
    );
    const { log } = verify(progOf("socket_filter", insns), { logLevel: 2, caps: ["bpf"] });
    const at = log.find((l) => l.startsWith("from 13 to 14 (speculative execution): "));
    expect(at).toContain(state);
  });

  // A load may not see the store yet: where bytes that it goes to were never set it ends a wrong guess. As Linux 6.18.44
  // walks these programs, by the insns that it counts.
  // biome-ignore format: one row a program
  it.each([
    ["",                         "*(u32 *)(r10 -8) = 1", 9],
    ["*(u32 *)(r10 -8) = 5",     "*(u32 *)(r10 -8) = 1", 13],
    ["*(u32 *)(r10 -8) = 5",     "*(u8 *)(r10 -8) = 1",  13],
    ["*(u32 *)(r10 -8) = 5",     "*(u32 *)(r10 -4) = 1", 10],
    ["*(u32 *)(r10 -4) = 5",     "*(u32 *)(r10 -4) = 1", 13],
    ["*(u32 *)(r10 -4) = 5",     "*(u32 *)(r10 -8) = 1", 10],
    ["*(u64 *)(r10 -8) = 5",     "*(u16 *)(r10 -2) = 1", 13],
    ["*(u8 *)(r10 -1) = 5",      "*(u8 *)(r10 -1) = 1",  13],
    ["*(u8 *)(r10 -1) = 5",      "*(u8 *)(r10 -8) = 1",  10],
  ])("ends a wrong guess at a store over bytes that were never set: %s, %s", (before, store, processed) => {
    const insns = assembleFree(
      `r2 = 7\n${before}\nr3 = 0\nif r3 == 0 goto out\nr0 = 1\nout: ${store}\nr0 = 9\nr0 = 0\nexit`,
    );
    expect(verify(progOf("socket_filter", insns), { caps: [] }).stats.processed).toBe(processed);
  });

  it("leaves no trace of wrong guesses in what the JIT is told", () => {
    const insns = assembleFree("r2 = 0\nif r2 == 0 goto out\nr3 = *(u64 *)(r1 +48)\nout: r0 = 0\nexit");
    const { aux } = verify(progOf("socket_filter", insns), { caps: [] });
    expect(aux[2]).toBeUndefined();
    expect(aux[1]?.jump).toEqual({ taken: true, fallthrough: false });
  });
});
