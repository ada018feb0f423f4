// Bytes of a `.BTF` section -> Btf. Decides whether the section is well formed: every length, name and
// type id is checked, so that nobody after it has to. Follows the kernel's Documentation/bpf/btf.rst.
import {
  Btf,
  type BtfEnumValue,
  type BtfMember,
  type BtfParam,
  type BtfSecVar,
  type BtfType,
  type Linkage,
} from "./btf.ts";
import { ByteView, StringTable } from "./bytes.ts";
import { type TypeSource, withoutFlavour } from "./source.ts";

export const BTF_MAGIC = 0xeb9f;
/** The kernel's limit on type ids. */
const MAX_TYPES = 0xfffff;
const LINKAGE: readonly Linkage[] = ["static", "global", "extern"];

/** The fixed part of a type record and how to read what follows it. */
interface Head {
  readonly id: number;
  readonly name: string;
  readonly vlen: number;
  readonly kindFlag: boolean;
  /** size or type, as the kind has it */
  readonly word: number;
  /** where the kind's own data starts */
  readonly at: number;
}

interface Row {
  /** bytes behind the head */
  readonly fixed: number;
  /** bytes for each of vlen elements */
  readonly each: number;
  readonly read: (p: Parser, h: Head) => BtfType;
}

const ROWS: readonly (Row | undefined)[] = [
  undefined,
  { fixed: 4, each: 0, read: readInt },
  { fixed: 0, each: 0, read: (p, h) => ({ kind: "ptr", id: h.id, name: h.name, typeId: p.ref(h, h.word) }) },
  { fixed: 12, each: 0, read: readArray },
  { fixed: 0, each: 12, read: (p, h) => readStruct(p, h, "struct") },
  { fixed: 0, each: 12, read: (p, h) => readStruct(p, h, "union") },
  { fixed: 0, each: 8, read: readEnum },
  { fixed: 0, each: 0, read: (_, h) => ({ kind: "fwd", id: h.id, name: h.name, union: h.kindFlag }) },
  {
    fixed: 0,
    each: 0,
    read: (p, h) => ({ kind: "typedef", id: h.id, name: h.name, typeId: p.ref(h, h.word) }),
  },
  {
    fixed: 0,
    each: 0,
    read: (p, h) => ({ kind: "volatile", id: h.id, name: h.name, typeId: p.ref(h, h.word) }),
  },
  {
    fixed: 0,
    each: 0,
    read: (p, h) => ({ kind: "const", id: h.id, name: h.name, typeId: p.ref(h, h.word) }),
  },
  {
    fixed: 0,
    each: 0,
    read: (p, h) => ({ kind: "restrict", id: h.id, name: h.name, typeId: p.ref(h, h.word) }),
  },
  { fixed: 0, each: 0, read: readFunc },
  { fixed: 0, each: 8, read: readFuncProto },
  { fixed: 4, each: 0, read: readVar },
  { fixed: 0, each: 12, read: readDatasec },
  { fixed: 0, each: 0, read: (_, h) => ({ kind: "float", id: h.id, name: h.name, size: h.word }) },
  { fixed: 4, each: 0, read: readDeclTag },
  {
    fixed: 0,
    each: 0,
    read: (p, h) => ({ kind: "type_tag", id: h.id, name: h.name, typeId: p.ref(h, h.word) }),
  },
  { fixed: 0, each: 12, read: readEnum64 },
];

const VOID: BtfType = { kind: "void", id: 0, name: "" };
const DECL_TAG = 17;

/** The records of a section: where each begins is known from the start, what it says when it is asked for. */
class Parser implements TypeSource {
  /** where each record begins; void has none */
  readonly #offs: number[] = [0];
  readonly #names: number[] = [0];
  readonly #known: (BtfType | undefined)[] = [VOID];
  #tags: Map<number, number[]> | undefined;

  constructor(
    readonly types: ByteView,
    readonly strings: StringTable,
  ) {
    const end = types.length;
    for (let off = 0; off < end; ) {
      const id = this.#offs.length;
      if (id > MAX_TYPES) types.fail(off, `more than ${MAX_TYPES} types`);
      if (off + 12 > end) types.need(off, 12, `type ${id}`);
      const info = types.u32(off + 4);
      const row = ROWS[(info >>> 24) & 0x1f];
      const vlen = info & 0xffff;
      if (row === undefined) types.fail(off, `type ${id} has unknown kind ${(info >>> 24) & 0x1f}`);
      const size = row.fixed + row.each * vlen;
      if (off + 12 + size > end) types.need(off + 12, size, `type ${id} with ${vlen} elements`);
      this.#offs.push(off);
      this.#names.push(row === ROWS[DECL_TAG] ? 0 : types.u32(off));
      off += 12 + size;
    }
  }

  #kindAt(off: number): number {
    return (this.types.u32(off + 4) >>> 24) & 0x1f;
  }

  get count(): number {
    return this.#offs.length;
  }

  at(id: number): BtfType | undefined {
    const known = this.#known[id];
    const off = this.#offs[id];
    if (known !== undefined || off === undefined) return known;
    const t = this.#read(id, off);
    this.#known[id] = t;
    return t;
  }

  #read(id: number, off: number): BtfType {
    const info = this.types.u32(off + 4);
    const row = ROWS[(info >>> 24) & 0x1f] as Row;
    return row.read(this, {
      id,
      name: this.name(this.types.u32(off), id),
      vlen: info & 0xffff,
      kindFlag: info >>> 31 === 1,
      word: this.types.u32(off + 8),
      at: off + 12,
    });
  }

  #withNames(offs: readonly number[]): readonly number[] {
    const wanted = new Set(offs);
    const ids: number[] = [];
    if (wanted.size > 0) this.#names.forEach((off, id) => wanted.has(off) && ids.push(id));
    return ids;
  }

  named(name: string): readonly number[] {
    return this.#withNames(this.strings.find(name));
  }

  flavoursOf(name: string): readonly number[] {
    return this.#withNames([
      ...this.strings.find(name),
      ...this.strings
        .findStart(`${name}___`)
        .filter((off) => withoutFlavour(this.strings.name(off, () => "a flavour")) === name),
    ]);
  }

  tagsOn(id: number): readonly number[] {
    if (this.#tags === undefined) {
      this.#tags = new Map();
      for (let i = 1; i < this.count; i++) {
        const off = this.#offs[i] as number;
        if (this.#kindAt(off) !== DECL_TAG) continue;
        const to = this.types.u32(off + 8);
        const list = this.#tags.get(to);
        if (list === undefined) this.#tags.set(to, [i]);
        else list.push(i);
      }
    }
    return this.#tags.get(id) ?? [];
  }

  name(off: number, id: number): string {
    return off === 0 ? "" : this.strings.name(off, () => `type ${id}`);
  }

  ref(h: Head, to: number): number {
    if (to >= this.count)
      this.types.fail(0, `type ${h.id} refers to type ${to}, the last is ${this.count - 1}`);
    return to;
  }

  /** The vlen elements behind a head. */
  each<T>(h: Head, size: number, read: (at: number) => T): T[] {
    return Array.from({ length: h.vlen }, (_, i) => read(h.at + i * size));
  }

  linkage(h: Head, n: number): Linkage {
    return LINKAGE[n] ?? this.types.fail(h.at, `type ${h.id} has unknown linkage ${n}`);
  }
}

function readInt(p: Parser, h: Head): BtfType {
  const info = p.types.u32(h.at);
  const [bits, bitOff, enc] = [info & 0xff, (info >>> 16) & 0xff, (info >>> 24) & 0xf];
  if (![1, 2, 4, 8, 16].includes(h.word)) p.types.fail(h.at, `type ${h.id}: an int of ${h.word} bytes`);
  if (bits + bitOff > h.word * 8) p.types.fail(h.at, `type ${h.id}: ${bits} bits do not fit ${h.word} bytes`);
  const flags = { signed: (enc & 1) !== 0, char: (enc & 2) !== 0, bool: (enc & 4) !== 0 };
  return { kind: "int", id: h.id, name: h.name, size: h.word, bits, bitOff, ...flags };
}

function readArray(p: Parser, h: Head): BtfType {
  return {
    kind: "array",
    id: h.id,
    name: h.name,
    typeId: p.ref(h, p.types.u32(h.at)),
    indexTypeId: p.ref(h, p.types.u32(h.at + 4)),
    nelems: p.types.u32(h.at + 8),
  };
}

function readStruct(p: Parser, h: Head, kind: "struct" | "union"): BtfType {
  const members = p.each(h, 12, (at): BtfMember => {
    const word = p.types.u32(at + 8);
    const bitOff = h.kindFlag ? word & 0xffffff : word;
    const bitSize = h.kindFlag ? word >>> 24 : 0;
    if (bitOff + bitSize > h.word * 8)
      p.types.fail(at, `type ${h.id}: member at bit ${bitOff} lies outside its ${kind} of ${h.word} bytes`);
    return { name: p.name(p.types.u32(at), h.id), typeId: p.ref(h, p.types.u32(at + 4)), bitOff, bitSize };
  });
  return { kind, id: h.id, name: h.name, size: h.word, members };
}

function readEnum(p: Parser, h: Head): BtfType {
  const signed = h.kindFlag;
  const values = p.each(h, 8, (at): BtfEnumValue => {
    const value = BigInt(signed ? p.types.i32(at + 4) : p.types.u32(at + 4));
    return { name: p.name(p.types.u32(at), h.id), value };
  });
  return { kind: "enum", id: h.id, name: h.name, size: enumSize(p, h), signed, values };
}

function readEnum64(p: Parser, h: Head): BtfType {
  const signed = h.kindFlag;
  const values = p.each(h, 12, (at): BtfEnumValue => {
    const u = (BigInt(p.types.u32(at + 8)) << 32n) | BigInt(p.types.u32(at + 4));
    return { name: p.name(p.types.u32(at), h.id), value: signed ? BigInt.asIntN(64, u) : u };
  });
  return { kind: "enum64", id: h.id, name: h.name, size: enumSize(p, h), signed, values };
}

function enumSize(p: Parser, h: Head): number {
  if (![1, 2, 4, 8].includes(h.word)) p.types.fail(h.at, `type ${h.id}: an enum of ${h.word} bytes`);
  return h.word;
}

function readFunc(p: Parser, h: Head): BtfType {
  return { kind: "func", id: h.id, name: h.name, typeId: p.ref(h, h.word), linkage: p.linkage(h, h.vlen) };
}

function readFuncProto(p: Parser, h: Head): BtfType {
  const params = p.each(
    h,
    8,
    (at): BtfParam => ({ name: p.name(p.types.u32(at), h.id), typeId: p.ref(h, p.types.u32(at + 4)) }),
  );
  return { kind: "func_proto", id: h.id, name: h.name, typeId: p.ref(h, h.word), params };
}

function readVar(p: Parser, h: Head): BtfType {
  const linkage = p.linkage(h, p.types.u32(h.at));
  return { kind: "var", id: h.id, name: h.name, typeId: p.ref(h, h.word), linkage };
}

function readDatasec(p: Parser, h: Head): BtfType {
  const vars = p.each(
    h,
    12,
    (at): BtfSecVar => ({
      typeId: p.ref(h, p.types.u32(at)),
      off: p.types.u32(at + 4),
      size: p.types.u32(at + 8),
    }),
  );
  return { kind: "datasec", id: h.id, name: h.name, size: h.word, vars };
}

function readDeclTag(p: Parser, h: Head): BtfType {
  return {
    kind: "decl_tag",
    id: h.id,
    name: h.name,
    typeId: p.ref(h, h.word),
    componentIdx: p.types.i32(h.at),
  };
}

/** The sections of a BTF blob: types and strings. */
export interface BtfSections {
  readonly btf: Btf;
  readonly strings: StringTable;
}

/**
 * Reads a `.BTF` section, all of it: what is wrong anywhere is found now. `where` starts every message, e.g.
 * "xdp.o: section .BTF".
 */
export function parseBtf(bytes: Uint8Array, where: string): BtfSections {
  const { parser, strings } = openSection(bytes, where);
  return {
    btf: new Btf(Array.from({ length: parser.count }, (_, id) => parser.at(id) as BtfType)),
    strings,
  };
}

/**
 * The same for large files of which little is needed, as a kernel's: a type is read, and checked, when it is asked
 * for; one that is wrong is refused then.
 */
export function openBtf(bytes: Uint8Array, where: string): Btf {
  return new Btf(openSection(bytes, where).parser);
}

function openSection(bytes: Uint8Array, where: string): { parser: Parser; strings: StringTable } {
  const v = new ByteView(bytes, where);
  v.need(0, 24, "the header");
  const magic = v.u16(0);
  if (magic === 0x9feb) v.fail(0, "big-endian BTF");
  if (magic !== BTF_MAGIC) v.fail(0, `not BTF: magic is 0x${magic.toString(16)}`);
  if (v.u8(2) !== 1) v.fail(2, `BTF version ${v.u8(2)} is not known`);
  const hdrLen = v.u32(4);
  if (hdrLen < 24) v.fail(4, `a header of ${hdrLen} bytes`);
  const [typeOff, typeLen, strOff, strLen] = [v.u32(8), v.u32(12), v.u32(16), v.u32(20)];
  const types = v.slice(hdrLen + typeOff, typeLen, "the types");
  const text = v.slice(hdrLen + strOff, strLen, "the strings");
  if (typeLen > 0 && strLen > 0 && typeOff < strOff + strLen && strOff < typeOff + typeLen)
    v.fail(8, "types and strings overlap");
  if (strLen === 0 || text[0] !== 0) v.fail(hdrLen + strOff, "the string table does not start with 0");
  const strings = new StringTable(new ByteView(text, `${where} strings`));
  return { parser: new Parser(new ByteView(types, `${where} types`), strings), strings };
}
