// Elements taken out and passed in batches: one table of calls and answers, held against our maps and, where bpf(2) is
// allowed, against the running kernel's.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { KernelMap, kernelCpus } from "../../runtime/engine/kernel/kernel_map.ts";
import { BpfSys } from "../../runtime/engine/kernel/sys.ts";
import { openObject } from "../../runtime/load/open.ts";
import { BatchError } from "../../runtime/map/batch.ts";
import type { BpfMap, MapValue } from "../../runtime/map/bpf_map.ts";
import { encodeBtf } from "../../src/btf/encode.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { MAP_TYPES, type MapTypeName } from "../../src/spec/map_types.ts";
import { SHAPE, TestWorld, hex, u32 } from "../wasm/world.ts";
import { fromKernel } from "./running_kernel.ts";

type Batched = Pick<
  BpfMap,
  | "lookup"
  | "update"
  | "delete"
  | "lookupAndDelete"
  | "lookupBatch"
  | "lookupAndDeleteBatch"
  | "updateBatch"
  | "deleteBatch"
>;
type Side = BpfMap | KernelMap;

const NO_PREALLOC = 1;
const F_LOCK = 4;
const ALL = 64;
const HASHES = ["hash", "percpu_hash", "lru_hash", "lru_percpu_hash"] as const;
const TYPES = [...HASHES, "array", "percpu_array", "lpm_trie"] as const;
/** Types whose maps have no batches at all. */
const NONE = [
  "prog_array",
  "devmap",
  "cpumap",
  "xskmap",
  "devmap_hash",
  "queue",
  "stack",
  "bloom_filter",
] as const;

const kernel = fromKernel("batches", () => new BpfSys("test")).value;
const NCPUS = kernel === undefined ? 2 : kernelCpus();

const keyless = (type: MapTypeName): boolean => MAP_TYPES[type].key.rule === "none";

function shapeOf(type: MapTypeName) {
  const keySize = keyless(type) ? 0 : type === "lpm_trie" ? 8 : 4;
  const valueSize = MAP_TYPES[type].value.rule === "any" ? 12 : 4;
  return { ...SHAPE, type, keySize, valueSize, flags: type === "lpm_trie" ? NO_PREALLOC : 0 };
}

function ourMap(type: MapTypeName): Side {
  return new TestWorld({ ncpus: NCPUS }).map(shapeOf(type));
}

function kernelMap(type: MapTypeName): Side {
  if (kernel === undefined) throw new Error("no kernel");
  const shape = shapeOf(type);
  const fd = kernel.mapCreate({ ...shape, type: MAP_TYPES[type].id, mapExtra: 0n, numaNode: 0 });
  return new KernelMap(kernel, fd, { ...shape, keyTypeId: 0, valueTypeId: 0 }, 1);
}

/** Key `n` of a map: of a trie a prefix of all bits. */
const keyOf = (type: MapTypeName, n: number): Uint8Array =>
  type === "lpm_trie" ? Uint8Array.of(32, 0, 0, 0, n, 7, 7, 7) : u32(n);

function valueOf(type: MapTypeName, n: number): MapValue {
  const one = (cpu: number): Uint8Array => new Uint8Array(12).fill(n + cpu);
  return MAP_TYPES[type].perCpu ? Array.from({ length: NCPUS }, (_, cpu) => one(cpu)) : one(0);
}

const entriesOf = (type: MapTypeName, ...ns: number[]): [Uint8Array, MapValue][] =>
  ns.map((n) => [keyOf(type, n), valueOf(type, n)]);

const fmt = (value: MapValue): string => (value instanceof Uint8Array ? hex(value) : value.map(hex).join());
const sorted = (entries: Iterable<readonly [Uint8Array, MapValue]>): string[] =>
  [...entries].map(([key, value]) => `${hex(key)} ${fmt(value)}`).sort();

/** What a call gives, or the errno and, of a batch, how far it came. */
function answer(call: () => unknown): unknown {
  try {
    return call();
  } catch (e) {
    if (e instanceof BatchError) return `${e.code} after ${e.done}`;
    if (e instanceof BpfError) return e.code;
    throw e;
  }
}

/** Everything by batches of at most `count`, which grow when a bucket is longer; fails if one is too long. */
function readAll(map: Batched, take: boolean, count: number): [Uint8Array, MapValue][] {
  const all: [Uint8Array, MapValue][] = [];
  let cursor: Uint8Array | undefined = new Uint8Array();
  for (let most = count; cursor !== undefined; ) {
    const at: Uint8Array = cursor;
    const batch = answer(() => (take ? map.lookupAndDeleteBatch(most, at) : map.lookupBatch(most, at)));
    if (batch === "ENOSPC") {
      most++;
      continue;
    }
    const { entries, cursor: next } = batch as ReturnType<Batched["lookupBatch"]>;
    expect(entries.length).toBeLessThanOrEqual(most);
    all.push(...entries);
    cursor = next;
  }
  return all;
}

const SIDES = [["ours", ourMap], ...(kernel === undefined ? [] : [["the kernel's", kernelMap]])] as [
  string,
  (type: MapTypeName) => Side,
][];

describe.each(SIDES)("%s", (_, make) => {
  it.each(HASHES)("%s: one element is taken out, once", (type) => {
    const map = make(type);
    map.update(keyOf(type, 1), valueOf(type, 10));
    map.update(keyOf(type, 2), valueOf(type, 20));
    expect(map.lookupAndDelete(keyOf(type, 1))).toEqual(valueOf(type, 10));
    expect(map.lookupAndDelete(keyOf(type, 1))).toBeUndefined();
    expect(map.lookup(keyOf(type, 1))).toBeUndefined();
    expect(map.lookup(keyOf(type, 2))).toEqual(valueOf(type, 20));
    for (const flags of [1, 2, 8, F_LOCK]) // no lock in its values
      expect(answer(() => map.lookupAndDelete(keyOf(type, 2), flags))).toBe("EINVAL");
  });

  it("queue and stack: the next value", () => {
    for (const [type, first] of [
      ["queue", 1],
      ["stack", 2],
    ] as const) {
      // biome-ignore format: pairs
      const map = make(type);
      for (const n of [1, 2]) {
        const value = new Uint8Array(12).fill(n);
        if (map instanceof KernelMap) map.update(new Uint8Array(), value);
        else map.push(value);
      }
      expect(map.lookupAndDelete(new Uint8Array())).toEqual(new Uint8Array(12).fill(first));
      expect(map.lookupAndDelete(new Uint8Array())).toEqual(new Uint8Array(12).fill(3 - first));
      expect(map.lookupAndDelete(new Uint8Array())).toBeUndefined();
      expect(answer(() => map.lookupAndDelete(new Uint8Array(), F_LOCK))).toBe("EINVAL");
    }
  });

  it.each([
    "array",
    "percpu_array",
    "lpm_trie",
    "prog_array",
    "devmap",
    "cpumap",
    "xskmap",
    "devmap_hash",
  ] as const)("%s: lookup-and-delete is ENOTSUPP", (type) => {
    expect(answer(() => make(type).lookupAndDelete(keyOf(type, 1)))).toBe("ENOTSUPP");
  });

  it.each(NONE)("%s: no batches, ENOTSUPP", (type) => {
    const map = make(type);
    const key = keyless(type) ? new Uint8Array() : u32(0);
    expect(answer(() => map.lookupBatch(1))).toBe("ENOTSUPP");
    expect(answer(() => map.lookupAndDeleteBatch(1))).toBe("ENOTSUPP");
    expect(answer(() => map.updateBatch([[key, new Uint8Array(shapeOf(type).valueSize)]]))).toMatch(
      /^ENOTSUPP/,
    );
    expect(answer(() => map.deleteBatch([key]))).toMatch(/^ENOTSUPP/);
  });

  it.each(["array", "percpu_array"] as const)("%s: nothing is deleted in batches", (type) => {
    const map = make(type);
    expect(answer(() => map.deleteBatch([u32(0)]))).toMatch(/^ENOTSUPP/);
    expect(answer(() => map.lookupAndDeleteBatch(8))).toBe("ENOTSUPP");
  });

  it("lpm_trie: nothing is taken out in batches", () => {
    expect(answer(() => make("lpm_trie").lookupAndDeleteBatch(8))).toBe("ENOTSUPP");
  });

  it.each(TYPES)("%s: flags other than BPF_F_LOCK are EINVAL, and that too without a lock", (type) => {
    const map = make(type);
    for (const flags of [1, 2, 8, F_LOCK, 1 << 20]) {
      expect(answer(() => map.lookupBatch(1, undefined, flags))).toBe("EINVAL");
      expect(answer(() => map.updateBatch(entriesOf(type, 1), flags))).toMatch(/^EINVAL/);
    }
  });

  it.each([...HASHES, "lpm_trie"] as const)("%s: updates and deletes stop at what is refused", (type) => {
    const map = make(type);
    expect(map.updateBatch(entriesOf(type, 1, 2, 3))).toBe(3);
    expect(sorted(readAll(map, false, ALL))).toEqual(sorted(entriesOf(type, 1, 2, 3)));
    const keys = [3, 9, 1].map((n) => keyOf(type, n));
    expect(answer(() => map.deleteBatch(keys))).toBe("ENOENT after 1");
    expect(sorted(readAll(map, false, ALL))).toEqual(sorted(entriesOf(type, 1, 2)));
    expect(map.deleteBatch([])).toBe(0);
    expect(map.updateBatch([])).toBe(0);
    const many = entriesOf(type, ...Array.from({ length: 12 }, (_, n) => n + 20));
    const full = { hash: "E2BIG after 6", percpu_hash: "E2BIG after 6", lpm_trie: "ENOSPC after 6" };
    expect(answer(() => map.updateBatch(many))).toBe((full as Partial<Record<string, string>>)[type] ?? 12);
  });

  it.each(["array", "percpu_array"] as const)(
    "%s: read behind an index, written until one is out of range",
    (type) => {
      const map = make(type);
      expect(answer(() => map.updateBatch(entriesOf(type, 1, 7, 8, 2)))).toBe("E2BIG after 2");
      const first = map.lookupBatch(5);
      expect(sorted(first.entries).map((e) => e.slice(0, 8))).toEqual(
        [0, 1, 2, 3, 4].map((n) => hex(u32(n))),
      );
      const rest = map.lookupBatch(3, first.cursor);
      expect(rest.entries.map(([key]) => hex(key))).toEqual([5, 6, 7].map((n) => hex(u32(n))));
      expect(rest.entries[2]?.[1]).toEqual(valueOf(type, 7));
      expect(rest.cursor).toBeDefined(); // full, so the end was not seen
      expect(map.lookupBatch(3, rest.cursor)).toEqual({ entries: [], cursor: undefined });
      expect(map.lookupBatch(9).cursor).toBeUndefined();
      expect(sorted(map.lookupBatch(2, u32(100)).entries).map((e) => e.slice(0, 8))).toEqual(
        [0, 1].map((n) => hex(u32(n))), // a key there is not: from the first one
      );
    },
  );

  it.each([...HASHES, "lpm_trie"] as const)("%s: batches of every size give each element once", (type) => {
    const map = make(type);
    const all = entriesOf(type, 1, 2, 3, 4, 5, 6);
    map.updateBatch(all);
    for (const count of [1, 2, 3, 6, 7, ALL]) expect(sorted(readAll(map, false, count))).toEqual(sorted(all));
    expect(map.lookupBatch(0).entries).toEqual([]);
    expect(map.lookupBatch(ALL).cursor).toBeUndefined();
  });

  it.each(HASHES)("%s: what is taken out in batches is gone", (type) => {
    for (const count of [1, 3, ALL]) {
      const map = make(type);
      const all = entriesOf(type, 1, 2, 3, 4, 5, 6);
      map.updateBatch(all);
      expect(sorted(readAll(map, true, count))).toEqual(sorted(all));
      expect(readAll(map, false, ALL)).toEqual([]);
      expect(map.lookupAndDeleteBatch(1)).toEqual({ entries: [], cursor: undefined });
      expect(map.updateBatch(entriesOf(type, 1, 2, 3, 4, 5, 6, 7, 8))).toBe(8); // all room is there again
    }
  });

  it("hash: a cursor behind the last bucket is the end", () => {
    const map = make("hash");
    map.updateBatch(entriesOf("hash", 1));
    expect(map.lookupBatch(1, u32(1 << 20))).toEqual({ entries: [], cursor: undefined });
  });

  it("hash: a bucket that is longer than the batch is ENOSPC, and stays", () => {
    const map = make("hash");
    map.updateBatch(entriesOf("hash", 1, 2, 3, 4, 5, 6, 7, 8));
    // 8 elements in 8 buckets by a seeded hash: that each has its own is one chance in 400
    const tries = Array.from({ length: 12 }, () => {
      const own = make("hash");
      own.updateBatch(entriesOf("hash", 1, 2, 3, 4, 5, 6, 7, 8));
      let cursor: Uint8Array | undefined = new Uint8Array();
      while (cursor !== undefined) {
        const at: Uint8Array = cursor;
        const batch = answer(() => own.lookupAndDeleteBatch(1, at));
        if (batch === "ENOSPC") return readAll(own, false, ALL).length;
        cursor = (batch as { cursor: Uint8Array | undefined }).cursor;
      }
      return 0;
    });
    expect(Math.max(...tries)).toBeGreaterThan(1);
  });
});

describe("values with a lock and a timer", () => {
  const { spec } = openObject(join(import.meta.dirname, "../objects/timers.o"));
  const both = spec.maps.find((m) => m.name === "both");
  if (both === undefined || spec.btf === undefined) throw new Error("timers.o has no map 'both'");
  const { btf } = spec;

  const ours = (): Side => new TestWorld().map(both);
  const theirs = (): Side => {
    if (kernel === undefined) throw new Error("no kernel");
    const { name, keySize, valueSize, maxEntries, keyTypeId, valueTypeId } = both;
    const types = { fd: kernel.btfLoad(encodeBtf(btf)), keyTypeId, valueTypeId };
    const id = MAP_TYPES[both.type].id;
    const shape = { name, keySize, valueSize, maxEntries, flags: 0, mapExtra: 0n, numaNode: 0 };
    return new KernelMap(kernel, kernel.mapCreate({ ...shape, type: id, btf: types }), both, 1);
  };
  const sides = [["ours", ours], ...(kernel === undefined ? [] : [["the kernel's", theirs]])] as [
    string,
    () => Side,
  ][];

  it.each(sides)("are copied under the lock with BPF_F_LOCK, their fields zero: %s", (_, make) => {
    const map = make();
    const value = new Uint8Array(both.valueSize).fill(0xee);
    const seen = Uint8Array.from(value).fill(0, 0, 4).fill(0, 8, 24);
    const read = (batch: { entries: [Uint8Array, MapValue][] }): MapValue[] =>
      batch.entries.map(([, v]) => v);
    expect(map.updateBatch([1, 2].map((n) => [u32(n), value]), F_LOCK)).toBe(2); // biome-ignore format: short
    expect(map.updateBatch([[u32(2), value]], F_LOCK)).toBe(1);
    expect(read(map.lookupBatch(ALL, undefined, F_LOCK))).toEqual([seen, seen]);
    expect(map.lookupAndDelete(u32(1), F_LOCK)).toEqual(seen);
    expect(map.lookupAndDelete(u32(1), F_LOCK)).toBeUndefined();
    expect(answer(() => map.lookupAndDelete(u32(2), F_LOCK | 1))).toBe("EINVAL");
    expect(read(map.lookupAndDeleteBatch(ALL, undefined, F_LOCK))).toEqual([seen]);
    expect(answer(() => map.deleteBatch([u32(2)], F_LOCK))).toBe("ENOENT after 0");
    expect(read(map.lookupBatch(ALL))).toEqual([]);
  });
});
