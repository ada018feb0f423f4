// Types that stay bytes until they are asked for, as those of a kernel should: a hundred thousand of which a program
// needs a few. The index by name is made at the first search, from the bytes of the names.
import type { BtfType } from "./btf.ts";
import type { TypeRecords } from "./parse.ts";
import { essentialName, type TypeSource } from "./source.ts";

const DECL_TAG = 17;

const UNDERSCORE = 0x5f;
const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Chains of ids by the hash of their names. */
interface NameIndex {
  /** the last id of a chain, 0 = none; its length is a power of two */
  readonly heads: Uint32Array;
  /** the id before in the same chain, 0 = none */
  readonly before: Uint32Array;
  /** whose names may have a flavour */
  readonly flavoured: readonly number[];
}

export class RawTypes implements TypeSource {
  readonly #records: TypeRecords;
  readonly #read = new Map<number, BtfType>();
  readonly #found = new Map<string, readonly number[]>();
  #index: NameIndex | undefined;
  #tags: ReadonlyMap<number, readonly number[]> | undefined;

  constructor(records: TypeRecords) {
    this.#records = records;
  }

  get count(): number {
    return this.#records.count;
  }

  at(id: number): BtfType | undefined {
    let t = this.#read.get(id);
    if (t === undefined && id >= 0 && id < this.count) {
      t = this.#records.read(id);
      this.#read.set(id, t);
    }
    return t;
  }

  named(name: string): readonly number[] {
    let ids = this.#found.get(name);
    if (ids === undefined) {
      ids = this.#search(name);
      this.#found.set(name, ids);
    }
    return ids;
  }

  flavoursOf(name: string): readonly number[] {
    const flavoured = this.#names().flavoured.filter((id) => {
      const full = this.#records.name(id);
      return full !== name && essentialName(full) === name;
    });
    return [...this.named(name), ...flavoured].sort((a, b) => a - b);
  }

  tagsOn(id: number): readonly number[] {
    this.#tags ??= tagsByType(this.#records);
    return this.#tags.get(id) ?? [];
  }

  #search(name: string): readonly number[] {
    const { heads, before } = this.#names();
    const out: number[] = [];
    for (let id = heads[slotOfName(name, heads.length)] ?? 0; id !== 0; id = before[id] ?? 0)
      if (this.#records.name(id) === name) out.push(id);
    return out.reverse();
  }

  #names(): NameIndex {
    this.#index ??= indexNames(this.#records);
    return this.#index;
  }
}

function tagsByType(records: TypeRecords): ReadonlyMap<number, readonly number[]> {
  const out = new Map<number, number[]>();
  for (let id = 1; id < records.count; id++) {
    if (records.kind(id) !== DECL_TAG) continue;
    const tag = records.read(id);
    if (tag.kind !== "decl_tag") throw new Error(`type ${id} is no tag`);
    const list = out.get(tag.typeId);
    if (list === undefined) out.set(tag.typeId, [id]);
    else list.push(id);
  }
  return out;
}

/** FNV-1a, a byte at a time. */
function mix(h: number, byte: number): number {
  return Math.imul(h ^ byte, FNV_PRIME);
}

function slotOf(h: number, slots: number): number {
  return (h ^ (h >>> 15)) & (slots - 1);
}

function slotOfName(name: string, slots: number): number {
  return slotOf(Buffer.from(name).reduce(mix, FNV_BASIS), slots);
}

/** One pass over the bytes of all names. */
function indexNames(records: TypeRecords): NameIndex {
  const { count } = records;
  const { bytes } = records.strings.view;
  const heads = new Uint32Array(2 ** Math.ceil(Math.log2(count)));
  const before = new Uint32Array(count);
  const flavoured: number[] = [];
  for (let id = 1; id < count; id++) {
    let h = FNV_BASIS;
    let run = 0;
    let longest = 0;
    // the table ends with a NUL, and a name that begins outside of it is refused when it is read
    for (let i = records.nameOff(id), c = bytes[i] ?? 0; c !== 0; c = bytes[++i] ?? 0) {
      h = mix(h, c);
      run = c === UNDERSCORE ? run + 1 : 0;
      if (run > longest) longest = run;
    }
    if (h === FNV_BASIS || records.kind(id) === DECL_TAG) continue;
    const slot = slotOf(h, heads.length);
    before[id] = heads[slot] ?? 0;
    heads[slot] = id;
    if (longest >= 3) flavoured.push(id);
  }
  return { heads, before, flavoured };
}
