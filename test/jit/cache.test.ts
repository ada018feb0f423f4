// The module cache: whole entries or none, whatever happens to the folder; keys that change with every input.
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  chmodSync,
  mkdirSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { decodeEntry, encodeEntry } from "../../jit/cache/entry.ts";
import { cacheKey, type KeyInput } from "../../jit/cache/key.ts";
import { defaultCacheDir, isCacheOff, openCache } from "../../jit/cache/store.ts";
import { assemble } from "../../src/isa/asm.ts";
import type { MapDef } from "../../src/verifier/proof.ts";
import { mapDef } from "../harness/map_def.ts";

const KEY = "a".repeat(64);
const BYTES = Uint8Array.from({ length: 1000 }, (_, i) => i);

let top = "";
let dir = "";
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), "softirq-cache-"));
  dir = join(top, "sub", "softirq");
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

const file = (): string => join(dir, readdirSync(dir)[0]!);

describe("store", () => {
  it("gives back what was written, and nothing for other keys", () => {
    const cache = openCache({ dir });
    expect(cache.read(KEY)).toBeUndefined();
    cache.write(KEY, BYTES);
    expect(new Uint8Array(cache.read(KEY)!)).toEqual(BYTES);
    expect(cache.read("b".repeat(64))).toBeUndefined();
  });

  it("is the owner's alone, and leaves no temporary files", () => {
    openCache({ dir }).write(KEY, BYTES);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(readdirSync(dir)).toHaveLength(1);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  // biome-ignore format: table
  const damages: readonly (readonly [what: string, damage: (path: string) => void])[] = [
    ["empty",           (path) => truncateSync(path, 0)],
    ["short header",    (path) => truncateSync(path, 20)],
    ["short contents",  (path) => truncateSync(path, statSync(path).size - 1)],
    ["one bit",         (path) => { const bytes = readFileSync(path); bytes[500]! ^= 1; writeFileSync(path, bytes); }],
    ["other magic",     (path) => { const bytes = readFileSync(path); bytes[0]! ^= 1; writeFileSync(path, bytes); }],
    ["a folder",        (path) => { rmSync(path); mkdirSync(path); }],
  ];
  it.each(damages)("ignores a damaged entry: %s", (_, damage) => {
    const cache = openCache({ dir });
    cache.write(KEY, BYTES);
    damage(file());
    expect(cache.read(KEY)).toBeUndefined();
    if (!statSync(file()).isFile()) return;
    cache.write(KEY, BYTES);
    expect(cache.read(KEY)).toBeDefined();
  });

  it("does not use a folder that others may write to", () => {
    const cache = openCache({ dir });
    cache.write(KEY, BYTES);
    chmodSync(dir, 0o777);
    expect(cache.read(KEY)).toBeUndefined();
  });

  it("is silent where there can be no folder", () => {
    writeFileSync(join(top, "sub"), "a file");
    const cache = openCache({ dir });
    expect(() => cache.write(KEY, BYTES)).not.toThrow();
    expect(cache.read(KEY)).toBeUndefined();
  });

  it.skipIf(process.platform !== "linux")("comes back where a parent cannot be made", () => {
    const nowhere = openCache({ dir: "/proc/softirq-none/a/b" });
    nowhere.write("k", new Uint8Array([1]));
    expect(nowhere.read("k")).toBeUndefined();
  });

  it("drops what was used longest ago", () => {
    const cache = openCache({ dir, maxBytes: 2500 });
    const keys = ["a", "b", "c"].map((letter) => letter.repeat(64));
    cache.write(keys[0]!, BYTES);
    cache.write(keys[1]!, BYTES);
    utimesSync(join(dir, `${keys[0]}.mod`), 1000, 1000);
    utimesSync(join(dir, `${keys[1]}.mod`), 500, 500);
    cache.write(keys[2]!, BYTES);
    expect(keys.map((key) => cache.read(key) !== undefined)).toEqual([true, false, true]);
  });

  it("follows the base directory rules", () => {
    expect(defaultCacheDir({ XDG_CACHE_HOME: "/x" })).toBe("/x/softirq");
    expect(defaultCacheDir({ XDG_CACHE_HOME: "x" })).toMatch(/\.cache\/softirq$/);
    expect([isCacheOff({ SOFTIRQ_CACHE: "off" }), isCacheOff({})]).toEqual([true, false]);
  });
});

describe("entry", () => {
  const linked = { wasm: BYTES, traps: { offsets: [1, 5], pcs: [0, -1] } };
  it("comes back as it was", () => expect(decodeEntry(encodeEntry(linked))).toEqual(linked));
  it("must be whole", () => {
    expect(decodeEntry(new Uint8Array(3))).toBeUndefined();
    expect(decodeEntry(Uint8Array.of(255, 0, 0, 0, 1))).toBeUndefined();
  });
});

describe("key", () => {
  const def: MapDef = { ...mapDef("m", "array", 4, 8, 1), frozen: BYTES };
  const map = { def, address: 1, elemsOff: 2, elemStride: 3, valueOff: 4, percpuStride: 5, totalSize: 6 };
  const base: KeyInput = {
    insns: assemble("r0 = 5 ll\nr1 = 1\nexit"),
    aux: [{ seen: true }, undefined, { seen: true }, { seen: true }],
    subprogs: [],
    loopHeads: [],
    maps: [map],
    options: { checked: false, tableBase: 1 },
    lib: Uint8Array.of(1, 2, 3),
    versions: ["1"],
  };
  // biome-ignore format: table
  const changes: readonly (readonly [what: string, change: Partial<KeyInput>])[] = [
    ["a 64-bit constant",  { insns: assemble("r0 = 6 ll\nr1 = 1\nexit") }],
    ["an insn",            { insns: assemble("r0 = 5 ll\nr1 = 2\nexit") }],
    ["what was seen",      { aux: [{ seen: true }, undefined, { seen: false }, { seen: true }] }],
    ["a claimed region",   { aux: [{ seen: true, access: { kinds: ["ctx"], write: false, maps: [] } }] }],
    ["a poll point",       { loopHeads: [1] }],
    ["a map's address",    { maps: [{ ...map, address: 9 }] }],
    ["a map's size",       { maps: [{ ...map, def: { ...def, maxEntries: 2 } }] }],
    ["frozen contents",    { maps: [{ ...map, def: { ...def, frozen: Uint8Array.of(1) } }] }],
    ["an option",          { options: { checked: true, tableBase: 1 } }],
    ["the library",        { lib: Uint8Array.of(1, 2, 4) }],
    ["a version",          { versions: ["2"] }],
  ];
  it.each(changes)("changes with %s", (_, change) =>
    expect(cacheKey({ ...base, ...change })).not.toBe(cacheKey(base)),
  );
  it("does not depend on the order of options", () => {
    expect(cacheKey({ ...base, options: { tableBase: 1, checked: false } })).toBe(cacheKey(base));
    expect(cacheKey(base)).toMatch(/^[0-9a-f]{64}$/);
  });
});
