// Global variables of an arena: they lie in the object's arena map, and without one nothing can refer to them.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readObject } from "../../src/elf/read_object.ts";
import { verifyEach } from "../../runtime/load/verdict.ts";

const load = (name: string) =>
  readObject(readFileSync(fileURLToPath(new URL(`./objects/${name}`, import.meta.url))), name);

/** Offsets in the arena that a program loads. */
function offsets(spec: ReturnType<typeof load>, prog: string): number[] {
  const arena = spec.maps.findIndex((m) => m.type === "arena");
  const insns = spec.progs.find((p) => p.name === prog)?.insns ?? [];
  return insns.flatMap((insn) =>
    insn?.kind === "ld_imm64" && insn.value.kind === "map_value" && insn.value.map === arena
      ? [insn.value.off]
      : [],
  );
}

describe("variables of an arena", () => {
  it("are at their places in the map", () => {
    const spec = load("arena_data.o");
    expect(spec.maps.map((m) => [m.name, m.type, m.maxEntries, m.mapExtra])).toEqual([
      ["pages", "arena", 4, 1n << 44n],
      [".bss", "array", 1, undefined],
    ]);
    expect(new Set(offsets(spec, "reads"))).toEqual(new Set([0, 8, 8 + 1100 * 4]));
    expect(new Set(offsets(spec, "writes"))).toEqual(new Set([0, 8 + 1100 * 4]));
    expect(verifyEach(spec, spec.progs).map((v) => [v.prog, v.accept])).toEqual([
      ["reads", true],
      ["writes", true],
      ["other", true],
    ]);
  });

  // biome-ignore format: table
  it.each([
    ["arena_data_none.o",  "section .addr_space.1: its variables need a map of type arena in the object"],
    ["arena_data_two.o",   "section .addr_space.1: only one arena can hold its variables, not pages and more"],
    ["arena_data_small.o", "section .addr_space.1: 4416 bytes do not fit into map pages of 4096"],
  ])("%s: only programs that name them are refused", (name, why) => {
    const spec = load(name);
    expect(spec.progs.map((p) => [p.name, p.refused?.slice(-why.length)])).toEqual([
      ["reads", why],
      ["writes", why],
      ["other", undefined],
    ]);
  });
});
