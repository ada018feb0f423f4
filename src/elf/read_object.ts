// Bytes of an object file -> ObjectSpec: maps, variables, programs, linked. Decides which functions are
// programs and of what type. Pure: the same bytes give the same spec on every machine.
import type { Btf } from "../btf/btf.ts";
import { type BtfExt, parseBtfExt } from "../btf/ext.ts";
import { type BtfSections, parseBtf } from "../btf/parse.ts";
import { findSection } from "../spec/prog_types.ts";
import { fixDatasecs, readArena, readData, readExterns } from "./data.ts";
import { type Elf, type ElfSection, parseElf, SHT } from "./elf.ts";
import { type ElfFunc, readFuncs, resolveRefs, SLOT } from "./funcs.ts";
import { withLinkage } from "./linkage.ts";
import { link, type LinkBudget, NOT_LINKED } from "./link.ts";
import { BTF_MAPS, isLegacyMaps, MapTable, readBtfMaps, readLegacyMaps } from "./maps.ts";
import type { ObjectSpec, ProgSpec } from "./object_spec.ts";

/** Insns of all linked programs together: a small file can link the same subprogram into many programs. */
const MAX_LINKED = 1_000_000;
const MIN_LINKED = 65_536;
const LINKED_PER_SLOT = 32;

/** Subprograms live here; its functions are no programs. */
const TEXT = ".text";
const EXCEPTION_CALLBACK = "exception_callback:";

/** Reads an object file. `name` is the file's name for messages. Refuses with one line what no one can use. */
export function readObject(bytes: Uint8Array, name: string): ObjectSpec {
  const elf = parseElf(bytes, name);
  const { btf, ext } = readTypes(elf);
  const maps = new MapTable();
  for (const s of elf.sections) if (s.name === BTF_MAPS && s.size > 0) readBtfMaps(elf, s, btf, maps);
  for (const s of elf.sections)
    if (isLegacyMaps(s.name) && s.type === SHT.PROGBITS) readLegacyMaps(elf, s, maps);
  readArena(elf, maps);
  const variables = readData(elf, btf, maps);
  const funcs = readFuncs(elf);
  resolveRefs({ elf, funcs, maps, externs: readExterns(btf) });
  const slots = bytes.length / SLOT;
  const budget = { left: Math.min(MAX_LINKED, MIN_LINKED + LINKED_PER_SLOT * slots) };
  return {
    name,
    license: readLicense(elf),
    btf: btf && fixDatasecs(btf, maps.maps, variables),
    maps: maps.maps,
    progs: funcs.all
      .filter(isProg)
      .map((f) => readProg(f, ext, budget, exceptionCallbacks(f, funcs.all, btf)))
      .map((p) => withLinkage(p, btf, funcs.all)),
    variables,
  };
}

function sectionOf(elf: Elf, name: string): ElfSection | undefined {
  return elf.sections.find((s) => s.name === name && s.type === SHT.PROGBITS && s.size > 0);
}

function readTypes(elf: Elf): { btf: Btf | undefined; ext: BtfExt | undefined } {
  const section = sectionOf(elf, ".BTF");
  const parsed: BtfSections | undefined = section && parseBtf(section.data.bytes, section.data.where);
  const ext = sectionOf(elf, ".BTF.ext");
  return {
    btf: parsed?.btf,
    ext: parsed && ext && parseBtfExt(ext.data.bytes, parsed.strings, ext.data.where),
  };
}

/** The `license` section is a C string; an object without one is not GPL compatible. */
function readLicense(elf: Elf): string {
  const b = sectionOf(elf, "license")?.data.bytes.subarray(0, 128) ?? new Uint8Array(0);
  const end = b.indexOf(0);
  return Buffer.from(end < 0 ? b : b.subarray(0, end)).toString("utf8");
}

/** A static function is a subprogram wherever it lies. */
function isProg(f: ElfFunc): boolean {
  return f.section.name !== TEXT && f.global;
}

/** The functions that a program's declaration tags name as its exception callback. */
function exceptionCallbacks(f: ElfFunc, all: readonly ElfFunc[], btf: Btf | undefined): ElfFunc[] {
  const func = btf?.find(f.name, "func");
  if (btf === undefined || func === undefined) return [];
  return btf
    .declTags(func.id)
    .filter((tag) => tag.startsWith(EXCEPTION_CALLBACK))
    .flatMap((tag) => all.filter((g) => g.global && g.name === tag.slice(EXCEPTION_CALLBACK.length)));
}

function readProg(
  f: ElfFunc,
  ext: BtfExt | undefined,
  budget: LinkBudget,
  callbacks: readonly ElfFunc[],
): ProgSpec {
  const match = findSection(f.section.name);
  const linked = link(f, ext, budget, callbacks);
  const refused =
    "refused" in linked
      ? linked.refused
      : match === undefined
        ? `${f.section.data.where}: no program type goes by this section name`
        : undefined;
  return {
    name: f.name,
    section: f.section.name,
    type: match?.row.type ?? "unspec",
    ...(match?.row.attachType === undefined ? {} : { expectedAttachType: match.row.attachType }),
    ...(match?.attachTo === undefined ? {} : { attachTo: match.attachTo }),
    flags: match?.row.flags ?? [],
    ...("refused" in linked ? { ...NOT_LINKED, insns: [] } : linked),
    ...(refused === undefined ? {} : { refused }),
  };
}
