// Random straight code of every insn kind, compiled and interpreted: same registers, same memory. No verifier:
// r8 points at the memory and r9 at an aligned spot in it, and nothing writes them.
import { describe, expect, it } from "vitest";
import { interpret } from "../../runtime/engine/interp.ts";
import type { Insn, Size } from "../../src/isa/insn.ts";
import { ALU_OPS, JMP_OPS, rowsOf } from "../../src/isa/opcode.ts";
import { build, CPU, findSubprogs, MEM, STACK_TOP } from "./harness.ts";
import { Random } from "./random.ts";

const ALU = rowsOf(ALU_OPS).map(([op]) => op);
const JMP = rowsOf(JMP_OPS).map(([op]) => op);
const RMW = ["add", "or", "and", "xor"] as const;
const CONSTANTS = [0n, 1n, 0xffff_ffffn, 0x8000_0000n, 1n << 63n, (1n << 64n) - 1n, 0x7fff_ffffn];
const SIZES = [1, 2, 4, 8] as const;
const BYTES = 512;

/** Also gives immediates and numbers of 64 bits. */
class InsnRandom extends Random {
  imm(): number {
    return this.pick([0, 1, -1, 2, 31, 63, -2147483648, 2147483647, this.below(2 ** 32) | 0]);
  }
  u64(): bigint {
    return this.below(2)
      ? this.pick(CONSTANTS)
      : (BigInt(this.below(2 ** 32)) << 32n) | BigInt(this.below(2 ** 32));
  }
}

type Body = Record<string, unknown>;

/** One insn; `regs` are r0-r7. */
const MAKE: readonly ((r: InsnRandom) => Body)[] = [
  alu,
  alu,
  (r) => ({ kind: "neg", width: r.pick([32, 64]), dst: r.below(8) }),
  (r) => ({ kind: "movsx", width: 64, from: r.pick([8, 16, 32]), dst: r.below(8), src: r.below(8) }),
  (r) => ({ kind: "movsx", width: 32, from: r.pick([8, 16]), dst: r.below(8), src: r.below(8) }),
  (r) => ({ kind: "end", to: r.pick(["le", "be", "swap"]), bits: r.pick([16, 32, 64]), dst: r.below(8) }),
  (r) => ({ kind: "ld_imm64", dst: r.below(8), value: { kind: "imm", imm: r.u64() } }),
  (r) => {
    const size: Size = r.pick(SIZES);
    return {
      kind: "ldx",
      dst: r.below(8),
      base: 8,
      off: r.below(BYTES - 8),
      size,
      signed: size < 8 && r.below(2) === 1,
    };
  },
  (r) => ({ kind: "st", base: r.pick([8, 10]), off: r.below(64) - 80, size: r.pick(SIZES), src: source(r) }),
  (r) => ({
    kind: "ldx",
    dst: r.below(8),
    base: 10,
    off: r.below(64) - 80,
    size: r.pick(SIZES),
    signed: false,
  }),
  (r) => {
    const op = r.pick([...RMW, "xchg", "cmpxchg"] as const);
    const fetch = op === "xchg" || op === "cmpxchg" || r.below(2) === 1;
    return { kind: "atomic", op, fetch, base: 9, off: 8 * r.below(6), size: r.pick([4, 8]), src: r.below(8) };
  },
  (r) => ({ kind: "load_acquire", dst: r.below(8), base: 9, off: 8 * r.below(6), size: r.pick(SIZES) }),
  (r) => ({ kind: "store_release", base: 9, off: 8 * r.below(6), size: r.pick(SIZES), src: r.below(8) }),
];

function source(r: InsnRandom): Body {
  return r.below(2) ? { kind: "reg", regno: r.below(8) } : { kind: "imm", imm: r.imm() };
}

function alu(r: InsnRandom): Body {
  const op = r.pick(ALU);
  const signed = (op === "div" || op === "mod") && r.below(2) === 1;
  return { kind: "alu", op, width: r.pick([32, 64]), dst: r.below(8), src: source(r), signed };
}

function randomProg(seed: number): (Insn | undefined)[] {
  const r = new InsnRandom(seed);
  const insns: (Insn | undefined)[] = [];
  const add = (body: Body): void => {
    insns.push({ pc: insns.length, ...body } as Insn);
    if (body["kind"] === "ld_imm64") insns.push(undefined);
  };
  const mov = (dst: number, src: Body): void =>
    add({ kind: "alu", op: "mov", width: 64, dst, src, signed: false });
  mov(8, { kind: "reg", regno: 1 });
  add({ kind: "alu", op: "add", width: 64, dst: 8, src: { kind: "imm", imm: 80 }, signed: false });
  mov(9, { kind: "reg", regno: 1 });
  add({ kind: "alu", op: "add", width: 64, dst: 9, src: { kind: "imm", imm: 128 }, signed: false });
  for (let dst = 0; dst < 8; dst++) add({ kind: "ld_imm64", dst, value: { kind: "imm", imm: r.u64() } });
  for (let i = 0; i < 40; i++) {
    add(r.pick(MAKE)(r));
    // over one plain insn, so that a jump's two sides differ
    if (r.below(5) > 0) continue;
    add({
      kind: "jmp",
      op: r.pick(JMP),
      width: r.pick([32, 64]),
      dst: r.below(8),
      src: source(r),
      target: insns.length + 2,
    });
    add(alu(r));
  }
  for (let src = 0; src < 8; src++)
    add({ kind: "st", base: 8, off: BYTES + 8 * src, size: 8, src: { kind: "reg", regno: src } });
  add({ kind: "exit" });
  return insns;
}

describe.each(["single", "shared"] as const)("random code, %s", (concurrency) => {
  it("does what the interpreter does", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const insns = randomProg(seed);
      const machine = build(insns, { opt: 0, options: { concurrency } });
      const r = new InsnRandom(seed);
      const fill = Uint8Array.from({ length: BYTES * 2 }, () => r.below(256));
      machine.memory.set(fill, MEM);
      const own = machine.memory.slice();
      const want = interpret(
        {
          memory: { buffer: own.buffer },
          cpu: CPU,
          insns,
          subprogs: findSubprogs(insns),
          helpers: {},
          imm64: () => 0n,
        },
        STACK_TOP,
        [BigInt(MEM)],
      );
      expect(machine.run(), `seed ${seed}`).toBe(want);
      for (const [start, length] of [
        [MEM, BYTES * 2],
        [STACK_TOP - 128, 128],
      ] as const) {
        expect(machine.memory.slice(start, start + length), `seed ${seed}`).toEqual(
          own.slice(start, start + length),
        );
      }
    }
  });
});
