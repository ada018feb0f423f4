// When a pointer to one type may stand where another is expected: the same type, a struct that begins with it, the
// program's view of the kernel's struct.
import type { Btf } from "../../btf/btf.ts";
import { walkStruct } from "./walk.ts";

/** A type and where it is defined. */
export interface TypeRef {
  readonly btf: Btf;
  readonly id: number;
}

export function sameType(a: TypeRef, b: TypeRef): boolean {
  return a.btf === b.btf && a.id === b.id;
}

/**
 * The type `need` is found at this place of `have`, at any depth. `strict`: only the type itself will do.
 * `say` gets what the search stumbled over.
 */
export function structHolds(
  have: TypeRef,
  off: number,
  need: TypeRef,
  o: { readonly strict: boolean; readonly flexArrays: boolean; readonly say: (line: string) => void },
): boolean {
  if (off === 0 && sameType(have, need)) return true;
  if (o.strict) return false;
  let at = off;
  let flags = 0;
  let id = have.id;
  for (;;) {
    const found = walkStruct(have.btf, id, { off: at, size: 1, flags }, o.flexArrays);
    if (found.to === "nothing") o.say(found.reason);
    if (found.to !== "struct") return false;
    if (sameType({ btf: have.btf, id: found.id }, need)) return true;
    id = found.id;
    flags = found.flags;
    at = 0;
  }
}

const NO_CAST = "___init";

/** The one is the other's `___init` twin: they never stand for each other. */
export function isNoCastAlias(a: TypeRef, b: TypeRef): boolean {
  const [x, y] = [a.btf.byId(a.id).name, b.btf.byId(b.id).name];
  return x === y + NO_CAST || y === x + NO_CAST;
}

/** Structs that stand for the kernel's own in programs. */
const PROJECTIONS: Readonly<Record<string, string>> = { __sk_buff: "sk_buff", xdp_md: "xdp_buff" };

export function isProjection(name: string, of: string): boolean {
  return PROJECTIONS[name] === of;
}
