// Frames for programs on __sk_buff, as the kernel's test run makes them: a linear sk_buff on the loopback device, received
// there by its Ethernet header, with a socket whose addresses are the packet's. Its program sees it from the link header on
// or from the network header on (WALK_NETWORK); in the second case the link header comes back as zeros.
import * as L from "../../memory/layout";
import { copyBytes, zeroBytes } from "./bytes";
import { crc32, crc32Behind } from "./crc";
import { ETH_P_IP, ETH_P_IPV6, computePointers, dataOf, endOf, lenOf, protocolAt } from "./skb";

const EINVAL: u32 = 22;
const IPV4_LEN: u32 = 20;
const IPV6_LEN: u32 = 40;
const GSO_LEGACY_MAX_SIZE: u32 = 65536;
const REDIRECT: u32 = 7; // TC_ACT_REDIRECT and BPF_REDIRECT
const HOST: u32 = 0;
const MULTICAST: u32 = 2;
const OTHERHOST: u32 = 3;
const AF_INET: u32 = 2;
const AF_INET6: u32 = 10;

@unmanaged
export class SkbFrames {
  @inline
  refused(cpu: i32, frame: i32, flags: i32): u32 {
    const errno = load<u32>(frame, L.FRAME_ERRNO);
    if (errno != 0) return errno;
    const len = load<u32>(frame, L.FRAME_LEN);
    if (len < <u32>L.ETH_HLEN || len > <u32>L.SKB_LEN_MAX) return EINVAL;
    const behind = len - L.ETH_HLEN;
    const proto: u32 = load<u16>(load<i32>(frame), 12);
    if ((proto == ETH_P_IP && behind < IPV4_LEN) || (proto == ETH_P_IPV6 && behind < IPV6_LEN)) return EINVAL;
    const wire = load<u32>(cpu, L.CPU_SKB_TEMPLATE + L.SKB_WIRE_LEN);
    if (wire == 0) return 0;
    const seen = (flags & L.WALK_NETWORK) != 0 ? behind : len;
    return wire < seen || wire > GSO_LEGACY_MAX_SIZE ? EINVAL : 0;
  }

  @inline
  enter(cpu: i32): void {
    fresh(cpu);
  }

  @inline
  enterCopying(cpu: i32): void {}

  @inline
  place(cpu: i32, frame: i32, flags: i32): void {
    receive(cpu, load<i32>(frame), load<i32>(frame, L.FRAME_LEN), flags);
  }

  @inline
  copy(cpu: i32, frame: i32, flags: i32): void {
    const data = cpu + L.CPU_FRAME + L.SKB_ROOM;
    const len = load<i32>(frame, L.FRAME_LEN);
    copyBytes(data, load<i32>(frame), len);
    receive(cpu, data, len, flags);
    if ((flags & L.WALK_HEADROOM) == 0) return;
    zeroBehind(data + len);
    store<i32>(cpu, data - L.SKB_PAD, L.CPU_SKB_HEAD);
  }

  @inline
  ctx(cpu: i32): i32 {
    return cpu + L.CPU_SKB;
  }

  @inline
  classOf(cpu: i32, retval: u32): u32 {
    return load<u8>(cpu + <i32>min<u32>(retval + 1, 255), L.CPU_VERDICT_CLASS);
  }

  @inline
  redirectOf(cpu: i32, retval: u32): i32 {
    const kind = load<i32>(cpu, L.CPU_REDIRECT_KIND);
    if (retval == REDIRECT && kind != L.REDIRECT_NONE) return kind;
    return load<i32>(cpu, L.CPU_SKB_CLONED_TO) != 0 ? L.REDIRECT_CLONE : L.REDIRECT_NONE;
  }

  @inline
  len(cpu: i32, flags: i32): i32 {
    return lenOf(cpu) + linkLen(flags);
  }

  @inline
  metaLen(cpu: i32): i32 {
    return 0;
  }

  /** What a socket that this filter is on would get. */
  @inline
  kept(cpu: i32, len: i32, retval: u32): i32 {
    const seen = lenOf(cpu);
    return len - seen + min(seen, retval);
  }

  @inline
  copyOut(cpu: i32, to: i32, len: i32, flags: i32): void {
    const link = linkLen(flags);
    zeroBytes(to, link);
    copyBytes(to + link, dataOf(cpu), len - link);
  }

  @inline
  crc(cpu: i32, len: i32, flags: i32): u32 {
    const link = linkLen(flags);
    return link == 0 ? crc32(dataOf(cpu), len) : crc32Behind(link, dataOf(cpu), len - link);
  }

  @inline
  addToRow(cpu: i32, row: i32): void {
    store<u32>(row, load<u32>(cpu, L.CPU_SKB + L.SKB_MARK), L.ROW_MARK);
    store<u32>(row, load<u32>(cpu, L.CPU_SKB + L.SKB_PRIORITY), L.ROW_PRIORITY);
    v128.store(row, v128.load(cpu, L.CPU_SKB + L.SKB_CB), L.ROW_CB);
    store<u32>(row, load<u32>(cpu, L.CPU_SKB + L.SKB_CB + 16), L.ROW_CB + 16);
  }
}

/** Of the link header, where it is not the program's but comes back with the packet. */
@inline
function linkLen(flags: i32): i32 {
  return (flags & L.WALK_NETWORK) != 0 ? L.ETH_HLEN : 0;
}

/** Room made in a header that is cut off brings in bytes from behind the packet: as many as a header has. */
@inline
function zeroBehind(end: i32): void {
  for (let at = 0; at < 64; at += 16) v128.store(end + at, v128.splat<i64>(0));
}

/** Everything that no packet sets is as the context's options say. */
@inline
function fresh(cpu: i32): void {
  const from = cpu + L.CPU_SKB_TEMPLATE;
  for (let at = 0; at < L.CPU_SKB_STATE_SIZE; at += 16) v128.store(cpu + L.CPU_SKB + at, v128.load(from + at));
}

/** To the loopback device's own address, which is zero, to many, or to somebody else. */
@inline
function pktType(eth: i32): u32 {
  const dst = load<u64>(eth) & 0xffffffffffff;
  if (dst == 0) return HOST;
  return (dst & 1) != 0 ? MULTICAST : OTHERHOST;
}

/** The frame [eth, eth + len) has come in. */
@inline
function receive(cpu: i32, eth: i32, len: i32, flags: i32): void {
  if ((flags & L.WALK_FRESH) != 0) fresh(cpu);
  const link = linkLen(flags);
  const end = eth + len;
  const proto = protocolAt(eth + 12, end);
  const wire = load<i32>(cpu, L.CPU_SKB_TEMPLATE + L.SKB_WIRE_LEN);
  store<u32>(cpu, pktType(eth), L.CPU_SKB + L.SKB_PKT_TYPE);
  store<u32>(cpu, proto, L.CPU_SKB + L.SKB_PROTOCOL);
  store<i32>(cpu, eth, L.CPU_SKB_MAC);
  store<i32>(cpu, eth + L.ETH_HLEN, L.CPU_SKB_NET);
  store<i32>(cpu, end, L.CPU_FRAME_END);
  store<i32>(cpu, eth + link, L.CPU_SKB + L.SKB_DATA);
  store<i32>(cpu, len - link, L.CPU_SKB + L.SKB_LEN);
  store<i32>(cpu, wire == 0 ? len - link : wire, L.CPU_SKB + L.SKB_WIRE_LEN);
  computePointers(cpu);
  store<i32>(cpu, 0, L.CPU_TAIL_CALLS);
  if ((flags & L.WALK_SOCKET) != 0) openSocket(cpu, eth + L.ETH_HLEN, proto);
}

@inline
function both(cpu: i32, inSkb: i32, inSock: i32, value: u32): void {
  store<u32>(cpu + L.CPU_SKB + inSkb, value);
  store<u32>(cpu + L.CPU_SOCK + inSock, value);
}

@inline
function both128(cpu: i32, inSkb: i32, inSock: i32, value: v128): void {
  v128.store(cpu + L.CPU_SKB + inSkb, value);
  v128.store(cpu + L.CPU_SOCK + inSock, value);
}

/** The socket of the packet: it would have sent what it is given, so its own address is the packet's source. */
function openSocket(cpu: i32, net: i32, proto: u32): void {
  const none = v128.splat<i64>(0);
  const isIp = proto == ETH_P_IP;
  const isIp6 = proto == ETH_P_IPV6;
  both(cpu, L.SKB_FAMILY, L.SOCK_FAMILY, isIp ? AF_INET : isIp6 ? AF_INET6 : 0);
  both(cpu, L.SKB_LOCAL_IP4, L.SOCK_SRC_IP4, isIp ? load<u32>(net, 12) : 0);
  both(cpu, L.SKB_REMOTE_IP4, L.SOCK_DST_IP4, isIp ? load<u32>(net, 16) : 0);
  both128(cpu, L.SKB_LOCAL_IP6, L.SOCK_SRC_IP6, isIp6 ? v128.load(net, 8) : none);
  both128(cpu, L.SKB_REMOTE_IP6, L.SOCK_DST_IP6, isIp6 ? v128.load(net, 24) : none);
}
