// Event records of one CPU: appended by the thread that runs the CPU, taken by the host between two calls of the walker.
// A record that does not fit is counted as lost; the program is not told, as with a reader that keeps up.
import * as L from "../../memory/layout";
import { copyBytes } from "./bytes";
import { E2BIG, EFAULT, EINVAL, ENOENT, EOPNOTSUPP } from "./errno";
import { round8 } from "./value";

const INDEX_MASK: u64 = 0xffffffff;
const CTXLEN_MASK: u64 = 0xfffff00000000;
const CURRENT_CPU: u32 = 0xffffffff;

/** The lower 56 bits of a mark: a packet of the run, or none. */
const PACKET_MASK: u64 = 0x00ffffffffffffff;

@inline
function packetOf(cpu: i32): u64 {
  // a callback that runs between packets belongs to none
  return (load<u64>(cpu, L.CPU_CUR_TIMER) | load<u64>(cpu, L.CPU_CUR_WORK)) == 0 ? load<u64>(cpu, L.CPU_PACKET) : ~0;
}

/** Which packet of which CPU this is, in one word. */
@inline
export function eventMark(cpu: i32): u64 {
  return (<u64>load<u32>(cpu, L.CPU_INDEX) << 56) | (packetOf(cpu) & PACKET_MASK);
}

/** A record of another time or CPU, as its mark says, that lay at `pos` of its ring. False if there will be room for it once the buffer is empty. */
export function putEvent(on: i32, map: i32, mark: u64, pos: u64, data: i32, len: u32): bool {
  const tail = load<u32>(on, L.CPU_EVENTS_TAIL);
  if (tail != 0 && <u64>len + L.EV_DATA + 7 > <u64>(load<u32>(on, L.CPU_EVENTS_SIZE) - tail)) return false;
  const ev = beginEvent(on, L.EV_RING, map, len);
  if (ev == 0) return true;
  const packet = mark & PACKET_MASK;
  store<u64>(ev, packet == PACKET_MASK ? ~0 : packet, L.EV_PACKET);
  store<u32>(ev, <u32>(mark >> 56), L.EV_CPU);
  store<u32>(ev, <u32>(pos >> 3), L.EV_POS);
  copyBytes(ev + L.EV_DATA, data, len);
  return true;
}

/** Room for a record with `len` bytes of data, its header filled in; 0 if it does not fit. */
export function beginEvent(cpu: i32, kind: i32, map: i32, len: u64): i32 {
  const tail = load<u32>(cpu, L.CPU_EVENTS_TAIL);
  const size = load<u32>(cpu, L.CPU_EVENTS_SIZE);
  const need: u64 = (<u64>L.EV_DATA + len + 7) & ~7;
  if (load<i32>(cpu, L.CPU_EVENTS) == 0 || need > <u64>(size - tail)) {
    if (kind != L.EV_PRINTK) atomic.add<u64>(map + L.MAP_LOST, 1);
    else store<u64>(cpu, load<u64>(cpu, L.CPU_EVENTS_LOST_PRINTK) + 1, L.CPU_EVENTS_LOST_PRINTK);
    return 0;
  }
  const ev = load<i32>(cpu, L.CPU_EVENTS) + tail;
  store<u32>(ev, <u32>need, L.EV_SIZE);
  store<i32>(ev, kind, L.EV_KIND);
  store<u64>(ev, packetOf(cpu), L.EV_PACKET);
  store<u64>(ev, load<u64>(cpu, L.CPU_MONOTONIC), L.EV_TIME);
  store<u32>(ev, load<u32>(cpu, L.CPU_INDEX), L.EV_CPU);
  store<i32>(ev, map, L.EV_MAP);
  store<u32>(ev, <u32>len, L.EV_LEN);
  store<u32>(ev, 0, L.EV_POS);
  store<u32>(cpu, tail + <u32>need, L.CPU_EVENTS_TAIL);
  return ev;
}

/** The slots of CPUs that there are hold an event of that CPU, as when a reader has opened the buffer. */
function slotError(map: i32, cpu: i32, index: u32): i64 {
  if (index >= load<u32>(map, L.MAP_MAX_ENTRIES)) return E2BIG;
  if (index >= load<u32>(map, L.MAP_NCPUS)) return ENOENT;
  return index == load<u32>(cpu, L.CPU_INDEX) ? 0 : EOPNOTSUPP;
}

export function perf_event_output(cpu: i32, ctx: i64, mapPtr: i64, flags: i64, data: i64, size: i64): i64 {
  if ((<u64>flags & ~(INDEX_MASK | CTXLEN_MASK)) != 0) return EINVAL;
  const fromPacket = <u32>((<u64>flags & CTXLEN_MASK) >> 32);
  // of the two contexts there are, an xdp_md begins the CPU block
  const start = <i32>ctx == cpu ? load<u32>(cpu, L.CPU_CTX_DATA) : load<u32>(cpu, L.CPU_SKB + L.SKB_DATA);
  if (fromPacket > load<u32>(cpu, L.CPU_FRAME_END) - start) return EFAULT;
  const index = <u32>flags == CURRENT_CPU ? load<u32>(cpu, L.CPU_INDEX) : <u32>flags;
  const why = slotError(<i32>mapPtr, cpu, index);
  if (why != 0) return why;
  const own = <u32>size;
  const ev = beginEvent(cpu, L.EV_PERF, <i32>mapPtr, <u64>own + <u64>fromPacket);
  if (ev == 0) return 0;
  copyBytes(ev + L.EV_DATA, <i32>data, own);
  copyBytes(ev + L.EV_DATA + own, start, fromPacket);
  return 0;
}
