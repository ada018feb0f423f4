// Keys of hash maps: hashing, comparing with an element's key, storing one. A key is a row of 8-byte words, the last
// one filled up with zeros; keys of 4, 8 and 16 bytes are passed by value (`lo`, `hi`) and give the same hash as by address.
import * as L from "../../memory/layout";
import { loadTail } from "./bytes";

export const BY_ADDR: i32 = 0;
export const WORD4: i32 = 4;
export const WORD8: i32 = 8;
export const WORD16: i32 = 16;

const K1: u64 = 0x9e3779b97f4a7c15;
const K2: u64 = 0xd6e8feb86659fd93;

@inline
function mix(h: u64, word: u64): u64 {
  h = (h ^ word) * K1;
  return h ^ (h >> 32);
}

/** The first word of a key passed by value; 0 for others. */
@inline
export function keyLo(key: i32, kind: i32): u64 {
  return kind == BY_ADDR ? 0 : kind == WORD4 ? <u64>load<u32>(key) : load<u64>(key);
}

@inline
export function keyHi(key: i32, kind: i32): u64 {
  return kind == WORD16 ? load<u64>(key, 8) : 0;
}

@inline
export function hashKey(map: i32, key: i32, lo: u64, hi: u64, kind: i32): u32 {
  const seed = load<u64>(map, L.MAP_SEED);
  if (kind == BY_ADDR) return hashAddr(seed, key, load<i32>(map, L.MAP_KEY_SIZE));
  const h = mix(seed, lo);
  return <u32>(((kind == WORD16 ? mix(h, hi) : h) * K2) >> 32);
}

@inline
function fold(seed: u64, key: i32, size: i32): u64 {
  let h = seed;
  const end = key + (size & ~7);
  for (; key < end; key += 8) h = mix(h, load<u64>(key));
  return (size & 7) == 0 ? h : mix(h, loadTail(key, size & 7));
}

function hashAddr(seed: u64, key: i32, size: i32): u32 {
  return <u32>((fold(seed, key, size) * K2) >> 32);
}

/** All 64 bits of any bytes. */
export function hashBytes(seed: u64, at: i32, size: i32): u64 {
  const h = fold(seed, at, size) * K2;
  return h ^ (h >> 32);
}

/** Atomic loads of the element's words: they must stay before the check of the link that leads to the element. */
@inline
export function keyEquals(map: i32, elem: i32, key: i32, lo: u64, hi: u64, kind: i32): bool {
  if (kind == WORD16) return atomic.load<u64>(elem, L.ELEM_KEY) == lo && atomic.load<u64>(elem, L.ELEM_KEY + 8) == hi;
  if (kind != BY_ADDR) return atomic.load<u64>(elem, L.ELEM_KEY) == lo;
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
