// Statements on numbers, the stack and control flow.
import type { AluOp, Width } from "../../src/isa/insn.ts";
import { ALU_OPS, rowsOf } from "../../src/isa/opcode.ts";
import type { Rng } from "./random_builder.ts";
import { CALLEE_SAVED, type Gen, imm, reg, SIZES } from "./random_gen.ts";
import { bounded, NONE, REGS, SCALAR } from "./random_state.ts";

const ALU: readonly AluOp[] = rowsOf(ALU_OPS).map(([op]) => op);
const SHIFTS: ReadonlySet<AluOp> = new Set(["lsh", "rsh", "arsh"]);

export function makeAlu(g: Gen): void {
  const { rng, b, st } = g;
  const op = rng.pick(ALU);
  const width = rng.pick([32, 64] as const);
  const dst = op === "mov" ? g.target() : g.scalar(g.writable());
  const useImm = rng.chance(50);
  const src = useImm ? imm(aluImm(rng, op, width)) : reg(g.scalar());
  const signed = (op === "div" || op === "mod") && rng.chance(50);
  if (op === "mov") return g.mov(dst, src, width);
  b.emit({ kind: "alu", op, width, dst, src, signed });
  if (signed) b.count("signed_div");
  const n = src.kind === "imm" ? src.imm : -1;
  if (op === "and" && n >= 0) st.set(dst, bounded(n));
  else if (op === "mod" && !signed && n > 0) st.set(dst, bounded(n - 1));
  else st.set(dst, SCALAR);
}

function aluImm(rng: Rng, op: AluOp, width: Width): number {
  if (SHIFTS.has(op)) return rng.chance(1) ? width : rng.below(width);
  const n = rng.imm32();
  return n === 0 && (op === "div" || op === "mod") ? 7 : n;
}

export function makeUnary(g: Gen): void {
  const { rng, b, st } = g;
  const dst = g.scalar(g.writable());
  const width = rng.pick([32, 64] as const);
  const bits = rng.pick([16, 32, 64] as const);
  switch (rng.below(3)) {
    case 0:
      b.emit({ kind: "neg", width, dst });
      break;
    case 1:
      b.emit({
        kind: "movsx",
        width,
        from: rng.pick(width === 32 ? ([8, 16] as const) : ([8, 16, 32] as const)),
        dst,
        src: g.scalar(),
      });
      break;
    default:
      b.emit({ kind: "end", to: rng.pick(["le", "be", "swap"] as const), bits, dst });
      st.set(dst, bits === 16 ? bounded(0xffff) : SCALAR);
      return;
  }
  st.set(dst, SCALAR);
}

export function makeConstant(g: Gen): void {
  g.constant(g.target());
}

export function makeStackStore(g: Gen): void {
  const { rng, b, st } = g;
  const size = rng.pick(SIZES);
  const off = -size * rng.between(1, 128 / size);
  const pointers = [...st.of("pkt"), ...st.of("value"), ...st.of("end"), ...st.of("fp"), ...st.of("ctx")];
  if (size === 8 && pointers.length > 0 && g.loops === 0 && rng.chance(75)) {
    const src = rng.pick(pointers);
    b.emit({ kind: "st", base: 10, off, size, src: reg(src) });
    b.count("stack_spill");
    return st.write(off, size, st.get(src));
  }
  const src = rng.chance(60) ? reg(g.scalar()) : imm(rng.imm32());
  const release = src.kind === "reg" && rng.chance(10);
  if (release) b.emit({ kind: "store_release", base: 10, off, size, src: src.regno });
  else b.emit({ kind: "st", base: 10, off, size, src });
  b.count("stack_store");
  st.write(off, size, src.kind === "reg" ? st.get(src.regno) : SCALAR);
}

export function makeStackLoad(g: Gen): void {
  const { rng, b, st } = g;
  const slots = [...st.stack];
  if (slots.length === 0) return;
  const spilled = slots.filter(([, { val }]) => val.t !== "scalar");
  const [base, slot] = rng.pick(spilled.length > 0 && rng.chance(50) ? spilled : slots);
  const dst = g.target();
  if (slot.val.t !== "scalar") {
    b.emit({ kind: "ldx", dst, base: 10, off: base, size: 8, signed: false });
    b.count("stack_fill");
    return st.set(dst, slot.val);
  }
  const size = rng.pick(SIZES);
  const off = base + size * rng.below(8 / size);
  if (!st.isData(off, size) && !rng.chance(5)) return;
  const signed = size < 8 && rng.chance(25);
  if (rng.chance(10)) b.emit({ kind: "load_acquire", dst, base: 10, off, size });
  else b.emit({ kind: "ldx", dst, base: 10, off, size, signed });
  b.count("stack_load");
  st.set(dst, size <= 2 && !signed ? bounded(256 ** size - 1) : SCALAR);
}

/** A stack byte at an offset that is not constant. */
export function makeStackIndex(g: Gen): void {
  const { rng, b, st } = g;
  const off = g.buffer(16);
  const index = g.index(7);
  const dst = g.targets(3).find((regno) => regno !== index);
  if (dst === undefined) return;
  g.stackPtr(dst, off);
  b.emit({ kind: "alu", op: "add", width: 64, dst, src: reg(index), signed: false });
  b.count("stack_variable");
  if (rng.chance(50)) {
    b.emit({ kind: "ldx", dst, base: dst, off: rng.below(8), size: 1, signed: false });
    st.set(dst, bounded(255));
  } else {
    b.emit({ kind: "st", base: dst, off: rng.below(8), size: 1, src: imm(rng.below(256)) });
    st.set(dst, NONE);
  }
}

export function makeBranch(g: Gen): void {
  const { rng, b } = g;
  if (g.depth > 3 || g.branches > 14) return;
  g.branches++;
  const [otherwise, end] = [b.label(), b.label()];
  b.emit({ kind: "jmp", ...g.condition(), target: otherwise });
  b.count("branch");
  if (rng.chance(15)) {
    g.way(() => g.exit());
    return b.place(otherwise);
  }
  const first = g.way(() => g.body(rng.between(1, 3)));
  if (rng.chance(50)) {
    b.place(otherwise);
    return g.st.meet(first);
  }
  b.emit({ kind: "ja", wide: rng.chance(20), target: end });
  b.place(otherwise);
  g.st = g.way(() => g.body(rng.between(1, 3)));
  b.place(end);
  g.st.meet(first);
}

export function makeLoop(g: Gen): void {
  const { rng, b } = g;
  const counter = g.writable(CALLEE_SAVED).find((regno) => g.st.get(regno).t !== "ctx");
  if (counter === undefined || g.depth > 2 || g.loops > 1 || !g.canCall()) return;
  const own = g
    .writable()
    .filter((regno) => regno !== counter && (regno < 6 || g.st.get(regno).t === "scalar"));
  const outer = g.locked;
  g.mov(counter, imm(0));
  for (const regno of own) if (g.st.get(regno).t !== "scalar" || rng.chance(20)) g.constant(regno);
  for (const [off, slot] of g.st.stack) if (slot.val.t !== "scalar") g.st.stack.delete(off);
  g.locked = new Set(REGS.filter((regno) => !own.includes(regno)));
  for (const regno of own) g.st.set(regno, SCALAR);
  const [head, out] = [b.label(), b.label()];
  b.place(head);
  const mayGoto = rng.chance(20);
  if (mayGoto) b.emit({ kind: "may_goto", target: out });
  b.count("loop");
  g.loops++;
  const before = g.st.clone();
  g.depth++;
  g.body(rng.between(1, 4));
  g.depth--;
  g.loops--;
  for (const regno of own) if (g.st.get(regno).t !== "scalar") g.constant(regno);
  g.add(counter, 1);
  b.emit({
    kind: "jmp",
    op: rng.pick(["jlt", "jne", "jslt"] as const),
    width: rng.pick([32, 64] as const),
    dst: counter,
    src: imm(rng.between(1, 10)),
    target: head,
  });
  b.place(out);
  if (mayGoto) g.st.meet(before);
  g.locked = outer;
  for (const regno of own) g.st.set(regno, SCALAR);
  g.st.set(counter, SCALAR);
}
