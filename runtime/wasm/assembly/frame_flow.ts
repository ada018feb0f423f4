// Frames for flow dissectors, as the kernel's test run gives them: the bytes as a packet without an sk_buff, and the keys
// that the program fills in. What leaves is the keys.
import * as L from "../../memory/layout";
import { copyBytes, zeroBytes } from "./bytes";
import { crc32 } from "./crc";

const EINVAL: u32 = 22;
const NHOFF = 0;
const THOFF = 2;
const N_PROTO = 10;
const FLAGS = 48;

@unmanaged
export class FlowFrames {
  @inline
  refused(cpu: i32, frame: i32, flags: i32): u32 {
    const errno = load<u32>(frame, L.FRAME_ERRNO);
    if (errno != 0) return errno;
    const len = load<u32>(frame, L.FRAME_LEN);
    return len < <u32>L.ETH_HLEN || len > <u32>L.FLOW_LEN_MAX ? EINVAL : 0;
  }

  @inline
  enter(cpu: i32): void {
    store<u64>(cpu, <u64><u32>(cpu + L.CPU_FLOW_KEYS), L.CPU_SKB + L.SKB_FLOW_KEYS);
  }

  @inline
  enterCopying(cpu: i32): void {}

  @inline
  place(cpu: i32, frame: i32, flags: i32): void {
    dissect(cpu, load<i32>(frame), load<i32>(frame, L.FRAME_LEN));
  }

  @inline
  copy(cpu: i32, frame: i32, flags: i32): void {
    const data = cpu + L.CPU_FRAME;
    const len = load<i32>(frame, L.FRAME_LEN);
    copyBytes(data, load<i32>(frame), len);
    dissect(cpu, data, len);
  }

  @inline
  ctx(cpu: i32): i32 {
    return cpu + L.CPU_SKB;
  }

  /** Offsets the program left outside the packet come back into it. */
  @inline
  classOf(cpu: i32, retval: u32): u32 {
    const keys = cpu + L.CPU_FLOW_KEYS;
    const len = <u32>(load<i32>(cpu, L.CPU_FRAME_END) - load<i32>(cpu, L.CPU_SKB + L.SKB_DATA));
    const nhoff = min<u32>(max<u32>(load<u16>(keys, NHOFF), L.ETH_HLEN), len);
    store<u16>(keys, <u16>nhoff, NHOFF);
    store<u16>(keys, <u16>min<u32>(max<u32>(load<u16>(keys, THOFF), nhoff), len), THOFF);
    return load<u8>(cpu + <i32>min<u32>(retval + 1, 255), L.CPU_VERDICT_CLASS);
  }

  @inline
  redirectOf(cpu: i32, retval: u32): i32 {
    return L.REDIRECT_NONE;
  }

  @inline
  len(cpu: i32, flags: i32): i32 {
    return L.FLOW_KEYS_SIZE;
  }

  @inline
  metaLen(cpu: i32): i32 {
    return 0;
  }

  @inline
  kept(cpu: i32, len: i32, retval: u32): i32 {
    return len;
  }

  @inline
  copyOut(cpu: i32, to: i32, len: i32, flags: i32): void {
    copyBytes(to, cpu + L.CPU_FLOW_KEYS, len);
  }

  @inline
  crc(cpu: i32, len: i32, flags: i32): u32 {
    return crc32(cpu + L.CPU_FLOW_KEYS, len);
  }

  @inline
  addToRow(cpu: i32, row: i32): void {}
}

@inline
function dissect(cpu: i32, eth: i32, len: i32): void {
  const keys = cpu + L.CPU_FLOW_KEYS;
  store<i32>(cpu, eth, L.CPU_SKB + L.SKB_DATA);
  store<i32>(cpu, eth + len, L.CPU_SKB + L.SKB_DATA_END);
  store<i32>(cpu, eth + len, L.CPU_FRAME_END);
  store<i32>(cpu, 0, L.CPU_TAIL_CALLS);
  zeroBytes(keys, L.FLOW_KEYS_SIZE);
  store<u16>(keys, L.ETH_HLEN, NHOFF);
  store<u16>(keys, L.ETH_HLEN, THOFF);
  store<u16>(keys, load<u16>(eth, 12), N_PROTO);
  store<u32>(keys, load<u32>(cpu, L.CPU_FLOW_FLAGS), FLAGS);
}
