// Log level 4: what the functions' stacks come to, as Linux 6.18 says it of the same programs.
import { expect, it } from "vitest";
import type { LogLevel } from "../../src/verifier/options.ts";
import { VerifierError, verify } from "../../src/verifier/verify.ts";
import { prog } from "./harness.ts";

const SPILL = "r1 = 1\n*(u64 *)(r10 -16) = r1\ncall bpf_get_smp_processor_id\nr1 = *(u64 *)(r10 -16)\n";
const WRITES = "r1 = r10\nr1 += -16\nr2 = 8\nr3 = 42\ncall bpf_probe_read_kernel\n";
const STORE = "r1 = 1\n*(u64 *)(r10 -24) = r1\n";

const DEPTHS: readonly (readonly [what: string, source: string, depth: string])[] = [
  ["nothing", "r0 = 0\nexit", "0"],
  ["whole slots", "*(u8 *)(r10 -9) = 1\nr0 = 0\nexit", "16"],
  ["functions", `${STORE}call f\nr0 = 0\nexit\nf: *(u64 *)(r10 -8) = r1\nr0 = 0\nexit`, "24+8"],
  ["spills that go", `*(u64 *)(r10 -8) = 1\n${SPILL}r0 = 0\nexit`, "8"],
  ["spills that a call writes to", `${SPILL}${WRITES}r0 = 0\nexit`, "16"],
  ["may_goto's clock", "r0 = 0\nmore: may_goto out\nr0 += 1\ngoto more\nout: r0 = 0\nexit", "16"],
];

/** The log without the times it took. */
function logAt(source: string, logLevel: LogLevel): readonly string[] {
  try {
    return verify(prog(source), { logLevel }).log;
  } catch (e) {
    if (!(e instanceof VerifierError)) throw e;
    return e.log;
  }
}

it.each(DEPTHS)("counts %s", (_, source, depth) => {
  expect(logAt(source, 4)).toEqual([`stack depth ${depth}`, expect.stringMatching(/^processed /)]);
});

it("is said of what is refused, as far as it was walked", () => {
  expect(logAt(`${STORE}r0 = r9\nexit`, 4)).toEqual([
    "R9 !read_ok",
    "stack depth 24",
    expect.stringMatching(/^processed 3 insns/),
  ]);
});

it.each([
  [1, 5],
  [2, 6],
] as const)("is one line more at level %i", (level, more) => {
  const source = `${STORE}r0 = 0\nexit`;
  expect(logAt(source, more).filter((line) => line !== "stack depth 24")).toEqual(logAt(source, level));
});
