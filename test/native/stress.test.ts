// The addon's core without Node, under ThreadSanitizer and without. Needs g++; not Node's headers.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const native = resolve(import.meta.dirname, "../../native");
const dir = mkdtempSync(join(tmpdir(), "softirq-stress-"));
afterAll(() => rmSync(dir, { recursive: true }));
const hasCompiler = process.platform === "linux" && spawnSync("g++", ["--version"]).status === 0;

describe.skipIf(!hasCompiler)("the core under stress", () => {
  for (const sanitizer of ["thread", "address,undefined"]) {
    it(sanitizer, { timeout: 120_000 }, () => {
      const out = join(dir, sanitizer);
      const core = readdirSync(native)
        .filter((f) => f.endsWith(".cc"))
        .map((f) => join(native, f));
      const flags = [
        "-std=c++20",
        "-O1",
        "-g",
        "-fno-exceptions",
        "-Wall",
        "-Wextra",
        "-Werror",
        `-fsanitize=${sanitizer}`,
        "-pthread",
        "-I",
        native,
      ];
      const build = spawnSync("g++", [...flags, join(import.meta.dirname, "stress.cc"), ...core, "-o", out], {
        encoding: "utf8",
      });
      expect(build.status, build.stderr).toBe(0);
      // the sanitizers want their address ranges free: no randomised layout
      const run = spawnSync("setarch", ["-R", out], { encoding: "utf8", timeout: 60_000 });
      expect([run.status, run.stderr]).toEqual([0, ""]);
      const rounds = run.stdout.trim().split(" ").map(Number);
      expect(rounds).toHaveLength(4);
      for (const n of rounds) expect(n).toBeGreaterThan(10);
    });
  }
});
