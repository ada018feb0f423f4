// Ring buffers: the kernel's arithmetic of room, records out in order, one thread.
import { describe, expect, it } from "vitest";
import * as L from "../../runtime/memory/layout.ts";
import { Rng } from "../harness/random_builder.ts";
import { hex, TestWorld } from "./world.ts";

const EAGAIN = -11n;
const EINVAL = -22n;
const EVENTS = 1 << 16;

/** A world with one ring that is listed, and CPU 0's event buffer. */
function ringWorld(maxEntries = 4096, events = EVENTS) {
  const w = new TestWorld();
  const map = w.map({ type: "ringbuf", keySize: 0, valueSize: 0, maxEntries });
  w.view.setUint32(L.WORLD_RINGS, map.addr, true);
  w.view.setUint32(L.WORLD_RING_COUNT, 1, true);
  const cpu = w.cpuBlock(0);
  w.view.setUint32(cpu + L.CPU_EVENTS, w.alloc(events), true);
  w.view.setUint32(cpu + L.CPU_EVENTS_SIZE, events, true);
  w.view.setBigUint64(cpu + L.CPU_PACKET, 77n, true);
  const call = (name: string, ...args: (bigint | number)[]) => w.call(name, args);
  return {
    w,
    map,
    reserve: (size: number, flags = 0) => Number(call("ringbuf_reserve", map.addr, size, flags)),
    submit: (at: number) => call("ringbuf_submit", at, 0),
    discard: (at: number) => call("ringbuf_discard", at, 0),
    output: (bytes: Uint8Array, flags: bigint | number = 0) =>
      call("ringbuf_output", map.addr, w.put(bytes), bytes.length, flags),
    query: (what: number) => call("ringbuf_query", map.addr, what),
    /** what has come out since the last time, in hex; `all` is false where the buffer was too small */
    read: () => {
      const all = w.lib.rings_read(cpu) !== 0;
      const start = w.view.getUint32(cpu + L.CPU_EVENTS, true);
      const end = start + w.view.getUint32(cpu + L.CPU_EVENTS_TAIL, true);
      const records: string[] = [];
      for (let at = start; at < end; at += w.view.getUint32(at + L.EV_SIZE, true)) {
        expect(w.view.getUint32(at + L.EV_KIND, true)).toBe(L.EV_RING);
        expect(w.view.getBigUint64(at + L.EV_PACKET, true)).toBe(77n);
        expect(w.view.getUint32(at + L.EV_CPU, true)).toBe(0);
        records.push(
          hex(w.bytes.slice(at + L.EV_DATA, at + L.EV_DATA + w.view.getUint32(at + L.EV_LEN, true))),
        );
      }
      w.view.setUint32(cpu + L.CPU_EVENTS_TAIL, 0, true);
      return { all, records };
    },
  };
}

describe("ring buffer", () => {
  it("has room for all but its last 8 bytes", () => {
    for (const [size, fits] of [
      [4080, true],
      [4081, false],
      [4088, false],
      [4096, false],
      [0x3fffffff, false],
      [0x40000000, false],
    ] as const)
      expect(ringWorld().reserve(size) !== 0).toBe(fits);
    expect(ringWorld().reserve(8, 1)).toBe(0);
  });

  it("says how full it is", () => {
    const r = ringWorld();
    expect([0, 1, 2, 3, 4].map(r.query)).toEqual([0n, 4096n, 0n, 0n, 0n]);
    r.submit(r.reserve(5));
    r.discard(r.reserve(8));
    expect([0, 2, 3].map(r.query)).toEqual([32n, 0n, 32n]);
    expect(r.read()).toEqual({ all: true, records: ["0000000000"] });
    expect([0, 2, 3].map(r.query)).toEqual([0n, 32n, 32n]);
  });

  it("takes the flags for waking the reader and no others", () => {
    const r = ringWorld();
    const bytes = Uint8Array.of(1, 2, 3);
    expect([0, 1, 2, 3].map((flags) => r.output(bytes, flags))).toEqual([0n, 0n, 0n, 0n]);
    expect([4, 8, 1n << 40n].map((flags) => r.output(bytes, flags))).toEqual([EINVAL, EINVAL, EINVAL]);
    expect(r.read().records).toEqual(Array(4).fill("010203"));
  });

  it("gives records out in the order of their room, none behind a busy one", () => {
    const r = ringWorld();
    const first = r.reserve(4);
    expect(r.output(Uint8Array.of(2))).toBe(0n);
    expect(r.read().records).toEqual([]);
    r.submit(first);
    expect(r.read().records).toEqual(["00000000", "02"]);
  });

  it("counts as full while an old record is busy, and not when it is read", () => {
    const r = ringWorld();
    const first = r.reserve(16);
    for (let i = 0; i < 7; i++) expect(r.output(new Uint8Array(500))).toBe(0n);
    expect(r.output(new Uint8Array(500))).toBe(EAGAIN);
    r.discard(first);
    expect(r.output(new Uint8Array(500))).toBe(EAGAIN);
    expect(r.read().records).toHaveLength(7);
    expect(r.output(new Uint8Array(500))).toBe(0n);
  });

  it("keeps every byte over many rounds, past its end and back", () => {
    const r = ringWorld();
    const rng = new Rng(3);
    const want: string[] = [];
    let used = 0;
    for (let i = 0; i < 20_000; i++) {
      const bytes = Uint8Array.from({ length: rng.below(300) }, () => rng.below(256));
      const step = (bytes.length + 15) & ~7;
      const fits = used + step < 4096;
      switch (rng.below(3)) {
        case 0: {
          const at = r.reserve(bytes.length);
          expect(at !== 0).toBe(fits);
          if (!fits) break;
          expect(r.w.bytes.subarray(at, at + bytes.length).every((b) => b === 0)).toBe(true);
          r.w.bytes.set(bytes, at);
          if (rng.chance(70)) {
            r.submit(at);
            want.push(hex(bytes));
          } else r.discard(at);
          used += step;
          break;
        }
        case 1: {
          const at = r.w.scratch(300);
          r.w.bytes.set(bytes, at);
          expect(r.w.call("ringbuf_output", [r.map.addr, at, bytes.length, 0])).toBe(fits ? 0n : EAGAIN);
          if (fits) {
            want.push(hex(bytes));
            used += step;
          }
          break;
        }
        default:
          if (rng.chance(70)) break;
          expect(r.read()).toEqual({ all: true, records: want.splice(0) });
          used = 0;
      }
    }
  });

  it("keeps what the event buffer has no room for, and counts as lost what it never will have", () => {
    const r = ringWorld(8192, 1024);
    for (let i = 0; i < 3; i++) r.output(Uint8Array.from({ length: 400 }, () => i));
    expect(r.read()).toMatchObject({ all: false, records: { length: 2 } });
    expect(r.read()).toMatchObject({ all: true, records: { length: 1 } });
    r.output(new Uint8Array(2000));
    r.output(Uint8Array.of(9));
    expect(r.read()).toEqual({ all: true, records: ["09"] });
    expect(r.w.view.getBigUint64(r.map.addr + L.MAP_LOST, true)).toBe(1n);
  });

  it("passes by what a stopped run has left busy", () => {
    const r = ringWorld();
    r.output(Uint8Array.of(1));
    r.reserve(100);
    r.output(Uint8Array.of(2));
    expect(r.read().records).toEqual(["01"]);
    r.w.lib.rings_abort();
    expect(r.read().records).toEqual(["02"]);
    expect(r.query(0)).toBe(0n);
  });
});
