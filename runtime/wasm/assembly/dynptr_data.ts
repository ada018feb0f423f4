// Reading and writing through a dynptr. A packet's bytes go through the helpers that load and store them, by their rules;
// a slice is a pointer into them where they lie in one piece, as an sk_buff's always do here and those of an XDP frame within
// its linear part or one fragment, else a copy in the program's buffer.
import * as L from "../../memory/layout";
import { copyBytes } from "./bytes";
import { dataOf, int, isRdonly, kindOf, LOCAL, offsetOf, outside, RING, SKB, SKB_META, XDP } from "./dynptr";
import { E2BIG, EINVAL } from "./errno";
import { dataOf as skbDataOf, within } from "./skb";
import { skb_load_bytes, skb_store_bytes } from "./skb_bytes";
import { xdp_load_bytes, xdp_store_bytes } from "./xdp";

const CHUNK: u32 = 256;

function readFrom(ptr: i32, dst: i32, len: u32, offset: u32): i64 {
  if (dataOf(ptr) == 0) return EINVAL;
  if (outside(ptr, offset, len)) return E2BIG;
  const at = offsetOf(ptr) + offset;
  const kind = kindOf(ptr);
  if (kind == SKB) return skb_load_bytes(dataOf(ptr), 0, at, <u32>dst, len);
  if (kind == XDP) return xdp_load_bytes(dataOf(ptr), 0, at, <u32>dst, len);
  memory.copy(dst, dataOf(ptr) + <i32>at, len); // the two may overlap
  return 0;
}

function writeTo(ptr: i32, offset: u32, src: i32, len: u32, flags: i64): i64 {
  if (dataOf(ptr) == 0 || isRdonly(ptr)) return EINVAL;
  if (outside(ptr, offset, len)) return E2BIG;
  const at = offsetOf(ptr) + offset;
  const kind = kindOf(ptr);
  if (kind == SKB) return skb_store_bytes(dataOf(ptr), 0, at, <u32>src, len, flags);
  if (flags != 0) return EINVAL;
  if (kind == XDP) return xdp_store_bytes(dataOf(ptr), 0, at, <u32>src, len);
  memory.copy(dataOf(ptr) + <i32>at, src, len);
  return 0;
}

export function dynptr_read(cpu: i32, dst: i64, len: i64, ptr: i64, offset: i64, flags: i64): i64 {
  return flags != 0 ? EINVAL : readFrom(<i32>ptr, <i32>dst, <u32>len, <u32>offset);
}

export function dynptr_write(cpu: i32, ptr: i64, offset: i64, src: i64, len: i64, flags: i64): i64 {
  return writeTo(<i32>ptr, <u32>offset, <i32>src, <u32>len, flags);
}

/** Packets are had as slices only. */
export function dynptr_data(cpu: i32, ptr: i64, offset: i64, len: i64): i64 {
  const p = <i32>ptr;
  const kind = kindOf(p);
  if ((kind != LOCAL && kind != RING) || isRdonly(p) || outside(p, <u32>offset, <u32>len)) return 0;
  return <u32>(dataOf(p) + <i32>(offsetOf(p) + <u32>offset));
}

/** Where [at, at + len) of an XDP frame lies in one piece; 0: in several, or the frame has no such bytes. */
function xdpPiece(cpu: i32, at: u32, len: u32): i32 {
  const data = load<u32>(cpu, L.CPU_CTX_DATA);
  const linear = load<u32>(cpu, L.CPU_CTX_DATA_END) - data;
  const all = load<u32>(cpu, L.CPU_FRAME_END) - data;
  if (at > 0xffff || len > 0xffff || at + len > all) return 0;
  if (at < linear) return at + len <= linear ? <i32>(data + at) : 0;
  const inFrag = (at - linear) & (L.XDP_FRAG_SIZE - 1);
  return len == 0 || inFrag + len <= <u32>L.XDP_FRAG_SIZE ? <i32>(data + at) : 0;
}

/** The frame's bytes from `at` on, as many of them as there are; the rest of the buffer is left. */
function copyXdp(cpu: i32, at: u32, to: i32, len: u32): void {
  const data = load<u32>(cpu, L.CPU_CTX_DATA);
  const all = load<u32>(cpu, L.CPU_FRAME_END) - data;
  if (at < all) copyBytes(to, <i32>(data + at), min(len, all - at));
}

function sliceOf(ptr: i32, offset: u32, buffer: i32, len: u32): i32 {
  if (dataOf(ptr) == 0 || outside(ptr, offset, len)) return 0;
  const cpu = dataOf(ptr);
  const at = offsetOf(ptr) + offset;
  const kind = kindOf(ptr);
  if (kind == SKB) return within(cpu, at, len) ? skbDataOf(cpu) + <i32>at : 0;
  if (kind != XDP) return dataOf(ptr) + <i32>at;
  const piece = xdpPiece(cpu, at, len);
  if (piece != 0 || buffer == 0) return piece;
  copyXdp(cpu, at, buffer, len);
  return buffer;
}

export function dynptr_slice(cpu: i32, ptr: i64, offset: i64, buffer: i64, len: i64): i64 {
  return <u32>sliceOf(<i32>ptr, <u32>offset, <i32>buffer, <u32>len);
}

export function dynptr_slice_rdwr(cpu: i32, ptr: i64, offset: i64, buffer: i64, len: i64): i64 {
  return isRdonly(<i32>ptr) ? 0 : <u32>sliceOf(<i32>ptr, <u32>offset, <i32>buffer, <u32>len);
}

@inline
function writable(ptr: i32, offset: u32, len: u32): i32 {
  return isRdonly(ptr) ? 0 : sliceOf(ptr, offset, 0, len);
}

/** Piece by piece through a buffer, where neither side lies in one piece. */
function copyChunks(cpu: i32, dst: i32, to: u32, src: i32, from: u32, size: u32): i64 {
  const buffer = cpu + L.CPU_TEXT_SCRATCH;
  for (let done: u32 = 0; done < size; done += CHUNK) {
    const len = min(CHUNK, size - done);
    const read = readFrom(src, buffer, len, from + done);
    if (read != 0) return read;
    const written = writeTo(dst, to + done, buffer, len, 0);
    if (written != 0) return written;
  }
  return 0;
}

export function dynptr_copy(cpu: i32, dst: i64, to: i64, src: i64, from: i64, size: i64): i64 {
  const d = <i32>dst;
  const s = <i32>src;
  const n = <u32>size;
  const read = sliceOf(s, <u32>from, 0, n);
  const write = writable(d, <u32>to, n);
  if (read != 0 && write != 0) {
    memory.copy(write, read, n);
    return 0;
  }
  if (read != 0) return int(writeTo(d, <u32>to, read, n, 0));
  if (write != 0) return int(readFrom(s, write, n, <u32>from));
  if (outside(d, <u32>to, n) || outside(s, <u32>from, n)) return int(E2BIG);
  return int(copyChunks(cpu, d, <u32>to, s, <u32>from, n));
}

export function dynptr_memset(cpu: i32, ptr: i64, offset: i64, size: i64, value: i64): i64 {
  const p = <i32>ptr;
  const n = <u32>size;
  if (isRdonly(p)) return int(EINVAL);
  if (outside(p, <u32>offset, n)) return int(E2BIG);
  const slice = sliceOf(p, <u32>offset, 0, n);
  if (slice != 0) {
    memory.fill(slice, <u8>value, n);
    return 0;
  }
  const buffer = cpu + L.CPU_TEXT_SCRATCH;
  memory.fill(buffer, <u8>value, CHUNK);
  for (let done: u32 = 0; done < n; done += CHUNK) {
    const why = writeTo(p, <u32>offset + done, buffer, min(CHUNK, n - done), 0);
    if (why != 0) return int(why);
  }
  return 0;
}
