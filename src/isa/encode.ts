// Insns to bytes: the exact inverse of decode.ts, for invalid insns too. Relative offsets come from the insn's own pc.
import { BpfError } from "../spec/errors.ts";
import { INSN_SIZE, slotsOf } from "./decode.ts";
import type { Imm64, Insn, InsnKind, InsnOf, Operand, RawInsn, Width } from "./insn.ts";
import {
  ALU_OPS,
  ATOMIC_FETCH,
  ATOMIC_OPS,
  CLASS,
  IMM64_KINDS,
  JMP_OPS,
  LOAD_ACQ,
  MODE,
  SIZES,
  SRC_REG,
  STORE_REL,
} from "./opcode.ts";

/** Two raws for insns of two slots. */
type Encoder<K extends InsnKind> = (insn: InsnOf<K>) => RawInsn | readonly [RawInsn, RawInsn];

function raw(code: number, fields: Partial<Omit<RawInsn, "code">> = {}): RawInsn {
  return { code, dst: 0, src: 0, off: 0, imm: 0, ...fields };
}

/** Fields of an operand that is a register or an immediate, and the opcode bit that says which. */
function operand(src: Operand): { bit: number; src: number; imm: number } {
  return src.kind === "reg" ? { bit: SRC_REG, src: src.regno, imm: 0 } : { bit: 0, src: 0, imm: src.imm };
}

const aluClass = (width: Width): number => (width === 32 ? CLASS.alu : CLASS.alu64);
const jmpClass = (width: Width): number => (width === 32 ? CLASS.jmp32 : CLASS.jmp);

function distance(pc: number, target: number, bits: 16 | 32): number {
  const off = target - pc - 1;
  const limit = 2 ** (bits - 1);
  if (off < -limit || off >= limit) {
    throw new BpfError("ERANGE", `insn ${pc}: jump to ${target} does not fit in ${bits} bits`);
  }
  return off;
}

function imm64Halves(value: Imm64, pc: number): { lo: number; hi: number } {
  switch (value.kind) {
    case "imm":
      return { lo: Number(BigInt.asIntN(32, value.imm)), hi: Number(BigInt.asIntN(32, value.imm >> 32n)) };
    case "map_fd":
      return { lo: value.fd, hi: 0 };
    case "map_value_fd":
      return { lo: value.fd, hi: value.off | 0 };
    case "btf_id":
      return { lo: value.btfId, hi: value.btfFd };
    case "func":
      return { lo: distance(pc, value.target, 32), hi: 0 };
    case "map":
      return { lo: value.map, hi: 0 };
    case "map_value":
      return { lo: value.map, hi: value.off | 0 };
  }
}

function encodeCall({ callee, pc }: InsnOf<"call">): RawInsn {
  if (callee.kind === "helper") return raw(0x85, { imm: callee.id });
  if (callee.kind === "kfunc") return raw(0x85, { src: 2, off: callee.off, imm: callee.btfId });
  return raw(0x85, { src: 1, imm: distance(pc, callee.target, 32) });
}

const ENCODERS: { readonly [K in InsnKind]: Encoder<K> } = {
  alu: (i) => {
    const { bit, src, imm } = operand(i.src);
    return raw(aluClass(i.width) | ALU_OPS[i.op].bits | bit, { dst: i.dst, src, imm, off: i.signed ? 1 : 0 });
  },
  movsx: (i) => raw(aluClass(i.width) | ALU_OPS.mov.bits | SRC_REG, { dst: i.dst, src: i.src, off: i.from }),
  neg: (i) => raw(aluClass(i.width) | 0x80, { dst: i.dst }),
  end: (i) => raw({ le: 0xd4, be: 0xdc, swap: 0xd7 }[i.to], { dst: i.dst, imm: i.bits }),
  addr_space_cast: (i) => raw(0xbf, { dst: i.dst, src: i.src, off: 1, imm: i.imm }),
  ld_imm64: (i) => {
    const { lo, hi } = imm64Halves(i.value, i.pc);
    return [raw(0x18, { dst: i.dst, src: IMM64_KINDS[i.value.kind].src, imm: lo }), raw(0, { imm: hi })];
  },
  ldx: (i) => {
    const mode = i.signed ? MODE.memsx : MODE.mem;
    return raw(CLASS.ldx | mode | SIZES[i.size].bits, { dst: i.dst, src: i.base, off: i.off });
  },
  ld_abs: (i) => raw(CLASS.ld | MODE.abs | SIZES[i.size].bits, { imm: i.imm }),
  ld_ind: (i) => raw(CLASS.ld | MODE.ind | SIZES[i.size].bits, { src: i.src, imm: i.imm }),
  st: (i) => {
    const { src, imm } = operand(i.src);
    const cls = i.src.kind === "reg" ? CLASS.stx : CLASS.st;
    return raw(cls | MODE.mem | SIZES[i.size].bits, { dst: i.base, src, off: i.off, imm });
  },
  atomic: (i) => {
    const imm = ATOMIC_OPS[i.op].imm | (i.fetch ? ATOMIC_FETCH : 0);
    return raw(CLASS.stx | MODE.atomic | SIZES[i.size].bits, { dst: i.base, src: i.src, off: i.off, imm });
  },
  load_acquire: (i) =>
    raw(CLASS.stx | MODE.atomic | SIZES[i.size].bits, { dst: i.dst, src: i.base, off: i.off, imm: LOAD_ACQ }),
  store_release: (i) =>
    raw(CLASS.stx | MODE.atomic | SIZES[i.size].bits, {
      dst: i.base,
      src: i.src,
      off: i.off,
      imm: STORE_REL,
    }),
  jmp: (i) => {
    const { bit, src, imm } = operand(i.src);
    return raw(jmpClass(i.width) | JMP_OPS[i.op].bits | bit, {
      dst: i.dst,
      src,
      imm,
      off: distance(i.pc, i.target, 16),
    });
  },
  ja: (i) =>
    i.wide
      ? raw(0x06, { imm: distance(i.pc, i.target, 32) })
      : raw(0x05, { off: distance(i.pc, i.target, 16) }),
  may_goto: (i) => raw(0xe5, { off: distance(i.pc, i.target, 16) }),
  call: encodeCall,
  exit: () => raw(0x95),
  invalid: (i) => (i.next === undefined ? i.raw : [i.raw, i.next]),
};

/** The slots of one insn as they lie on the wire. */
export function encodeInsn(insn: Insn): readonly [RawInsn] | readonly [RawInsn, RawInsn] {
  const encoder = ENCODERS[insn.kind] as Encoder<InsnKind>; // the insn's kind selects its own encoder
  const out = encoder(insn);
  return "code" in out ? [out] : out;
}

function writeRaw(view: DataView, slot: number, { code, dst, src, off, imm }: RawInsn): void {
  const at = slot * INSN_SIZE;
  view.setUint8(at, code);
  view.setUint8(at + 1, (src << 4) | dst);
  view.setInt16(at + 2, off, true);
  view.setInt32(at + 4, imm, true);
}

/** Raw slots as bytes, little-endian. */
export function encodeRaw(raws: readonly RawInsn[]): Uint8Array {
  const bytes = new Uint8Array(raws.length * INSN_SIZE);
  const view = new DataView(bytes.buffer);
  raws.forEach((r, slot) => writeRaw(view, slot, r));
  return bytes;
}

/** The program's bytes. Every insn must stand at the slot its pc names. */
export function encodeInsns(insns: readonly (Insn | undefined)[]): Uint8Array {
  const raws: RawInsn[] = [];
  for (const insn of insns) {
    if (insn === undefined) continue;
    if (insn.pc !== raws.length) throw new Error(`insn with pc ${insn.pc} stands at slot ${raws.length}`);
    raws.push(...encodeInsn(insn));
    if (slotsOf(insn) === 2 && insns[insn.pc + 1] !== undefined)
      throw new Error(`slot ${insn.pc + 1} must be empty`);
  }
  if (raws.length !== insns.length) throw new Error(`${insns.length} slots encode to ${raws.length}`);
  return encodeRaw(raws);
}
