// The special fields of what a register points to, a map's value or an object of the program's own, with what only the
// kernel's types say of them: which struct a kept pointer is one of.
import type { Btf } from "../../btf/btf.ts";
import type { SpecialField } from "../../elf/object_spec.ts";
import { isKept, objectFields } from "../../elf/special_fields.ts";
import { RCU_STRUCTS, type SpecialKind } from "../../spec/special_structs.ts";
import type { TypeRef } from "./match.ts";
import type { Env } from "../env.ts";
import { ALLOC, type RegState } from "../state/regs.ts";

/** The struct that a pointer field points to: one of the kernel, or of the program's own. */
export interface Target extends TypeRef {
  readonly own: boolean;
}

export interface Field extends SpecialField {
  /** pointers; undefined where the kernel's types, which must be asked, are not there */
  readonly target?: Target;
}

export const POINTERS: ReadonlySet<SpecialKind> = new Set<SpecialKind>(["kptr", "percpu_kptr", "uptr"]);

/** A struct of this name is the kernel's, if the kernel has one. */
function targetOf(env: Env, btf: Btf, to: number): Target | undefined {
  const kernel = env.kernelBtf;
  if (kernel === undefined) return undefined;
  const theirs = kernel.find(btf.byId(to).name, "struct")?.id;
  return theirs === undefined ? { btf, id: to, own: true } : { btf: kernel, id: theirs, own: false };
}

function resolveFields(env: Env, btf: Btf | undefined, fields: readonly SpecialField[]): readonly Field[] {
  const out: Field[] = [];
  for (const field of fields) {
    const target =
      field.pointer === undefined || btf === undefined ? undefined : targetOf(env, btf, field.pointer.to);
    // where one cannot be kept, none counts
    if (btf !== undefined && !isKept(field, btf, env.kernelBtf)) return [];
    out.push(target === undefined ? field : { ...field, target });
  }
  return out;
}

/** Of a map's values. */
export function mapFields(env: Env, map: number): readonly Field[] {
  const { specialFields } = env.mapAt(map);
  if (specialFields.length === 0) return specialFields;
  const known = env.mapFields.get(map);
  if (known !== undefined) return known;
  const fields = resolveFields(env, env.prog.btf, specialFields);
  env.mapFields.set(map, fields);
  return fields;
}

/** Of objects of this type. */
export function typeFields(env: Env, { btf, id }: TypeRef): readonly Field[] {
  if (btf !== env.prog.btf) return [];
  const known = env.typeFields.get(id);
  if (known !== undefined) return known;
  const fields = resolveFields(env, btf, objectFields(btf, id));
  env.typeFields.set(id, fields);
  return fields;
}

/** Of what the register points to. */
export function fieldsOf(env: Env, r: RegState): readonly Field[] {
  if (r.kind === "map_value") return mapFields(env, r.aux);
  if (r.kind !== "ptr_" || !r.is(ALLOC) || r.btf === undefined) return [];
  return typeFields(env, { btf: r.btf, id: r.aux });
}

export function hasField(fields: readonly Field[], ...kinds: SpecialKind[]): boolean {
  return fields.some((f) => kinds.includes(f.kind));
}

/** Two values that may hold a lock must be told apart. */
export function mayHoldLock(env: Env, r: RegState): boolean {
  return hasField(fieldsOf(env, r), "bpf_spin_lock", "bpf_res_spin_lock");
}

/** Something is linked in by a node: it may be seen without being owned. */
export function isLinked(env: Env, type: TypeRef): boolean {
  return hasField(typeFields(env, type), "bpf_list_node", "bpf_rb_node");
}

/** RCU keeps what the field points to alive while it is looked at. */
export function isRcuField({ kind, pointer, target }: Field): boolean {
  if (kind === "percpu_kptr") return true;
  if (kind !== "kptr" || pointer?.counted !== true || target === undefined) return false;
  return target.own || RCU_STRUCTS.has(target.btf.byId(target.id).name);
}
