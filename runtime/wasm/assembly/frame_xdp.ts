// Frames for XDP programs: what of a frame is refused, how it becomes an xdp_md, what it is when the program is done.
// One of the kinds of frames that the walker's loops take as their type; `this` is nothing.
import * as L from "../../memory/layout";
import { copyBytes } from "./bytes";
import { crc32 } from "./crc";

const EINVAL: u32 = 22;
const ENOMEM: u32 = 12;
const REDIRECT: u32 = 4;
const UNKNOWN: u32 = 5;

@unmanaged
export class XdpFrames {
  /** 0, or the errno a test run would give. */
  @inline
  refused(cpu: i32, frame: i32, flags: i32): u32 {
    const errno = load<u32>(frame, L.FRAME_ERRNO);
    if (errno != 0) return errno;
    const len = load<u32>(frame, L.FRAME_LEN);
    return len < <u32>L.ETH_HLEN ? EINVAL : len > <u32>L.XDP_LEN_MAX ? ENOMEM : 0;
  }

  /** Before the frames of a loop come in place. */
  @inline
  enter(cpu: i32): void {}

  /** Before the frames of a loop are copied: the frame buffer is the frame's page, set once for a CPU. */
  @inline
  enterCopying(cpu: i32): void {
    store<i32>(cpu, cpu + L.CPU_FRAME, L.CPU_HARD_START);
    store<i32>(cpu, cpu + L.CPU_FRAME + L.XDP_HEADROOM + L.XDP_LINEAR_MAX, L.CPU_HARD_END);
  }

  @inline
  place(cpu: i32, frame: i32, flags: i32): void {
    setFrame(cpu, load<i32>(frame), load<i32>(frame, L.FRAME_LEN));
  }

  @inline
  copy(cpu: i32, frame: i32, flags: i32): void {
    const data = cpu + L.CPU_FRAME + L.XDP_HEADROOM;
    const len = load<i32>(frame, L.FRAME_LEN);
    if ((flags & L.WALK_HEADROOM) != 0) {
      for (let p = cpu + L.CPU_FRAME; p != data; p += 16) v128.store(p, v128.splat<i64>(0));
    }
    copyBytes(data, load<i32>(frame), len);
    setFrame(cpu, data, len);
  }

  @inline
  ctx(cpu: i32): i32 {
    return cpu;
  }

  /** Number of the verdict's counter. */
  @inline
  classOf(cpu: i32, retval: u32): u32 {
    return min(retval, UNKNOWN);
  }

  @inline
  redirectOf(cpu: i32, retval: u32): i32 {
    return retval == REDIRECT ? load<i32>(cpu, L.CPU_REDIRECT_KIND) : L.REDIRECT_NONE;
  }

  /** Bytes as they left, metadata first. */
  @inline
  len(cpu: i32, flags: i32): i32 {
    return load<i32>(cpu, L.CPU_FRAME_END) - load<i32>(cpu, L.CPU_CTX_DATA_META);
  }

  @inline
  metaLen(cpu: i32): i32 {
    return load<i32>(cpu, L.CPU_CTX_DATA) - load<i32>(cpu, L.CPU_CTX_DATA_META);
  }

  @inline
  kept(cpu: i32, len: i32, retval: u32): i32 {
    return len;
  }

  @inline
  copyOut(cpu: i32, to: i32, len: i32, flags: i32): void {
    copyBytes(to, load<i32>(cpu, L.CPU_CTX_DATA_META), len);
  }

  @inline
  crc(cpu: i32, len: i32, flags: i32): u32 {
    return crc32(load<i32>(cpu, L.CPU_CTX_DATA_META), len);
  }

  /** Fields of a row that this kind alone has. */
  @inline
  addToRow(cpu: i32, row: i32): void {}
}

@inline
function setFrame(cpu: i32, data: i32, len: i32): void {
  store<i32>(cpu, data, L.CPU_CTX_DATA);
  store<i32>(cpu, data + min<i32>(len, L.XDP_LINEAR_MAX), L.CPU_CTX_DATA_END);
  store<i32>(cpu, data, L.CPU_CTX_DATA_META);
  store<i32>(cpu, data + len, L.CPU_FRAME_END);
  store<i32>(cpu, 0, L.CPU_TAIL_CALLS);
}
