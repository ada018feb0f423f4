// Which map types let user space take one element out (BPF_MAP_LOOKUP_AND_DELETE_ELEM) or pass many at once
// (BPF_MAP_*_BATCH), and what the place to go on from is. Types without a row have none of it: ENOTSUPP.
import type { MapTypeName } from "./map_types.ts";

export interface MapBatchRow {
  /** lookup-and-delete of one element */
  readonly takeElem: boolean;
  readonly lookup: boolean;
  readonly take: boolean;
  readonly update: boolean;
  readonly delete: boolean;
  /** a batch ends at whole buckets and goes on at a bucket's number, or behind a key */
  readonly cursor: "bucket" | "key";
}

export type BatchOp = "lookup" | "take" | "update" | "delete";

type Bit = 0 | 1;

function row(
  takeElem: Bit,
  lookup: Bit,
  take: Bit,
  update: Bit,
  del: Bit,
  cursor: MapBatchRow["cursor"],
): MapBatchRow {
  const is = (bit: Bit): boolean => bit === 1;
  return {
    takeElem: is(takeElem),
    lookup: is(lookup),
    take: is(take),
    update: is(update),
    delete: is(del),
    cursor,
  };
}

// biome-ignore format: table
export const MAP_BATCH: Partial<Record<MapTypeName, MapBatchRow>> = {
  //                   elem  lookup take update delete cursor
  hash:            row(1,    1,     1,   1,     1,     "bucket"),
  percpu_hash:     row(1,    1,     1,   1,     1,     "bucket"),
  lru_hash:        row(1,    1,     1,   1,     1,     "bucket"),
  lru_percpu_hash: row(1,    1,     1,   1,     1,     "bucket"),
  hash_of_maps:    row(0,    1,     1,   1,     1,     "bucket"),
  array:           row(0,    1,     0,   1,     0,     "key"),
  percpu_array:    row(0,    1,     0,   1,     0,     "key"),
  array_of_maps:   row(0,    1,     0,   1,     0,     "key"),
  lpm_trie:        row(0,    1,     0,   1,     1,     "key"),
  queue:           row(1,    0,     0,   0,     0,     "key"),
  stack:           row(1,    0,     0,   0,     0,     "key"),
};
