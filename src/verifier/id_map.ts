// Ids of two states that stand for each other: the same pattern, whatever the numbers. Used again for each comparison.

export class IdMap {
  private readonly old: number[] = [];
  private readonly cur: number[] = [];
  private size = 0;
  private temp = 0;

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
