// Where two states are looked at first must not change whether they are equal.
import { expect, it } from "vitest";
import { Scalar } from "../../src/verifier/scalar/scalar.ts";
import { MAIN_CALLSITE, newFrame, VerifierState } from "../../src/verifier/state/state.ts";
import { immReg, RegState, UNKNOWN } from "../../src/verifier/state/regs.ts";
import { statesEqual } from "../../src/verifier/prune/states_equal.ts";
import { prepare } from "../../src/verifier/verify.ts";
import { prog } from "./harness.ts";

// all ten registers may still be read at the first insn
const ENV = prepare(
  prog(Array.from({ length: 10 }, (_, i) => `if r${i} == 0 goto out`).join("\n") + "\nout: exit"),
  {},
);

const linked = (id: number): RegState => new RegState("scalar", 0, Scalar.unknown, id, 0, 0);

function state(...regs: RegState[]): VerifierState {
  const frame = newFrame(0, 0, MAIN_CALLSITE);
  for (let i = 0; i < 10; i++) frame.regs[i] = regs[i] ?? immReg(0);
  return new VerifierState([frame]);
}

/** Whether the older state covers the other, for every place to begin with. */
function verdicts(old: VerifierState, cur: VerifierState): Set<boolean> {
  return new Set(
    Array.from({ length: 11 }, (_, regno) => {
      ENV.differed[0] = regno;
      return statesEqual(ENV, old, cur, 0, "whole");
    }),
  );
}

const cases: [what: string, old: VerifierState, cur: VerifierState, equal: boolean][] = [
  ["a number that shared something covers one that shares nothing", state(linked(5)), state(UNKNOWN), true],
  [
    "two that were one are not two that share nothing",
    state(linked(5), linked(5)),
    state(UNKNOWN, UNKNOWN),
    false,
  ],
  ["two that were one are two that are one", state(linked(5), linked(5)), state(linked(7), linked(7)), true],
  ["two that were two are not one", state(linked(5), linked(6)), state(linked(7), linked(7)), false],
  ["the last register counts", state(...Array(9).fill(immReg(0)), immReg(1)), state(), false],
];

it.each(cases)("%s", (_, old, cur, equal) => expect(verdicts(old, cur)).toEqual(new Set([equal])));
