// Hash maps read bucket by bucket: all entries, or a batch of whole buckets, left there or taken out. Knows the library's
// two calls for it and their state; what an entry's bytes are is the map's business.
import { BpfError } from "../../src/spec/errors.ts";
import { MAP_BUCKET_MASK } from "../memory/layout.ts";
import type { LibExports } from "../wasm/lib.ts";
import type { BatchEntry, Bytes, MapBatch } from "./batch.ts";

export interface ChainedMap {
  readonly name: string;
  readonly addr: number;
  readonly home: {
    readonly memory: WebAssembly.Memory;
    readonly lib: LibExports;
    readonly cpu: number;
    scratch(size: number): number;
  };
  /** bytes of an entry as the library writes it */
  readonly entryRoom: number;
  entryAt(at: number): BatchEntry;
}

/** The library's state, entries behind it. */
const STATE_SIZE = 64;
const COLLECT_SIZE = 1 << 16;
const EMPTY = new Uint8Array();

/** What is done with a bucket's elements. */
export type Collect = (at: number, out: number, room: number) => number;

const buckets = (map: ChainedMap): number =>
  new DataView(map.home.memory.buffer).getUint32(map.addr + MAP_BUCKET_MASK, true) + 1;

interface Step {
  readonly entries: BatchEntry[];
  readonly bucket: number;
  /** elements of that bucket among the entries */
  readonly skip: number;
}

/** One call of the library with room for `most` entries. They are copied out: others use the scratch space meanwhile. */
function collect(map: ChainedMap, how: Collect, from: Omit<Step, "entries">, most: number): Step {
  const { home, entryRoom } = map;
  const scratch = home.scratch(STATE_SIZE + most * entryRoom);
  const state = new Uint32Array(home.memory.buffer, scratch, 2);
  state.set([from.bucket, from.skip]);
  const count = how(scratch, scratch + STATE_SIZE, most * entryRoom);
  const [bucket = 0, skip = 0] = state;
  const entries = Array.from({ length: count }, (_, i) => map.entryAt(scratch + STATE_SIZE + i * entryRoom));
  return { entries, bucket, skip };
}

const chunkOf = (map: ChainedMap): number => Math.max(1, Math.floor(COLLECT_SIZE / map.entryRoom));

/** Every entry; those of a bucket that changes meanwhile may be missing. */
export function* chainedEntries(map: ChainedMap): Generator<BatchEntry> {
  const copy: Collect = (at, out, room) => map.home.lib.map_collect(map.addr, at, out, room, 0);
  let step: Step = { entries: [], bucket: 0, skip: 0 };
  while (step.bucket < buckets(map)) {
    step = collect(map, copy, step, chunkOf(map));
    yield* step.entries;
  }
}

function bucketAt(map: ChainedMap, cursor: Bytes | undefined): number {
  if (cursor === undefined || cursor.length === 0) return 0;
  if (cursor.length === 4) return new DataView(cursor.buffer, cursor.byteOffset).getUint32(0, true);
  throw new BpfError("EINVAL", `map '${map.name}': no cursor of its batches: ${cursor.length} bytes`);
}

function cursorAt(bucket: number): Bytes {
  const cursor = new Uint8Array(4);
  new DataView(cursor.buffer).setUint32(0, bucket, true);
  return cursor;
}

/** As many whole buckets as `count` elements hold; ENOSPC if the first one has more. */
export function bucketBatch(
  map: ChainedMap,
  take: boolean,
  count: number,
  cursor: Bytes | undefined,
  locked: boolean,
): MapBatch {
  if (count === 0) return { entries: [], cursor: cursor ?? EMPTY };
  const { lib, cpu } = map.home;
  const lock = locked ? 1 : 0;
  const how: Collect = take
    ? (at, out, room) => lib.map_take(map.addr, at, out, room, lock, cpu)
    : (at, out, room) => lib.map_collect(map.addr, at, out, room, lock);
  const entries: BatchEntry[] = [];
  let bucket = bucketAt(map, cursor);
  for (let chunk = chunkOf(map); bucket < buckets(map); ) {
    const left = count - entries.length;
    const step = collect(map, how, { bucket, skip: 0 }, Math.min(left, chunk));
    const whole = step.entries.slice(0, step.entries.length - step.skip);
    entries.push(...whole);
    const ended = step.bucket < buckets(map) && left <= chunk;
    if (ended && entries.length === 0)
      throw new BpfError(
        "ENOSPC",
        `map '${map.name}': a bucket has more than the ${count} elements of a batch`,
      );
    if (ended) return { entries, cursor: cursorAt(step.bucket) };
    if (whole.length === 0) chunk *= 2;
    bucket = step.bucket;
  }
  return { entries, cursor: undefined };
}
