// Lookups that take the key by value: one word for keys up to 8 bytes, two for up to 16, the last one filled up with
// zeros as an element's words are. What emitted code calls where it has the key at hand.
import * as L from "../../memory/layout";
import { findWords } from "./chain";
import { ownValue, touched, value } from "./hash";
import { WORD16, WORD8 } from "./hash_key";
import { findWord } from "./lpm";

export function hash_lookup_words1(map: i32, lo: u64, cpu: i32): i32 {
  return value(map, findWords(map, 0, lo, 0, WORD8));
}
export function hash_lookup_words2(map: i32, lo: u64, hi: u64, cpu: i32): i32 {
  return value(map, findWords(map, 0, lo, hi, WORD16));
}
export function percpu_hash_lookup_words1(map: i32, lo: u64, cpu: i32): i32 {
  return ownValue(map, findWords(map, 0, lo, 0, WORD8), cpu);
}
export function percpu_hash_lookup_words2(map: i32, lo: u64, hi: u64, cpu: i32): i32 {
  return ownValue(map, findWords(map, 0, lo, hi, WORD16), cpu);
}
export function lru_hash_lookup_words1(map: i32, lo: u64, cpu: i32): i32 {
  return value(map, touched(findWords(map, 0, lo, 0, WORD8)));
}
export function lru_hash_lookup_words2(map: i32, lo: u64, hi: u64, cpu: i32): i32 {
  return value(map, touched(findWords(map, 0, lo, hi, WORD16)));
}
export function lru_percpu_hash_lookup_words1(map: i32, lo: u64, cpu: i32): i32 {
  return ownValue(map, touched(findWords(map, 0, lo, 0, WORD8)), cpu);
}
export function lru_percpu_hash_lookup_words2(map: i32, lo: u64, hi: u64, cpu: i32): i32 {
  return ownValue(map, touched(findWords(map, 0, lo, hi, WORD16)), cpu);
}

/** Keys of 8 bytes: the prefix length below, the data above. */
export function lpm_trie_lookup_words1(map: i32, lo: u64, cpu: i32): i32 {
  if (<u32>lo > 32) return 0;
  const e = findWord(map, <i32>lo, <u32>(lo >> 32));
  return e == 0 ? 0 : e + load<i32>(map, L.MAP_VALUE_OFF);
}
