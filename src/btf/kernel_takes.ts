// Which types the kernel takes from an object, whatever they are for: how numbers are encoded, which names are names, in which
// order a pointer's tags and modifiers stand. Follows the kernel's checks of BTF that is loaded; what a reader cannot read at
// all, `parse` refuses.
import { type Btf, type BtfType, type BtfTypeOf, MAX_RESOLVE_DEPTH } from "./btf.ts";

const IDENTIFIER = /^[A-Za-z_.][A-Za-z0-9_.]*$/;
/** Any printable character, and no end of it. */
const SECTION = /^[\x20-\x7e]+$/;
const FLOAT_SIZES: ReadonlySet<number> = new Set([2, 4, 8, 12, 16]);

function isName(name: string): boolean {
  return IDENTIFIER.test(name);
}

function isNameOrNone(name: string): boolean {
  return name === "" || isName(name);
}

/** One property at most: gcc 12 has characters that are signed too. */
function isPlainInt(t: BtfTypeOf<"int">): boolean {
  return Number(t.signed) + Number(t.char) + Number(t.bool) <= 1;
}

/** All parameters of a function have names; `...` is one of no type. */
function namesParams(btf: Btf, t: BtfTypeOf<"func">): boolean {
  if (t.linkage === "extern") return true; // libbpf gives these names
  const proto = btf.byId(t.typeId);
  return proto.kind !== "func_proto" || proto.params.every((p) => p.name !== "" || p.typeId === 0);
}

/** Tags stand before const, volatile and the like; a chain of these ends soon. */
function tagsComeFirst(btf: Btf, from: BtfType): boolean {
  let t = from;
  let inTags = t.kind === "type_tag";
  for (let depth = 0; depth < MAX_RESOLVE_DEPTH; depth++) {
    if (t.kind === "type_tag") {
      if (!inTags) return false;
    } else if (t.kind === "const" || t.kind === "volatile" || t.kind === "restrict" || t.kind === "typedef") {
      inTags = false;
    } else return true;
    t = btf.byId(t.typeId);
  }
  return false;
}

export function kernelTakes(btf: Btf, t: BtfType): boolean {
  switch (t.kind) {
    case "int":
      return isPlainInt(t);
    case "float":
      return FLOAT_SIZES.has(t.size);
    case "struct":
    case "union":
      return isNameOrNone(t.name) && t.members.every((m) => isNameOrNone(m.name));
    case "enum":
    case "enum64":
      return isNameOrNone(t.name) && t.values.every((v) => isName(v.name));
    case "func":
      return isName(t.name) && namesParams(btf, t);
    case "func_proto":
      return t.name === "" && t.params.every((p) => isNameOrNone(p.name));
    case "typedef":
      return isName(t.name) && tagsComeFirst(btf, t);
    case "fwd":
    case "var":
      return isName(t.name);
    case "datasec":
      return SECTION.test(t.name);
    case "type_tag":
      return t.name !== "" && tagsComeFirst(btf, t);
    case "const":
    case "volatile":
    case "restrict":
      return t.name === "" && tagsComeFirst(btf, t);
    case "ptr":
    case "array":
      return t.name === "";
    default:
      return true;
  }
}
