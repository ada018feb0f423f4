// Small scalar-only programs for comparing with the kernel: their encoding, and what the scalar domain says of them.
// Registers r6..r9 start unknown. A jump's other side always leaves the program.
import type { AluOp, JmpOp, Width } from "../../src/isa/insn.ts";
import { alu, neg } from "../../src/verifier/scalar/alu.ts";
import { end, mov32, movsx } from "../../src/verifier/scalar/cast.ts";
import { narrowJmp, narrowJmpSelf, type Pair } from "../../src/verifier/scalar/jmp.ts";
import { Scalar } from "../../src/verifier/scalar/scalar.ts";

export type Reg = 6 | 7 | 8 | 9;
export type Src = { readonly reg: Reg } | { readonly imm: number };

export type Op =
  | { readonly k: "alu"; readonly op: AluOp; readonly width: Width; readonly dst: Reg; readonly src: Src }
  | { readonly k: "mov32"; readonly dst: Reg }
  | { readonly k: "movsx"; readonly width: Width; readonly from: 8 | 16 | 32; readonly dst: Reg }
  | { readonly k: "neg"; readonly width: Width; readonly dst: Reg }
  | { readonly k: "end"; readonly to: "le" | "be" | "swap"; readonly bits: 16 | 32 | 64; readonly dst: Reg }
  | { readonly k: "const"; readonly width: Width; readonly dst: Reg; readonly imm: number }
  | {
      readonly k: "jmp";
      readonly op: JmpOp;
      readonly width: Width;
      readonly dst: Reg;
      readonly src: Src;
      readonly follow: "taken" | "fallthrough";
    };

// biome-ignore format: table
const ALU_CODE: Record<AluOp, number> = { add: 0x00, sub: 0x10, mul: 0x20, div: 0x30, or: 0x40, and: 0x50, lsh: 0x60, rsh: 0x70, mod: 0x90, xor: 0xa0, mov: 0xb0, arsh: 0xc0 };
// biome-ignore format: table
const JMP_CODE: Record<JmpOp, number> = { jeq: 0x10, jgt: 0x20, jge: 0x30, jset: 0x40, jne: 0x50, jsgt: 0x60, jsge: 0x70, jlt: 0xa0, jle: 0xb0, jslt: 0xc0, jsle: 0xd0 };

export const PROLOGUE = 8;

interface Raw {
  readonly code: number;
  readonly dst?: number;
  readonly src?: number;
  readonly off?: number;
  readonly imm?: number;
}

function hexOf(r: Raw): string {
  const b = Buffer.alloc(8);
  b.writeUInt8(r.code, 0);
  b.writeUInt8((r.dst ?? 0) | ((r.src ?? 0) << 4), 1);
  b.writeInt16LE(r.off ?? 0, 2);
  b.writeInt32LE(r.imm ?? 0, 4);
  return b.toString("hex");
}

/** pc of each op, and the pc of the exit block. */
export function layout(ops: readonly Op[]): { readonly pcs: readonly number[]; readonly exitPc: number } {
  const pcs: number[] = [];
  let pc = PROLOGUE;
  for (const op of ops) {
    pcs.push(pc);
    pc += op.k === "jmp" && op.follow === "taken" ? 3 : 1;
  }
  // A filler keeps the last jump's target apart from its next insn.
  return { pcs, exitPc: pc + 1 };
}

function srcFields(src: Src): { readonly x: number; readonly src?: number; readonly imm?: number } {
  return "reg" in src ? { x: 8, src: src.reg } : { x: 0, imm: src.imm };
}

function encodeOp(op: Op, pc: number, exitPc: number): Raw[] {
  switch (op.k) {
    case "alu": {
      const { x, ...rest } = srcFields(op.src);
      return [{ code: ALU_CODE[op.op] | x | (op.width === 64 ? 7 : 4), dst: op.dst, ...rest }];
    }
    case "mov32":
      return [{ code: 0xbc, dst: op.dst, src: op.dst }];
    case "movsx":
      return [{ code: op.width === 64 ? 0xbf : 0xbc, dst: op.dst, src: op.dst, off: op.from }];
    case "neg":
      return [{ code: op.width === 64 ? 0x87 : 0x84, dst: op.dst }];
    case "end":
      return [{ code: { le: 0xd4, be: 0xdc, swap: 0xd7 }[op.to], dst: op.dst, imm: op.bits }];
    case "const":
      return [{ code: op.width === 64 ? 0xb7 : 0xb4, dst: op.dst, imm: op.imm }];
    case "jmp": {
      const { x, ...rest } = srcFields(op.src);
      const code = JMP_CODE[op.op] | x | (op.width === 64 ? 5 : 6);
      if (op.follow === "fallthrough") return [{ code, dst: op.dst, ...rest, off: exitPc - pc - 1 }];
      return [{ code, dst: op.dst, ...rest, off: 2 }, { code: 0xb7 }, { code: 0x95 }];
    }
  }
}

export function encode(ops: readonly Op[]): string {
  const { pcs, exitPc } = layout(ops);
  const insns: Raw[] = [];
  for (const reg of [6, 7, 8, 9]) insns.push({ code: 0x85, imm: 7 }, { code: 0xbf, dst: reg });
  ops.forEach((op, i) => insns.push(...encodeOp(op, pcs[i] ?? 0, exitPc)));
  insns.push({ code: 0xb7 }, { code: 0xb7 }, { code: 0x95 });
  return insns.map(hexOf).join("");
}

export type State = Record<Reg, Scalar>;

/** The states an op leads to: where it follows on, and for jumps the other side. */
export interface Step {
  readonly next: State | undefined;
  readonly other?: State | undefined;
}

function valueOf(st: State, src: Src): Scalar {
  return "reg" in src ? st[src.reg] : Scalar.ofImm(src.imm);
}

function stepJmp(st: State, op: Op & { readonly k: "jmp" }): Step {
  const isSelf = "reg" in op.src && op.src.reg === op.dst;
  const out = isSelf
    ? narrowJmpSelf(op.op, op.width, st[op.dst])
    : narrowJmp(op.op, op.width, st[op.dst], valueOf(st, op.src));
  const after = (pair: Pair | undefined): State | undefined => {
    if (pair === undefined) return undefined;
    const changed = { ...st, [op.dst]: pair.dst };
    return "reg" in op.src ? { ...changed, [op.src.reg]: pair.src } : changed;
  };
  const taken = after(out.taken);
  const fallthrough = after(out.fallthrough);
  return op.follow === "taken" ? { next: taken, other: fallthrough } : { next: fallthrough, other: taken };
}

export function stepOp(st: State, op: Op): Step {
  const cur = st[op.dst];
  const set = (v: Scalar): Step => ({ next: { ...st, [op.dst]: v } });
  switch (op.k) {
    case "alu":
      return set(alu(op.op, op.width, cur, valueOf(st, op.src)));
    case "mov32":
      return set(mov32(cur));
    case "movsx":
      return set(movsx(op.width, op.from, cur));
    case "neg":
      return set(neg(op.width, cur));
    case "end":
      return set(end(op.to, op.bits, cur));
    case "const":
      return set(op.width === 64 ? Scalar.ofImm(op.imm) : Scalar.ofLanes(op.imm, 0));
    case "jmp":
      return stepJmp(st, op);
  }
}
