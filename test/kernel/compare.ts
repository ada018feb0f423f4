// Holds a run of ours against a recorded answer of the kernel and names the first difference. Pure; takes our run
// in the form of `--verdicts` and `--maps`, so it knows neither runtime nor files.
import { errnoName } from "../../src/spec/errors.ts";
import {
  type Case,
  crc32Hex,
  type EntryRow,
  type EventRow,
  isValues,
  type MapAnswer,
  unpackRow,
} from "./answers.ts";

/** A line of `--verdicts`, as far as it is compared. */
export interface OurPacket {
  readonly retval?: number;
  readonly len?: number;
  readonly crc32?: string;
  readonly meta_len?: number;
  readonly mark?: number;
  readonly priority?: number;
  readonly cb?: readonly number[];
  readonly error?: string;
}

export interface OurRecord {
  readonly i: number | null;
  readonly cpu: number;
  readonly len: number;
  readonly bytes: string;
}

/** A map in the form of `--maps`. */
export interface OurMap {
  readonly type?: string;
  readonly key_size?: number;
  readonly value_size?: number;
  readonly max_entries?: number;
  readonly entries?: readonly { readonly key?: string; readonly value?: string | readonly string[] }[];
  readonly variables?: Readonly<Record<string, { readonly bytes: string }>>;
  readonly records?: readonly OurRecord[];
  readonly lost?: number;
}

export interface OurRun {
  readonly packets: readonly OurPacket[];
  readonly maps: Readonly<Record<string, OurMap>>;
}

/** The first difference: where, what the kernel has there, what we have. */
export interface Difference {
  readonly where: string;
  readonly kernel: string;
  readonly ours: string;
}

export const fmtDifference = (d: Difference): string => `${d.where}: kernel ${d.kernel}, ours ${d.ours}`;

/** `frames` are the capture's packets as they went in, in order. */
export function compareRun(
  recorded: Case,
  ours: OurRun,
  frames: readonly Uint8Array[],
): Difference | undefined {
  return (
    comparePackets(recorded, ours.packets, frames) ??
    firstOf(recorded.events, (name, rows) => compareEvents(name, rows, ours.maps[name])) ??
    firstOf(recorded.globals, (section, vars) => compareGlobals(section, vars, ours.maps[section])) ??
    firstOf(recorded.maps, (name, map) => compareMap(name, map, ours.maps[name]))
  );
}

function firstOf<T>(
  rows: Readonly<Record<string, T>>,
  compare: (name: string, row: T) => Difference | undefined,
): Difference | undefined {
  for (const [name, row] of Object.entries(rows)) {
    const found = compare(name, row);
    if (found) return found;
  }
  return undefined;
}

function differ(where: string, kernel: unknown, ours: unknown): Difference | undefined {
  return kernel === ours ? undefined : { where, kernel: String(kernel), ours: String(ours) };
}

function comparePackets(
  recorded: Case,
  ours: readonly OurPacket[],
  frames: readonly Uint8Array[],
): Difference | undefined {
  if (frames.length !== recorded.packets.length)
    throw new Error(`${recorded.capture}: ${frames.length} frames for ${recorded.packets.length} rows`);
  const count = differ("number of packets", recorded.packets.length, ours.length);
  if (count) return count;
  for (const [i, row] of recorded.packets.entries()) {
    const want = unpackRow(row, frames[i] as Uint8Array);
    const have = ours[i] as OurPacket;
    const where = `packet ${i}`;
    const found =
      "errno" in want
        ? differ(`${where} error`, errnoName(want.errno) ?? want.errno, have.error)
        : (differ(`${where} error`, undefined, have.error) ??
          differ(`${where} retval`, want.retval, have.retval) ??
          differ(`${where} len`, want.len, have.len) ??
          differ(`${where} meta_len`, want.metaLen, have.meta_len ?? 0) ??
          differ(`${where} mark`, want.mark, have.mark ?? 0) ??
          differ(`${where} priority`, want.priority, have.priority ?? 0) ??
          differ(`${where} cb`, want.cb.join(), (have.cb ?? [0, 0, 0, 0, 0]).join()) ??
          differ(`${where} crc32`, want.crc32, have.crc32));
    if (found) return found;
  }
  return undefined;
}

/** The kernel's perf records are padded so that length + 4 is a multiple of 8; ring buffer records (cpu -1) are not. */
function asRead(record: OurRecord, cpu: number): Uint8Array {
  const bytes = Buffer.from(record.bytes, "hex");
  if (cpu === -1) return bytes;
  const padded = new Uint8Array(((bytes.length + 4 + 7) & ~7) - 4);
  padded.set(bytes);
  return padded;
}

function compareEvents(
  name: string,
  rows: readonly EventRow[],
  ours: OurMap | undefined,
): Difference | undefined {
  const records = ours?.records;
  if (!records) return { where: `map ${name}`, kernel: `${rows.length} records`, ours: "no records" };
  const lost = differ(`map ${name} lost`, 0, ours.lost ?? 0);
  if (lost) return lost;
  for (const [n, [packet, cpu, len, crc]] of rows.entries()) {
    const where = `map ${name} record ${n}`;
    const have = records[n];
    if (!have) return { where, kernel: `of packet ${packet}`, ours: "missing" };
    const bytes = asRead(have, cpu);
    const found =
      differ(`${where} packet`, packet, have.i) ??
      (cpu === -1 ? undefined : differ(`${where} cpu`, cpu, have.cpu)) ??
      differ(`${where} len`, len, bytes.length) ??
      differ(`${where} len as said`, have.bytes.length / 2, have.len) ??
      differ(`${where} crc32`, crc, crc32Hex(bytes));
    if (found) return found;
  }
  return differ(`map ${name} number of records`, rows.length, records.length);
}

function compareGlobals(
  section: string,
  vars: Readonly<Record<string, string>>,
  ours: OurMap | undefined,
): Difference | undefined {
  const have = ours?.variables;
  if (!have) return { where: section, kernel: "variables", ours: "none" };
  return firstOf(vars, (name, bytes) => differ(`${section} ${name}`, bytes, have[name]?.bytes));
}

const SHAPE = ["type", "key_size", "value_size", "max_entries"] as const;

function compareMap(name: string, want: MapAnswer, ours: OurMap | undefined): Difference | undefined {
  if (!ours) return { where: `map ${name}`, kernel: want.type, ours: "missing" };
  if (ours.records) return undefined; // its contents are the events
  for (const field of SHAPE) {
    const found = differ(`map ${name} ${field}`, want[field], ours[field]);
    if (found) return found;
  }
  if (want.entries === null) return undefined;
  if (isValues(want.entries))
    return differ(
      `map ${name} values`,
      want.entries.join(" "),
      ours.entries?.map((entry) => entry.value).join(" "),
    );
  return compareEntries(name, want.entries, ours.entries ?? []);
}

type OurEntry = NonNullable<OurMap["entries"]>[number];

function compareEntries(
  name: string,
  want: readonly EntryRow[],
  ours: readonly OurEntry[],
): Difference | undefined {
  for (const [n, row] of want.entries()) {
    const where = `map ${name} entry ${n}`;
    const have = ours[n];
    if (!have) return { where, kernel: `key ${row[0]}`, ours: "missing" };
    const found =
      differ(`${where} key`, row[0], have.key) ?? compareValue(`${where} key ${row[0]}`, row[1], have.value);
    if (found) return found;
  }
  return differ(`map ${name} number of entries`, want.length, ours.length);
}

/** Per-CPU values: the kernel has one for each CPU the machine could have; where we have fewer, its others are zero. */
function compareValue(
  where: string,
  want: string | readonly string[],
  ours: string | readonly string[] | undefined,
): Difference | undefined {
  if (typeof want === "string") return differ(where, want, ours);
  if (!Array.isArray(ours)) return { where, kernel: "a value for each CPU", ours: String(ours) };
  const have = ours as readonly string[];
  const cpus = Math.max(want.length, have.length);
  const zero = "0".repeat(want[0]?.length ?? 0);
  for (let cpu = 0; cpu < cpus; cpu++) {
    const found = differ(`${where} cpu ${cpu}`, want[cpu] ?? zero, have[cpu] ?? zero);
    if (found) return found;
  }
  return undefined;
}
