// Objects' programs, each changed a little in many ways: what is accepted does the same in WebAssembly, plain and
// checked, as in the interpreter, each step within what was claimed. The long run is test/diff/run_objects.ts.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../kernel/recordings.ts";
import { runMutants, runObjectProgs } from "./run_objects.ts";
import type { Failure } from "./random_diff.ts";
import { Stats } from "./stats.ts";

const SEEDS = Array.from({ length: 30 }, (_, i) => i);

function collect(): { failures: string[]; onFailure: (failure: Failure, name: string) => Promise<void> } {
  const failures: string[] = [];
  return {
    failures,
    onFailure: (failure, name) => {
      failures.push(`${name} seed ${failure.seed}: ${failure.where} at ${failure.pc}: ${failure.what}`);
      return Promise.resolve();
    },
  };
}

describe("programs that were changed a little", () => {
  it.each(["flows", "calls", "throws", "timers", "flow_keys", "tc"])(
    "%s",
    { timeout: 300_000 },
    async (name) => {
      const stats = new Stats();
      const { failures, onFailure } = collect();
      const path = join(ROOT, `test/objects/${name}.o`);
      const leftOut = await runMutants(path, SEEDS, stats, onFailure);
      expect(failures).toEqual([]);
      expect(leftOut).toEqual([]);
      expect(stats.accepted).toBeGreaterThan(10);
      expect(stats.steps).toBeGreaterThan(stats.accepted * 10);
    },
  );

  it("random ones about objects", { timeout: 300_000 }, async () => {
    const stats = new Stats();
    const { failures, onFailure } = collect();
    await runObjectProgs(
      Array.from({ length: 150 }, (_, i) => i),
      stats,
      onFailure,
    );
    expect(failures).toEqual([]);
    expect(stats.accepted).toBeGreaterThan(5);
  });
});
