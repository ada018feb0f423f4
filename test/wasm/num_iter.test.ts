// Number iterators of the library by themselves: random ends against a few lines of arithmetic.
import { expect, it } from "vitest";
import { Rng } from "../harness/random_builder.ts";
import { TestWorld } from "./world.ts";

const MAX_LOOPS = 1 << 23;
const EINVAL = 0xffff_ffean;
const E2BIG = 0xffff_fff9n;

function model(start: number, end: number, asked: number): { made: bigint; numbers: (number | undefined)[] } {
  const made = start > end ? EINVAL : end - start > MAX_LOOPS ? E2BIG : 0n;
  const first = made === 0n ? start : end;
  return {
    made,
    numbers: Array.from({ length: asked }, (_, i) => (first + i < end ? first + i : undefined)),
  };
}

it("gives the numbers between its ends, then nothing", () => {
  const w = new TestWorld();
  const it = w.alloc(8);
  const rng = new Rng(5);
  const edges = [-(2 ** 31), 2 ** 31 - 1, 0, -1, 1, MAX_LOOPS, -MAX_LOOPS, MAX_LOOPS + 1];
  const end = (near: number): number => {
    const far = rng.chance(30) ? (edges[rng.below(edges.length)] as number) : near + rng.below(9) - 3;
    return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, far));
  };
  for (let i = 0; i < 5000; i++) {
    const from = end(edges[rng.below(edges.length)] as number);
    const until = end(from);
    const want = model(from, until, 12);
    expect(w.call("iter_num_new", [it, BigInt(from), BigInt(until)]), `${from} to ${until}`).toBe(want.made);
    const have = want.numbers.map(() => {
      const at = Number(w.call("iter_num_next", [it]));
      return at === 0 ? undefined : w.view.getInt32(at, true);
    });
    expect(have, `${from} to ${until}`).toEqual(want.numbers);
    w.call("iter_num_destroy", [it]);
    expect(w.view.getBigUint64(it, true)).toBe(0n);
    expect(w.call("iter_num_next", [it])).toBe(0n);
  }
});
