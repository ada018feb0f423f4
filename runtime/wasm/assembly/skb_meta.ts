// Helpers on what surrounds an sk_buff: its type, time, socket, cgroup, device. The world has one network namespace with
// one device, the loopback, and one cgroup, the root; the socket is the one the test run makes, on which nothing is set.
import * as L from "../../memory/layout";
import { EINVAL, ENODEV, EOPNOTSUPP } from "./errno";
import { ETH_P_IP, ETH_P_IPV6, dataOf, endOf, hasTransport, isGso, isVlan, lenOf, netOf, protocolOf } from "./skb";

const PACKET_OTHERHOST: u32 = 3;

export function skb_change_type(cpu: i32, ctx: i64, pktType: i64): i64 {
  if (<u32>pktType > PACKET_OTHERHOST) return EINVAL;
  store<u32>(cpu, <u32>pktType, L.CPU_SKB + L.SKB_PKT_TYPE);
  return 0;
}

const CLOCK_REALTIME: u32 = 0;
const CLOCK_TAI: u32 = 2;

export function skb_set_tstamp(cpu: i32, ctx: i64, tstamp: i64, type: i64): i64 {
  const proto = protocolOf(cpu);
  if (proto != ETH_P_IP && proto != ETH_P_IPV6) return EOPNOTSUPP;
  if (<u32>type > CLOCK_TAI || (<u32>type != CLOCK_REALTIME && tstamp == 0)) return EINVAL;
  store<i64>(cpu, tstamp, L.CPU_SKB + L.SKB_TSTAMP);
  store<u8>(cpu, <u8>type, L.CPU_SKB + L.SKB_TSTAMP_TYPE);
  return 0;
}

const ONLY_COOKIE: i64 = 1;
const ROOT_CGROUP: i64 = 1;

export function get_socket_cookie(cpu: i32, ctx: i64): i64 {
  return ONLY_COOKIE;
}
export function get_netns_cookie(cpu: i32, ctx: i64): i64 {
  return ONLY_COOKIE;
}
export function get_socket_uid(cpu: i32, ctx: i64): i64 {
  return 0;
}
export function get_cgroup_classid(cpu: i32, ctx: i64): i64 {
  return 0;
}
export function skb_cgroup_classid(cpu: i32, ctx: i64): i64 {
  return 0;
}
export function get_route_realm(cpu: i32, ctx: i64): i64 {
  return 0;
}
export function skb_cgroup_id(cpu: i32, ctx: i64): i64 {
  return ROOT_CGROUP;
}
export function skb_ancestor_cgroup_id(cpu: i32, ctx: i64, level: i64): i64 {
  return <i32>level == 0 ? ROOT_CGROUP : 0;
}

const LOOPBACK_MTU: i32 = 65536;
const CHK_SEGS: u64 = 1;
const CHK_SUCCESS: i64 = 0;
const CHK_FRAG_NEEDED: i64 = 1;

/** Is there such a device? 0 stands for the packet's own. */
@inline
export function hasDevice(cpu: i32, ifindex: u32): bool {
  return ifindex == 1 || ifindex == load<u32>(cpu, L.CPU_SKB + L.SKB_IFINDEX);
}

export function skb_check_mtu(cpu: i32, ctx: i64, ifindex: i64, mtuLen: i64, diff: i64, flags: i64): i64 {
  const asked = load<i32>(<i32>mtuLen);
  const segs = (<u64>flags & CHK_SEGS) != 0;
  if ((<u64>flags & ~CHK_SEGS) != 0 || (segs && (<i32>diff != 0 || asked != 0))) return EINVAL;
  if (<u32>ifindex != 0 && !hasDevice(cpu, <u32>ifindex)) return ENODEV;
  const len = (asked != 0 ? asked + L.ETH_HLEN : <i32>lenOf(cpu)) + <i32>diff;
  const fits = len <= LOOPBACK_MTU + L.ETH_HLEN;
  if (!fits && isGso(cpu) && segs && !hasTransport(cpu)) return EINVAL;
  store<i32>(<i32>mtuLen, LOOPBACK_MTU);
  return fits || isGso(cpu) ? CHK_SUCCESS : CHK_FRAG_NEEDED;
}

const ECN_CE: u8 = 3;
const IPV6_CE: u8 = 0x30; // in the second byte
const MAX_TAGS = 8;
const TAG: i32 = 4;

/**
 * The protocol behind tags in the packet, 0 if it is cut off before that. Looked for from where the data begins, as far in
 * as the link header was long.
 */
function innerProtocol(cpu: i32): u32 {
  let proto = protocolOf(cpu);
  const measured = load<i32>(cpu, L.CPU_SKB_MAC_LEN);
  if (isVlan(proto) && measured > 0 && measured < TAG) return 0;
  let at = dataOf(cpu) + (measured == 0 ? L.ETH_HLEN : measured - TAG);
  for (let n = 0; isVlan(proto); n++, at += TAG) {
    if (at + TAG > endOf(cpu) || n == MAX_TAGS - 1) return 0;
    proto = load<u16>(at, 2);
  }
  return proto;
}

/** Marks what says that it understands such marks; 1 if the packet is marked then. */
export function skb_ecn_set_ce(cpu: i32, ctx: i64): i64 {
  const proto = innerProtocol(cpu);
  const need: u32 = proto == ETH_P_IP ? 20 : 40;
  if ((proto != ETH_P_IP && proto != ETH_P_IPV6) || lenOf(cpu) < need || netOf(cpu) + <i32>need > endOf(cpu)) return 0;
  return proto == ETH_P_IP ? mark4(netOf(cpu)) : mark6(netOf(cpu));
}

function mark4(ip: i32): i64 {
  const tos = load<u8>(ip, 1);
  const ecn = (tos + 1) & 3;
  if ((ecn & 2) == 0) return i64(ecn == 0);
  // the header's checksum goes down by what the field goes up
  const check: u32 = load<u16>(ip, 10);
  const sum = check + <u32>bswap<u16>(0xfffb) + <u32>bswap<u16>(<u16>ecn);
  store<u16>(ip, <u16>((sum & 0xffff) + (sum >> 16)), 10);
  store<u8>(ip, tos | ECN_CE, 1);
  return 1;
}

function mark6(ip: i32): i64 {
  const low = load<u8>(ip, 1);
  if ((low & IPV6_CE) == 0) return 0;
  store<u8>(ip, low | IPV6_CE, 1);
  return 1;
}
