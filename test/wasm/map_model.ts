// Random calls on a map beside a plain JavaScript model of it, and small tools of the tests of maps.
import fc from "fast-check";
import { expect } from "vitest";
import { BPF_ANY, BPF_EXIST, BPF_NOEXIST, type BpfMap, type MapValue } from "../../runtime/map/bpf_map.ts";
import type { MapShape } from "../../runtime/map/map_layout.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { checkPool } from "./check_pool.ts";
import { hex } from "./world.ts";

export type Call =
  | { readonly op: "update"; readonly key: number; readonly value: number; readonly flags: number }
  | { readonly op: "delete" | "lookup"; readonly key: number };

export const CALLS = fc.array(
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

export function codeOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (e) {
    if (e instanceof BpfError) return e.code;
    throw e;
  }
}

/** What the kernel does, in the simplest words. */
export class Model {
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

export interface Row extends Partial<MapShape> {
  readonly ncpus?: number;
}

export const KEY_SIZES = [1, 3, 4, 5, 8, 11, 12, 16, 24, 37];

export function keyOf(n: number, size: number): Uint8Array {
  if (size === 1) return Uint8Array.of(n);
  // they differ in the first byte and in the last
  const key = new Uint8Array(size).fill(0xaa);
  key[0] = n >> 3;
  key[size - 1] = n & 7;
  return key;
}

export function valueOf(map: BpfMap, n: number): MapValue {
  const one = (cpu: number): Uint8Array => new Uint8Array(map.shape.valueSize).fill((n + cpu) & 255);
  return map.perCpu ? Array.from({ length: map.ncpus }, (_, cpu) => one(cpu)) : one(0);
}

export function fmt(value: MapValue | undefined): string | undefined {
  return value === undefined
    ? undefined
    : value instanceof Uint8Array
      ? hex(value)
      : value.map(hex).join(",");
}

export function contents(map: BpfMap): Record<string, string | undefined> {
  return Object.fromEntries([...map.entries()].map(([k, v]) => [hex(k), fmt(v)]));
}

export function runCalls(map: BpfMap, calls: readonly Call[], key: (n: number) => Uint8Array): void {
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
