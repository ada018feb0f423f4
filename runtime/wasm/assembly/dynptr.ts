// Dynptrs: sixteen bytes of the program's stack that say where bytes are and how many. What they are, how they are made,
// narrowed and asked; reading and writing through them is dynptr_data.ts.
import { E2BIG, EINVAL, ERANGE } from "./errno";
import { ringbuf_discard, ringbuf_reserve, ringbuf_submit } from "./ring";
import { lenOf } from "./skb";
import { xdp_get_buff_len } from "./xdp";

// the four words
const DATA: usize = 0; // address of the bytes; of a packet the CPU block; 0 = null
const SIZE: usize = 8; // and what it is, in the upper byte
const OFFSET: usize = 12;

export const LOCAL: u32 = 1;
export const RING: u32 = 2;
export const SKB: u32 = 3;
export const XDP: u32 = 4;
export const SKB_META: u32 = 5;
const KIND_SHIFT: u32 = 28;
const KIND_MASK: u32 = 7;
const RDONLY: u32 = 1 << 31;
const SIZE_MASK: u32 = 0xffffff;

@inline
export function dataOf(ptr: i32): i32 {
  return load<i32>(ptr, DATA);
}

@inline
export function sizeOf(ptr: i32): u32 {
  return load<u32>(ptr, SIZE) & SIZE_MASK;
}

@inline
export function offsetOf(ptr: i32): u32 {
  return load<u32>(ptr, OFFSET);
}

@inline
export function kindOf(ptr: i32): u32 {
  return (load<u32>(ptr, SIZE) >> KIND_SHIFT) & KIND_MASK;
}

@inline
export function isRdonly(ptr: i32): bool {
  return (load<u32>(ptr, SIZE) & RDONLY) != 0;
}

/** Is [offset, offset + len) outside of it? */
@inline
export function outside(ptr: i32, offset: u32, len: u32): bool {
  const size = sizeOf(ptr);
  return len > size || offset > size - len;
}

function put(ptr: i32, data: i32, kind: u32, size: u32): void {
  store<u64>(ptr, <u64>(<u32>data), DATA);
  store<u32>(ptr, size | (kind << KIND_SHIFT), SIZE);
  store<u32>(ptr, 0, OFFSET);
}

function putNull(ptr: i32): void {
  store<u64>(ptr, 0);
  store<u64>(ptr, 0, 8);
}

/** An int or bool that a kernel function returns: its upper half is clear, as the machine leaves it. */
@inline
export function int(value: i64): i64 {
  return <u32>value;
}

export function dynptr_from_mem(cpu: i32, data: i64, size: i64, flags: i64, ptr: i64): i64 {
  if (<u32>size > SIZE_MASK || flags != 0) {
    putNull(<i32>ptr);
    return <u32>size > SIZE_MASK ? E2BIG : EINVAL;
  }
  put(<i32>ptr, <i32>data, LOCAL, <u32>size);
  return 0;
}

export function ringbuf_reserve_dynptr(cpu: i32, map: i64, size: i64, flags: i64, ptr: i64): i64 {
  putNull(<i32>ptr);
  if (flags != 0) return EINVAL;
  if (<u32>size > SIZE_MASK) return E2BIG;
  const data = ringbuf_reserve(cpu, map, <i64>(<u32>size), 0);
  if (data == 0) return EINVAL;
  put(<i32>ptr, <i32>data, RING, <u32>size);
  return 0;
}

export function ringbuf_submit_dynptr(cpu: i32, ptr: i64, flags: i64): i64 {
  const data = dataOf(<i32>ptr);
  if (data != 0) ringbuf_submit(cpu, <u32>data, flags);
  putNull(<i32>ptr);
  return 0;
}

export function ringbuf_discard_dynptr(cpu: i32, ptr: i64, flags: i64): i64 {
  const data = dataOf(<i32>ptr);
  if (data != 0) ringbuf_discard(cpu, <u32>data, flags);
  putNull(<i32>ptr);
  return 0;
}

function fromPacket(cpu: i32, kind: u32, size: u32, flags: i64, ptr: i32): i64 {
  if (flags != 0) {
    putNull(ptr);
    return int(EINVAL);
  }
  put(ptr, cpu, kind, size);
  return 0;
}

export function dynptr_from_xdp(cpu: i32, ctx: i64, flags: i64, ptr: i64): i64 {
  return fromPacket(cpu, XDP, <u32>xdp_get_buff_len(cpu, ctx), flags, <i32>ptr);
}

export function dynptr_from_skb(cpu: i32, ctx: i64, flags: i64, ptr: i64): i64 {
  return fromPacket(cpu, SKB, lenOf(cpu), flags, <i32>ptr);
}

/** What programs that may not write to packets get. */
export function dynptr_from_skb_rdonly(cpu: i32, ctx: i64, flags: i64, ptr: i64): i64 {
  const why = dynptr_from_skb(cpu, ctx, flags, ptr);
  if (why == 0) store<u32>(<i32>ptr, load<u32>(<i32>ptr, SIZE) | RDONLY, SIZE);
  return why;
}

/** No packet of ours has metadata when it comes to programs on sk_buffs. */
export function dynptr_from_skb_meta(cpu: i32, ctx: i64, flags: i64, ptr: i64): i64 {
  return fromPacket(cpu, SKB_META, 0, flags, <i32>ptr);
}

export function dynptr_adjust(cpu: i32, p: i64, from: i64, to: i64): i64 {
  const ptr = <i32>p;
  const start = <u32>from;
  const end = <u32>to;
  if (dataOf(ptr) == 0 || start > end) return int(EINVAL);
  if (end > sizeOf(ptr)) return int(ERANGE);
  store<u32>(ptr, offsetOf(ptr) + start, OFFSET);
  store<u32>(ptr, (load<u32>(ptr, SIZE) & ~SIZE_MASK) | (end - start), SIZE);
  return 0;
}

export function dynptr_is_null(cpu: i32, ptr: i64): i64 {
  return i64(dataOf(<i32>ptr) == 0);
}

export function dynptr_is_rdonly(cpu: i32, ptr: i64): i64 {
  return i64(isRdonly(<i32>ptr)); // a null one has no such bit
}

export function dynptr_size(cpu: i32, ptr: i64): i64 {
  return dataOf(<i32>ptr) == 0 ? int(EINVAL) : sizeOf(<i32>ptr);
}

export function dynptr_clone(cpu: i32, ptr: i64, clone: i64): i64 {
  const from = <i32>ptr;
  v128.store(<i32>clone, v128.load(from));
  return dataOf(from) == 0 ? int(EINVAL) : 0;
}
