// Ids of two states that stand for each other: the same pattern, whatever the numbers. Used again for each comparison,
// of which it also says how much must be the same.

export class IdMap {
  private readonly old: number[] = [];
  private readonly cur: number[] = [];
  private size = 0;
  private temp = 0;
  /** masks of pointer arithmetic may differ where numbers do: those must be the same */
  exactNumbers = false;
  /** numbers matter though nothing is known to depend on them */
  allPrecise = false;
  /** stack that was never written may be read */
  uninitStack = true;

  /** No pairs; `temp` and below are in use. */
  restart(temp: number): this {
    this.size = 0;
    this.temp = temp;
    return this;
  }

  same(old: number, cur: number): boolean {
    if (old === 0 || cur === 0) return old === cur;
    for (let i = 0; i < this.size; i++) {
      if (this.old[i] === old) return this.cur[i] === cur;
      if (this.cur[i] === cur) return false;
    }
    this.old[this.size] = old;
    this.cur[this.size++] = cur;
    return true;
  }

  /** Scalars: what shared nothing before may share something now, not the other way round. */
  sameScalar(old: number, cur: number): boolean {
    return old === 0 || this.same(old, cur === 0 ? ++this.temp : cur);
  }
}
