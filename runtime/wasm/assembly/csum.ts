// bpf_csum_diff: one's-complement sums over 4-byte words. Since 6.13 the kernel folds the result to 16 bits and takes
// any size: the last bytes count as the low ones of a word.
import { loadTail } from "./bytes";

/** One's-complement sum of `size` bytes onto `sum`; 0 only if everything is 0. */
function partial(at: i32, size: u32, sum: u32): u32 {
  let acc: u64 = sum;
  for (const end = at + <i32>(size & ~3); at != end; at += 4) acc += load<u32>(at); // no carry lost: fewer than 2^32 words
  if ((size & 3) != 0) acc += loadTail(at, size & 3);
  acc = (acc & 0xffffffff) + (acc >> 32);
  return <u32>((acc & 0xffffffff) + (acc >> 32));
}

@inline
function fold16(sum: u32): u32 {
  const twice: u64 = <u64>sum + <u64>rotl<u32>(sum, 16);
  return (<u32>twice + <u32>(twice >> 32)) >> 16;
}

/** a - b in one's complement. */
@inline
function sub32(a: u32, b: u32): u32 {
  const sum = a + ~b;
  return sum + u32(sum < a);
}

export function csum_diff(cpu: i32, from: i64, fromSize: i64, to: i64, toSize: i64, seed: i64): i64 {
  const pulled = <u32>fromSize;
  const pushed = <u32>toSize;
  const start = <u32>seed;
  if (pulled != 0 && pushed != 0) {
    return fold16(sub32(partial(<i32>to, pushed, start), partial(<i32>from, pulled, 0)));
  }
  if (pushed != 0) return fold16(partial(<i32>to, pushed, start));
  if (pulled != 0) return fold16(~partial(<i32>from, pulled, ~start));
  return fold16(start);
}
