// Our verifier's answer about every program of the test objects beside the kernel's: accepted or not, and where it
// is rejected the errno and the last words. Of programs named stricter_* we refuse what the kernel accepts.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openObject } from "../../runtime/load/open.ts";
import { verifyEach } from "../../runtime/load/verdict.ts";
import { ERRNO } from "../../src/spec/errors.ts";
import { readVerdicts } from "./recorded_verdicts.ts";
import { ROOT, sha256, verifiedPaths } from "./recordings.ts";

const recorded = readVerdicts();

/** Programs that Linux takes and we refuse, and why. */
const STRICTER: Readonly<Record<string, { readonly errno: number; readonly message: string }>> = {
  // a plain object where one of every CPU is kept: 6.18 would hand it out as one of every CPU
  bad_keeps_plain_in_percpu: {
    errno: ERRNO.EACCES,
    message: "invalid kptr access, R2 type=ptr_ expected=ptr_pair",
  },
};

it("every object is recorded as it is now", () => {
  const now = verifiedPaths().map((object) => [object, sha256(join(ROOT, object))]);
  expect(recorded.objects.map((o) => [o.object, o.sha256])).toEqual(now);
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
    expect(ours).toEqual(STRICTER[want.prog] ?? { errno: want.errno, message: want.message });
  });
});
