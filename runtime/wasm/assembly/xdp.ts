// Helpers that move or read the frame, by the limits of the kernel's test run: a page with 256 bytes of headroom (40 of them
// not to be had) and 320 of tailroom; what is beyond the linear part lies in fragments of a page, contiguous here. Only the
// CPU that owns the block calls them. Arithmetic is in i64: deltas may be any 32-bit number.
import * as L from "../../memory/layout";
import { copyBytes, zeroBytes } from "./bytes";
import { EACCES, EFAULT, EINVAL } from "./errno";

@inline
function dataOf(cpu: i32): i64 {
  return load<u32>(cpu, L.CPU_CTX_DATA);
}
@inline
function dataEndOf(cpu: i32): i64 {
  return load<u32>(cpu, L.CPU_CTX_DATA_END);
}
@inline
function metaOf(cpu: i32): i64 {
  return load<u32>(cpu, L.CPU_CTX_DATA_META);
}
@inline
function frameEndOf(cpu: i32): i64 {
  return load<u32>(cpu, L.CPU_FRAME_END);
}
/** Where data_meta and data may go down to. */
@inline
function lowest(cpu: i32): i64 {
  return <i64>load<u32>(cpu, L.CPU_HARD_START) + L.XDP_FRAME_STRUCT;
}

export function xdp_get_buff_len(cpu: i32, ctx: i64): i64 {
  return frameEndOf(cpu) - dataOf(cpu);
}

export function xdp_adjust_head(cpu: i32, ctx: i64, delta: i64): i64 {
  const by = <i64>(<i32>delta);
  const meta = metaOf(cpu);
  const metaLen = dataOf(cpu) - meta;
  const data = dataOf(cpu) + by;
  if (data < lowest(cpu) + metaLen || data > dataEndOf(cpu) - L.ETH_HLEN) return EINVAL;
  if (metaLen != 0) memory.copy(<i32>(meta + by), <i32>meta, <i32>metaLen);
  store<u32>(cpu, <u32>(meta + by), L.CPU_CTX_DATA_META);
  store<u32>(cpu, <u32>data, L.CPU_CTX_DATA);
  return 0;
}

export function xdp_adjust_meta(cpu: i32, ctx: i64, delta: i64): i64 {
  const meta = metaOf(cpu) + <i64>(<i32>delta);
  const metaLen = dataOf(cpu) - meta;
  if (meta < lowest(cpu) || metaLen < 0) return EINVAL;
  if ((metaLen & 3) != 0 || metaLen > L.XDP_META_MAX) return EACCES;
  store<u32>(cpu, <u32>meta, L.CPU_CTX_DATA_META);
  return 0;
}

export function xdp_adjust_tail(cpu: i32, ctx: i64, delta: i64): i64 {
  const by = <i64>(<i32>delta);
  if (frameEndOf(cpu) != dataEndOf(cpu)) return by < 0 ? shrinkFrags(cpu, by) : growFrags(cpu, by);
  const end = dataEndOf(cpu) + by;
  if (end > <i64>load<u32>(cpu, L.CPU_HARD_END) || end < dataOf(cpu) + L.ETH_HLEN) return EINVAL;
  if (by > 0) zeroBytes(<i32>dataEndOf(cpu), <i32>by);
  store<u32>(cpu, <u32>end, L.CPU_CTX_DATA_END);
  store<u32>(cpu, <u32>end, L.CPU_FRAME_END);
  return 0;
}

/** Fragments go first; then the linear part ends where the frame does. */
function shrinkFrags(cpu: i32, by: i64): i64 {
  const end = frameEndOf(cpu) + by;
  if (end < dataOf(cpu) + L.ETH_HLEN) return EINVAL;
  store<u32>(cpu, <u32>end, L.CPU_FRAME_END);
  if (end < dataEndOf(cpu)) store<u32>(cpu, <u32>end, L.CPU_CTX_DATA_END);
  return 0;
}

/** Only the last fragment grows, within its page; all before it are full. */
function growFrags(cpu: i32, by: i64): i64 {
  const end = frameEndOf(cpu);
  const last = ((end - dataEndOf(cpu) - 1) & (L.XDP_FRAG_SIZE - 1)) + 1;
  if (by > L.XDP_FRAG_SIZE - last) return EINVAL;
  zeroBytes(<i32>end, <i32>by);
  store<u32>(cpu, <u32>(end + by), L.CPU_FRAME_END);
  return 0;
}

/** 0 or why [offset, offset + len) is not within the frame. */
@inline
function outside(cpu: i32, offset: u32, len: u32): i64 {
  if (offset > 0xffff || len > 0xffff) return EFAULT;
  return <i64>(offset + len) > frameEndOf(cpu) - dataOf(cpu) ? EINVAL : 0;
}

export function xdp_load_bytes(cpu: i32, ctx: i64, offset: i64, buf: i64, len: i64): i64 {
  const why = outside(cpu, <u32>offset, <u32>len);
  if (why == 0) copyBytes(<i32>buf, <i32>(dataOf(cpu) + <i64>(<u32>offset)), <i32>len);
  return why;
}

export function xdp_store_bytes(cpu: i32, ctx: i64, offset: i64, buf: i64, len: i64): i64 {
  const why = outside(cpu, <u32>offset, <u32>len);
  if (why == 0) copyBytes(<i32>(dataOf(cpu) + <i64>(<u32>offset)), <i32>buf, <i32>len);
  return why;
}
