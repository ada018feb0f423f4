// Atomic operations. In shared memory they are WebAssembly's sequentially consistent ones: every BPF atomic
// is naturally aligned, the verifier sees to it, but for memory that a global function was given: that is tested
// at run time, and what lies across a boundary is done in plain steps. Alone in a memory all are plain.
import type { AtomicOp, InsnOf, Size } from "../../src/isa/insn.ts";
import { lowerCheck } from "./check.ts";
import type { Expr, Fn, Module } from "./fn.ts";
import { LOADS, placeOf, STORES } from "./mem.ts";
import type { AccessInsn } from "./stack.ts";

type Rmw = Exclude<AtomicOp, "cmpxchg">;

/** The new value of a plain read-modify-write. */
// biome-ignore format: table
const PLAIN: Record<Rmw, (i64: Module["i64"], old: Expr, src: Expr) => Expr> = {
  add:  (i64, old, src) => i64.add(old, src),
  or:   (i64, old, src) => i64.or(old, src),
  and:  (i64, old, src) => i64.and(old, src),
  xor:  (i64, old, src) => i64.xor(old, src),
  xchg: (_, _old, src) => src,
};

// biome-ignore format: table
const ATOMIC_LOADS: Record<Size, (i64: Module["i64"], off: number, ptr: Expr) => Expr> = {
  1: (i64, off, ptr) => i64.atomic.load8_u(off, ptr),
  2: (i64, off, ptr) => i64.atomic.load16_u(off, ptr),
  4: (i64, off, ptr) => i64.atomic.load32_u(off, ptr),
  8: (i64, off, ptr) => i64.atomic.load(off, ptr),
};

// biome-ignore format: table
const ATOMIC_STORES: Record<Size, (i64: Module["i64"], off: number, ptr: Expr, value: Expr) => Expr> = {
  1: (i64, off, ptr, value) => i64.atomic.store8(off, ptr, value),
  2: (i64, off, ptr, value) => i64.atomic.store16(off, ptr, value),
  4: (i64, off, ptr, value) => i64.atomic.store32(off, ptr, value),
  8: (i64, off, ptr, value) => i64.atomic.store(off, ptr, value),
};

type Lower = () => void;

/** Statements that `lower` adds. */
function capture(fn: Fn, lower: Lower): Expr {
  const outer = fn.out;
  fn.out = [];
  lower();
  const block = fn.m.block(null, fn.out, fn.env.b.none);
  fn.out = outer;
  return block;
}

/** The shared form where it is needed and possible. */
function choose(fn: Fn, insn: AccessInsn, shared: Lower, plain: Lower): void {
  if (fn.env.options.concurrency !== "shared") return plain();
  if (fn.env.aux?.[insn.pc]?.access?.kinds.includes("mem") !== true) return shared();
  const { i32 } = fn.m;
  const low = i32.and(i32.add(fn.get32(insn.base), i32.const(insn.off)), i32.const(insn.size - 1));
  fn.push(fn.m.if(i32.eqz(low), capture(fn, shared), capture(fn, plain)));
}

export function lowerAtomic(fn: Fn, insn: InsnOf<"atomic">): void {
  lowerCheck(fn, insn);
  const { op } = insn;
  const isCmpxchg = op === "cmpxchg";
  choose(
    fn,
    insn,
    () => (isCmpxchg ? sharedCmpxchg(fn, insn) : sharedRmw(fn, insn, op)),
    () => (isCmpxchg ? plainCmpxchg(fn, insn) : plainRmw(fn, insn, op)),
  );
}

function sharedRmw(fn: Fn, insn: InsnOf<"atomic">, op: Rmw): void {
  const { i64 } = fn.m;
  const { ptr, off } = placeOf(fn, insn);
  const rmw = insn.size === 8 ? i64.atomic.rmw : i64.atomic.rmw32_u;
  const old = fn.mark(rmw[op](off, ptr(), fn.get(insn.src)), insn.pc);
  if (insn.fetch) fn.set(insn.src, old);
  else fn.push(fn.m.drop(old));
}

function plainRmw(fn: Fn, insn: InsnOf<"atomic">, op: Rmw): void {
  const { i64 } = fn.m;
  const { ptr, off } = placeOf(fn, insn);
  fn.push(fn.setTemp("old", "i64", fn.mark(LOADS[insn.size].zero(i64, off, ptr()), insn.pc)));
  const next = PLAIN[op](i64, fn.getTemp("old", "i64"), fn.get(insn.src));
  fn.push(fn.mark(STORES[insn.size](i64, off, ptr(), next), insn.pc));
  if (insn.fetch) fn.set(insn.src, fn.getTemp("old", "i64"));
}

/** r0 as the size of the access sees it. */
function expected(fn: Fn, size: 4 | 8): Expr {
  return size === 8 ? fn.get(0) : fn.m.i64.extend_u(fn.get32(0));
}

function sharedCmpxchg(fn: Fn, insn: InsnOf<"atomic">): void {
  const { i64 } = fn.m;
  const { ptr, off } = placeOf(fn, insn);
  const rmw = insn.size === 8 ? i64.atomic.rmw : i64.atomic.rmw32_u;
  fn.set(0, fn.mark(rmw.cmpxchg(off, ptr(), expected(fn, insn.size), fn.get(insn.src)), insn.pc));
}

function plainCmpxchg(fn: Fn, insn: InsnOf<"atomic">): void {
  const { m } = fn;
  const { ptr, off } = placeOf(fn, insn);
  const old = (): Expr => fn.getTemp("old", "i64");
  fn.push(fn.setTemp("old", "i64", fn.mark(LOADS[insn.size].zero(m.i64, off, ptr()), insn.pc)));
  const store = fn.mark(STORES[insn.size](m.i64, off, ptr(), fn.get(insn.src)), insn.pc);
  fn.push(m.if(m.i64.eq(old(), expected(fn, insn.size)), store));
  fn.set(0, old());
}

export function lowerLoadAcquire(fn: Fn, insn: InsnOf<"load_acquire">): void {
  lowerCheck(fn, insn);
  const { ptr, off } = placeOf(fn, insn);
  const by = (load: (typeof ATOMIC_LOADS)[Size]) => (): void =>
    fn.set(insn.dst, fn.mark(load(fn.m.i64, off, ptr()), insn.pc));
  choose(fn, insn, by(ATOMIC_LOADS[insn.size]), by(LOADS[insn.size].zero));
}

export function lowerStoreRelease(fn: Fn, insn: InsnOf<"store_release">): void {
  lowerCheck(fn, insn);
  const { ptr, off } = placeOf(fn, insn);
  const by = (store: (typeof ATOMIC_STORES)[Size]) => (): void =>
    fn.push(fn.mark(store(fn.m.i64, off, ptr(), fn.get(insn.src)), insn.pc));
  choose(fn, insn, by(ATOMIC_STORES[insn.size]), by(STORES[insn.size]));
}
