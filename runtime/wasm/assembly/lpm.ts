// LPM_TRIE as one hash of (prefix length, masked data): a lookup asks for each length that was ever stored, longest first.
// So inserts, deletes and lookups have the guarantees of chain.ts; a lookup that runs beside changes of several prefixes
// may see some of them and not others, as the kernel's walk may. Keys are brought into normal form (bits behind the prefix
// zero) in the CPU's scratch area; the element keeps the key as given behind its value.
import * as L from "../../memory/layout";
import { copyBytes, zeroBytes } from "./bytes";
import { find, findWords } from "./chain";
import { EINVAL } from "./errno";
import { ONE_VALUE, removeKey, upsert } from "./hash_core";
import { BY_ADDR, WORD8 } from "./hash_key";

@inline
function maxPrefix(map: i32): u32 {
  return (load<u32>(map, L.MAP_KEY_SIZE) - 4) << 3;
}

/** Clears data bits from `len` on, up to the end of byte `end`. */
function maskFrom(key: i32, len: u32, end: i32): void {
  let byte = <i32>(len >> 3);
  if ((len & 7) != 0) {
    const at = key + 4 + byte;
    store<u8>(at, load<u8>(at) & (0xff00 >> (len & 7)));
    byte++;
  }
  if (byte < end) zeroBytes(key + 4 + byte, end - byte);
}

/** The key in normal form in the CPU's scratch area, or 0 if its prefix is too long. */
function normal(map: i32, key: i32, cpu: i32): i32 {
  const len = load<u32>(key);
  if (len > maxPrefix(map)) return 0;
  const to = cpu + L.CPU_KEY_SCRATCH;
  const size = load<i32>(map, L.MAP_KEY_SIZE);
  copyBytes(to, key, size);
  maskFrom(to, len, size - 4);
  return to;
}

/** The longest stored length at or below `len`, or -1. Bits are only ever set, before the first such prefix is linked. */
function lengthBelow(map: i32, len: i32): i32 {
  if (len < 0) return -1;
  let word = len >> 6;
  let bits = atomic.load<u64>(map + L.MAP_PREFIX_BITS + (word << 3)) & (~(<u64>0) >> (63 - (len & 63)));
  while (bits == 0) {
    if (--word < 0) return -1;
    bits = atomic.load<u64>(map + L.MAP_PREFIX_BITS + (word << 3));
  }
  return (word << 6) + 63 - <i32>clz(bits);
}

function setLength(map: i32, len: u32): void {
  const at = map + L.MAP_PREFIX_BITS + (<i32>(len >> 6) << 3);
  const bit = <u64>1 << (len & 63);
  if ((atomic.load<u64>(at) & bit) == 0) atomic.or<u64>(at, bit);
}

/** IPv4-sized keys: the normal form is one word, length below, data above. */
export function findWord(map: i32, prefix: i32, bits: u32): i32 {
  const data = bswap<u32>(bits);
  let len = lengthBelow(map, min<i32>(prefix, 32));
  while (len >= 0) {
    const masked: u32 = len == 0 ? 0 : data & (<u32>0xffffffff << (32 - len));
    const e = findWords(map, 0, <u64>len | (<u64>bswap<u32>(masked) << 32), 0, WORD8);
    if (e != 0) return e;
    len = lengthBelow(map, len - 1);
  }
  return 0;
}

function findAny(map: i32, key: i32, scratch: i32): i32 {
  const size = load<i32>(map, L.MAP_KEY_SIZE);
  copyBytes(scratch, key, size);
  let end = size - 4;
  let len = lengthBelow(map, load<i32>(key));
  while (len >= 0) {
    store<u32>(scratch, len);
    maskFrom(scratch, len, end);
    end = (len + 7) >> 3;
    const e = find(map, scratch, BY_ADDR);
    if (e != 0) return e;
    len = lengthBelow(map, len - 1);
  }
  return 0;
}

export function lpm_trie_lookup(map: i32, key: i32, cpu: i32): i32 {
  if (load<u32>(key) > maxPrefix(map)) return 0;
  const e = load<i32>(map, L.MAP_KEY_SIZE) == 8 ? findWord(map, load<i32>(key), load<u32>(key, 4)) : findAny(map, key, cpu + L.CPU_KEY_SCRATCH);
  return e == 0 ? 0 : e + load<i32>(map, L.MAP_VALUE_OFF);
}

export function lpm_trie_update(map: i32, key: i32, value: i32, flags: i64, cpu: i32): i64 {
  const own = normal(map, key, cpu);
  if (own == 0) return EINVAL;
  setLength(map, load<u32>(key));
  return upsert(map, own, key, value, flags, cpu, ONE_VALUE, false);
}

export function lpm_trie_delete(map: i32, key: i32, cpu: i32): i64 {
  const own = normal(map, key, cpu);
  return own == 0 ? EINVAL : removeKey(map, own, cpu);
}

/** The element of exactly this prefix, for the host's iteration; 0 if there is none. */
export function lpmFindExact(map: i32, key: i32, cpu: i32): i32 {
  const own = normal(map, key, cpu);
  return own == 0 ? 0 : find(map, own, BY_ADDR);
}
