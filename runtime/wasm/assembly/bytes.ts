// Copying and zeroing bytes. Sizes are small as a rule: plain loops beat memory.copy, which V8 makes a C call, below
// a few hundred bytes. Nothing here reads or writes a byte outside [addr, addr + n).
const BULK: u32 = 512;

/** Copies n bytes; the ranges must not overlap. */
export function copyBytes(dst: i32, src: i32, n: i32): void {
  if (<u32>n >= BULK) {
    memory.copy(dst, src, n);
    return;
  }
  if (<u32>n >= 16) {
    // the last vector overlaps the one before it instead of a loop over the tail
    const last = n - 16;
    for (let i = 0; i < last; i += 16) v128.store(dst + i, v128.load(src + i));
    v128.store(dst + last, v128.load(src + last));
    return;
  }
  copyShort(dst, src, n);
}

function copyShort(dst: i32, src: i32, n: i32): void {
  if (n >= 8) {
    const tail = load<u64>(src + n - 8);
    store<u64>(dst, load<u64>(src));
    store<u64>(dst + n - 8, tail);
  } else if (n >= 4) {
    const tail = load<u32>(src + n - 4);
    store<u32>(dst, load<u32>(src));
    store<u32>(dst + n - 4, tail);
  } else {
    for (let i = 0; i < n; i++) store<u8>(dst + i, load<u8>(src + i));
  }
}

export function zeroBytes(dst: i32, n: i32): void {
  if (<u32>n >= BULK) {
    memory.fill(dst, 0, n);
    return;
  }
  let i = 0;
  for (; i + 8 <= n; i += 8) store<u64>(dst + i, 0);
  for (; i < n; i++) store<u8>(dst + i, 0);
}

/** The last 1 to 7 bytes of a key as a word, the rest zero. */
export function loadTail(p: i32, n: i32): u64 {
  let w: u64 = 0;
  let at = 0;
  if ((n & 4) != 0) {
    w = load<u32>(p);
    at = 4;
  }
  if ((n & 2) != 0) {
    w |= <u64>load<u16>(p + at) << (at << 3);
    at += 2;
  }
  return (n & 1) != 0 ? w | (<u64>load<u8>(p + at) << (at << 3)) : w;
}
