// What came of two values the last time an insn met them. Paths that fork meet the same ones again and again, and
// numbers and registers are immutable: the very same two give the very same result. Knows nothing of what is computed.

/** One result an insn. */
export class Memo<L, R, T> {
  private readonly left: (L | undefined)[];
  private readonly right: (R | undefined)[];
  private readonly results: (T | undefined)[];

  constructor(insns: number) {
    this.left = new Array(insns).fill(undefined);
    this.right = new Array(insns).fill(undefined);
    this.results = new Array(insns).fill(undefined);
  }

  get(pc: number, left: L, right: R): T | undefined {
    return this.left[pc] === left && this.right[pc] === right ? this.results[pc] : undefined;
  }

  clear(): void {
    this.left.fill(undefined);
    this.right.fill(undefined);
    this.results.fill(undefined);
  }

  /** Returns the result. */
  set(pc: number, left: L, right: R, result: T): T {
    this.left[pc] = left;
    this.right[pc] = right;
    this.results[pc] = result;
    return result;
  }
}
