// Insns that a plan lowers another way, see ../opt/plan.ts: wide loads and their uses, constants, what is left out.
import type { Insn, InsnOf, Size } from "../../src/isa/insn.ts";
import type { WideLoad } from "../opt/loads.ts";
import type { Kept } from "../opt/plan.ts";
import type { WideStore } from "../opt/stores.ts";
import { swap32Of, swap64Of } from "./alu.ts";
import { lowerCheck } from "./check.ts";
import type { Expr, Fn } from "./fn.ts";
import { LOADS, placeOf, STORES } from "./mem.ts";
import { isAccess } from "./stack.ts";

function localOf({ pc, off, size }: WideLoad): string {
  return `wide${pc}.${off}.${size}`;
}

/** Before an insn: the wide loads that are done at it. */
export function lowerWideLoads(fn: Fn, insn: Insn): void {
  if (insn.kind !== "ldx") return;
  for (const load of fn.plan.wide.get(insn.pc) ?? []) {
    const { ptr, off } = placeOf(fn, { base: insn.base, off: load.off });
    const value = fn.mark(LOADS[load.size].zero(fn.m.i64, off, ptr()), insn.pc);
    fn.push(fn.setTemp(localOf(load), "i64", value));
  }
}

function swapped(fn: Fn, value: () => Expr, size: Size): Expr {
  return size === 4 ? fn.m.i64.extend_u(swap32Of(fn, () => fn.m.i32.wrap(value()))) : swap64Of(fn, value);
}

function loaded(fn: Fn, load: WideLoad): Expr {
  const value = (): Expr => fn.getTemp(localOf(load), "i64");
  return load.swapped ? swapped(fn, value, load.size) : value();
}

/** Keeps values that wide stores need later. */
export function keepValues(fn: Fn, insn: Insn, when: Kept["when"]): void {
  for (const kept of fn.plan.kept.get(insn.pc) ?? []) {
    if (kept.when === when) fn.push(fn.setTemp(kept.name, "i64", fn.get(kept.regno)));
  }
}

function stored(fn: Fn, { source, size }: WideStore): Expr {
  if (source.kind === "const") return fn.u64(source.value);
  if (source.kind === "wide") return loaded(fn, source.load);
  const value = (): Expr => {
    const held = fn.getTemp(source.name, "i64");
    return source.from === 0 ? held : fn.m.i64.shr_u(held, fn.imm64(source.from * 8));
  };
  return source.swapped ? swapped(fn, value, size) : value();
}

function lowerWideStores(fn: Fn, insn: InsnOf<"st">): void {
  for (const store of fn.plan.stores.get(insn.pc) ?? []) {
    const { ptr, off } = placeOf(fn, { base: insn.base, off: store.off });
    fn.push(fn.mark(STORES[store.size](fn.m.i64, off, ptr(), stored(fn, store)), insn.pc));
  }
}

/** True if the insn is done with: nobody needs it, or its result comes from elsewhere. */
export function lowerPlanned(fn: Fn, insn: Insn): boolean {
  const { results, dead, joined } = fn.plan;
  if (insn.kind === "st" && joined.has(insn.pc)) {
    lowerCheck(fn, insn);
    lowerWideStores(fn, insn);
    return true;
  }
  const result = results.get(insn.pc);
  if (result === undefined && !dead.has(insn.pc)) return false;
  if (isAccess(insn)) lowerCheck(fn, insn);
  if (result !== undefined && !dead.has(insn.pc) && "dst" in insn) {
    fn.set(insn.dst, result.kind === "const" ? fn.u64(result.value) : loaded(fn, result.load));
  }
  return true;
}
