// Bytes of a value <-> plain JavaScript, by BTF. Decides how each kind of type looks outside, close to
// what bpftool prints as "formatted": 64-bit integers are bigints, NUL-terminated char arrays strings,
// enumerators names, members of anonymous structs belong to the struct around them.
import { BpfError } from "../spec/errors.ts";
import { readBits, writeBits } from "./bits.ts";
import { MAX_RESOLVE_DEPTH, type Btf, type BtfMember, type BtfType, type BtfTypeOf } from "./btf.ts";

export type JsValue = number | bigint | string | boolean | JsValue[] | { [name: string]: JsValue };

/** What may be given for a value: also raw bytes, and numbers as decimal or hex strings. */
export type JsInput =
  | number
  | bigint
  | string
  | boolean
  | Uint8Array
  | readonly JsInput[]
  | { readonly [name: string]: JsInput };

/** A part of a value: a type at a place. `bitSize` is 0 for whole values. */
export interface Place {
  readonly typeId: number;
  /** from the start of the outermost value */
  readonly bitOff: number;
  readonly bitSize: number;
}

type Scalar = BtfTypeOf<"int"> | BtfTypeOf<"enum" | "enum64"> | BtfTypeOf<"ptr">;

/** Bounds what one value may cost: hostile types can nest and overlap members without end. */
class Walk {
  #left: number;

  constructor(
    readonly btf: Btf,
    readonly bytes: Uint8Array,
  ) {
    this.#left = 65536 + 8 * bytes.length;
  }

  enter(typeId: number, depth: number): void {
    if (depth > MAX_RESOLVE_DEPTH || this.#left-- <= 0)
      throw new BpfError("ELOOP", `btf: type ${typeId} has too many nested members`);
  }
}

function bitsOf(t: Scalar, bitSize: number): { bits: number; shift: number; signed: boolean } {
  if (t.kind === "ptr") return { bits: bitSize || 64, shift: 0, signed: false };
  if (t.kind !== "int") return { bits: bitSize || t.size * 8, shift: 0, signed: t.signed };
  return { bits: bitSize || t.bits, shift: bitSize === 0 ? t.bitOff : 0, signed: t.signed };
}

function isChar(btf: Btf, id: number): boolean {
  // A typedef of char is a small number, not text.
  const t = btf.skipQualifiers(id);
  return t.kind === "int" && t.size === 1 && (t.char || t.name === "char");
}

/** A value as a plain JavaScript value. `bytes` must hold all of it. */
export function formatValue(btf: Btf, typeId: number, bytes: Uint8Array): JsValue {
  return readPlace(btf, { typeId, bitOff: 0, bitSize: 0 }, bytes);
}

/** Part of a value as a plain JavaScript value. */
export function readPlace(btf: Btf, place: Place, bytes: Uint8Array): JsValue {
  checkFits(btf, place, bytes);
  return read(new Walk(btf, bytes), place, 0);
}

function checkFits(btf: Btf, p: Place, bytes: Uint8Array): void {
  const bits = p.bitSize || sizeOf(btf, p.typeId) * 8;
  if (p.bitOff + bits > bytes.length * 8)
    throw new BpfError(
      "EINVAL",
      `btf: ${btf.typeName(p.typeId)} needs ${bits / 8} bytes at ${p.bitOff / 8} of ${bytes.length}`,
    );
}

/** Like btf.sizeof, but a section of zero size is as long as its variables. */
function sizeOf(btf: Btf, id: number): number {
  const t = btf.resolve(id);
  if (t.kind !== "datasec" || t.size !== 0) return btf.sizeof(id);
  return t.vars.reduce((n, v) => Math.max(n, v.off + v.size), 0);
}

function read(w: Walk, p: Place, depth: number): JsValue {
  w.enter(p.typeId, depth);
  const t = w.btf.resolve(p.typeId);
  switch (t.kind) {
    case "int":
    case "enum":
    case "enum64":
    case "ptr":
      return readScalar(w, t, p);
    case "float":
      return readFloat(w, t, p);
    case "array":
      return readArray(w, t, p, depth);
    case "struct":
    case "union":
      return Object.fromEntries(readMembers(w, t, p, depth));
    case "var":
      return read(w, { ...p, typeId: t.typeId }, depth + 1);
    case "datasec":
      return Object.fromEntries(
        t.vars.map((v) => [w.btf.byId(v.typeId).name, read(w, part(p, v.typeId, v.off * 8), depth + 1)]),
      );
    default:
      throw noValue(w.btf, t);
  }
}

function noValue(btf: Btf, t: BtfType): BpfError {
  return new BpfError("EINVAL", `btf: type ${t.id} (${btf.typeName(t.id)}) has no value`);
}

function part(p: Place, typeId: number, bitOff: number, bitSize = 0): Place {
  return { typeId, bitOff: p.bitOff + bitOff, bitSize };
}

function readScalar(w: Walk, t: Scalar, p: Place): JsValue {
  const { bits, shift, signed } = bitsOf(t, p.bitSize);
  const u = readBits(w.bytes, p.bitOff + shift, bits);
  const n = signed ? BigInt.asIntN(bits, u) : u;
  if (t.kind === "int" && t.bool) return n !== 0n;
  if (t.kind === "enum" || t.kind === "enum64") {
    const known = enumNames(t).get(n);
    if (known !== undefined) return known;
  }
  const size = t.kind === "ptr" ? 8 : t.size;
  return size <= 4 ? Number(n) : n;
}

const ENUM_NAMES = new WeakMap<BtfType, Map<bigint, string>>();

/** Enumerators by value; of several with one value the first. */
function enumNames(t: BtfTypeOf<"enum" | "enum64">): Map<bigint, string> {
  const known = ENUM_NAMES.get(t);
  if (known !== undefined) return known;
  const names = new Map<bigint, string>();
  for (const v of t.values) if (!names.has(v.value)) names.set(v.value, v.name);
  ENUM_NAMES.set(t, names);
  return names;
}

function readFloat(w: Walk, t: BtfTypeOf<"float">, p: Place): number {
  const at = p.bitOff / 8;
  const v = new DataView(w.bytes.buffer, w.bytes.byteOffset, w.bytes.byteLength);
  if (t.size === 4) return v.getFloat32(at, true);
  if (t.size === 8) return v.getFloat64(at, true);
  throw new BpfError("EOPNOTSUPP", `btf: floating point type ${t.name} of ${t.size} bytes is not supported`);
}

function readArray(w: Walk, t: BtfTypeOf<"array">, p: Place, depth: number): JsValue {
  const text = isChar(w.btf, t.typeId)
    ? readText(w.bytes.subarray(p.bitOff / 8, p.bitOff / 8 + t.nelems))
    : undefined;
  if (text !== undefined) return text;
  const bits = t.nelems === 0 ? 0 : w.btf.sizeof(t.typeId) * 8;
  const out: JsValue[] = [];
  for (let i = 0; i < t.nelems; i++) out.push(read(w, part(p, t.typeId, i * bits), depth + 1));
  return out;
}

/** Printable text up to a NUL and nothing but NULs after it; anything else would not come back the same. */
function readText(b: Uint8Array): string | undefined {
  const end = b.indexOf(0);
  if (end < 0 || b.subarray(end).some((c) => c !== 0)) return undefined;
  const text = b.subarray(0, end);
  return text.every((c) => c > 0x1f && c < 0x7f) ? Buffer.from(text).toString("latin1") : undefined;
}

function readMembers(
  w: Walk,
  t: BtfTypeOf<"struct" | "union">,
  p: Place,
  depth: number,
): [string, JsValue][] {
  const out: [string, JsValue][] = [];
  for (const m of t.members) {
    const at = part(p, m.typeId, m.bitOff, m.bitSize);
    const inner = m.name === "" ? anonymous(w.btf, m) : undefined;
    if (inner !== undefined) {
      w.enter(m.typeId, depth + 1);
      for (const e of readMembers(w, inner, at, depth + 1)) out.push(e);
    } else if (m.name !== "") out.push([m.name, read(w, at, depth + 1)]);
  }
  return out;
}

function anonymous(btf: Btf, m: BtfMember): BtfTypeOf<"struct" | "union"> | undefined {
  const t = btf.resolve(m.typeId);
  return t.kind === "struct" || t.kind === "union" ? t : undefined;
}

/** The bytes of a value given as plain JavaScript; what is left out is zero. */
export function encodeValue(btf: Btf, typeId: number, js: JsInput): Uint8Array {
  const bytes = new Uint8Array(sizeOf(btf, typeId));
  writePlace(btf, { typeId, bitOff: 0, bitSize: 0 }, bytes, js);
  return bytes;
}

/** Writes part of a value in place; members that are left out keep their bytes. */
export function writePlace(btf: Btf, place: Place, bytes: Uint8Array, js: JsInput): void {
  checkFits(btf, place, bytes);
  write(new Walk(btf, bytes), place, js, 0, "");
}

function mismatch(w: Walk, p: Place, js: JsInput, path: string): BpfError {
  const shown =
    typeof js === "object" ? (Array.isArray(js) ? "an array" : "an object") : JSON.stringify(String(js));
  return new BpfError(
    "EINVAL",
    `${path === "" ? "value" : path}: ${shown} is no ${w.btf.typeName(p.typeId)}`,
  );
}

function write(w: Walk, p: Place, js: JsInput, depth: number, path: string): void {
  w.enter(p.typeId, depth);
  const t = w.btf.resolve(p.typeId);
  if (js instanceof Uint8Array) return writeRaw(w, p, js, path);
  switch (t.kind) {
    case "int":
    case "enum":
    case "enum64":
    case "ptr":
      return writeScalar(w, t, p, js, path);
    case "float":
      return writeFloat(w, t, p, js, path);
    case "array":
      return writeArray(w, t, p, js, depth, path);
    case "struct":
    case "union":
      return writeStruct(w, t, p, js, depth, path);
    case "var":
      return write(w, { ...p, typeId: t.typeId }, js, depth + 1, path);
    case "datasec":
      return writeDatasec(w, t, p, js, depth);
    default:
      throw noValue(w.btf, t);
  }
}

function writeRaw(w: Walk, p: Place, js: Uint8Array, path: string): void {
  const size = sizeOf(w.btf, p.typeId);
  if (p.bitSize !== 0 || js.length !== size)
    throw new BpfError(
      "EINVAL",
      `${path || "value"}: ${js.length} bytes given, ${w.btf.typeName(p.typeId)} has ${size}`,
    );
  w.bytes.set(js, p.bitOff / 8);
}

function toInteger(js: JsInput): bigint | undefined {
  if (typeof js === "bigint") return js;
  if (typeof js === "boolean") return js ? 1n : 0n;
  if (typeof js === "number") return Number.isSafeInteger(js) ? BigInt(js) : undefined;
  if (typeof js !== "string") return undefined;
  const m = /^(-?)(0x[0-9a-f]{1,32}|[0-9]{1,40})$/i.exec(js);
  return m?.[2] === undefined ? undefined : m[1] === "-" ? -BigInt(m[2]) : BigInt(m[2]);
}

function writeScalar(w: Walk, t: Scalar, p: Place, js: JsInput, path: string): void {
  const { bits, shift, signed } = bitsOf(t, p.bitSize);
  const named =
    t.kind === "enum" || t.kind === "enum64" ? t.values.find((v) => v.name === js)?.value : undefined;
  const bool = t.kind === "int" && t.bool && (js === "true" || js === "false") ? js === "true" : js;
  const n = named ?? toInteger(bool);
  if (n === undefined) throw mismatch(w, p, js, path);
  const fits = signed ? BigInt.asIntN(bits, n) === n : BigInt.asUintN(bits, n) === n;
  if (!fits) {
    const what = p.bitSize === 0 ? w.btf.typeName(p.typeId) : `${bits} bits of ${w.btf.typeName(p.typeId)}`;
    throw new BpfError("ERANGE", `${path || "value"}: ${n} does not fit ${what}`);
  }
  writeBits(w.bytes, p.bitOff + shift, bits, n);
}

function writeFloat(w: Walk, t: BtfTypeOf<"float">, p: Place, js: JsInput, path: string): void {
  const n = typeof js === "string" && js !== "" ? Number(js) : js;
  if (typeof n !== "number" || (Number.isNaN(n) && js !== "NaN" && typeof js === "string"))
    throw mismatch(w, p, js, path);
  const v = new DataView(w.bytes.buffer, w.bytes.byteOffset, w.bytes.byteLength);
  if (t.size === 4) v.setFloat32(p.bitOff / 8, n, true);
  else if (t.size === 8) v.setFloat64(p.bitOff / 8, n, true);
  else
    throw new BpfError(
      "EOPNOTSUPP",
      `btf: floating point type ${t.name} of ${t.size} bytes is not supported`,
    );
}

function writeArray(
  w: Walk,
  t: BtfTypeOf<"array">,
  p: Place,
  js: JsInput,
  depth: number,
  path: string,
): void {
  if (typeof js === "string" && isChar(w.btf, t.typeId)) return writeText(w, t, p, js, path);
  if (!Array.isArray(js)) throw mismatch(w, p, js, path);
  const items: readonly JsInput[] = js;
  if (items.length > t.nelems)
    throw new BpfError(
      "EINVAL",
      `${path || "value"}: ${items.length} elements given, ${w.btf.typeName(p.typeId)} has ${t.nelems}`,
    );
  const bits = items.length === 0 ? 0 : w.btf.sizeof(t.typeId) * 8;
  items.forEach((item, i) => write(w, part(p, t.typeId, i * bits), item, depth + 1, `${path}[${i}]`));
}

function writeText(w: Walk, t: BtfTypeOf<"array">, p: Place, js: string, path: string): void {
  const text = Buffer.from(js, "utf8");
  if (text.length > t.nelems)
    throw new BpfError(
      "EINVAL",
      `${path || "value"}: ${text.length} bytes of text do not fit ${w.btf.typeName(p.typeId)}`,
    );
  const at = p.bitOff / 8;
  w.bytes.fill(0, at, at + t.nelems);
  w.bytes.set(text, at);
}

/** The entries of a plain object. */
function entriesOf(w: Walk, p: Place, js: JsInput, path: string): [string, JsInput][] {
  if (typeof js !== "object" || js instanceof Uint8Array || Array.isArray(js)) throw mismatch(w, p, js, path);
  return Object.entries(js);
}

function writeStruct(
  w: Walk,
  t: BtfTypeOf<"struct" | "union">,
  p: Place,
  js: JsInput,
  depth: number,
  path: string,
): void {
  for (const [name, item] of entriesOf(w, p, js, path)) {
    const at = member(w.btf, t, name);
    const inner = path === "" ? name : `${path}.${name}`;
    if (at === undefined)
      throw new BpfError("EINVAL", `${inner}: no such member in ${w.btf.typeName(p.typeId)}`);
    write(w, part(p, at.typeId, at.bitOff, at.bitSize), item, depth + 1, inner);
  }
}

function writeDatasec(w: Walk, t: BtfTypeOf<"datasec">, p: Place, js: JsInput, depth: number): void {
  for (const [name, item] of entriesOf(w, p, js, t.name)) {
    const v = t.vars.find((s) => w.btf.byId(s.typeId).name === name);
    if (v === undefined) throw new BpfError("EINVAL", `${name}: no such variable in ${t.name}`);
    write(w, part(p, v.typeId, v.off * 8), item, depth + 1, name);
  }
}

/** A member by name, also one of an anonymous struct or union inside. */
function member(
  btf: Btf,
  t: BtfTypeOf<"struct" | "union">,
  name: string,
  seen = new Set<number>(),
): Place | undefined {
  if (seen.has(t.id) || name === "") return undefined;
  seen.add(t.id);
  const own = t.members.find((m) => m.name === name);
  if (own !== undefined) return own;
  for (const m of t.members) {
    const inner = m.name === "" ? anonymous(btf, m) : undefined;
    const at = inner === undefined ? undefined : member(btf, inner, name, seen);
    if (at !== undefined) return { ...at, bitOff: at.bitOff + m.bitOff };
  }
  return undefined;
}

/** The part of a value that a path like `.a.b[3]` or `[2].c` names; "" is all of it. */
export function findPlace(btf: Btf, typeId: number, path: string): Place {
  let at: Place = { typeId, bitOff: 0, bitSize: 0 };
  const steps = path.match(/\.[^.[\]]+|\[[0-9]+\]/g) ?? [];
  if (steps.join("") !== path) throw new BpfError("EINVAL", `${path}: not a path of members and indexes`);
  for (const step of steps) {
    const t = btf.resolve(at.typeId);
    if (step.startsWith("[")) {
      const i = Number(step.slice(1, -1));
      if (t.kind !== "array") throw new BpfError("EINVAL", `${path}: ${btf.typeName(at.typeId)} is no array`);
      if (i >= t.nelems) throw new BpfError("EINVAL", `${path}: index ${i} of ${t.nelems} elements`);
      at = part(at, t.typeId, i * btf.sizeof(t.typeId) * 8);
    } else {
      const m = t.kind === "struct" || t.kind === "union" ? member(btf, t, step.slice(1)) : undefined;
      if (m === undefined)
        throw new BpfError("EINVAL", `${path}: no member ${step.slice(1)} in ${btf.typeName(at.typeId)}`);
      at = part(at, m.typeId, m.bitOff, m.bitSize);
    }
  }
  return at;
}
