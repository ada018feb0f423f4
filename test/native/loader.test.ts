// The loader says why there is no addon, and everything that needs it says so in one line.
import { describe, expect, it, vi } from "vitest";
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { errnoName } from "../../src/spec/errors.ts";

vi.setConfig({ testTimeout: 30_000 }); // child processes or a full second of work, on a busy machine

describe("loader", () => {
  it("SOFTIRQ_ADDON=off is a reason, not an error", () => {
    const script = `
      import { loadAddon, requireAddon } from "./native/binding.ts";
      let refused = ""; try { requireAddon("pin flows"); } catch (e) { refused = e.code + " " + e.message; }
      console.log(JSON.stringify([loadAddon(), refused]));`;
    const run = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      cwd: resolve(import.meta.dirname, "../.."),
      env: { ...process.env, SOFTIRQ_ADDON: "off" },
      encoding: "utf8",
    });
    const reason = "switched off by SOFTIRQ_ADDON=off";
    expect(JSON.parse(run.stdout), run.stderr).toEqual([
      { reason },
      `EOPNOTSUPP pin flows: no native addon: ${reason}`,
    ]);
  });

  it("errno values have names on this platform", () => {
    expect([2, 17, 95].map(errnoName)).toEqual(["ENOENT", "EEXIST", "EOPNOTSUPP"]);
  });
});
