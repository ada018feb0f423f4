// The ISA's arithmetic on bigint, as plainly as it can be said: what scalar tests hold the domain against.
import type { AluOp, JmpOp, Width } from "../../src/isa/insn.ts";
import { violationOf } from "../../src/verifier/scalar/bounds.ts";
import type { Scalar } from "../../src/verifier/scalar/scalar.ts";
import type { Op, Reg, Src } from "./scalar_program.ts";

const u = (width: number, v: bigint): bigint => BigInt.asUintN(width, v);
const s = (width: number, v: bigint): bigint => BigInt.asIntN(width, v);

type Binary = (a: bigint, b: bigint, width: Width) => bigint;

const shiftBy = (b: bigint, width: Width): bigint => b & BigInt(width - 1);

// biome-ignore format: table
const ALU: Record<AluOp, Binary> = {
  add:  (a, b) => a + b,
  sub:  (a, b) => a - b,
  mul:  (a, b) => a * b,
  div:  (a, b) => (b === 0n ? 0n : a / b),
  mod:  (a, b) => (b === 0n ? a : a % b),
  and:  (a, b) => a & b,
  or:   (a, b) => a | b,
  xor:  (a, b) => a ^ b,
  mov:  (_, b) => b,
  lsh:  (a, b, w) => a << shiftBy(b, w),
  rsh:  (a, b, w) => a >> shiftBy(b, w),
  arsh: (a, b, w) => s(w, a) >> shiftBy(b, w),
};

// biome-ignore format: table
const JMP: Record<JmpOp, Binary> = {
  jeq:  (a, b) => BigInt(a === b),
  jne:  (a, b) => BigInt(a !== b),
  jset: (a, b) => a & b,
  jgt:  (a, b) => BigInt(a > b),
  jge:  (a, b) => BigInt(a >= b),
  jlt:  (a, b) => BigInt(a < b),
  jle:  (a, b) => BigInt(a <= b),
  jsgt: (a, b, w) => BigInt(s(w, a) > s(w, b)),
  jsge: (a, b, w) => BigInt(s(w, a) >= s(w, b)),
  jslt: (a, b, w) => BigInt(s(w, a) < s(w, b)),
  jsle: (a, b, w) => BigInt(s(w, a) <= s(w, b)),
};

export function runAlu(op: AluOp, width: Width, a: bigint, b: bigint): bigint {
  return u(width, ALU[op](u(width, a), u(width, b), width));
}

export function runJmp(op: JmpOp, width: Width, a: bigint, b: bigint): boolean {
  return JMP[op](u(width, a), u(width, b), width) !== 0n;
}

function swapBytes(v: bigint, bits: number): bigint {
  let out = 0n;
  for (let i = 0; i < bits; i += 8) out = (out << 8n) | ((v >> BigInt(i)) & 0xffn);
  return out;
}

export type Values = Record<Reg, bigint>;

function operand(values: Values, src: Src): bigint {
  return "reg" in src ? values[src.reg] : u(64, BigInt(src.imm));
}

/** Does this jump take the side that the program follows? */
export function isFollowed(values: Values, op: Op & { readonly k: "jmp" }): boolean {
  return runJmp(op.op, op.width, values[op.dst], operand(values, op.src)) === (op.follow === "taken");
}

export function runOp(values: Values, op: Exclude<Op, { readonly k: "jmp" }>): bigint {
  const cur = values[op.dst];
  switch (op.k) {
    case "alu":
      return runAlu(op.op, op.width, cur, operand(values, op.src));
    case "mov32":
      return u(32, cur);
    case "movsx":
      return u(op.width, s(op.from, cur));
    case "neg":
      return u(op.width, -cur);
    case "end":
      return op.to === "le" ? u(op.bits, cur) : swapBytes(cur, op.bits);
    case "const":
      return u(op.width, BigInt(op.imm));
  }
}

/** The facts of `x` that the value v breaks; empty when v is a member. */
export function broken(x: Scalar, v: bigint): string[] {
  const v32 = Number(u(32, v));
  const checks: Record<string, boolean> = {
    tnum: (v & u(64, ~x.mask)) === x.value,
    umin: v >= x.umin,
    umax: v <= x.umax,
    smin: s(64, v) >= x.smin,
    smax: s(64, v) <= x.smax,
    u32min: v32 >= x.u32min,
    u32max: v32 <= x.u32max,
    s32min: (v32 | 0) >= x.s32min,
    s32max: (v32 | 0) <= x.s32max,
  };
  return Object.entries(checks).flatMap(([name, ok]) => (ok ? [] : [name]));
}

/** What is wrong with a Scalar by itself. */
export function malformed(x: Scalar): string | undefined {
  if ((x.value & x.mask) !== 0n) return "tnum value and mask overlap";
  const lane = Object.entries(x).find(([, v]) => v !== (v | 0));
  if (lane !== undefined) return `${lane[0]} is not an int32`;
  return violationOf(x);
}
