// A BTF map definition (the struct behind a variable in `.maps`) -> MapSpec. Decides which members are
// known and what they mean; follows libbpf's BTF-defined maps. Knows nothing of ELF.
import type { Btf, BtfMember, BtfType, BtfTypeOf } from "../btf/btf.ts";
import { BpfError } from "../spec/errors.ts";
import { type MapTypeName, mapTypeName, mapTypeRow } from "../spec/map_types.ts";
import type { MapSpec } from "./object_spec.ts";
import { valueFields } from "./special_fields.ts";

const PIN_NONE = 0;
const PIN_BY_NAME = 1;

/** A definition being read; what is undefined was not said. */
interface Draft {
  readonly btf: Btf;
  readonly name: string;
  readonly isInner: boolean;
  readonly last: BtfMember | undefined;
  type?: MapTypeName;
  keySize?: number;
  valueSize?: number;
  keyTypeId?: number;
  valueTypeId?: number;
  maxEntries?: number;
  flags?: number;
  pinning?: number;
  numaNode?: number;
  mapExtra?: bigint;
  inner?: MapSpec;
}

type ReadMember = (d: Draft, m: BtfMember) => void;

// biome-ignore format: table
const MEMBERS: Readonly<Record<string, ReadMember>> = {
  type:        (d, m) => { d.type = readType(d, m); },
  key:         (d, m) => { d.keyTypeId = pointee(d, m); setKeySize(d, sizeOf(d, d.keyTypeId)); },
  value:       (d, m) => { d.valueTypeId = pointee(d, m); setValueSize(d, sizeOf(d, d.valueTypeId)); },
  key_size:    (d, m) => { setKeySize(d, uint(d, m)); },
  value_size:  (d, m) => { setValueSize(d, uint(d, m)); },
  max_entries: (d, m) => { d.maxEntries = uint(d, m); },
  map_flags:   (d, m) => { d.flags = uint(d, m); },
  numa_node:   (d, m) => { d.numaNode = uint(d, m); },
  map_extra:   (d, m) => { d.mapExtra = BigInt(ulong(d, m)); },
  pinning:     readPinning,
  values:      readValues,
};

function refuse(d: Draft, what: string): never {
  throw new BpfError("EINVAL", `map ${d.name}: ${what}`);
}

/** `__uint(name, n)`: a pointer to an array of n elements. */
function uint(d: Draft, m: BtfMember): number {
  const ptr = d.btf.skipQualifiers(m.typeId);
  if (ptr.kind !== "ptr") refuse(d, `member ${m.name} is no number: not a pointer, but ${ptr.kind}`);
  const arr = d.btf.resolve(ptr.typeId);
  if (arr.kind !== "array") refuse(d, `member ${m.name} is no number: points to no array, but ${arr.kind}`);
  return arr.nelems;
}

/** `__ulong(name, n)`: an enum with the value n; smaller numbers may be written as `__uint`. */
function ulong(d: Draft, m: BtfMember): bigint | number {
  const t = d.btf.resolve(m.typeId);
  if (t.kind === "ptr") return uint(d, m);
  if (t.kind !== "enum" && t.kind !== "enum64")
    return refuse(d, `member ${m.name} is no number, but ${t.kind}`);
  const first = t.values[0];
  return first === undefined ? refuse(d, `member ${m.name} has no value`) : BigInt.asUintN(64, first.value);
}

function pointee(d: Draft, m: BtfMember): number {
  const t = d.btf.byId(m.typeId);
  return t.kind === "ptr"
    ? t.typeId
    : refuse(d, `member ${m.name} names no type: not a pointer, but ${t.kind}`);
}

function sizeOf(d: Draft, id: number): number {
  try {
    return d.btf.sizeof(id);
  } catch (cause) {
    if (!(cause instanceof BpfError)) throw cause;
    throw new BpfError(cause.code, `map ${d.name}: ${cause.message}`, { cause });
  }
}

function setKeySize(d: Draft, size: number): void {
  if (d.keySize !== undefined && d.keySize !== size)
    refuse(d, `conflicting key sizes ${d.keySize} and ${size}`);
  d.keySize = size;
}

function setValueSize(d: Draft, size: number): void {
  if (d.valueSize !== undefined && d.valueSize !== size)
    refuse(d, `conflicting value sizes ${d.valueSize} and ${size}`);
  d.valueSize = size;
}

function readType(d: Draft, m: BtfMember): MapTypeName {
  const id = uint(d, m);
  return mapTypeName(id) ?? refuse(d, `unknown map type ${id}`);
}

function readPinning(d: Draft, m: BtfMember): void {
  if (d.isInner) refuse(d, "an inner map cannot be pinned");
  const n = uint(d, m);
  if (n !== PIN_NONE && n !== PIN_BY_NAME)
    refuse(d, `invalid pinning value ${n}: 0 is none, 1 by name, others are known to one loader only`);
  d.pinning = n;
}

/** `__array(values, …)`: the inner map's definition, or the programs' prototype. */
function readValues(d: Draft, m: BtfMember): void {
  if (d.isInner) refuse(d, "maps of maps of maps are not possible");
  if (m !== d.last) refuse(d, "member values must be the last");
  const holds = d.type === undefined ? "bytes" : mapTypeRow(d.type).holds;
  if (holds !== "map" && holds !== "prog")
    refuse(d, `a map of type ${d.type ?? "unknown"} has no values to list`);
  setValueSize(d, 4);
  const arr = d.btf.byId(m.typeId);
  if (arr.kind !== "array" || arr.nelems !== 0) refuse(d, "member values is not an array of size zero");
  const ptr = d.btf.resolve(arr.typeId);
  if (ptr.kind !== "ptr") refuse(d, `member values lists no pointers, but ${ptr.kind}`);
  const target = d.btf.resolve(ptr.typeId);
  if (holds === "prog") {
    if (target.kind !== "func_proto") refuse(d, `member values lists no functions, but ${target.kind}`);
    return;
  }
  if (target.kind !== "struct") refuse(d, `member values lists no map definitions, but ${target.kind}`);
  d.inner = readMapDef(d.btf, target, `${d.name}.inner`, true);
}

/** Reads the definition struct of the map called `name`. */
export function readMapDef(
  btf: Btf,
  def: BtfTypeOf<"struct" | "union">,
  name: string,
  isInner = false,
): MapSpec {
  const d: Draft = { btf, name, isInner, last: def.members.at(-1) };
  for (const m of def.members) {
    const read = Object.hasOwn(MEMBERS, m.name) ? MEMBERS[m.name] : undefined;
    if (read === undefined) refuse(d, `unknown member ${m.name || "without a name"}`);
    read(d, m);
  }
  return finish(d);
}

function finish(d: Draft): MapSpec {
  if (d.type === undefined) return refuse(d, "no map type");
  const valueTypeId = d.valueTypeId ?? 0;
  return {
    name: d.name,
    type: d.type,
    keySize: d.keySize ?? 0,
    valueSize: d.valueSize ?? 0,
    maxEntries: d.maxEntries ?? 0,
    flags: d.flags ?? 0,
    pinByName: d.pinning === PIN_BY_NAME,
    keyTypeId: d.keyTypeId ?? 0,
    valueTypeId,
    datasecTypeId: 0,
    specialFields: valueTypeId === 0 ? [] : valueFields(d.btf, valueTypeId),
    ...(d.mapExtra === undefined ? {} : { mapExtra: d.mapExtra }),
    ...(d.numaNode === undefined ? {} : { numaNode: d.numaNode }),
    ...(d.inner === undefined ? {} : { inner: d.inner }),
  };
}

/** The struct a map variable is declared with. */
export function mapDefStruct(btf: Btf, variable: BtfType): BtfTypeOf<"struct" | "union"> {
  if (variable.kind !== "var")
    throw new BpfError("EINVAL", `map ${variable.name}: not a variable, but ${variable.kind}`);
  const def = btf.resolve(variable.typeId);
  if (def.kind !== "struct")
    throw new BpfError("EINVAL", `map ${variable.name}: defined by no struct, but ${def.kind}`);
  return def;
}
