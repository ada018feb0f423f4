// Loads and stores. The address is the low half of the base register; an offset that is not negative goes
// into the instruction, which is safe because page 0 is never allocated and the verifier proved the region.
import type { InsnOf, Size } from "../../src/isa/insn.ts";
import { heldLoadOff, heldStore } from "../../src/spec/ctx_held.ts";
import { lowerCheck } from "./check.ts";
import type { Expr, Fn, Module } from "./fn.ts";
import { stackOff, type AccessInsn } from "./stack.ts";

type Load = (int: Module["i64"], off: number, ptr: Expr) => Expr;
type Store = (int: Module["i64"], off: number, ptr: Expr, value: Expr) => Expr;

// biome-ignore format: table
export const LOADS: Record<Size, { readonly zero: Load; readonly sign: Load }> = {
  1: { zero: (i, off, ptr) => i.load8_u(off, 1, ptr),  sign: (i, off, ptr) => i.load8_s(off, 1, ptr)  },
  2: { zero: (i, off, ptr) => i.load16_u(off, 1, ptr), sign: (i, off, ptr) => i.load16_s(off, 1, ptr) },
  4: { zero: (i, off, ptr) => i.load32_u(off, 1, ptr), sign: (i, off, ptr) => i.load32_s(off, 1, ptr) },
  8: { zero: (i, off, ptr) => i.load(off, 1, ptr),     sign: (i, off, ptr) => i.load(off, 1, ptr)     },
};

// biome-ignore format: table
export const STORES: Record<Size, Store> = {
  1: (i, off, ptr, value) => i.store8(off, 1, ptr, value),
  2: (i, off, ptr, value) => i.store16(off, 1, ptr, value),
  4: (i, off, ptr, value) => i.store32(off, 1, ptr, value),
  8: (i, off, ptr, value) => i.store(off, 1, ptr, value),
};

/** What a promoted slot gives: it holds the zero-extended value. */
// biome-ignore format: table
const NARROW: Record<Size, { readonly zero: (fn: Fn, value: Expr) => Expr; readonly sign: (fn: Fn, value: Expr) => Expr }> = {
  1: { zero: (fn, v) => fn.m.i64.and(v, fn.imm64(0xff)),        sign: (fn, v) => fn.m.i64.extend8_s(v)  },
  2: { zero: (fn, v) => fn.m.i64.and(v, fn.imm64(0xffff)),      sign: (fn, v) => fn.m.i64.extend16_s(v) },
  4: { zero: (fn, v) => fn.m.i64.extend_u(fn.m.i32.wrap(v)),    sign: (fn, v) => fn.m.i64.extend32_s(v) },
  8: { zero: (_, v) => v,                                       sign: (_, v) => v                       },
};

export interface Place {
  readonly ptr: () => Expr;
  readonly off: number;
}

/** Where an access goes, for the two immediate forms of WebAssembly. */
export function placeOf(fn: Fn, insn: Pick<AccessInsn, "base" | "off">): Place {
  const { m } = fn;
  if (insn.off >= 0) return { ptr: () => fn.get32(insn.base), off: insn.off };
  return { ptr: () => m.i32.add(fn.get32(insn.base), m.i32.const(insn.off)), off: 0 };
}

/** Name of the local of a promoted slot, if this access is to one. */
function slotOf(fn: Fn, insn: AccessInsn): string | undefined {
  if (fn.slots.promoted.size === 0) return undefined;
  const off = stackOff(insn, fn.env.aux?.[insn.pc]);
  return off !== undefined && fn.slots.promoted.has(off) ? `fp${off}` : undefined;
}

/** An access of a context that the kernel keeps in another form than programs see it. */
function ofSkBuff(fn: Fn, pc: number): boolean {
  return fn.env.options.frames === "skb" && fn.env.aux?.[pc]?.access?.kinds[0] === "ctx";
}

export function lowerLdx(fn: Fn, insn: InsnOf<"ldx">): void {
  const form = insn.signed ? "sign" : "zero";
  lowerCheck(fn, insn);
  const slot = slotOf(fn, insn);
  if (slot !== undefined) {
    const held = fn.getTemp(slot, "i64");
    return fn.set(insn.dst, insn.signed ? NARROW[insn.size].sign(fn, held) : held);
  }
  const at = ofSkBuff(fn, insn.pc) ? heldLoadOff(insn.off, insn.size) : insn.off;
  const { ptr, off } = placeOf(fn, { base: insn.base, off: at });
  fn.set(insn.dst, fn.mark(LOADS[insn.size][form](fn.m.i64, off, ptr()), insn.pc));
}

export function lowerSt(fn: Fn, insn: InsnOf<"st">): void {
  lowerCheck(fn, insn);
  const value = insn.src.kind === "reg" ? fn.get(insn.src.regno) : fn.imm64(insn.src.imm);
  const slot = slotOf(fn, insn);
  if (slot !== undefined) return fn.push(fn.setTemp(slot, "i64", NARROW[insn.size].zero(fn, value)));
  const held = ofSkBuff(fn, insn.pc) ? heldStore(insn.off) : undefined;
  const { ptr, off } = placeOf(fn, insn);
  const store = fn.mark(STORES[held?.held ?? insn.size](fn.m.i64, off, ptr(), value), insn.pc);
  fn.push(held?.refusedFrom === undefined ? store : lowerIfTaken(fn, insn, held.refusedFrom, store));
}

/** An immediate is compared as the kernel's compiler does it, as a signed number. */
function lowerIfTaken(fn: Fn, insn: InsnOf<"st">, refusedFrom: number, store: Expr): Expr {
  const { m } = fn;
  if (insn.src.kind === "reg") return m.if(m.i64.lt_u(fn.get(insn.src.regno), fn.imm64(refusedFrom)), store);
  return insn.src.imm < refusedFrom ? store : m.nop();
}
