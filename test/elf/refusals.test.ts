// Objects no one can use: each one clear line that names the file, the section and the offset.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseElf } from "../../src/elf/elf.ts";
import { readObject } from "../../src/elf/read_object.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { fuzzElf, OBJECTS, readAny } from "../fuzz/elf.ts";

const GOOD = new Uint8Array(readFileSync(fileURLToPath(new URL("./objects/features.o", import.meta.url))));
const elf = parseElf(GOOD, "x.o");
const FLOWS = elf.symbols.findIndex((s) => s.name === "flows");
const TABLE = Number(new DataView(GOOD.buffer, GOOD.byteOffset).getBigUint64(40, true));

/** File offset of a section's header, and of its contents. */
function section(name: string): { header: number; off: number } {
  const s = elf.sections.find((t) => t.name === name);
  if (s === undefined) throw new Error(`no section ${name}`);
  return { header: TABLE + s.index * 64, off: s.off };
}

const hdr = (name: string) => section(name).header;
const at = (name: string) => section(name).off;

/** Where the only array type of so many elements says so: what a map definition writes as a number. */
function lengthAt(n: number): number {
  const bytes = Buffer.from(GOOD.buffer, GOOD.byteOffset);
  const types = at(".BTF") + 24;
  const end = types + bytes.readUInt32LE(at(".BTF") + 12);
  const found: number[] = [];
  for (let off = types; off + 24 <= end; off += 4)
    if (bytes.readUInt32LE(off + 4) === 0x03000000 && bytes.readUInt32LE(off + 20) === n)
      found.push(off + 20);
  expect(found).toHaveLength(1);
  return found[0] as number;
}

type Edit = (v: DataView) => void;
const u8 =
  (at: number, n: number): Edit =>
  (v) =>
    v.setUint8(at, n);
const u16 =
  (at: number, n: number): Edit =>
  (v) =>
    v.setUint16(at, n, true);
const u32 =
  (at: number, n: number): Edit =>
  (v) =>
    v.setUint32(at, n, true);
const u64 =
  (at: number, n: bigint): Edit =>
  (v) =>
    v.setBigUint64(at, n, true);

function edited(...edits: readonly Edit[]): Uint8Array {
  const bytes = GOOD.slice();
  for (const edit of edits) edit(new DataView(bytes.buffer));
  return bytes;
}

function refusal(bytes: Uint8Array): string {
  try {
    readObject(bytes, "x.o");
  } catch (e) {
    if (e instanceof BpfError) return e.message;
    throw e;
  }
  return "read";
}

describe("whole objects", () => {
  // biome-ignore format: table
  const rows: readonly (readonly [name: string, edit: Edit, message: RegExp])[] = [
    ["no ELF",                   u8(0, 0),                              /^x\.o: not an ELF file$/],
    ["32-bit",                   u8(4, 1),                              /^x\.o, offset 0x4: a 32-bit object/],
    ["big-endian",               u8(5, 2),                              /^x\.o, offset 0x5: a big-endian object/],
    ["wrong machine",            u16(18, 62),                           /built for machine 62, not for BPF/],
    ["executable",               u16(16, 2),                            /ELF type 2 is not a relocatable object/],
    ["no section table",         u64(40, 0n),                           /^x\.o, offset 0x28: no section table/],
    ["section table outside",    u64(40, 1n << 40n),                    /the section table needs 64 bytes/],
    ["too many sections",        u16(60, 60000),                        /the table of 60000 sections needs/],
    ["no section names",         u16(62, 0xfffe),                       /section 65534 for section names/],
    ["section name outside",     u32(hdr("xdp"), 0x7fffffff),           /^x\.o: section \d+ \(section names\), offset 0x7fffffff: name of section \d+ lies outside/],
    ["section outside the file", u64(hdr("xdp") + 24, 1n << 50n),       /section xdp of \d+ bytes runs past the end of the file/],
    ["section size wraps",       u64(hdr("xdp") + 32, (1n << 64n) - 1n), /section xdp of \d+ bytes runs past the end of the file/],
    ["overlapping sections",     u64(hdr("xdp") + 24, BigInt(at("tc"))), /^x\.o, offset 0x[0-9a-f]+: section (xdp|tc) overlaps section (xdp|tc)$/],
    ["section over the header",  u64(hdr("xdp") + 24, 0n),              /overlaps/],
    ["huge .bss",                u64(hdr(".bss") + 32, 1n << 40n),      /section \.bss: more than \d+ bytes of zero-filled data/],
    ["symbol name outside",      u32(at(".symtab") + 24, 0x7fffffff),   /^x\.o: section \.strtab, offset 0x7fffffff: name of symbol 1 lies outside/],
    ["symbol in no section",     u16(at(".symtab") + 30, 900),          /^x\.o: section \.symtab, offset 0x1e: symbol 1 is in section 900, there are \d+$/],
    ["symbol names elsewhere",   u32(hdr(".symtab") + 40, 2),           /section 2 for symbol names is not a string table/],
    ["no symbol table",          u32(hdr(".symtab") + 4, 0),            /^x\.o, offset 0x28: no symbol table, so no programs can be found: was it stripped\?$/],
    ["symbol records",           u64(hdr(".symtab") + 56, 16n),         /section \.symtab, offset 0x0: records of 16 bytes, not 24/],
    ["relocation to nowhere",    u64(at(".relxdp"), 0xfff8n),           /^x\.o: section \.relxdp, offset 0x0: relocation at 0xfff8, section xdp ends at/],
    ["relocation, no symbol",    u32(at(".relxdp") + 12, 5000),         /^x\.o: section \.relxdp, offset 0x0: relocation against symbol 5000, there are \d+$/],
    ["relocations for nothing",  u32(hdr(".relxdp") + 44, 700),         /section \.relxdp, offset 0x0: relocations for section 700/],
    ["relocations, RELA",        u32(hdr(".relxdp") + 4, 4),            /section \.relxdp, offset 0x0: relocations with addends/],
    ["BTF magic",                u16(at(".BTF"), 0x1234),               /^x\.o: section \.BTF, offset 0x0: not BTF: magic is 0x1234$/],
    ["BTF big-endian",           u16(at(".BTF"), 0x9feb),               /section \.BTF, offset 0x0: big-endian BTF/],
    ["BTF version",              u8(at(".BTF") + 2, 9),                 /BTF version 9 is not known/],
    ["BTF types outside",        u32(at(".BTF") + 12, 0x7fffffff),      /section \.BTF, offset 0x18: the types needs/],
    ["BTF kind",                 u32(at(".BTF") + 24 + 4, 0x1f000000),  /section \.BTF types, offset 0x0: type 1 has unknown kind 31/],
    ["BTF type reference",       u32(at(".BTF") + 24 + 8, 0xffff),      /section \.BTF types, offset 0x0: type 1 refers to type 65535/],
    ["BTF name",                 u32(at(".BTF") + 24, 0xffffff),        /section \.BTF strings, offset 0xffffff: name of type 1 lies outside/],
    ["BTF.ext magic",            u16(at(".BTF.ext"), 0x1234),           /section \.BTF\.ext, offset 0x0: not BTF/],
    ["BTF.ext part outside",     u32(at(".BTF.ext") + 12, 0xfffffff),   /section \.BTF\.ext, offset 0x20: the funcs needs/],
  ];
  it.each(rows)("%s", (_, edit, message) => {
    expect(refusal(edited(edit))).toMatch(message);
  });
});

describe("one program of an object", () => {
  const relocs = at(".relxdp");
  // biome-ignore format: table
  const rows: readonly (readonly [name: string, edit: Edit, message: RegExp])[] = [
    ["wrong relocation type",   u32(relocs + 8, 3),                     /section xdp, offset 0x8: relocation of type 3 against flows does not fit its insn/],
    ["relocation, wrong insn",  u64(relocs, 0n),                        /section xdp, offset 0x0: relocation against flows for an insn with code/],
    ["data offset outside",     u32(at("xdp") + 0xc0 + 4, 4000),        /section xdp, offset 0xc0: relocation to offset 4000 of section \.rodata, which ends at 33/],
    ["common symbol",           u16(at(".symtab") + 24 * FLOWS + 6, 0xfff2), /section xdp, offset 0x8: relocation against flows, a common symbol: build with -fno-common$/],
    ["a loader's own pinning",  u32(lengthAt(1), 16),                   /map flows: invalid pinning value 16: 0 is none, 1 by name, others are known to one loader only$/],
    ["callback in the middle",  u32(at("xdp") + 0x18 + 4, 8),           /section xdp, offset 0x18: no function starts at 0x8 of section \.text/],
  ];
  it.each(rows)("%s", (_, edit, message) => {
    const s = readObject(edited(edit), "x.o");
    expect(s.progs.find((p) => p.name === "xdp_main")?.refused).toMatch(message);
    expect(s.progs.find((p) => p.name === "xdp_frags")?.refused).toBeUndefined();
  });
});

it.each(OBJECTS.map((o) => [o.name, o.bytes] as const))("%s cut off anywhere", (_, bytes) => {
  const counts = { refused: 0, read: 0 };
  for (let n = 0; n < bytes.length; n += 64) counts[readAny(bytes.subarray(0, n))]++;
  // The section table is at the end, so nothing that is cut off can be read.
  expect(counts.read).toBe(0);
  expect(counts.refused).toBe(Math.ceil(bytes.length / 64));
});

it("mutated objects are read or refused", () => {
  const counts = fuzzElf(1, (done) => done < 1000);
  expect(counts.read).toBeGreaterThan(100);
  expect(counts.refused).toBeGreaterThan(100);
});
