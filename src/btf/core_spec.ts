// CO-RE access specs: what a relocation's access string means in the program's own types, and the same
// place in another set of types. Decides which types and fields correspond; follows libbpf's rules.
// Knows nothing of insns.
import { BpfError } from "../spec/errors.ts";
import { MAX_RESOLVE_DEPTH, type Btf, type BtfType, type BtfTypeOf } from "./btf.ts";
import { essentialName } from "./source.ts";

/** A step that names something: a member, an array index, an enumerator. */
interface Step {
  /** the struct whose member this is, else the element */
  readonly typeId: number;
  readonly idx: number;
  readonly name?: string;
}

/** A place in a type. */
export interface CoreSpec {
  readonly btf: Btf;
  readonly rootId: number;
  readonly steps: readonly Step[];
  readonly bitOff: number;
}

/** libbpf's limit on the length of an access string. */
const MAX_STEPS = 64;

type Composite = BtfTypeOf<"struct" | "union">;

function composite(t: BtfType): t is Composite {
  return t.kind === "struct" || t.kind === "union";
}

function anyEnum(t: BtfType): t is BtfTypeOf<"enum" | "enum64"> {
  return t.kind === "enum" || t.kind === "enum64";
}

function kindsAgree(a: BtfType, b: BtfType): boolean {
  return a.kind === b.kind || (anyEnum(a) && anyEnum(b));
}

function bad(access: string, why: string): BpfError {
  return new BpfError("EINVAL", `CO-RE access string ${JSON.stringify(access)}: ${why}`);
}

function parseIndexes(access: string): number[] {
  if (!/^[0-9]{1,9}(:[0-9]{1,9})*$/.test(access)) throw bad(access, "not a list of numbers");
  const out = access.split(":").map(Number);
  if (out.length > MAX_STEPS) throw bad(access, "too long");
  return out;
}

/** The place a type relocation means: the type itself. */
export function typeSpec(btf: Btf, rootId: number, access: string): CoreSpec {
  if (access !== "0") throw bad(access, "a type has no fields to access");
  return { btf, rootId, steps: [], bitOff: 0 };
}

/** The enumerator an enum relocation means. */
export function enumSpec(btf: Btf, rootId: number, access: string): CoreSpec {
  const [idx, ...more] = parseIndexes(access);
  const t = btf.resolve(rootId);
  const value = anyEnum(t) && idx !== undefined ? t.values[idx] : undefined;
  if (value === undefined || idx === undefined || more.length > 0) throw bad(access, "no such enumerator");
  return { btf, rootId, steps: [{ typeId: t.id, idx, name: value.name }], bitOff: 0 };
}

/** The field a field relocation means. */
export function fieldSpec(btf: Btf, rootId: number, access: string): CoreSpec {
  const [first = 0, ...rest] = parseIndexes(access);
  const root = btf.resolve(rootId);
  const steps: Step[] = [{ typeId: root.id, idx: first }];
  let bitOff = first * btf.sizeof(root.id) * 8;
  let at = root.id;
  for (const idx of rest) {
    const t = btf.resolve(at);
    if (composite(t)) {
      const m = t.members[idx];
      if (m === undefined) throw bad(access, `no member ${idx} in ${btf.typeName(t.id)}`);
      bitOff += m.bitOff;
      if (m.name !== "") steps.push({ typeId: t.id, idx, name: m.name });
      at = m.typeId;
    } else if (t.kind === "array") {
      if (idx >= t.nelems && !isFlexible(btf, steps.at(-1), t)) throw bad(access, `no element ${idx}`);
      at = btf.resolve(t.typeId).id;
      steps.push({ typeId: at, idx });
      bitOff += idx * btf.sizeof(at) * 8;
    } else throw bad(access, `${btf.typeName(at)} has no fields`);
  }
  return { btf, rootId, steps, bitOff };
}

/** A zero-sized array at the end of its struct has any number of elements. */
function isFlexible(btf: Btf, step: Step | undefined, t: BtfTypeOf<"array">): boolean {
  const owner = step?.name === undefined ? undefined : btf.byId(step.typeId);
  return t.nelems === 0 && owner !== undefined && composite(owner) && step?.idx === owner.members.length - 1;
}

/** The same field in another type; undefined if there is none that is compatible. */
export function matchField(local: CoreSpec, btf: Btf, rootId: number): CoreSpec | undefined {
  const root = btf.resolve(rootId);
  const first = local.steps[0];
  if (first === undefined || !hasSize(root)) return undefined;
  const steps: Step[] = [{ typeId: root.id, idx: first.idx }];
  let bitOff = first.idx * btf.sizeof(root.id) * 8;
  let at = root.id;
  for (const step of local.steps.slice(1)) {
    const t = btf.resolve(at);
    if (step.name !== undefined) {
      const m = findMember(btf, t, step.name, new Set());
      const want = memberType(local.btf, step);
      if (m === undefined || !fieldsAgree(local.btf, want, btf, m.typeId)) return undefined;
      bitOff += m.bitOff;
      steps.push({ typeId: m.ownerId, idx: m.idx, name: step.name });
      at = m.typeId;
    } else {
      if (t.kind !== "array") return undefined;
      if (step.idx >= t.nelems && !isFlexible(btf, steps.at(-1), t)) return undefined;
      at = btf.resolve(t.typeId).id;
      steps.push({ typeId: at, idx: step.idx });
      bitOff += step.idx * btf.sizeof(at) * 8;
    }
  }
  return { btf, rootId, steps, bitOff };
}

function hasSize(t: BtfType): boolean {
  return t.kind === "ptr" || t.kind === "array" || "size" in t;
}

function memberType(btf: Btf, step: Step): number {
  const t = btf.byId(step.typeId);
  const m = composite(t) ? t.members[step.idx] : undefined;
  if (m === undefined) throw new Error(`member ${step.name} is missing`);
  return m.typeId;
}

interface FoundMember {
  readonly ownerId: number;
  readonly idx: number;
  readonly typeId: number;
  /** from the start of the outermost struct looked into */
  readonly bitOff: number;
}

function findMember(btf: Btf, t: BtfType, name: string, seen: Set<number>): FoundMember | undefined {
  if (!composite(t) || seen.has(t.id)) return undefined;
  seen.add(t.id);
  for (const [idx, m] of t.members.entries()) {
    if (m.name === name) return { ownerId: t.id, idx, typeId: m.typeId, bitOff: m.bitOff };
    const inner = m.name === "" ? findMember(btf, btf.resolve(m.typeId), name, seen) : undefined;
    if (inner !== undefined) return { ...inner, bitOff: inner.bitOff + m.bitOff };
  }
  return undefined;
}

/** Whether a field of one type can stand for a field of the other. */
function fieldsAgree(a: Btf, aId: number, b: Btf, bId: number): boolean {
  for (let depth = 0; depth < MAX_RESOLVE_DEPTH; depth++) {
    const [s, t] = [a.resolve(aId), b.resolve(bId)];
    if (composite(s) && composite(t)) return true;
    if (!kindsAgree(s, t)) return false;
    if (s.kind === "ptr" || s.kind === "float") return true;
    if (s.kind === "fwd" || anyEnum(s))
      return s.name === "" || t.name === "" || essentialName(s.name) === essentialName(t.name);
    if (s.kind === "int" && t.kind === "int") return s.bitOff === 0 && t.bitOff === 0;
    if (s.kind !== "array" || t.kind !== "array") return false;
    [aId, bId] = [s.typeId, t.typeId];
  }
  return false;
}

/** The enumerator of the same name. */
export function matchEnum(local: CoreSpec, btf: Btf, rootId: number): CoreSpec | undefined {
  const t = btf.resolve(rootId);
  const name = local.steps[0]?.name;
  if (!anyEnum(t) || name === undefined) return undefined;
  const idx = t.values.findIndex((v) => essentialName(v.name) === essentialName(name));
  return idx < 0 ? undefined : { btf, rootId, steps: [{ typeId: t.id, idx, name }], bitOff: 0 };
}

/** Work one comparison of types may take; members and parameters multiply. */
const MAX_COMPARISONS = 100_000;

type Compare = (aId: number, bId: number, depth: number) => boolean;

/** Whether two types of one name are the same kind of thing (BPF_CORE_TYPE_EXISTS, _SIZE). */
export function typesAgree(a: Btf, aId: number, b: Btf, bId: number): boolean {
  let left = MAX_COMPARISONS;
  const agree: Compare = (sId, tId, depth) => {
    if (left-- <= 0 || depth > MAX_RESOLVE_DEPTH) return false;
    const [s, t] = [a.resolve(sId), b.resolve(tId)];
    if (!kindsAgree(s, t)) return false;
    if (s.kind === "int" && t.kind === "int") return s.bitOff === 0 && t.bitOff === 0;
    if ((s.kind === "ptr" && t.kind === "ptr") || (s.kind === "array" && t.kind === "array"))
      return agree(s.typeId, t.typeId, depth + 1);
    if (s.kind === "func_proto" && t.kind === "func_proto") return protosAgree(s, t, depth, agree);
    return composite(s) || anyEnum(s) || s.kind === "fwd" || s.kind === "void";
  };
  return agree(aId, bId, 0);
}

function protosAgree(
  s: BtfTypeOf<"func_proto">,
  t: BtfTypeOf<"func_proto">,
  depth: number,
  agree: Compare,
): boolean {
  if (s.params.length !== t.params.length) return false;
  const params = s.params.every((p, i) => agree(p.typeId, t.params[i]?.typeId ?? 0, depth + 1));
  return params && agree(s.typeId, t.typeId, depth + 1);
}

/** Whether two types look the same to a program: BPF_CORE_TYPE_MATCHES. */
export function typesMatch(a: Btf, aId: number, b: Btf, bId: number): boolean {
  let left = MAX_COMPARISONS;
  const match = (sId: number, tId: number, behindPtr: boolean, depth: number): boolean => {
    if (left-- <= 0 || depth > MAX_RESOLVE_DEPTH) return false;
    const [s, t] = [a.resolve(sId), b.resolve(tId)];
    if (essentialName(s.name) !== essentialName(t.name)) return false;
    if (behindPtr && forwardAgrees(s, t)) return true;
    if (!kindsAgree(s, t)) return false;
    if (composite(s) && composite(t)) return behindPtr || membersMatch(s, t, depth);
    if (anyEnum(s) && anyEnum(t)) {
      const names = new Set(t.values.map((v) => essentialName(v.name)));
      return s.values.every((v) => names.has(essentialName(v.name)));
    }
    if (s.kind === "int" && t.kind === "int")
      return s.size === t.size && s.signed === t.signed && s.bool === t.bool;
    if (s.kind === "ptr" && t.kind === "ptr") return match(s.typeId, t.typeId, true, depth + 1);
    if (s.kind === "array" && t.kind === "array")
      return s.nelems === t.nelems && match(s.typeId, t.typeId, behindPtr, depth + 1);
    if (s.kind === "func_proto" && t.kind === "func_proto")
      return protosAgree(s, t, depth, (x, y, d) => match(x, y, behindPtr, d));
    return s.kind === "void" || s.kind === "fwd" || s.kind === "float";
  };
  const membersMatch = (s: Composite, t: Composite, depth: number): boolean =>
    s.members.every((m) =>
      t.members.some(
        (n) => essentialName(n.name) === essentialName(m.name) && match(m.typeId, n.typeId, false, depth + 1),
      ),
    );
  return match(aId, bId, false, 0);
}

/** A forward declaration agrees with the struct or union it declares. */
function forwardAgrees(s: BtfType, t: BtfType): boolean {
  const [fwd, other] = s.kind === "fwd" ? [s, t] : [t, s];
  if (fwd.kind !== "fwd") return false;
  return other.kind === "fwd" ? fwd.union === other.union : other.kind === (fwd.union ? "union" : "struct");
}
