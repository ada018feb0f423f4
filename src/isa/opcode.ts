// The instruction set as one table: what each of the 256 opcode bytes means, and how operations, sizes and
// atomics are coded and spelled. RFC 9669 plus what clang -mcpu=v4 and the kernel's verifier know (acquire and
// release, may_goto). Decode, encode and disassembler read these rows; nothing after decode should need to.
import type { AluOp, AtomicOp, JmpOp, Size, Width } from "./insn.ts";

/** The low three bits of an opcode. */
export const CLASS = { ld: 0, ldx: 1, st: 2, stx: 3, alu: 4, jmp: 5, jmp32: 6, alu64: 7 } as const;

/** Bit 3 of ALU and JMP opcodes: the source is a register. */
export const SRC_REG = 0x08;

/** `signed` is the spelling with off = 1, where there is one. `mov` covers movsx by its offset. */
// biome-ignore format: table
export const ALU_OPS = {
  add:  { bits: 0x00, sym: "+=",   signed: undefined },
  sub:  { bits: 0x10, sym: "-=",   signed: undefined },
  mul:  { bits: 0x20, sym: "*=",   signed: undefined },
  div:  { bits: 0x30, sym: "/=",   signed: "s/=" },
  or:   { bits: 0x40, sym: "|=",   signed: undefined },
  and:  { bits: 0x50, sym: "&=",   signed: undefined },
  lsh:  { bits: 0x60, sym: "<<=",  signed: undefined },
  rsh:  { bits: 0x70, sym: ">>=",  signed: undefined },
  mod:  { bits: 0x90, sym: "%=",   signed: "s%=" },
  xor:  { bits: 0xa0, sym: "^=",   signed: undefined },
  mov:  { bits: 0xb0, sym: "=",    signed: undefined },
  arsh: { bits: 0xc0, sym: "s>>=", signed: undefined },
} as const satisfies Record<AluOp, { bits: number; sym: string; signed: string | undefined }>;

// biome-ignore format: table
export const JMP_OPS = {
  jeq:  { bits: 0x10, sym: "==" },
  jgt:  { bits: 0x20, sym: ">" },
  jge:  { bits: 0x30, sym: ">=" },
  jset: { bits: 0x40, sym: "&" },
  jne:  { bits: 0x50, sym: "!=" },
  jsgt: { bits: 0x60, sym: "s>" },
  jsge: { bits: 0x70, sym: "s>=" },
  jlt:  { bits: 0xa0, sym: "<" },
  jle:  { bits: 0xb0, sym: "<=" },
  jslt: { bits: 0xc0, sym: "s<" },
  jsle: { bits: 0xd0, sym: "s<=" },
} as const satisfies Record<JmpOp, { bits: number; sym: string }>;

/** `imm` selects the operation; `fetch`: "may" has a form with and one without, "always" returns the old value. */
// biome-ignore format: table
export const ATOMIC_OPS = {
  add:     { imm: 0x00, fetch: "may",    sym: "+=" },
  or:      { imm: 0x40, fetch: "may",    sym: "|=" },
  and:     { imm: 0x50, fetch: "may",    sym: "&=" },
  xor:     { imm: 0xa0, fetch: "may",    sym: "^=" },
  xchg:    { imm: 0xe0, fetch: "always", sym: "" },
  cmpxchg: { imm: 0xf0, fetch: "always", sym: "" },
} as const satisfies Record<AtomicOp, { imm: number; fetch: "may" | "always"; sym: string }>;

/** Bit 0 of an atomic's imm: the old value is returned. */
export const ATOMIC_FETCH = 0x01;
/** Immediates of an atomic opcode that are no read-modify-write. */
export const LOAD_ACQ = 0x100;
export const STORE_REL = 0x110;

// biome-ignore format: table
export const SIZES = {
  1: { bits: 0x10, unsigned: "u8",  signed: "s8" },
  2: { bits: 0x08, unsigned: "u16", signed: "s16" },
  4: { bits: 0x00, unsigned: "u32", signed: "s32" },
  8: { bits: 0x18, unsigned: "u64", signed: "s64" },
} as const satisfies Record<Size, { bits: number; unsigned: string; signed: string }>;

/** Bits 5-7 of load and store opcodes. */
export const MODE = { imm: 0x00, abs: 0x20, ind: 0x40, mem: 0x60, memsx: 0x80, atomic: 0xc0 } as const;

/** The `src` nibble of ld_imm64 (BPF_PSEUDO_*); `hi` says what the second slot's imm holds. */
// biome-ignore format: table
export const IMM64_KINDS = {
  imm:          { src: 0, hi: "value" },
  map_fd:       { src: 1, hi: "zero" },
  map_value_fd: { src: 2, hi: "off" },
  btf_id:       { src: 3, hi: "fd" },
  func:         { src: 4, hi: "zero" },
  map:          { src: 5, hi: "zero" },
  map_value:    { src: 6, hi: "off" },
} as const;

export type OpcodeRow =
  | { readonly format: "alu"; readonly op: AluOp; readonly width: Width; readonly src: "reg" | "imm" }
  | { readonly format: "neg"; readonly width: Width }
  | { readonly format: "end"; readonly to: "le" | "be" | "swap" }
  | { readonly format: "ld_imm64" }
  | { readonly format: "ld_abs"; readonly size: 1 | 2 | 4 }
  | { readonly format: "ld_ind"; readonly size: 1 | 2 | 4 }
  | { readonly format: "ldx"; readonly size: Size; readonly signed: boolean }
  | { readonly format: "st"; readonly size: Size }
  | { readonly format: "stx"; readonly size: Size }
  | { readonly format: "atomic"; readonly size: Size }
  | { readonly format: "jmp"; readonly op: JmpOp; readonly width: Width; readonly src: "reg" | "imm" }
  | { readonly format: "ja"; readonly wide: boolean }
  | { readonly format: "may_goto" }
  | { readonly format: "call" }
  | { readonly format: "exit" };

export type Format = OpcodeRow["format"];
export type RowOf<F extends Format> = Extract<OpcodeRow, { format: F }>;

/** `Object.entries` that keeps the key type of a closed table. */
export function rowsOf<K extends string, V>(table: Record<K, V>): [K, V][] {
  return Object.entries(table) as [K, V][];
}

const NARROW = [1, 2, 4] as const;
const ALL_SIZES = [1, 2, 4, 8] as const;

function buildOpcodes(): (OpcodeRow | undefined)[] {
  const rows: (OpcodeRow | undefined)[] = Array.from({ length: 256 });
  for (const [op, { bits }] of rowsOf(ALU_OPS)) {
    for (const [cls, width] of [
      [CLASS.alu, 32],
      [CLASS.alu64, 64],
    ] as const) {
      rows[cls | bits] = { format: "alu", op, width, src: "imm" };
      rows[cls | bits | SRC_REG] = { format: "alu", op, width, src: "reg" };
    }
  }
  for (const [op, { bits }] of rowsOf(JMP_OPS)) {
    for (const [cls, width] of [
      [CLASS.jmp32, 32],
      [CLASS.jmp, 64],
    ] as const) {
      rows[cls | bits] = { format: "jmp", op, width, src: "imm" };
      rows[cls | bits | SRC_REG] = { format: "jmp", op, width, src: "reg" };
    }
  }
  for (const size of ALL_SIZES) {
    const { bits } = SIZES[size];
    rows[CLASS.ldx | MODE.mem | bits] = { format: "ldx", size, signed: false };
    rows[CLASS.st | MODE.mem | bits] = { format: "st", size };
    rows[CLASS.stx | MODE.mem | bits] = { format: "stx", size };
    rows[CLASS.stx | MODE.atomic | bits] = { format: "atomic", size };
  }
  for (const size of NARROW) {
    const { bits } = SIZES[size];
    rows[CLASS.ldx | MODE.memsx | bits] = { format: "ldx", size, signed: true };
    rows[CLASS.ld | MODE.abs | bits] = { format: "ld_abs", size };
    rows[CLASS.ld | MODE.ind | bits] = { format: "ld_ind", size };
  }
  // biome-ignore format: table
  const single: [number, OpcodeRow][] = [
    [0x84, { format: "neg", width: 32 }],
    [0x87, { format: "neg", width: 64 }],
    [0xd4, { format: "end", to: "le" }],
    [0xdc, { format: "end", to: "be" }],
    [0xd7, { format: "end", to: "swap" }],
    [0x18, { format: "ld_imm64" }],
    [0x05, { format: "ja", wide: false }],
    [0x06, { format: "ja", wide: true }],
    [0xe5, { format: "may_goto" }],
    [0x85, { format: "call" }],
    [0x95, { format: "exit" }],
  ];
  for (const [code, row] of single) rows[code] = row;
  return rows;
}

/** Indexed by opcode byte; undefined where the kernel says `unknown opcode`. */
export const OPCODES: readonly (OpcodeRow | undefined)[] = buildOpcodes();
