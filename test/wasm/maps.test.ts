// Each map type against a plain JavaScript model: random call sequences give the same results and the same contents.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type MapShape } from "../../runtime/map/map_layout.ts";
import { BPF_ANY, BPF_EXIST, BPF_NOEXIST, type BpfMap, type MapValue } from "../../runtime/map/bpf_map.ts";
import { BpfError } from "../../src/spec/errors.ts";
import * as L from "../../runtime/memory/layout.ts";
import { checkPool } from "./check_pool.ts";
import { TestWorld, hex, u32 } from "./world.ts";

type Call =
  | { readonly op: "update"; readonly key: number; readonly value: number; readonly flags: number }
  | { readonly op: "delete" | "lookup"; readonly key: number };

const CALLS = fc.array(
  fc.oneof(
    fc.record({
      op: fc.constant("update" as const),
      key: fc.nat(15),
      value: fc.nat(255),
      flags: fc.constantFrom(BPF_ANY, BPF_ANY, BPF_NOEXIST, BPF_EXIST, 3, 4, 8),
    }),
    fc.record({ op: fc.constantFrom("delete" as const, "lookup" as const), key: fc.nat(15) }),
  ),
  { maxLength: 120 },
);

function codeOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (e) {
    if (e instanceof BpfError) return e.code;
    throw e;
  }
}

/** What the kernel does, in the simplest words. */
class Model {
  readonly entries = new Map<string, string>();
  constructor(
    readonly most: number,
    readonly full: string,
  ) {}

  update(key: string, value: string, flags: number): unknown {
    if (flags > BPF_EXIST) return "EINVAL";
    const there = this.entries.has(key);
    if (there && flags === BPF_NOEXIST) return "EEXIST";
    if (!there && flags === BPF_EXIST) return "ENOENT";
    if (!there && this.entries.size === this.most) return this.full;
    this.entries.set(key, value);
    return undefined;
  }
}

interface Row extends Partial<MapShape> {
  readonly ncpus?: number;
}

const KEY_SIZES = [1, 3, 4, 5, 8, 11, 12, 16, 24, 37];

function keyOf(n: number, size: number): Uint8Array {
  if (size === 1) return Uint8Array.of(n);
  // they differ in the first byte and in the last
  const key = new Uint8Array(size).fill(0xaa);
  key[0] = n >> 3;
  key[size - 1] = n & 7;
  return key;
}

function valueOf(map: BpfMap, n: number): MapValue {
  const one = (cpu: number): Uint8Array => new Uint8Array(map.shape.valueSize).fill((n + cpu) & 255);
  return map.perCpu ? Array.from({ length: map.ncpus }, (_, cpu) => one(cpu)) : one(0);
}

function fmt(value: MapValue | undefined): string | undefined {
  return value === undefined
    ? undefined
    : value instanceof Uint8Array
      ? hex(value)
      : value.map(hex).join(",");
}

function contents(map: BpfMap): Record<string, string | undefined> {
  return Object.fromEntries([...map.entries()].map(([k, v]) => [hex(k), fmt(v)]));
}

function runCalls(map: BpfMap, calls: readonly Call[], key: (n: number) => Uint8Array): void {
  const model = new Model(map.shape.maxEntries, map.shape.type === "lpm_trie" ? "ENOSPC" : "E2BIG");
  for (const call of calls) {
    const k = key(call.key);
    if (call.op === "update") {
      const value = valueOf(map, call.value);
      expect(codeOf(() => map.update(k, value, call.flags))).toBe(
        model.update(hex(k), fmt(value) ?? "", call.flags),
      );
    } else if (call.op === "delete") {
      expect(map.delete(k)).toBe(model.entries.delete(hex(k)));
    } else {
      expect(fmt(map.lookup(k))).toBe(model.entries.get(hex(k)));
    }
    expect(map.size).toBe(model.entries.size);
  }
  expect(contents(map)).toEqual(Object.fromEntries(model.entries));
  const walked: string[] = [];
  for (let k = map.nextKey(); k !== undefined; k = map.nextKey(k)) walked.push(hex(k));
  expect(walked.sort()).toEqual([...model.entries.keys()].sort());
  checkPool(map);
}

const HASHES: readonly Row[] = [
  ...KEY_SIZES.map((keySize) => ({ type: "hash" as const, keySize })),
  { type: "hash", maxEntries: 1 },
  { type: "hash", valueSize: 1 },
  { type: "hash", keySize: 16, valueSize: 1000 },
  { type: "percpu_hash", valueSize: 12, ncpus: 3 },
  { type: "percpu_hash", valueSize: 8, ncpus: 1 },
  { type: "devmap_hash", valueSize: 4 },
];

describe("hash maps follow the model", () => {
  it.each(HASHES)("$type key $keySize value $valueSize", ({ ncpus = 1, ...shape }) => {
    const world = new TestWorld({ ncpus, pages: 64 });
    fc.assert(
      fc.property(CALLS, (calls) => {
        const map = world.map(shape);
        const fit =
          shape.type === "devmap_hash"
            ? calls.map((c) => (c.op === "update" ? { ...c, value: c.value | 1 } : c))
            : calls;
        runCalls(map, fit, (n) => keyOf(n, map.shape.keySize));
      }),
      { numRuns: 40 },
    );
  });
});

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

describe("arrays", () => {
  const ROWS: readonly Row[] = [
    { type: "array", valueSize: 5 },
    { type: "array", valueSize: 4000 },
    { type: "percpu_array", valueSize: 12, ncpus: 3 },
    { type: "percpu_array", ncpus: 1 },
  ];
  it.each(ROWS)("$type value $valueSize", ({ ncpus = 1, ...shape }) => {
    const world = new TestWorld({ ncpus, pages: 64 });
    fc.assert(
      fc.property(CALLS, (calls) => {
        const map = world.map(shape);
        const model = new Map<number, string | undefined>();
        for (let i = 0; i < 8; i++) model.set(i, fmt(map.lookup(u32(i))));
        expect(model.get(3)).toMatch(/^[0,]+$/);
        for (const call of calls) {
          if (call.op === "update") {
            const value = valueOf(map, call.value);
            const unknown = call.flags !== 4 && call.flags > BPF_EXIST;
            const late = call.flags === 4 && (map.perCpu || call.key < 8);
            const want =
              unknown || late
                ? "EINVAL"
                : call.key >= 8
                  ? "E2BIG"
                  : call.flags === BPF_NOEXIST
                    ? "EEXIST"
                    : undefined;
            expect(codeOf(() => map.update(u32(call.key), value, call.flags))).toBe(want);
            if (want === undefined) model.set(call.key, fmt(value));
          } else if (call.op === "delete") {
            expect(codeOf(() => map.delete(u32(call.key)))).toBe("EINVAL");
          } else {
            expect(fmt(map.lookup(u32(call.key)))).toBe(model.get(call.key));
          }
        }
        expect([...map].map(([, v]) => fmt(v))).toEqual([...model.values()]);
      }),
      { numRuns: 20 },
    );
  });
});

describe("lru_hash", () => {
  it("never fails for want of room, keeps what was looked up", () => {
    const world = new TestWorld();
    const map = world.map({ type: "lru_hash", maxEntries: 64, valueSize: 4 });
    for (let i = 0; i < 64; i++) map.update(u32(i), u32(i));
    expect(map.size).toBe(64);
    const key = world.put(u32(0));
    for (let i = 0; i < 32; i++) {
      world.view.setUint32(key, i, true);
      expect(world.call("map_lookup_elem", [map.addr, key])).not.toBe(0n);
    }
    for (let i = 100; i < 132; i++) map.update(u32(i), u32(i));
    expect(map.size).toBe(64);
    for (let i = 0; i < 32; i++) expect(map.lookup(u32(i))).toEqual(u32(i));
    for (let i = 100; i < 132; i++) expect(map.lookup(u32(i))).toEqual(u32(i));
    expect(map.lookup(u32(40))).toBeUndefined();
    checkPool(map);
  });

  it.each([{ type: "lru_hash" } as const, { type: "lru_percpu_hash", ncpus: 2 } as const])(
    "$type: random calls, never more than max_entries",
    ({ type, ...w }) => {
      const world = new TestWorld({ ...w, pages: 64 });
      fc.assert(
        fc.property(fc.array(fc.tuple(fc.nat(30), fc.boolean()), { maxLength: 200 }), (calls) => {
          const map = world.map({ type, maxEntries: 7 });
          for (const [n, remove] of calls) {
            if (remove) map.delete(u32(n));
            else map.update(u32(n), valueOf(map, n));
            expect(fmt(map.lookup(u32(n)))).toBe(remove ? undefined : fmt(valueOf(map, n)));
            expect(map.size).toBeLessThanOrEqual(7);
          }
          for (const [k, v] of map) expect(fmt(v)).toBe(fmt(valueOf(map, k[0] ?? 0)));
          checkPool(map);
        }),
        { numRuns: 40 },
      );
    },
  );
});

describe("slots", () => {
  it("prog_array", () => {
    const map = new TestWorld().map({ type: "prog_array", valueSize: 4 });
    expect(map.lookup(u32(1))).toBeUndefined();
    map.update(u32(1), u32(7));
    expect(map.lookup(u32(1))).toEqual(u32(7));
    expect(contents(map)).toEqual({ "01000000": "07000000" });
    expect(codeOf(() => map.update(u32(8), u32(7)))).toBe("E2BIG");
    expect(codeOf(() => map.update(u32(1), u32(7), BPF_EXIST))).toBe("EINVAL");
    expect(map.delete(u32(1))).toBe(true);
    expect(map.delete(u32(1))).toBe(false);
  });

  it("devmap", () => {
    const map = new TestWorld().map({ type: "devmap", valueSize: 8 });
    expect(map.lookup(u32(2))).toBeUndefined();
    map.update(u32(2), Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0));
    expect(contents(map)).toEqual({ "02000000": "0500000000000000" });
    expect(codeOf(() => map.update(u32(2), new Uint8Array(8), BPF_NOEXIST))).toBe("EEXIST");
    expect(codeOf(() => map.update(u32(9), new Uint8Array(8)))).toBe("E2BIG");
    map.update(u32(2), new Uint8Array(8));
    expect(map.lookup(u32(2))).toBeUndefined();
  });
});

describe("the program's side", () => {
  const byWords = ["hash", "percpu_hash", "lru_hash", "lru_percpu_hash"].flatMap((type) =>
    [1, 2, 3, 4, 6, 7, 8, 9, 12, 13, 16].map((keySize) => ({ type: type as MapShape["type"], keySize })),
  );
  it.each([...byWords, { type: "lpm_trie" as const, keySize: 8 }])(
    "$type: a key of $keySize bytes is found by value as by address",
    ({ type, keySize }) => {
      const world = new TestWorld({ ncpus: 2 });
      const isLpm = type === "lpm_trie";
      const map = world.map({ type, keySize, valueSize: 8, maxEntries: 64 });
      const keys = Array.from({ length: 40 }, (_, i) => {
        const key = keySize === 1 ? Uint8Array.of(i) : keyOf(i, keySize);
        return isLpm ? Uint8Array.of(i, 0, 0, 0, ...key.subarray(4)) : key;
      });
      for (const key of keys.filter((_, i) => i % 2 === 0)) {
        if (!isLpm || key[0]! <= 32)
          world.call("map_update_elem", [map.addr, world.put(key), world.put(keys[1]!), 0]);
      }
      const words = keySize <= 8 ? 1 : 2;
      const lookup = world.lib[`${type}_lookup_words${words}`] as (
        map: number,
        ...rest: (bigint | number)[]
      ) => number;
      const found = keys.map((key) => {
        const padded = new DataView(new ArrayBuffer(16));
        new Uint8Array(padded.buffer).set(key);
        const [lo, hi] = [padded.getBigInt64(0, true), padded.getBigInt64(8, true)];
        const at = lookup(map.addr, ...(words === 1 ? [lo] : [lo, hi]), world.cpuBlock(1));
        const want = world.call("map_lookup_elem", [map.addr, world.put(key)], world.cpuBlock(1));
        expect(BigInt(at), hex(key)).toBe(want);
        return at !== 0;
      });
      expect(found.filter(Boolean).length).toBeGreaterThan(10);
      if (!isLpm) expect(found.includes(false)).toBe(true);
    },
  );

  it("per-CPU lookups and updates touch the own CPU's value only", () => {
    for (const type of ["percpu_hash", "percpu_array"] as const) {
      const world = new TestWorld({ ncpus: 3 });
      const map = world.map({ type, valueSize: 4 });
      const key = world.put(u32(1));
      const value = world.put(u32(9));
      expect(world.call("map_update_elem", [map.addr, key, value, 0], world.cpuBlock(1))).toBe(0n);
      expect(map.lookup(u32(1))).toEqual([u32(0), u32(9), u32(0)]);
      const at = Number(world.call("map_lookup_elem", [map.addr, key], world.cpuBlock(2)));
      world.view.setUint32(at, 7, true);
      expect(map.lookup(u32(1))).toEqual([u32(0), u32(9), u32(7)]);
      expect(world.call("map_lookup_percpu_elem", [map.addr, key, 2])).toBe(BigInt(at));
      expect(world.call("map_lookup_percpu_elem", [map.addr, key, 3])).toBe(0n);
    }
  });

  it("a pointer to a replaced or deleted value stays valid memory with its bytes", () => {
    const world = new TestWorld();
    const map = world.map({ type: "hash", valueSize: 4 });
    map.update(u32(1), u32(11));
    const key = world.put(u32(1));
    const at = Number(world.call("map_lookup_elem", [map.addr, key]));
    map.update(u32(1), u32(12));
    expect(world.view.getUint32(at, true)).toBe(11);
    const now = Number(world.call("map_lookup_elem", [map.addr, key]));
    map.delete(u32(1));
    expect(world.view.getUint32(now, true)).toBe(12);
  });

  it("special fields: skipped in place, zero in a new element and to the host", () => {
    const specialFields = [{ kind: "bpf_list_head", name: "r", off: 8, size: 16 }] as const;
    const world = new TestWorld();
    for (const type of ["hash", "array"] as const) {
      const map = world.map({ type, valueSize: 32, specialFields });
      map.update(u32(1), new Uint8Array(32).fill(0xee));
      const at = Number(world.call("map_lookup_elem", [map.addr, world.put(u32(1))]));
      expect(hex(world.bytes.slice(at, at + 32))).toBe("ee".repeat(8) + "00".repeat(16) + "ee".repeat(8));
      world.bytes.fill(0x77, at + 8, at + 24);
      expect(hex(map.lookup(u32(1)) as Uint8Array)).toBe("ee".repeat(8) + "00".repeat(16) + "ee".repeat(8));
      if (type === "array") {
        map.update(u32(1), new Uint8Array(32).fill(0xdd));
        expect(hex(world.bytes.slice(at, at + 32))).toBe("dd".repeat(8) + "77".repeat(16) + "dd".repeat(8));
      }
    }
    const timer = [{ kind: "bpf_timer", name: "t", off: 8, size: 16 }] as const;
    const timers = world.map({ type: "hash", valueSize: 32, specialFields: timer });
    expect(codeOf(() => timers.freeze())).toBe("ENOTSUPP");
  });

  it("BPF_F_LOCK copies in place", () => {
    const specialFields = [{ kind: "bpf_spin_lock", name: "l", off: 0, size: 4 }] as const;
    const world = new TestWorld();
    const map = world.map({ type: "hash", valueSize: 16, specialFields });
    map.update(u32(1), new Uint8Array(16).fill(1));
    const before = world.call("map_lookup_elem", [map.addr, world.put(u32(1))]);
    map.update(u32(1), new Uint8Array(16).fill(2), 4);
    expect(world.call("map_lookup_elem", [map.addr, world.put(u32(1))])).toBe(before);
    expect(hex(map.lookup(u32(1)) as Uint8Array)).toBe("00000000" + "02".repeat(12));
  });
});

describe("BPF_F_LOCK", () => {
  it("lookup: a copy, special fields zero; EINVAL without a lock and for other flags", () => {
    const specialFields = [{ kind: "bpf_spin_lock", name: "l", off: 4, size: 4 }] as const;
    const world = new TestWorld();
    for (const type of ["hash", "array"] as const) {
      const map = world.map({ type, valueSize: 12, specialFields });
      map.update(u32(1), new Uint8Array(12).fill(7), 4);
      expect(hex(map.lookup(u32(1), 4) as Uint8Array)).toBe("070707070000000007070707");
      const lock = world.call("map_lookup_elem", [map.addr, world.put(u32(1))]) + 4n;
      world.call("spin_lock", [lock]);
      expect(world.view.getUint32(Number(lock), true)).toBe(1);
      world.call("spin_unlock", [lock]);
      expect(codeOf(() => map.lookup(u32(1), 3))).toBe("EINVAL");
      expect(map.lookup(u32(type === "hash" ? 2 : 200), 4)).toBeUndefined();
    }
    expect(codeOf(() => world.map({}).lookup(u32(1), 4))).toBe("EINVAL");
  });

  it("a lock that a stopped run left behind ends the waiter instead of hanging it", () => {
    const specialFields = [{ kind: "bpf_spin_lock", name: "l", off: 0, size: 4 }] as const;
    const world = new TestWorld();
    const map = world.map({ type: "array", specialFields });
    const lock = world.call("map_lookup_elem", [map.addr, world.put(u32(1))]);
    world.call("spin_lock", [lock]);
    world.view.setUint32(L.WORLD_STOP, 1, true);
    expect(() => map.update(u32(1), new Uint8Array(8), 4)).toThrow("unreachable");
    expect(world.view.getUint32(L.WORLD_STOPPED, true)).toBe(1);
  });
});

describe.each(["array_of_maps", "hash_of_maps"] as const)("%s", (type) => {
  it("programs get the inner map's header, the host its address; replaced and removed", () => {
    const world = new TestWorld();
    const outer = world.map({ type, valueSize: 4, maxEntries: 4 });
    const [a, b] = [world.map({}), world.map({})];
    const look = (key: number): number =>
      Number(world.call("map_lookup_elem", [outer.addr, world.put(u32(key))]));
    const fast = (key: number): number =>
      (world.lib[`${type}_lookup`] as (map: number, key: number, cpu: number) => number)(
        outer.addr,
        world.put(u32(key)),
        world.cpuBlock(0),
      );
    expect(look(1)).toBe(0);
    for (const inner of [a, b]) {
      outer.update(u32(1), u32(inner.addr));
      expect([look(1), fast(1)]).toEqual([inner.addr, inner.addr]);
      expect(hex(outer.lookup(u32(1)) as Uint8Array)).toBe(hex(u32(inner.addr)));
      expect([...outer].map(([key, value]) => [hex(key), hex(value as Uint8Array)])).toEqual([
        ["01000000", hex(u32(inner.addr))],
      ]);
    }
    expect(outer.delete(u32(1))).toBe(true);
    expect(outer.delete(u32(1))).toBe(false);
    expect([look(1), fast(1), look(77)]).toEqual([0, 0, 0]);
    expect(outer.lookup(u32(1))).toBeUndefined();
  });

  it("an address that is no map's: EBADF", () => {
    const world = new TestWorld();
    const outer = world.map({ type, valueSize: 4, maxEntries: 4 });
    for (const addr of [0, 7, outer.addr + 64, 0xffffffff, 0xffffffc0]) {
      expect(codeOf(() => outer.update(u32(1), u32(addr)))).toBe("EBADF");
    }
  });
});

describe("map_each_next", () => {
  it("visits each element in use once, while the callback deletes them", () => {
    const world = new TestWorld();
    const map = world.map({ type: "hash", maxEntries: 50 });
    for (let i = 0; i < 50; i++) map.update(u32(i), new Uint8Array(8));
    for (let i = 0; i < 50; i += 3) map.delete(u32(i));
    const next = world.lib["map_each_next"] as (map: number, from: number) => number;
    const seen: number[] = [];
    for (let i = next(map.addr, 0); i >= 0; i = next(map.addr, i + 1)) {
      const word = (off: number): number => world.view.getUint32(map.addr + off, true);
      const key = world.view.getUint32(
        map.addr + word(L.MAP_ELEMS_OFF) + i * word(L.MAP_ELEM_STRIDE) + L.ELEM_KEY,
        true,
      );
      seen.push(key);
      expect(map.delete(u32(key))).toBe(true);
    }
    expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => i).filter((i) => i % 3 !== 0));
    expect(map.size).toBe(0);
  });
});

describe("the handle", () => {
  it("refuses wrong sizes, a frozen map, a closed one", () => {
    const map = new TestWorld({ ncpus: 2 }).map({ type: "percpu_hash" });
    expect(codeOf(() => map.lookup(new Uint8Array(3)))).toBe("EINVAL");
    expect(codeOf(() => map.update(u32(1), new Uint8Array(8)))).toBe("EINVAL");
    expect(codeOf(() => map.update(u32(1), [new Uint8Array(8), new Uint8Array(7)]))).toBe("EINVAL");
    map.update(u32(1), [new Uint8Array(8), new Uint8Array(8)]);
    map.freeze();
    expect(codeOf(() => map.delete(u32(1)))).toBe("EPERM");
    expect(codeOf(() => map.update(u32(1), [new Uint8Array(8), new Uint8Array(8)]))).toBe("EPERM");
    expect(map.lookup(u32(1))).toHaveLength(2);
    map.close();
    expect(codeOf(() => map.lookup(u32(1)))).toBe("EBADF");
  });

  it("iterates a large map with small scratch space", () => {
    const map = new TestWorld().map({ maxEntries: 20000, valueSize: 16 });
    for (let i = 0; i < 20000; i++) map.update(u32(i), new Uint8Array(16).fill(i & 255));
    expect(codeOf(() => map.update(u32(20000), new Uint8Array(16)))).toBe("E2BIG");
    const keys = new Set([...map.keys()].map(hex));
    expect(keys.size).toBe(20000);
  });
});
