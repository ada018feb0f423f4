// Elements that leave a hash map with their values: the host's lookup-and-delete, of one key and of whole buckets. Each
// element is handed out by the one call that removes it, as it was when it went; its timers go as with any delete.
import * as L from "../../memory/layout";
import { isDeleted, remove, sweep } from "./chain";
import { copyBytes } from "./bytes";
import { takeKey } from "./hash_core";
import { collectBucket, keyAt, keyRoom } from "./iter";
import { target } from "./pool";
import { copyValuesOut, valueRoom } from "./value";

/** Of a hash of any kind: 0 with all its values in `out`, or -ENOENT. */
export function map_take_elem(map: i32, key: i32, out: i32, locked: bool, cpu: i32): i64 {
  return takeKey(map, key, out, locked, cpu);
}

/**
 * As map_collect, but what is handed out is gone from the map. Only whole buckets, as in the kernel: it ends before one
 * that `room` does not hold. Moves `state[0]` on; the number of entries.
 */
export function map_take(map: i32, state: i32, out: i32, room: i32, locked: bool, cpu: i32): i32 {
  const entry = keyRoom(map) + valueRoom(map);
  const buckets = load<u32>(map, L.MAP_BUCKET_MASK) + 1;
  let bucket = load<u32>(state);
  let count = 0;
  while (bucket < buckets) {
    const to = out + count * entry;
    const most = <i32>(<u32>(room - count * entry) / <u32>entry);
    if (collectBucket(map, bucket, 0, to, most, false) < 0) break;
    const link = map + load<i32>(map, L.MAP_INDEX_OFF) + (bucket << 3);
    const got = takeBucket(map, link, to, most, locked, cpu);
    count += got;
    // others may have put more into it meanwhile: the next call begins there
    if (got == most && target(atomic.load<u64>(link)) != 0) break;
    bucket++;
  }
  store<u32>(state, bucket);
  return count;
}

/** Takes elements of one bucket from the front on until it is empty, at most `most`; how many. */
function takeBucket(map: i32, bucket: i32, out: i32, most: i32, locked: bool, cpu: i32): i32 {
  const keyBytes = keyRoom(map);
  const entry = keyBytes + valueRoom(map);
  let count = 0;
  while (count < most) {
    const at = atomic.load<u64>(bucket);
    if (target(at) == 0) break;
    const e = map + target(at);
    const next = atomic.load<u64>(e);
    if (isDeleted(next)) {
      sweep(map, bucket);
      continue;
    }
    if (atomic.load<u64>(bucket) != at) continue;
    const to = out + count * entry;
    copyBytes(to, keyAt(map, e), keyBytes);
    copyValuesOut(map, e + load<i32>(map, L.MAP_VALUE_OFF), to + keyBytes, locked);
    if (remove(map, bucket, bucket, at, next, cpu)) count++;
  }
  return count;
}
