// What the generator of random programs believes about registers and stack: rough, so that what it makes is
// plausible. It is no verifier: programs it gets wrong are refused, and that is wanted now and then.
import type { RegNo } from "../../src/isa/insn.ts";

/** `max`: a small upper bound, if one is known. `range`: bytes behind the pointer that are proven. */
export type Val =
  | { readonly t: "none" }
  | { readonly t: "scalar"; readonly max?: number }
  | { readonly t: "ctx" }
  | { readonly t: "pkt"; readonly range: number }
  | { readonly t: "end" }
  | { readonly t: "fp"; readonly off: number }
  | { readonly t: "value"; readonly map: number; readonly size: number };

export const NONE: Val = { t: "none" };
export const SCALAR: Val = { t: "scalar" };
export const bounded = (max: number): Val => ({ t: "scalar", max });

/** Eight bytes of stack: which are written, and what was spilled there whole. */
export interface Slot {
  readonly mask: number;
  readonly val: Val;
}

export const REGS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const satisfies readonly RegNo[];

export class State {
  constructor(
    readonly regs: Map<RegNo, Val> = new Map(),
    readonly stack: Map<number, Slot> = new Map(),
  ) {}

  get(regno: RegNo): Val {
    return this.regs.get(regno) ?? NONE;
  }

  set(regno: RegNo, val: Val): void {
    this.regs.set(regno, val);
  }

  clone(): State {
    return new State(new Map(this.regs), new Map(this.stack));
  }

  /** Registers of one kind. */
  of(t: Val["t"], among: readonly RegNo[] = REGS): RegNo[] {
    return among.filter((regno) => this.get(regno).t === t);
  }

  /** After a call. */
  clobber(): void {
    for (const regno of [1, 2, 3, 4, 5] as const) this.set(regno, NONE);
  }

  dropPackets(): void {
    const gone = ({ t }: Val): boolean => t === "pkt" || t === "end";
    for (const [regno, val] of this.regs) if (gone(val)) this.regs.set(regno, NONE);
    for (const [off, slot] of this.stack) if (gone(slot.val)) this.stack.delete(off);
  }

  write(off: number, size: number, val: Val): void {
    const base = Math.floor(off / 8) * 8;
    const mask = ((1 << size) - 1) << (off - base);
    const old = this.stack.get(base) ?? { mask: 0, val: SCALAR };
    if (size < 8 && old.val.t !== "scalar") this.stack.set(base, { mask: 0xff, val: SCALAR });
    else this.stack.set(base, { mask: old.mask | mask, val: size === 8 ? val : SCALAR });
  }

  /** Whether `size` bytes from `off` on are written with data. */
  isData(off: number, size: number): boolean {
    for (let at = off; at < off + size; at++) {
      const base = Math.floor(at / 8) * 8;
      const slot = this.stack.get(base);
      if (slot === undefined || slot.val.t !== "scalar" || (slot.mask & (1 << (at - base))) === 0)
        return false;
    }
    return true;
  }

  /** What holds whichever of two ways was taken. */
  meet(other: State): void {
    for (const regno of REGS) this.set(regno, meet(this.get(regno), other.get(regno)));
    for (const [off, slot] of this.stack) {
      const theirs = other.stack.get(off);
      if (theirs === undefined) this.stack.delete(off);
      else {
        const val = meet(slot.val, theirs.val);
        if (val.t === "none") this.stack.delete(off);
        else this.stack.set(off, { mask: slot.mask & theirs.mask, val });
      }
    }
  }

  assign(other: State): void {
    this.regs.clear();
    for (const [regno, val] of other.regs) this.regs.set(regno, val);
    this.stack.clear();
    for (const [off, slot] of other.stack) this.stack.set(off, slot);
  }
}

function meet(a: Val, b: Val): Val {
  if (a.t === "scalar" && b.t === "scalar") {
    return a.max === undefined || b.max === undefined ? SCALAR : bounded(Math.max(a.max, b.max));
  }
  if (a.t === "pkt" && b.t === "pkt") return { t: "pkt", range: Math.min(a.range, b.range) };
  if (a.t === "fp" && b.t === "fp") return a.off === b.off ? a : NONE;
  if (a.t === "value" && b.t === "value") return a.map === b.map && a.size === b.size ? a : NONE;
  return a.t === b.t ? a : NONE;
}
