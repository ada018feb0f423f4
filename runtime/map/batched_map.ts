// A map's calls for many elements at once: the kernel's four, and loops over them. What an element is, and who may change
// the map, is the map's business.
import { setImmediate as nextTurn } from "node:timers/promises";
import { BpfError } from "../../src/spec/errors.ts";
import { type BatchOp, MAP_BATCH } from "../../src/spec/map_batch.ts";
import { mapTypeRow } from "../../src/spec/map_types.ts";
import {
  type BatchEntry,
  type BatchValue,
  type Bytes,
  F_LOCK,
  type MapBatch,
  allBatches,
  checkBatch,
  checkCount,
  eachOf,
  keyBatch,
} from "./batch.ts";
import { type ChainedMap, bucketBatch } from "./chained.ts";
import type { MapShape } from "./map_layout.ts";

/** Elements of a batch, where nobody says. */
const BATCH = 256;

export abstract class BatchedMap implements ChainedMap {
  abstract readonly name: string;
  abstract readonly shape: MapShape;
  abstract readonly home: ChainedMap["home"];
  abstract readonly addr: number;
  abstract readonly entryRoom: number;
  abstract entryAt(at: number): BatchEntry;
  abstract nextKey(key?: Bytes): Bytes | undefined;
  abstract lookup(key: Bytes, flags?: number): BatchValue | undefined;
  abstract update(key: Bytes, value: BatchValue, flags?: number): void;
  abstract delete(key: Bytes): boolean;
  abstract entries(): Iterable<BatchEntry>;
  protected abstract checkOpen(): void;
  protected abstract checkWritable(what: string): void;

  /**
   * At most `count` elements and the cursor for the next call, as BPF_MAP_LOOKUP_BATCH. Of hashes whole buckets: ENOSPC
   * if the first one holds more than `count`. Elements that come or go between two calls may be missing.
   */
  lookupBatch(count: number, cursor?: Bytes, flags = 0): MapBatch {
    this.checkOpen();
    return this.#batch("lookup", count, cursor, flags);
  }

  /** The same, and what is handed out is gone from the map. Hashes have it. */
  lookupAndDeleteBatch(count: number, cursor?: Bytes, flags = 0): MapBatch {
    this.checkWritable("take from");
    const batch = this.#batch("take", count, cursor, flags);
    for (const [key] of batch.entries) this.left(key);
    return batch;
  }

  #batch(op: BatchOp, count: number, cursor: Bytes | undefined, flags: number): MapBatch {
    checkBatch(this.shape, op, flags);
    checkCount(this.shape, count);
    if (MAP_BATCH[this.shape.type]?.cursor === "key") return keyBatch(this, count, cursor, flags);
    return bucketBatch(this, op === "take", count, cursor, flags === F_LOCK);
  }

  /** Called for each key that left by a batch. */
  protected left(_key: Bytes): void {}

  /** Updates one after the other; how many. Throws BatchError at the first that is refused: `done` came before it. */
  updateBatch(entries: Iterable<readonly [key: Bytes, value: BatchValue]>, flags = 0): number {
    this.checkWritable("update");
    checkBatch(this.shape, "update", flags);
    if (mapTypeRow(this.shape.type).holds === "map")
      throw new BpfError("EOPNOTSUPP", `update map '${this.name}': inner maps are set one by one`);
    return eachOf(entries, ([key, value]) => this.update(key, value, flags));
  }

  /** Deletes one after the other; how many. Throws BatchError at the first key there is not. */
  deleteBatch(keys: Iterable<Bytes>, flags = 0): number {
    this.checkWritable("delete");
    checkBatch(this.shape, "delete", flags);
    return eachOf(keys, (key) => {
      if (!this.delete(key)) throw new BpfError("ENOENT", `delete map '${this.name}': no such key`);
    });
  }

  /** All entries, batch by batch. */
  batches(count = BATCH): Generator<BatchEntry[]> {
    return allBatches((cursor, most) => this.lookupBatch(most, cursor), count);
  }

  /** Takes all entries out, batch by batch. */
  drain(count = BATCH): Generator<BatchEntry[]> {
    return allBatches((cursor, most) => this.lookupAndDeleteBatch(most, cursor), count);
  }

  /** Every entry; between two batches of them the event loop turns. */
  async *[Symbol.asyncIterator](): AsyncGenerator<BatchEntry> {
    const inBatches = MAP_BATCH[this.shape.type]?.lookup === true;
    for (const batch of inBatches ? this.batches() : [this.entries()]) {
      yield* batch;
      await nextTurn();
    }
  }
}
