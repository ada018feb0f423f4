// Our verifier's answer about every program of the test objects beside the kernel's: accepted or not, and where it
// is rejected the errno and the last words. Of programs named stricter_* we refuse what the kernel accepts.
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { openObject } from "../../runtime/load/open.ts";
import { verifyEach } from "../../runtime/load/verdict.ts";
import { ERRNO } from "../../src/spec/errors.ts";
import { DIFFERS } from "./differs.ts";
import { readVerdicts } from "./recorded_verdicts.ts";
import { ROOT, sha256, verifiedPaths } from "./recordings.ts";

vi.setConfig({ testTimeout: 60_000 }); // a million insns are walked, on a busy machine

const recorded = readVerdicts();

it("every object is recorded as it is now", () => {
  const now = verifiedPaths().map((object) => [object, sha256(join(ROOT, object))]);
  expect(recorded.objects.map((o) => [o.object, o.sha256])).toEqual(now);
});

describe("twins", () => {
  const twins = recorded.objects
    .filter((o) => o.object.startsWith("test/verifier/twins/"))
    .flatMap((o) => o.verdicts);

  it("are called what they are", () => {
    expect(twins.length).toBeGreaterThan(400);
    const kernel = twins.map((v) => `${v.errno === 0 ? "fine" : "bad"} ${v.prog}`);
    expect(kernel).toEqual(twins.map((v) => `${v.prog.split("_")[0]} ${v.prog}`));
  });

  it("have the kernel's words but for few", () => {
    const differ = twins.filter((v) => DIFFERS[v.prog] !== undefined);
    expect(differ.length).toBeLessThan(0.03 * twins.length);
    for (const v of differ) expect(v.errno).not.toBe(0);
  });
});

describe.each(recorded.objects)(`$object as Linux ${recorded.kernel} verified it`, ({ object, verdicts }) => {
  const { spec } = openObject(join(ROOT, object));

  it.each(verdicts)("$prog", (want) => {
    const [have] = verifyEach(
      spec,
      spec.progs.filter((p) => p.name === want.prog),
    );
    if (!have) throw new Error(`${want.prog} is not in the object`);
    expect(have.section).toBe(want.sec);
    if (want.prog.startsWith("stricter_")) {
      expect([want.errno, have.accept]).toEqual([0, false]);
      return;
    }
    const ours = have.accept
      ? { errno: 0, message: "" }
      : { errno: ERRNO[have.errno], message: have.message };
    const kernel = { errno: want.errno, message: want.message };
    const differs = DIFFERS[want.prog];
    if (differs === undefined) expect(ours).toEqual(kernel);
    else {
      expect(ours).toEqual({ errno: differs.errno, message: differs.message });
      expect(ours).not.toEqual(kernel);
    }
  });
});
