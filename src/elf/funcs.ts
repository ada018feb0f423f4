// Functions of the executable sections, with what their insns refer to: other functions, maps, data,
// externs. Decides what each relocation means; a relocation that means nothing refuses its function only.
// Works on raw slots, before decoding.
import { ByteView, hex } from "../btf/bytes.ts";
import {
  type Elf,
  type ElfReloc,
  type ElfSection,
  type ElfSymbol,
  R_BPF,
  SHF_EXECINSTR,
  SHN,
  SHT,
  STB,
  STT,
  STV,
} from "./elf.ts";
import { type MapTable } from "./maps.ts";
import { holdsData } from "./data.ts";

export const SLOT = 8;
const LD_IMM64 = 0x18;
const CALL = 0x85;
/** src_reg of ld_imm64 and call (BPF_PSEUDO_*). */
export const PSEUDO = { CALL: 1, KFUNC_CALL: 2, FUNC: 4, MAP_IDX: 5, MAP_IDX_VALUE: 6 } as const;

/** What one insn of a function refers to; `idx` counts slots from the function's start. */
export type Ref = { readonly idx: number } & (
  | { readonly kind: "call" | "func_addr"; readonly target: ElfFunc }
  | { readonly kind: "map"; readonly map: number }
  | { readonly kind: "map_value"; readonly map: number; readonly off: number }
  | { readonly kind: "kfunc" | "ksym" | "kconfig"; readonly name: string; readonly weak: boolean }
);

export interface ElfFunc {
  readonly name: string;
  readonly section: ElfSection;
  /** bytes in the section */
  readonly start: number;
  readonly end: number;
  /** visible to the verifier as a global function */
  readonly global: boolean;
  /** by its symbol; then it is static whatever its type says */
  readonly hidden: boolean;
  refs: readonly Ref[];
  refused: string | undefined;
}

export interface FuncTable {
  /** in order of section and offset */
  readonly all: readonly ElfFunc[];
  at(shndx: number, off: number): ElfFunc | undefined;
}

function isCode(s: ElfSection): boolean {
  return s.type === SHT.PROGBITS && (s.flags & SHF_EXECINSTR) !== 0n && s.size > 0;
}

/** Every function of every executable section, by symbol. */
export function readFuncs(elf: Elf): FuncTable {
  const starts = new Map<string, ElfFunc>();
  const all: ElfFunc[] = [];
  for (const sym of elf.symbols) {
    const section = elf.sections[sym.shndx];
    if (sym.type !== STT.FUNC || section === undefined || !isCode(section)) continue;
    const func = readFunc(section, sym);
    const key = `${section.index}:${func.start}`;
    if (starts.has(key))
      section.data.fail(func.start, `functions ${starts.get(key)?.name} and ${func.name} are one`);
    starts.set(key, func);
    all.push(func);
  }
  all.sort((a, b) => a.section.index - b.section.index || a.start - b.start);
  all.forEach((f, i) => {
    const next = all[i + 1];
    if (next !== undefined && next.section === f.section && next.start < f.end)
      f.section.data.fail(next.start, `functions ${f.name} and ${next.name} overlap`);
  });
  return { all, at: (shndx, off) => starts.get(`${shndx}:${off}`) };
}

function readFunc(section: ElfSection, sym: ElfSymbol): ElfFunc {
  const what = `function ${sym.name || "without a name"}`;
  if (sym.name === "") section.data.fail(sym.value, what);
  if (sym.value % SLOT !== 0 || sym.size % SLOT !== 0 || sym.size === 0)
    section.data.fail(sym.value, `${what} of ${sym.size} bytes does not consist of ${SLOT}-byte insns`);
  section.data.need(sym.value, sym.size, what);
  const hidden = sym.visibility === STV.HIDDEN || sym.visibility === STV.INTERNAL;
  return {
    name: sym.name,
    section,
    start: sym.value,
    end: sym.value + sym.size,
    global: sym.bind !== STB.LOCAL && !hidden,
    hidden,
    refs: [],
    refused: undefined,
  };
}

interface Context {
  readonly elf: Elf;
  readonly funcs: FuncTable;
  readonly maps: MapTable;
  readonly externs: ReadonlyMap<string, "ksym" | "kconfig">;
}

/** A raw slot and where it is. */
interface Slot {
  readonly idx: number;
  /** bytes in the section */
  readonly off: number;
  readonly code: number;
  readonly src: number;
  readonly imm: number;
}

/** Thrown and caught here only: this function cannot be used. */
class Refusal {
  constructor(readonly reason: string) {}
}

/** Fills `refs` of every function, or `refused`. */
export function resolveRefs(c: Context): void {
  const relocs = new Map<ElfSection, Map<number, ElfReloc>>();
  for (const f of c.funcs.all) {
    let bySection = relocs.get(f.section);
    if (bySection === undefined) {
      bySection = new Map((c.elf.relocs.get(f.section.index) ?? []).map((r) => [r.off, r]));
      relocs.set(f.section, bySection);
    }
    try {
      f.refs = funcRefs(c, f, bySection);
    } catch (e) {
      if (!(e instanceof Refusal)) throw e;
      f.refused = e.reason;
    }
  }
}

function refuse(v: ByteView, off: number, what: string): never {
  throw new Refusal(`${v.where}, offset ${hex(off)}: ${what}`);
}

function funcRefs(c: Context, f: ElfFunc, relocs: ReadonlyMap<number, ElfReloc>): Ref[] {
  const out: Ref[] = [];
  const v = f.section.data;
  for (let off = f.start; off < f.end; off += SLOT) {
    const slot: Slot = {
      idx: (off - f.start) / SLOT,
      off,
      code: v.u8(off),
      src: v.u8(off + 1) >> 4,
      imm: v.i32(off + 4),
    };
    const reloc = relocs.get(off);
    const ref = reloc === undefined ? plainRef(c, f, slot) : relocRef(c, f, slot, reloc);
    if (ref !== undefined) out.push(ref);
    if (slot.code === LD_IMM64 && off + SLOT < f.end) {
      off += SLOT;
      if (relocs.has(off)) refuse(v, off, "relocation in the second half of an insn");
    }
  }
  return out;
}

/** Calls within a section need no relocation; everything else that refers to something does. */
function plainRef(c: Context, f: ElfFunc, slot: Slot): Ref | undefined {
  const v = f.section.data;
  if (slot.code === LD_IMM64 && slot.src === PSEUDO.FUNC)
    refuse(v, slot.off, "function address without a relocation");
  if (slot.code === LD_IMM64 && (slot.src === PSEUDO.MAP_IDX || slot.src === PSEUDO.MAP_IDX_VALUE))
    refuse(v, slot.off, "map reference without a relocation");
  if (slot.code !== CALL || slot.src !== PSEUDO.CALL) return undefined;
  const to = slot.off + (slot.imm + 1) * SLOT;
  return { idx: slot.idx, kind: "call", target: funcAt(c, f, slot, f.section.index, to) };
}

function funcAt(c: Context, f: ElfFunc, slot: Slot, shndx: number, off: number): ElfFunc {
  const target = c.funcs.at(shndx, off);
  if (target !== undefined) return target;
  const name = c.elf.sections[shndx]?.name ?? shndx;
  return refuse(f.section.data, slot.off, `no function starts at ${hex(off)} of section ${name}`);
}

function relocRef(c: Context, f: ElfFunc, slot: Slot, r: ElfReloc): Ref | undefined {
  const v = f.section.data;
  const name = r.sym.name || "without a name";
  if (r.type === R_BPF.NONE) return plainRef(c, f, slot);
  const isCall = slot.code === CALL;
  if (!isCall && slot.code !== LD_IMM64)
    refuse(v, slot.off, `relocation against ${name} for an insn with code ${hex(slot.code)}`);
  if (r.type !== (isCall ? R_BPF.CALL32 : R_BPF.LD64))
    refuse(v, slot.off, `relocation of type ${r.type} against ${name} does not fit its insn`);
  if (r.sym.shndx === SHN.UNDEF) return externRef(c, f, slot, r.sym);
  if (r.sym.shndx === SHN.COMMON)
    refuse(v, slot.off, `relocation against ${name}, a common symbol: build with -fno-common`);
  if (r.sym.shndx >= SHN.LORESERVE)
    refuse(v, slot.off, `relocation against ${name} in special section ${hex(r.sym.shndx)}`);
  const section = c.elf.sections[r.sym.shndx];
  if (section === undefined) throw new Error(`symbol ${name} was not checked`);
  if (isCall) return callRef(c, f, slot, r.sym);
  if (isCode(section)) {
    const to = r.sym.value + slot.imm;
    return { idx: slot.idx, kind: "func_addr", target: funcAt(c, f, slot, section.index, to) };
  }
  return holdsData(section) ? dataRef(c, f, slot, r.sym, section) : mapRef(c, f, slot, r.sym, section);
}

function callRef(c: Context, f: ElfFunc, slot: Slot, sym: ElfSymbol): Ref {
  if (slot.src !== PSEUDO.CALL)
    refuse(f.section.data, slot.off, `call of ${sym.name} is no call of a function`);
  const to = sym.value + (slot.imm + 1) * SLOT;
  return { idx: slot.idx, kind: "call", target: funcAt(c, f, slot, sym.shndx, to) };
}

function externRef(c: Context, f: ElfFunc, slot: Slot, sym: ElfSymbol): Ref {
  const weak = sym.bind === STB.WEAK;
  const kind = c.externs.get(sym.name);
  if (sym.name === "" || kind === undefined)
    return refuse(f.section.data, slot.off, `${sym.name || "a symbol without a name"} is defined nowhere`);
  if (slot.code === CALL) {
    if (kind !== "ksym") refuse(f.section.data, slot.off, `call of ${sym.name}, which is no kernel function`);
    return { idx: slot.idx, kind: "kfunc", name: sym.name, weak };
  }
  return { idx: slot.idx, kind, name: sym.name, weak };
}

function mapRef(c: Context, f: ElfFunc, slot: Slot, sym: ElfSymbol, section: ElfSection): Ref {
  const v = f.section.data;
  if (!c.maps.owns(section.index))
    refuse(
      v,
      slot.off,
      `relocation against ${sym.name || "nothing"} in section ${section.name || "without a name"}, which holds neither maps nor data`,
    );
  const off = sym.value + (sym.type === STT.SECTION ? slot.imm : 0);
  const ref = c.maps.at(section.index, off);
  if (ref === undefined) return refuse(v, slot.off, `no map at ${hex(off)} of section ${section.name}`);
  if ("refused" in ref) return refuse(v, slot.off, ref.refused);
  return { idx: slot.idx, kind: "map", map: ref.index };
}

function dataRef(c: Context, f: ElfFunc, slot: Slot, sym: ElfSymbol, section: ElfSection): Ref {
  const v = f.section.data;
  const ref = c.maps.at(section.index, 0);
  if (ref === undefined) throw new Error(`data section ${section.name} has no map`);
  if ("refused" in ref) return refuse(v, slot.off, ref.refused);
  const off = sym.value + slot.imm;
  if (off < 0 || off >= section.size)
    refuse(
      v,
      slot.off,
      `relocation to offset ${off} of section ${section.name}, which ends at ${section.size}`,
    );
  return { idx: slot.idx, kind: "map_value", map: ref.index, off };
}
