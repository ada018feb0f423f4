// Bytes to insns. Decides which encodings exist and says the kernel's words for those that do not; never throws for
// what an insn contains. Knows nothing of registers' contents, control flow or program types.
import { BpfError } from "../spec/errors.ts";
import type { AtomicOp, Imm64, Insn, Operand, RawInsn, RegNo } from "./insn.ts";
import {
  ATOMIC_FETCH,
  ATOMIC_OPS,
  type Format,
  LOAD_ACQ,
  OPCODES,
  type RowOf,
  rowsOf,
  STORE_REL,
} from "./opcode.ts";

/** Bytes of one slot. */
export const INSN_SIZE = 8;

type WithoutPc<T> = T extends unknown ? Omit<T, "pc"> : never;
type Body = WithoutPc<Insn>;
/** A refusal: the words, and whether the kernel says them before it walks. */
type Refusal = { readonly refuse: string; readonly atLoad?: true };
type Decoder<F extends Format> = (
  raw: RawInsn,
  row: RowOf<F>,
  pc: number,
  next: RawInsn | undefined,
) => Body | Refusal;

const MAX_REG = 10;

function isReg(n: number): n is RegNo {
  return n >= 0 && n <= MAX_REG;
}

/** Only after `badReg` has looked at the field. */
function reg(n: number): RegNo {
  if (!isReg(n)) throw new Error(`register ${n} was not checked`);
  return n;
}

/** The kernel looks at the source first. */
function badReg(raw: RawInsn): Refusal | undefined {
  if (!isReg(raw.src)) return { refuse: `R${raw.src} is invalid` };
  if (!isReg(raw.dst)) return { refuse: `R${raw.dst} is invalid` };
  return undefined;
}

function operand(raw: RawInsn, src: "reg" | "imm"): Operand {
  return src === "reg" ? { kind: "reg", regno: reg(raw.src) } : { kind: "imm", imm: raw.imm };
}

function decodeMovReg(raw: RawInsn, width: 32 | 64): Body | Refusal {
  const dst = raw.dst;
  if (width === 64 && raw.off === 1) {
    return badReg(raw) ?? { kind: "addr_space_cast", dst: reg(dst), src: reg(raw.src), imm: raw.imm };
  }
  if (raw.imm !== 0) return { refuse: "BPF_MOV uses reserved fields" };
  const from = raw.off;
  if (from === 0)
    return (
      badReg(raw) ?? { kind: "alu", op: "mov", width, dst: reg(dst), src: operand(raw, "reg"), signed: false }
    );
  if (from !== 8 && from !== 16 && !(from === 32 && width === 64))
    return { refuse: "BPF_MOV uses reserved fields" };
  return badReg(raw) ?? { kind: "movsx", width, from, dst: reg(dst), src: reg(raw.src) };
}

const decodeAlu: Decoder<"alu"> = (raw, row) => {
  if (row.op === "mov" && row.src === "reg") return decodeMovReg(raw, row.width);
  const name = row.op === "mov" ? "BPF_MOV" : "BPF_ALU";
  const unusedSrc = row.src === "reg" ? raw.imm !== 0 : raw.src !== 0;
  const hasSigned = row.op === "div" || row.op === "mod";
  if (unusedSrc || !(raw.off === 0 || (raw.off === 1 && hasSigned)))
    return { refuse: `${name} uses reserved fields` };
  return (
    badReg(raw) ?? {
      kind: "alu",
      op: row.op,
      width: row.width,
      dst: reg(raw.dst),
      src: operand(raw, row.src),
      signed: raw.off === 1,
    }
  );
};

const decodeEnd: Decoder<"end"> = (raw, row) => {
  const bits = raw.imm;
  if (raw.src !== 0 || raw.off !== 0 || (bits !== 16 && bits !== 32 && bits !== 64)) {
    return { refuse: "BPF_END uses reserved fields" };
  }
  return badReg(raw) ?? { kind: "end", to: row.to, bits, dst: reg(raw.dst) };
};

function imm64Of(raw: RawInsn, hi: number, pc: number): Imm64 | undefined {
  switch (raw.src) {
    case 0:
      return { kind: "imm", imm: (BigInt(hi >>> 0) << 32n) | BigInt(raw.imm >>> 0) };
    case 1:
      return hi === 0 ? { kind: "map_fd", fd: raw.imm } : undefined;
    case 2:
      return { kind: "map_value_fd", fd: raw.imm, off: hi >>> 0 };
    case 3:
      return { kind: "btf_id", btfId: raw.imm, btfFd: hi };
    case 4: // the kernel ignores the upper half here; nothing emits one, so it is refused
      return hi === 0 ? { kind: "func", target: pc + 1 + raw.imm } : undefined;
    case 5:
      return hi === 0 ? { kind: "map", map: raw.imm } : undefined;
    case 6:
      return { kind: "map_value", map: raw.imm, off: hi >>> 0 };
    default:
      return undefined;
  }
}

/** The second slot of ld_imm64 may hold nothing but an imm. */
function isSecondSlot(next: RawInsn | undefined): next is RawInsn {
  return next !== undefined && next.code === 0 && next.dst === 0 && next.src === 0 && next.off === 0;
}

const decodeLdImm64: Decoder<"ld_imm64"> = (raw, _row, pc, next) => {
  if (!isSecondSlot(next)) return { refuse: "invalid bpf_ld_imm64 insn", atLoad: true };
  const value = imm64Of(raw, next.imm, pc);
  if (value === undefined) return { refuse: "unrecognized bpf_ld_imm64 insn", atLoad: true };
  if (raw.off !== 0) return { refuse: "BPF_LD_IMM64 uses reserved fields" };
  if (!isReg(raw.dst)) return { refuse: `R${raw.dst} is invalid` };
  return { kind: "ld_imm64", dst: raw.dst, value };
};

const decodeLdx: Decoder<"ldx"> = (raw, row) => {
  if (raw.imm !== 0) return { refuse: "BPF_LDX uses reserved fields", atLoad: true };
  return (
    badReg(raw) ?? {
      kind: "ldx",
      dst: reg(raw.dst),
      base: reg(raw.src),
      off: raw.off,
      size: row.size,
      signed: row.signed,
    }
  );
};

const LD_ABS_RESERVED: Refusal = { refuse: "BPF_LD_[ABS|IND] uses reserved fields" };

function atomicOf(imm: number): { op: AtomicOp; fetch: boolean } | undefined {
  for (const [op, row] of rowsOf(ATOMIC_OPS)) {
    if (imm === (row.imm | ATOMIC_FETCH)) return { op, fetch: true };
    if (imm === row.imm && row.fetch === "may") return { op, fetch: false };
  }
  return undefined;
}

const decodeAtomic: Decoder<"atomic"> = (raw, row) => {
  const { off } = raw;
  const { size } = row;
  if (raw.imm === LOAD_ACQ)
    return badReg(raw) ?? { kind: "load_acquire", dst: reg(raw.dst), base: reg(raw.src), off, size };
  if (raw.imm === STORE_REL)
    return badReg(raw) ?? { kind: "store_release", base: reg(raw.dst), off, size, src: reg(raw.src) };
  const found = atomicOf(raw.imm);
  if (found === undefined) {
    return {
      refuse: `BPF_ATOMIC uses invalid atomic opcode ${(raw.imm >>> 0).toString(16).padStart(2, "0")}`,
    };
  }
  if (size === 1 || size === 2) return { refuse: "invalid atomic operand size" };
  return badReg(raw) ?? { kind: "atomic", ...found, base: reg(raw.dst), off, size, src: reg(raw.src) };
};

const decodeJmp: Decoder<"jmp"> = (raw, row, pc) => {
  if (row.src === "reg" ? raw.imm !== 0 : raw.src !== 0)
    return { refuse: "BPF_JMP/JMP32 uses reserved fields" };
  const target = pc + 1 + raw.off;
  return (
    badReg(raw) ?? {
      kind: "jmp",
      op: row.op,
      width: row.width,
      dst: reg(raw.dst),
      src: operand(raw, row.src),
      target,
    }
  );
};

const decodeCall: Decoder<"call"> = (raw, _row, pc) => {
  const reserved: Refusal = { refuse: "BPF_CALL uses reserved fields" };
  if (raw.dst !== 0 || raw.src > 2 || (raw.src !== 2 && raw.off !== 0)) return reserved;
  if (raw.src === 0) return { kind: "call", callee: { kind: "helper", id: raw.imm } };
  if (raw.src === 1) return { kind: "call", callee: { kind: "subprog", target: pc + 1 + raw.imm } };
  return { kind: "call", callee: { kind: "kfunc", btfId: raw.imm, off: raw.off } };
};

const DECODERS: { readonly [F in Format]: Decoder<F> } = {
  alu: decodeAlu,
  neg: (raw, row) =>
    raw.src !== 0 || raw.off !== 0 || raw.imm !== 0
      ? { refuse: "BPF_NEG uses reserved fields" }
      : (badReg(raw) ?? { kind: "neg", width: row.width, dst: reg(raw.dst) }),
  end: decodeEnd,
  ld_imm64: decodeLdImm64,
  ld_abs: (raw, row) =>
    raw.dst !== 0 || raw.off !== 0 || raw.src !== 0
      ? LD_ABS_RESERVED
      : { kind: "ld_abs", size: row.size, imm: raw.imm },
  ld_ind: (raw, row) =>
    raw.dst !== 0 || raw.off !== 0
      ? LD_ABS_RESERVED
      : (badReg(raw) ?? { kind: "ld_ind", size: row.size, src: reg(raw.src), imm: raw.imm }),
  ldx: decodeLdx,
  st: (raw, row) =>
    raw.src !== 0
      ? { refuse: "BPF_ST uses reserved fields" }
      : (badReg(raw) ?? {
          kind: "st",
          base: reg(raw.dst),
          off: raw.off,
          size: row.size,
          src: operand(raw, "imm"),
        }),
  stx: (raw, row) =>
    raw.imm !== 0
      ? { refuse: "BPF_STX uses reserved fields" }
      : (badReg(raw) ?? {
          kind: "st",
          base: reg(raw.dst),
          off: raw.off,
          size: row.size,
          src: operand(raw, "reg"),
        }),
  atomic: decodeAtomic,
  jmp: decodeJmp,
  ja: (raw, row, pc) =>
    raw.src !== 0 || raw.dst !== 0 || (row.wide ? raw.off : raw.imm) !== 0
      ? { refuse: "BPF_JA uses reserved fields" }
      : { kind: "ja", wide: row.wide, target: pc + 1 + (row.wide ? raw.imm : raw.off) },
  may_goto: (raw, _row, pc) =>
    raw.src !== 0 || raw.dst !== 0 || raw.imm !== 0
      ? { refuse: `invalid may_goto imm ${raw.imm}` }
      : { kind: "may_goto", target: pc + 1 + raw.off },
  call: decodeCall,
  // The kernel does not look at off here; nothing emits one, so it is refused as the others are.
  exit: (raw) =>
    raw.src !== 0 || raw.dst !== 0 || raw.imm !== 0 || raw.off !== 0
      ? { refuse: "BPF_EXIT uses reserved fields" }
      : { kind: "exit" },
};

function refuseOpcode(code: number): Refusal {
  const isLdx = (code & 0x07) === 1;
  const mode = code & 0xe0;
  if (isLdx && mode !== 0x60 && mode !== 0x80)
    return { refuse: "BPF_LDX uses reserved fields", atLoad: true };
  return { refuse: `unknown opcode ${code.toString(16).padStart(2, "0")}`, atLoad: true };
}

function decodeBody(raw: RawInsn, pc: number, next: RawInsn | undefined): Body | Refusal {
  const row = OPCODES[raw.code];
  if (row === undefined) return refuseOpcode(raw.code);
  const decoder = DECODERS[row.format] as Decoder<Format>; // the row's format selects its own decoder
  return decoder(raw, row, pc, next);
}

/** Where a jump or an exit leads, whatever its other fields are. */
function leadsTo(raw: RawInsn, pc: number): { leadsTo?: readonly number[] } {
  const row = OPCODES[raw.code];
  if (row?.format === "exit") return { leadsTo: [] };
  if (row?.format === "ja") return { leadsTo: [pc + 1 + (row.wide ? raw.imm : raw.off)] };
  if (row?.format === "jmp" || row?.format === "may_goto") return { leadsTo: [pc + 1, pc + 1 + raw.off] };
  return {};
}

/** One insn at `pc`; `next` is the slot after it, which ld_imm64 takes too. */
function decodeInsn(raw: RawInsn, pc: number, next?: RawInsn): Insn {
  const body = decodeBody(raw, pc, next);
  if (!("refuse" in body)) return { pc, ...body };
  const twoSlots = OPCODES[raw.code]?.format === "ld_imm64" && isSecondSlot(next);
  const second = twoSlots ? { next } : {};
  const leads = leadsTo(raw, pc);
  return {
    pc,
    kind: "invalid",
    raw,
    ...second,
    message: body.refuse,
    atLoad: body.atLoad === true,
    ...leads,
  };
}

/** Slots taken: 2 for ld_imm64 (also a refused one whose second slot is well formed). */
export function slotsOf(insn: Insn): 1 | 2 {
  return insn.kind === "ld_imm64" || (insn.kind === "invalid" && insn.next !== undefined) ? 2 : 1;
}

/** The fields of every slot, little-endian. */
function decodeRaw(bytes: Uint8Array): RawInsn[] {
  if (bytes.length % INSN_SIZE !== 0) {
    throw new BpfError("EINVAL", `program of ${bytes.length} bytes is not a multiple of ${INSN_SIZE}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const raws: RawInsn[] = [];
  for (let at = 0; at < bytes.length; at += INSN_SIZE) {
    const regs = view.getUint8(at + 1);
    raws.push({
      code: view.getUint8(at),
      dst: regs & 0x0f,
      src: regs >> 4,
      off: view.getInt16(at + 2, true),
      imm: view.getInt32(at + 4, true),
    });
  }
  return raws;
}

/** Insns by slot; the second slot of ld_imm64 is undefined. */
export function decodeInsns(bytes: Uint8Array): (Insn | undefined)[] {
  const raws = decodeRaw(bytes);
  const insns: (Insn | undefined)[] = [];
  for (let pc = 0; pc < raws.length; pc++) {
    const raw = raws[pc];
    if (raw === undefined) throw new Error(`slot ${pc} is missing`);
    const insn = decodeInsn(raw, pc, raws[pc + 1]);
    insns.push(insn);
    if (slotsOf(insn) === 2) {
      insns.push(undefined);
      pc++;
    }
  }
  return insns;
}
