// Many elements of a map in one call, as BPF_MAP_LOOKUP_BATCH and its relatives have them: which types, which flags,
// where a batch ends and where the next one begins. Errors are the kernel's. Knows a map by its public face.
import { BpfError, type ErrnoName } from "../../src/spec/errors.ts";
import { type BatchOp, MAP_BATCH } from "../../src/spec/map_batch.ts";
import type { MapDef } from "../../src/verifier/proof.ts";

export type Bytes = Uint8Array;
export type BatchValue = Bytes | Bytes[];
export type BatchEntry = [key: Bytes, value: BatchValue];

/** BPF_F_LOCK: each value is copied under its lock. */
export const F_LOCK = 4;

export interface MapBatch {
  readonly entries: BatchEntry[];
  /** given to the next call, which goes on behind this batch; undefined: the map has come to its end. Opaque. */
  readonly cursor: Bytes | undefined;
}

/** A batch that ended at an element: those before it are done. */
export class BatchError extends BpfError {
  constructor(
    code: ErrnoName,
    message: string,
    /** elements before the one that was refused */
    readonly done: number,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
    this.name = "BatchError";
  }
}

type Shape = Pick<MapDef, "name" | "type" | "specialFields">;

/** Throws ENOTSUPP where maps of the type have no such call, EINVAL for flags there are not. */
export function checkBatch(shape: Shape, op: BatchOp, flags: number): void {
  if (MAP_BATCH[shape.type]?.[op] !== true)
    throw new BpfError(
      "ENOTSUPP",
      `map '${shape.name}': maps of type ${shape.type} have no batches for ${op}`,
    );
  checkLockFlag(shape, flags);
}

/** BPF_F_LOCK is the only flag, and needs a lock. */
export function checkLockFlag(shape: Shape, flags: number): void {
  const hasLock = shape.specialFields.some((f) => f.kind === "bpf_spin_lock");
  if (flags !== 0 && (flags !== F_LOCK || !hasLock))
    throw new BpfError(
      "EINVAL",
      `map '${shape.name}': flags ${flags}, where only BPF_F_LOCK may be, of values with a lock`,
    );
}

export function checkCount(shape: Shape, count: number): void {
  if (!Number.isInteger(count) || count < 0 || count > 0xffffffff)
    throw new BpfError("EINVAL", `map '${shape.name}': a batch of ${count} elements`);
}

interface KeyedMap {
  nextKey(key?: Bytes): Bytes | undefined;
  lookup(key: Bytes, flags: number): BatchValue | undefined;
}

/** The next `count` elements behind a key. */
export function keyBatch(map: KeyedMap, count: number, cursor: Bytes | undefined, flags: number): MapBatch {
  const entries: BatchEntry[] = [];
  let key = cursor?.length === 0 ? undefined : cursor;
  while (entries.length < count) {
    const next = map.nextKey(key);
    if (next === undefined) return { entries, cursor: undefined };
    key = next;
    const value = map.lookup(next, flags);
    if (value !== undefined) entries.push([next, value]);
  }
  return { entries, cursor: key ?? new Uint8Array() };
}

/** Goes through the elements until one is refused; how many there were. */
export function eachOf<T>(elements: Iterable<T>, step: (element: T) => void): number {
  let done = 0;
  for (const element of elements) {
    try {
      step(element);
    } catch (cause) {
      if (!(cause instanceof BpfError)) throw cause;
      throw new BatchError(cause.code, `${cause.message} (element ${done} of a batch)`, done, { cause });
    }
    done++;
  }
  return done;
}

/** One batch after the other until the end. A bucket that is longer than a batch makes the batches longer. */
export function* allBatches(
  next: (cursor: Bytes | undefined, most: number) => MapBatch,
  count: number,
): Generator<BatchEntry[]> {
  let most = Math.max(1, count);
  let cursor: Bytes | undefined = new Uint8Array();
  while (cursor !== undefined) {
    try {
      const batch: MapBatch = next(cursor, most);
      cursor = batch.cursor;
      if (batch.entries.length > 0) yield batch.entries;
    } catch (error) {
      if (!(error instanceof BpfError) || error.code !== "ENOSPC") throw error;
      most *= 2;
    }
  }
}
