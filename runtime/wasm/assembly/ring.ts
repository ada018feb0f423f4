// RINGBUF: records of many producers in one ring, read in the order in which their room was taken.
// A record is a header word {length | bits u32, its distance from the map in 8 bytes u32} and the bytes; both start at a
// multiple of 8. Positions only grow; the ring is followed by as much memory again, so that a record that passes its end
// stays in one piece, and by a word for each header that says which packet of which CPU took the room.
//
// Producers (any CPU, any thread) are lock-free: taking room is one exchange of RING_PROD, committing is one store of
// the header. The room taken holds zeros until its header is written, and a zero header counts as busy: so the reader, who
// sees the position first, waits for the header. What was read is zeroed before RING_CONS is moved on; that store pairs
// with the producers' load of it. There is one reader at a time, the holder of RING_READER.
import * as L from "../../memory/layout";
import { alone } from "./alone";
import { copyBytes, zeroBytes } from "./bytes";
import { EAGAIN, EINVAL } from "./errno";
import { eventMark, putEvent } from "./event";
import { pause, stopping } from "./pause";

const BUSY: u32 = 1 << 31;
const DISCARD: u32 = 1 << 30;
const HEADER: u32 = 8;
const MOST: u64 = 0xffffffff / 4;
/** Looks at a full ring before the program is told: what is in the way may be busy for as long as its CPU is not run. */
const LOOKS_MOST: u32 = 1024;
const KNOWN_FLAGS: i64 = 3; // BPF_RB_NO_WAKEUP, BPF_RB_FORCE_WAKEUP: the reader comes after every packet anyway

const AVAIL_DATA: i64 = 0;
const RING_SIZE: i64 = 1;
const CONS_POS: i64 = 2;
const PROD_POS: i64 = 3;

@inline
function stepOf(size: u32): u32 {
  return (size + HEADER + 7) & ~7;
}

@inline
function headerAt(map: i32, pos: u64): i32 {
  return map + load<i32>(map, L.MAP_ELEMS_OFF) + (<i32>pos & (load<i32>(map, L.MAP_MAX_ENTRIES) - 1));
}

/** The word that belongs to a header. */
@inline
function markAt(map: i32, header: i32): i32 {
  return header - load<i32>(map, L.MAP_ELEMS_OFF) + load<i32>(map, L.MAP_INDEX_OFF);
}

/**
 * There was no room. Where CPUs have threads of their own, whoever finds the ring full reads it into its own buffer, as a
 * reader on another CPU would, and looks again; true if that may help. Where there is one thread the reader comes
 * between packets, and the program is told at once.
 */
export function makeRoomCold(cpu: i32, map: i32, looks: u32): bool {
  const helps = !alone() && load<u32>(L.WORLD_NCPUS) > 1 && load<i32>(cpu, L.CPU_EVENTS) != 0;
  if (helps && looks < LOOKS_MOST && !stopping()) {
    drain(cpu, map);
    pause(looks);
    return true;
  }
  atomic.add<u64>(map + L.RING_REFUSED, 1);
  return false;
}

/** Room for `size` bytes, busy until it is committed; 0 if there is not enough. */
function take(cpu: i32, map: i32, size: u64): i32 {
  const total = load<u32>(map, L.MAP_MAX_ENTRIES);
  if (size > MOST || stepOf(<u32>size) > total) return 0;
  const step: u64 = stepOf(<u32>size);
  for (let looks: u32 = 0; ; ) {
    // in this order: the reader is never ahead of the producers, and an old position of his only makes the ring look fuller
    const cons = atomic.load<u64>(map, L.RING_CONS);
    const prod = atomic.load<u64>(map, L.RING_PROD);
    if (prod + step - cons > <u64>(total - 1)) {
      if (!makeRoomCold(cpu, map, looks++)) return 0;
      continue;
    }
    if (atomic.cmpxchg<u64>(map + L.RING_PROD, prod, prod + step) != prod) continue;
    const header = headerAt(map, prod);
    store<u64>(markAt(map, header), eventMark(cpu));
    atomic.store<u64>(header, (<u64>(<u32>(header - map) >> 3) << 32) | <u64>(<u32>size | BUSY));
    return header + HEADER;
  }
}

/** Ends the record at `data`: from now on it can be read, or is passed by. */
@inline
function commit(data: i32, bits: u32): void {
  const header = data - HEADER;
  atomic.store<u64>(header, (load<u64>(header) & ~(<u64>BUSY)) | <u64>bits); // pairs with the load in read
}

export function ringbuf_reserve(cpu: i32, map: i64, size: i64, flags: i64): i64 {
  return flags != 0 ? 0 : <u32>take(cpu, <i32>map, <u64>size);
}

export function ringbuf_submit(cpu: i32, data: i64, flags: i64): i64 {
  commit(<i32>data, 0);
  return 0;
}

export function ringbuf_discard(cpu: i32, data: i64, flags: i64): i64 {
  commit(<i32>data, DISCARD);
  return 0;
}

export function ringbuf_output(cpu: i32, map: i64, data: i64, size: i64, flags: i64): i64 {
  if ((flags & ~KNOWN_FLAGS) != 0) return EINVAL;
  const at = take(cpu, <i32>map, <u64>size);
  if (at == 0) return EAGAIN;
  copyBytes(at, <i32>data, <i32>size);
  commit(at, 0);
  return 0;
}

export function ringbuf_query(cpu: i32, mapPtr: i64, what: i64): i64 {
  const map = <i32>mapPtr;
  const cons = atomic.load<u64>(map, L.RING_CONS);
  if (what == AVAIL_DATA) return atomic.load<u64>(map, L.RING_PROD) - cons;
  if (what == RING_SIZE) return load<u32>(map, L.MAP_MAX_ENTRIES);
  if (what == CONS_POS) return cons;
  return what == PROD_POS ? atomic.load<u64>(map, L.RING_PROD) : 0;
}

/** Moves what can be read into the CPU's event buffer; false if there was no room there for all of it. */
function read(on: i32, map: i32): bool {
  let cons = load<u64>(map, L.RING_CONS);
  while (true) {
    const header = headerAt(map, cons);
    const whole = atomic.load<u64>(header);
    const word = <u32>whole;
    if (whole == 0 || (word & BUSY) != 0) return true;
    const size = word & ~(BUSY | DISCARD);
    if ((word & DISCARD) == 0 && !putEvent(on, map, load<u64>(markAt(map, header)), cons, header + HEADER, size)) return false;
    const step = stepOf(size);
    zeroBytes(header, step);
    cons += step;
    atomic.store<u64>(map, cons, L.RING_CONS);
  }
}

/** One ring; another thread that is at it already takes our records along, now or the next time. */
function drain(on: i32, map: i32): bool {
  if (atomic.load<u64>(map, L.RING_PROD) == atomic.load<u64>(map, L.RING_CONS)) return true;
  if (atomic.cmpxchg<i32>(map + L.RING_READER, 0, 1) != 0) return true;
  const all = read(on, map);
  atomic.store<i32>(map, 0, L.RING_READER);
  return all;
}

/** All rings of the world into the CPU's event buffer, by its owner; false if it has no room for all of them. */
export function ringsRead(on: i32): bool {
  const count = load<u32>(L.WORLD_RING_COUNT);
  let all = true;
  for (let i: u32 = 0; i < count; i++) all = drain(on, load<i32>(L.WORLD_RINGS + (i << 2))) && all;
  return all;
}

/** For the host: after something ran that is no walk. 1 if all was moved. */
export function rings_read(on: i32): i32 {
  return i32(ringsRead(on));
}

/** For the host, while nothing runs: records that a stopped run has left busy are passed by. */
export function rings_abort(): void {
  const count = load<u32>(L.WORLD_RING_COUNT);
  for (let i: u32 = 0; i < count; i++) abort(load<i32>(L.WORLD_RINGS + (i << 2)));
}

function abort(map: i32): void {
  atomic.store<i32>(map, 0, L.RING_READER);
  const prod = load<u64>(map, L.RING_PROD);
  for (let pos = load<u64>(map, L.RING_CONS); pos < prod; ) {
    const header = headerAt(map, pos);
    const word = load<u32>(header);
    if ((word & BUSY) != 0) commit(header + HEADER, DISCARD);
    pos += stepOf(word & ~(BUSY | DISCARD));
  }
}
