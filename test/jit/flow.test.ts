// Control flow of every shape: random graphs of blocks, reducible or not, against a direct walk of the insns.
import { describe, expect, it } from "vitest";
import { buildCfg, succs } from "../../jit/ir/cfg.ts";
import { findLoops } from "../../jit/ir/loops.ts";
import { structure } from "../../jit/ir/reduce.ts";
import type { Insn, InsnOf } from "../../src/isa/insn.ts";
import { build } from "./harness.ts";

const FUEL = 60;

function rng(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const immOperand = (value: number): object => ({ kind: "imm", imm: value });

/**
 * Blocks of six insns: hash the block's number into r0, take fuel from r3 or leave, branch on a bit of r0 or not at
 * all. The exit is the last insn.
 */
function randomProg(seed: number, blocks: number): Insn[] {
  const random = rng(seed);
  const size = 6;
  const out = blocks * size + 2;
  const insns: Insn[] = [];
  const add = (insn: Record<string, unknown>): void => void insns.push({ pc: insns.length, ...insn } as Insn);
  const alu = (op: string, dst: number, value: number): void =>
    add({ kind: "alu", op, width: 64, dst, src: immOperand(value), signed: false });
  const near = (at: number): number => Math.min(blocks - 1, Math.max(0, at + random(9) - 3));
  const target = (at: number): number => 2 + size * (random(4) === 0 ? random(blocks) : near(at));
  alu("mov", 0, seed);
  alu("mov", 3, FUEL);
  for (let i = 0; i < blocks; i++) {
    alu("mul", 0, 31);
    alu("add", 0, i + 1);
    alu("sub", 3, 1);
    add({ kind: "jmp", op: "jeq", width: 64, dst: 3, src: immOperand(0), target: out });
    const jump = {
      kind: "jmp",
      op: random(2) ? "jset" : "jsgt",
      width: 64,
      dst: 0,
      src: immOperand(1 << random(8)),
    };
    if (random(6) === 0) add({ kind: "ja", wide: false, target: target(i) });
    else add({ ...jump, target: target(i) });
    if (random(3) === 0) add({ kind: "ja", wide: false, target: target(i) });
    else add({ ...jump, op: "jeq", target: target(i) });
  }
  add({ kind: "exit" });
  return insns;
}

const TAKEN: Readonly<Record<string, (dst: bigint, imm: bigint) => boolean>> = {
  jeq: (dst, imm) => dst === imm,
  jset: (dst, imm) => (dst & imm) !== 0n,
  jsgt: (dst, imm) => BigInt.asIntN(64, dst) > imm,
};

function walk(insns: readonly Insn[]): bigint {
  const regs: bigint[] = [0n, 0n, 0n, 0n];
  for (let pc = 0; ; ) {
    const insn = insns[pc]!;
    if (insn.kind === "exit") return regs[0]!;
    if (insn.kind === "ja") pc = insn.target;
    else if (insn.kind === "jmp") pc = TAKEN[insn.op]!(regs[insn.dst]!, immOf(insn)) ? insn.target : pc + 1;
    else pc = step(regs, insn as InsnOf<"alu">);
  }
}

function immOf(insn: InsnOf<"alu"> | InsnOf<"jmp">): bigint {
  if (insn.src.kind !== "imm") throw new Error("not an immediate");
  return BigInt(insn.src.imm);
}

function step(regs: bigint[], insn: InsnOf<"alu">): number {
  const imm = immOf(insn);
  const old = regs[insn.dst]!;
  const value =
    insn.op === "mov" ? imm : insn.op === "mul" ? old * imm : insn.op === "add" ? old + imm : old - imm;
  regs[insn.dst] = BigInt.asUintN(64, value);
  return insn.pc + 1;
}

function isReducible(insns: readonly Insn[]): boolean {
  const { blocks } = buildCfg({ insns }, 0, insns.length);
  return findLoops({ size: blocks.length, succs: (node) => succs(blocks[node]!.term) }, 0) !== undefined;
}

describe("random flow graphs", () => {
  it("run as their insns do, reducible or not", () => {
    let reducible = 0;
    const runs = 400;
    for (let seed = 1; seed <= runs; seed++) {
      const insns = randomProg(seed, 2 + (seed % 12));
      if (isReducible(insns)) reducible++;
      expect(build(insns, { opt: 0 }).run(), `seed ${seed}`).toBe(walk(insns));
    }
    // both kinds must have been there
    expect(reducible).toBeGreaterThan(runs / 20);
    expect(runs - reducible).toBeGreaterThan(runs / 20);
  });

  it("lays out a reducible graph without dispatch", () => {
    const insns = randomProg(3, 1);
    const cfg = buildCfg({ insns }, 0, insns.length);
    const before = cfg.blocks.length;
    structure(cfg);
    expect(cfg.blocks.length).toBe(before);
  });
});

const aluAt = (pc: number, dst: number, imm: number, op: "mov" | "add"): Insn => ({
  pc,
  kind: "alu",
  op,
  width: 64,
  dst: dst as 0,
  src: { kind: "imm", imm },
  signed: false,
});

describe("big graphs", () => {
  // biome-ignore format: table
  const shapes: readonly (readonly [name: string, target: (i: number, n: number) => number])[] = [
    ["all jump to the end",        (_, n) => n],
    ["each skips one",             (i, n) => Math.min(i + 2, n)],
    ["jumps nest outside in",      (i, n) => (i < n / 2 ? n - i : n)],
  ];
  it.each(shapes)("%s: time and nesting stay linear", (_, target) => {
    const n = 20_000;
    const insns: Insn[] = [
      { pc: 0, kind: "alu", op: "mov", width: 64, dst: 0, src: { kind: "imm", imm: 0 }, signed: false },
    ];
    for (let i = 1; i <= n; i++) {
      insns.push({
        pc: i,
        kind: "jmp",
        op: "jeq",
        width: 64,
        dst: 0,
        src: { kind: "imm", imm: i },
        target: target(i, n) + 1,
      });
    }
    insns.push({ pc: n + 1, kind: "exit" });
    const start = performance.now();
    expect(build(insns, { opt: 0 }).run()).toBe(0n);
    expect(performance.now() - start).toBeLessThan(4000);
  });

  it.each([150, 250, 3000])("%i loops in each other", (n) => {
    const insns: Insn[] = [aluAt(0, 0, 0, "mov")];
    for (let i = 1; i <= n; i++) insns.push(aluAt(i, 0, 1, "add"));
    for (let i = n; i >= 1; i--) {
      insns.push({
        pc: insns.length,
        kind: "jmp",
        op: "jlt",
        width: 64,
        dst: 0,
        src: { kind: "imm", imm: 2 * n - i },
        target: i,
      });
    }
    insns.push({ pc: insns.length, kind: "exit" });
    expect(build(insns, { opt: 0 }).run()).toBe(walkJlt(insns));
  });
});

function walkJlt(insns: readonly Insn[]): bigint {
  let r0 = 0;
  for (let pc = 0; ; ) {
    const insn = insns[pc]!;
    if (insn.kind === "exit") return BigInt(r0);
    if (insn.kind === "jmp" && insn.src.kind === "imm") pc = r0 < insn.src.imm ? insn.target : pc + 1;
    else if (insn.kind === "alu" && insn.src.kind === "imm") {
      r0 = insn.op === "mov" ? insn.src.imm : r0 + insn.src.imm;
      pc++;
    } else throw new Error(`${pc}: not one of the two kinds`);
  }
}
