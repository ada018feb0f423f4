// Questions about single types, as the kernel's verifier asks them. Answers; never throws for a type that was read.
import { type Btf, type BtfType, MAX_RESOLVE_DEPTH } from "./btf.ts";

export type StructType = Extract<BtfType, { kind: "struct" | "union" }>;

/** An int or an enum. */
export function isScalarType(t: BtfType): boolean {
  return t.kind === "int" || t.kind === "enum" || t.kind === "enum64";
}

/** A struct or a union. */
export function isStructType(t: BtfType): t is StructType {
  return t.kind === "struct" || t.kind === "union";
}

/** The kind in the log's capitals. */
export function kindWord(t: BtfType): string {
  return t.kind === "void" ? "UNKNOWN" : t.kind.toUpperCase();
}

/** Bytes of a value of the type; undefined where it has no size. */
export function sizeOfType(btf: Btf, id: number): number | undefined {
  let count = 1;
  let at = id;
  for (let depth = 0; depth < MAX_RESOLVE_DEPTH; depth++) {
    const t = btf.resolve(at);
    if (t.kind === "array") {
      count *= t.nelems;
      at = t.typeId;
      continue;
    }
    if (t.kind === "ptr") return count * 8;
    if (isStructType(t) || isScalarType(t) || t.kind === "float") return count * (t as { size: number }).size;
    return undefined;
  }
  return undefined;
}

/** What a pointer points to, behind typedefs and qualifiers on either side; undefined where it is none. */
export function pointee(btf: Btf, id: number): BtfType | undefined {
  const t = btf.resolve(id);
  return t.kind === "ptr" ? btf.resolve(t.typeId) : undefined;
}
