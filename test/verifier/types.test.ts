// What a program's type decides, beside what Linux says: attach types, returns, contexts, packets, objects.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ERRNO } from "../../src/spec/errors.ts";
import { ATTACH_TYPES } from "../../src/spec/prog_types.ts";
import { VerifierError, verify } from "../../src/verifier/verify.ts";
import { SLEEPABLE } from "./ctx_programs.ts";
import { prog } from "./harness.ts";
import { type Caller, CALLERS } from "./helper_programs.ts";
import { assembleFor } from "./kernel_maps.ts";
import { type RecordedAttach, type RecordedType, typePrograms } from "./type_programs.ts";

const lines = readFileSync(join(import.meta.dirname, "type_kernel.jsonl"), "utf8")
  .trim()
  .split("\n")
  .slice(1)
  .map((line) => JSON.parse(line) as RecordedAttach | (RecordedType & Caller));
const attaches = lines.filter((l): l is RecordedAttach => "awake" in l);
const types = lines.filter((l): l is RecordedType & Caller => "answers" in l);

/** As the recorder writes it. */
function answer(c: Caller, source: string): string {
  const one = prog("", {
    type: c.type,
    ...(c.attach === undefined ? {} : { expectedAttachType: c.attach }),
    flags: c.flags === SLEEPABLE ? ["sleepable"] : [],
    insns: assembleFor(source),
    maps: [],
    funcs: [{ pc: 0, typeId: 0 }],
  });
  try {
    verify(one, { logLevel: 0 });
    return "0 ";
  } catch (e) {
    if (!(e instanceof VerifierError)) throw e;
    return `${ERRNO[e.code]} ${e.reasons.at(-1)}`;
  }
}

describe("attach types", () => {
  it.each(attaches)("$type", ({ type, awake, asleep }) => {
    const accepted = (flags: number): string =>
      ATTACH_TYPES.map((attach) =>
        answer({ type, attach, flags }, "r0 = 1\nexit") === "0 " ? "1" : "0",
      ).join("");
    expect(accepted(0)).toBe(awake);
    expect(accepted(SLEEPABLE)).toBe(asleep);
  });
});

/** Where we are stricter, and why. */
const STRICTER: Readonly<Record<string, string>> = {
  "tracepoint context below": "6.18 compares a negative offset as a great one and lets it pass",
};

describe("programs that their type decides", () => {
  it("every type is recorded", () => {
    expect(types).toEqual(CALLERS.map((c) => expect.objectContaining(c)));
  });

  it.each(types)("$type $attach $flags", ({ answers, ...c }) => {
    for (const [name, source] of typePrograms(c.type)) {
      const ours = answer(c, source);
      if (STRICTER[`${c.type} ${name}`] === undefined)
        expect(`${name}: ${ours}`).toBe(`${name}: ${answers[name]}`);
      else expect(ours).not.toBe("0 ");
    }
  });
});
