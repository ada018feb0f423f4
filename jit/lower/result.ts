// Insns that a plan lowers another way, see ../opt/plan.ts: wide loads and their uses, constants, what is left out.
import type { Insn } from "../../src/isa/insn.ts";
import type { WideLoad } from "../opt/loads.ts";
import { swap32Of, swap64Of } from "./alu.ts";
import { lowerCheck } from "./check.ts";
import type { Expr, Fn } from "./fn.ts";
import { LOADS, placeOf } from "./mem.ts";
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

function loaded(fn: Fn, load: WideLoad): Expr {
  const value = (): Expr => fn.getTemp(localOf(load), "i64");
  if (!load.swapped) return value();
  return load.size === 4
    ? fn.m.i64.extend_u(swap32Of(fn, () => fn.m.i32.wrap(value())))
    : swap64Of(fn, value);
}

/** True if the insn is done with: nobody needs it, or its result comes from elsewhere. */
export function lowerPlanned(fn: Fn, insn: Insn): boolean {
  const { results, dead } = fn.plan;
  const result = results.get(insn.pc);
  if (result === undefined && !dead.has(insn.pc)) return false;
  if (isAccess(insn)) lowerCheck(fn, insn);
  if (result !== undefined && !dead.has(insn.pc) && "dst" in insn) {
    fn.set(insn.dst, result.kind === "const" ? fn.u64(result.value) : loaded(fn, result.load));
  }
  return true;
}
