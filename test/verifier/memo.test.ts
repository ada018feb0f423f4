// A remembered result is that of the very two numbers at that insn, and of no others.
import { expect, it } from "vitest";
import { Scalar } from "../../src/verifier/scalar/scalar.ts";
import { Memo } from "../../src/verifier/state/memo.ts";

it("gives back what was made of the same numbers at the same insn only", () => {
  const memo = new Memo<Scalar, Scalar, string>(3);
  const [one, two, three] = [1, 2, 3].map((n) => Scalar.ofImm(n)) as [Scalar, Scalar, Scalar];
  expect(memo.get(1, one, two)).toBeUndefined();
  expect(memo.set(1, one, two, "sum")).toBe("sum");
  expect(memo.get(1, one, two)).toBe("sum");
  expect(memo.get(1, one, three)).toBeUndefined();
  expect(memo.get(1, three, two)).toBeUndefined();
  expect(memo.get(2, one, two)).toBeUndefined();
  memo.set(1, one, three, "later");
  expect(memo.get(1, one, two)).toBeUndefined();
});
