// Our verifier's answer about every program of the test objects beside the kernel's: accepted or not, and where it
// is rejected the errno and the last words.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ERRNO } from "../../src/spec/errors.ts";
import { openObject } from "../../runtime/load/open.ts";
import { verifyEach } from "../../runtime/load/verdict.ts";
import { RECORDED, ROOT, sha256 } from "./recordings.ts";

interface RecordedVerdict {
  readonly object: string;
  readonly sha256: string;
  readonly prog: string;
  readonly sec: string;
  readonly accept: boolean;
  readonly errno: number;
  readonly message?: string;
  readonly processed: number;
}

const recorded = JSON.parse(readFileSync(join(RECORDED, "verify.json"), "utf8")) as {
  kernel: string;
  programs: readonly RecordedVerdict[];
};

for (const object of new Set(recorded.programs.map((p) => p.object))) {
  const path = join(ROOT, object);

  describe(`${object} as Linux ${recorded.kernel} verified it`, () => {
    const { spec } = openObject(path);

    for (const want of recorded.programs.filter((p) => p.object === object)) {
      it(`${want.prog} is ${want.accept ? "accepted" : "rejected"}`, () => {
        expect(sha256(path)).toBe(want.sha256);
        const prog = spec.progs.filter((p) => p.name === want.prog);
        const [have] = verifyEach(spec, prog);
        if (!have) throw new Error(`${want.prog} is not in the object`);
        expect(have.section).toBe(want.sec);
        const answer = have.accept
          ? { accept: true }
          : { accept: false, errno: ERRNO[have.errno], message: have.message };
        const kernel = want.accept
          ? { accept: true }
          : { accept: false, errno: want.errno, message: want.message };
        expect(answer).toEqual(kernel);
      });
    }
  });
}
