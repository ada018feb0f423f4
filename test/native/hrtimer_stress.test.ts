// The real clock's waits without Node, under sanitizers; and proof that a race among them would be seen.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const native = resolve(import.meta.dirname, "../../native");
const dir = mkdtempSync(join(tmpdir(), "softirq-hrtimer-"));
afterAll(() => rmSync(dir, { recursive: true }));

const SOURCES = [
  "stress/hrtimer_stress.cc",
  "hrtimer.cc",
  "cpu_lock.cc",
  "short_slice.cc",
  "waiter_thread.cc",
  "clock.cc",
];

function compile(sources: readonly string[], flags: readonly string[], out: string): string | undefined {
  const common = [
    "-std=c++20",
    "-O1",
    "-g",
    "-fno-exceptions",
    "-D_GNU_SOURCE",
    "-Wall",
    "-Wextra",
    "-Werror",
  ];
  const args = [...common, ...flags, "-pthread", "-I", native, ...sources, "-o", out];
  const made = spawnSync("g++", args, { encoding: "utf8" });
  return made.status === 0 ? undefined : (made.stderr ?? String(made.error));
}

/** Does a program of nothing build and run with it? */
function hasSanitizer(name: string): boolean {
  if (process.platform !== "linux") return false;
  const source = join(dir, "nothing.cc");
  writeFileSync(source, "int main() {}\n");
  const out = join(dir, `nothing-${name}`);
  return compile([source], [`-fsanitize=${name}`], out) === undefined && run(out).status === 0;
}

// the sanitizers want their address ranges free: no randomised layout
function run(path: string, ...args: string[]) {
  return spawnSync("setarch", ["-R", path, ...args], { encoding: "utf8", timeout: 60_000 });
}

function build(sanitizer: string, ...flags: string[]): string {
  const out = join(dir, `${sanitizer}${flags.join("")}`);
  const sources = SOURCES.map((s) => join(native, s));
  const steps = ["-include", join(native, "stress/step.h")];
  expect(compile(sources, [`-fsanitize=${sanitizer}`, ...steps, ...flags], out)).toBe(undefined);
  return out;
}

describe("the real clock under stress", { timeout: 120_000 }, () => {
  for (const sanitizer of ["thread", "address,undefined"]) {
    it.skipIf(!hasSanitizer(sanitizer))(
      `${sanitizer}: no report, no lost wake-up, nothing after a close`,
      () => {
        const out = build(sanitizer);
        for (const kind of ["waitv", "plain"]) {
          const result = run(out, "2", kind);
          expect([result.status, result.stderr], result.stdout).toEqual([0, ""]);
          const { worstMs, ...counts } = JSON.parse(result.stdout) as Record<string, number>;
          expect(Object.keys(counts)).toEqual(["armed", "ran", "kicked", "stopped", "waiters"]);
          for (const [name, n] of Object.entries(counts)) expect(n, name).toBeGreaterThan(20);
          expect(worstMs).toBeLessThan(5000);
        }
      },
    );
  }

  it.skipIf(!hasSanitizer("thread"))("a planted race is reported", () => {
    const result = run(build("thread", "-DPLANT_RACE"), "1");
    expect(result.status).not.toBe(0);
    expect(result.stderr).toContain("WARNING: ThreadSanitizer: data race");
  });
});
