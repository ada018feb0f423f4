// Passes over a function's blocks: random code of the shapes they look for does what the interpreter does; keys kept in
// locals are at every lookup what lies on the stack; what they may not touch stays.
import binaryen from "binaryen";
import { describe, expect, it } from "vitest";
import { buildCfg } from "../../jit/ir/cfg.ts";
import type { MapBinding } from "../../jit/lower/abi.ts";
import { OPT_PASSES } from "../../jit/opt/passes.ts";
import { type Plan, planFunc } from "../../jit/opt/plan.ts";
import { interpret } from "../../runtime/engine/interp.ts";
import * as L from "../../runtime/memory/layout.ts";
import { assemble } from "../../src/isa/asm.ts";
import type { Insn } from "../../src/isa/insn.ts";
import type { Access, AccessKind, InsnAux } from "../../src/verifier/proof.ts";
import { mapDef } from "../harness/map_def.ts";
import { build, CPU, findSubprogs, type Machine, MEM, STACK_TOP } from "./harness.ts";
import { Random } from "./random.ts";

type Insns = readonly (Insn | undefined)[];
type Body = Record<string, unknown>;

const asm = (text: string): Insns => assemble(text.replaceAll("; ", "\n"));

function planOf(insns: Insns, aux: readonly (InsnAux | undefined)[], maps: MapBinding[] = []): Plan {
  const cfg = buildCfg({ insns, aux }, 0, insns.length);
  return planFunc({ cfg, aux, maps, passes: OPT_PASSES, checked: false });
}

function auxOf(insns: Insns, accessOf: (insn: Insn) => Partial<Access> | undefined): (InsnAux | undefined)[] {
  return insns.map((insn) => {
    if (insn === undefined) return undefined;
    const access = "base" in insn ? accessOf(insn) : undefined;
    return access === undefined
      ? { seen: true }
      : { seen: true, access: { kinds: ["pkt"], write: false, maps: [], ...access } };
  });
}

const pkt = (insn: Insn): Partial<Access> => ({
  kinds: ["base" in insn && insn.base === 10 ? "stack" : "pkt"],
});

describe("wide loads", () => {
  const wide = (text: string): number[] => {
    const insns = asm(text);
    const { wide: found } = planOf(insns, auxOf(insns, pkt));
    return [...found.values()].flatMap((loads) => [...loads].map(({ size }) => size));
  };
  const two = "r2 = *(u8 *)(r1 +1); r3 = *(u8 *)(r1 +0)";
  // biome-ignore format: table
  const CASES: readonly (readonly [name: string, text: string, sizes: number[]])[] = [
    ["two bytes",                        `${two}; w2 <<= 8; w2 |= w3; r0 = r2; exit`, [2]],
    ["joined by an addition",            `${two}; r2 <<= 8; r2 += r3; r0 = r2; exit`, [2]],
    ["through another register",         "r4 = r1; r4 += 6; r2 = *(u8 *)(r4 -5); r3 = *(u8 *)(r1 +0); r2 <<= 8; r2 |= r3; r0 = r2; exit", [2]],
    ["its base register is overwritten", "r2 = *(u8 *)(r1 +0); r1 = *(u8 *)(r1 +1); w1 <<= 8; w1 |= w2; r0 = r1; exit", [2]],
    ["a store to the stack between",     "r2 = *(u8 *)(r1 +0); *(u64 *)(r10 -8) = 0; r3 = *(u8 *)(r1 +1); r3 <<= 8; r2 |= r3; r0 = r2; exit", [2]],
    ["four, highest first",              "r0 = *(u16 *)(r1 +0); r0 = be16 r0; r0 <<= 16; r2 = *(u16 *)(r1 +2); r2 = be16 r2; r0 |= r2; exit", [4]],
    ["nobody reads it",                  `${two}; w2 <<= 8; w2 |= w3; r0 = 0; exit`, []],
    ["a gap",                            "r2 = *(u8 *)(r1 +2); r3 = *(u8 *)(r1 +0); r2 <<= 8; r2 |= r3; r0 = r2; exit", []],
    ["three bytes",                      "r2 = *(u16 *)(r1 +1); r3 = *(u8 *)(r1 +0); r2 <<= 8; r2 |= r3; r0 = r2; exit", []],
    ["a shift by no whole byte",         `${two}; w2 <<= 7; w2 |= w3; r0 = r2; exit`, []],
    ["the same lane twice",              `${two}; w2 |= w3; r0 = r2; exit`, []],
    ["a sign",                           "r2 = *(s8 *)(r1 +1); r3 = *(u8 *)(r1 +0); r2 <<= 8; r2 |= r3; r0 = r2; exit", []],
    ["a store to the packet between",    "r2 = *(u8 *)(r1 +0); *(u8 *)(r1 +1) = 0; r3 = *(u8 *)(r1 +1); r3 <<= 8; r2 |= r3; r0 = r2; exit", []],
    ["a call between",                   "r6 = r1; r7 = *(u8 *)(r6 +0); call 5; r0 = *(u8 *)(r6 +1); r0 <<= 8; r0 |= r7; exit", []],
    ["the base moves by what is unknown", "r2 = *(u8 *)(r1 +0); r1 += r2; r3 = *(u8 *)(r1 +1); r3 <<= 8; r2 |= r3; r0 = r2; exit", []],
    ["another block",                    "r2 = *(u8 *)(r1 +0); if r2 == 7 goto +3; r3 = *(u8 *)(r1 +1); r3 <<= 8; r2 |= r3; r0 = r2; exit", []],
    ["on the stack",                     "r2 = *(u8 *)(r10 -7); r3 = *(u8 *)(r10 -8); w2 <<= 8; w2 |= w3; r0 = r2; exit", []],
  ];
  it.each(CASES)("%s", (_, text, sizes) => {
    expect(wide(text)).toEqual(sizes);
  });

  it("checked mode tests each of the narrow loads", () => {
    const insns = asm("r2 = *(u8 *)(r1 +6); r3 = *(u8 *)(r1 +7); w3 <<= 8; w3 |= w2; r0 = r3; exit");
    const machine = build(insns, { aux: auxOf(insns, pkt), options: { checked: true } });
    machine.view.setUint32(CPU + L.CPU_CTX_DATA, MEM, true);
    machine.view.setUint16(MEM + 6, 0x1234, true);
    machine.view.setUint32(CPU + L.CPU_CTX_DATA_END, MEM + 8, true);
    expect(machine.run()).toBe(0x1234n);
    for (const [end, pc] of [
      [7, 1],
      [6, 0],
    ] as const) {
      machine.view.setUint32(CPU + L.CPU_CTX_DATA_END, MEM + end, true);
      expect(() => machine.run()).toThrow(WebAssembly.RuntimeError);
      expect(machine.view.getUint32(CPU + L.CPU_FAULT_PC, true)).toBe(pc + 1);
    }
  });
});

describe("wide stores", () => {
  const wide = (text: string): number[] => {
    const insns = asm(text);
    return [...planOf(insns, auxOf(insns, pkt)).stores.values()].flatMap((all) =>
      all.map(({ size }) => size),
    );
  };
  // biome-ignore format: table
  const CASES: readonly (readonly [name: string, text: string, sizes: number[]])[] = [
    ["two bytes of a value",         "*(u8 *)(r1 +0) = r2; r2 >>= 8; *(u8 *)(r1 +1) = r2; r0 = 0; exit", [2]],
    ["constants",                    "*(u8 *)(r1 +2) = 1; *(u16 *)(r1 +0) = 7; w2 = 64; *(u8 *)(r1 +3) = r2; r0 = 0; exit", [4]],
    ["a copy",                       "r3 = *(u8 *)(r2 +5); *(u8 *)(r10 -8) = r3; r4 = *(u8 *)(r2 +4); *(u8 *)(r1 +1) = r3; *(u8 *)(r1 +0) = r4; r0 = 0; exit", [2]],
    ["four, highest first",          "*(u8 *)(r1 +3) = r2; r2 >>= 8; *(u8 *)(r1 +2) = r2; r2 >>= 8; *(u8 *)(r1 +1) = r2; r2 >>= 8; *(u8 *)(r1 +0) = r2; r0 = 0; exit", [4]],
    ["a load of other bytes between", "*(u8 *)(r1 +0) = 1; r2 = *(u8 *)(r1 +2); *(u8 *)(r1 +1) = 2; r0 = r2; exit", [2]],
    ["a load of one between",        "*(u8 *)(r1 +0) = 1; r2 = *(u8 *)(r1 +0); *(u8 *)(r1 +1) = 2; r0 = r2; exit", []],
    ["a load from elsewhere between", "*(u8 *)(r1 +0) = 1; r3 = *(u8 *)(r2 +0); *(u8 *)(r1 +1) = 2; r0 = r3; exit", []],
    ["a store elsewhere between",    "*(u8 *)(r1 +0) = 1; *(u8 *)(r2 +0) = 3; *(u8 *)(r1 +1) = 2; r0 = 0; exit", []],
    ["a call between",               "r6 = r1; *(u8 *)(r6 +0) = 1; call 5; *(u8 *)(r6 +1) = 2; exit", []],
    ["another block",                "*(u8 *)(r1 +0) = 1; if r1 == 7 goto +1; *(u8 *)(r1 +1) = 2; r0 = 0; exit", []],
    ["written twice",                "*(u8 *)(r1 +0) = 1; *(u8 *)(r1 +0) = 3; *(u8 *)(r1 +1) = 2; r0 = 0; exit", [2]],
    ["bytes of two values",          "*(u8 *)(r1 +0) = r2; *(u8 *)(r1 +1) = r3; r0 = 0; exit", []],
    ["the same byte twice",          "*(u8 *)(r1 +0) = r2; *(u8 *)(r1 +1) = r2; r0 = 0; exit", []],
    ["a gap",                        "*(u8 *)(r1 +0) = 1; *(u8 *)(r1 +2) = 2; r0 = 0; exit", []],
    ["the stack",                    "*(u8 *)(r10 -8) = 1; *(u8 *)(r10 -7) = 2; r0 = 0; exit", []],
  ];
  it.each(CASES)("%s", (_, text, sizes) => {
    expect(wide(text)).toEqual(sizes);
  });

  it("checked mode tests each of the narrow stores", () => {
    const insns = asm("*(u8 *)(r1 +6) = 1; *(u8 *)(r1 +7) = 2; r0 = 0; exit");
    const machine = build(insns, { aux: auxOf(insns, pkt), options: { checked: true } });
    machine.view.setUint32(CPU + L.CPU_CTX_DATA, MEM, true);
    machine.view.setUint32(CPU + L.CPU_CTX_DATA_END, MEM + 8, true);
    machine.run();
    expect(machine.view.getUint16(MEM + 6, true)).toBe(0x0201);
    machine.view.setUint32(CPU + L.CPU_CTX_DATA_END, MEM + 7, true);
    expect(() => machine.run()).toThrow(WebAssembly.RuntimeError);
    expect(machine.view.getUint32(CPU + L.CPU_FAULT_PC, true)).toBe(2);
  });
});

const SEEDS = Number(process.env["RANDOM_SEEDS"] ?? 500);
const SIZES = [1, 1, 1, 2, 2, 4, 8] as const;
const WINDOW = 12;
const SECOND = 256;
const KINDS: readonly AccessKind[][] = [["pkt"], ["pkt"], ["pkt"], ["pkt", "map_value"], ["mem"]];

/** Straight code with a few jumps; r8 leads to a packet, r9 to a map's value; r6 and r7 to one of the two, at times. */
function randomBytes(seed: number): { insns: Insns; aux: (InsnAux | undefined)[] } {
  const r = new Random(seed);
  const insns: Insn[] = [];
  const aux: InsnAux[] = [];
  const bases = new Map([
    [8, { at: 0, kind: "pkt" }],
    [9, { at: 0, kind: "map_value" }],
  ]);
  const add = (body: Body, kinds?: readonly AccessKind[]): void => {
    insns.push({ pc: insns.length, ...body } as Insn);
    aux.push(
      kinds === undefined ? { seen: true } : { seen: true, access: { kinds, write: false, maps: [] } },
    );
  };
  const alu = (op: string, width: number, dst: number, src: Body): void =>
    add({ kind: "alu", op, width, dst, src, signed: false });
  const imm = (value: number): Body => ({ kind: "imm", imm: value });
  const reg = (regno: number): Body => ({ kind: "reg", regno });
  const access = (): [base: number, off: number, kinds: readonly AccessKind[]] => {
    const base = r.pick([...bases.keys()]);
    const { at, kind } = bases.get(base)!;
    const kinds = r.pick(KINDS);
    return [
      base,
      r.below(WINDOW) - at,
      kinds.length > 1 || kinds[0] === "mem" ? kinds : [kind as AccessKind],
    ];
  };
  alu("mov", 64, 8, reg(1));
  alu("mov", 64, 9, reg(1));
  alu("add", 64, 9, imm(SECOND));
  for (let dst = 0; dst < 6; dst++) alu("mov", 64, dst, imm(r.below(2 ** 32) | 0));
  const MAKE = [
    (): void => {
      const [base, off, kinds] = access();
      add({ kind: "ldx", dst: r.below(6), base, off, size: r.pick(SIZES), signed: false }, kinds);
    },
    (): void => alu("lsh", r.pick([32, 64]), r.below(6), imm(8 * r.below(4))),
    (): void => alu("rsh", r.pick([32, 64]), r.below(6), imm(8 * r.below(3))),
    (): void => alu(r.pick(["or", "or", "add", "xor"]), r.pick([32, 64]), r.below(6), reg(r.below(6))),
    (): void => alu("and", r.pick([32, 64]), r.below(6), imm(r.pick([0xff, 0xffff, 0xff00, -256, 0xf0]))),
    (): void => alu("mov", r.pick([32, 64]), r.below(6), reg(r.below(6))),
    (): void =>
      add({ kind: "end", to: r.pick(["le", "be", "swap"]), bits: r.pick([16, 32, 64]), dst: r.below(6) }),
  ];
  const RARE = [
    (): void => {
      const [base, off, kinds] = access();
      add({ kind: "st", base, off, size: r.pick(SIZES), src: reg(r.below(6)) }, kinds);
    },
    (): void => {
      const [dst, src, delta] = [r.pick([6, 7]), r.pick([8, 9]), r.below(20) - 10];
      alu("mov", 64, dst, reg(src));
      alu("add", 64, dst, imm(delta));
      bases.set(dst, { at: delta, kind: src === 8 ? "pkt" : "map_value" });
    },
    (): void => {
      add({
        kind: "jmp",
        op: "jgt",
        width: 64,
        dst: r.below(6),
        src: imm(r.below(1000)),
        target: insns.length + 3,
      });
      MAKE[1]!();
      MAKE[3]!();
    },
  ];
  /** what clang makes of an unaligned field */
  const field = (): void => {
    const [base, off, kinds] = access();
    const [a, b, size] = [r.below(3), 3 + r.below(3), r.pick([2, 4, 8])];
    const falls = r.below(3) === 0;
    for (let i = 0; i < size; i++) {
      const dst = i === 0 ? a : b;
      add({ kind: "ldx", dst, base, off: off + i, size: 1, signed: false }, kinds);
      alu("lsh", size === 8 ? 64 : r.pick([32, 64]), dst, imm(8 * (falls ? size - 1 - i : i)));
      if (i > 0) alu("or", size === 8 ? 64 : r.pick([32, 64]), a, reg(b));
      if (r.below(25) === 0) r.pick(RARE)();
    }
  };
  /** and of writing one */
  const store = (): void => {
    const [base, off, kinds] = access();
    const [value, part, size] = [r.below(3), 3 + r.below(3), r.pick([2, 4, 8])];
    const [falls, constant] = [r.below(3) === 0, r.below(5) === 0];
    const order = Array.from({ length: size }, (_, i) => i).sort(() => r.below(3) - 1);
    for (const i of order) {
      const shift = 8 * (falls ? size - 1 - i : i);
      if (constant) alu("mov", r.pick([32, 64]), part, imm(r.below(300) - 20));
      else {
        alu("mov", 64, part, reg(value));
        if (shift > 0) alu("rsh", 64, part, imm(shift));
      }
      add({ kind: "st", base, off: off + i, size: 1, src: reg(part) }, kinds);
      if (r.below(25) === 0) r.pick(r.below(2) === 0 ? RARE : MAKE)();
    }
  };
  for (let i = 0; i < 40; i++) if (r.below(8) === 0) store();
  for (let i = 0; i < 40; i++) (r.below(6) === 0 ? field : r.pick(r.below(6) === 0 ? RARE : MAKE))();
  for (let src = 0; src < 6; src++)
    add({ kind: "st", base: 8, off: 64 + 8 * src, size: 8, src: reg(src) }, ["pkt"]);
  add({ kind: "exit" });
  return { insns, aux };
}

describe("random fields", () => {
  it("are read as the interpreter reads them", () => {
    let [loads, stores] = [0, 0];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { insns, aux } = randomBytes(seed);
      const plan = planOf(insns, aux);
      loads += plan.wide.size;
      stores += plan.stores.size;
      const machine = build(insns, { opt: 0, aux });
      const r = new Random(seed);
      machine.memory.set(
        Uint8Array.from({ length: 512 }, () => r.below(256)),
        MEM,
      );
      const own = machine.memory.slice();
      const want = interpret(
        { memory: own, cpu: CPU, insns, subprogs: findSubprogs(insns), helpers: {}, imm64: () => 0n },
        STACK_TOP,
        [BigInt(MEM)],
      );
      expect(machine.run(), `seed ${seed}`).toBe(want);
      expect(machine.memory.slice(MEM, MEM + 512), `seed ${seed}`).toEqual(own.slice(MEM, MEM + 512));
    }
    expect(loads).toBeGreaterThan(SEEDS);
    expect(stores).toBeGreaterThan(SEEDS / 2);
  });
});

// A library whose lookups trap unless the words they are given are what lies at the map's address, which is the key's.
const WATCHING = `(module
  (import "env" "memory" (memory 1 65536 shared))
  (func (export "hash_lookup_words1") (param $at i32) (param $lo i64) (param $cpu i32) (result i32)
    (if (i64.ne (i64.load32_u (local.get $at)) (local.get $lo)) (then (unreachable)))
    (call $count (local.get $cpu)))
  (func (export "hash_lookup_words2") (param $at i32) (param $lo i64) (param $hi i64) (param $cpu i32) (result i32)
    (if (i64.ne (i64.load (local.get $at)) (local.get $lo)) (then (unreachable)))
    (if (i64.ne (i64.load32_u offset=8 (local.get $at)) (local.get $hi)) (then (unreachable)))
    (call $count (local.get $cpu)))
  (func $count (param $cpu i32) (result i32)
    (i32.store (i32.const ${MEM}) (i32.add (i32.load (i32.const ${MEM})) (i32.const 1)))
    (i32.const 0))
  (func (export "xdp_load_bytes") (param i32) (param i64 i64) (param $to i64) (param $len i64) (result i64)
    (memory.fill (i32.wrap_i64 (local.get $to)) (i32.const 0xa5) (i32.wrap_i64 (local.get $len)))
    (i64.const 0)))`;

const watching = ((): Uint8Array => {
  const m = binaryen.parseText(WATCHING);
  m.setFeatures(binaryen.Features.All);
  const bytes = m.emitBinary();
  m.dispose();
  return bytes;
})();

const KEYS = [
  { keySize: 4, off: -24 },
  { keySize: 12, off: -16 },
  { keySize: 12, off: -20 },
];

const KEY_MAPS = KEYS.map(({ keySize, off }): MapBinding => {
  const def = mapDef("m", "hash", keySize, 8, 1);
  return {
    def,
    address: STACK_TOP + off,
    elemsOff: 0,
    elemStride: 8,
    valueOff: 0,
    percpuStride: 0,
    totalSize: 8,
  };
});

/** Stores into the frame, by constant offsets and others, calls that write it, jumps, loops, and lookups. */
function randomKeys(seed: number): { insns: Insns; aux: (InsnAux | undefined)[]; lookups: number } {
  const r = new Random(seed);
  const insns: (Insn | undefined)[] = [];
  const aux: (InsnAux | undefined)[] = [];
  let lookups = 0;
  const add = (body: Body, more: Partial<InsnAux> = {}): void => {
    insns.push({ pc: insns.length, ...body } as Insn);
    aux.push({ seen: true, ...more });
  };
  const mov = (dst: number, src: Body): void =>
    add({ kind: "alu", op: "mov", width: 64, dst, src, signed: false });
  const imm = (value: number): Body => ({ kind: "imm", imm: value });
  const reg = (regno: number): Body => ({ kind: "reg", regno });
  const stackPtr = (dst: number, off: number): void => {
    mov(dst, reg(10));
    add({ kind: "alu", op: "add", width: 64, dst, src: imm(off), signed: false });
  };
  const stack = (more: Partial<Access>): Partial<InsnAux> => ({
    access: { kinds: ["stack"], write: true, maps: [], ...more },
  });
  const place = (): { off: number; size: number } => {
    const size = r.pick([1, 2, 4, 8]);
    return { size, off: -32 + r.below(32 - size + 1) };
  };
  const source = (): Body => (r.below(2) === 0 ? imm(r.below(2 ** 32) | 0) : reg(6 + r.below(2)));
  const MAKE: (() => void)[] = [
    () => add({ kind: "st", base: 10, ...place(), src: source() }, stack({ fpDepth: 0 })),
    () => add({ kind: "st", base: 10, ...place(), src: source() }, stack({ fpDepth: 0 })),
    () => {
      const { off, size } = place();
      stackPtr(1, off - 5);
      add(
        { kind: "st", base: 1, off: 5, size, src: source() },
        stack(r.below(3) === 0 ? {} : { fpOff: off, fpDepth: 0 }),
      );
    },
    () =>
      add(
        {
          kind: "atomic",
          op: "add",
          fetch: r.below(2) === 1,
          base: 10,
          off: -24 + 8 * r.below(3),
          size: 8,
          src: 6,
        },
        stack({}),
      ),
    () => {
      stackPtr(3, place().off - 4);
      mov(4, imm(1 + r.below(4)));
      mov(1, imm(0));
      mov(2, imm(0));
      add({ kind: "call", callee: { kind: "helper", id: 189 } });
    },
    () => {
      lookups++;
      const map = r.below(KEYS.length);
      stackPtr(2, KEYS[map]!.off);
      mov(1, imm(0));
      add({ kind: "call", callee: { kind: "helper", id: 1 } }, { call: { map } });
    },
    () => {
      add({
        kind: "jmp",
        op: "jset",
        width: 64,
        dst: 6,
        src: imm(1 << r.below(31)),
        target: insns.length + 2,
      });
      MAKE[0]!();
    },
    () =>
      add({
        kind: "alu",
        op: "mul",
        width: 64,
        dst: 6 + r.below(2),
        src: imm(r.below(2 ** 32) | 1),
        signed: false,
      }),
  ];
  mov(6, imm(r.below(2 ** 32) | 0));
  mov(7, imm(r.below(2 ** 32) | 0));
  mov(8, imm(0));
  const head = insns.length;
  for (let i = 0; i < 25; i++) r.pick(MAKE)();
  add({ kind: "alu", op: "add", width: 64, dst: 8, src: imm(1), signed: false });
  add({ kind: "jmp", op: "jlt", width: 64, dst: 8, src: imm(3), target: head });
  mov(0, reg(6));
  add({ kind: "exit" });
  return { insns, aux, lookups };
}

describe("keys in locals", () => {
  const run = (machine: Machine): number => {
    machine.memory.fill(0, STACK_TOP - 512, STACK_TOP);
    machine.view.setUint32(MEM, 0, true);
    machine.run();
    return machine.view.getUint32(MEM, true);
  };

  it("are what lies on the stack", () => {
    let seen = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const { insns, aux } = randomKeys(seed);
      const machine = build(insns, { opt: 0, aux, lib: watching, maps: KEY_MAPS, facts: { stackDepth: 64 } });
      try {
        seen += run(machine);
      } catch (cause) {
        throw new Error(`seed ${seed}`, { cause });
      }
    }
    expect(seen).toBeGreaterThan(2000);
  });

  it("a callee may write them", () => {
    const insns = asm(
      `*(u64 *)(r10 -16) = 5; *(u32 *)(r10 -8) = 6; r1 = r10; r1 += -16; call +5; r2 = r10; r2 += -16; r1 = 0
       call 1; exit; *(u32 *)(r1 +4) = 9; r0 = 0; exit`,
    );
    const at = insns.findIndex((insn) => insn?.kind === "call" && insn.callee.kind === "helper");
    const aux = auxOf(insns, (insn) => ({
      kinds: ["stack"],
      ...("base" in insn && insn.base === 1 ? { fpDepth: 1, fpOff: -12 } : {}),
    }));
    aux[at] = { seen: true, call: { map: 1 } };
    expect(run(build(insns, { opt: 0, aux, lib: watching, maps: KEY_MAPS }))).toBe(1);
  });
});

describe("frozen maps", () => {
  const frozen = Uint8Array.of(1, 2, 3, 0x84, 5, 6, 7, 0x88);
  const [map] = KEY_MAPS;
  const constants = (text: string, contents: Uint8Array | undefined): (bigint | undefined)[] => {
    const insns = asm(text);
    const def = { ...map!.def, ...(contents === undefined ? {} : { frozen: contents }) };
    const { results } = planOf(
      insns,
      auxOf(insns, () => ({ kinds: ["map_value"], maps: [0] })),
      [{ ...map!, def }],
    );
    return [...results.values()].map((result) => (result.kind === "const" ? result.value : undefined));
  };
  // biome-ignore format: table
  const CASES: readonly (readonly [name: string, text: string, value: bigint | undefined])[] = [
    ["a word",                "r1 = map[0][0] + 0; r0 = *(u64 *)(r1 +0); exit", 0x8807060584030201n],
    ["behind a constant sum", "r1 = map[0][0] + 2; r1 += 1; r0 = *(u16 *)(r1 +0); exit", 0x584n],
    ["with its sign",         "r1 = map[0][0] + 0; r0 = *(s8 *)(r1 +3); exit", 0xffffffffffffff84n],
    ["at an unknown place",   "r1 = map[0][0] + 0; r1 += r2; r0 = *(u8 *)(r1 +0); exit", undefined],
    ["past the end",          "r1 = map[0][0] + 0; r0 = *(u64 *)(r1 +1); exit", undefined],
  ];
  it.each(CASES)("%s", (_, text, value) => {
    expect(constants(text, frozen)).toEqual(value === undefined ? [] : [value]);
    expect(constants(text, undefined)).toEqual([]);
  });
});
