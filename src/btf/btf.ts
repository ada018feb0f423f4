// BTF types as values, and the questions asked of them: by id, by name, without modifiers, size.
// Types refer to each other by id; every reference was checked when the types were read, cycles are
// met by depth limits here. Follows the kernel's Documentation/bpf/btf.rst.
import { BpfError } from "../spec/errors.ts";
import { TypeList, type TypeSource } from "./source.ts";

export interface BtfMember {
  readonly name: string;
  readonly typeId: number;
  /** from the start of the struct */
  readonly bitOff: number;
  /** width of a bit-field, 0 for an ordinary member */
  readonly bitSize: number;
}

export interface BtfEnumValue {
  readonly name: string;
  /** as declared: negative for signed enums */
  readonly value: bigint;
}

export interface BtfParam {
  readonly name: string;
  readonly typeId: number;
}

/** A variable in a data section. */
export interface BtfSecVar {
  readonly typeId: number;
  readonly off: number;
  readonly size: number;
}

export type Linkage = "static" | "global" | "extern";

/** A type; `name` is "" where there is none. Id 0 is void. */
export type BtfType = { readonly id: number; readonly name: string } & (
  | { readonly kind: "void" }
  | {
      readonly kind: "int";
      readonly size: number;
      readonly bits: number;
      readonly bitOff: number;
      readonly signed: boolean;
      readonly char: boolean;
      readonly bool: boolean;
    }
  | { readonly kind: "ptr"; readonly typeId: number }
  | { readonly kind: "array"; readonly typeId: number; readonly indexTypeId: number; readonly nelems: number }
  | { readonly kind: "struct" | "union"; readonly size: number; readonly members: readonly BtfMember[] }
  | {
      readonly kind: "enum" | "enum64";
      readonly size: number;
      readonly signed: boolean;
      readonly values: readonly BtfEnumValue[];
    }
  | { readonly kind: "fwd"; readonly union: boolean }
  | { readonly kind: "typedef" | "volatile" | "const" | "restrict" | "type_tag"; readonly typeId: number }
  | { readonly kind: "func"; readonly typeId: number; readonly linkage: Linkage }
  | { readonly kind: "func_proto"; readonly typeId: number; readonly params: readonly BtfParam[] } // typeId: of the return value
  | { readonly kind: "var"; readonly typeId: number; readonly linkage: Linkage }
  | { readonly kind: "datasec"; readonly size: number; readonly vars: readonly BtfSecVar[] }
  | { readonly kind: "float"; readonly size: number }
  | { readonly kind: "decl_tag"; readonly typeId: number; readonly componentIdx: number } // -1: the type itself
);

export type BtfKind = BtfType["kind"];
/** The variant a kind belongs to; struct and union share one, as do enum and enum64. */
export type BtfTypeOf<K extends BtfKind> = VariantOf<BtfType, K>;
type VariantOf<T extends BtfType, K> = T extends BtfType
  ? [T["kind"] & K] extends [never]
    ? never
    : T
  : never;

/** Nesting of modifiers and arrays that anyone accepts (the kernel's limit). */
export const MAX_RESOLVE_DEPTH = 32;

const MODIFIERS: ReadonlySet<BtfKind> = new Set(["typedef", "volatile", "const", "restrict", "type_tag"]);

export class Btf {
  readonly #source: TypeSource;
  #types: readonly BtfType[] | undefined;

  /** Types by id, or where they are read from. */
  constructor(types: readonly BtfType[] | TypeSource) {
    this.#source =
      "at" in types && !Array.isArray(types)
        ? (types as TypeSource)
        : new TypeList(types as readonly BtfType[]);
  }

  /** With void, which is id 0. */
  get count(): number {
    return this.#source.count;
  }

  /** Every type; the index is the id. */
  get types(): readonly BtfType[] {
    this.#types ??= Array.from({ length: this.count }, (_, id) => this.byId(id));
    return this.#types;
  }

  /** The type with this id, if there is one. */
  at(id: number): BtfType | undefined {
    return this.#source.at(id);
  }

  /** The type with this id; refuses an id that is not there. */
  byId(id: number): BtfType {
    const t = this.#source.at(id);
    if (t === undefined) throw new BpfError("EINVAL", `btf: no type ${id}, the last is ${this.count - 1}`);
    return t;
  }

  /** The first type of this name (and kind). */
  find<K extends BtfKind>(name: string, kind: K): BtfTypeOf<K> | undefined;
  find(name: string): BtfType | undefined;
  find(name: string, kind?: BtfKind): BtfType | undefined {
    for (const id of this.#source.named(name)) {
      const t = this.byId(id);
      if (kind === undefined || t.kind === kind) return t;
    }
    return undefined;
  }

  /** Every type of this name. */
  findAll(name: string): readonly BtfType[] {
    return this.#source.named(name).map((id) => this.byId(id));
  }

  /** Every type of this name, whatever its flavour: `name` and `name___more`. */
  flavoursOf(name: string): readonly BtfType[] {
    return this.#source.flavoursOf(name).map((id) => this.byId(id));
  }

  /** The type behind typedefs, const, volatile, restrict and type tags. */
  resolve(id: number): BtfType {
    return this.#skip(id, (t) => MODIFIERS.has(t.kind));
  }

  /** Like resolve, but stops at a typedef. */
  skipQualifiers(id: number): BtfType {
    return this.#skip(id, (t) => MODIFIERS.has(t.kind) && t.kind !== "typedef");
  }

  #skip(id: number, over: (t: BtfType) => boolean): BtfType {
    let t = this.byId(id);
    for (let depth = 0; over(t); depth++) {
      if (depth >= MAX_RESOLVE_DEPTH || !("typeId" in t))
        throw new BpfError("ELOOP", `btf: type ${id} is nested more than ${MAX_RESOLVE_DEPTH} deep`);
      t = this.byId(t.typeId);
    }
    return t;
  }

  /** Bytes of a value of this type; refuses types without a size. */
  sizeof(id: number): number {
    let count = 1;
    let at = id;
    for (let depth = 0; depth < MAX_RESOLVE_DEPTH; depth++) {
      const t = this.resolve(at);
      switch (t.kind) {
        case "array":
          count *= t.nelems;
          at = t.typeId;
          break;
        case "var":
          at = t.typeId;
          break;
        case "ptr":
          return checkedSize(id, count * 8);
        case "int":
        case "struct":
        case "union":
        case "enum":
        case "enum64":
        case "float":
        case "datasec":
          return checkedSize(id, count * t.size);
        default:
          throw new BpfError("EINVAL", `btf: type ${id} (${t.kind}${t.name && ` ${t.name}`}) has no size`);
      }
    }
    throw new BpfError("ELOOP", `btf: type ${id} is nested more than ${MAX_RESOLVE_DEPTH} deep`);
  }

  /** Declaration tags on a type, or on one of its members or parameters. */
  declTags(id: number, componentIdx = -1): readonly string[] {
    return this.#source
      .tagsOn(id)
      .map((tag) => this.byId(tag))
      .filter((t) => t.kind === "decl_tag" && t.componentIdx === componentIdx)
      .map((t) => t.name);
  }

  /** The type as C would write it, for messages and listings: "struct foo", "__u32", "char[16]", "int *". */
  typeName(id: number, depth = 0): string {
    if (depth > MAX_RESOLVE_DEPTH) return "…";
    const t = this.byId(id);
    const inner = (to: number) => this.typeName(to, depth + 1);
    switch (t.kind) {
      case "void":
        return "void";
      case "ptr":
        return `${inner(t.typeId)} *`;
      case "array":
        return `${inner(t.typeId)}[${t.nelems}]`;
      case "struct":
      case "union":
        return `${t.kind} ${t.name || "(anon)"}`;
      case "enum":
      case "enum64":
        return `enum ${t.name || "(anon)"}`;
      case "fwd":
        return `${t.union ? "union" : "struct"} ${t.name}`;
      case "const":
      case "volatile":
      case "restrict":
        return `${t.kind} ${inner(t.typeId)}`;
      case "type_tag":
      case "var":
        return inner(t.typeId);
      case "func_proto":
        return `${inner(t.typeId)} (${t.params.length} args)`;
      default:
        return t.name;
    }
  }
}

function checkedSize(id: number, size: number): number {
  if (size > 0xffff_ffff) throw new BpfError("E2BIG", `btf: type ${id} is larger than 4 GiB`);
  return size;
}
