// The examples' own TypeScript, started as their first lines say, against what it prints.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");

// biome-ignore format: table
it.each([
  ["conntrack", "4000 packets opened 978 flows, 762 fell silent and deleted themselves\n216 are still open, 216 timers armed\n"],
  ["health",    "78 of 138 backends are up\n717 times one fell silent for half a second, 657 times one came back\n"],
  ["bucket",    "138 sources: 2808 packets passed, 116 dropped\n2808 refills; 0 buckets are not full yet\n"],
])("%s", (name, printed) => {
  // compiled anew: under tsx that is a way of its own, see jit/compile.ts
  const env = { ...process.env, SOFTIRQ_CACHE: "off" };
  const args = ["--import", "tsx", `examples/${name}.ts`];
  const run = spawnSync(process.execPath, args, { cwd: ROOT, env, encoding: "utf8" });
  expect([run.stderr, run.stdout]).toEqual(["", printed]);
});

it("sample", () => {
  const run = spawnSync(process.execPath, ["--import", "tsx", "examples/sample.ts"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  expect(run.stderr).toBe("");
  const lines = run.stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(16);
  expect(lines[0]).toBe("at 1500000000 ns: 237 packets, 90812 bytes (told by packet 237)");
  expect(lines.map((line) => line.split(" ")[1])).toEqual(
    lines.map((_, i) => `${1_500_000_000 + i * 500_000_000}`),
  );
});
