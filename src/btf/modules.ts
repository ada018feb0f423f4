// The types of a kernel and of its modules as one. A module's BTF goes on where the kernel's ends: what it refers to
// below that is the kernel's. Behind another module's it lies further on, so its own ids and names move.
import { BpfError } from "../spec/errors.ts";
import { BTF_MAGIC, countTypes, readSections, wordsOfRecord } from "./parse.ts";

const HEADER = 24;

/** What a word of a record is: `n` the offset of a name, `t` the id of a type, `.` neither. */
interface Shape {
  /** the last word of the head is a type, not a size */
  readonly refers?: true;
  readonly fixed?: string;
  readonly each?: string;
}

/** By the kind's number; those that are left out have no words that move but their name. */
// biome-ignore format: table
const SHAPES: Readonly<Record<number, Shape>> = {
  2: { refers: true },                     // ptr
  3: { fixed: "tt." },                     // array
  4: { each: "nt." },                      // struct
  5: { each: "nt." },                      // union
  6: { each: "n." },                       // enum
  8: { refers: true },                     // typedef
  9: { refers: true },                     // volatile
  10: { refers: true },                    // const
  11: { refers: true },                    // restrict
  12: { refers: true },                    // func
  13: { refers: true, each: "nt" },        // func_proto
  14: { refers: true, fixed: "." },        // var
  15: { each: "t.." },                     // datasec
  17: { refers: true, fixed: "." },        // decl_tag
  18: { refers: true },                    // type_tag
  19: { each: "n.." },                     // enum64
};

/** From where on ids and names move, and by how much. */
interface Move {
  readonly from: number;
  readonly by: number;
}

const moved = (value: number, { from, by }: Move): number => (value >= from ? value + by : value);

function moveWords(words: Uint32Array, at: number, letters: string, ids: Move, names: Move): void {
  for (let i = 0; i < letters.length; i++) {
    if (letters[i] === "t") words[at + i] = moved(words[at + i] ?? 0, ids);
    else if (letters[i] === "n") words[at + i] = moved(words[at + i] ?? 0, names);
  }
}

/** The records with their references moved, and how many there are. */
function moveTypes(
  types: Uint8Array,
  where: string,
  ids: Move,
  names: Move,
): [types: Uint8Array, count: number] {
  const bytes = new Uint8Array(types);
  const words = new Uint32Array(bytes.buffer);
  let count = 0;
  for (let at = 0; at < words.length; count++) {
    const info = words[at + 1] ?? 0;
    const [kind, vlen] = [(info >>> 24) & 0x1f, info & 0xffff];
    const size = wordsOfRecord(kind, vlen);
    if (size === undefined || at + size > words.length)
      throw new BpfError("EINVAL", `${where} types, offset 0x${(at * 4).toString(16)}: not a whole type`);
    const { refers, fixed = "", each = "" } = SHAPES[kind] ?? {};
    moveWords(words, at, refers ? "n.t" : "n..", ids, names);
    moveWords(words, at + 3, fixed, ids, names);
    moveWords(words, at + 3 + fixed.length, each.repeat(vlen), ids, names);
    at += size;
  }
  return [bytes, count];
}

export interface BtfFile {
  readonly bytes: Uint8Array;
  readonly where: string;
}

/** One section of BTF with the types of all; those of the kernel keep their ids. Throws BpfError where one is not well formed. */
export function withModules(kernel: BtfFile, modules: readonly BtfFile[]): Uint8Array {
  const base = readSections(kernel.bytes, kernel.where);
  const first = countTypes(kernel.bytes, kernel.where);
  const types = [base.types];
  const texts = [base.text];
  let [count, chars] = [first, base.text.length];
  for (const { bytes, where } of modules) {
    const own = readSections(bytes, where);
    if (own.types.length % 4 !== 0)
      throw new BpfError("EINVAL", `${where} types: ${own.types.length} bytes are no whole number of words`);
    const ids = { from: first, by: count - first };
    const names = { from: base.text.length, by: chars - base.text.length };
    const [there, added] = moveTypes(own.types, where, ids, names);
    types.push(there);
    texts.push(own.text);
    count += added;
    chars += own.text.length;
  }
  const typeLen = types.reduce((n, t) => n + t.length, 0);
  const header = new Uint32Array([BTF_MAGIC | (1 << 16), HEADER, 0, typeLen, typeLen, chars]);
  return new Uint8Array(Buffer.concat([new Uint8Array(header.buffer), ...types, ...texts]));
}
