// BLOOM_FILTER: a bit field of a power of two of bits, in which each value sets as many bits as the map has hash functions.
// Any CPU and any host thread may call, wait-free: bits are only ever set, by atomic or. A value whose push has returned is
// found by every peek that starts after it.
import * as L from "../../memory/layout";
import { EINVAL, ENOENT } from "./errno";
import { hashBytes } from "./hash_key";

/** Two hashes in one word; the nth function is the first plus n times the second, which is odd. */
@inline
function bit(hash: u64, n: u32, mask: u32): u32 {
  return (<u32>hash + n * (<u32>(hash >> 32) | 1)) & mask;
}

@inline
function word(map: i32, at: u32): i32 {
  return map + load<i32>(map, L.MAP_ELEMS_OFF) + ((at >> 5) << 2);
}

@inline
function hashOf(map: i32, value: i32): u64 {
  return hashBytes(load<u64>(map, L.MAP_SEED), value, load<i32>(map, L.MAP_VALUE_SIZE));
}

export function bloomPush(map: i32, value: i32, flags: i64): i64 {
  if (flags != 0) return EINVAL;
  const hash = hashOf(map, value);
  const mask = load<u32>(map, L.BLOOM_MASK);
  const hashes = load<u32>(map, L.BLOOM_HASHES);
  for (let n: u32 = 0; n < hashes; n++) {
    const at = bit(hash, n, mask);
    atomic.or<u32>(word(map, at), 1 << (at & 31));
  }
  return 0;
}

/** 0 if the value may have been pushed, ENOENT if it certainly was not. */
export function bloomPeek(map: i32, value: i32): i64 {
  const hash = hashOf(map, value);
  const mask = load<u32>(map, L.BLOOM_MASK);
  const hashes = load<u32>(map, L.BLOOM_HASHES);
  for (let n: u32 = 0; n < hashes; n++) {
    const at = bit(hash, n, mask);
    if ((atomic.load<u32>(word(map, at)) & (1 << (at & 31))) == 0) return ENOENT;
  }
  return 0;
}
