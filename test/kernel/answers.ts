// The recorded answers of the kernel: their types, and how they lie in test/recorded. Knows no runtime and decides
// nothing about equality (see compare.ts).
//
// One file an object, `NAME.jsonl.gz`: a head line, then one line for each program and capture. A packet's row is
// the bare retval when its bytes left as they came and nothing else is set, `[retval, len, crc32, meta_len]` otherwise, of
// programs on __sk_buff `[retval, len, crc32, mark, priority, cb]`, and `[null, errno]` where the kernel refused to run it.
import { readFileSync } from "node:fs";
import { crc32 as zlibCrc32, gunzipSync, gzipSync } from "node:zlib";

type XdpRow = readonly [retval: number, len: number, crc32: string, metaLen: number];
type SkbRow = readonly [
  retval: number,
  len: number,
  crc32: string,
  mark: number,
  priority: number,
  cb: readonly number[],
];
type Refused = readonly [null, number];

export type PackedRow = number | XdpRow | SkbRow | Refused;

interface Ran {
  readonly retval: number;
  readonly len: number;
  readonly crc32: string;
  readonly metaLen: number;
  readonly mark: number;
  readonly priority: number;
  readonly cb: readonly number[];
}

/** What became of one packet. */
export type PacketAnswer = Ran | { readonly errno: number };

const NOTHING_SET = { metaLen: 0, mark: 0, priority: 0, cb: [0, 0, 0, 0, 0] } as const;

/** `[packet, cpu, length as read (padded), crc32]` */
export type EventRow = readonly [number, number, number, string];

/** `[key, value]`, or `[key, one value a CPU, sums of the lanes]`, all in hex; `null` contents cannot be read */
export type EntryRow =
  | readonly [string, string]
  | readonly [string, readonly string[], readonly (number | string)[]];

export interface MapAnswer {
  readonly type: string;
  readonly key_size: number;
  readonly value_size: number;
  readonly max_entries: number;
  readonly entries: readonly EntryRow[] | readonly string[] | null;
}

/** Values of a queue or stack in the order in which they are taken, instead of entries. */
export function isValues(entries: readonly (EntryRow | string)[]): entries is readonly string[] {
  return entries.some((row) => typeof row === "string");
}

export interface Head {
  /** path from the repository's root */
  readonly object: string;
  readonly sha256: string;
  readonly kernel: string;
}

export interface Case {
  readonly prog: string;
  /** the program run once before, on the first packet */
  readonly setup: string | null;
  readonly capture: string;
  readonly capture_sha256: string;
  readonly packets: readonly PackedRow[];
  readonly events: Readonly<Record<string, readonly EventRow[]>>;
  readonly globals: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly maps: Readonly<Record<string, MapAnswer>>;
}

export interface Recording {
  readonly head: Head;
  readonly cases: readonly Case[];
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, i) => {
  let v = i;
  for (let k = 0; k < 8; k++) v = v & 1 ? (v >>> 1) ^ 0xedb88320 : v >>> 1;
  return v;
});

/** zlib's crc32, eight hex digits (zlib.crc32 itself is missing from early Node 20) */
export function crc32Hex(bytes: Uint8Array): string {
  if (typeof zlibCrc32 === "function") return zlibCrc32(bytes).toString(16).padStart(8, "0");
  let c = 0xffffffff;
  for (const b of bytes) c = (c >>> 8) ^ (CRC_TABLE[(c ^ b) & 0xff] as number);
  return (~c >>> 0).toString(16).padStart(8, "0");
}

function isRefused(row: XdpRow | SkbRow | Refused): row is Refused {
  return row[0] === null;
}

function unpackRan(row: XdpRow | SkbRow): Ran {
  const [retval, len, crc32] = row;
  const ran = { ...NOTHING_SET, retval, len, crc32 };
  return row.length === 4
    ? { ...ran, metaLen: row[3] }
    : { ...ran, mark: row[3], priority: row[4], cb: row[5] };
}

export function packRow(row: XdpRow | SkbRow | Refused, frame: Uint8Array): PackedRow {
  if (isRefused(row)) return row;
  const { retval, len, crc32, metaLen, mark, priority, cb } = unpackRan(row);
  const untouched = len === frame.length && crc32 === crc32Hex(frame);
  const unset = [metaLen, mark, priority, ...cb].every((word) => word === 0);
  return untouched && unset ? retval : row;
}

export function unpackRow(row: PackedRow, frame: Uint8Array): PacketAnswer {
  if (typeof row === "number")
    return { ...NOTHING_SET, retval: row, len: frame.length, crc32: crc32Hex(frame) };
  return isRefused(row) ? { errno: row[1] } : unpackRan(row);
}

export function encodeRecording(recording: Recording): Uint8Array {
  const lines = [recording.head, ...recording.cases].map((x) => JSON.stringify(x));
  return gzipSync(`${lines.join("\n")}\n`, { level: 9 });
}

export function decodeRecording(bytes: Uint8Array): Recording {
  const [head, ...cases] = gunzipSync(bytes).toString().trimEnd().split("\n");
  if (head === undefined) throw new Error("an empty recording");
  return { head: JSON.parse(head) as Head, cases: cases.map((line) => JSON.parse(line) as Case) };
}

export function readRecording(path: string | URL): Recording {
  return decodeRecording(readFileSync(path));
}
