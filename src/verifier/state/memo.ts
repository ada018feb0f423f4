// What came of two numbers the last time an insn met them. Paths that fork meet the same ones again and again, and
// numbers are immutable: the very same two give the very same result. Knows nothing of what is computed.
import type { Scalar } from "../scalar/scalar.ts";

/** One result an insn. */
export class Memo<T> {
  private readonly left: (Scalar | undefined)[];
  private readonly right: (Scalar | undefined)[];
  private readonly results: (T | undefined)[];

  constructor(insns: number) {
    this.left = new Array(insns).fill(undefined);
    this.right = new Array(insns).fill(undefined);
    this.results = new Array(insns).fill(undefined);
  }

  get(pc: number, left: Scalar, right: Scalar): T | undefined {
    return this.left[pc] === left && this.right[pc] === right ? this.results[pc] : undefined;
  }

  clear(): void {
    this.left.fill(undefined);
    this.right.fill(undefined);
    this.results.fill(undefined);
  }

  /** Returns the result. */
  set(pc: number, left: Scalar, right: Scalar, result: T): T {
    this.left[pc] = left;
    this.right[pc] = right;
    this.results[pc] = result;
    return result;
  }
}
