// Fields that the kernel owns: in values of maps, in data sections, in objects of the program's own. Found by their
// type's name or tag, all of them or, where one is not as the kernel wants it, none: then they are plain bytes.
// What may be done with them is the verifier's business.
import { MAX_RESOLVE_DEPTH, type Btf, type BtfMember, type BtfType, type BtfTypeOf } from "../btf/btf.ts";
import { kernelTakes } from "../btf/kernel_takes.ts";
import { BpfError } from "../spec/errors.ts";
import {
  KEPT_STRUCTS,
  SPECIAL_STRUCTS,
  type FieldHolder,
  type SpecialStruct,
} from "../spec/special_structs.ts";
import { pointerField } from "./pointer_field.ts";
import type { Contained, SpecialField, VariableSpec } from "./object_spec.ts";

/** Members looked at in one value; a hostile type can repeat its members without bound. */
const MAX_VISITS = 4096;

/** Fields that one value may have. */
const MAX_FIELDS = 11;

type StructOf = Extract<BtfType, { kind: "struct" | "union" }>;

/** Undefined: one of them is wrong, so there are none. */
type Found = readonly SpecialField[] | undefined;

/** Where a field is declared: its declaration tags hang there. */
interface Declared {
  readonly id: number;
  readonly component: number;
  readonly name: string;
}

/** Fields that may be repeated in arrays. */
const IN_ARRAYS: ReadonlySet<SpecialField["kind"]> = new Set<SpecialField["kind"]>([
  "kptr",
  "percpu_kptr",
  "bpf_list_head",
  "bpf_rb_root",
]);

class Finder {
  private left = MAX_VISITS;
  private readonly seen = new Set<string>();
  constructor(
    private readonly btf: Btf,
    private readonly holder: FieldHolder,
  ) {}

  members(t: StructOf, depth: number): Found {
    const out: SpecialField[] = [];
    for (const [i, m] of t.members.entries()) {
      if (m.bitOff % 8 !== 0) return undefined;
      const found = this.declared(m.typeId, m.bitOff / 8, { id: t.id, component: i, name: m.name }, depth);
      if (found === undefined || out.length + found.length > MAX_FIELDS) return undefined;
      out.push(...found);
    }
    return out;
  }

  /** The field or fields of one member or variable. A field behind a typedef is not one. */
  declared(typeId: number, off: number, at: Declared, depth: number): Found {
    if (this.left-- <= 0 || depth > MAX_RESOLVE_DEPTH)
      throw new BpfError("E2BIG", `type ${this.btf.typeName(typeId)} has too many nested members`);
    let t = this.btf.byId(typeId);
    let count = 1;
    for (let i = 0; t.kind === "array" && i < MAX_RESOLVE_DEPTH; i++) {
      count *= t.nelems;
      t = this.btf.byId(t.typeId);
    }
    if (count === 0) return [];
    const row = SPECIAL_STRUCTS.find((s) => s.kind === t.name && s.in.includes(this.holder));
    if (row !== undefined) return this.special(t, row, off, at, count);
    if (t.kind === "struct") return this.nested(t, off, at.name, count, depth);
    const field = pointerField(this.btf, t, this.holder);
    if (field === "none" || off % 8 !== 0) return [];
    return field === "wrong" ? undefined : repeat([{ ...field, name: at.name, off, size: 8 }], count, 8);
  }

  private nested(t: StructOf, off: number, name: string, count: number, depth: number): Found {
    const found = this.members(t, depth + 1)?.map((f) => ({
      ...f,
      off: f.off + off,
      name: `${name}.${f.name}`,
    }));
    return found === undefined || found.length === 0 ? found : repeat(found, count, t.size);
  }

  private special(t: BtfType, row: SpecialStruct, off: number, at: Declared, count: number): Found {
    if (row.once && this.seen.has(row.kind)) return undefined;
    this.seen.add(row.kind);
    if (off % row.align !== 0 || t.kind !== "struct" || t.size !== row.size) return [];
    const field = { kind: row.kind, name: at.name, off, size: row.size };
    if (row.node === undefined) return repeat([field], count, row.size);
    const contains = contained(this.btf, at, row.node);
    return contains === undefined ? undefined : repeat([{ ...field, contains }], count, row.size);
  }
}

/** What a root holds, by its tag `contains:TYPE:MEMBER`: that struct, and where its node lies in it. */
function contained(btf: Btf, at: Declared, node: string): Contained | undefined {
  const tags = btf.declTags(at.id, at.component).filter((t) => t.startsWith("contains:"));
  if (tags.length !== 1) return undefined;
  const [, type, member] = /^contains:([^:]*):(.+)$/.exec(tags[0] ?? "") ?? [];
  const t = type === undefined ? undefined : btf.find(type, "struct");
  const named = t?.members.filter((m) => m.name === member) ?? [];
  const [m] = named;
  if (t === undefined || m === undefined || named.length !== 1 || !isNode(btf, m, node)) return undefined;
  return m.bitOff % 64 === 0 ? { typeId: t.id, nodeOff: m.bitOff / 8, known: hasDirect(btf, t) } : undefined;
}

function isNode(btf: Btf, m: BtfMember, node: string): boolean {
  const t = btf.byId(m.typeId);
  return t.kind === "struct" && t.name === node;
}

function repeat(fields: readonly SpecialField[], count: number, size: number): Found {
  if (count === 1) return fields;
  if (fields.length * count > MAX_FIELDS || !fields.every((f) => IN_ARRAYS.has(f.kind))) return undefined;
  return Array.from({ length: count }, (_, i) =>
    fields.map((f) => ({ ...f, name: `${f.name}[${i}]`, off: f.off + i * size })),
  ).flat();
}

/** What the fields of one value ask of each other. */
function together(fields: Found): SpecialField[] | undefined {
  if (fields === undefined) return undefined;
  const has = (kind: SpecialField["kind"]): boolean => fields.some((f) => f.kind === kind);
  const locks = [has("bpf_spin_lock"), has("bpf_res_spin_lock")].filter(Boolean).length;
  if (locks > 1) return undefined;
  if ((has("bpf_list_head") || has("bpf_rb_root")) && locks === 0) return undefined;
  if (has("bpf_list_node") && has("bpf_rb_node") && !has("bpf_refcount")) return undefined;
  return fields.toSorted((a, b) => a.off - b.off);
}

/** The special fields of a map's value type: those of its members, none where it is no struct. */
export function valueFields(btf: Btf, typeId: number): SpecialField[] {
  const t = btf.resolve(typeId);
  return t.kind === "struct" ? (together(new Finder(btf, "value").members(t, 0)) ?? []) : [];
}

/** The special fields of a data section, whose variables lie where `vars` says. */
export function sectionFields(
  btf: Btf,
  datasec: BtfTypeOf<"datasec">,
  vars: readonly Pick<VariableSpec, "name" | "off" | "typeId">[],
): SpecialField[] {
  const ids = new Map(datasec.vars.map((v) => [btf.byId(v.typeId).name, v.typeId]));
  const finder = new Finder(btf, "value");
  const out: SpecialField[] = [];
  for (const { typeId, name, off } of vars) {
    const found = finder.declared(typeId, off, { id: ids.get(name) ?? 0, component: -1, name }, 0);
    if (found === undefined || out.length + found.length > MAX_FIELDS) return [];
    out.push(...found);
  }
  return together(out) ?? [];
}

/** Undefined: one of its fields is wrong. Only direct members make an object special. */
function fieldsOfObject(btf: Btf, t: BtfType): SpecialField[] | undefined {
  if (t.kind !== "struct" || !hasDirect(btf, t)) return [];
  return together(new Finder(btf, "object").members(t, 0));
}

/** The special fields of an object of the program's own. */
export function objectFields(btf: Btf, typeId: number): SpecialField[] {
  return fieldsOfObject(btf, btf.resolve(typeId)) ?? [];
}

/** A counted pointer is to an object of the program's own, or to what this kernel knows how to give back. */
export function isKept({ kind, pointer }: SpecialField, btf: Btf, kernel: Btf | undefined): boolean {
  if (kind !== "kptr" || pointer?.counted !== true || kernel === undefined) return true;
  const { name } = btf.byId(pointer.to);
  return KEPT_STRUCTS.has(name) || kernel.find(name, "struct") === undefined;
}

/** What is kept somewhere may itself keep what keeps nothing: so no ring can be made. */
function canOwn(btf: Btf, fields: readonly SpecialField[]): boolean {
  const isNode = fields.some((f) => f.kind === "bpf_list_node" || f.kind === "bpf_rb_node");
  const owns = (typeId: number): boolean => objectFields(btf, typeId).some((f) => f.contains !== undefined);
  return fields.every(
    ({ contains }) => contains === undefined || (contains.known && !(isNode && owns(contains.typeId))),
  );
}

const accepted = new WeakMap<Btf, boolean>();

/** The kernel takes the types of an object as a whole or not at all: one that is wrong spoils them. */
export function takesTypes(btf: Btf, kernel: () => Btf | undefined): boolean {
  const known = accepted.get(btf);
  if (known !== undefined) return known;
  const takes = btf.types.every((t) => {
    if (!kernelTakes(btf, t)) return false;
    const fields = fieldsOfObject(btf, t);
    return fields?.every((f) => isKept(f, btf, kernel())) === true && canOwn(btf, fields);
  });
  accepted.set(btf, takes);
  return takes;
}

function hasDirect(btf: Btf, t: StructOf): boolean {
  return t.members.some((m) => isDirect(btf, m.typeId));
}

function isDirect(btf: Btf, id: number): boolean {
  const t = btf.byId(id);
  if (t.kind !== "struct") return typeof pointerField(btf, t, "object") === "object";
  const row = SPECIAL_STRUCTS.find((s) => s.kind === t.name && s.in.includes("object"));
  return row !== undefined && row.needsAnother !== true && btf.find(t.name, "struct") === t;
}
