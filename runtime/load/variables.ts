// Global variables of an object by name: VAR, VAR.member, VAR[3]. Finds the place by BTF and edits the
// section's bytes; what exists after load is another file's business.
import type { Btf } from "../../src/btf/btf.ts";
import { encodeValue, formatValue } from "../../src/btf/value.ts";
import type { MapSpec, ObjectSpec, VariableSpec } from "../../src/elf/object_spec.ts";
import { BpfError } from "../../src/spec/errors.ts";

/** A JavaScript value for a BTF type: integers as number or bigint, arrays, plain objects, strings for char[]. */
export type VariableValue = unknown;

/** Where a variable, or a part of one, lies in its section. */
interface Place {
  readonly off: number;
  readonly size: number;
  /** 0 where BTF says nothing: a little-endian integer of `size` bytes */
  readonly typeId: number;
}

const STEP = /\.([A-Za-z_]\w*)|\[(\d+)\]/y;

function splitPath(path: string): { name: string; steps: (string | number)[] } {
  const name = /^[A-Za-z_]\w*/.exec(path)?.[0];
  if (name === undefined) throw new BpfError("EINVAL", `'${path}' is not a variable's name`);
  const steps: (string | number)[] = [];
  STEP.lastIndex = name.length;
  while (STEP.lastIndex < path.length) {
    const at = STEP.lastIndex;
    const match = STEP.exec(path);
    if (match === null) throw new BpfError("EINVAL", `'${path}': expected .member or [index] at '${path.slice(at)}'`);
    steps.push(match[1] ?? Number(match[2]));
  }
  return { name, steps };
}

function findVariable(spec: ObjectSpec, name: string): VariableSpec {
  const found = spec.variables.filter((v) => v.name === name);
  const [only, ...others] = found;
  if (only === undefined) {
    const names = spec.variables.map((v) => v.name).join(", ");
    throw new BpfError("ENOENT", `${spec.name}: no global variable '${name}'; there are: ${names || "none"}`);
  }
  if (others.length > 0) throw new BpfError("EINVAL", `${spec.name}: '${name}' is in ${found.map((v) => v.section).join(" and ")}`);
  return only;
}

function stepInto(btf: Btf, place: Place, step: string | number, path: string): Place {
  const type = btf.resolve(place.typeId);
  if (typeof step === "number") {
    if (type.kind !== "array") throw new BpfError("EINVAL", `'${path}': ${btf.typeName(place.typeId)} is not an array`);
    if (step >= type.nelems) throw new BpfError("EINVAL", `'${path}': index ${step} is outside ${btf.typeName(place.typeId)}`);
    const size = btf.sizeof(type.typeId);
    return { off: place.off + step * size, size, typeId: type.typeId };
  }
  const member = findMember(btf, type.id, step);
  if (member === undefined) throw new BpfError("ENOENT", `'${path}': ${btf.typeName(place.typeId)} has no member '${step}'`);
  return { off: place.off + member.off, size: btf.sizeof(member.typeId), typeId: member.typeId };
}

/** A member by name, looked for inside anonymous structs and unions too. */
function findMember(btf: Btf, typeId: number, name: string, depth = 0): { off: number; typeId: number } | undefined {
  const type = btf.resolve(typeId);
  if ((type.kind !== "struct" && type.kind !== "union") || depth > 32) return undefined;
  for (const m of type.members) {
    if (m.name === name) {
      if (m.bitSize !== 0) throw new BpfError("EOPNOTSUPP", `'${name}' is a bit-field: set the whole struct instead`);
      return { off: m.bitOff / 8, typeId: m.typeId };
    }
    const inner = m.name === "" ? findMember(btf, m.typeId, name, depth + 1) : undefined;
    if (inner !== undefined) return { off: m.bitOff / 8 + inner.off, typeId: inner.typeId };
  }
  return undefined;
}

function locate(spec: ObjectSpec, path: string): { map: MapSpec; data: Uint8Array; place: Place } {
  const { name, steps } = splitPath(path);
  const variable = findVariable(spec, name);
  const map = spec.maps[variable.map];
  if (map?.data === undefined) throw new Error(`variable '${name}' is in no data map`);
  let place: Place = { off: variable.off, size: variable.size, typeId: variable.typeId };
  for (const step of steps) {
    if (spec.btf === undefined || place.typeId === 0) throw new BpfError("EINVAL", `'${path}': the object has no BTF to find a part by`);
    place = stepInto(spec.btf, place, step, path);
  }
  if (place.off + place.size > map.data.length) throw new BpfError("EINVAL", `'${path}' lies outside ${variable.section}`);
  return { map, data: map.data, place };
}

function encodeInteger(path: string, value: VariableValue, size: number): Uint8Array {
  if (typeof value !== "bigint" && !(typeof value === "number" && Number.isInteger(value))) {
    throw new BpfError("EINVAL", `'${path}' has no BTF type: only an integer can be set`);
  }
  const n = BigInt(value);
  const bits = BigInt(size * 8);
  if (size > 8 || n >= 1n << bits || n < -(1n << (bits - 1n))) throw new BpfError("ERANGE", `'${path}': ${n} does not fit ${size} bytes`);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, n), true);
  return bytes.subarray(0, size);
}

export function setVariable(spec: ObjectSpec, path: string, value: VariableValue): void {
  const { data, place } = locate(spec, path);
  const bytes =
    spec.btf === undefined || place.typeId === 0 ? encodeInteger(path, value, place.size) : encodeTyped(spec.btf, path, place, value);
  data.set(bytes, place.off);
}

function encodeTyped(btf: Btf, path: string, place: Place, value: VariableValue): Uint8Array {
  try {
    return encodeValue(btf, place.typeId, value);
  } catch (cause) {
    if (!(cause instanceof BpfError)) throw cause;
    throw new BpfError(cause.code, `'${path}': ${cause.message}`, { cause });
  }
}

export function getVariable(spec: ObjectSpec, path: string): unknown {
  const { data, place } = locate(spec, path);
  const bytes = data.subarray(place.off, place.off + place.size);
  return spec.btf === undefined || place.typeId === 0 ? bytes.slice() : formatValue(spec.btf, place.typeId, bytes);
}
