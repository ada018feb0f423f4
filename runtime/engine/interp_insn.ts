// What every insn does, one row a kind: the reference that other engines are held against, so it is written to be
// read, not to be fast. Registers are u64 BigInts in a BigUint64Array, which wraps what is stored.
// Knows nothing of verification; what a verified program never does is a trap here.
import type { AluOp, Insn, InsnKind, InsnOf, JmpOp, Operand, Size, Width } from "../../src/isa/insn.ts";
import type { InterpMemory } from "./interp_memory.ts";

/** One function's activation. */
export interface Frame {
  /** r0..r10 */
  readonly regs: BigUint64Array;
  readonly memory: InterpMemory;
  /** index of the subprog in execution */
  readonly subprogno: number;
  /** 0 for the program itself */
  readonly depth: number;
  /** passes of may_goto that are left */
  mayGoto: number;
}

/** What insns need of the machine around them. */
export interface Machine {
  call(frame: Frame, insn: InsnOf<"call">): CallOutcome;
  imm64(insn: InsnOf<"ld_imm64">): bigint;
  /** bytes of the packet in host order; undefined past its end */
  loadPacket(frame: Frame, offset: bigint, size: Size): bigint | undefined;
}

/** `ended`: the whole function returns r0 at once (a tail call that was taken). */
export type CallOutcome = "next" | "ended";

/** Where execution goes on: a pc, or the function's end; undefined is the insn below. */
type Next = number | "exit" | undefined;

/** Something no verified program does. */
export class InterpTrap extends Error {
  override readonly name = "InterpTrap";
  constructor(
    readonly pc: number,
    message: string,
    options?: ErrorOptions,
  ) {
    super(`${pc}: ${message}`, options);
  }
}

const u64 = (n: bigint): bigint => BigInt.asUintN(64, n);
const unsigned = (width: number, n: bigint): bigint => BigInt.asUintN(width, n);
const signed = (width: number, n: bigint): bigint => BigInt.asIntN(width, n);

/** Operands are unsigned of `width` bits; the result is cut to it by the caller. */
type Alu = (a: bigint, b: bigint, width: Width) => bigint;
const amount = (b: bigint, width: Width): bigint => b & BigInt(width - 1);

// biome-ignore format: table
const ALU: Record<AluOp, Alu> = {
  add:  (a, b) => a + b,
  sub:  (a, b) => a - b,
  mul:  (a, b) => a * b,
  div:  (a, b) => (b === 0n ? 0n : a / b),
  mod:  (a, b) => (b === 0n ? a : a % b),
  or:   (a, b) => a | b,
  and:  (a, b) => a & b,
  xor:  (a, b) => a ^ b,
  mov:  (_, b) => b,
  lsh:  (a, b, width) => a << amount(b, width),
  rsh:  (a, b, width) => a >> amount(b, width),
  arsh: (a, b, width) => signed(width, a) >> amount(b, width),
};

/** BigInt division truncates toward zero, as BPF's does; the smallest number by -1 wraps to itself. */
// biome-ignore format: table
const SIGNED_ALU: Partial<Record<AluOp, Alu>> = {
  div: (a, b, width) => (b === 0n ? 0n : signed(width, a) / signed(width, b)),
  mod: (a, b, width) => (b === 0n ? a  : signed(width, a) % signed(width, b)),
};

// biome-ignore format: table
const JMP: Record<JmpOp, (a: bigint, b: bigint, width: Width) => boolean> = {
  jeq:  (a, b) => a === b,
  jne:  (a, b) => a !== b,
  jgt:  (a, b) => a > b,
  jge:  (a, b) => a >= b,
  jlt:  (a, b) => a < b,
  jle:  (a, b) => a <= b,
  jset: (a, b) => (a & b) !== 0n,
  jsgt: (a, b, width) => signed(width, a) > signed(width, b),
  jsge: (a, b, width) => signed(width, a) >= signed(width, b),
  jslt: (a, b, width) => signed(width, a) < signed(width, b),
  jsle: (a, b, width) => signed(width, a) <= signed(width, b),
};

function get(frame: Frame, regno: number): bigint {
  const value = frame.regs[regno];
  if (value === undefined) throw new Error(`no register ${regno}`);
  return value;
}

/** Immediates are 32 bits, sign-extended to the operation's width. */
function operand(frame: Frame, src: Operand, width: Width): bigint {
  return unsigned(width, src.kind === "reg" ? get(frame, src.regno) : BigInt(src.imm));
}

/** The jump goes to its target. */
export function isTaken(frame: Frame, { op, width, dst, src }: InsnOf<"jmp">): boolean {
  return JMP[op](unsigned(width, get(frame, dst)), operand(frame, src, width), width);
}

function address(frame: Frame, insn: { readonly base: number; readonly off: number }): bigint {
  return u64(get(frame, insn.base) + BigInt(insn.off));
}

function swapBytes(value: bigint, bits: number): bigint {
  let out = 0n;
  for (let i = 0; i < bits; i += 8) out = (out << 8n) | ((value >> BigInt(i)) & 0xffn);
  return out;
}

function alu(frame: Frame, insn: InsnOf<"alu">): void {
  const { width, dst } = insn;
  const fn = insn.signed ? SIGNED_ALU[insn.op] : ALU[insn.op];
  if (fn === undefined) throw new Error(`${insn.op} has no signed form`);
  const result = fn(unsigned(width, get(frame, dst)), operand(frame, insn.src, width), width);
  frame.regs[dst] = unsigned(width, result);
}

function atomic(frame: Frame, insn: InsnOf<"atomic">): void {
  const { memory, regs } = frame;
  const at = address(frame, insn);
  const value = get(frame, insn.src);
  if (insn.op === "cmpxchg") {
    regs[0] = memory.cmpxchg(at, insn.size, get(frame, 0), value);
    return;
  }
  const old = memory.rmw(insn.op, at, insn.size, value);
  if (insn.fetch) regs[insn.src] = old;
}

function ldAbs(machine: Machine, frame: Frame, offset: bigint, size: Size): Next {
  const value = machine.loadPacket(frame, offset, size);
  frame.regs[0] = value ?? 0n; // past the packet the program ends with 0
  return value === undefined ? "exit" : undefined;
}

type Step<K extends InsnKind> = (machine: Machine, frame: Frame, insn: InsnOf<K>) => Next | void;

const STEPS: { readonly [K in InsnKind]: Step<K> } = {
  alu: (_, frame, insn) => alu(frame, insn),
  movsx: (_, frame, { width, from, dst, src }) => {
    frame.regs[dst] = unsigned(width, signed(from, get(frame, src)));
  },
  neg: (_, frame, { width, dst }) => {
    frame.regs[dst] = unsigned(width, -get(frame, dst));
  },
  end: (_, frame, { to, bits, dst }) => {
    const value = unsigned(bits, get(frame, dst));
    frame.regs[dst] = to === "le" ? value : swapBytes(value, bits);
  },
  ld_imm64: (machine, frame, insn) => {
    frame.regs[insn.dst] = machine.imm64(insn);
  },
  ldx: (_, frame, insn) => {
    const value = frame.memory.load(address(frame, insn), insn.size);
    frame.regs[insn.dst] = insn.signed ? u64(signed(insn.size * 8, value)) : value;
  },
  st: (_, frame, insn) => frame.memory.store(address(frame, insn), insn.size, operand(frame, insn.src, 64)),
  ld_abs: (machine, frame, { imm, size }) => ldAbs(machine, frame, BigInt(imm), size),
  ld_ind: (machine, frame, { src, imm, size }) =>
    ldAbs(machine, frame, signed(32, get(frame, src) + BigInt(imm)), size),
  atomic: (_, frame, insn) => atomic(frame, insn),
  load_acquire: (_, frame, insn) => {
    frame.regs[insn.dst] = frame.memory.load(address(frame, insn), insn.size);
  },
  store_release: (_, frame, insn) =>
    frame.memory.store(address(frame, insn), insn.size, get(frame, insn.src)),
  jmp: (_, frame, insn) => (isTaken(frame, insn) ? insn.target : undefined),
  ja: (_, _frame, { target }) => target,
  may_goto: (_, frame, { target }) => {
    if (frame.mayGoto === 0) return target;
    frame.mayGoto--;
    return undefined;
  },
  call: (machine, frame, insn) => (machine.call(frame, insn) === "ended" ? "exit" : undefined),
  exit: () => "exit",
  addr_space_cast: (_, _frame, { pc }) => refuse(pc, "arena pointers are not known here"),
  invalid: (_, _frame, { pc, message }) => refuse(pc, message),
};

function refuse(pc: number, message: string): never {
  throw new InterpTrap(pc, message);
}

/** Does one insn; says where execution goes on. */
export function step(machine: Machine, frame: Frame, insn: Insn): Next {
  const fn = STEPS[insn.kind] as Step<InsnKind>; // the insn's kind selects its own row
  return fn(machine, frame, insn) ?? undefined;
}
