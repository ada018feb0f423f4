// Map sections of an object -> MapSpecs: `.maps` by BTF, legacy `maps` by symbol. A definition that
// cannot be used is remembered with its reason, so that only the programs that need it are refused.
import type { Btf, BtfTypeOf } from "../btf/btf.ts";
import { BpfError } from "../spec/errors.ts";
import { mapTypeName, mapTypeRow } from "../spec/map_types.ts";
import { type Elf, type ElfSection, type ElfSymbol, R_BPF, STB, STT } from "./elf.ts";
import { mapDefStruct, readMapDef } from "./map_def.ts";
import type { MapSpec } from "./object_spec.ts";

/** A map by its place in the object, or why it is not one. */
export type MapRef = { readonly index: number } | { readonly refused: string };

/** Maps of an object and how relocations find them. */
export class MapTable {
  readonly maps: MapSpec[] = [];
  readonly #refs = new Map<string, MapRef>();
  readonly #sections = new Set<number>();

  /** A map defined at an offset of a section (0 for data sections, which are one map). */
  add(section: ElfSection, off: number, map: MapSpec | { readonly refused: string }): void {
    this.#sections.add(section.index);
    const key = `${section.index}:${off}`;
    if (this.#refs.has(key)) return;
    if ("refused" in map) this.#refs.set(key, map);
    else this.#refs.set(key, { index: this.maps.push(map) - 1 });
  }

  /** A section that is part of a map which is there already, or of none. */
  alias(section: ElfSection, ref: MapRef): void {
    this.#sections.add(section.index);
    this.#refs.set(`${section.index}:0`, ref);
  }

  /** A section whose maps are found by offset. */
  own(section: ElfSection): void {
    this.#sections.add(section.index);
  }

  owns(shndx: number): boolean {
    return this.#sections.has(shndx);
  }

  at(shndx: number, off: number): MapRef | undefined {
    return this.#refs.get(`${shndx}:${off}`);
  }
}

export const BTF_MAPS = ".maps";

export function isLegacyMaps(name: string): boolean {
  return name === "maps" || name.startsWith("maps/");
}

/** The reason of a refusal; anything but a BpfError is our own bug. */
export function reasonOf(e: unknown): string {
  if (e instanceof BpfError) return e.message;
  throw e;
}

/** Symbols of a section that stand for its objects, by name and in order of offset. */
function objectSymbols(elf: Elf, section: ElfSection): ElfSymbol[] {
  return elf.symbols
    .filter(
      (s) => s.shndx === section.index && s.name !== "" && (s.type === STT.OBJECT || s.type === STT.NOTYPE),
    )
    .sort((a, b) => a.value - b.value);
}

export function readBtfMaps(elf: Elf, section: ElfSection, btf: Btf | undefined, table: MapTable): void {
  table.own(section);
  const symbols = objectSymbols(elf, section);
  const datasec = btf?.find(BTF_MAPS, "datasec");
  const byName = new Map((datasec?.vars ?? []).map((v) => [btf?.byId(v.typeId).name ?? "", v]));
  const defs = new Map<number, BtfTypeOf<"struct" | "union">>();
  for (const sym of symbols) {
    try {
      if (btf === undefined)
        throw new BpfError("EINVAL", `map ${sym.name}: the object has no BTF to define it`);
      const v = byName.get(sym.name);
      if (v === undefined)
        throw new BpfError("EINVAL", `map ${sym.name}: not in the BTF of section ${BTF_MAPS}`);
      if (sym.bind === STB.LOCAL)
        throw new BpfError("EOPNOTSUPP", `map ${sym.name}: static maps are not supported`);
      const def = mapDefStruct(btf, btf.byId(v.typeId));
      section.data.need(sym.value, Math.max(def.size, v.size), `map ${sym.name}`);
      table.add(section, sym.value, readMapDef(btf, def, sym.name));
      defs.set(sym.value, def);
    } catch (e) {
      table.add(section, sym.value, { refused: reasonOf(e) });
    }
  }
  readInitialisers(elf, section, table, defs);
}

/** An address in data. Compilers before clang 13 write the type that insns have. */
const IN_DATA: ReadonlySet<number> = new Set([R_BPF.ABS64, R_BPF.LD64]);

/** `values` initialisers: a relocation inside the map's variable, behind its fixed members. */
function readInitialisers(
  elf: Elf,
  section: ElfSection,
  table: MapTable,
  defs: ReadonlyMap<number, BtfTypeOf<"struct" | "union">>,
): void {
  const starts = [...defs.keys()].sort((a, b) => a - b);
  for (const r of elf.relocs.get(section.index) ?? []) {
    const start = lastAtMost(starts, r.off);
    const def = start === undefined ? undefined : defs.get(start);
    const ref = start === undefined ? undefined : table.at(section.index, start);
    // A relocation in a refused map's variable: nobody can use that map anyway.
    if (start === undefined || def === undefined || ref === undefined || "refused" in ref) continue;
    const map = table.maps[ref.index];
    if (map === undefined) throw new Error(`map ${ref.index} is missing`);
    const values = def.members.find((m) => m.name === "values");
    const at = r.off - start - (values === undefined ? 0 : values.bitOff / 8);
    if (values === undefined || at < 0 || at % 8 !== 0 || !IN_DATA.has(r.type))
      section.data.fail(
        r.off,
        `map ${map.name}: relocation against ${r.sym.name} is no initialiser of values`,
      );
    const kind = mapTypeRow(map.type).holds === "prog" ? "prog" : "map";
    if (
      kind === "prog" ? r.sym.type !== STT.FUNC : r.sym.shndx !== section.index || r.sym.type === STT.SECTION
    )
      section.data.fail(
        r.off,
        `map ${map.name}: initialiser ${r.sym.name || "without a name"} is no ${kind}`,
      );
    map.values ??= [];
    map.values.push({ key: at / 8, target: r.sym.name, kind });
  }
}

/** The last of some ascending numbers that is not above n. */
function lastAtMost(sorted: readonly number[], n: number): number | undefined {
  let lo = 0;
  for (let hi = sorted.length; lo < hi; ) {
    const mid = (lo + hi) >>> 1;
    if ((sorted[mid] ?? 0) <= n) lo = mid + 1;
    else hi = mid;
  }
  return sorted[lo - 1];
}

/** Fields of `struct bpf_map_def`; what follows them must be zero. */
const MAP_DEF_SIZE = 20;

/** Legacy maps: the section is divided evenly among its symbols. */
export function readLegacyMaps(elf: Elf, section: ElfSection, table: MapTable): void {
  table.own(section);
  const symbols = objectSymbols(elf, section);
  if (symbols.length === 0) return;
  const size = section.size / symbols.length;
  for (const sym of symbols) {
    try {
      if (size < MAP_DEF_SIZE || size % 4 !== 0)
        throw new BpfError(
          "EINVAL",
          `map ${sym.name}: definitions of ${size} bytes, at least ${MAP_DEF_SIZE} are needed`,
        );
      table.add(section, sym.value, readLegacyMap(section, sym, size));
    } catch (e) {
      table.add(section, sym.value, { refused: reasonOf(e) });
    }
  }
}

function readLegacyMap(section: ElfSection, sym: ElfSymbol, size: number): MapSpec {
  const v = section.data;
  v.need(sym.value, size, `map ${sym.name}`);
  const word = (i: number) => v.u32(sym.value + i * 4);
  for (let i = MAP_DEF_SIZE / 4; i < size / 4; i++)
    if (word(i) !== 0)
      v.fail(sym.value + i * 4, `map ${sym.name}: unknown field of bpf_map_def is ${word(i)}, not 0`);
  const type = mapTypeName(word(0));
  if (type === undefined) return v.fail(sym.value, `map ${sym.name}: unknown map type ${word(0)}`);
  return {
    name: sym.name,
    type,
    keySize: word(1),
    valueSize: word(2),
    maxEntries: word(3),
    flags: word(4),
    pinByName: false,
    keyTypeId: 0,
    valueTypeId: 0,
    datasecTypeId: 0,
    specialFields: [],
  };
}
