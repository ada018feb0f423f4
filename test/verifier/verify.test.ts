import { describe, expect, it } from "vitest";
import { VerifiedProg } from "../../src/verifier/proof.ts";
import { VerifierError, verify } from "../../src/verifier/verify.ts";
import { CASES } from "./cases.ts";
import { prog, verdict } from "./harness.ts";

describe("programs", () => {
  it.each(CASES)("$name", ({ asm, msg }) => {
    const { code, reason } = verdict(asm);
    expect([code, reason]).toEqual(msg ?? ["", ""]);
  });
});

describe("the gate", () => {
  it("issues a proof and nothing else is one", () => {
    const verified = verify(prog("r0 = 2\nexit"));
    expect(VerifiedProg.is(verified)).toBe(true);
    expect(VerifiedProg.is(Object.assign({}, verified))).toBe(false);
  });

  it("says where, what and why", () => {
    let error: unknown;
    try {
      verify(prog("r0 = 1\nr0 /= 0\nexit"));
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(VerifierError);
    const e = error as VerifierError;
    expect([e.code, e.pc, e.insn, e.reasons]).toEqual(["EINVAL", 1, "(37) r0 /= 0", ["div by zero"]]);
    expect(e.log.at(-1)).toMatch(/^processed 2 insns/);
    expect(e.message).toBe("1: (37) r0 /= 0: div by zero");
  });
});
