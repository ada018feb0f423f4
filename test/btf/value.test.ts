// Values to plain objects and back.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseBtf } from "../../src/btf/parse.ts";
import {
  encodeValue,
  findPlace,
  formatValue,
  type JsInput,
  readPlace,
  writePlace,
} from "../../src/btf/value.ts";
import { readObject } from "../../src/elf/read_object.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { BtfBuilder } from "./build.ts";

const spec = readObject(
  readFileSync(fileURLToPath(new URL("../elf/objects/features.o", import.meta.url))),
  "f.o",
);
const btf = spec.btf ?? parseBtf(new Uint8Array(0), "none").btf;
const bytesOf = (name: string) => {
  const v = spec.variables.find((x) => x.name === name);
  const data = v && spec.maps[v.map]?.data;
  if (v === undefined || data === undefined) throw new Error(`no variable ${name}`);
  return { typeId: v.typeId, bytes: data.subarray(v.off, v.off + v.size) };
};
const cfg = bytesOf("cfg");
const CFG = {
  a: -1,
  b: 3,
  c: 5n,
  e: "GREEN",
  word: 0x01020304,
  bytes: [4, 3, 2, 1],
  pos: [
    { x: -1, y: 2 },
    { x: 0, y: 0 },
  ],
  on: true,
  tag: "hey",
};

describe("globals", () => {
  // biome-ignore format: table
  const rows = [
    ["ro_int", 7], ["ro_str", "abc"], ["ro_static", 99n], ["dat", 0x1122334455667788n], ["scount", 3], ["cfg", CFG],
  ] as const;
  it.each(rows)("%s", (name, want) => {
    const { typeId, bytes } = bytesOf(name);
    const js = formatValue(btf, typeId, bytes);
    expect(js).toEqual(want);
    expect(Buffer.from(encodeValue(btf, typeId, js))).toEqual(Buffer.from(bytes));
  });
  it("as a whole section", () => {
    const map = spec.maps.find((m) => m.name === ".data");
    if (map?.data === undefined) throw new Error("no .data");
    const js = formatValue(btf, map.valueTypeId, map.data);
    expect(js).toEqual({ dat: 0x1122334455667788n, scount: 3 });
    expect(Buffer.from(encodeValue(btf, map.valueTypeId, js))).toEqual(Buffer.from(map.data));
  });
});

describe("parts", () => {
  // biome-ignore format: table
  const rows: readonly (readonly [string, unknown, JsInput, unknown])[] = [
    [".a",        -1,     -4,          -4],
    [".b",        3,      "31",        31],
    [".c",        5n,     "0xffffffffffffffff", 0xffffffffffffffffn],
    [".e",        "GREEN", "RED",      "RED"],
    [".e",        "GREEN", 77,         77],
    [".bytes[1]", 3,      255,         255],
    [".pos[1].y", 0,      -32768,      -32768],
    [".on",       true,   "false",     false],
    [".tag",      "hey",  "12345678",  [49, 50, 51, 52, 53, 54, 55, 56]],
    [".pos[0]",   { x: -1, y: 2 }, { y: 9 }, { x: -1, y: 9 }],
  ];
  it.each(rows)("%s", (path, before, js, after) => {
    const bytes = cfg.bytes.slice();
    const place = findPlace(btf, cfg.typeId, path);
    expect(readPlace(btf, place, bytes)).toEqual(before);
    writePlace(btf, place, bytes, js);
    expect(readPlace(btf, place, bytes)).toEqual(after);
    const rest = formatValue(btf, cfg.typeId, bytes);
    writePlace(btf, place, bytes, before as JsInput);
    expect(Buffer.from(bytes)).toEqual(Buffer.from(cfg.bytes));
    expect(rest).not.toEqual(CFG);
  });
});

describe("refusals", () => {
  // biome-ignore format: table
  const rows: readonly (readonly [string, JsInput, RegExp])[] = [
    ["", { nope: 1 },           /^nope: no such member in struct cfg$/],
    ["", { pos: [{ x: 40000 }] }, /^pos\[0\]\.x: 40000 does not fit __s16$/],
    ["", { a: 4 },              /^a: 4 does not fit 3 bits of int$/],
    ["", { b: -1 },             /does not fit 5 bits of unsigned int/],
    ["", { e: "BLUE" },         /^e: "BLUE" is no enum colour$/],
    ["", { bytes: [1, 2, 3, 4, 5] }, /^bytes: 5 elements given/],
    ["", { tag: "123456789" },  /^tag: 9 bytes of text do not fit char\[8\]$/],
    ["", { c: 1.5 },            /^c: "1\.5" is no __u64$/],
    ["", { c: {} },             /^c: an object is no __u64$/],
    ["", [1],                   /^value: an array is no struct cfg$/],
    ["", new Uint8Array(3),     /^value: 3 bytes given, struct cfg has 48$/],
    [".pos[2]", 1,              /index 2 of 2 elements/],
    [".none", 1,                /no member none in struct cfg/],
    [".pos.x", 1,               /no member x in /],
    ["a b", 1,                  /not a path/],
  ];
  it.each(rows)("%s %o", (path, js, message) => {
    expect(() => writePlace(btf, findPlace(btf, cfg.typeId, path), cfg.bytes.slice(), js)).toThrow(message);
  });
  it("too few bytes", () =>
    expect(() => formatValue(btf, cfg.typeId, cfg.bytes.subarray(1))).toThrow(BpfError));
  it("structs without end", () => {
    const b = new BtfBuilder();
    b.struct(
      "s",
      8,
      Array.from({ length: 50 }, (_, i) => [`m${i}`, 1, 0] as const),
    );
    b.struct(
      "t",
      8,
      Array.from({ length: 50 }, () => ["", 2, 0] as const),
    );
    const t = parseBtf(b.bytes(), "t").btf;
    for (const id of [1, 2])
      expect(() => formatValue(t, id, new Uint8Array(8))).toThrow(/too many nested members/);
    expect(() => findPlace(t, 2, ".none")).toThrow(/no member none/);
  });
  it("a member called __proto__ is a member", () => {
    const b = new BtfBuilder();
    b.struct("s", 4, [["__proto__", b.int("int", 4, 1), 0]]);
    const t = parseBtf(b.bytes(), "t").btf;
    const sid = t.find("s")?.id ?? 0;
    const js = formatValue(t, sid, new Uint8Array([5, 0, 0, 0]));
    expect(Object.entries(js)).toEqual([["__proto__", 5]]);
    expect(encodeValue(t, sid, js)).toEqual(new Uint8Array([5, 0, 0, 0]));
  });
});
