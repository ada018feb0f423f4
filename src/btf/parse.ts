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
import { RawTypes } from "./raw_types.ts";

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
  readonly read: (p: TypeRecords, h: Head) => BtfType;
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

/** Words behind the head, by kind. */
const FIXED = Uint8Array.from(ROWS, (row) => (row?.fixed ?? 0) / 4);
const EACH = Uint8Array.from(ROWS, (row) => (row?.each ?? 0) / 4);

/** The same bytes as little-endian words. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  const whole = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes); // a Buffer's slice would be no copy
  return new Uint32Array(whole.buffer, whole.byteOffset, whole.length / 4);
}

/** Records of types in bytes. Where each begins is known from the start; what it says is checked when it is read. */
export class TypeRecords {
  /** word at which a record begins, by id; id 0 has none */
  readonly #starts: Uint32Array;
  readonly #words: Uint32Array;
  readonly count: number;

  constructor(
    readonly types: ByteView,
    readonly strings: StringTable,
  ) {
    if (types.length % 4 !== 0) types.fail(0, `${types.length} bytes are no whole number of words`);
    this.#words = wordsOf(types.bytes);
    [this.#starts, this.count] = this.#scan();
  }

  /** The one pass over all types: kept free of calls. */
  #scan(): [starts: Uint32Array, count: number] {
    const words = this.#words;
    const starts = new Uint32Array(Math.min(Math.floor(words.length / 3), MAX_TYPES) + 2);
    let count = 1;
    for (let at = 0; at < words.length; count++) {
      if (count > MAX_TYPES) this.types.fail(at * 4, `more than ${MAX_TYPES} types`);
      const info = words[at + 1] ?? 0;
      const kind = (info >>> 24) & 0x1f;
      const size = 3 + (FIXED[kind] ?? 0) + (EACH[kind] ?? 0) * (info & 0xffff);
      if (at + size > words.length || ROWS[kind] === undefined) this.#refuse(at * 4, count);
      starts[count] = at;
      at += size;
    }
    return [starts, count];
  }

  #refuse(off: number, id: number): never {
    this.types.need(off, 12, `type ${id}`);
    const info = this.types.u32(off + 4);
    const row = ROWS[(info >>> 24) & 0x1f];
    const vlen = info & 0xffff;
    if (row === undefined) return this.types.fail(off, `type ${id} has unknown kind ${(info >>> 24) & 0x1f}`);
    this.types.need(off + 12, row.fixed + row.each * vlen, `type ${id} with ${vlen} elements`);
    throw new Error(`type ${id} at ${off} is well formed`);
  }

  read(id: number): BtfType {
    if (id === 0) return { kind: "void", id: 0, name: "" };
    const off = (this.#starts[id] ?? 0) * 4;
    const info = this.types.u32(off + 4);
    const row = ROWS[(info >>> 24) & 0x1f];
    if (row === undefined) throw new Error(`type ${id} was not checked`);
    return row.read(this, {
      id,
      name: this.name(id),
      vlen: info & 0xffff,
      kindFlag: info >>> 31 === 1,
      word: this.types.u32(off + 8),
      at: off + 12,
    });
  }

  kind(id: number): number {
    return ((this.#words[(this.#starts[id] ?? 0) + 1] ?? 0) >>> 24) & 0x1f;
  }

  /** Where the type's own name is, 0 = it has none. */
  nameOff(id: number): number {
    return this.#words[this.#starts[id] ?? 0] ?? 0;
  }

  name(id: number): string {
    return this.text(this.nameOff(id), id);
  }

  /** A name that type `id` holds. */
  text(off: number, id: number): string {
    return off === 0 ? "" : this.strings.name(off, () => `type ${id}`);
  }

  ref(h: Head, to: number): number {
    if (to >= this.count)
      this.types.fail(h.at - 12, `type ${h.id} refers to type ${to}, the last is ${this.count - 1}`);
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

function readInt(p: TypeRecords, h: Head): BtfType {
  const info = p.types.u32(h.at);
  const [bits, bitOff, enc] = [info & 0xff, (info >>> 16) & 0xff, (info >>> 24) & 0xf];
  if (![1, 2, 4, 8, 16].includes(h.word)) p.types.fail(h.at, `type ${h.id}: an int of ${h.word} bytes`);
  if (bits + bitOff > h.word * 8) p.types.fail(h.at, `type ${h.id}: ${bits} bits do not fit ${h.word} bytes`);
  const flags = { signed: (enc & 1) !== 0, char: (enc & 2) !== 0, bool: (enc & 4) !== 0 };
  return { kind: "int", id: h.id, name: h.name, size: h.word, bits, bitOff, ...flags };
}

function readArray(p: TypeRecords, h: Head): BtfType {
  return {
    kind: "array",
    id: h.id,
    name: h.name,
    typeId: p.ref(h, p.types.u32(h.at)),
    indexTypeId: p.ref(h, p.types.u32(h.at + 4)),
    nelems: p.types.u32(h.at + 8),
  };
}

function readStruct(p: TypeRecords, h: Head, kind: "struct" | "union"): BtfType {
  const members = p.each(h, 12, (at): BtfMember => {
    const word = p.types.u32(at + 8);
    const bitOff = h.kindFlag ? word & 0xffffff : word;
    const bitSize = h.kindFlag ? word >>> 24 : 0;
    if (bitOff + bitSize > h.word * 8)
      p.types.fail(at, `type ${h.id}: member at bit ${bitOff} lies outside its ${kind} of ${h.word} bytes`);
    return { name: p.text(p.types.u32(at), h.id), typeId: p.ref(h, p.types.u32(at + 4)), bitOff, bitSize };
  });
  return { kind, id: h.id, name: h.name, size: h.word, members };
}

function readEnum(p: TypeRecords, h: Head): BtfType {
  const signed = h.kindFlag;
  const values = p.each(h, 8, (at): BtfEnumValue => {
    const value = BigInt(signed ? p.types.i32(at + 4) : p.types.u32(at + 4));
    return { name: p.text(p.types.u32(at), h.id), value };
  });
  return { kind: "enum", id: h.id, name: h.name, size: enumSize(p, h), signed, values };
}

function readEnum64(p: TypeRecords, h: Head): BtfType {
  const signed = h.kindFlag;
  const values = p.each(h, 12, (at): BtfEnumValue => {
    const u = (BigInt(p.types.u32(at + 8)) << 32n) | BigInt(p.types.u32(at + 4));
    return { name: p.text(p.types.u32(at), h.id), value: signed ? BigInt.asIntN(64, u) : u };
  });
  return { kind: "enum64", id: h.id, name: h.name, size: enumSize(p, h), signed, values };
}

function enumSize(p: TypeRecords, h: Head): number {
  if (![1, 2, 4, 8].includes(h.word)) p.types.fail(h.at, `type ${h.id}: an enum of ${h.word} bytes`);
  return h.word;
}

function readFunc(p: TypeRecords, h: Head): BtfType {
  return { kind: "func", id: h.id, name: h.name, typeId: p.ref(h, h.word), linkage: p.linkage(h, h.vlen) };
}

function readFuncProto(p: TypeRecords, h: Head): BtfType {
  const params = p.each(
    h,
    8,
    (at): BtfParam => ({ name: p.text(p.types.u32(at), h.id), typeId: p.ref(h, p.types.u32(at + 4)) }),
  );
  return { kind: "func_proto", id: h.id, name: h.name, typeId: p.ref(h, h.word), params };
}

function readVar(p: TypeRecords, h: Head): BtfType {
  const linkage = p.linkage(h, p.types.u32(h.at));
  return { kind: "var", id: h.id, name: h.name, typeId: p.ref(h, h.word), linkage };
}

function readDatasec(p: TypeRecords, h: Head): BtfType {
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

function readDeclTag(p: TypeRecords, h: Head): BtfType {
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

/** Reads a `.BTF` section in full. `where` starts every message, e.g. "xdp.o: section .BTF". */
export function parseBtf(bytes: Uint8Array, where: string): BtfSections {
  const records = readHeader(bytes, where, "all of it");
  const types = Array.from({ length: records.count }, (_, id) => records.read(id));
  return { btf: new Btf(types), strings: records.strings };
}

/**
 * The same for the types of a kernel: only lengths are looked at now, a type is read and checked when it is asked
 * for. Whoever asks may get the BpfError of a type that is not well formed.
 */
export function openBtf(bytes: Uint8Array, where: string): Btf {
  return new Btf(new RawTypes(readHeader(bytes, where, "little of it")));
}

/** How many types there are, with void. */
export function countTypes(bytes: Uint8Array, where: string): number {
  return readHeader(bytes, where, "little of it").count;
}

/** Words of a record of this kind and length; undefined: there is no such kind. */
export function wordsOfRecord(kind: number, vlen: number): number | undefined {
  return ROWS[kind] === undefined ? undefined : 3 + (FIXED[kind] ?? 0) + (EACH[kind] ?? 0) * vlen;
}

/** The two parts of a section; a module's are understood only behind its kernel's. */
export function readSections(
  bytes: Uint8Array,
  where: string,
): { readonly types: Uint8Array; readonly text: Uint8Array } {
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
  return { types, text };
}

function readHeader(bytes: Uint8Array, where: string, use: "all of it" | "little of it"): TypeRecords {
  const { types, text } = readSections(bytes, where);
  if (text.length === 0 || text[0] !== 0)
    new ByteView(bytes, where).fail(
      text.byteOffset - bytes.byteOffset,
      "the string table does not start with 0",
    );
  const strings = new StringTable(new ByteView(text, `${where} strings`), use);
  return new TypeRecords(new ByteView(types, `${where} types`), strings);
}
