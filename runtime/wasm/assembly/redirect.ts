// redirect and redirect_map: the verdict, and the target noted in the CPU block for the walker's row. Device and CPU maps
// are empty unless the host fills them; nothing is sent anywhere.
import * as L from "../../memory/layout";
import { CPUMAP, DEVMAP, DEVMAP_HASH, XSKMAP } from "./errno";
import { hash_lookup4 } from "./hash";
import { slotLookup } from "./slot";

const XDP_ABORTED: i64 = 0;
const XDP_REDIRECT: i64 = 4;
const ACTION_MASK: u64 = 3;
const BPF_F_BROADCAST: u64 = 8;
const BPF_F_EXCLUDE_INGRESS: u64 = 16;

@inline
export function note(cpu: i32, kind: i32, map: i32, index: u32, ifindex: u32, flags: u32): void {
  store<i32>(cpu, kind, L.CPU_REDIRECT_KIND);
  store<i32>(cpu, map, L.CPU_REDIRECT_MAP);
  store<u32>(cpu, index, L.CPU_REDIRECT_INDEX);
  store<u32>(cpu, ifindex, L.CPU_REDIRECT_IFINDEX);
  store<u32>(cpu, flags, L.CPU_REDIRECT_FLAGS);
}

export function redirect(cpu: i32, ifindex: i64, flags: i64): i64 {
  if (flags != 0) return XDP_ABORTED;
  note(cpu, L.REDIRECT_IFINDEX, 0, 0, <u32>ifindex, 0);
  return XDP_REDIRECT;
}

function targetOf(map: i32, cpu: i32, index: u32): i32 {
  const type = load<i32>(map, L.MAP_TYPE);
  if (type == DEVMAP || type == CPUMAP || type == XSKMAP) return slotLookup(map, index);
  if (type != DEVMAP_HASH) return 0;
  const key = cpu + L.CPU_KEY_SCRATCH;
  store<u32>(key, index);
  return hash_lookup4(map, key, cpu);
}

/** An empty slot gives the lower bits of the flags; a broadcast does not look at the slot's being empty. */
export function redirect_map(cpu: i32, mapPtr: i64, index: i64, flags: i64): i64 {
  const map = <i32>mapPtr;
  const type = load<i32>(map, L.MAP_TYPE);
  const known = type == DEVMAP || type == DEVMAP_HASH ? BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS : 0;
  if ((<u64>flags & ~(ACTION_MASK | known)) != 0) return XDP_ABORTED;
  const to = targetOf(map, cpu, <u32>index);
  const broadcast = (<u64>flags & BPF_F_BROADCAST) != 0;
  if (to == 0 && !broadcast) {
    store<i32>(cpu, L.REDIRECT_NONE, L.CPU_REDIRECT_KIND);
    return flags & ACTION_MASK;
  }
  const ifindex = to == 0 || type == CPUMAP || type == XSKMAP ? 0 : load<u32>(to);
  note(cpu, broadcast ? L.REDIRECT_BROADCAST : L.REDIRECT_MAP, map, <u32>index, ifindex, <u32>flags & ~(<u32>ACTION_MASK));
  return XDP_REDIRECT;
}
