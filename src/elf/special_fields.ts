// Fields of a map value that the kernel owns, found by their BTF type's name or tag. Decides where they
// are; what may be done with them is the verifier's business.
import { MAX_RESOLVE_DEPTH, type Btf, type BtfMember, type BtfType } from "../btf/btf.ts";
import { BpfError } from "../spec/errors.ts";
import type { SpecialField } from "./object_spec.ts";

/** Structs by name, with their size. */
const SPECIAL_STRUCTS: ReadonlyMap<string, { kind: SpecialField["kind"]; size: number }> = new Map([
  ["bpf_timer", { kind: "bpf_timer", size: 16 }],
  ["bpf_spin_lock", { kind: "bpf_spin_lock", size: 4 }],
  ["bpf_wq", { kind: "bpf_wq", size: 16 }],
  ["bpf_res_spin_lock", { kind: "bpf_res_spin_lock", size: 8 }],
  ["bpf_task_work", { kind: "bpf_task_work", size: 8 }],
  ["bpf_list_head", { kind: "bpf_list_head", size: 16 }],
  ["bpf_rb_root", { kind: "bpf_rb_root", size: 16 }],
  ["bpf_refcount", { kind: "bpf_refcount", size: 4 }],
]);

/** Type tags of pointers that the kernel owns. */
const POINTER_TAGS: ReadonlyMap<string, SpecialField["kind"]> = new Map([
  ["kptr", "kptr"],
  ["kptr_untrusted", "kptr"],
  ["percpu_kptr", "kptr"],
  ["uptr", "uptr"],
]);

/** Members looked at in one value; a hostile type can repeat its members without bound. */
const MAX_VISITS = 4096;

/** Fields kept; the kernel takes 11 in one value. */
const MAX_FIELDS = 64;

/** How much may still be looked at. */
export interface FieldBudget {
  left: number;
}

export function fieldBudget(): FieldBudget {
  return { left: MAX_VISITS };
}

/** The special fields of a map's value type: those of its members, none where it is no struct. */
export function valueFields(btf: Btf, typeId: number): SpecialField[] {
  const t = btf.resolve(typeId);
  return t.kind === "struct" ? specialFields(btf, t.id, fieldBudget(), true) : [];
}

/**
 * The special fields of a variable or value, in the order of their offsets. As in the kernel a field behind a typedef
 * or in a union is not one. `inside`: the type itself is none, whatever its name.
 */
export function specialFields(
  btf: Btf,
  typeId: number,
  budget: FieldBudget = fieldBudget(),
  inside = false,
): SpecialField[] {
  const out: SpecialField[] = [];
  const visit = (id: number, off: number, name: string, depth: number): void => {
    if (budget.left-- <= 0 || depth > MAX_RESOLVE_DEPTH || out.length > MAX_FIELDS)
      throw new BpfError("E2BIG", `type ${btf.typeName(typeId)} has too many nested members`);
    const t = btf.byId(id);
    const special = t.kind === "struct" && !(inside && depth === 0) ? SPECIAL_STRUCTS.get(t.name) : undefined;
    const pointer = pointerKind(btf, id);
    if (special !== undefined) out.push({ kind: special.kind, name, off, size: special.size });
    else if (pointer !== undefined) out.push({ kind: pointer, name, off, size: 8 });
    else if (t.kind === "struct") {
      for (const m of t.members) visitMember(m, off, depth);
    } else if (t.kind === "array") visitArray(t, off, name, depth);
  };
  const visitMember = (m: BtfMember, off: number, depth: number) => {
    if (m.bitSize === 0) visit(m.typeId, off + (m.bitOff >>> 3), m.name, depth + 1);
  };
  const visitArray = (t: Extract<BtfType, { kind: "array" }>, off: number, name: string, depth: number) => {
    if (t.nelems === 0 || !maySpecial(btf, t.typeId, budget)) return;
    const size = btf.sizeof(t.typeId);
    for (let i = 0; i < t.nelems; i++) visit(t.typeId, off + i * size, `${name}[${i}]`, depth + 1);
  };
  visit(typeId, 0, "", 0);
  return out.sort((a, b) => a.off - b.off);
}

/** Alignment of the fields of which a value may hold one only. */
const ONE_A_VALUE: Partial<Record<SpecialField["kind"], number>> = {
  bpf_timer: 8,
  bpf_spin_lock: 4,
  bpf_wq: 8,
  bpf_res_spin_lock: 4,
  bpf_task_work: 8,
  bpf_refcount: 4,
};

/**
 * The fields that count: all of them, or none where one is there twice or out of place. Then the map exists, and its
 * values are plain bytes.
 */
export function validFields(fields: readonly SpecialField[]): readonly SpecialField[] {
  const seen = new Set<SpecialField["kind"]>();
  for (const { kind, off } of fields) {
    const align = ONE_A_VALUE[kind];
    if (align === undefined) continue;
    if (seen.has(kind) || off % align !== 0) return [];
    seen.add(kind);
  }
  return fields;
}

/** A pointer whose target carries a tag of the kernel's directly, before any other modifier. */
function pointerKind(btf: Btf, id: number): SpecialField["kind"] | undefined {
  const t = btf.resolve(id);
  const tag = t.kind === "ptr" ? btf.byId(t.typeId) : undefined;
  return tag?.kind === "type_tag" ? POINTER_TAGS.get(tag.name) : undefined;
}

/** Elements of an array need a look of their own only when they are structs or tagged pointers. */
function maySpecial(btf: Btf, id: number, budget: FieldBudget): boolean {
  let t = btf.resolve(id);
  for (let depth = 0; t.kind === "array" && depth < MAX_RESOLVE_DEPTH; depth++) t = btf.resolve(t.typeId);
  if (t.kind === "ptr") return pointerKind(btf, t.id) !== undefined;
  if (t.kind !== "struct" && t.kind !== "union") return false;
  return SPECIAL_STRUCTS.has(t.name) || containsSpecial(btf, t.id, budget);
}

function containsSpecial(btf: Btf, root: number, budget: FieldBudget): boolean {
  const seen = new Set<number>();
  const todo = [root];
  for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
    const t = btf.resolve(id);
    if (budget.left-- <= 0)
      throw new BpfError("E2BIG", `type ${btf.typeName(root)} has too many nested members`);
    if (seen.has(t.id)) continue;
    seen.add(t.id);
    if (pointerKind(btf, t.id) !== undefined) return true;
    if (t.kind === "array") todo.push(t.typeId);
    if (t.kind !== "struct" && t.kind !== "union") continue;
    if (SPECIAL_STRUCTS.has(t.name)) return true;
    for (const m of t.members) todo.push(m.typeId);
  }
  return false;
}
