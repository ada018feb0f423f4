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

/** A name without its flavour: `task_struct___old` is `task_struct`. Exactly three underscores, the last that are. */
export function essentialName(name: string): string {
  for (let i = name.lastIndexOf("___") - 1; i >= 0; i--)
    if (name.startsWith("___", i + 1) && name[i] !== "_" && (name[i + 4] ?? "_") !== "_")
      return name.slice(0, i + 1);
  return name;
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
        push(this.#flavours, essentialName(t.name), t.id);
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
