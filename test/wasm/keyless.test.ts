// Queue, stack and bloom filter beside a model, and the errnos of Linux 6.18.
import { describe, expect, it } from "vitest";
import { BPF_EXIST, BPF_NOEXIST } from "../../runtime/map/bpf_map.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { Rng } from "../harness/random_builder.ts";
import { hex, TestWorld, u32 } from "./world.ts";

const ENOENT = -2n;
const E2BIG = -7n;
const EINVAL = -22n;
const EOPNOTSUPP = -95n;

function codeOf(body: () => unknown): string {
  try {
    body();
    return "";
  } catch (error) {
    if (error instanceof BpfError) return error.code;
    throw error;
  }
}

describe.each(["queue", "stack"] as const)("%s", (type) => {
  const shape = { type, keySize: 0, valueSize: 12, maxEntries: 5 };
  const value = (n: number) => Uint8Array.from({ length: 12 }, (_, i) => n + i);

  it("does what a list does, over many random operations", () => {
    const w = new TestWorld();
    const map = w.map(shape);
    const rng = new Rng(7);
    const model: Uint8Array[] = [];
    const next = () => (type === "queue" ? model[0] : model.at(-1));
    for (let i = 0; i < 5000; i++) {
      const v = value(rng.below(200));
      const at = w.put(v);
      const out = w.put(value(1));
      switch (rng.below(5)) {
        case 0:
        case 1: {
          const full = model.length === 5;
          expect(w.call("map_push_elem", [map.addr, at, 0])).toBe(full ? E2BIG : 0n);
          if (!full) model.push(v);
          break;
        }
        case 2:
          expect(w.call("map_push_elem", [map.addr, at, BPF_EXIST])).toBe(0n);
          if (model.length === 5) model.shift();
          model.push(v);
          break;
        case 3: {
          const want = type === "queue" ? model.shift() : model.pop();
          expect(w.call("map_pop_elem", [map.addr, out])).toBe(want === undefined ? ENOENT : 0n);
          expect(hex(w.bytes.slice(out, out + 12))).toBe(hex(want ?? new Uint8Array(12)));
          break;
        }
        default:
          expect(w.call("map_peek_elem", [map.addr, out])).toBe(model.length === 0 ? ENOENT : 0n);
          expect(hex(w.bytes.slice(out, out + 12))).toBe(hex(next() ?? new Uint8Array(12)));
      }
      const want = type === "queue" ? model : model.toReversed();
      expect(map.values().map(hex)).toEqual(want.map(hex));
      expect(map.size).toBe(model.length);
    }
  });

  it("refuses other flags, and keys", () => {
    const w = new TestWorld();
    const map = w.map(shape);
    for (const flags of [BPF_NOEXIST, 3, 4, 1n << 32n])
      expect(w.call("map_push_elem", [map.addr, w.put(value(1)), flags])).toBe(EINVAL);
    expect(codeOf(() => map.nextKey())).toBe("EOPNOTSUPP");
    expect([...map.entries()]).toEqual([]);
    expect(codeOf(() => map.push(new Uint8Array(4)))).toBe("EINVAL");
    expect(map.peek()).toBeUndefined();
    map.push(value(3));
    map.freeze();
    expect(codeOf(() => map.pop())).toBe("EPERM");
    expect(hex(map.peek() ?? new Uint8Array())).toBe(hex(value(3)));
  });
});

describe("bloom filter", () => {
  it.each([0n, 1n, 5n, 15n])(
    "finds all that was pushed, with %s hash functions, and little else",
    (mapExtra) => {
      const w = new TestWorld();
      const map = w.map({ type: "bloom_filter", keySize: 0, valueSize: 7, maxEntries: 1000, mapExtra });
      const value = (n: number) => {
        const bytes = new Uint8Array(7);
        bytes.set(u32(n), 2);
        return bytes;
      };
      for (let n = 0; n < 1000; n++) map.push(value(n));
      for (let n = 0; n < 1000; n++) expect(map.mayContain(value(n))).toBe(true);
      let wrong = 0;
      for (let n = 1000; n < 11000; n++) wrong += Number(map.mayContain(value(n)));
      expect(wrong).toBeLessThan(mapExtra === 1n ? 6000 : 1500);
      expect(wrong).toBeGreaterThan(mapExtra === 15n ? -1 : 0);
    },
  );

  it("gives the kernel's errnos", () => {
    const w = new TestWorld();
    const map = w.map({ type: "bloom_filter", keySize: 0, valueSize: 4, maxEntries: 4 });
    const at = w.put(u32(1));
    expect(w.call("map_peek_elem", [map.addr, at])).toBe(ENOENT);
    expect(w.call("map_push_elem", [map.addr, at, BPF_EXIST])).toBe(EINVAL);
    expect(w.call("map_push_elem", [map.addr, at, 0])).toBe(0n);
    expect(w.call("map_peek_elem", [map.addr, at])).toBe(0n);
    expect(w.call("map_pop_elem", [map.addr, at])).toBe(EOPNOTSUPP);
    expect(codeOf(() => map.pop())).toBe("EOPNOTSUPP");
  });
});
