// Arithmetic, moves, byte swaps. Division and modulo by zero give 0 and the dividend, the smallest number
// divided by -1 gives itself (RFC 9669); shifts are masked by WebAssembly as BPF wants it.
import type { AluOp, InsnOf, Operand, Width } from "../../src/isa/insn.ts";
import type { Expr, Fn, Module } from "./fn.ts";

type Binary =
  | "add"
  | "sub"
  | "mul"
  | "or"
  | "and"
  | "xor"
  | "shl"
  | "shr_u"
  | "shr_s"
  | "div_u"
  | "div_s"
  | "rem_u"
  | "rem_s";
type Int = Module["i32"] | Module["i64"];

interface Ops {
  /** the operation where it cannot trap */
  readonly unsigned: Binary;
  readonly signed?: Binary;
  /** result for a zero divisor */
  readonly byZero?: "zero" | "dst";
  /** result for divisor -1 of the signed form, which would trap in WebAssembly */
  readonly byMinusOne?: "neg";
}

// biome-ignore format: table
const ALU: Record<Exclude<AluOp, "mov">, Ops> = {
  add:  { unsigned: "add" },
  sub:  { unsigned: "sub" },
  mul:  { unsigned: "mul" },
  or:   { unsigned: "or" },
  and:  { unsigned: "and" },
  xor:  { unsigned: "xor" },
  lsh:  { unsigned: "shl" },
  rsh:  { unsigned: "shr_u" },
  arsh: { unsigned: "shr_s" },
  div:  { unsigned: "div_u", signed: "div_s", byZero: "zero", byMinusOne: "neg" },
  mod:  { unsigned: "rem_u", signed: "rem_s", byZero: "dst" },
};

/** Reads and writes registers at one width. */
interface Lane {
  readonly int: Int;
  get(fn: Fn, regno: InsnOf<"alu">["dst"]): Expr;
  set(fn: Fn, regno: InsnOf<"alu">["dst"], value: Expr): void;
  imm(fn: Fn, imm: number): Expr;
}

function laneOf(fn: Fn, width: Width): Lane {
  return width === 64
    ? { int: fn.m.i64, get: (f, r) => f.get(r), set: (f, r, v) => f.set(r, v), imm: (f, imm) => f.imm64(imm) }
    : {
        int: fn.m.i32,
        get: (f, r) => f.get32(r),
        set: (f, r, v) => f.set32(r, v),
        imm: (f, imm) => f.m.i32.const(imm),
      };
}

function operand(fn: Fn, lane: Lane, src: Operand): Expr {
  return src.kind === "imm" ? lane.imm(fn, src.imm) : lane.get(fn, src.regno);
}

function divide(fn: Fn, lane: Lane, insn: InsnOf<"alu">, ops: Ops): Expr {
  const { m } = fn;
  const { int } = lane;
  const dst = (): Expr => lane.get(fn, insn.dst);
  const src = (): Expr => operand(fn, lane, insn.src);
  const neg = (): Expr => int.sub(lane.imm(fn, 0), dst());
  const zero = (): Expr => (ops.byZero === "dst" ? dst() : lane.imm(fn, 0));
  const op = insn.signed ? ops.signed! : ops.unsigned;
  const negates = insn.signed && ops.byMinusOne === "neg";
  if (insn.src.kind === "imm") {
    if (insn.src.imm === 0) return zero();
    return negates && insn.src.imm === -1 ? neg() : int[op](dst(), src());
  }
  const safe = negates
    ? m.if(int.eq(src(), lane.imm(fn, -1)), neg(), int[op](dst(), src()))
    : int[op](dst(), src());
  return m.if(int.eqz(src()), zero(), safe);
}

export function lowerAlu(fn: Fn, insn: InsnOf<"alu">): void {
  const lane = laneOf(fn, insn.width);
  if (insn.op === "mov") return lowerMov(fn, lane, insn);
  const ops = ALU[insn.op];
  const value =
    ops.byZero === undefined
      ? lane.int[ops.unsigned](lane.get(fn, insn.dst), operand(fn, lane, insn.src))
      : divide(fn, lane, insn, ops);
  lane.set(fn, insn.dst, value);
}

function lowerMov(fn: Fn, lane: Lane, insn: InsnOf<"alu">): void {
  // a constant needs no extension in code
  if (insn.src.kind === "imm" && insn.width === 32) return fn.set(insn.dst, fn.u32(insn.src.imm));
  lane.set(fn, insn.dst, operand(fn, lane, insn.src));
}

export function lowerNeg(fn: Fn, insn: InsnOf<"neg">): void {
  const lane = laneOf(fn, insn.width);
  lane.set(fn, insn.dst, lane.int.sub(lane.imm(fn, 0), lane.get(fn, insn.dst)));
}

export function lowerMovsx(fn: Fn, insn: InsnOf<"movsx">): void {
  const { i32, i64 } = fn.m;
  if (insn.width === 32) {
    const value = fn.get32(insn.src);
    const extended =
      insn.from === 8 ? i32.extend8_s(value) : insn.from === 16 ? i32.extend16_s(value) : value;
    return fn.set32(insn.dst, extended);
  }
  const extend = ({ 8: "extend8_s", 16: "extend16_s", 32: "extend32_s" } as const)[insn.from];
  fn.set(insn.dst, i64[extend](fn.get(insn.src)));
}

function swap16(fn: Fn, value: () => Expr): Expr {
  const { i32 } = fn.m;
  const low = i32.shr_u(i32.and(value(), i32.const(0xff00)), i32.const(8));
  return i32.or(low, i32.shl(i32.and(value(), i32.const(0xff)), i32.const(8)));
}

export function swap32Of(fn: Fn, value: () => Expr): Expr {
  const { i32 } = fn.m;
  const even = i32.rotl(i32.and(value(), i32.const(0x00ff00ff)), i32.const(24));
  return i32.or(even, i32.and(i32.rotl(value(), i32.const(8)), i32.const(0x00ff00ff)));
}

/** Uses temporaries of its own: statements before, the value after. */
export function swap64Of(fn: Fn, value: () => Expr): Expr {
  const { i64 } = fn.m;
  const half = (shift: number): Expr => {
    fn.push(fn.setTemp("swap", "i32", fn.m.i32.wrap(i64.shr_u(value(), fn.imm64(shift)))));
    return i64.extend_u(swap32Of(fn, () => fn.getTemp("swap", "i32")));
  };
  fn.push(fn.setTemp("high", "i64", i64.shl(half(0), fn.imm64(32))));
  return i64.or(fn.getTemp("high", "i64"), half(32));
}

export function lowerEnd(fn: Fn, insn: InsnOf<"end">): void {
  const { m } = fn;
  const { dst, bits } = insn;
  if (insn.to === "le") {
    // memory is little-endian: only the truncation remains
    if (bits === 16) fn.set32(dst, m.i32.and(fn.get32(dst), m.i32.const(0xffff)));
    if (bits === 32) fn.set32(dst, fn.get32(dst));
    return;
  }
  if (bits === 64)
    return fn.set(
      dst,
      swap64Of(fn, () => fn.get(dst)),
    );
  fn.set32(
    dst,
    (bits === 16 ? swap16 : swap32Of)(fn, () => fn.get32(dst)),
  );
}
