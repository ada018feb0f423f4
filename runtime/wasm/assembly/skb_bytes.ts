// Helpers that read and write bytes of an sk_buff by offset, and the legacy packet loads. An offset is the program's: any
// number. All bytes are in the linear part, so "pulling" is asking for what there is.
import * as L from "../../memory/layout";
import { copyBytes, zeroBytes } from "./bytes";
import { EFAULT, EINVAL, ENOMEM } from "./errno";
import { clearHash, computePointers, dataOf, endOf, lenOf, macOf, netOf, within } from "./skb";

const INT_MAX: u32 = 0x7fffffff;
const F_RECOMPUTE_CSUM: u64 = 1;
const F_INVALIDATE_HASH: u64 = 2;
const HDR_START_MAC: u32 = 0;
const HDR_START_NET: u32 = 1;
const RELATIVE_MAX: u32 = 0xffff;

export function skb_load_bytes(cpu: i32, ctx: i64, offset: i64, to: i64, len: i64): i64 {
  if (<u32>offset > INT_MAX || !within(cpu, <u32>offset, <u32>len)) {
    zeroBytes(<i32>to, <i32>len);
    return EFAULT;
  }
  copyBytes(<i32>to, dataOf(cpu) + <i32>offset, <i32>len);
  return 0;
}

export function skb_load_bytes_relative(cpu: i32, ctx: i64, offset: i64, to: i64, len: i64, start: i64): i64 {
  const from: u64 = <u32>start == HDR_START_MAC ? <u32>macOf(cpu) : <u32>netOf(cpu);
  const at = from + <u64>(<u32>offset);
  if (<u32>offset > RELATIVE_MAX || <u32>start > HDR_START_NET || at + <u64>(<u32>len) > <u64>(<u32>endOf(cpu))) {
    zeroBytes(<i32>to, <i32>len);
    return EFAULT;
  }
  copyBytes(<i32>to, <i32>at, <i32>len);
  return 0;
}

export function skb_store_bytes(cpu: i32, ctx: i64, offset: i64, from: i64, len: i64, flags: i64): i64 {
  if ((<u64>flags & ~(F_RECOMPUTE_CSUM | F_INVALIDATE_HASH)) != 0) return EINVAL;
  if (<u32>offset > INT_MAX) return EFAULT;
  computePointers(cpu);
  if (!within(cpu, <u32>offset, <u32>len)) return EFAULT;
  copyBytes(dataOf(cpu) + <i32>offset, <i32>from, <i32>len);
  if ((<u64>flags & F_INVALIDATE_HASH) != 0) clearHash(cpu);
  return 0;
}

export function skb_pull_data(cpu: i32, ctx: i64, len: i64): i64 {
  computePointers(cpu);
  return <u32>len > lenOf(cpu) ? ENOMEM : 0;
}

/** A flow dissector's packet is no sk_buff: there is nothing to load from. */
export function flow_load_bytes(cpu: i32, ctx: i64, offset: i64, to: i64, len: i64): i64 {
  zeroBytes(<i32>to, <i32>len);
  return EFAULT;
}

const SKF_NET_OFF: i32 = -0x100000;
const SKF_LL_OFF: i32 = -0x200000;

/** BPF_LD_ABS and BPF_LD_IND: the value in host order, -1 where the packet has no such bytes. */
export function ld_abs(cpu: i32, ctx: i64, offset: i64, size: i64): i64 {
  const off = <i32>offset;
  if (off < SKF_LL_OFF) return -1;
  const base = off >= 0 ? dataOf(cpu) : off >= SKF_NET_OFF ? netOf(cpu) : macOf(cpu);
  const rel = off >= 0 ? off : off >= SKF_NET_OFF ? off - SKF_NET_OFF : off - SKF_LL_OFF;
  const at = <i64>(<u32>base) + <i64>rel;
  // what lies in front of the data, a link header, is there as well
  if (at + <i64>(<i32>size) > <i64>(<u32>endOf(cpu))) return -1;
  const p = <i32>at;
  switch (<i32>size) {
    case 1:
      return load<u8>(p);
    case 2:
      return <u16>bswap<u16>(load<u16>(p));
    default:
      return <i64>(<u64>bswap<u32>(load<u32>(p)));
  }
}
