// Function prototypes written as C -> BTF. For functions of our own tables only: what it does not know is our bug.
// Types: int, unsigned int, void, struct NAME, each with `*`; `callback *` is a pointer to a function.
import { Btf, type BtfParam, type BtfType } from "./btf.ts";

const PROTO = /^(.*?)(\w+)\((.*)\)$/;
const PARAM = /^(.*?)(\w+)$/;

class Builder {
  readonly types: BtfType[] = [{ kind: "void", id: 0, name: "" }];
  private readonly ids = new Map<string, number>();

  /** The id of the type that `key` stands for, which is made where there is none yet. */
  private add(key: string, make: (id: number) => BtfType): number {
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    const id = this.types.length;
    this.types.push(make(id));
    this.ids.set(key, id);
    return id;
  }

  typeOf(text: string): number {
    const t = text.trim();
    if (t === "void") return 0;
    if (t.endsWith("*")) {
      const typeId = this.typeOf(t.slice(0, -1));
      return this.add(t, (id) => ({ kind: "ptr", id, name: "", typeId }));
    }
    if (t === "callback")
      return this.add(t, (id) => ({ kind: "func_proto", id, name: "", typeId: 0, params: [] }));
    if (t === "int" || t === "unsigned int") return this.int(t, t === "int");
    const struct = /^struct (\w+)$/.exec(t)?.[1];
    if (struct === undefined) throw new Error(`a prototype names the type '${t}'`);
    return this.add(t, (id) => ({ kind: "struct", id, name: struct, size: 0, members: [] }));
  }

  private int(name: string, signed: boolean): number {
    return this.add(name, (id) => ({
      kind: "int",
      id,
      name,
      size: 4,
      bits: 32,
      bitOff: 0,
      signed,
      char: false,
      bool: false,
    }));
  }

  func(text: string): void {
    const [, ret, name, list] = PROTO.exec(text) ?? [];
    if (ret === undefined || name === undefined || list === undefined)
      throw new Error(`no prototype: ${text}`);
    const params = list.trim() === "" ? [] : list.split(",").map((p) => this.param(p.trim()));
    const retId = this.typeOf(ret);
    const proto = this.add(text, (id) => ({ kind: "func_proto", id, name: "", typeId: retId, params }));
    this.add(`func ${name}`, (id) => ({ kind: "func", id, name, typeId: proto, linkage: "global" }));
  }

  private param(text: string): BtfParam {
    const [, type, name] = PARAM.exec(text) ?? [];
    if (type === undefined || name === undefined) throw new Error(`no parameter: ${text}`);
    return { name, typeId: this.typeOf(type) };
  }
}

/** Types with a function each. */
export function btfOfProtos(protos: readonly string[]): Btf {
  const b = new Builder();
  for (const p of protos) b.func(p);
  return new Btf(b.types);
}
