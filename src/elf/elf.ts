// Bytes of an object file -> sections, symbols, relocations. Decides whether the file is an ELF that BPF
// tools can use: 64-bit, little-endian, relocatable, EM_BPF, nothing outside the file and nothing
// overlapping. Knows nothing of maps or programs. Follows the System V ABI and RFC 9669.
import { ByteView, MAX_SECTION_NAME, StringTable, hex } from "../btf/bytes.ts";
import { BpfError } from "../spec/errors.ts";

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: bigint;
  /** in the file */
  readonly off: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly entSize: number;
  /** contents; empty for SHT_NOBITS */
  readonly data: ByteView;
}

export interface ElfSymbol {
  readonly name: string;
  readonly type: number;
  readonly bind: number;
  readonly visibility: number;
  /** section index, or SHN_UNDEF, SHN_ABS, SHN_COMMON */
  readonly shndx: number;
  readonly value: number;
  readonly size: number;
}

export interface ElfReloc {
  /** in the section it applies to */
  readonly off: number;
  readonly type: number;
  readonly sym: ElfSymbol;
}

export interface Elf {
  readonly name: string;
  readonly sections: readonly ElfSection[];
  readonly symbols: readonly ElfSymbol[];
  /** relocations by the index of the section they apply to */
  readonly relocs: ReadonlyMap<number, readonly ElfReloc[]>;
}

// biome-ignore format: table
export const SHT = { NULL: 0, PROGBITS: 1, SYMTAB: 2, STRTAB: 3, RELA: 4, NOBITS: 8, REL: 9, SYMTAB_SHNDX: 18 } as const;
export const SHF_EXECINSTR = 4n;
export const STT = { NOTYPE: 0, OBJECT: 1, FUNC: 2, SECTION: 3, FILE: 4 } as const;
export const STB = { LOCAL: 0, GLOBAL: 1, WEAK: 2 } as const;
export const STV = { DEFAULT: 0, INTERNAL: 1, HIDDEN: 2, PROTECTED: 3 } as const;
export const SHN = { UNDEF: 0, LORESERVE: 0xff00, ABS: 0xfff1, COMMON: 0xfff2, XINDEX: 0xffff } as const;
/** Relocation types of EM_BPF. */
// biome-ignore format: table
export const R_BPF = { NONE: 0, LD64: 1, ABS64: 2, ABS32: 3, NODYLD32: 4, CALL32: 10 } as const;

const EHDR_SIZE = 64;
const SHDR_SIZE = 64;
const SYM_SIZE = 24;
const REL_SIZE = 16;
const ET_REL = 1;
const EM_BPF = 247;

/** What the first 64 bytes must say, of any ELF file first: offset, width, the value, and what to say of another one. */
const HEADER_RULES: readonly (readonly [
  off: number,
  width: 1 | 2,
  want: number,
  what: (n: number) => string,
])[] = [
  [4, 1, 2, (n) => (n === 1 ? "a 32-bit object, BPF objects are 64-bit" : `unknown ELF class ${n}`)],
  [5, 1, 1, (n) => (n === 2 ? "a big-endian object, build with -target bpfel" : `unknown byte order ${n}`)],
  [6, 1, 1, (n) => `unknown ELF version ${n}`],
];
const OBJECT_RULES: typeof HEADER_RULES = [
  ...HEADER_RULES,
  [16, 2, ET_REL, (n) => `ELF type ${n} is not a relocatable object`],
  [18, 2, EM_BPF, (n) => `built for machine ${n}, not for BPF (${EM_BPF})`],
];

export function parseElf(bytes: Uint8Array, name: string): Elf {
  const file = new ByteView(bytes, name);
  checkHeader(file, OBJECT_RULES);
  const sections = readSections(file);
  checkOverlaps(file, sections);
  const symtab = symbolTable(file, sections);
  if (symtab === undefined)
    return file.fail(40, "no symbol table, so no programs can be found: was it stripped?");
  const symbols = readSymbols(symtab, sections);
  return { name, sections, symbols, relocs: readRelocs(sections, symtab, symbols) };
}

export function isElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/** The first section of this name with contents, of any little-endian 64-bit ELF file, a kernel's too. */
export function findSectionData(bytes: Uint8Array, where: string, name: string): ByteView | undefined {
  const file = new ByteView(bytes, where);
  checkHeader(file, HEADER_RULES);
  return readSections(file).find((s) => s.name === name && s.data.length > 0)?.data;
}

function checkHeader(file: ByteView, rules: typeof HEADER_RULES): void {
  if (!isElf(file.bytes)) throw new BpfError("EINVAL", `${file.where}: not an ELF file`);
  file.need(0, EHDR_SIZE, "the ELF header");
  for (const [off, width, want, what] of rules) {
    const n = width === 1 ? file.u8(off) : file.u16(off);
    if (n !== want) file.fail(off, what(n));
  }
}

function readSections(file: ByteView): ElfSection[] {
  const off = file.offset(40);
  if (off === 0) file.fail(40, "no section table");
  if (file.u16(58) !== SHDR_SIZE) file.fail(58, `section headers of ${file.u16(58)} bytes`);
  file.need(off, SHDR_SIZE, "the section table");
  // Counts that do not fit the header are in section 0.
  const count = file.u16(60) || file.offset(off + 32);
  file.need(off, count * SHDR_SIZE, `the table of ${count} sections`);
  const strndx = file.u16(62) === SHN.XINDEX ? file.u32(off + 40) : file.u16(62);
  if (strndx === 0 || strndx >= count)
    file.fail(62, `section ${strndx} for section names, there are ${count}`);
  const names = new StringTable(
    contents(file, off + strndx * SHDR_SIZE, `section ${strndx} (section names)`),
  );
  return Array.from({ length: count }, (_, index) =>
    readSection(file, off + index * SHDR_SIZE, index, names),
  );
}

function readSection(file: ByteView, at: number, index: number, names: StringTable): ElfSection {
  const name = index === 0 ? "" : names.name(file.u32(at), () => `section ${index}`, MAX_SECTION_NAME);
  return {
    index,
    name,
    type: file.u32(at + 4),
    flags: file.u64(at + 8),
    off: file.offset(at + 24),
    size: index === 0 ? 0 : file.offset(at + 32),
    link: file.u32(at + 40),
    info: file.u32(at + 44),
    entSize: file.offset(at + 56),
    data: contents(file, at, `section ${name || index}`),
  };
}

/** The bytes a section header points to. */
function contents(file: ByteView, at: number, what: string): ByteView {
  const type = file.u32(at + 4);
  const [off, size] = [file.offset(at + 24), file.offset(at + 32)];
  const where = `${file.where}: ${what}`;
  if (type === SHT.NULL || type === SHT.NOBITS) return new ByteView(new Uint8Array(0), where);
  if (off + size > file.length)
    file.fail(off, `${what} of ${size} bytes runs past the end of the file (${hex(file.length)})`);
  return new ByteView(file.bytes.subarray(off, off + size), where);
}

function checkOverlaps(file: ByteView, sections: readonly ElfSection[]): void {
  const parts = sections
    .filter((s) => s.type !== SHT.NULL && s.type !== SHT.NOBITS && s.size > 0)
    .map((s) => ({ name: `section ${s.name}`, off: s.off, end: s.off + s.size }));
  const table = file.offset(40);
  parts.push({ name: "the ELF header", off: 0, end: EHDR_SIZE });
  parts.push({ name: "the section table", off: table, end: table + sections.length * SHDR_SIZE });
  parts.sort((a, b) => a.off - b.off || a.end - b.end);
  let last = parts[0];
  for (const part of parts.slice(1)) {
    if (last !== undefined && part.off < last.end) file.fail(part.off, `${part.name} overlaps ${last.name}`);
    last = part;
  }
}

function symbolTable(file: ByteView, sections: readonly ElfSection[]): ElfSection | undefined {
  const tables = sections.filter((s) => s.type === SHT.SYMTAB);
  const second = tables[1];
  if (second !== undefined) file.fail(second.off, `a second symbol table, section ${second.name}`);
  return tables[0];
}

function readSymbols(symtab: ElfSection, sections: readonly ElfSection[]): ElfSymbol[] {
  const v = symtab.data;
  const count = records(symtab, SYM_SIZE);
  const strtab = sections[symtab.link];
  if (strtab === undefined || strtab.type !== SHT.STRTAB)
    return v.fail(0, `section ${symtab.link} for symbol names is not a string table`);
  const names = new StringTable(strtab.data);
  return Array.from({ length: count }, (_, i) => {
    const at = i * SYM_SIZE;
    const [info, shndx] = [v.u8(at + 4), v.u16(at + 6)];
    const nameOff = v.u32(at);
    const special = shndx >= SHN.LORESERVE;
    if (shndx === SHN.XINDEX) v.fail(at + 6, `symbol ${i} uses an extended section index`);
    const section = sections[shndx];
    if (!special && section === undefined)
      v.fail(at + 6, `symbol ${i} is in section ${shndx}, there are ${sections.length}`);
    const type = info & 0xf;
    // Section symbols have no name of their own.
    const name =
      nameOff === 0
        ? type === STT.SECTION
          ? (section?.name ?? "")
          : ""
        : names.name(nameOff, () => `symbol ${i}`);
    return {
      name,
      type,
      bind: info >> 4,
      visibility: v.u8(at + 5) & 3,
      shndx,
      value: v.offset(at + 8),
      size: v.offset(at + 16),
    };
  });
}

function readRelocs(
  sections: readonly ElfSection[],
  symtab: ElfSection,
  symbols: readonly ElfSymbol[],
): Map<number, ElfReloc[]> {
  const out = new Map<number, ElfReloc[]>();
  for (const s of sections) {
    if (s.type === SHT.RELA) s.data.fail(0, "relocations with addends are not used by BPF");
    if (s.type !== SHT.REL) continue;
    const target = sections[s.info];
    if (s.info === 0 || target === undefined)
      return s.data.fail(0, `relocations for section ${s.info}, there are ${sections.length}`);
    if (s.link !== symtab.index) s.data.fail(0, `section ${s.link} is not the symbol table`);
    // Nobody reads debug sections; do not keep their relocations.
    if (target.name.startsWith(".debug") || target.name.startsWith(".eh_frame")) continue;
    if (out.has(target.index)) s.data.fail(0, `a second table of relocations for section ${target.name}`);
    out.set(target.index, readRelocTable(s, target, symbols));
  }
  return out;
}

function readRelocTable(s: ElfSection, target: ElfSection, symbols: readonly ElfSymbol[]): ElfReloc[] {
  const count = records(s, REL_SIZE);
  return Array.from({ length: count }, (_, i) => {
    const at = i * REL_SIZE;
    const [off, type, symIdx] = [s.data.offset(at), s.data.u32(at + 8), s.data.u32(at + 12)];
    const sym = symbols[symIdx];
    if (sym === undefined)
      return s.data.fail(at, `relocation against symbol ${symIdx}, there are ${symbols.length}`);
    if (off >= target.size)
      s.data.fail(at, `relocation at ${hex(off)}, section ${target.name} ends at ${hex(target.size)}`);
    return { off, type, sym };
  });
}

/** How many records a table section holds. */
function records(s: ElfSection, size: number): number {
  if (s.entSize !== size) s.data.fail(0, `records of ${s.entSize} bytes, not ${size}`);
  if (s.data.length % size !== 0) s.data.fail(0, `${s.data.length} bytes are no multiple of ${size}`);
  return s.data.length / size;
}
