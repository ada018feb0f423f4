// Which insns a search may pass over: none that could bring what it looks for from another register.
import { expect, it } from "vitest";
import type { Insn } from "../../src/isa/insn.ts";
import { UndoRows } from "../../src/verifier/precision/undo.ts";

const at = (pc: number, fields: object): Insn => ({ pc, ...fields }) as Insn;
const reg = (regno: number) => ({ kind: "reg", regno });

const rows = new UndoRows([
  at(0, { kind: "ld_abs", size: 4, imm: 0 }),
  at(1, { kind: "jmp", op: "jeq", width: 64, dst: 1, src: reg(2), target: 3 }),
  at(2, { kind: "alu", op: "mov", width: 64, dst: 3, src: reg(4) }),
  at(3, { kind: "alu", op: "add", width: 64, dst: 5, src: { kind: "imm", imm: 1 } }),
  at(4, { kind: "st", size: 8, base: 6, off: 0, src: reg(7) }),
]);

/** The registers for which undoing the insn matters. */
function mattersFor(pc: number): number[] {
  return Array.from({ length: 10 }, (_, i) => i).filter((i) => rows.matters(pc, 1 << i));
}

it("both sides of a comparison, what a move sets, the base of a store matter; a constant added does not", () => {
  expect(mattersFor(1)).toEqual([1, 2]);
  expect(mattersFor(2)).toEqual([3]);
  expect(mattersFor(3)).toEqual([]);
  expect(mattersFor(4)).toEqual([6]);
});

it("what is rare matters whatever is wanted", () => {
  expect(rows.matters(0, 0)).toBe(true);
});

it("passes over what does not matter, down to the insn where it must stop", () => {
  expect(rows.skipTo(4, 0, 1 << 2)).toBe(1);
  expect(rows.skipTo(4, 0, 1 << 9)).toBe(0);
  expect(rows.skipTo(4, 3, 1 << 9)).toBe(3);
  expect(rows.skipTo(3, 0, 1 << 3)).toBe(2);
});
