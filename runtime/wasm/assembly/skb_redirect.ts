// Redirects of sk_buffs: noted for the walker's row, nothing is sent anywhere. A clone goes out at once, to a device there
// is; the others only name a device, which nobody looks up before the program has ended.
import * as L from "../../memory/layout";
import { EBADMSG, EINVAL, ERANGE } from "./errno";
import { note } from "./redirect";
import { computePointers, isGso, lenOf, macOf, netOf } from "./skb";
import { hasDevice } from "./skb_meta";

const SHOT: i64 = 2;
const REDIRECT: i64 = 7;
const F_INGRESS: u64 = 1;
const NEIGH_SIZE: i32 = 20;

export function skb_redirect(cpu: i32, ifindex: i64, flags: i64): i64 {
  if ((<u64>flags & ~F_INGRESS) != 0) return SHOT;
  note(cpu, L.REDIRECT_IFINDEX, 0, 0, <u32>ifindex, <u32>flags);
  return REDIRECT;
}

export function redirect_peer(cpu: i32, ifindex: i64, flags: i64): i64 {
  if (flags != 0) return SHOT;
  note(cpu, L.REDIRECT_IFINDEX, 0, 0, <u32>ifindex, 0);
  return REDIRECT;
}

export function redirect_neigh(cpu: i32, ifindex: i64, params: i64, plen: i64, flags: i64): i64 {
  const len = <i32>plen;
  if ((len != 0 && len < NEIGH_SIZE) || flags != 0) return SHOT;
  note(cpu, L.REDIRECT_IFINDEX, 0, 0, <u32>ifindex, 0);
  return REDIRECT;
}

export function clone_redirect(cpu: i32, ctx: i64, ifindex: i64, flags: i64): i64 {
  if ((<u64>flags & ~F_INGRESS) != 0) return EINVAL;
  if (isGso(cpu) && load<u32>(cpu, L.CPU_SKB_GSO_TYPE) == 0) return EBADMSG;
  if (!hasDevice(cpu, <u32>ifindex)) return EINVAL;
  computePointers(cpu);
  if (macOf(cpu) >= netOf(cpu) || lenOf(cpu) == 0) return ERANGE;
  store<u32>(cpu, <u32>ifindex, L.CPU_SKB_CLONED_TO);
  return 0;
}
