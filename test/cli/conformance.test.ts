// The public conformance vectors through the whole pipeline: assembled, verified, compiled or interpreted.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { runVector } from "../../src/cli/conformance_prog.ts";
import { assembleConformance } from "../../src/isa/conformance_asm.ts";
import { encodeInsns } from "../../src/isa/encode.ts";
import { VerifierError } from "../../src/verifier/error.ts";
import { haveConformance, readVectors } from "../harness/conformance.ts";

const vectors = readVectors();

/** What the kernel refuses, and so do we: shifts by more than the width. `callx` no kernel knows. */
const REFUSED = /^invalid shift|^unknown opcode 8d/;
const MOST_REFUSED = 13;

async function outcome(
  engine: "wasm" | "interp",
  checked: boolean,
): Promise<{ wrong: string[]; refused: string[] }> {
  const wrong: string[] = [];
  const refused: string[] = [];
  for (const v of vectors) {
    try {
      const r0 = await runVector(encodeInsns(assembleConformance(v.asm)), v.mem ?? new Uint8Array(), {
        engine,
        checked,
      });
      if (r0 !== v.result) wrong.push(`${v.name}: ${r0.toString(16)}, not ${v.result.toString(16)}`);
    } catch (error) {
      if (!(error instanceof VerifierError)) throw error;
      const reason = error.reasons.at(-1) ?? "";
      if (REFUSED.test(reason)) refused.push(v.name);
      else wrong.push(`${v.name}: ${error.message}`);
    }
  }
  return { wrong, refused };
}

describe.skipIf(!haveConformance)("conformance vectors (../shared/conformance)", () => {
  it.each([
    ["wasm", false],
    ["wasm", true],
    ["interp", true],
  ] as const)("%s, checked %s", async (engine, checked) => {
    const { wrong, refused } = await outcome(engine, checked);
    expect(wrong).toEqual([]);
    expect(refused.length).toBeLessThanOrEqual(MOST_REFUSED);
    expect(vectors.length).toBe(313);
  });
});

describe("softirq-conformance", () => {
  const bin = resolve(import.meta.dirname, "../../dist/src/cli/conformance.js");
  const hex = (bytes: Uint8Array) => [...bytes].map((b) => b.toString(16).padStart(2, "0")).join(" ");
  const plugin = (asm: string, args: string[]) =>
    spawnSync(process.execPath, [bin, ...args], {
      input: hex(encodeInsns(assembleConformance(asm))),
      encoding: "utf8",
    });

  it("answers r0 in hex", () => {
    const run = plugin("ldxb %r0, [%r1+1]\nlsh %r0, 32\nexit", ["aa bb"]);
    expect([run.status, run.stdout, run.stderr]).toEqual([0, "bb00000000\n", ""]);
  });

  it("refuses in one line, with a status of its own", () => {
    const run = plugin("ldxb %r0, [%r1+2]\nexit", ["aa bb"]);
    expect(run.status).toBe(1);
    expect(run.stdout).toBe("");
    expect(run.stderr).toMatch(/^softirq-conformance: .*invalid access to packet.*\n$/);
  });
});
