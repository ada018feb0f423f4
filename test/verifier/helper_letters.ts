// Who may call a helper, in one letter: what is said of a call with nothing but a context, before any argument counts.
import type { Insn } from "../../src/isa/insn.ts";

export const LAST_HELPER = 211;

const LETTERS: readonly (readonly [RegExp, string])[] = [
  [/^program of this type cannot use helper/, "-"],
  [/^helper call is not allowed in probe/, "p"],
  [/^helper call might sleep in a non-sleepable prog/, "s"],
  [/not supported for program type|supported only for/, "n"],
];
const GPL = /^cannot call GPL-restricted function/;

/** `words` of a program under the GPL, `other` of the same under a licence that is not compatible. */
export function letterOf(words: string, other: string): string {
  const letter = LETTERS.find(([re]) => re.test(words))?.[1] ?? "a";
  return GPL.test(other) ? letter.toUpperCase() : letter;
}

/** A call with what a program begins with. */
export function bareCall(id: number): Insn[] {
  return [
    { kind: "call", pc: 0, callee: { kind: "helper", id } },
    {
      kind: "alu",
      pc: 1,
      op: "mov",
      width: 64,
      dst: 0,
      src: { kind: "imm", imm: 1 },
      signed: false,
    },
    { kind: "exit", pc: 2 },
  ];
}
