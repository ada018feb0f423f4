// Keys of hash maps: hashing, comparing with an element's key, storing one. A key is a row of 8-byte words, the last
// one filled up with zeros; WORD keys (4 or 8 bytes) are passed by value and give the same hash as by address.
import * as L from "../../memory/layout";
import { loadTail } from "./bytes";

export const BY_ADDR: i32 = 0;
export const WORD4: i32 = 4;
export const WORD8: i32 = 8;

const K1: u64 = 0x9e3779b97f4a7c15;
const K2: u64 = 0xd6e8feb86659fd93;

@inline
function mix(h: u64, word: u64): u64 {
  h = (h ^ word) * K1;
  return h ^ (h >> 32);
}

/** The word of a WORD4 or WORD8 key; 0 for others. */
@inline
export function keyWord(key: i32, kind: i32): u64 {
  return kind == WORD4 ? <u64>load<u32>(key) : kind == WORD8 ? load<u64>(key) : 0;
}

@inline
export function hashKey(map: i32, key: i32, word: u64, kind: i32): u32 {
  const seed = load<u64>(map, L.MAP_SEED);
  if (kind != BY_ADDR) return <u32>((mix(seed, word) * K2) >> 32);
  return hashAddr(seed, key, load<i32>(map, L.MAP_KEY_SIZE));
}

function hashAddr(seed: u64, key: i32, size: i32): u32 {
  let h = seed;
  const end = key + (size & ~7);
  for (; key < end; key += 8) h = mix(h, load<u64>(key));
  if (size & 7) h = mix(h, loadTail(key, size & 7));
  return <u32>((h * K2) >> 32);
}

/** Atomic loads of the element's words: they must stay before the check of the link that leads to the element. */
@inline
export function keyEquals(map: i32, elem: i32, key: i32, word: u64, kind: i32): bool {
  if (kind != BY_ADDR) return atomic.load<u64>(elem, L.ELEM_KEY) == word;
  return keyEqualsAddr(elem + L.ELEM_KEY, key, load<i32>(map, L.MAP_KEY_SIZE));
}

function keyEqualsAddr(a: i32, key: i32, size: i32): bool {
  const end = key + (size & ~7);
  for (; key < end; key += 8, a += 8) {
    if (atomic.load<u64>(a) != load<u64>(key)) return false;
  }
  return (size & 7) == 0 || atomic.load<u64>(a) == loadTail(key, size & 7);
}

/** Atomic stores: a late reader of the element's former life may be looking. */
export function storeKey(map: i32, elem: i32, key: i32): void {
  const size = load<i32>(map, L.MAP_KEY_SIZE);
  let a = elem + L.ELEM_KEY;
  const end = key + (size & ~7);
  for (; key < end; key += 8, a += 8) atomic.store<u64>(a, load<u64>(key));
  if (size & 7) atomic.store<u64>(a, loadTail(key, size & 7));
}
