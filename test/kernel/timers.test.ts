// Timer programs on the virtual clock against what the running kernel's timers did in real time: results of every
// helper call, inside and outside of callbacks, and counters that do not depend on the exact time.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { CaptureReader, loadObject, mapsToJson, openObject, runProg } from "../../runtime/index.ts";

interface Answer {
  readonly kernel: string;
  readonly object: string;
  readonly sha256: string;
  readonly tail_ms: number;
  readonly progs: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const ROOT = resolve(import.meta.dirname, "../..");
const answer = JSON.parse(readFileSync(`${ROOT}/test/recorded/timers.json`, "utf8")) as Answer;
const object = readFileSync(`${ROOT}/${answer.object}`);

describe(`timers as Linux ${answer.kernel} ran them`, () => {
  it("are of the object that was recorded", () => {
    expect(createHash("sha256").update(object).digest("hex")).toBe(answer.sha256);
  });

  for (const engine of ["wasm", "interp"] as const) {
    it.each(Object.keys(answer.progs))(`%s, ${engine}`, async (prog) => {
      using loaded = await loadObject(openObject(object, { name: "timers.o" }), { progs: [prog], engine });
      const source = CaptureReader.open(`${ROOT}/examples/demo.pcap`);
      await runProg(loaded, prog, source, { limit: 1, until: BigInt(answer.tail_ms) * 1_000_000n });
      source.close();
      const { variables } = (
        mapsToJson(loaded) as unknown as Record<string, { variables: Record<string, { bytes: string }> }>
      )[".bss"] ?? { variables: {} };
      const expected = answer.progs[prog] ?? {};
      expect(Object.fromEntries(Object.keys(expected).map((name) => [name, variables[name]?.bytes]))).toEqual(
        expected,
      );
    });
  }
});
