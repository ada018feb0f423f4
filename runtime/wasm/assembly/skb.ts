// A packet as an sk_buff: one piece of contiguous bytes in the CPU's frame buffer (or, for programs that change nothing,
// in the capture), its headers and marks in the CPU block. Here what all helpers stand on: where it begins and ends, how it
// grows at either end. Only the CPU that owns the block calls any of it.
import * as L from "../../memory/layout";

export const ETH_P_IP: u32 = 0x0008; // as on the wire
export const ETH_P_IPV6: u32 = 0xdd86;
export const ETH_P_8021Q: u32 = 0x0081;
export const ETH_P_8021AD: u32 = 0xa888;
export const ETH_P_802_3: u32 = 0x0100;
export const ETH_P_802_2: u32 = 0x0400;

@inline
export function dataOf(cpu: i32): i32 {
  return load<i32>(cpu, L.CPU_SKB + L.SKB_DATA);
}

@inline
export function endOf(cpu: i32): i32 {
  return load<i32>(cpu, L.CPU_FRAME_END);
}

@inline
export function lenOf(cpu: i32): u32 {
  return load<u32>(cpu, L.CPU_SKB + L.SKB_LEN);
}

@inline
export function macOf(cpu: i32): i32 {
  return load<i32>(cpu, L.CPU_SKB_MAC);
}

@inline
export function netOf(cpu: i32): i32 {
  return load<i32>(cpu, L.CPU_SKB_NET);
}

/** What the kernel does after it has changed the link header; it is not kept in step otherwise. */
@inline
export function measureLink(cpu: i32): void {
  store<u32>(cpu, <u16>(netOf(cpu) - macOf(cpu)), L.CPU_SKB_MAC_LEN);
}

@inline
export function protocolOf(cpu: i32): u32 {
  return load<u32>(cpu, L.CPU_SKB + L.SKB_PROTOCOL);
}

/** A type of segmentation offload is set: what may grow then is bound to it. */
@inline
export function isGso(cpu: i32): bool {
  return load<u32>(cpu, L.CPU_SKB + L.SKB_GSO_SIZE) != 0;
}

@inline
export function resetGso(cpu: i32): void {
  store<u32>(cpu, 0, L.CPU_SKB + L.SKB_GSO_SIZE);
  store<u32>(cpu, 0, L.CPU_SKB + L.SKB_GSO_SEGS);
  store<u32>(cpu, 0, L.CPU_SKB_GSO_TYPE);
}

@inline
export function clearHash(cpu: i32): void {
  store<u32>(cpu, 0, L.CPU_SKB + L.SKB_HASH);
  store<u32>(cpu, 0, L.CPU_SKB_HASHED);
}

/** What programs see of where the packet lies, after it has moved or its length changed. */
@inline
export function computePointers(cpu: i32): void {
  store<i32>(cpu, dataOf(cpu), L.CPU_SKB + L.SKB_DATA_META);
  store<i32>(cpu, endOf(cpu), L.CPU_SKB + L.SKB_DATA_END);
}

@inline
export function setData(cpu: i32, data: i32): void {
  store<i32>(cpu, data, L.CPU_SKB + L.SKB_DATA);
  store<i32>(cpu, endOf(cpu) - data, L.CPU_SKB + L.SKB_LEN);
}

@inline
export function setEnd(cpu: i32, end: i32): void {
  store<i32>(cpu, end, L.CPU_FRAME_END);
  store<i32>(cpu, end - dataOf(cpu), L.CPU_SKB + L.SKB_LEN);
}

/** Makes sure of room in front of the packet; false where memory has run out. */
export function makeHeadroom(cpu: i32, by: u32): bool {
  if (by > <u32>(dataOf(cpu) - (cpu + L.CPU_FRAME))) return false;
  const head = load<i32>(cpu, L.CPU_SKB_HEAD);
  const missing = <i32>by - (dataOf(cpu) - head);
  if (missing <= 0) return true;
  // the kernel moves the packet in a larger buffer, and all headers with it: also one that was not set
  const more = (missing + L.SKB_PAD - 1) & ~(L.SKB_PAD - 1);
  store<i32>(cpu, head - more, L.CPU_SKB_HEAD);
  setTransport(cpu, load<u32>(cpu, L.CPU_SKB_TRANSPORT) + more);
  return true;
}

@inline
function setTransport(cpu: i32, offset: u32): void {
  store<u32>(cpu, <u16>offset, L.CPU_SKB_TRANSPORT);
}

@inline
export function hasTransport(cpu: i32): bool {
  return load<u32>(cpu, L.CPU_SKB_TRANSPORT) != L.SKB_NOT_SET;
}

@inline
export function transportOf(cpu: i32): i32 {
  return load<i32>(cpu, L.CPU_SKB_HEAD) + load<i32>(cpu, L.CPU_SKB_TRANSPORT);
}

@inline
export function setTransportAt(cpu: i32, at: i32): void {
  setTransport(cpu, at - load<i32>(cpu, L.CPU_SKB_HEAD));
}

@inline
export function hasTailroom(cpu: i32, by: u32): bool {
  return by <= <u32>(cpu + L.CPU_FRAME + L.CPU_FRAME_SIZE - endOf(cpu));
}

/** Is [offset, offset + len) inside the packet? */
@inline
export function within(cpu: i32, offset: u32, len: u32): bool {
  return <u64>offset + <u64>len <= <u64>lenOf(cpu);
}

/** The protocol behind the ethertype at `at` of a header that ends there: old 802.3 frames have none of their own. */
@inline
export function protocolAt(at: i32, end: i32): u32 {
  const proto: u32 = load<u16>(at);
  // a number below 0x600 on the wire is a length
  if (((proto & 0xff) << 8 | proto >> 8) >= 0x600) return proto;
  return at + 4 <= end && load<u16>(at, 2) == 0xffff ? ETH_P_802_3 : ETH_P_802_2;
}

@inline
export function isVlan(proto: u32): bool {
  return proto == ETH_P_8021Q || proto == ETH_P_8021AD;
}
