// VLAN tags: the outermost is beside the packet (vlan_present, vlan_proto, vlan_tci), further ones are in it. Both helpers
// expect the data to begin at the link header, as it does in tc.
import * as L from "../../memory/layout";
import { EINVAL, ENOMEM } from "./errno";
import {
  ETH_P_8021Q, computePointers, dataOf, endOf, makeHeadroom, isVlan, lenOf, macOf, measureLink, netOf, protocolAt, protocolOf, setData,
} from "./skb";

const TAG: i32 = 4;
const ADDRESSES: i32 = 12;
const VLAN_ETH_HLEN: u32 = 18;

@inline
function isTagged(cpu: i32): bool {
  return load<u32>(cpu, L.CPU_SKB + L.SKB_VLAN_PRESENT) != 0;
}

@inline
function setTag(cpu: i32, proto: u32, tci: u32): void {
  store<u32>(cpu, proto, L.CPU_SKB + L.SKB_VLAN_PROTO);
  store<u32>(cpu, tci, L.CPU_SKB + L.SKB_VLAN_TCI);
  store<u32>(cpu, u32((proto | tci) != 0), L.CPU_SKB + L.SKB_VLAN_PRESENT);
}

/** The tag beside the packet goes into it, behind the addresses. */
function insertTag(cpu: i32): i64 {
  if (dataOf(cpu) != macOf(cpu) || lenOf(cpu) < <u32>L.ETH_HLEN) return EINVAL;
  if (!makeHeadroom(cpu, TAG)) return ENOMEM;
  const data = dataOf(cpu) - TAG;
  const proto = load<u32>(cpu, L.CPU_SKB + L.SKB_VLAN_PROTO);
  memory.copy(data, data + TAG, ADDRESSES);
  store<u16>(data + ADDRESSES, <u16>proto);
  store<u16>(data + ADDRESSES + 2, bswap<u16>(<u16>load<u32>(cpu, L.CPU_SKB + L.SKB_VLAN_TCI)));
  setData(cpu, data);
  store<i32>(cpu, macOf(cpu) - TAG, L.CPU_SKB_MAC);
  store<i32>(cpu, netOf(cpu) - TAG, L.CPU_SKB_NET);
  store<u32>(cpu, proto, L.CPU_SKB + L.SKB_PROTOCOL);
  return 0;
}

/** Takes the first tag out of the packet: its number, or an error below zero. */
function removeTag(cpu: i32): i64 {
  if (dataOf(cpu) != macOf(cpu)) return EINVAL;
  if (lenOf(cpu) < VLAN_ETH_HLEN) return ENOMEM;
  const data = dataOf(cpu) + TAG;
  const tci = <i64>bswap<u16>(load<u16>(data + L.ETH_HLEN - TAG));
  const proto = protocolAt(data + ADDRESSES, endOf(cpu));
  memory.copy(data, data - TAG, ADDRESSES);
  setData(cpu, data);
  store<u32>(cpu, proto, L.CPU_SKB + L.SKB_PROTOCOL);
  store<i32>(cpu, data, L.CPU_SKB_MAC);
  if (netOf(cpu) - data < L.ETH_HLEN) store<i32>(cpu, data + L.ETH_HLEN, L.CPU_SKB_NET);
  measureLink(cpu);
  return tci;
}

function push(cpu: i32, proto: u32, tci: u32): i64 {
  const why = isTagged(cpu) ? insertTag(cpu) : 0;
  if (why == 0) setTag(cpu, proto, tci);
  return why;
}

function pop(cpu: i32): i64 {
  if (isTagged(cpu)) {
    setTag(cpu, 0, 0);
  } else {
    if (!isVlan(protocolOf(cpu))) return 0;
    const gone = removeTag(cpu);
    if (gone < 0) return gone;
  }
  const proto = protocolOf(cpu);
  if (!isVlan(proto)) return 0;
  const tci = removeTag(cpu); // the next one comes out to stand beside the packet
  if (tci < 0) return tci;
  setTag(cpu, proto, <u32>tci);
  return 0;
}

export function skb_vlan_push(cpu: i32, ctx: i64, vlanProto: i64, vlanTci: i64): i64 {
  const proto: u32 = <u16>vlanProto;
  const why = push(cpu, isVlan(proto) ? proto : ETH_P_8021Q, <u16>vlanTci);
  measureLink(cpu);
  computePointers(cpu);
  return why;
}

export function skb_vlan_pop(cpu: i32, ctx: i64): i64 {
  const why = pop(cpu);
  computePointers(cpu);
  return why;
}
