// Every kind of type, references that cannot be followed, and bpftool's view of the same object.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseBtf } from "../../src/btf/parse.ts";
import { parseElf } from "../../src/elf/elf.ts";
import { valueFields } from "../../src/elf/special_fields.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { BtfBuilder } from "./build.ts";

const parse = (b: BtfBuilder) => parseBtf(b.bytes(), "t").btf;
function codeOf(f: () => unknown): string {
  try {
    f();
  } catch (e) {
    if (e instanceof BpfError) return e.code;
    throw e;
  }
  return "none";
}

describe("kinds", () => {
  const b = new BtfBuilder();
  const u8 = b.int("__u8", 1);
  const s64 = b.int("s64", 8, 1);
  const arr = b.add("array", "", 0, 0, [u8, u8, 5]);
  const st = b.struct("s", 16, [
    ["a", u8, 0, 3],
    ["b", u8, 3, 5],
    ["c", s64, 64],
  ]);
  const en = b.add("enum", "e", 1, 4, [b.str("MINUS"), -1], true);
  const en64 = b.add("enum64", "e64", 1, 8, [b.str("BIG"), 1, 0x80000000]);
  const td = b.add("typedef", "td", 0, st);
  const tag = b.add("type_tag", "kptr", 0, td);
  const con = b.add("const", "", 0, tag);
  const fl = b.add("float", "double", 0, 8);
  const proto = b.add("func_proto", "", 1, s64, [b.str("x"), u8]);
  const fn = b.add("func", "f", 1, proto);
  const va = b.add("var", "v", 0, con, [1]);
  const sec = b.add("datasec", ".data", 1, 16, [va, 0, 16]);
  b.add("decl_tag", "mark", 0, st, [1]);
  const fwd = b.add("fwd", "later", 0, 0, [], true);
  const ptr = b.add("ptr", "", 0, fwd);
  const btf = parse(b);

  // biome-ignore format: table
  const sizes = [
    ["int", u8, 1], ["array", arr, 5], ["struct", st, 16], ["enum", en, 4], ["enum64", en64, 8], ["typedef", td, 16],
    ["const over a tag", con, 16], ["float", fl, 8], ["var", va, 16], ["datasec", sec, 16], ["ptr", ptr, 8],
  ] as const;
  it.each(sizes)("size of %s", (_, id, size) => expect(btf.sizeof(id)).toBe(size));
  it.each([
    ["void", 0],
    ["fwd", fwd],
    ["func", fn],
    ["func_proto", proto],
  ] as const)("%s has no size", (_, id) => {
    expect(codeOf(() => btf.sizeof(id))).toBe("EINVAL");
  });
  it("are read with their parts", () => {
    expect(btf.byId(st)).toMatchObject({
      kind: "struct",
      members: [
        { name: "a", bitOff: 0, bitSize: 3 },
        { name: "b", bitOff: 3, bitSize: 5 },
        { name: "c", bitOff: 64, bitSize: 0 },
      ],
    });
    expect(btf.byId(en)).toMatchObject({ signed: true, values: [{ name: "MINUS", value: -1n }] });
    expect(btf.byId(en64)).toMatchObject({ values: [{ value: 0x8000000000000001n }] });
    expect(btf.byId(fn)).toMatchObject({ linkage: "global", typeId: proto });
    expect(btf.byId(fwd)).toMatchObject({ union: true });
    expect(btf.declTags(st, 1)).toEqual(["mark"]);
    expect(btf.resolve(con).id).toBe(st);
    expect(btf.find("td", "typedef")?.id).toBe(td);
    expect(btf.find("td", "struct")).toBeUndefined();
    expect(btf.typeName(ptr)).toBe("union later *");
  });
});

describe("types that cannot be followed", () => {
  it("modifiers in a circle", () => {
    const b = new BtfBuilder();
    b.add("const", "", 0, 2);
    b.add("volatile", "", 0, 1);
    const btf = parse(b);
    expect(codeOf(() => btf.resolve(1))).toBe("ELOOP");
    expect(codeOf(() => btf.sizeof(1))).toBe("ELOOP");
    expect(btf.typeName(1)).toMatch(/…$/);
  });
  it("an array of itself", () => {
    const b = new BtfBuilder();
    b.add("array", "", 0, 0, [1, 1, 2]);
    expect(codeOf(() => parse(b).sizeof(1))).toBe("ELOOP");
  });
  it("arrays beyond 4 GiB", () => {
    const b = new BtfBuilder();
    b.int("c", 1);
    b.add("array", "", 0, 0, [1, 1, 0xffffffff]);
    b.add("array", "", 0, 0, [2, 1, 0xffffffff]);
    expect(codeOf(() => parse(b).sizeof(3))).toBe("E2BIG");
  });
  it("a struct that contains itself many times over", () => {
    const b = new BtfBuilder();
    b.struct(
      "s",
      8,
      Array.from({ length: 200 }, (_, i) => [`m${i}`, 1, 0] as const),
    );
    expect(codeOf(() => valueFields(parse(b), 1))).toBe("E2BIG");
  });
  it("an id that is not there", () => expect(codeOf(() => parse(new BtfBuilder()).byId(1))).toBe("EINVAL"));
  it("a member outside its struct", () => {
    const b = new BtfBuilder();
    b.int("c", 1);
    b.struct("s", 1, [["a", 1, 9]]);
    expect(() => parse(b)).toThrow(/type 2: member at bit 9 lies outside its struct of 1 bytes/);
  });
});

it("cut off anywhere is refused", () => {
  const b = new BtfBuilder();
  b.struct("s", 8, [["a", b.int("long", 8), 0]]);
  const bytes = b.bytes();
  for (let n = 0; n < bytes.length; n++)
    expect(codeOf(() => parseBtf(bytes.subarray(0, n), "t"))).toBe("EINVAL");
});

const FEATURES = fileURLToPath(new URL("../elf/objects/features.o", import.meta.url));
const dump = bpftool();
function bpftool(): { id: number; kind: string; name: string; size?: number }[] | undefined {
  try {
    return JSON.parse(execFileSync("bpftool", ["-j", "btf", "dump", "file", FEATURES], { encoding: "utf8" }))
      .types;
  } catch {
    return undefined;
  }
}
it.skipIf(dump === undefined)("bpftool sees the same types", () => {
  const section = parseElf(readFileSync(FEATURES), "f").sections.find((s) => s.name === ".BTF");
  const { btf } = parseBtf(section?.data.bytes ?? new Uint8Array(0), "f");
  const ours = btf.types.slice(1).map((t) => [t.id, t.kind.toUpperCase(), t.name || "(anon)"]);
  expect(ours).toEqual((dump ?? []).map((t) => [t.id, t.kind, t.name]));
  for (const t of dump ?? [])
    if (t.size !== undefined && t.kind !== "DATASEC") expect(btf.sizeof(t.id)).toBe(t.size);
});
