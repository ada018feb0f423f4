import { describe, expect, it } from "vitest";
import { VerifierError, verify } from "../../src/verifier/verify.ts";
import { ATTACKS } from "./attacks.ts";
import type { MapDef } from "../../src/verifier/proof.ts";
import { MAPS, prog } from "./harness.ts";

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

describe("maps of maps", () => {
  const program = (nullTest: boolean): string =>
    `*(u32 *)(r10 -8) = 0\nr2 = r10\nr2 += -8\nr1 = map[h]\ncall bpf_map_lookup_elem\nif r0 == 0 goto out\n` +
    `*(u32 *)(r10 -8) = 3\nr1 = r0\nr2 = r10\nr2 += -8\ncall bpf_map_lookup_elem\n` +
    `${nullTest ? "if r0 == 0 goto out\n" : ""}r6 = *(u32 *)(r0 +12)\n` +
    `r7 = map[one][0]+0\nr7 += r6\nr0 = *(u8 *)(r7 +8)\nout: r0 = 2\nexit`;
  const tryWith = (source: string, inner: Partial<MapDef>): string => {
    const array = MAPS.find((m) => m.name === "a") as MapDef;
    const outer: MapDef = {
      ...array,
      name: "h",
      type: "array_of_maps",
      valueSize: 4,
      inner: { ...array, ...inner },
    };
    try {
      verify(prog(source, { maps: MAPS.map((m) => (m.name === "h" ? outer : m)) }), { logLevel: 0 });
      return "";
    } catch (e) {
      if (!(e instanceof VerifierError)) throw e;
      return e.reasons[0] ?? "";
    }
  };
  const bounded = (source: string): string => source.replace("r7 += r6", "r6 &= 7\nr7 += r6");

  it("an inner array has its template's elements, unless it may have another number", () => {
    expect(tryWith(bounded(program(false)), {})).toBe("");
    expect(tryWith(bounded(program(false)), { flags: 1 << 12 })).toBe(
      "R0 invalid mem access 'map_value_or_null'",
    );
    expect(tryWith(bounded(program(true)), { flags: 1 << 12 })).toBe("");
  });

  it("the template's contents are not those of the maps", () => {
    const frozen = new Uint8Array(16);
    const source = program(true).replace("-8) = 3", "-8) = 0");
    expect(tryWith(source, { flags: 1 << 7, frozen, maxEntries: 1 })).toMatch(
      /^R7 max value is outside|^invalid access to map value|^R7 unbounded/,
    );
  });
});

describe("facts for the compiler", () => {
  const keyOf = (value: string, store: string, off: number): number | undefined =>
    verify(
      prog(
        `r1 = ${value} ll\n${store}\nr2 = r10\nr2 += ${off}\nr1 = map[a]\ncall bpf_map_lookup_elem\nr0 = 2\nexit`,
      ),
    ).aux[7]?.call?.constKey;

  it("a constant key is the four bytes that are there", () => {
    expect(keyOf("1", "*(u64 *)(r10 -8) = r1", -4)).toBe(0);
    expect(keyOf("1", "*(u32 *)(r10 -8) = r1", -8)).toBe(1);
    expect(keyOf("1", "*(u64 *)(r10 -8) = r1", -8)).toBe(undefined);
  });

  it("a number of more than 32 bits is no constant key, whichever four bytes of it are", () => {
    expect(keyOf("0x200000001", "*(u64 *)(r10 -8) = r1", -4)).toBe(undefined);
    expect(keyOf("0x200000001", "*(u32 *)(r10 -8) = r1", -8)).toBe(undefined);
  });
});
