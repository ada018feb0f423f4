// What the walker tells of each frame: its counters, a pcap record of the bytes as they left, a result row. `K` is the
// kind of frames.
import * as L from "../../memory/layout";
import { zeroBytes } from "./bytes";

const PCAP_RECORD: i32 = 16;

@inline
export function add64(at: i32, by: u64): void {
  store<u64>(at, load<u64>(at) + by);
}

@inline
export function countVerdict(cpu: i32, verdict: u32): void {
  add64(cpu + L.CPU_STAT_VERDICTS + (<i32>verdict << 3), 1);
}

/** Appends a pcap record if the verdict is among those asked for; the address of its bytes, or 0. */
export function writeOut<K>(cpu: i32, on: i32, frame: i32, ts: u64, retval: u32, verdict: u32, flags: i32): i32 {
  if (((load<u32>(cpu, L.CPU_WALK_OUT_MASK) >> verdict) & 1) == 0) return 0;
  const kind = changetype<K>(0);
  const pos = load<i32>(cpu, L.CPU_WALK_OUT_POS);
  const at = load<i32>(cpu, L.CPU_WALK_OUT) + pos;
  const whole = kind.len(on, flags);
  const len = (flags & L.WALK_KEPT) != 0 ? kind.kept(on, whole, retval) : whole;
  const rest = ts % 1000000000;
  store<u32>(at, <u32>(ts / 1000000000));
  store<u32>(at, <u32>((flags & L.WALK_OUT_NS) != 0 ? rest : rest / 1000), 4);
  store<i32>(at, len, 8);
  // what the capture had cut off stays cut off
  const cut = load<u32>(frame, L.FRAME_ORIG_LEN) - load<u32>(frame, L.FRAME_LEN);
  store<i32>(at, whole + max<i32>(cut, 0), 12);
  kind.copyOut(on, at + PCAP_RECORD, len, flags);
  store<i32>(cpu, pos + PCAP_RECORD + len, L.CPU_WALK_OUT_POS);
  return at + PCAP_RECORD;
}

@inline
function nextRow(cpu: i32): i32 {
  const index = load<i32>(cpu, L.CPU_WALK_ROWS_POS);
  store<i32>(cpu, index + 1, L.CPU_WALK_ROWS_POS);
  return load<i32>(cpu, L.CPU_WALK_ROWS) + index * L.ROW_SIZE;
}

@inline
function writeRowHead(row: i32, cpu: i32, on: i32, ts: u64): void {
  store<u32>(row, load<u32>(on, L.CPU_INDEX), L.ROW_CPU);
  store<u64>(row, load<u64>(cpu, L.CPU_WALK_PACKET), L.ROW_PACKET);
  store<u64>(row, ts, L.ROW_TS);
}

export function writeRow<K>(cpu: i32, on: i32, ts: u64, retval: u32, verdict: u32, out: i32, flags: i32): void {
  const kind = changetype<K>(0);
  const row = nextRow(cpu);
  const len = kind.len(on, flags);
  const redirect = kind.redirectOf(on, retval);
  store<u32>(row, retval, L.ROW_RETVAL);
  store<u32>(row, verdict, L.ROW_VERDICT);
  store<u32>(row, 0, L.ROW_ERRNO);
  store<i32>(row, len, L.ROW_LEN);
  store<u32>(row, (flags & L.WALK_CRC) != 0 ? kind.crc(on, len, flags) : 0, L.ROW_CRC32);
  store<i32>(row, kind.metaLen(on), L.ROW_META_LEN);
  store<i32>(row, redirect, L.ROW_REDIRECT_KIND);
  store<i32>(row, load<i32>(on, L.CPU_REDIRECT_MAP), L.ROW_REDIRECT_MAP);
  store<i32>(row, load<i32>(on, L.CPU_REDIRECT_INDEX), L.ROW_REDIRECT_INDEX);
  const ifindex = redirect == L.REDIRECT_CLONE ? load<i32>(on, L.CPU_SKB_CLONED_TO) : load<i32>(on, L.CPU_REDIRECT_IFINDEX);
  store<i32>(row, ifindex, L.ROW_REDIRECT_IFINDEX);
  store<i32>(row, out, L.ROW_OUT_ADDR);
  kind.addToRow(on, row);
  writeRowHead(row, cpu, on, ts);
}

export function writeErrorRow(cpu: i32, on: i32, frame: i32, ts: u64, errno: u32): void {
  const row = nextRow(cpu);
  zeroBytes(row, L.ROW_SIZE);
  store<u32>(row, errno, L.ROW_ERRNO);
  store<u32>(row, load<u32>(frame, L.FRAME_LEN), L.ROW_LEN);
  writeRowHead(row, cpu, on, ts);
}
