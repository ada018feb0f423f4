// What an object file says, before anything exists: the same bytes give the same spec on every machine.
// A spec may be edited (globals, map sizes, program choice) until it is loaded.
import type { Btf } from "../btf/btf.ts";
import type { Insn } from "../isa/insn.ts";
import type { MapTypeName } from "../spec/map_types.ts";
import type { SpecialKind } from "../spec/special_structs.ts";
import type { AttachTypeName, ProgTypeName } from "../spec/prog_types.ts";

export type { SpecialKind };

/** A field that the kernel owns (`bpf_timer`, `bpf_spin_lock`, …). Offsets and sizes in bytes. */
export interface SpecialField {
  readonly kind: SpecialKind;
  readonly name: string;
  readonly off: number;
  readonly size: number;
  /** pointers: the struct they point to, by the object's types; whether what they hold is counted */
  readonly pointer?: { readonly to: number; readonly counted: boolean };
  /** roots of lists and trees: the struct that is kept there, and where its node lies in it */
  readonly contains?: Contained;
}

export interface Contained {
  readonly typeId: number;
  readonly nodeOff: number;
  /** whether the kernel takes that struct for one with special fields, without which nothing of it can be kept */
  readonly known: boolean;
}

/** A map as the object defines it. Mutable: sizes, flags and contents may be edited before load. */
export interface MapSpec {
  name: string;
  type: MapTypeName;
  /** bytes */
  keySize: number;
  /** bytes; of one CPU's value for per-CPU maps */
  valueSize: number;
  maxEntries: number;
  /** BPF_F_* of map creation */
  flags: number;
  /** map_extra, where the definition has one */
  mapExtra?: bigint;
  /** numa_node, where the definition has one */
  numaNode?: number;
  /** LIBBPF_PIN_BY_NAME was asked for */
  pinByName: boolean;
  /** BTF type ids of key and value, 0 where there is none */
  keyTypeId: number;
  valueTypeId: number;
  /** DATASEC id for global-data maps, else 0 */
  datasecTypeId: number;
  specialFields: SpecialField[];
  /** global data: the section's bytes (length valueSize). `.rodata*` maps are frozen on load. */
  data?: Uint8Array;
  readonlyData?: boolean;
  /** map-in-map: the template */
  inner?: MapSpec;
  /** BTF `values` initialisers: slot -> name of a map or program */
  values?: { key: number; target: string; kind: "map" | "prog" }[];
}

/** A global variable inside a data map. */
export interface VariableSpec {
  readonly section: string;
  readonly name: string;
  /** index into ObjectSpec.maps */
  readonly map: number;
  readonly off: number;
  readonly size: number;
  /** BTF type id, 0 where unknown */
  readonly typeId: number;
}

export interface LineInfo {
  readonly pc: number;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

export interface FuncInfo {
  readonly pc: number;
  readonly typeId: number;
}

/** A subprogram linked into a program: entry pc and ELF symbol. Index 0 is the program itself. */
export interface SubprogSpec {
  readonly name: string;
  readonly pc: number;
  readonly global: boolean;
}

/** A CO-RE relocation still to be applied against a target BTF. */
export interface CoreRelo {
  readonly pc: number;
  readonly typeId: number;
  readonly accessStr: string;
  readonly kind: number;
}

/**
 * A program, linked: its own code first, then every subprogram it reaches, map references as
 * BPF_PSEUDO_MAP_IDX / MAP_IDX_VALUE indexes into ObjectSpec.maps.
 */
export interface ProgSpec {
  readonly name: string;
  readonly section: string;
  readonly type: ProgTypeName;
  readonly expectedAttachType?: AttachTypeName;
  readonly attachTo?: string;
  /** section flags as libbpf knows them: sleepable, frags, … */
  readonly flags: readonly string[];
  /** one entry a slot; the second slot of ld_imm64 is undefined */
  insns: readonly (Insn | undefined)[];
  readonly subprogs: readonly SubprogSpec[];
  readonly lines: readonly LineInfo[];
  readonly funcs: readonly FuncInfo[];
  readonly coreRelos: readonly CoreRelo[];
  /** kfunc calls: pc -> name, weak or not; the call insn's btfId is 0 until load */
  readonly kfuncs: readonly { pc: number; name: string; weak: boolean }[];
  /** extern ksyms and kconfig read through ld_imm64 */
  readonly externs: readonly { pc: number; name: string; weak: boolean; kind: "ksym" | "kconfig" }[];
  /** set when something this program needs was refused while reading the object */
  readonly refused?: string;
}

export interface ObjectSpec {
  /** file name without path, for messages */
  readonly name: string;
  readonly license: string;
  readonly btf: Btf | undefined;
  readonly maps: MapSpec[];
  readonly progs: ProgSpec[];
  readonly variables: VariableSpec[];
}
