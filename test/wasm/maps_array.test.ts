// Arrays against a plain model, and arrays of programs, devices and maps.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BPF_EXIST, BPF_NOEXIST } from "../../runtime/map/bpf_map.ts";
import { CALLS, codeOf, type Row, valueOf, fmt, contents } from "./map_model.ts";
import { TestWorld, hex, u32 } from "./world.ts";

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
