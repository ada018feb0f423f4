// Maps as JSON and back: raw bytes in hex, and by BTF where there is any. The form is an interface: scripts
// read it, and what was written can be given back to fill a map.
import { formatValue } from "../../src/btf/value.ts";
import type { MapDef } from "../../src/verifier/proof.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { MAP_TYPES } from "../../src/spec/map_types.ts";
import type { MapValue } from "../map/bpf_map.ts";
import type { ShownEvents, ShownMap, ShownObject } from "./shown.ts";

/** JSON.stringify leaves nothing of a bigint: 64-bit quantities become decimal strings. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export interface MapsToJsonOptions {
  /** arrays: every element, all-zero ones too */
  readonly all?: boolean;
  /** records of perf event arrays */
  readonly events?: ShownEvents;
}

const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");

function toJsonValue(value: unknown): JsonValue {
  if (typeof value === "bigint") return value.toString();
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(toJsonValue);
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, toJsonValue(v)]));
}

/** All maps of the object, by name. */
export function mapsToJson(object: ShownObject, options: MapsToJsonOptions = {}): JsonValue {
  const out: Record<string, JsonValue> = {};
  for (const map of object.maps.values()) out[map.name] = mapToJson(object, map, options);
  return out;
}

export function mapToJson(object: ShownObject, map: ShownMap, options: MapsToJsonOptions = {}): JsonValue {
  const head = headOf(map);
  const variables = variablesOf(object, map);
  if (variables !== undefined) return { ...head, variables };
  if (map.shape.type === "perf_event_array" || map.shape.type === "ringbuf") {
    const kept = options.events?.recordsOf(map.addr);
    return {
      ...head,
      records: (kept?.items ?? []).map((r) => ({
        i: r.i,
        cpu: r.cpu,
        len: r.bytes.length,
        bytes: hex(r.bytes),
      })),
      lost: kept?.lost ?? 0,
      ...(kept?.refused === undefined ? {} : { refused: kept.refused }),
    };
  }
  if (map.values !== undefined && MAP_TYPES[map.shape.type].key.rule === "none")
    return { ...head, entries: valuesToJson(object, map, object.mapDef(map.name)) };
  return { ...head, entries: entriesToJson(object, map, object.mapDef(map.name), options.all === true) };
}

function headOf({ shape }: ShownMap) {
  return {
    type: shape.type,
    key_size: shape.keySize,
    value_size: shape.valueSize,
    max_entries: shape.maxEntries,
  };
}

function entriesToJson(object: ShownObject, map: ShownMap, def: MapDef, all: boolean): JsonValue {
  return sortedEntries(map, all).map((entry) => entryToJson(object, map, def, entry));
}

/** Queue and stack: in the order in which the values would be taken. */
function valuesToJson(object: ShownObject, map: ShownMap, { valueTypeId }: MapDef): JsonValue {
  const { btf } = object.spec;
  return (map.values?.() ?? []).map((value) => ({
    value: hex(value),
    ...(btf === undefined || valueTypeId === 0
      ? {}
      : { formatted: { value: toJsonValue(formatValue(btf, valueTypeId, value)) } }),
  }));
}

type Entry = readonly [key: Uint8Array, value: MapValue];

function sortedEntries(map: ShownMap, all: boolean): Entry[] {
  const { indexed, holds } = MAP_TYPES[map.shape.type];
  const sparse = indexed && holds === "bytes" && !all;
  return [...map.entries()]
    .filter(([, value]) => !sparse || !isZero(value))
    .sort(([a], [b]) => Buffer.compare(a, b));
}

function isZero(value: Uint8Array | readonly Uint8Array[]): boolean {
  return value instanceof Uint8Array
    ? value.every((b) => b === 0)
    : value.every((v) => v.every((b) => b === 0));
}

function entryToJson(object: ShownObject, map: ShownMap, def: MapDef, [key, value]: Entry): JsonValue {
  const keyHex = hex(key);
  const { holds } = MAP_TYPES[map.shape.type];
  if (holds === "prog" && value instanceof Uint8Array) {
    return { key: keyHex, prog: object.progInSlot(value) ?? null };
  }
  if (holds === "map" && value instanceof Uint8Array) {
    const inner = object.innerMap?.(value);
    return {
      key: keyHex,
      map:
        inner === undefined
          ? null
          : { ...headOf(inner.map), entries: entriesToJson(object, inner.map, inner.def, false) },
    };
  }
  const raw = value instanceof Uint8Array ? hex(value) : value.map(hex);
  if (holds === "dev" && value instanceof Uint8Array)
    return { key: keyHex, value: raw, formatted: { key: u32(key), value: { ifindex: u32(value) } } };
  const formatted = formatEntry(object, def, key, value);
  return { key: keyHex, value: raw, ...(formatted === undefined ? {} : { formatted }) };
}

function formatEntry(
  object: ShownObject,
  { keyTypeId, valueTypeId }: MapDef,
  key: Uint8Array,
  value: Uint8Array | readonly Uint8Array[],
): JsonValue | undefined {
  const { btf } = object.spec;
  if (btf === undefined || keyTypeId === 0 || valueTypeId === 0) return undefined;
  const one = (bytes: Uint8Array) => toJsonValue(formatValue(btf, valueTypeId, bytes));
  return {
    key: toJsonValue(formatValue(btf, keyTypeId, key)),
    value: value instanceof Uint8Array ? one(value) : value.map(one),
  };
}

/** Global variables of a data map; undefined for any other map. */
function variablesOf(object: ShownObject, map: ShownMap): JsonValue | undefined {
  const index = object.spec.maps.findIndex((m) => m.name === map.name);
  if (object.spec.maps[index]?.data === undefined) return undefined;
  const data = map.lookup(new Uint8Array(4));
  if (!(data instanceof Uint8Array)) throw new Error(`data map '${map.name}' has no value`);
  const { btf } = object.spec;
  const out: Record<string, JsonValue> = {};
  for (const v of object.spec.variables) {
    if (v.map !== index) continue;
    const bytes = data.subarray(v.off, v.off + v.size);
    out[v.name] = {
      bytes: hex(bytes),
      ...(btf === undefined || v.typeId === 0
        ? {}
        : { value: toJsonValue(formatValue(btf, v.typeId, bytes)) }),
    };
  }
  return out;
}

const u32 = (bytes: Uint8Array): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(0, true);

/**
 * Fills a map from the entries form: `{"entries":[…]}` or a whole maps document, or the bare list. Nothing is
 * written when any entry is not valid; an update the map refuses names the entry.
 */
export function fillMaps(object: ShownObject, name: string, document: unknown, where: string): void {
  const map = object.map(name);
  const entries = findEntries(document, name);
  if (entries === undefined) throw new BpfError("EINVAL", `${where}: no list of entries for map '${name}'`);
  if (map.push !== undefined && MAP_TYPES[map.shape.type].key.rule === "none")
    return fillValues(map, entries, where);
  const decoded = entries.map((entry, i) => decodeEntry(object, map, entry, `${where}: entry ${i}`));
  for (const [i, { key, value }] of decoded.entries()) {
    try {
      map.update(key, value);
    } catch (cause) {
      if (!(cause instanceof BpfError)) throw cause;
      throw new BpfError(cause.code, `${where}: entry ${i}: ${cause.message}`, { cause });
    }
  }
}

/** Queue and stack: what is listed first is taken first. */
function fillValues(map: ShownMap, entries: readonly unknown[], where: string): void {
  const values = entries.map((entry, i) => {
    if (!isObject(entry)) throw new BpfError("EINVAL", `${where}: entry ${i}: not an object with a value`);
    return decodeHex(entry["value"], map.shape.valueSize, `${where}: entry ${i}: value`);
  });
  if (map.shape.type === "stack") values.reverse();
  for (const value of values) map.push?.(value);
}

const isObject = (v: unknown): v is Record<string, unknown> =>
  typeof v === "object" && v !== null && !Array.isArray(v);

function findEntries(document: unknown, name: string): readonly unknown[] | undefined {
  if (Array.isArray(document)) return document;
  if (!isObject(document)) return undefined;
  if (Array.isArray(document["entries"])) return document["entries"];
  const inner = Object.hasOwn(document, name) ? document[name] : undefined;
  return isObject(inner) && Array.isArray(inner["entries"]) ? inner["entries"] : undefined;
}

function decodeEntry(
  object: ShownObject,
  map: ShownMap,
  entry: unknown,
  where: string,
): { key: Uint8Array; value: Uint8Array | Uint8Array[] } {
  if (!isObject(entry)) throw new BpfError("EINVAL", `${where}: not an object with key and value`);
  const key = decodeHex(entry["key"], map.shape.keySize, `${where}: key`);
  if (map.shape.type === "prog_array") {
    const prog = entry["prog"];
    if (typeof prog !== "string") throw new BpfError("EINVAL", `${where}: prog is not a program's name`);
    return { key, value: object.slotOfProg(prog) };
  }
  const raw = entry["value"];
  if (!MAP_TYPES[map.shape.type].perCpu)
    return { key, value: decodeHex(raw, map.shape.valueSize, `${where}: value`) };
  if (!Array.isArray(raw) || raw.length !== object.ncpus) {
    throw new BpfError("EINVAL", `${where}: value is not a list of ${object.ncpus} values, one for each CPU`);
  }
  return { key, value: raw.map((v, cpu) => decodeHex(v, map.shape.valueSize, `${where}: value ${cpu}`)) };
}

function decodeHex(text: unknown, size: number, where: string): Uint8Array {
  if (typeof text !== "string" || !/^(?:[0-9a-f]{2})*$/i.test(text))
    throw new BpfError("EINVAL", `${where} is not bytes in hex`);
  if (text.length !== size * 2)
    throw new BpfError("EINVAL", `${where} has ${text.length / 2} bytes, not ${size}`);
  return new Uint8Array(Buffer.from(text, "hex"));
}
