// Helpers that make an sk_buff longer or shorter: between its headers, in front, at the end. New bytes are zero. Room is a
// fixed piece of the frame buffer; who uses it up is told that memory has run out, as the kernel tells in the end.
import * as L from "../../memory/layout";
import { zeroBytes } from "./bytes";
import { EALREADY, EFAULT, EINVAL, ENOMEM, ENOTSUPP } from "./errno";
import {
  ETH_P_IP, ETH_P_IPV6, clearHash, computePointers, dataOf, endOf, hasTailroom, hasTransport, isGso, lenOf, macOf,
  makeHeadroom, measureLink, netOf, protocolOf, resetGso, setData, setEnd, setTransportAt, transportOf,
} from "./skb";
import { resetUnnecessary } from "./skb_csum";

const IPV4_LEN: u32 = 20;
const IPV6_LEN: u32 = 40;
const GSO_DODGY: u32 = 8;

/** Headers in front of the change move with the data. */
@inline
function moveHeaders(cpu: i32, by: i32): void {
  const together = transportOf(cpu) == netOf(cpu);
  store<i32>(cpu, macOf(cpu) + by, L.CPU_SKB_MAC);
  store<i32>(cpu, netOf(cpu) + by, L.CPU_SKB_NET);
  if (together) setTransportAt(cpu, netOf(cpu));
}

/** `len` zero bytes behind the first `off`: what is in front moves down. */
function pushHeader(cpu: i32, off: u32, len: u32): i64 {
  if (!makeHeadroom(cpu, len)) return ENOMEM;
  const data = dataOf(cpu) - <i32>len;
  memory.copy(data, data + len, off);
  zeroBytes(data + <i32>off, len);
  setData(cpu, data);
  moveHeaders(cpu, -(<i32>len));
  return 0;
}

/** Takes `len` bytes behind the first `off` out. */
function popHeader(cpu: i32, off: u32, len: u32): i64 {
  if (<u64>off + <u64>len > <u64>lenOf(cpu)) return ENOMEM;
  const data = dataOf(cpu);
  memory.copy(data + len, data, off);
  setData(cpu, data + len);
  moveHeaders(cpu, len);
  return 0;
}

@inline
function setProtocol(cpu: i32, proto: u32): void {
  store<u32>(cpu, proto, L.CPU_SKB + L.SKB_PROTOCOL);
}

@inline
function linkLen(cpu: i32): u32 {
  return <u32>(netOf(cpu) - macOf(cpu));
}

export function skb_change_proto(cpu: i32, ctx: i64, proto: i64, flags: i64): i64 {
  if (flags != 0) return EINVAL;
  const from = protocolOf(cpu);
  const to: u32 = <u16>proto;
  let why = ENOTSUPP;
  if (from == ETH_P_IP && to == ETH_P_IPV6) why = pushHeader(cpu, linkLen(cpu), IPV6_LEN - IPV4_LEN);
  if (from == ETH_P_IPV6 && to == ETH_P_IP) why = popHeader(cpu, linkLen(cpu), IPV6_LEN - IPV4_LEN);
  if (why == 0) {
    if (isGso(cpu)) store<u32>(cpu, load<u32>(cpu, L.CPU_SKB_GSO_TYPE) | GSO_DODGY, L.CPU_SKB_GSO_TYPE);
    setProtocol(cpu, to);
    clearHash(cpu);
  }
  computePointers(cpu);
  return why;
}

/** What may not be cut off: the headers that are known. */
function minLen(cpu: i32): u32 {
  const net = netOf(cpu) - dataOf(cpu);
  let len = max<i32>(net, 0);
  const transport = transportOf(cpu) - dataOf(cpu);
  if (hasTransport(cpu) && transport > 0) len = transport;
  return len;
}

export function skb_change_tail(cpu: i32, ctx: i64, newLen: i64, flags: i64): i64 {
  const len = <u32>newLen;
  computePointers(cpu);
  if (flags != 0 || len > <u32>L.SKB_GROWN_MAX || len < minLen(cpu)) return EINVAL;
  if (load<u32>(cpu, L.CPU_SKB_ENCAPSULATION) != 0) return ENOTSUPP;
  const old = lenOf(cpu);
  if (len > old) {
    if (!hasTailroom(cpu, len - old)) return ENOMEM;
    zeroBytes(endOf(cpu), len - old);
  }
  setEnd(cpu, dataOf(cpu) + <i32>len);
  if (isGso(cpu)) resetGso(cpu);
  computePointers(cpu);
  return 0;
}

/** For packets that get a link header: the protocol stays, and so does the network header. */
export function skb_change_head(cpu: i32, ctx: i64, headRoom: i64, flags: i64): i64 {
  const by = <u32>headRoom;
  const len = lenOf(cpu) + by;
  computePointers(cpu);
  if (flags != 0 || (!isGso(cpu) && len > <u32>L.SKB_GROWN_MAX) || len < lenOf(cpu)) return EINVAL;
  if (!makeHeadroom(cpu, by)) return ENOMEM;
  const data = dataOf(cpu) - <i32>by;
  zeroBytes(data, by);
  setData(cpu, data);
  store<i32>(cpu, data, L.CPU_SKB_MAC);
  measureLink(cpu);
  computePointers(cpu);
  return 0;
}

const ENCAP_L3_IPV4: u64 = 1 << 1;
const ENCAP_L3_IPV6: u64 = 1 << 2;
const ENCAP_L4_GRE: u64 = 1 << 3;
const ENCAP_L4_UDP: u64 = 1 << 4;
const NO_CSUM_RESET: u64 = 1 << 5;
const ENCAP_L2_ETH: u64 = 1 << 6;
const DECAP_L3_IPV4: u64 = 1 << 7;
const DECAP_L3_IPV6: u64 = 1 << 8;
const FIXED_GSO: u64 = 1;
const ENCAP_L2_SHIFT: u64 = 56;
const ENCAP_L2_MASK: u64 = 0xff;
const ENCAP_L3: u64 = ENCAP_L3_IPV4 | ENCAP_L3_IPV6;
const ENCAP_L4: u64 = ENCAP_L4_GRE | ENCAP_L4_UDP;
const DECAP_L3: u64 = DECAP_L3_IPV4 | DECAP_L3_IPV6;
const KNOWN: u64 = FIXED_GSO | ENCAP_L3 | ENCAP_L4 | NO_CSUM_RESET | ENCAP_L2_ETH | DECAP_L3 | (ENCAP_L2_MASK << ENCAP_L2_SHIFT);
const FOR_SHRINKING: u64 = FIXED_GSO | DECAP_L3 | NO_CSUM_RESET;
const ROOM_MAX: u32 = 0xfff;
const ROOM_NET: u32 = 0;
const ROOM_MAC: u32 = 1;

/** 0, or why these flags do not describe an encapsulation of this packet. */
function whyNotEncap(cpu: i32, by: u32, flags: u64): i64 {
  const inner = <u32>(flags >> ENCAP_L2_SHIFT);
  if ((flags & ENCAP_L3) == ENCAP_L3 || (flags & ENCAP_L4) == ENCAP_L4) return EINVAL;
  if ((flags & ENCAP_L2_ETH) != 0 && inner < <u32>L.ETH_HLEN) return EINVAL;
  if (load<u32>(cpu, L.CPU_SKB_ENCAPSULATION) != 0) return EALREADY;
  return inner > by ? EINVAL : 0;
}

/** The packet is inside another now, whose headers begin where its own did. */
function markEncap(cpu: i32, link: u32, flags: u64): void {
  const net = dataOf(cpu) + <i32>link;
  store<u32>(cpu, 1, L.CPU_SKB_ENCAPSULATION);
  store<i32>(cpu, net, L.CPU_SKB_NET);
  const outer = (flags & ENCAP_L3_IPV6) != 0 ? IPV6_LEN : IPV4_LEN;
  if ((flags & ENCAP_L4) != 0) setTransportAt(cpu, net + <i32>outer);
  const proto = protocolOf(cpu);
  if (proto == ETH_P_IP && (flags & ENCAP_L3_IPV6) != 0) setProtocol(cpu, ETH_P_IPV6);
  else if (proto == ETH_P_IPV6 && (flags & ENCAP_L3_IPV4) != 0) setProtocol(cpu, ETH_P_IP);
}

function grow(cpu: i32, off: u32, by: u32, flags: u64): i64 {
  if (isGso(cpu)) return ENOTSUPP;
  if (!makeHeadroom(cpu, by)) return ENOMEM;
  const encap = (flags & ENCAP_L3) != 0;
  const link = linkLen(cpu);
  const why = encap ? whyNotEncap(cpu, by, flags) : 0;
  if (why != 0) return why;
  const pushed = pushHeader(cpu, off, by);
  if (pushed == 0 && encap) markEncap(cpu, link, flags);
  return pushed;
}

function shrink(cpu: i32, off: u32, by: u32, flags: u64): i64 {
  if ((flags & ~FOR_SHRINKING) != 0) return EINVAL;
  if (isGso(cpu)) return ENOTSUPP;
  const why = popHeader(cpu, off, by);
  if (why != 0) return why;
  const proto = protocolOf(cpu);
  if (proto == ETH_P_IP && (flags & DECAP_L3_IPV6) != 0) setProtocol(cpu, ETH_P_IPV6);
  else if (proto == ETH_P_IPV6 && (flags & DECAP_L3_IPV4) != 0) setProtocol(cpu, ETH_P_IP);
  return 0;
}

export function skb_adjust_room(cpu: i32, ctx: i64, lenDiff: i64, mode: i64, flags: i64): i64 {
  const diff = <i32>lenDiff;
  const by = <u32>abs<i32>(diff);
  const less = diff < 0;
  const opts = <u64>flags;
  const proto = protocolOf(cpu);
  if ((opts & ~KNOWN) != 0) return EINVAL;
  if (by > ROOM_MAX) return EFAULT;
  if (proto != ETH_P_IP && proto != ETH_P_IPV6) return ENOTSUPP;
  const base = proto == ETH_P_IP ? IPV4_LEN : IPV6_LEN;
  if (<u32>mode > ROOM_MAC) return ENOTSUPP;
  const off = linkLen(cpu) + (<u32>mode == ROOM_NET ? base : 0);
  const decap = opts & DECAP_L3;
  if (decap != 0 && (!less || decap == DECAP_L3)) return EINVAL;
  const least = decap == 0 ? base : decap == DECAP_L3_IPV4 ? IPV4_LEN : IPV6_LEN;
  const cur = <u32>(endOf(cpu) - netOf(cpu));
  if (less ? by >= cur || cur - by < least : lenOf(cpu) + by > <u32>L.SKB_GROWN_MAX && !isGso(cpu)) return ENOTSUPP;
  const why = less ? shrink(cpu, off, by, opts) : grow(cpu, off, by, opts);
  if (why == 0 && (opts & NO_CSUM_RESET) == 0) resetUnnecessary(cpu);
  computePointers(cpu);
  return why;
}
