// crc32 as zlib's, sixteen bytes a step, with tables in the world's header that world_init fills.
import * as L from "../../memory/layout";

const POLY: u32 = 0xedb88320;

export function crcInit(): void {
  for (let n = 0; n < 256; n++) {
    let c = <u32>n;
    for (let k = 0; k < 8; k++) c = (c & 1) != 0 ? (c >> 1) ^ POLY : c >> 1;
    store<u32>(L.WORLD_CRC_TABLES + (n << 2), c);
  }
  // table t: a byte followed by t zero bytes
  for (let t = 1; t < 16; t++) {
    for (let n = 0; n < 256; n++) {
      const at = L.WORLD_CRC_TABLES + (n << 2);
      const c = load<u32>(at + ((t - 1) << 10));
      store<u32>(at + (t << 10), (c >> 8) ^ load<u32>(L.WORLD_CRC_TABLES + ((c & 255) << 2)));
    }
  }
}

@inline
function at(t: i32, byte: u32): u32 {
  return load<u32>(L.WORLD_CRC_TABLES + (t << 10) + (<i32>(byte & 255) << 2));
}

@inline
function word(t: i32, w: u32): u32 {
  return at(t, w) ^ at(t - 1, w >> 8) ^ at(t - 2, w >> 16) ^ at(t - 3, w >> 24);
}

export function crc32(p: i32, len: i32): u32 {
  return crcOn(0xffffffff, p, len);
}

/** The same with `zeros` zero bytes in front. */
export function crc32Behind(zeros: i32, p: i32, len: i32): u32 {
  let c: u32 = 0xffffffff;
  for (; zeros > 0; zeros--) c = at(0, c) ^ (c >> 8);
  return crcOn(c, p, len);
}

@inline
function crcOn(start: u32, p: i32, len: i32): u32 {
  let c = start;
  const end = p + len;
  for (; end - p >= 16; p += 16) {
    c = word(15, load<u32>(p) ^ c) ^ word(11, load<u32>(p, 4)) ^ word(7, load<u32>(p, 8)) ^ word(3, load<u32>(p, 12));
  }
  for (; end - p >= 4; p += 4) c = word(3, load<u32>(p) ^ c);
  for (; p != end; p++) c = at(0, c ^ load<u8>(p)) ^ (c >> 8);
  return ~c;
}
