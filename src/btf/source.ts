// Where the types of a Btf come from: a list that is there, or records that are read when they are asked for.
import type { BtfType } from "./btf.ts";

export interface TypeSource {
  /** with void, which is id 0 */
  readonly count: number;
  at(id: number): BtfType | undefined;
  /** Ids of the types of this name, in order; declaration tags are not among them. */
  named(name: string): readonly number[];
  /** Ids of the types whose name is this one, or this one, three underscores and more. */
  flavoursOf(name: string): readonly number[];
  /** Ids of the declaration tags on a type. */
  tagsOn(id: number): readonly number[];
}

const NONE: readonly number[] = [];

/** `name` where it has no flavour; undefined where it does not end in one. */
export function withoutFlavour(name: string): string | undefined {
  const at = name.lastIndexOf("___");
  return at > 0 && at + 3 < name.length && name[at - 1] !== "_" ? name.slice(0, at) : undefined;
}

function push<K>(map: Map<K, number[]>, key: K, id: number): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [id]);
  else list.push(id);
}

export class TypeList implements TypeSource {
  readonly #byName = new Map<string, number[]>();
  readonly #flavours = new Map<string, number[]>();
  readonly #tags = new Map<number, number[]>();

  constructor(private readonly types: readonly BtfType[]) {
    for (const t of types) {
      if (t.kind === "decl_tag") push(this.#tags, t.typeId, t.id);
      else if (t.name !== "") {
        push(this.#byName, t.name, t.id);
        push(this.#flavours, withoutFlavour(t.name) ?? t.name, t.id);
      }
    }
  }

  get count(): number {
    return this.types.length;
  }
  at(id: number): BtfType | undefined {
    return this.types[id];
  }
  named(name: string): readonly number[] {
    return this.#byName.get(name) ?? NONE;
  }
  flavoursOf(name: string): readonly number[] {
    return this.#flavours.get(name) ?? NONE;
  }
  tagsOn(id: number): readonly number[] {
    return this.#tags.get(id) ?? NONE;
  }
}
