// Bytes of a `.BTF.ext` section -> what it says about insns, by section name: function types, source
// lines, CO-RE relocations. Offsets stay bytes in the ELF section; linking turns them into pcs.
import { ByteView, MAX_SECTION_NAME, type StringTable } from "./bytes.ts";
import { BTF_MAGIC } from "./parse.ts";

export interface ExtFunc {
  readonly off: number;
  readonly typeId: number;
}

export interface ExtLine {
  readonly off: number;
  readonly file: string;
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

export interface ExtCore {
  readonly off: number;
  readonly typeId: number;
  readonly accessStr: string;
  readonly kind: number;
}

/** What is known about the insns of one ELF section, sorted by offset. */
export interface ExtSection {
  readonly funcs: ExtFunc[];
  readonly lines: ExtLine[];
  readonly cores: ExtCore[];
}

export type BtfExt = ReadonlyMap<string, ExtSection>;

interface Reader {
  readonly v: ByteView;
  readonly strings: StringTable;
}

function readFunc({ v }: Reader, at: number): ExtFunc {
  return { off: v.u32(at), typeId: v.u32(at + 4) };
}

function readLine({ v, strings }: Reader, at: number): ExtLine {
  const user = () => `line info at ${at}`;
  const lineCol = v.u32(at + 12);
  return {
    off: v.u32(at),
    file: strings.text(v.u32(at + 4), user),
    text: strings.text(v.u32(at + 8), user),
    line: lineCol >>> 10,
    column: lineCol & 0x3ff,
  };
}

function readCore({ v, strings }: Reader, at: number): ExtCore {
  return {
    off: v.u32(at),
    typeId: v.u32(at + 4),
    accessStr: strings.name(v.u32(at + 8), () => `CO-RE relocation at ${at}`),
    kind: v.u32(at + 12),
  };
}

/** Header offset of the part's (offset, length), least record size, and who reads a record. */
const PARTS = [
  { key: "funcs", at: 8, min: 8, read: readFunc },
  { key: "lines", at: 16, min: 16, read: readLine },
  { key: "cores", at: 24, min: 16, read: readCore },
] as const;

/** Reads a `.BTF.ext` section; `strings` is the string table of `.BTF`. */
export function parseBtfExt(bytes: Uint8Array, strings: StringTable, where: string): BtfExt {
  const v = new ByteView(bytes, where);
  v.need(0, 24, "the header");
  if (v.u16(0) !== BTF_MAGIC) v.fail(0, `not BTF: magic is 0x${v.u16(0).toString(16)}`);
  if (v.u8(2) !== 1) v.fail(2, `BTF version ${v.u8(2)} is not known`);
  const hdrLen = v.u32(4);
  if (hdrLen < 24) v.fail(4, `a header of ${hdrLen} bytes`);
  v.need(0, hdrLen, "the header");

  const out = new Map<string, ExtSection>();
  const section = (name: string) => {
    const known = out.get(name);
    if (known !== undefined) return known;
    const fresh: ExtSection = { funcs: [], lines: [], cores: [] };
    out.set(name, fresh);
    return fresh;
  };
  for (const part of PARTS) {
    if (hdrLen < part.at + 8) continue;
    const [from, len] = [hdrLen + v.u32(part.at), v.u32(part.at + 4)];
    if (len === 0) continue;
    v.need(from, len, `the ${part.key}`);
    readPart({ v, strings }, from, from + len, part.min, (name, at, r) => {
      const list: { off: number }[] = section(name)[part.key];
      list.push(part.read(r, at));
    });
  }
  for (const s of out.values())
    for (const list of [s.funcs, s.lines, s.cores]) (list as { off: number }[]).sort((a, b) => a.off - b.off);
  return out;
}

/** A part is its record size, then for each section a name, a count and records. */
function readPart(
  r: Reader,
  from: number,
  end: number,
  min: number,
  record: (section: string, at: number, r: Reader) => void,
): void {
  const { v, strings } = r;
  v.need(from, 4, "the record size");
  const size = v.u32(from);
  if (size < min || size % 4 !== 0) v.fail(from, `records of ${size} bytes, at least ${min} are needed`);
  let at = from + 4;
  while (at < end) {
    if (at + 8 > end) v.fail(at, "a section head is cut off");
    const name = strings.name(v.u32(at), () => `section at ${at}`, MAX_SECTION_NAME);
    const count = v.u32(at + 4);
    at += 8;
    if (at + count * size > end) v.fail(at, `${count} records of ${size} bytes run past the end`);
    for (let i = 0; i < count; i++, at += size) record(name, at, r);
  }
}
