// Pointers that the kernel owns: a tag on what they point to says which kind.
import type { Btf, BtfType } from "../btf/btf.ts";
import { type FieldHolder, POINTER_TAGS } from "../spec/special_structs.ts";
import type { SpecialField } from "./object_spec.ts";

/** The pointer's kind and target; "wrong": a tag that no field may have. */
export function pointerField(
  btf: Btf,
  type: BtfType,
  holder: FieldHolder,
): Pick<SpecialField, "kind" | "pointer"> | "none" | "wrong" {
  const t = type.kind === "volatile" ? btf.byId(type.typeId) : type;
  const tag = t.kind === "ptr" ? btf.byId(t.typeId) : undefined;
  if (tag?.kind !== "type_tag") return "none";
  if (btf.byId(tag.typeId).kind === "type_tag") return "wrong";
  const row = POINTER_TAGS.find((r) => r.tag === tag.name);
  if (row === undefined) return "wrong";
  if (!row.in.includes(holder)) return "none";
  const to = btf.resolve(tag.typeId);
  return to.kind === "struct" ? { kind: row.kind, pointer: { to: to.id, counted: row.counted } } : "wrong";
}
