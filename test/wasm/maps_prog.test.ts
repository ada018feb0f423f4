// Maps as programs and the host meet them: values by pointer, special fields, locks, walks, the handle.
import { describe, expect, it } from "vitest";
import type { MapShape } from "../../runtime/map/map_layout.ts";
import * as L from "../../runtime/memory/layout.ts";
import { codeOf, keyOf } from "./map_model.ts";
import { TestWorld, hex, u32 } from "./world.ts";

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
