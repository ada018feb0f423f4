// Types as the bytes of a `.BTF` section in the form a kernel takes: the inverse of parse.ts, but that nothing is
// extern and no section is empty. Nothing is checked: what a Btf holds was checked when it was read.
// Follows the kernel's Documentation/bpf/btf.rst.
import type { Btf, BtfKind, BtfType, BtfTypeOf, Linkage } from "./btf.ts";
import { BTF_MAGIC } from "./parse.ts";

const HEADER_SIZE = 24;
const LINKAGE: Readonly<Record<Linkage, number>> = { static: 0, global: 1, extern: 1 };

/** What follows the name: vlen, the kind flag, size or type, and the words behind them. */
interface Record32 {
  readonly vlen?: number;
  readonly flag?: boolean;
  readonly word?: number;
  readonly rest?: readonly number[];
}

type Encoder<K extends BtfKind> = (t: BtfTypeOf<K>, name: (text: string) => number) => Record32;

interface Row<K extends BtfKind> {
  readonly id: number;
  readonly encode: Encoder<K>;
}

function row<K extends BtfKind>(id: number, encode: Encoder<K>): Row<K> {
  return { id, encode };
}

type Composite = BtfTypeOf<"struct" | "union">;
type Enum = BtfTypeOf<"enum" | "enum64">;

function encodeComposite(t: Composite, name: (text: string) => number): Record32 {
  const flag = t.members.some((m) => m.bitSize !== 0);
  const rest = t.members.flatMap((m) => [
    name(m.name),
    m.typeId,
    flag ? m.bitSize * 2 ** 24 + m.bitOff : m.bitOff,
  ]);
  return { vlen: t.members.length, flag, word: t.size, rest };
}

function encodeEnum(t: Enum, name: (text: string) => number): Record32 {
  const lo = (v: bigint) => Number(BigInt.asUintN(32, v));
  const rest = t.values.flatMap((v) =>
    t.kind === "enum64" ? [name(v.name), lo(v.value), lo(v.value >> 32n)] : [name(v.name), lo(v.value)],
  );
  return { vlen: t.values.length, flag: t.signed, word: t.size, rest };
}

/** What is declared of the kernel's: functions, which no section of variables may list. */
const KSYMS = ".ksyms";

/** A section that no map holds (the license's) has no size in the file, and its variables no place. */
function encodeDatasec(t: BtfTypeOf<"datasec">): Record32 {
  if (t.name === KSYMS) return { vlen: 0, word: 1 };
  let end = 0;
  const rest = t.vars.flatMap((v) => {
    const off = t.size === 0 ? end : v.off;
    end = off + v.size;
    return [v.typeId, off, v.size];
  });
  return { vlen: t.vars.length, word: t.size === 0 ? Math.max(end, 1) : t.size, rest };
}

const reference = (t: { readonly typeId: number }): Record32 => ({ word: t.typeId });

// biome-ignore format: table
const ROWS = {
  int:        row<"int">(1, (t) => ({ word: t.size, rest: [(((t.signed ? 1 : 0) | (t.char ? 2 : 0) | (t.bool ? 4 : 0)) << 24) | (t.bitOff << 16) | t.bits] })),
  ptr:        row<"ptr">(2, reference),
  array:      row<"array">(3, (t) => ({ rest: [t.typeId, t.indexTypeId, t.nelems] })),
  struct:     row<"struct">(4, encodeComposite),
  union:      row<"union">(5, encodeComposite),
  enum:       row<"enum">(6, encodeEnum),
  fwd:        row<"fwd">(7, (t) => ({ flag: t.union })),
  typedef:    row<"typedef">(8, reference),
  volatile:   row<"volatile">(9, reference),
  const:      row<"const">(10, reference),
  restrict:   row<"restrict">(11, reference),
  func:       row<"func">(12, (t) => ({ vlen: LINKAGE[t.linkage], word: t.typeId })),
  func_proto: row<"func_proto">(13, (t, name) => ({ vlen: t.params.length, word: t.typeId, rest: t.params.flatMap((p) => [name(p.name), p.typeId]) })),
  var:        row<"var">(14, (t) => ({ word: t.typeId, rest: [LINKAGE[t.linkage]] })),
  datasec:    row<"datasec">(15, encodeDatasec),
  float:      row<"float">(16, (t) => ({ word: t.size })),
  decl_tag:   row<"decl_tag">(17, (t) => ({ word: t.typeId, rest: [t.componentIdx] })),
  type_tag:   row<"type_tag">(18, reference),
  enum64:     row<"enum64">(19, encodeEnum),
} satisfies { readonly [K in Exclude<BtfKind, "void">]: Row<K> };

class Strings {
  readonly #at = new Map<string, number>([["", 0]]);
  readonly #parts: Uint8Array[] = [new Uint8Array(1)];
  size = 1;

  add(text: string): number {
    const known = this.#at.get(text);
    if (known !== undefined) return known;
    const bytes = Buffer.from(`${text}\0`, "utf8");
    const at = this.size;
    this.#parts.push(bytes);
    this.#at.set(text, at);
    this.size += bytes.length;
    return at;
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

function encodeType(t: Exclude<BtfType, { kind: "void" }>, strings: Strings): number[] {
  const { id, encode } = ROWS[t.kind] as Row<typeof t.kind>; // the type's kind selects its own row
  const name = strings.add(t.name);
  const {
    vlen = 0,
    flag = false,
    word = 0,
    rest = [],
  } = (encode as Encoder<BtfKind>)(t, (text) => strings.add(text));
  return [name, vlen | (id << 24) | (flag ? 1 << 31 : 0), word, ...rest];
}

/** Compilers leave out parameters' names where a function is only declared; the kernel wants them. */
function nameParams(t: BtfType): BtfType {
  if (t.kind !== "func_proto") return t;
  const params = t.params.map((p, i) => ({
    ...p,
    name: p.name === "" && p.typeId !== 0 ? `arg${i}` : p.name,
  }));
  return { ...t, params };
}

/** Numbers of the prototypes of functions that are only declared. */
function declaredProtos(btf: Btf): ReadonlySet<number> {
  return new Set(btf.types.flatMap((t) => (t.kind === "func" && t.linkage === "extern" ? [t.typeId] : [])));
}

/** The section's bytes, little-endian. Ids are as in `btf`. */
export function encodeBtf(btf: Btf): Uint8Array {
  const strings = new Strings();
  const words: number[] = [];
  const declared = declaredProtos(btf);
  for (const read of btf.types) {
    const t = declared.has(read.id) ? nameParams(read) : read;
    if (t.kind !== "void") for (const word of encodeType(t, strings)) words.push(word);
  }
  const typeLen = words.length * 4;
  const out = new Uint8Array(HEADER_SIZE + typeLen + strings.size);
  const view = new DataView(out.buffer);
  view.setUint16(0, BTF_MAGIC, true);
  view.setUint8(2, 1);
  for (const [i, word] of [HEADER_SIZE, 0, typeLen, typeLen, strings.size].entries())
    view.setUint32(4 + i * 4, word, true);
  for (const [i, word] of words.entries()) view.setUint32(HEADER_SIZE + i * 4, word >>> 0, true);
  out.set(strings.bytes(), HEADER_SIZE + typeLen);
  return out;
}
