// The flow hash of an sk_buff. The kernel's is keyed with a secret of the running machine, so there is no value to be
// equal to; ours has its properties: never zero, the same for both directions of a flow, of ports where there are any.
import * as L from "../../memory/layout";
import { ETH_P_IP, ETH_P_IPV6, clearHash, endOf, isVlan, netOf, protocolOf } from "./skb";

const TCP: u32 = 6;
const UDP: u32 = 17;
const SCTP: u32 = 132;
const FRAGMENT: u32 = 0xff3f; // more fragments, or an offset; as on the wire
const MAX_TAGS = 8;

@inline
function mix(h: u32, word: u32): u32 {
  const x = (h ^ word) * 0x9e3779b1;
  return x ^ (x >> 15);
}

@inline
function hasPorts(proto: u32): bool {
  return proto == TCP || proto == UDP || proto == SCTP;
}

/** Two ends of a flow, whichever comes first. */
@inline
function mixEnds(h: u32, a: u32, b: u32): u32 {
  return mix(mix(h, min(a, b)), max(a, b));
}

@inline
function hash6(at: i32): u32 {
  return mix(mix(mix(mix(0, load<u32>(at)), load<u32>(at, 4)), load<u32>(at, 8)), load<u32>(at, 12));
}

function hashFlow(cpu: i32): u32 {
  const end = endOf(cpu);
  let at = netOf(cpu);
  let proto = protocolOf(cpu);
  for (let n = 0; isVlan(proto) && at + 4 <= end && n < MAX_TAGS; n++, at += 4) proto = load<u16>(at, 2);
  let a: u32 = 0;
  let b: u32 = 0;
  let transport: u32 = 0;
  let ports = end;
  if (proto == ETH_P_IP && at + 20 <= end) {
    a = load<u32>(at, 12);
    b = load<u32>(at, 16);
    transport = load<u8>(at, 9);
    if ((<u32>load<u16>(at, 6) & FRAGMENT) == 0) ports = at + ((load<u8>(at) & 15) << 2);
  } else if (proto == ETH_P_IPV6 && at + 40 <= end) {
    a = hash6(at + 8);
    b = hash6(at + 24);
    transport = load<u8>(at, 6);
    ports = at + 40;
  }
  if (hasPorts(transport) && ports + 4 <= end) {
    a = mix(a, load<u16>(ports));
    b = mix(b, load<u16>(ports, 2));
  }
  return max<u32>(mixEnds(mix(proto, transport), a, b), 1);
}

export function get_hash_recalc(cpu: i32, ctx: i64): i64 {
  if (load<u32>(cpu, L.CPU_SKB_HASHED) == 0) {
    store<u32>(cpu, hashFlow(cpu), L.CPU_SKB + L.SKB_HASH);
    store<u32>(cpu, 1, L.CPU_SKB_HASHED);
  }
  return load<u32>(cpu, L.CPU_SKB + L.SKB_HASH);
}

export function set_hash_invalid(cpu: i32, ctx: i64): i64 {
  clearHash(cpu);
  return 0;
}

export function set_hash(cpu: i32, ctx: i64, hash: i64): i64 {
  store<u32>(cpu, <u32>hash, L.CPU_SKB + L.SKB_HASH);
  store<u32>(cpu, 1, L.CPU_SKB_HASHED);
  return 0;
}
