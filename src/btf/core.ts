// CO-RE: insns written for one set of types -> the same insns for another. Decides the new value of each
// relocated insn; what cannot be relocated is poisoned as libbpf does, so that only a program that
// reaches it is refused. Follows libbpf's relo_core.
import type { Insn, Size } from "../isa/insn.ts";
import { BpfError } from "../spec/errors.ts";
import type { Btf, BtfType } from "./btf.ts";
import {
  type CoreSpec,
  enumSpec,
  fieldSpec,
  matchEnum,
  matchField,
  typesAgree,
  typeSpec,
  typesMatch,
} from "./core_spec.ts";
import { essentialName } from "./source.ts";

/** A relocation as `.BTF.ext` has it, at an insn. */
export interface CoreRecord {
  readonly pc: number;
  readonly typeId: number;
  readonly accessStr: string;
  readonly kind: number;
}

/** The call that stands for an insn that could not be relocated (libbpf's 0xbad2310). */
export const POISON_HELPER = 195896080;

/** A value to put into an insn; `size` of the field when the access may change its width. */
interface Value {
  readonly value: bigint;
  readonly size?: number;
  readonly typeId?: number;
  /** whether the insn must already hold the local value */
  readonly certain: boolean;
}

type Family = "field" | "type" | "enum";

export interface KindRow {
  readonly name: string;
  readonly family: Family;
  /** value for a place; undefined: poison */
  readonly of: (s: CoreSpec | undefined) => Value | undefined;
}

const plain = (value: bigint | number, certain = true): Value => ({ value: BigInt(value), certain });

// biome-ignore format: table
/** BPF_CORE_*: the index is the kernel's number. */
const KINDS: readonly KindRow[] = [
  { name: "byte_off",       family: "field", of: (s) => s && fieldValue(s, "byte_off") },
  { name: "byte_sz",        family: "field", of: (s) => s && fieldValue(s, "byte_sz") },
  { name: "field_exists",   family: "field", of: (s) => plain(s === undefined ? 0 : 1) },
  { name: "signed",         family: "field", of: (s) => s && fieldValue(s, "signed") },
  { name: "lshift_u64",     family: "field", of: (s) => s && fieldValue(s, "lshift") },
  { name: "rshift_u64",     family: "field", of: (s) => s && fieldValue(s, "rshift") },
  { name: "local_type_id",  family: "type",  of: (s) => plain(s?.rootId ?? 0, false) },
  { name: "target_type_id", family: "type",  of: (s) => plain(s?.rootId ?? 0, false) },
  { name: "type_exists",    family: "type",  of: (s) => plain(s === undefined ? 0 : 1) },
  { name: "type_size",      family: "type",  of: (s) => plain(s?.btf.sizeof(s.rootId) ?? 0) },
  { name: "enumval_exists", family: "enum",  of: (s) => plain(s === undefined ? 0 : 1) },
  { name: "enumval_value",  family: "enum",  of: (s) => s && plain(enumerator(s)) },
  { name: "type_matches",   family: "type",  of: (s) => plain(s === undefined ? 0 : 1) },
];
/** The row of a number that a file has. */
export function coreKind(kind: number): KindRow {
  const row = KINDS[kind];
  if (row === undefined) throw new BpfError("EOPNOTSUPP", `unknown kind ${kind}`);
  return row;
}

const LOCAL_TYPE_ID = 6;
const TYPE_MATCHES = 12;

function enumerator(s: CoreSpec): bigint {
  const step = s.steps[0];
  const t = step && s.btf.byId(step.typeId);
  const v =
    t !== undefined && (t.kind === "enum" || t.kind === "enum64") ? t.values[step?.idx ?? -1] : undefined;
  if (v === undefined) throw new Error("enumerator is missing");
  return BigInt.asUintN(64, v.value);
}

type FieldAspect = "byte_off" | "byte_sz" | "signed" | "lshift" | "rshift";

function fieldValue(s: CoreSpec, aspect: FieldAspect): Value {
  const step = s.steps.at(-1);
  if (step === undefined) throw new Error("a field without a place");
  if (step.name === undefined) return elementValue(s, step.typeId, aspect);
  const owner = s.btf.byId(step.typeId);
  const m = owner.kind === "struct" || owner.kind === "union" ? owner.members[step.idx] : undefined;
  if (m === undefined) throw new Error(`member ${step.name} is missing`);
  const t = s.btf.resolve(m.typeId);
  const load = m.bitSize > 0 ? bitfieldLoad(s, t, m.bitSize) : undefined;
  const size = load?.size ?? s.btf.sizeof(t.id);
  const off = load?.off ?? Math.floor(s.bitOff / 8);
  const bits = m.bitSize || size * 8;
  // The compiler may have chosen another load for a bit-field; only sign and right shift are certain.
  const certain = load === undefined;
  switch (aspect) {
    case "byte_off":
      return { value: BigInt(off), certain, ...(load === undefined ? { size, typeId: t.id } : {}) };
    case "byte_sz":
      return plain(size, certain);
    case "signed":
      return plain("signed" in t && t.signed ? 1 : 0);
    case "lshift":
      return plain(64 - (s.bitOff + bits - off * 8), certain);
    case "rshift":
      return plain(64 - bits);
  }
}

function elementValue(s: CoreSpec, typeId: number, aspect: FieldAspect): Value {
  const size = s.btf.sizeof(typeId);
  if (aspect === "byte_off") return { value: BigInt(Math.floor(s.bitOff / 8)), certain: true, size, typeId };
  if (aspect === "byte_sz") return plain(size);
  throw new BpfError("EINVAL", `CO-RE ${aspect} of an array element`);
}

/** The smallest aligned load that covers a bit-field. */
function bitfieldLoad(s: CoreSpec, t: BtfType, bitSize: number): { size: number; off: number } {
  let size = "size" in t && t.size > 0 ? t.size : 1;
  for (;;) {
    const off = Math.floor(s.bitOff / 8 / size) * size;
    if (s.bitOff + bitSize - off * 8 <= size * 8) return { size, off };
    if (size >= 8) throw new BpfError("E2BIG", "CO-RE bit-field does not fit a 64-bit load");
    size *= 2;
  }
}

/** Applies relocations; `insns` are those of one linked program and are not changed. */
export function applyCore(
  insns: readonly (Insn | undefined)[],
  relos: readonly CoreRecord[],
  local: Btf,
  target: Btf,
): (Insn | undefined)[] {
  const out = [...insns];
  const candidates = candidateFinder(target);
  for (const r of relos) {
    try {
      relocate(out, r, local, target, candidates);
    } catch (cause) {
      if (!(cause instanceof BpfError)) throw cause;
      throw new BpfError(cause.code, `CO-RE relocation of insn ${r.pc}: ${cause.message}`, { cause });
    }
  }
  return out;
}

type Candidates = (name: string) => readonly BtfType[];

/** Candidates looked at for one program; many relocations of many types of one name multiply. */
const MAX_CANDIDATES = 200_000;

/** Types by their name without flavour. */
function candidateFinder(target: Btf): Candidates {
  let left = MAX_CANDIDATES;
  return (name) => {
    const found = target.flavoursOf(essentialName(name));
    left -= found.length;
    if (left < 0) throw new BpfError("E2BIG", `too many types named ${name}`);
    return found;
  };
}

function relocate(
  out: (Insn | undefined)[],
  r: CoreRecord,
  local: Btf,
  target: Btf,
  candidates: Candidates,
): void {
  const row = coreKind(r.kind);
  const make = row.family === "field" ? fieldSpec : row.family === "enum" ? enumSpec : typeSpec;
  const own = make(local, r.typeId, r.accessStr);
  const have = row.of(own);
  if (have === undefined) throw new Error(`${row.name} has no local value`);
  const want = r.kind === LOCAL_TYPE_ID ? have : targetValue(row, r, own, target, candidates);
  if (want === undefined) poison(out, r.pc);
  else patch(out, r, have, want, local, target);
}

function missing(pc: number): never {
  throw new BpfError("EINVAL", `no insn at ${pc}`);
}

/** The value in the target types; all candidates that fit must agree. */
function targetValue(
  row: KindRow,
  r: CoreRecord,
  own: CoreSpec,
  target: Btf,
  candidates: Candidates,
): Value | undefined {
  const root = own.btf.byId(r.typeId);
  if (root.name === "") throw new BpfError("EINVAL", `${row.name} of a type without a name`);
  let found: { value: Value | undefined } | undefined;
  for (const t of candidates(root.name)) {
    const spec =
      t.kind === root.kind || bothEnums(t, root) ? matchSpec(row, r, own, target, t.id) : undefined;
    if (spec === undefined) continue;
    const value = row.of(spec);
    if (found !== undefined && found.value?.value !== value?.value)
      throw new BpfError(
        "EINVAL",
        `${row.name} of ${root.name} is ambiguous: ${found.value?.value} or ${value?.value}`,
      );
    found ??= { value };
  }
  return found === undefined ? row.of(undefined) : found.value;
}

function bothEnums(a: BtfType, b: BtfType): boolean {
  return (a.kind === "enum" || a.kind === "enum64") && (b.kind === "enum" || b.kind === "enum64");
}

function matchSpec(
  row: KindRow,
  r: CoreRecord,
  own: CoreSpec,
  target: Btf,
  id: number,
): CoreSpec | undefined {
  if (row.family === "field") return matchField(own, target, id);
  if (row.family === "enum") return matchEnum(own, target, id);
  const same = r.kind === TYPE_MATCHES ? typesMatch : typesAgree;
  return same(own.btf, r.typeId, target, id) ? { btf: target, rootId: id, steps: [], bitOff: 0 } : undefined;
}

function poison(out: (Insn | undefined)[], pc: number): void {
  if (out[pc] === undefined) missing(pc);
  const call = (at: number): Insn => ({
    pc: at,
    kind: "call",
    callee: { kind: "helper", id: POISON_HELPER },
  });
  if (out[pc]?.kind === "ld_imm64") out[pc + 1] = call(pc + 1);
  out[pc] = call(pc);
}

function check(have: Value, is: bigint): void {
  if (have.certain && BigInt.asUintN(64, is) !== BigInt.asUintN(64, have.value))
    throw new BpfError("EINVAL", `insn has the value ${is}, its types say ${have.value}`);
}

function patch(
  out: (Insn | undefined)[],
  r: CoreRecord,
  have: Value,
  want: Value,
  local: Btf,
  target: Btf,
): void {
  const insn = out[r.pc];
  if (insn === undefined) return missing(r.pc);
  if (insn.kind === "alu" && insn.src.kind === "imm") {
    check(have, BigInt(insn.src.imm));
    out[r.pc] = { ...insn, src: { kind: "imm", imm: Number(BigInt.asIntN(32, want.value)) } };
  } else if (insn.kind === "ld_imm64" && insn.value.kind === "imm") {
    check(have, insn.value.imm);
    out[r.pc] = { ...insn, value: { kind: "imm", imm: BigInt.asUintN(64, want.value) } };
  } else if (insn.kind === "ldx" || insn.kind === "st") {
    check(have, BigInt(insn.off));
    if (want.value > 0x7fffn) throw new BpfError("ERANGE", `offset ${want.value} is too big for an insn`);
    const size = newSize(insn.size, have, want, local, target);
    if (size === undefined) poison(out, r.pc);
    else out[r.pc] = { ...insn, off: Number(want.value), size };
  } else throw new BpfError("EINVAL", `an insn of kind ${insn.kind} cannot be relocated`);
}

/** Width of the access in the target types; undefined if reading another width would change the value. */
function newSize(size: Size, have: Value, want: Value, local: Btf, target: Btf): Size | undefined {
  if (have.size === undefined || want.size === undefined || have.size === want.size) return size;
  const [a, b] = [local.resolve(have.typeId ?? 0), target.resolve(want.typeId ?? 0)];
  const widens =
    (a.kind === "ptr" && b.kind === "ptr") ||
    (a.kind === "int" && b.kind === "int" && !a.signed && !b.signed);
  if (!widens) return undefined;
  if (size !== have.size)
    throw new BpfError("EINVAL", `insn accesses ${size} bytes of a field of ${have.size}`);
  if (want.size === 1 || want.size === 2 || want.size === 4 || want.size === 8) return want.size;
  throw new BpfError("EINVAL", `a field of ${want.size} bytes cannot be accessed at once`);
}
