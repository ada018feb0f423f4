// Assembler of the dialect of the public BPF conformance vectors (`mov32 %r0, 0`, `ldxdw %r1, [%r10-8]`). Kept apart
// from asm.ts: mnemonics instead of symbols. Reads one `-- asm` section; the file format around it is the caller's.
import { BpfError } from "../spec/errors.ts";
import { decodeInsns } from "./decode.ts";
import { encodeRaw } from "./encode.ts";
import type { Insn, RawInsn, Size } from "./insn.ts";
import { ALU_OPS, ATOMIC_FETCH, ATOMIC_OPS, CLASS, JMP_OPS, MODE, rowsOf, SIZES, SRC_REG } from "./opcode.ts";

type Resolve = (label: string) => number;
type Make = (pc: number, resolve: Resolve) => RawInsn[];
type Mnemonic = (args: readonly string[]) => Make;

function bad(message: string): BpfError {
  return new BpfError("EINVAL", message);
}

function integer(s: string): bigint {
  if (!/^[+-]?(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(s)) throw bad(`not a number: ${s}`);
  const magnitude = BigInt(s.replace(/^[+-]/, ""));
  return s.startsWith("-") ? -magnitude : magnitude;
}

function imm32(s: string): number {
  const n = integer(s);
  if (n < -(2n ** 31n) || n >= 2n ** 32n) throw bad(`immediate ${s} does not fit in 32 bits`);
  return Number(BigInt.asIntN(32, n));
}

function isReg(s: string): boolean {
  return /^%?r(\d|10)$/.test(s);
}

function reg(s: string): number {
  if (!isReg(s)) throw bad(`no register ${s}`);
  return Number(s.replace(/^%?r/, ""));
}

function mem(s: string): { base: number; off: number } {
  const m = /^\[(%?r\d+)([+-]\w+)?\]$/.exec(s);
  if (m?.[1] === undefined) throw bad(`not an address: ${s}`);
  return { base: reg(m[1]), off: m[2] === undefined ? 0 : Number(integer(m[2])) };
}

function insn(code: number, fields: Partial<Omit<RawInsn, "code">> = {}): RawInsn {
  return { code, dst: 0, src: 0, off: 0, imm: 0, ...fields };
}

function need(args: readonly string[], n: number): readonly string[] {
  if (args.length !== n) throw bad(`takes ${n} operands, not ${args.length}`);
  return args;
}

function arg(args: readonly string[], i: number): string {
  const s = args[i];
  if (s === undefined) throw new Error(`operand ${i} was not checked`);
  return s;
}

/** The source operand's bit, register and immediate. */
function sourceOf(s: string): { bit: number; src: number; imm: number } {
  return isReg(s) ? { bit: SRC_REG, src: reg(s), imm: 0 } : { bit: 0, src: 0, imm: imm32(s) };
}

const just =
  (...raws: RawInsn[]): Make =>
  () =>
    raws;

function alu(code: number, off: number): Mnemonic {
  return (args) => {
    need(args, 2);
    const { bit, src, imm } = sourceOf(arg(args, 1));
    return just(insn(code | bit, { dst: reg(arg(args, 0)), src, imm, off }));
  };
}

function unary(code: number, imm: number): Mnemonic {
  return (args) => just(insn(code, { dst: reg(arg(need(args, 1), 0)), imm }));
}

function relative(target: string, pc: number, resolve: Resolve): number {
  return /^[+-]/.test(target) ? Number(integer(target)) : resolve(target) - pc - 1;
}

function jump(code: number): Mnemonic {
  return (args) => {
    need(args, 3);
    const { bit, src, imm } = sourceOf(arg(args, 1));
    const dst = reg(arg(args, 0));
    return (pc, resolve) => [insn(code | bit, { dst, src, imm, off: relative(arg(args, 2), pc, resolve) })];
  };
}

function call(args: readonly string[]): Make {
  const words = arg(need(args, 1), 0).split(/\s+/);
  const [first, name] = words;
  if (first === "local" && name !== undefined) {
    return (pc, resolve) => [insn(0x85, { src: 1, imm: relative(name, pc, resolve) })];
  }
  const target = arg(args, 0);
  // callx: no encoding the kernel knows; ubpf and rbpf put the register into dst
  return isReg(target) ? just(insn(0x8d, { dst: reg(target) })) : just(insn(0x85, { imm: imm32(target) }));
}

function lddw(args: readonly string[]): Make {
  need(args, 2);
  const n = integer(arg(args, 1));
  if (n < -(2n ** 63n) || n >= 2n ** 64n) throw bad(`immediate ${args[1]} does not fit in 64 bits`);
  const half = (shift: bigint): number => Number(BigInt.asIntN(32, n >> shift));
  return just(insn(0x18, { dst: reg(arg(args, 0)), imm: half(0n) }), insn(0, { imm: half(32n) }));
}

function load(code: number): Mnemonic {
  return (args) => {
    const { base, off } = mem(arg(need(args, 2), 1));
    return just(insn(code, { dst: reg(arg(args, 0)), src: base, off }));
  };
}

function store(code: number, from: "reg" | "imm"): Mnemonic {
  return (args) => {
    const { base, off } = mem(arg(need(args, 2), 0));
    const value = from === "reg" ? { src: reg(arg(args, 1)) } : { imm: imm32(arg(args, 1)) };
    return just(insn(code, { dst: base, off, ...value }));
  };
}

function atomic(size: 4 | 8, imm: number): Mnemonic {
  return (args) => {
    const { base, off } = mem(arg(need(args, 2), 0));
    return just(
      insn(CLASS.stx | MODE.atomic | SIZES[size].bits, { dst: base, src: reg(arg(args, 1)), off, imm }),
    );
  };
}

const SUFFIX = { 1: "b", 2: "h", 4: "w", 8: "dw" } as const satisfies Record<Size, string>;

function buildMnemonics(): Map<string, Mnemonic> {
  const table = new Map<string, Mnemonic>([
    ["exit", (args) => (need(args, 0), just(insn(0x95)))],
    ["ja", (args) => (pc, resolve) => [insn(0x05, { off: relative(arg(need(args, 1), 0), pc, resolve) })]],
    ["ja32", (args) => (pc, resolve) => [insn(0x06, { imm: relative(arg(need(args, 1), 0), pc, resolve) })]],
    ["call", call],
    ["lddw", lddw],
    ["neg", unary(0x87, 0)],
    ["neg32", unary(0x84, 0)],
  ]);
  for (const [op, { bits, signed }] of rowsOf(ALU_OPS)) {
    const forms = [[op, 0], ...(signed === undefined ? [] : [[`s${op}`, 1] as const])] as const;
    for (const [name, off] of forms) {
      table.set(name, alu(CLASS.alu64 | bits, off));
      table.set(`${name}32`, alu(CLASS.alu | bits, off));
    }
  }
  for (const [name, cls, off] of [
    ["movsx832", CLASS.alu, 8],
    ["movsx1632", CLASS.alu, 16],
    ["movsx864", CLASS.alu64, 8],
    ["movsx1664", CLASS.alu64, 16],
    ["movsx3264", CLASS.alu64, 32],
  ] as const) {
    table.set(name, alu(cls | ALU_OPS.mov.bits, off));
  }
  for (const bits of [16, 32, 64]) {
    for (const [name, code] of [
      ["le", 0xd4],
      ["be", 0xdc],
      ["bswap", 0xd7],
      ["swap", 0xd7],
    ] as const) {
      table.set(`${name}${bits}`, unary(code, bits));
    }
  }
  for (const [op, { bits }] of rowsOf(JMP_OPS)) {
    table.set(op, jump(CLASS.jmp | bits));
    table.set(`${op}32`, jump(CLASS.jmp32 | bits));
  }
  for (const size of [1, 2, 4, 8] as const) {
    const { bits } = SIZES[size];
    table.set(`ldx${SUFFIX[size]}`, load(CLASS.ldx | MODE.mem | bits));
    if (size !== 8) table.set(`ldxs${SUFFIX[size]}`, load(CLASS.ldx | MODE.memsx | bits));
    table.set(`st${SUFFIX[size]}`, store(CLASS.st | MODE.mem | bits, "imm"));
    table.set(`stx${SUFFIX[size]}`, store(CLASS.stx | MODE.mem | bits, "reg"));
  }
  for (const [op, { imm, fetch }] of rowsOf(ATOMIC_OPS)) {
    for (const [suffix, size] of [
      ["", 8],
      ["32", 4],
    ] as const) {
      table.set(`lock ${op}${suffix}`, atomic(size, fetch === "always" ? imm | ATOMIC_FETCH : imm));
      if (fetch === "may") table.set(`lock fetch ${op}${suffix}`, atomic(size, imm | ATOMIC_FETCH));
    }
  }
  return table;
}

const MNEMONICS: ReadonlyMap<string, Mnemonic> = buildMnemonics();

function parse(line: string): { name: string; args: string[] } {
  const m = /^((?:lock\s+(?:fetch\s+)?)?\w+)\s*(.*)$/.exec(line);
  if (m?.[1] === undefined) throw bad(`cannot read ${line}`);
  const rest = m[2] ?? "";
  return { name: m[1].replace(/\s+/g, " "), args: rest === "" ? [] : rest.split(",").map((a) => a.trim()) };
}

/** Insns by slot of one `-- asm` section. */
export function assembleConformance(source: string): (Insn | undefined)[] {
  const labels = new Map<string, number>();
  const makes: { line: string; pc: number; make: Make }[] = [];
  let pc = 0;
  for (const whole of source.split("\n")) {
    let line = whole.replace(/#.*$/, "").trim();
    for (let m = /^(\w+):\s*/.exec(line); m?.[1] !== undefined; m = /^(\w+):\s*/.exec(line)) {
      labels.set(m[1], pc);
      line = line.slice(m[0].length);
    }
    if (line === "") continue;
    const { name, args } = parse(line);
    const mnemonic = MNEMONICS.get(name);
    if (mnemonic === undefined) throw bad(`no mnemonic ${name}`);
    makes.push({ line, pc, make: mnemonic(args) });
    pc += name === "lddw" ? 2 : 1;
  }
  const end = pc;
  const resolve = (label: string): number => {
    const at = labels.get(label) ?? (label === "exit" ? end - 1 : undefined); // `exit` is a label of the dialect itself
    if (at === undefined) throw bad(`no label ${label}`);
    return at;
  };
  return decodeInsns(encodeRaw(makes.flatMap(({ pc: at, make }) => make(at, resolve))));
}
