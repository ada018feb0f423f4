// Would the kernel create this map? Its create-time rules, as rows of src/spec/map_create.ts, against one definition.
// Looks only at what a map is created with: fields of values and what fits into a world are asked elsewhere.
import type { MapSpec } from "../../src/elf/object_spec.ts";
import type { ErrnoName } from "../../src/spec/errors.ts";
import {
  CREATE_RULES,
  type CreateRule,
  type Measured,
  STACK_FRAMES_MAX,
  WITH_EXTRA,
} from "../../src/spec/map_create.ts";
import { MAP_FLAGS, mapTypeRow, type MapTypeRow, sizeAllowed } from "../../src/spec/map_types.ts";

const F = MAP_FLAGS;
const PAGE_SIZE = 4096;
const STACK_ENTRY = 8;
const BUILD_ID_ENTRY = 32;
/** Flags that cancel each other. */
const EXCLUSIVE = [F.RDONLY | F.WRONLY, F.RDONLY_PROG | F.WRONLY_PROG];

/** What a map is created with. */
export type CreateAttrs = Pick<
  MapSpec,
  | "type"
  | "keySize"
  | "valueSize"
  | "maxEntries"
  | "flags"
  | "mapExtra"
  | "numaNode"
  | "inner"
  | "keyTypeId"
  | "valueTypeId"
>;

export interface Broken {
  readonly code: ErrnoName;
  readonly why: string;
}

type Rule<K extends CreateRule["rule"]> = Extract<CreateRule, { rule: K }>;

const hex = (n: number | bigint): string => `0x${n.toString(16)}`;

function brokenFlags(m: CreateAttrs, { allowed }: Rule<"flags">): string | undefined {
  if ((m.flags & ~allowed) !== 0)
    return `flags ${hex(m.flags >>> 0)} are not valid for a map of type ${m.type}`;
  return EXCLUSIVE.some((pair) => (m.flags & pair) === pair)
    ? `flags ${hex(m.flags >>> 0)} exclude each other`
    : undefined;
}

function brokenSize(m: CreateAttrs, { what }: Rule<"sized">, row: MapTypeRow): string | undefined {
  if (what === "entries") {
    if (row.entries === "required") return m.maxEntries === 0 ? "max_entries is 0" : undefined;
    return row.entries === "zero" && m.maxEntries !== 0
      ? `max_entries is ${m.maxEntries}, a map of type ${m.type} has none`
      : undefined;
  }
  const size = what === "key" ? m.keySize : m.valueSize;
  return sizeAllowed(row[what], size)
    ? undefined
    : `${what} size ${size} is not valid for a map of type ${m.type}`;
}

// biome-ignore format: table
const MEASURES: Readonly<Record<Measured, (m: CreateAttrs) => [what: string, n: number]>> = {
  key:     (m) => ["key size", m.keySize],
  value:   (m) => ["value size", m.valueSize],
  element: (m) => ["size of key and value", m.keySize + m.valueSize],
  entries: (m) => ["max_entries", m.maxEntries],
};

function tooLarge(m: CreateAttrs, { what, most }: Rule<"most">): string | undefined {
  const [name, n] = MEASURES[what](m);
  return n > most ? `${name} ${n} is larger than ${most}` : undefined;
}

function brokenStackValue({ flags, valueSize }: CreateAttrs): string | undefined {
  const entry = (flags & F.STACK_BUILD_ID) === 0 ? STACK_ENTRY : BUILD_ID_ENTRY;
  const fits = valueSize % entry === 0 && valueSize / entry <= STACK_FRAMES_MAX;
  return fits
    ? undefined
    : `value size ${valueSize} is not that of 1 to ${STACK_FRAMES_MAX} entries of ${entry} bytes`;
}

function brokenRingSize({ maxEntries }: CreateAttrs): string | undefined {
  return maxEntries % PAGE_SIZE === 0 && Number.isInteger(Math.log2(maxEntries))
    ? undefined
    : `max_entries ${maxEntries} is not a size in bytes that is a power of 2 and a multiple of ${PAGE_SIZE}`;
}

function brokenArenaRange({ mapExtra = 0n, maxEntries }: CreateAttrs): string | undefined {
  const last = mapExtra + BigInt(maxEntries) * BigInt(PAGE_SIZE) - 1n;
  return mapExtra >> 32n === BigInt.asUintN(64, last) >> 32n
    ? undefined
    : `${maxEntries} pages from ${hex(mapExtra)} on cross a boundary of 4 GiB`;
}

/** Why the rule is broken, with the errno where it is not EINVAL. */
function broken(m: CreateAttrs, rule: CreateRule, row: MapTypeRow): Broken | string | undefined {
  switch (rule.rule) {
    case "flags":
      return brokenFlags(m, rule);
    case "needs":
      if ((m.flags & F[rule.flag]) !== 0) return undefined;
      return { code: rule.code, why: `a map of type ${m.type} needs BPF_F_${rule.flag}` };
    case "without":
      if ((m.flags & F[rule.flag]) === 0) return undefined;
      return { code: rule.code, why: `a map of type ${m.type} excludes BPF_F_${rule.flag}` };
    case "noNode":
      if ((m.flags & F.NUMA_NODE) === 0 || (rule.with !== undefined && (m.flags & F[rule.with]) === 0))
        return undefined;
      return `flags ${hex(m.flags >>> 0)}: no memory node can be chosen for it`;
    case "sized":
      return brokenSize(m, rule, row);
    case "most": {
      const why = tooLarge(m, rule);
      return why === undefined ? undefined : { code: rule.code, why };
    }
    case "typed":
      return m.keyTypeId === 0 || m.valueTypeId === 0
        ? `a map of type ${m.type} needs BTF types: __type(key, int), __type(value, …)`
        : undefined;
    case "inner":
      return m.inner === undefined
        ? { code: "EBADF", why: "maps inside it need a definition: __array(values, struct …)" }
        : undefined;
    case "extra":
      return ((m.mapExtra ?? 0n) & ~rule.bits) === 0n
        ? undefined
        : `map_extra ${hex(m.mapExtra ?? 0n)} is not valid for a map of type ${m.type}`;
    case "stackValue":
      return brokenStackValue(m);
    case "ringSize":
      return brokenRingSize(m);
    case "arenaRange": {
      const why = brokenArenaRange(m);
      return why === undefined ? undefined : { code: "ERANGE", why };
    }
  }
}

/** The first rule that the definition breaks. */
export function brokenRule(m: CreateAttrs): Broken | undefined {
  const row = mapTypeRow(m.type);
  const refusal = (why: string): Broken => ({ code: "EINVAL", why });
  if (!WITH_EXTRA.has(m.type) && (m.mapExtra ?? 0n) !== 0n)
    return refusal(`map_extra ${hex(m.mapExtra ?? 0n)} means nothing for a map of type ${m.type}`);
  if ((m.flags & F.NUMA_NODE) !== 0 && (m.numaNode ?? 0) !== 0)
    return refusal(`numa_node ${m.numaNode}: there is node 0 only`);
  for (const rule of CREATE_RULES[m.type]) {
    const found = broken(m, rule, row);
    if (found !== undefined) return typeof found === "string" ? refusal(found) : found;
  }
  return undefined;
}
