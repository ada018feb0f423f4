// Global data sections -> maps of one element, and the variables in them. Decides which sections are
// data, as libbpf does, and where each variable lies: by BTF, or by symbol where there is none.
import { Btf, type BtfSecVar, type BtfType, type BtfTypeOf } from "../btf/btf.ts";
import { BpfError } from "../spec/errors.ts";
import { MAP_FLAGS } from "../spec/map_types.ts";
import { type Elf, type ElfSection, type ElfSymbol, SHT, STB, STT, STV } from "./elf.ts";
import { type MapRef, type MapTable, reasonOf } from "./maps.ts";
import type { MapSpec, VariableSpec } from "./object_spec.ts";
import { sectionFields } from "./special_fields.ts";

/** The most zero-filled data of one object; such sections take no room in the file. */
const MAX_ZERO_DATA = 256 * 1024 * 1024;

/** Name, or name and dot and more; type; read-only for programs. */
const DATA_SECTIONS = [
  { name: ".data", type: SHT.PROGBITS, readonly: false },
  { name: ".rodata", type: SHT.PROGBITS, readonly: true },
  { name: ".bss", type: SHT.NOBITS, readonly: false },
] as const;

export function dataRow(s: ElfSection): (typeof DATA_SECTIONS)[number] | undefined {
  if (s.size === 0) return undefined;
  return DATA_SECTIONS.find(
    (d) => d.type === s.type && (s.name === d.name || s.name.startsWith(`${d.name}.`)),
  );
}

/** Global variables that lie in the object's arena. */
const ARENA_SECTION = ".addr_space.1";
const ARENA_PAGE = 4096;

function isArenaData(s: ElfSection): boolean {
  return s.name === ARENA_SECTION && s.type === SHT.PROGBITS && s.size > 0;
}

/** Variables lie here, in a map of the section's own or in the arena. */
export function holdsData(s: ElfSection): boolean {
  return dataRow(s) !== undefined || isArenaData(s);
}

/** Lets what refers to variables of the arena find it. */
export function readArena(elf: Elf, table: MapTable): void {
  const arenas = table.maps.flatMap((map, index) => (map.type === "arena" ? [{ map, index }] : []));
  for (const s of elf.sections.filter(isArenaData)) table.alias(s, arenaOf(s, arenas));
}

/** The map that a section of variables lies in; which of several nobody says. */
function arenaOf(s: ElfSection, arenas: readonly { map: MapSpec; index: number }[]): MapRef {
  const refuse = (why: string): MapRef => ({ refused: `section ${s.name}: ${why}` });
  const [arena, other] = arenas;
  if (arena === undefined) return refuse("its variables need a map of type arena in the object");
  if (other !== undefined)
    return refuse(`only one arena can hold its variables, not ${arena.map.name} and ${other.map.name}`);
  const size = arena.map.maxEntries * ARENA_PAGE;
  if (s.size > size) return refuse(`${s.size} bytes do not fit into map ${arena.map.name} of ${size}`);
  return { index: arena.index };
}

/** Adds a map for each data section, and its variables. */
export function readData(elf: Elf, btf: Btf | undefined, table: MapTable): VariableSpec[] {
  const out: VariableSpec[] = [];
  const datasecs = new Map<string, BtfTypeOf<"datasec">>();
  for (const t of btf?.types ?? []) if (t.kind === "datasec") datasecs.set(t.name, t);
  const symbols = dataSymbols(elf);
  const locals = objectsBySection(elf);
  let zeros = 0;
  for (const s of elf.sections) {
    const row = dataRow(s);
    if (row === undefined) continue;
    if (s.type === SHT.NOBITS) zeros += s.size;
    if (zeros > MAX_ZERO_DATA)
      throw new BpfError("E2BIG", `${s.data.where}: more than ${MAX_ZERO_DATA} bytes of zero-filled data`);
    // Of several sections of one name only the first can be the one BTF describes.
    const datasec = datasecs.get(s.name);
    datasecs.delete(s.name);
    try {
      const vars =
        btf !== undefined && datasec !== undefined
          ? variablesByBtf(s, btf, datasec, symbols, table.maps.length)
          : variablesBySymbol(locals.get(s.index) ?? [], s, table.maps.length);
      table.add(s, 0, dataMap(s, row.readonly, btf, datasec, symbols));
      for (const v of vars) out.push(v);
    } catch (e) {
      table.add(s, 0, { refused: `section ${s.name}: ${reasonOf(e)}` });
    }
  }
  return out;
}

type SymbolKey = `${number}:${string}`;

/** Symbols of objects by section and name. */
function dataSymbols(elf: Elf): Map<SymbolKey, ElfSymbol> {
  const out = new Map<SymbolKey, ElfSymbol>();
  for (const s of elf.symbols)
    if (s.type === STT.OBJECT && s.bind !== STB.LOCAL) out.set(`${s.shndx}:${s.name}`, s);
  return out;
}

function dataMap(
  s: ElfSection,
  readonly: boolean,
  btf: Btf | undefined,
  datasec: BtfTypeOf<"datasec"> | undefined,
  symbols: ReadonlyMap<SymbolKey, ElfSymbol>,
): MapSpec {
  // A section with at least one variable visible outside can be mapped by whoever loads it.
  const mmapable = (datasec?.vars ?? []).some((v) => {
    const t = btf?.byId(v.typeId);
    const sym = symbols.get(`${s.index}:${t?.name ?? ""}`);
    return t?.kind === "var" && t.linkage !== "static" && !isHidden(sym);
  });
  return {
    name: s.name,
    type: "array",
    keySize: 4,
    valueSize: s.size,
    maxEntries: 1,
    flags: (readonly ? MAP_FLAGS.RDONLY_PROG : 0) | (mmapable ? MAP_FLAGS.MMAPABLE : 0),
    pinByName: false,
    keyTypeId: 0,
    valueTypeId: datasec?.id ?? 0,
    datasecTypeId: datasec?.id ?? 0,
    specialFields:
      btf === undefined || datasec === undefined
        ? []
        : sectionFields(btf, datasec, variablesByBtf(s, btf, datasec, symbols, 0)),
    data: s.type === SHT.NOBITS ? new Uint8Array(s.size) : new Uint8Array(s.data.bytes),
    ...(readonly ? { readonlyData: true } : {}),
  };
}

function isHidden(sym: { readonly visibility: number } | undefined): boolean {
  return sym !== undefined && (sym.visibility === STV.HIDDEN || sym.visibility === STV.INTERNAL);
}

function variablesByBtf(
  s: ElfSection,
  btf: Btf,
  datasec: BtfTypeOf<"datasec">,
  symbols: ReadonlyMap<SymbolKey, ElfSymbol>,
  map: number,
): VariableSpec[] {
  const out: VariableSpec[] = [];
  for (const v of datasec.vars) {
    const t = btf.byId(v.typeId);
    if (t.kind !== "var") throw new BpfError("EINVAL", `BTF type ${t.id} (${t.kind}) is no variable`);
    if (t.linkage === "extern") continue;
    // The compiler leaves offsets of global variables to the symbol table, and the section's size as 0.
    const sym =
      datasec.size === 0 && t.linkage === "global" ? symbols.get(`${s.index}:${t.name}`) : undefined;
    if (datasec.size === 0 && t.linkage === "global" && sym === undefined)
      throw new BpfError("EINVAL", `variable ${t.name} has no symbol`);
    const off = sym?.value ?? v.off;
    if (off + v.size > s.size)
      throw new BpfError(
        "EINVAL",
        `${s.data.where}: variable ${t.name} at ${off} runs past the end (${s.size})`,
      );
    out.push({ section: s.name, name: t.name, map, off, size: v.size, typeId: t.typeId });
  }
  return out.sort((a, b) => a.off - b.off);
}

function objectsBySection(elf: Elf): Map<number, ElfSymbol[]> {
  const out = new Map<number, ElfSymbol[]>();
  for (const y of elf.symbols) {
    if (y.type !== STT.OBJECT || y.name === "") continue;
    const list = out.get(y.shndx);
    if (list === undefined) out.set(y.shndx, [y]);
    else list.push(y);
  }
  return out;
}

function variablesBySymbol(symbols: readonly ElfSymbol[], s: ElfSection, map: number): VariableSpec[] {
  return symbols
    .filter((y) => y.value + y.size <= s.size)
    .map((y) => ({ section: s.name, name: y.name, map, off: y.value, size: y.size, typeId: 0 }))
    .sort((a, b) => a.off - b.off);
}

/**
 * BTF with what the compiler left to the linker filled in: sizes of data sections, offsets of their
 * global variables.
 */
export function fixDatasecs(btf: Btf, maps: readonly MapSpec[], variables: readonly VariableSpec[]): Btf {
  const fixed = new Map<number, BtfType>();
  const offsOf = maps.map(() => new Map<string, number>());
  for (const v of variables) offsOf[v.map]?.set(v.name, v.off);
  for (const [index, map] of maps.entries()) {
    const t = map.datasecTypeId === 0 ? undefined : btf.byId(map.datasecTypeId);
    if (t?.kind !== "datasec" || t.size !== 0) continue;
    // Static variables have their offsets, and their names may repeat.
    const off = (v: BtfSecVar) => {
      const u = btf.byId(v.typeId);
      return u.kind === "var" && u.linkage === "global" ? (offsOf[index]?.get(u.name) ?? v.off) : v.off;
    };
    const vars = t.vars.map((v) => ({ ...v, off: off(v) })).sort((x, y) => x.off - y.off);
    fixed.set(t.id, { ...t, size: map.valueSize, vars });
  }
  return fixed.size === 0 ? btf : new Btf(btf.types.map((t) => fixed.get(t.id) ?? t));
}

/** What programs may read from outside: `.kconfig` and `.ksyms` of the BTF, by name. */
export function readExterns(btf: Btf | undefined): Map<string, "ksym" | "kconfig"> {
  const out = new Map<string, "ksym" | "kconfig">();
  for (const [section, kind] of [
    [".kconfig", "kconfig"],
    [".ksyms", "ksym"],
  ] as const)
    for (const v of btf?.find(section, "datasec")?.vars ?? []) {
      const name = btf?.byId(v.typeId).name ?? "";
      if (name !== "") out.set(name, kind);
    }
  return out;
}
