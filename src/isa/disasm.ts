// One insn as text, letter for letter as the kernel's verifier log has it (`(71) r3 = *(u8 *)(r2 +14)`): users search
// for these lines and tools parse them. Prints from the raw fields, as the kernel does, so that an insn with used
// reserved fields reads the same too. `fmtAsm` is the variant without ambiguities that asm.ts reads back.
import { encodeInsn } from "./encode.ts";
import type { Imm64, Insn, RawInsn } from "./insn.ts";
import {
  ALU_OPS,
  ATOMIC_FETCH,
  ATOMIC_OPS,
  type Format,
  JMP_OPS,
  LOAD_ACQ,
  OPCODES,
  type RowOf,
  rowsOf,
  SIZES,
  STORE_REL,
} from "./opcode.ts";

export interface FmtOpts {
  /** `(71) ` in front, as in the log; default off */
  readonly code?: boolean;
  /** `bpf_map_lookup_elem` for 1 */
  readonly helperName?: (id: number) => string | undefined;
  readonly kfuncName?: (btfId: number, off: number) => string | undefined;
  /** what stands behind `r1 = ` for ld_imm64; default is the 64 bits in hex, as the kernel prints them */
  readonly imm64?: (value: Imm64) => string | undefined;
}

type Printer<F extends Format> = (raw: RawInsn, row: RowOf<F>) => string;

const signed = (n: number): string => (n < 0 ? `${n}` : `+${n}`);
const hex = (n: number): string => `0x${(n >>> 0).toString(16)}`;
const letter = (width: 32 | 64): string => (width === 32 ? "w" : "r");

function mem(type: string, base: number, off: number): string {
  return `(${type} *)(r${base} ${signed(off)})`;
}

const printAlu: Printer<"alu"> = ({ dst, src, off, imm }, { op, width, src: from }) => {
  const w = letter(width);
  const sym = off === 1 ? (ALU_OPS[op].signed ?? ALU_OPS[op].sym) : ALU_OPS[op].sym;
  if (from === "imm") return `${w}${dst} ${sym} ${imm}`;
  if (op !== "mov") return `${w}${dst} ${sym} ${w}${src}`;
  if (width === 64 && off === 1) return `r${dst} = addr_space_cast(r${src}, ${imm >>> 16}, ${imm & 0xffff})`;
  if (width === 64 && off === -1) return `r${dst} = &(void __percpu *)(r${src})`;
  const cast = off === 8 || off === 16 || off === 32 ? `(s${off})` : "";
  return `${w}${dst} = ${cast}${w}${src}`;
};

const printAtomic: Printer<"atomic"> = ({ code, dst, src, off, imm }, { size }) => {
  const type = SIZES[size].unsigned;
  if (imm === LOAD_ACQ) return `r${dst} = load_acquire(${mem(type, src, off)})`;
  if (imm === STORE_REL) return `store_release(${mem(type, dst, off)}, r${src})`;
  const width = size === 8 ? "64" : "";
  const at = mem(type, dst, off);
  for (const [op, row] of rowsOf(ATOMIC_OPS)) {
    if (imm === row.imm && row.fetch === "may") return `lock *${at} ${row.sym} r${src}`;
    if (imm !== (row.imm | ATOMIC_FETCH)) continue;
    if (op === "cmpxchg") return `r0 = atomic${width}_cmpxchg(${at}, r0, r${src})`;
    if (op === "xchg") return `r${src} = atomic${width}_xchg(${at}, r${src})`;
    return `r${src} = atomic${width}_fetch_${op}(${at}, r${src})`;
  }
  return `BUG_${code.toString(16)}`;
};

/** Formats whose text needs the raw fields only; ld_imm64 and call also need the options. */
const PRINTERS: { readonly [F in Exclude<Format, "ld_imm64" | "call">]: Printer<F> } = {
  alu: printAlu,
  neg: ({ dst }, { width }) => `${letter(width)}${dst} = -${letter(width)}${dst}`,
  end: ({ dst, imm }, { to }) => `r${dst} = ${to === "swap" ? "bswap" : to}${imm} r${dst}`,
  ld_abs: ({ imm }, { size }) => `r0 = *(${SIZES[size].unsigned} *)skb[${imm}]`,
  ld_ind: ({ src, imm }, { size }) => `r0 = *(${SIZES[size].unsigned} *)skb[r${src} + ${imm}]`,
  ldx: ({ dst, src, off }, { size, signed: sx }) =>
    `r${dst} = *${mem(SIZES[size][sx ? "signed" : "unsigned"], src, off)}`,
  st: ({ dst, off, imm }, { size }) => `*${mem(SIZES[size].unsigned, dst, off)} = ${imm}`,
  stx: ({ dst, src, off }, { size }) => `*${mem(SIZES[size].unsigned, dst, off)} = r${src}`,
  atomic: printAtomic,
  jmp: ({ dst, src, off, imm }, { op, width, src: from }) => {
    const w = letter(width);
    const right = from === "reg" ? `${w}${src}` : hex(imm);
    return `if ${w}${dst} ${JMP_OPS[op].sym} ${right} goto pc${signed(off)}`;
  },
  ja: ({ off, imm }, { wide }) => (wide ? `gotol pc${signed(imm)}` : `goto pc${signed(off)}`),
  may_goto: ({ src, dst, off, imm }) =>
    src === 0 ? `may_goto pc${signed(off)}` : `if r${dst} (null) ${hex(imm)} goto pc${signed(off)}`,
  exit: () => "exit",
};

function fmtCall({ src, off, imm }: RawInsn, opts: FmtOpts): string {
  if (src === 1) return `call pc${signed(imm)}`;
  if (src === 2) return `call ${opts.kfuncName?.(imm, off) ?? "kernel-function"}#${imm}`;
  return `call ${(src === 0 ? opts.helperName?.(imm) : undefined) ?? "unknown"}#${imm}`;
}

function fmtRaw(raw: RawInsn, hi: number, opts: FmtOpts): string {
  const row = OPCODES[raw.code];
  if (row === undefined) return `unknown opcode ${raw.code.toString(16).padStart(2, "0")}`;
  if (row.format === "call") return fmtCall(raw, opts);
  if (row.format === "ld_imm64") {
    return `r${raw.dst} = 0x${((BigInt(hi >>> 0) << 32n) | BigInt(raw.imm >>> 0)).toString(16)}`;
  }
  const print = PRINTERS[row.format] as Printer<Format>; // the row's format selects its own printer
  return print(raw, row);
}

/** The insn in the kernel log's spelling, without line end. */
export function fmtInsn(insn: Insn, opts: FmtOpts = {}): string {
  const [raw, next] = encodeInsn(insn);
  const named = insn.kind === "ld_imm64" ? opts.imm64?.(insn.value) : undefined;
  const text = named !== undefined ? `r${raw.dst} = ${named}` : fmtRaw(raw, next?.imm ?? 0, opts);
  if (!opts.code || text.startsWith("BUG_")) return text;
  return `(${raw.code.toString(16).padStart(2, "0")}) ${text}`;
}

function rawHex({ code, dst, src, off, imm }: RawInsn): string {
  const low = BigInt(code) | (BigInt((src << 4) | dst) << 8n) | (BigInt(off & 0xffff) << 16n);
  return `.raw 0x${(low | (BigInt(imm >>> 0) << 32n)).toString(16).padStart(16, "0")}`;
}

function fmtImm64(value: Imm64, pc: number, mapName: (map: number) => string): string {
  switch (value.kind) {
    case "imm":
      return `0x${value.imm.toString(16)} ll`;
    case "map_fd":
      return `map_fd[${value.fd}] ll`;
    case "map_value_fd":
      return `map_fd[${value.fd}][0]+${value.off} ll`;
    case "btf_id":
      return `btf_id[${value.btfId}] fd ${value.btfFd} ll`;
    case "func":
      return `func pc${signed(value.target - pc - 1)} ll`;
    case "map":
      return `map[${mapName(value.map)}] ll`;
    case "map_value":
      return `map[${mapName(value.map)}][0]+${value.off} ll`;
  }
}

export interface AsmOpts {
  readonly helperName?: (id: number) => string | undefined;
  /** name of map `i` of the program; default is its number */
  readonly mapName?: (map: number) => string;
}

/** The insn as `assemble` reads it back to the same insn; an invalid one as `.raw` lines. */
export function fmtAsm(insn: Insn, opts: AsmOpts = {}): string {
  const mapName = opts.mapName ?? ((map) => `${map}`);
  if (insn.kind === "invalid") return encodeInsn(insn).map(rawHex).join("\n");
  if (insn.kind === "ld_imm64") return `r${insn.dst} = ${fmtImm64(insn.value, insn.pc, mapName)}`;
  if (insn.kind === "call" && insn.callee.kind === "kfunc")
    return `call kfunc#${insn.callee.btfId} off ${insn.callee.off}`;
  return fmtInsn(insn, opts.helperName === undefined ? {} : { helperName: opts.helperName });
}
