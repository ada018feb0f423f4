// LPM_TRIE against a plain model, and what it keeps of a key.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CALLS, codeOf, keyOf, fmt, contents, runCalls } from "./map_model.ts";
import { TestWorld, hex, u32 } from "./world.ts";

describe("lpm_trie", () => {
  const shape = { type: "lpm_trie", flags: 1, valueSize: 4 } as const;

  it.each([5, 6, 8, 20, 36])("exact operations follow the model, key size %i", (keySize) => {
    const world = new TestWorld({ pages: 64 });
    fc.assert(
      fc.property(CALLS, (calls) => {
        const map = world.map({ ...shape, keySize });
        // full-length prefixes: exact and longest match are the same
        runCalls(map, calls, (n) => Uint8Array.from([...u32((keySize - 4) * 8), ...keyOf(n, keySize - 4)]));
      }),
      { numRuns: 40 },
    );
  });

  const bitsMatch = (a: readonly number[], b: readonly number[], n: number): boolean =>
    Array.from({ length: n }, (_, i) => (((a[i >> 3] ?? 0) ^ (b[i >> 3] ?? 0)) >> (7 - (i & 7))) & 1).every(
      (d) => d === 0,
    );

  it.each([1, 4, 16])("finds the longest prefix, %i bytes of data", (size) => {
    const data = fc.array(fc.constantFrom(0, 1, 0x80, 0xff, 0x7f), { minLength: size, maxLength: size });
    const prefix = fc.record({ len: fc.nat(size * 8), data });
    const world = new TestWorld({ pages: 64 });
    fc.assert(
      fc.property(
        fc.array(prefix, { maxLength: 24 }),
        fc.array(prefix, { minLength: 1, maxLength: 20 }),
        (stored, asked) => {
          const map = world.map({ ...shape, keySize: 4 + size, maxEntries: 64 });
          stored.forEach((p, i) => map.update(Uint8Array.from([...u32(p.len), ...p.data]), u32(i)));
          for (const key of asked) {
            // a lookup matches prefixes no longer than its own; of equal ones the last written holds
            let best = -1;
            stored.forEach((p, i) => {
              if (p.len <= key.len && bitsMatch(p.data, key.data, p.len) && p.len >= (stored[best]?.len ?? 0))
                best = i;
            });
            const got = map.lookup(Uint8Array.from([...u32(key.len), ...key.data]));
            expect(fmt(got)).toBe(best < 0 ? undefined : hex(u32(best)));
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it("keeps the key as stored, refuses prefixes that are too long", () => {
    const map = new TestWorld().map({ ...shape, keySize: 8 });
    const key = (len: number, ...ip: number[]): Uint8Array => Uint8Array.from([...u32(len), ...ip]);
    map.update(key(8, 10, 1, 2, 3), u32(1));
    expect(contents(map)).toEqual({ "080000000a010203": "01000000" });
    map.update(key(8, 10, 9, 9, 9), u32(2));
    expect(contents(map)).toEqual({ "080000000a090909": "02000000" });
    expect(codeOf(() => map.update(key(33, 10, 0, 0, 0), u32(1)))).toBe("EINVAL");
    expect(codeOf(() => map.delete(key(33, 10, 0, 0, 0)))).toBe("EINVAL");
    expect(map.lookup(key(33, 10, 0, 0, 0))).toBeUndefined();
    expect(map.lookup(key(32, 10, 0, 0, 1))).toEqual(u32(2));
    expect(map.lookup(key(7, 10, 0, 0, 1))).toBeUndefined();
    expect(map.delete(key(8, 10, 0, 0, 0))).toBe(true);
    expect(map.size).toBe(0);
  });
});
