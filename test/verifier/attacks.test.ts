import { describe, expect, it } from "vitest";
import { VerifierError, verify } from "../../src/verifier/verify.ts";
import { ATTACKS } from "./attacks.ts";
import { prog } from "./harness.ts";

/** Callbacks need the types of functions; what they are does not matter here. */
function verdictWithBtf(source: string): readonly string[] {
  try {
    verify(prog(source, { funcs: [{ pc: 0, typeId: 0 }] }), { logLevel: 0 });
    return ["", ""];
  } catch (e) {
    if (!(e instanceof VerifierError)) throw e;
    return [e.code, e.reasons[0] ?? ""];
  }
}

describe("attacks", () => {
  it.each(ATTACKS)("$name", ({ asm, msg }) => {
    expect(verdictWithBtf(asm)).toEqual(msg ?? ["", ""]);
  });
});

describe("facts for the compiler", () => {
  const keyOf = (store: string, off: number): number | undefined =>
    verify(
      prog(
        `r1 = 0x200000001 ll\n${store}\nr2 = r10\nr2 += ${off}\nr1 = map[a]\ncall bpf_map_lookup_elem\nr0 = 2\nexit`,
      ),
    ).aux[7]?.call?.constKey;

  it("a constant key is the four bytes that are there", () => {
    expect(keyOf("*(u64 *)(r10 -8) = r1", -4)).toBe(2);
    expect(keyOf("*(u32 *)(r10 -8) = r1", -8)).toBe(1);
    expect(keyOf("*(u64 *)(r10 -8) = r1", -8)).toBe(undefined);
  });
});
