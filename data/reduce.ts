// A kernel's types -> the part of them that is wanted, as a Btf of its own. Structs behind pointers that are not wanted
// become forward declarations, functions behind pointers lose their parameters: what is left says nothing false.
import { Btf, type BtfMember, type BtfParam, type BtfType } from "../src/btf/btf.ts";

export interface Wanted {
  struct(name: string): boolean;
  func(name: string, tags: readonly string[]): boolean;
  typedef(name: string): boolean;
}

/** How a type is referred to: what is behind a pointer may be cut down. */
type How = "whole" | "pointed to";

const isComposite = (t: BtfType): boolean => t.kind === "struct" || t.kind === "union";

class Reducer {
  readonly out: BtfType[] = [{ kind: "void", id: 0, name: "" }];
  readonly #ids = new Map<string, number>();
  #proto = 0;

  constructor(
    readonly btf: Btf,
    readonly wanted: Wanted,
    /** functions behind pointers that keep their parameters */
    readonly protos: ReadonlySet<number>,
  ) {}

  /** The new id of a type, which is made where there is none yet. */
  of(id: number, how: How): number {
    if (id === 0) return 0;
    const t = this.btf.byId(id);
    if (how === "pointed to" && isComposite(t) && t.name !== "" && !this.wanted.struct(t.name))
      return this.#forward(t);
    if (how === "pointed to" && t.kind === "func_proto" && !this.protos.has(id)) return this.#anyFunc();
    const key = `${id}${this.#passesOn(t) ? how : "whole"}`;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    return this.#make(key, (newId) => this.#copy(t, newId, how));
  }

  /** Modifiers say of what they modify what is said of them. */
  #passesOn(t: BtfType): boolean {
    return ["const", "volatile", "restrict", "typedef", "type_tag", "array"].includes(t.kind);
  }

  #make(key: string, make: (id: number) => BtfType): number {
    const id = this.out.length;
    this.#ids.set(key, id);
    const placeholder: BtfType = { kind: "void", id, name: "" };
    this.out.push(placeholder); // types refer to themselves
    this.out[id] = make(id);
    return id;
  }

  #forward(t: BtfType): number {
    const key = `fwd ${t.kind} ${t.name}`;
    return (
      this.#ids.get(key) ??
      this.#make(key, (id) => ({ kind: "fwd", id, name: t.name, union: t.kind === "union" }))
    );
  }

  #anyFunc(): number {
    this.#proto ||= this.#make("any function", (id) => ({
      kind: "func_proto",
      id,
      name: "",
      typeId: 0,
      params: [],
    }));
    return this.#proto;
  }

  #member(m: BtfMember): BtfMember {
    return { ...m, typeId: this.of(m.typeId, "whole") };
  }

  #param(p: BtfParam): BtfParam {
    return { ...p, typeId: this.of(p.typeId, "whole") };
  }

  #copy(t: BtfType, id: number, how: How): BtfType {
    switch (t.kind) {
      case "struct":
      case "union":
        return { ...t, id, members: t.members.map((m) => this.#member(m)) };
      case "ptr":
        return { ...t, id, typeId: this.of(t.typeId, "pointed to") };
      case "array":
        return { ...t, id, typeId: this.of(t.typeId, how), indexTypeId: this.of(t.indexTypeId, "whole") };
      case "func_proto":
        return { ...t, id, typeId: this.of(t.typeId, "whole"), params: t.params.map((p) => this.#param(p)) };
      case "const":
      case "volatile":
      case "restrict":
      case "typedef":
      case "type_tag":
        return { ...t, id, typeId: this.of(t.typeId, how) };
      case "func":
      case "var":
        return { ...t, id, typeId: this.of(t.typeId, "whole") };
      case "decl_tag":
      case "datasec":
        throw new Error(`type ${t.id} (${t.kind}) is referred to`);
      default:
        return { ...t, id };
    }
  }

  tags(func: number, id: number): void {
    for (const name of this.btf.declTags(func))
      this.#make(`tag ${func} ${name}`, (tag) => ({
        kind: "decl_tag",
        id: tag,
        name,
        typeId: id,
        componentIdx: -1,
      }));
  }
}

/** A tracepoint is a typedef of a pointer to its function. */
function protoBehind(btf: Btf, t: BtfType): number {
  const ptr = t.kind === "typedef" ? btf.byId(t.typeId) : t;
  if (ptr.kind !== "ptr") throw new Error(`${t.name} is no tracepoint`);
  return ptr.typeId;
}

/** Structs that are embedded come whole, and so they may be pointed to: that takes a second round. */
export function reduce(btf: Btf, wanted: Wanted): Btf {
  const first = reduceOnce(btf, wanted);
  const whole = new Set(first.types.filter(isComposite).map((t) => t.name));
  return reduceOnce(btf, { ...wanted, struct: (name) => whole.has(name) || wanted.struct(name) });
}

function reduceOnce(btf: Btf, wanted: Wanted): Btf {
  const isWanted = (t: BtfType): boolean => {
    switch (t.kind) {
      case "struct":
      case "union":
      case "enum":
      case "enum64":
        return t.name !== "" && wanted.struct(t.name);
      case "typedef":
        return wanted.typedef(t.name);
      case "func":
        return wanted.func(t.name, btf.declTags(t.id));
      default:
        return false;
    }
  };
  const roots = btf.types.filter(isWanted);
  const typedefs = roots.filter((t) => t.kind === "typedef");
  const r = new Reducer(btf, wanted, new Set(typedefs.map((t) => protoBehind(btf, t))));
  for (const t of roots) {
    const id = r.of(t.id, "whole");
    if (t.kind === "func") r.tags(t.id, id);
  }
  return new Btf(r.out);
}
