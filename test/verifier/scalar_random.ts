// Random scalar programs with values near where bounds break.
import type { AluOp, JmpOp, Width } from "../../src/isa/insn.ts";
import { JMP_OPS, rowsOf } from "../../src/isa/opcode.ts";
import type { Op, Reg, Src } from "./scalar_program.ts";

export type Rand = () => number; // u32

export function lcg(seed: number): Rand {
  let a = seed | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

export function pick<T>(rand: Rand, xs: readonly T[]): T {
  const x = xs[rand() % xs.length];
  if (x === undefined) throw new Error("pick from nothing");
  return x;
}

const REGS: readonly Reg[] = [6, 7, 8, 9];
const WIDTHS: readonly Width[] = [32, 64];
// biome-ignore format: table
const ALU: readonly AluOp[] = ["add", "sub", "mul", "or", "and", "xor", "add", "sub", "mul", "or", "and", "xor", "lsh", "rsh", "arsh", "lsh", "rsh", "arsh", "div", "mod"];
const JMP: readonly JmpOp[] = rowsOf(JMP_OPS).map(([op]) => op);
const EDGES = [
  0, 1, 2, 3, 7, 8, 15, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, -0x80000000,
];

function imm(rand: Rand): number {
  const kind = rand() % 4;
  if (kind === 0) return rand() | 0;
  if (kind === 1) return (rand() % 512) - 256;
  const v = pick(rand, EDGES) + (rand() % 3) - 1;
  return (rand() & 1) === 0 ? v | 0 : -v | 0;
}

function src(rand: Rand): Src {
  return rand() % 3 === 0 ? { imm: imm(rand) } : { reg: pick(rand, REGS) };
}

function randomAlu(rand: Rand, dst: Reg, width: Width): Op {
  const op = pick(rand, ALU);
  if (op === "lsh" || op === "rsh" || op === "arsh") {
    return {
      k: "alu",
      op,
      width,
      dst,
      src: rand() % 8 === 0 ? { reg: pick(rand, REGS) } : { imm: rand() % width },
    };
  }
  if (op === "div" || op === "mod") return { k: "alu", op, width, dst, src: { imm: 1 + (rand() % 100) } };
  return { k: "alu", op, width, dst, src: src(rand) };
}

function randomOp(rand: Rand): Op {
  const dst = pick(rand, REGS);
  const width = pick(rand, WIDTHS);
  const kind = rand() % 24;
  if (kind < 9) return randomAlu(rand, dst, width);
  if (kind < 10) return { k: "mov32", dst };
  if (kind < 12) return { k: "movsx", width, from: pick(rand, width === 64 ? [8, 16, 32] : [8, 16]), dst };
  if (kind < 13) return { k: "neg", width, dst };
  if (kind < 14)
    return { k: "end", to: pick(rand, ["le", "be", "swap"]), bits: pick(rand, [16, 32, 64]), dst };
  if (kind < 15) return { k: "const", width, dst, imm: imm(rand) };
  return {
    k: "jmp",
    op: pick(rand, JMP),
    width,
    dst,
    src: src(rand),
    follow: pick(rand, ["taken", "fallthrough"]),
  };
}

export function randomProgram(rand: Rand, length: number): Op[] {
  return Array.from({ length }, () => randomOp(rand));
}
