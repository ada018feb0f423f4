// Types that are read when they are asked for say what types read at once say; what is not well formed is refused when
// it is asked for.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openBtf, parseBtf } from "../../src/btf/parse.ts";
import { essentialName } from "../../src/btf/source.ts";
import { parseElf } from "../../src/elf/elf.ts";
import { BtfBuilder } from "./build.ts";

const path = fileURLToPath(new URL("../elf/objects/features.o", import.meta.url));
const section = parseElf(readFileSync(path), "f").sections.find((s) => s.name === ".BTF");
const bytes = section?.data.bytes ?? new Uint8Array(0);

describe("an object's types", () => {
  const [eager, lazy] = [parseBtf(bytes, "f").btf, openBtf(bytes, "f")];
  it("are the same", () => {
    expect(eager.count).toBeGreaterThan(50);
    expect(lazy.count).toBe(eager.count);
    expect(lazy.types).toEqual(eager.types);
  });
  it("are found by the same names, in the same order", () => {
    const names = new Set(eager.types.map((t) => t.name));
    for (const name of [...names, "no such type", "_"])
      expect(lazy.findAll(name).map((t) => t.id)).toEqual(eager.findAll(name).map((t) => t.id));
  });
  it("have the same tags", () => {
    for (const { id } of eager.types) expect(lazy.declTags(id)).toEqual(eager.declTags(id));
  });
});

it.each([0, 1, 2, 3])("types are read at any offset of a Buffer, here %i", (shift) => {
  const moved = Buffer.concat([Buffer.alloc(shift), bytes]).subarray(shift);
  expect(parseBtf(moved, "f").btf.types).toEqual(parseBtf(bytes, "f").btf.types);
});

it("names that differ in their flavour only are found together", () => {
  const b = new BtfBuilder();
  const ids = ["a", "a___old", "b___old", "a___", "a____x", "a___x___y", "a", "__a", "_a___b"].map((n) =>
    b.struct(n, 4, []),
  );
  b.add("decl_tag", "a", 0, ids[0] ?? 0, [-1]);
  for (const btf of [parseBtf(b.bytes(), "t").btf, openBtf(b.bytes(), "t")]) {
    expect(btf.flavoursOf("a").map((t) => t.id)).toEqual([1, 2, 7]);
    expect(btf.flavoursOf("a___x").map((t) => t.id)).toEqual([6]);
    expect(btf.flavoursOf("_a").map((t) => t.id)).toEqual([9]);
    expect(btf.flavoursOf("zzz")).toEqual([]);
    expect(btf.find("a")?.id).toBe(1);
  }
});

// As libbpf: exactly three underscores between other characters, the last of such.
// biome-ignore format: table
it.each([
  ["task_struct___old", "task_struct"], ["a___b", "a"], ["a___", "a___"], ["___a", "___a"], ["a____b", "a____b"],
  ["a___b____c", "a"], ["a__b", "a__b"], ["", ""], ["a___b___c", "a___b"],
])("%j without its flavour is %j", (name, plain) => expect(essentialName(name)).toBe(plain));

describe("what is not well formed", () => {
  it("is refused when it is asked for", () => {
    const b = new BtfBuilder();
    const ok = b.int("fine", 4);
    const bad = b.add("ptr", "", 0, 99);
    const btf = openBtf(b.bytes(), "k");
    expect(btf.byId(ok).name).toBe("fine");
    expect(() => btf.byId(bad)).toThrow("k types, offset 0x10: type 2 refers to type 99, the last is 2");
    expect(() => parseBtf(b.bytes(), "k")).toThrow("type 2 refers to type 99");
  });
  it("is refused at once where lengths are wrong", () => {
    const b = new BtfBuilder();
    b.struct("s", 8, [["a", b.int("long", 8), 0]]);
    const whole = b.bytes();
    for (let n = 0; n < whole.length; n++) expect(() => openBtf(whole.subarray(0, n), "k")).toThrow(/^k/);
  });
  it("a name outside of the strings is found nowhere and refused when read", () => {
    const b = new BtfBuilder();
    b.int("fine", 4);
    const raw = b.bytes();
    new DataView(raw.buffer).setUint32(24, 0x7fff_ffff, true);
    const btf = openBtf(raw, "k");
    expect(btf.find("fine")).toBeUndefined();
    expect(() => btf.byId(1)).toThrow(/outside the string table/);
  });
});

const KERNEL = "/sys/kernel/btf/vmlinux";
it.skipIf(!existsSync(KERNEL))("the running kernel's types are there", () => {
  const btf = openBtf(readFileSync(KERNEL), KERNEL);
  expect(btf.find("task_struct", "struct")?.members.some((m) => m.name === "pid")).toBe(true);
  expect(btf.findAll("list_head").length).toBeGreaterThan(0);
  expect(btf.flavoursOf("sock").map((t) => t.name)).toContain("sock");
});
