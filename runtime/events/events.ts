// What programs send to user space, taken out of the CPUs' event buffers: perf records and printk lines.
// Kept up to a cap, counted beyond it, in the order they were made on each CPU.
import {
  CPU_EVENTS,
  CPU_EVENTS_LOST_PRINTK,
  CPU_EVENTS_RESERVE,
  CPU_EVENTS_SIZE,
  CPU_EVENTS_TAIL,
  EV_CPU,
  EV_DATA,
  EV_KIND,
  EV_LEN,
  EV_MAP,
  EV_PACKET,
  EV_POS,
  EV_PERF,
  EV_PRINTK,
  EV_RING,
  EV_SIZE,
  MAP_LOST,
  MAP_TYPE,
  RING_REFUSED,
} from "../memory/layout.ts";
import { MAP_TYPES } from "../../src/spec/map_types.ts";
import type { Sink } from "./reader.ts";
import type { World } from "../memory/world.ts";

const BUFFER_BYTES = 1 << 20;
/** One packet may fill this much before the walker stops for the buffer to be emptied. */
const RESERVE_BYTES = 256 << 10;

export interface EventRecord {
  /** index of the packet in the run, null when a timer callback sent it */
  readonly i: number | null;
  /** -1: a ring buffer does not say */
  readonly cpu: number;
  readonly bytes: Uint8Array;
}

/** Sent while no packet was being run: by `--init`, or by a timer. */
export const NO_PACKET = 0xffffffffffffffffn;

interface Kept<T> {
  readonly items: T[];
  lost: number;
}

/** What came out of a map, and what did not. */
export interface Sent {
  readonly items: readonly EventRecord[];
  /** found no room on their way here, or came after as many as are kept */
  readonly lost: number;
  /** of a ring buffer: records there was no room for in it; their programs were told */
  readonly refused?: number;
}

interface Found {
  readonly at: number;
  readonly packet: bigint;
  readonly map: number;
  readonly pos: number;
}

/** Positions wrap; what is compared lay in one ring at nearly the same time. */
function inOrder(a: Found, b: Found): number {
  if (a.packet !== b.packet) return a.packet < b.packet ? -1 : 1;
  return a.map - b.map || (a.pos - b.pos) | 0;
}

export class Events {
  readonly #world: World;
  readonly #keep: number;
  readonly #readRings: (cpu: number) => boolean;
  readonly #sinkOf: (map: number) => Sink | undefined;
  readonly printk: Kept<string> = { items: [], lost: 0 };
  /** by the address of the map's header */
  readonly #records = new Map<number, Kept<EventRecord>>();

  /** `readRings` moves what ring buffers hold into a CPU's event buffer; false where that was too small for all. */
  constructor(
    world: World,
    keep: number,
    readRings: (cpu: number) => boolean = () => true,
    sinkOf: (map: number) => Sink | undefined = () => undefined,
  ) {
    this.#world = world;
    this.#readRings = readRings;
    this.#sinkOf = sinkOf;
    this.#keep = keep;
    for (let i = 0; i < world.ncpus; i++) {
      const cpu = world.cpu(i);
      if (world.view.getUint32(cpu + CPU_EVENTS, true) === 0) {
        const buffer = world.alloc(BUFFER_BYTES);
        world.view.setUint32(cpu + CPU_EVENTS, buffer, true);
      }
      const { view } = world;
      view.setUint32(cpu + CPU_EVENTS_SIZE, BUFFER_BYTES, true);
      view.setUint32(cpu + CPU_EVENTS_RESERVE, RESERVE_BYTES, true);
      view.setUint32(cpu + CPU_EVENTS_TAIL, 0, true);
      view.setBigUint64(cpu + CPU_EVENTS_LOST_PRINTK, 0n, true);
    }
  }

  /** What was sent to a PERF_EVENT_ARRAY or RINGBUF. */
  recordsOf(map: number): Sent {
    const { items, lost } = this.#keptOf(map);
    const { view } = this.#world;
    const count = (word: number): number => Number(view.getBigUint64(map + word, true));
    const isRing = view.getUint32(map + MAP_TYPE, true) === MAP_TYPES.ringbuf.id;
    return { items, lost: lost + count(MAP_LOST), ...(isRing ? { refused: count(RING_REFUSED) } : {}) };
  }

  #keptOf(map: number): Kept<EventRecord> {
    let kept = this.#records.get(map);
    if (kept === undefined) {
      kept = { items: [], lost: 0 };
      this.#records.set(map, kept);
    }
    return kept;
  }

  /** Takes all records out of the ring buffers too, which belong to no CPU. While nothing runs. */
  drainAll(): void {
    this.drain();
    for (;;) {
      const all = this.#readRings(this.#world.cpu(0));
      this.drainCpu(0);
      if (all) return;
    }
  }

  /**
   * Takes all records out of every CPU's buffer, by packet; what a timer sent comes behind its CPU's last packet. Records of
   * one packet may have been read out of their ring by different CPUs: they come as they lay in it.
   */
  drain(): void {
    const { ncpus, view, bytes } = this.#world;
    if (ncpus === 1) return this.drainCpu(0);
    const found: Found[] = [];
    for (let i = 0; i < ncpus; i++) {
      let last = -1n;
      for (const at of this.#recordsOf(i)) {
        const packet = view.getBigUint64(at + EV_PACKET, true);
        if (packet !== NO_PACKET) last = packet;
        const [map, pos] = [view.getUint32(at + EV_MAP, true), view.getUint32(at + EV_POS, true)];
        found.push({ at, packet: last, map, pos });
      }
    }
    found.sort(inOrder);
    for (const { at } of found) this.#take(view, bytes, at);
    for (let i = 0; i < ncpus; i++) this.#empty(i);
  }

  /** Of one CPU, by its owner. */
  drainCpu(index: number): void {
    const { view, bytes } = this.#world;
    for (const at of this.#recordsOf(index)) this.#take(view, bytes, at);
    this.#empty(index);
  }

  /** Addresses of the records in a CPU's buffer. */
  *#recordsOf(index: number): Generator<number> {
    const cpu = this.#world.cpu(index);
    const { view } = this.#world;
    const start = view.getUint32(cpu + CPU_EVENTS, true);
    const tail = view.getUint32(cpu + CPU_EVENTS_TAIL, true);
    for (let at = start; at < start + tail; at += view.getUint32(at + EV_SIZE, true)) yield at;
  }

  #empty(index: number): void {
    const cpu = this.#world.cpu(index);
    const { view } = this.#world;
    view.setUint32(cpu + CPU_EVENTS_TAIL, 0, true);
    this.printk.lost += Number(view.getBigUint64(cpu + CPU_EVENTS_LOST_PRINTK, true));
    view.setBigUint64(cpu + CPU_EVENTS_LOST_PRINTK, 0n, true);
  }

  /** What another thread has taken out of a CPU's buffer, as it lay there. */
  takeRecords(bytes: Uint8Array, lostPrintk: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at < bytes.length; at += view.getUint32(at + EV_SIZE, true)) this.#take(view, bytes, at);
    this.printk.lost += lostPrintk;
  }

  #take(view: DataView, bytes: Uint8Array, at: number): void {
    const kind = view.getUint32(at + EV_KIND, true);
    const len = view.getUint32(at + EV_LEN, true);
    if (kind === EV_PERF || kind === EV_RING) {
      const packet = view.getBigUint64(at + EV_PACKET, true);
      const map = view.getUint32(at + EV_MAP, true);
      const make = () => ({
        i: packet === NO_PACKET ? null : Number(packet),
        cpu: kind === EV_RING ? -1 : view.getUint32(at + EV_CPU, true),
        bytes: bytes.slice(at + EV_DATA, at + EV_DATA + len),
      });
      const sink = this.#sinkOf(map);
      if (sink === undefined) this.#add(this.#keptOf(map), make);
      else sink.put(make());
    } else if (kind === EV_PRINTK) {
      this.#add(this.printk, () =>
        Buffer.from(bytes.slice(at + EV_DATA, at + EV_DATA + len))
          .toString("latin1")
          .replace(/\n$/, ""),
      );
    } else {
      throw new Error(`event record of kind ${kind} at ${at}`);
    }
  }

  #add<T>(kept: Kept<T>, make: () => T): void {
    if (kept.items.length < this.#keep) kept.items.push(make());
    else kept.lost++;
  }
}
