// Two runs' maps, in the form of `--maps`, held against each other: entries by key, variables by name, records in
// order. Knows nothing of where either comes from.
import type { JsonValue } from "./json/maps.ts";

export interface MapDifference {
  readonly kind: "map";
  readonly map: string;
  /** hex; of variables the name; of records the number */
  readonly key: string;
  readonly ours: string;
  readonly kernel: string;
}

export interface MapsCompared {
  readonly mapEntries: number;
  readonly records: number;
  readonly difference?: MapDifference;
}

type Fields = Readonly<Record<string, JsonValue>>;

const text = (value: JsonValue | undefined): string =>
  typeof value === "string" ? value : JSON.stringify(value ?? null);
interface Shown {
  readonly entries?: readonly Fields[];
  readonly variables?: Readonly<Record<string, Fields>>;
  readonly records?: readonly Fields[];
}

const NONE = "none";

/** A value as text; per-CPU values as many as there are, trailing zero ones left out: the kernel has one a possible CPU. */
function fmtValue(entry: Fields): string {
  const { value, prog } = entry;
  if (prog !== undefined) return `prog ${text(prog)}`;
  if (!Array.isArray(value)) return typeof value === "string" ? value : NONE;
  const list = value.map(text);
  while (list.length > 0 && /^0*$/.test(list.at(-1) ?? "")) list.pop();
  return `[${list.join(", ")}]`;
}

/** The kernel pads a record so that its length and 4 more are a multiple of 8; with what, nobody says. */
const padded = (len: number): number => ((len + 4 + 7) & ~7) - 4;

function fmtRecord(record: Fields, keep: number): string {
  const bytes = text(record["bytes"]).slice(0, keep * 2);
  return `packet ${text(record["i"])}, cpu ${text(record["cpu"])}, ${padded(Number(record["len"]))} bytes: ${bytes}`;
}

/** Rows of both sides by key, in our order and then what only the kernel has. */
function* pairs(
  ours: ReadonlyMap<string, string>,
  kernel: ReadonlyMap<string, string>,
): Generator<readonly [key: string, ours: string, kernel: string]> {
  for (const [key, value] of ours) yield [key, value, kernel.get(key) ?? NONE];
  for (const [key, value] of kernel) if (!ours.has(key)) yield [key, NONE, value];
}

function rowsOf(map: Shown): Map<string, string> {
  const rows = new Map<string, string>();
  for (const entry of map.entries ?? []) rows.set(text(entry["key"]), fmtValue(entry));
  for (const [name, variable] of Object.entries(map.variables ?? {})) rows.set(name, text(variable["bytes"]));
  return rows;
}

function recordRows(map: Shown, other: Shown): Map<string, string> {
  const theirs = other.records ?? [];
  return new Map(
    (map.records ?? []).map((r, n) => [
      `record ${n}`,
      fmtRecord(r, Math.min(Number(r["len"]), Number(theirs[n]?.["len"] ?? r["len"]))),
    ]),
  );
}

/** The first entry that is not the same in both, and how many were looked at. */
export function compareMaps(ours: JsonValue, kernel: JsonValue): MapsCompared {
  const [a, b] = [ours as Readonly<Record<string, Shown>>, kernel as Readonly<Record<string, Shown>>];
  let mapEntries = 0;
  let records = 0;
  for (const map of Object.keys(a)) {
    const [mine, theirs] = [a[map] ?? {}, b[map] ?? {}];
    const counted = {
      entries: pairs(rowsOf(mine), rowsOf(theirs)),
      records: pairs(recordRows(mine, theirs), recordRows(theirs, mine)),
    };
    for (const [key, value, other] of counted.entries) {
      mapEntries++;
      if (value !== other)
        return { mapEntries, records, difference: { kind: "map", map, key, ours: value, kernel: other } };
    }
    for (const [key, value, other] of counted.records) {
      records++;
      if (value !== other)
        return { mapEntries, records, difference: { kind: "map", map, key, ours: value, kernel: other } };
    }
  }
  return { mapEntries, records };
}
