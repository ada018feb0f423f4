// CO-RE against the object's own types and against types laid out differently.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Btf } from "../../src/btf/btf.ts";
import { applyCore, POISON_HELPER } from "../../src/btf/core.ts";
import { parseBtf } from "../../src/btf/parse.ts";
import { readObject } from "../../src/elf/read_object.ts";
import type { Insn } from "../../src/isa/insn.ts";
import { BtfBuilder } from "./build.ts";

const spec = readObject(
  readFileSync(fileURLToPath(new URL("../elf/objects/features.o", import.meta.url))),
  "f.o",
);
const prog = spec.progs.find((p) => p.name === "tc_core");
const local = spec.btf;
if (prog === undefined || local === undefined) throw new Error("features.o has no tc_core");

/** The relocated part of an insn. */
function valueAt(insns: readonly (Insn | undefined)[], pc: number): unknown {
  const i = insns[pc];
  if (i?.kind === "alu" && i.src.kind === "imm") return i.src.imm;
  if (i?.kind === "ld_imm64" && i.value.kind === "imm") return i.value.imm;
  if (i?.kind === "ldx") return `${i.size}@${i.off}`;
  if (i?.kind === "call" && i.callee.kind === "helper" && i.callee.id === POISON_HELPER) return "poison";
  return i;
}

function relocated(target: Btf): unknown[] {
  const out = applyCore(prog?.insns ?? [], prog?.coreRelos ?? [], local ?? target, target);
  return (prog?.coreRelos ?? []).map((r) => valueAt(out, r.pc));
}

type Members = readonly (readonly [string, number, number, number?])[];

/** A target with its own `local_flow` and `colour`. */
function target(
  members: (int: number, u64: number) => Members,
  green: number | undefined,
  name = "local_flow",
): Btf {
  const b = new BtfBuilder();
  const [int, u64] = [b.int("int", 4, 1), b.int("long", 8)];
  b.struct(name, 64, members(int, u64));
  if (green === undefined) b.add("enum", "colour", 1, 4, [b.str("RED"), 1]);
  else b.add("enum", "colour", 2, 4, [b.str("RED"), 1, b.str("GREEN"), green]);
  return parseBtf(b.bytes(), "t").btf;
}

// In the order of the relocations: offset of b, existence of a, size of the struct, value of GREEN.
// biome-ignore format: table
const rows: readonly (readonly [string, Btf, readonly unknown[]])[] = [
  ["its own types",          local,                                                              ["4@4",    1, 16, 5n]],
  ["moved",                  target((i) => [["b", i, 96], ["a", i, 32]], 9),                     ["4@12",   1, 64, 9n]],
  ["no member a",            target((i) => [["b", i, 96]], 9),                                   ["4@12",   0, 64, 9n]],
  ["no member b",            target((i) => [["a", i, 0]], 9),                                    ["poison", 1, 64, 9n]],
  ["no GREEN",               target((i) => [["a", i, 0], ["b", i, 32]], undefined),              ["4@4",    1, 64, "poison"]],
  ["signed field widened",   target((i, u) => [["a", i, 0], ["b", u, 64]], 5),                   ["poison", 1, 64, 5n]],
  ["another flavour",        target((i) => [["a", i, 0], ["b", i, 160]], 5, "local_flow___v2"),  ["4@20",   1, 64, 5n]],
  ["no such struct",         target((i) => [["a", i, 0], ["b", i, 32]], 5, "other"),             ["poison", 0, 0,  5n]],
];
it.each(rows)("%s", (_, btf, want) => expect(relocated(btf)).toEqual(want));

it("leaves the program as it was", () => {
  expect(applyCore(prog.insns, prog.coreRelos, local, local)).toEqual(prog.insns);
});

describe("refusals", () => {
  const at = prog.coreRelos[0];
  if (at === undefined) throw new Error("no relocations");
  // biome-ignore format: table
  const bad = [
    [{ ...at, kind: 99 },               /CO-RE relocation of insn \d+: unknown kind 99/],
    [{ ...at, accessStr: "x" },         /not a list of numbers/],
    [{ ...at, accessStr: "0:9" },       /no member 9/],
    [{ ...at, accessStr: "0:1:0" },     /has no fields/],
    [{ ...at, pc: 100000 },             /no insn at 100000/],
    [{ ...at, pc: 0 },                  /cannot be relocated|its types say/],
    [{ ...at, typeId: 1 << 20 },        /no type/],
  ] as const;
  it.each(bad)("%o", (relo, message) => {
    expect(() => applyCore(prog.insns, [relo], local, local)).toThrow(message);
  });
  it("candidates that disagree", () => {
    const b = new BtfBuilder();
    const int = b.int("int", 4, 1);
    b.struct("local_flow", 64, [["b", int, 96]]);
    b.struct("local_flow___old", 64, [["b", int, 64]]);
    expect(() => applyCore(prog.insns, [at], local, parseBtf(b.bytes(), "t").btf)).toThrow(
      /ambiguous: 12 or 8/,
    );
  });
});

describe("bit-fields", () => {
  const b = new BtfBuilder();
  const u32 = b.int("unsigned int", 4);
  b.struct("bits", 8, [
    ["a", u32, 0, 3],
    ["b", u32, 30, 5],
  ]);
  const id = 2;
  const btf = parseBtf(b.bytes(), "t").btf;
  const mov = (imm: number): Insn => ({
    pc: 0,
    kind: "alu",
    op: "mov",
    width: 64,
    dst: 0,
    src: { kind: "imm", imm },
    signed: false,
  });
  // biome-ignore format: table
  const cases = [
    ["byte size of a",        "0:0", 1, 4],
    ["left shift of a",       "0:0", 4, 61],
    ["right shift of a",      "0:0", 5, 61],
    ["b needs a wider load",  "0:1", 1, 8],
    ["left shift of b",       "0:1", 4, 29],
    ["sign of b",             "0:1", 3, 0],
  ] as const;
  it.each(cases)("%s", (_, accessStr, kind, want) => {
    const out = applyCore([mov(want)], [{ pc: 0, typeId: id, accessStr, kind }], btf, btf);
    expect(valueAt(out, 0)).toBe(want);
  });
});
