// Helpers on checksums in the packet and on what is known of them. Sums are one's-complement, 16 or 32 bits wide; which of
// the two zeros comes out is the kernel's choice and kept. A packet of the test run has no checksum of its own
// (CHECKSUM_NONE), so nothing is kept in step with one.
import * as L from "../../memory/layout";
import { EACCES, EFAULT, EINVAL, ENOTSUPP } from "./errno";
import { computePointers, dataOf, within } from "./skb";

const HDR_FIELD_MASK: u64 = 0xf;
const F_PSEUDO_HDR: u64 = 1 << 4;
const F_MARK_MANGLED_0: u64 = 1 << 5;
const F_MARK_ENFORCE: u64 = 1 << 6;
const F_IPV6: u64 = 1 << 7;
const MANGLED_0: u16 = 0xffff;
const OFFSET_MAX: u32 = 0xffff;

/** With the carry brought round. */
@inline
function add32(a: u32, b: u32): u32 {
  const sum = a + b;
  return sum + u32(sum < b);
}

@inline
function add16(a: u32, b: u32): u32 {
  const sum = a + b;
  return (sum & 0xffff) + (sum >> 16);
}

/** The complement of a 32-bit sum in 16 bits. */
@inline
function fold(sum: u32): u16 {
  const twice = add32(sum, rotl<u32>(sum, 16));
  return <u16>(~twice >> 16);
}

/** Replaces what a checksum covers: `field` 0: by the difference `to`; 2 and 4: `from` by `to` of so many bytes. */
function replace(at: i32, from: u64, to: u64, field: u64): i64 {
  const sum: u32 = ~(<u32>load<u16>(at));
  if (field == 0) {
    if (from != 0) return EINVAL;
    store<u16>(at, fold(add32(<u32>to, sum)));
  } else if (field == 4) {
    store<u16>(at, fold(add32(add32(sum, ~(<u32>from)), <u32>to)));
  } else {
    return EINVAL;
  }
  return 0;
}

function replace2(at: i32, from: u64, to: u64): void {
  const sum: u32 = ~(<u32>load<u16>(at)) & 0xffff;
  const without = add16(sum, ~(<u32>from) & 0xffff);
  store<u16>(at, <u16>~add16(without, <u32>to & 0xffff));
}

@inline
function outside(cpu: i32, offset: u32): bool {
  return offset > OFFSET_MAX || (offset & 1) != 0;
}

export function l3_csum_replace(cpu: i32, ctx: i64, offset: i64, from: i64, to: i64, flags: i64): i64 {
  if ((<u64>flags & ~HDR_FIELD_MASK) != 0) return EINVAL;
  if (outside(cpu, <u32>offset)) return EFAULT;
  computePointers(cpu);
  if (!within(cpu, <u32>offset, 2)) return EFAULT;
  const at = dataOf(cpu) + <i32>offset;
  if (flags != 2) return replace(at, from, to, flags);
  replace2(at, from, to);
  return 0;
}

/** Two bytes are taken as four here, the upper ones zero. */
export function l4_csum_replace(cpu: i32, ctx: i64, offset: i64, from: i64, to: i64, flags: i64): i64 {
  if ((<u64>flags & ~(HDR_FIELD_MASK | F_PSEUDO_HDR | F_MARK_MANGLED_0 | F_MARK_ENFORCE | F_IPV6)) != 0) return EINVAL;
  if (outside(cpu, <u32>offset)) return EFAULT;
  computePointers(cpu);
  if (!within(cpu, <u32>offset, 2)) return EFAULT;
  const at = dataOf(cpu) + <i32>offset;
  const mayBeZero = (<u64>flags & F_MARK_MANGLED_0) != 0;
  // zero says that a datagram has no checksum
  if (mayBeZero && (<u64>flags & F_MARK_ENFORCE) == 0 && load<u16>(at) == 0) return 0;
  const field = <u64>flags & HDR_FIELD_MASK;
  const why = field == 2 ? replace(at, <u16>from, <u16>to, 4) : replace(at, from, to, field);
  if (why == 0 && mayBeZero && load<u16>(at) == 0) store<u16>(at, MANGLED_0);
  return why;
}

/** For packets whose whole sum is known: the test run has none. */
export function csum_update(cpu: i32, ctx: i64, csum: i64): i64 {
  return ENOTSUPP;
}

const LEVEL_QUERY: u64 = 0;
const LEVEL_INC: u64 = 1;
const LEVEL_DEC: u64 = 2;
const LEVEL_RESET: u64 = 3;
const LEVEL_MAX: u32 = 3;

@inline
function unnecessary(cpu: i32): bool {
  return load<u32>(cpu, L.CPU_SKB_SUMMED) == L.CHECKSUM_UNNECESSARY;
}

@inline
function setSummed(cpu: i32, summed: i32, level: u32): void {
  store<i32>(cpu, summed, L.CPU_SKB_SUMMED);
  store<u32>(cpu, level, L.CPU_SKB_CSUM_LEVEL);
}

/** Nobody has checked any checksum of the packet any more. */
@inline
export function resetUnnecessary(cpu: i32): void {
  if (unnecessary(cpu)) setSummed(cpu, L.CHECKSUM_NONE, 0);
}

export function csum_level(cpu: i32, ctx: i64, action: i64): i64 {
  const level = load<u32>(cpu, L.CPU_SKB_CSUM_LEVEL);
  switch (<u64>action) {
    case LEVEL_QUERY:
      return unnecessary(cpu) ? level : EACCES;
    case LEVEL_INC:
      if (!unnecessary(cpu)) setSummed(cpu, L.CHECKSUM_UNNECESSARY, 0);
      else if (level < LEVEL_MAX) setSummed(cpu, L.CHECKSUM_UNNECESSARY, level + 1);
      return 0;
    case LEVEL_DEC:
      if (!unnecessary(cpu)) return 0;
      if (level == 0) setSummed(cpu, L.CHECKSUM_NONE, 0);
      else setSummed(cpu, L.CHECKSUM_UNNECESSARY, level - 1);
      return 0;
    case LEVEL_RESET:
      resetUnnecessary(cpu);
      return 0;
    default:
      return EINVAL;
  }
}
