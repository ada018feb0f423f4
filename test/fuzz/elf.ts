// Mutated objects: the reader must give a valid spec or a BpfError of one line, in bounded time and memory.
// `tsx test/fuzz/elf.ts [minutes] [seed]`; a failure prints the seed to replay.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { applyCore } from "../../src/btf/core.ts";
import { formatValue } from "../../src/btf/value.ts";
import type { ObjectSpec } from "../../src/elf/object_spec.ts";
import { readObject } from "../../src/elf/read_object.ts";
import { BpfError } from "../../src/spec/errors.ts";

const FOLDERS = ["../elf/objects/", "../objects/"].map((p) => fileURLToPath(new URL(p, import.meta.url)));

/** Every committed object: name and bytes. */
export const OBJECTS: readonly { readonly name: string; readonly bytes: Uint8Array }[] = FOLDERS.flatMap(
  (dir) =>
    readdirSync(dir)
      .filter((f) => f.endsWith(".o"))
      .sort()
      .map((name) => ({ name, bytes: new Uint8Array(readFileSync(dir + name)) })),
);

/** The longest one object of test size may take, on a busy machine. */
const MAX_MS = 5000;
const MAX_INSNS = 1_000_000;
const MAX_DATA = 257 * 1024 * 1024;
const MAX_RSS = 1500 * 1024 * 1024;

function random(seed: number): (below: number) => number {
  let s = seed >>> 0 || 1;
  return (below) => {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    return (s >>> 0) % below;
  };
}

// biome-ignore format: table
const INTERESTING = [
  0, 1, 2, 3, 4, 7, 8, 9, 16, 24, 64, 0x18, 0x85, 0x95, 0xff, 0x100, 0x1ff, 0x7fff, 0x8000, 0xffff, 0x10000, 0xfff1,
  0xffffff, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff,
];

interface Range {
  readonly off: number;
  readonly size: number;
}

/** The parts worth hitting: the header, each section header, each section that is read. */
function targets(bytes: Uint8Array): Range[] {
  const v = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const table = Number(v.getBigUint64(40, true));
  const count = v.getUint16(60, true);
  const out: Range[] = [{ off: 0, size: 64 }];
  for (let i = 0; i < count; i++) {
    const at = table + i * 64;
    out.push({ off: at, size: 64 });
    const size = Number(v.getBigUint64(at + 32, true));
    const [type, flags] = [v.getUint32(at + 4, true), v.getUint32(at + 8, true)];
    // Allocated, symbols, relocations and BTF; debug sections are read by nobody.
    const kept =
      (flags & 2) !== 0 ||
      type === 2 ||
      type === 3 ||
      type === 9 ||
      v.getUint16(Number(v.getBigUint64(at + 24, true)), true) === 0xeb9f;
    if (kept && size > 0 && type !== 8) out.push({ off: Number(v.getBigUint64(at + 24, true)), size });
  }
  return out;
}

const TARGETS = OBJECTS.map((o) => targets(o.bytes));

function mutate(rand: (below: number) => number): Uint8Array {
  const which = rand(OBJECTS.length);
  const [object, ranges] = [OBJECTS[which], TARGETS[which]];
  if (object === undefined || ranges === undefined) throw new Error("no objects to mutate");
  const bytes = object.bytes.slice();
  const v = new DataView(bytes.buffer);
  for (let n = 1 + rand(3); n > 0; n--) {
    const range = ranges[rand(ranges.length)] ?? { off: 0, size: 64 };
    const at = Math.min(range.off + rand(range.size), bytes.length - 8);
    const value = INTERESTING[rand(INTERESTING.length)] ?? 0;
    const how = rand(6);
    if (how === 0) bytes[at] = rand(256);
    else if (how === 1) bytes[at] = (bytes[at] ?? 0) ^ (1 << rand(8));
    else if (how === 2) v.setUint16(at & ~1, value & 0xffff, true);
    else if (how === 3) v.setUint32(at & ~3, value, true);
    else if (how === 4) v.setUint32(at & ~3, v.getUint32(at & ~3, true) + rand(33) - 16, true);
    else bytes.copyWithin(at, range.off + rand(range.size), Math.min(at + 1 + rand(64), bytes.length));
  }
  return rand(8) === 0 ? bytes.subarray(0, rand(bytes.length)) : bytes;
}

/** What must hold of any spec, however it came about. */
export function checkSpec(spec: ObjectSpec): void {
  const insns = spec.progs.reduce((n, p) => n + p.insns.length, 0);
  if (insns > MAX_INSNS) throw new Error(`${insns} insns`);
  const data = spec.maps.reduce((n, m) => n + (m.data?.length ?? 0), 0);
  if (data > MAX_DATA) throw new Error(`${data} bytes of data`);
  for (const m of spec.maps)
    if (m.data && m.data.length !== m.valueSize) throw new Error(`data of ${m.name}`);
  for (const p of spec.progs) {
    if (p.refused !== undefined) continue;
    if (p.subprogs[0]?.pc !== 0) throw new Error(`${p.name} does not start at 0`);
    for (const s of p.subprogs)
      if (s.pc >= p.insns.length) throw new Error(`${s.name} lies outside ${p.name}`);
    for (const l of p.lines) if (l.pc >= p.insns.length) throw new Error(`line info outside ${p.name}`);
    for (const i of p.insns) {
      if (i?.kind !== "ld_imm64" || (i.value.kind !== "map" && i.value.kind !== "map_value")) continue;
      // Only linking writes map indexes; a stranger's own are for the verifier to refuse.
      if (i.value.map >= spec.maps.length && i.value.map < 1000)
        throw new Error(`map ${i.value.map} in ${p.name}`);
    }
  }
  for (const v of spec.variables) checkVariable(spec, v);
  relocate(spec);
}

function checkVariable(spec: ObjectSpec, v: ObjectSpec["variables"][number]): void {
  const data = spec.maps[v.map]?.data;
  if (data === undefined || v.off + v.size > data.length) throw new Error(`variable ${v.name} lies outside`);
  if (spec.btf === undefined || v.typeId === 0 || v.size > 4096) return;
  try {
    formatValue(spec.btf, v.typeId, data.subarray(v.off, v.off + v.size));
  } catch (e) {
    if (!(e instanceof BpfError)) throw e;
  }
}

function read(bytes: Uint8Array): "refused" | "read" {
  try {
    const spec = readObject(bytes, "fuzz.o");
    checkSpec(spec);
    return "read";
  } catch (e) {
    if (!(e instanceof BpfError)) throw e;
    if (e.message.includes("\n") || !e.message.includes("fuzz.o"))
      throw new Error(`message: ${e.message}`, { cause: e });
    return "refused";
  }
}

/** Applies CO-RE against the object's own types. */
function relocate(spec: ObjectSpec): void {
  for (const p of spec.progs) {
    if (spec.btf === undefined || p.refused !== undefined) continue;
    try {
      applyCore(p.insns, p.coreRelos, spec.btf, spec.btf);
    } catch (e) {
      if (!(e instanceof BpfError)) throw e;
    }
  }
}

/** Reads one object that may be broken in any way. */
export function readAny(bytes: Uint8Array): "refused" | "read" {
  const start = performance.now();
  const outcome = read(bytes);
  const ms = performance.now() - start;
  if (ms > MAX_MS) throw new Error(`took ${ms} ms`);
  return outcome;
}

/** Cases while `more` says so of how many there were, counted by outcome. */
export function fuzzElf(
  firstSeed: number,
  more: (done: number) => boolean,
): { refused: number; read: number } {
  const counts = { refused: 0, read: 0 };
  for (let seed = firstSeed; more(seed - firstSeed); seed++) {
    try {
      counts[readAny(mutate(random(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995)))]++;
      if (process.memoryUsage.rss() > MAX_RSS) throw new Error("too much memory");
    } catch (cause) {
      throw new Error(`seed ${seed}: ${(cause as Error).message}`, { cause });
    }
  }
  return counts;
}

if (process.argv[1]?.endsWith("fuzz/elf.ts")) {
  const minutes = Number(process.argv[2] ?? 1);
  const seed = Number(process.argv[3] ?? 1);
  const until = performance.now() + minutes * 60_000;
  console.log(JSON.stringify(fuzzElf(seed, () => performance.now() < until)));
}
