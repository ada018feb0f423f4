// Arenas: what objects cannot say. Errno and words are those of Linux 6.18.44.
import { describe, expect, it } from "vitest";
import { checkRunnable } from "../../jit/runnable.ts";
import { verify } from "../../src/verifier/verify.ts";
import { mapDef } from "../harness/map_def.ts";
import { MAPS, prog, verdict } from "./harness.ts";

const arena = (name: string) => mapDef(name, "arena", 0, 0, 4);
/** in place of the maps `h` and `h8` stand arenas of four pages */
const maps = MAPS.map((m) => (m.name === "h" || m.name === "h8" ? arena(m.name) : m));
const END = "r0 = 0\nexit";

function outcome(source: string): readonly [string, string] {
  try {
    verify(prog(source, { maps, type: "syscall", flags: ["sleepable"] }));
    return ["", ""];
  } catch (e) {
    const { code, reasons } = e as { code: string; reasons: readonly string[] };
    return [code, reasons.join("\n")];
  }
}

describe("arenas", () => {
  // biome-ignore format: table
  it.each([
    ["one, named twice",   `r1 = map[h]\nr1 = map[h]\n${END}`, "", ""],
    ["two in a program",   `r1 = map[h]\nr1 = map[h8]\n${END}`, "EBUSY", "Only one arena per program"],
    ["its end",            `r1 = map[h][0]+16384\n${END}`, "", ""],
    ["beyond its end",     `r1 = map[h][0]+16385\n${END}`, "ERANGE", "invalid access to map value pointer, value_size=0 off=16385"],
    ["far beyond",         `r1 = map[h][0]+536870912\n${END}`, "EINVAL", "direct value offset of 536870912 is not allowed"],
    ["an address",         `r1 = map[h][0]+8\nr0 = *(u64 *)(r1 +0)\n${END}`, "EACCES", "R1 invalid mem access 'scalar'"],
  ] as const)("%s", (_, source, code, words) => {
    expect(outcome(source)).toEqual([code, words]);
  });

  it("are not there at run time", () => {
    const source = `r1 = map[h]\nr1 = 5\nr1 = addr_space_cast(r1, 0, 1)\nr0 = *(u64 *)(r1 +0)\n${END}`;
    const verified = verify(prog(source, { maps, type: "syscall", flags: ["sleepable"] }));
    expect(() => checkRunnable(verified)).toThrow(
      "test: programs that look through a pointer of kind arena cannot run here",
    );
  });

  it("a cast without one is refused", () => {
    expect(verdict(`r1 = 5\nr1 = addr_space_cast(r1, 0, 1)\n${END}`).code).toBe("EINVAL");
  });
});
