// The walker: what each option writes, where it stops, and that it goes on from there.
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import * as L from "../../runtime/memory/layout.ts";
import { type Prog, TestWorld, hex } from "./world.ts";
import { walkFrames } from "./walk_frames.ts";

/** Node 20 has no zlib.crc32 before 20.15; a table-free one does for tests. */
function crcOf(bytes: Uint8Array): number {
  if (typeof crc32 === "function") return crc32(bytes);
  let c = ~0;
  for (const b of bytes) {
    c ^= b;
    for (let k = 0; k < 8; k++) c = (c & 1) !== 0 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  }
  return ~c >>> 0;
}

class Walk {
  readonly world: TestWorld;
  readonly cpu: number;
  readonly rows: number;
  readonly out: number;

  constructor(prog: Prog, { ncpus = 1, rowsCap = 100, outSize = 1 << 20 } = {}) {
    this.world = new TestWorld({ prog, ncpus, pages: 64 });
    this.cpu = this.world.cpuBlock(0);
    this.rows = this.world.alloc(rowsCap * L.ROW_SIZE);
    this.out = this.world.alloc(outSize);
    this.set(L.CPU_WALK_ROWS, this.rows);
    this.set(L.CPU_WALK_ROWS_CAP, rowsCap);
    this.set(L.CPU_WALK_OUT, this.out);
    this.set(L.CPU_WALK_OUT_SIZE, outSize);
    this.set(L.CPU_WALK_OUT_MASK, 0x3f);
  }

  set(off: number, value: number): void {
    this.world.view.setUint32(this.cpu + off, value, true);
  }

  get(off: number): number {
    return this.world.view.getUint32(this.cpu + off, true);
  }

  frame(len: number, seed = 1): { at: number; len: number; bytes: Uint8Array } {
    const bytes = Uint8Array.from({ length: len }, (_, i) => (i * 7 + seed) & 255);
    return { at: this.world.put(bytes), len, bytes };
  }

  row(i: number, off: number): number {
    return this.world.view.getUint32(this.rows + i * L.ROW_SIZE + off, true);
  }

  stats(): number[] {
    const at = (off: number): number => Number(this.world.view.getBigUint64(this.cpu + off, true));
    const verdicts = [0, 1, 2, 3, 4, 5].map((v) => at(L.CPU_STAT_VERDICTS + v * 8));
    return [at(L.CPU_STAT_PACKETS), at(L.CPU_STAT_ERRORS), at(L.CPU_STAT_BYTES), ...verdicts];
  }
}

const LOOPS = {
  "in place": 0,
  copying: L.WALK_COPY,
  full: L.WALK_ROWS,
  "full, copying": L.WALK_ROWS | L.WALK_COPY,
};

describe.each(Object.entries(LOOPS))("loop %s", (_, flags) => {
  it("counts verdicts, bytes and frames that cannot run; the program sees the frame", () => {
    const seen: string[] = [];
    const results = [1n, 2n, 77n, 0n, -1n];
    const walk: Walk = new Walk((cpu, fp, ctx) => {
      expect(fp).toBe(cpu + L.CPU_STACK_TOP);
      expect(ctx).toBe(BigInt(cpu + L.CPU_CTX));
      const { view, bytes } = walk.world;
      const [data, end] = [view.getUint32(cpu, true), view.getUint32(cpu + 4, true)];
      expect(view.getUint32(cpu + L.CPU_CTX_DATA_META, true)).toBe(data);
      expect(view.getUint32(cpu + L.CPU_CTX_INGRESS_IFINDEX, true)).toBe(1);
      expect(view.getUint32(cpu + L.CPU_TAIL_CALLS, true)).toBe(0);
      view.setUint32(cpu + L.CPU_TAIL_CALLS, 5, true);
      seen.push(hex(bytes.slice(data, end)));
      return results.shift() ?? 2n;
    });
    const frames = [60, 14, 13, 61, 64, 3520, 100].map((n) => walk.frame(n, n));
    const taken = walkFrames(
      walk.world,
      [...frames, { ...walk.frame(60), errno: 22 }, { at: frames[0]?.at ?? 0, len: 73153 }],
      flags,
    );
    expect(taken).toBe(9);
    expect(seen).toEqual(frames.filter((f) => f.len >= 14).map((f) => hex(f.bytes)));
    const bytes = frames.reduce((n, f) => n + f.len, 60 + 73153);
    // results: DROP, PASS, 77, ABORTED, -1, PASS
    expect(walk.stats()).toEqual([9, 3, bytes, 1, 1, 2, 0, 0, 2]);
    expect(walk.get(L.CPU_WALK_REASON)).toBe(L.WALK_DONE);
    walk.world.lib.stats_reset(walk.cpu);
    expect(walk.stats()).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it("stops at the budget and at the stop word, and goes on", () => {
    let ran = 0;
    const walk: Walk = new Walk(() => {
      if (++ran === 5) walk.world.view.setUint32(L.WORLD_STOP, 1, true);
      return 2n;
    });
    const frames = Array.from({ length: 8 }, () => walk.frame(60));
    expect(walkFrames(walk.world, frames, flags, 3)).toBe(3);
    expect(walk.get(L.CPU_WALK_REASON)).toBe(L.WALK_BUDGET);
    expect(walk.world.lib.walk(walk.cpu, flags, 100)).toBe(2);
    expect([ran, walk.get(L.CPU_WALK_REASON), walk.get(L.CPU_WALK_POS)]).toEqual([5, L.WALK_STOPPED, 5]);
    walk.world.view.setUint32(L.WORLD_STOP, 0, true);
    expect(walk.world.lib.walk(walk.cpu, flags, 100)).toBe(3);
    expect(walk.get(L.CPU_WALK_REASON)).toBe(L.WALK_DONE);
    expect(walk.world.lib.walk(walk.cpu, flags, 100)).toBe(0);
  });

  it("a program that traps leaves the position at its frame", () => {
    const walk: Walk = new Walk(() => {
      if (walk.get(L.CPU_WALK_POS) === 3) throw new Error("trap");
      return 2n;
    });
    expect(() =>
      walkFrames(
        walk.world,
        Array.from({ length: 8 }, () => walk.frame(60)),
        flags,
      ),
    ).toThrow("trap");
    expect(walk.get(L.CPU_WALK_POS)).toBe(3);
    expect(walk.stats()[0]).toBe(3);
  });

  it("rounds: the clock goes on by the round's length", () => {
    const seen: bigint[] = [];
    const walk: Walk = new Walk((cpu) => {
      seen.push(
        walk.world.call("ktime_get_tai_ns", [], cpu),
        walk.world.call("ktime_get_ns", [], cpu) - 1_000_000_000n,
      );
      return 2n;
    });
    walk.set(L.CPU_WALK_ROUNDS, 2);
    walk.set(L.CPU_WALK_ROUND_NS, 100);
    walk.set(L.CPU_WALK_TS_OFFSET, 5);
    const frames = [1000n, 1010n, 1005n].map((ts) => ({ ...walk.frame(60), ts }));
    expect(walkFrames(walk.world, frames, flags | L.WALK_CLOCK)).toBe(6);
    expect(seen.map(Number)).toEqual([1005, 0, 1015, 10, 1015, 10, 1105, 100, 1115, 110, 1115, 110]);
  });
});

describe("rows, crc, output", () => {
  it("rows say how a frame left", () => {
    const walk: Walk = new Walk((cpu) => {
      const i = walk.get(L.CPU_WALK_POS);
      if (i === 0) {
        walk.world.call("xdp_adjust_meta", [cpu, -4], cpu);
        const meta = walk.world.view.getUint32(cpu + L.CPU_CTX_DATA_META, true);
        walk.world.view.setUint32(meta, 0x04030201, true);
        return walk.world.call("redirect", [9, 0], cpu);
      }
      if (i === 1) walk.world.call("xdp_adjust_head", [cpu, -2], cpu);
      return i === 1 ? 77n : 4n;
    });
    const frames = [walk.frame(60), walk.frame(61), walk.frame(5), walk.frame(5000)];
    const ts = 1_700_000_000_123_456_789n;
    walkFrames(
      walk.world,
      frames.map((f) => ({ ...f, ts })),
      L.WALK_COPY | L.WALK_HEADROOM | L.WALK_ROWS | L.WALK_CRC | L.WALK_OUT,
    );
    const all = [0, 1, 2, 3].map((i) =>
      [
        L.ROW_RETVAL,
        L.ROW_VERDICT,
        L.ROW_ERRNO,
        L.ROW_LEN,
        L.ROW_META_LEN,
        L.ROW_REDIRECT_KIND,
        L.ROW_PACKET,
      ].map((o) => walk.row(i, o)),
    );
    expect(all).toEqual([
      [4, 4, 0, 64, 4, L.REDIRECT_IFINDEX, 0],
      [77, 5, 0, 63, 0, L.REDIRECT_NONE, 1],
      [0, 0, 22, 5, 0, 0, 2],
      [4, 4, 0, 5000, 0, L.REDIRECT_NONE, 3],
    ]);
    expect(walk.row(0, L.ROW_REDIRECT_IFINDEX)).toBe(9);
    const want = [
      Uint8Array.of(1, 2, 3, 4, ...(frames[0]?.bytes ?? [])),
      Uint8Array.of(0, 0, ...(frames[1]?.bytes ?? [])),
      undefined,
      frames[3]?.bytes,
    ];
    for (const [i, bytes] of want.entries()) {
      const at = walk.row(i, L.ROW_OUT_ADDR);
      if (bytes === undefined) {
        expect(at).toBe(0);
        continue;
      }
      expect(walk.row(i, L.ROW_CRC32)).toBe(crcOf(bytes));
      expect(hex(walk.world.bytes.slice(at, at + bytes.length))).toBe(hex(bytes));
      const head = [0, 4, 8, 12].map((o) => walk.world.view.getUint32(at - 16 + o, true));
      expect(head).toEqual([1_700_000_000, 123_456, bytes.length, bytes.length]);
    }
  });

  it("crc32 of every length", () => {
    const walk = new Walk(() => 2n, { rowsCap: 200 });
    const frames = Array.from({ length: 100 }, (_, i) => walk.frame(14 + i, i));
    walkFrames(walk.world, frames, L.WALK_ROWS | L.WALK_CRC);
    expect(frames.map((_, i) => walk.row(i, L.ROW_CRC32))).toEqual(frames.map((f) => crcOf(f.bytes)));
  });

  it("writes the verdicts asked for, in ns if asked for", () => {
    const walk: Walk = new Walk(() => BigInt(walk.get(L.CPU_WALK_POS)));
    walk.set(L.CPU_WALK_OUT_MASK, (1 << 2) | (1 << 5));
    const frames = Array.from({ length: 8 }, () => ({ ...walk.frame(60), ts: 1_000_000_007n }));
    walkFrames(walk.world, frames, L.WALK_ROWS | L.WALK_OUT | L.WALK_OUT_NS);
    expect(frames.map((_, i) => walk.row(i, L.ROW_OUT_ADDR) !== 0)).toEqual([
      false,
      false,
      true,
      false,
      false,
      true,
      true,
      true,
    ]);
    expect(walk.get(L.CPU_WALK_OUT_POS)).toBe(4 * 76);
    expect(walk.world.view.getUint32(walk.out + 4, true)).toBe(7);
  });

  it("stops when rows, output or events are nearly full, and loses nothing", () => {
    const walk: Walk = new Walk(
      (cpu) => {
        const map = walk.get(1000);
        walk.world.call("perf_event_output", [0, map, 0xffffffffn, cpu + L.CPU_WALK_PACKET, 8], cpu);
        return 2n;
      },
      { rowsCap: 7, outSize: L.WALK_OUT_RESERVE + 300 },
    );
    const { world, cpu } = walk;
    world.view.setUint32(cpu + 1000, world.map({ type: "perf_event_array", valueSize: 4 }).addr, true);
    const events = world.alloc(512);
    walk.set(L.CPU_EVENTS, events);
    walk.set(L.CPU_EVENTS_SIZE, 512);
    walk.set(L.CPU_EVENTS_RESERVE, 100);
    const flags = L.WALK_ROWS | L.WALK_OUT | L.WALK_EVENTS;
    let taken = walkFrames(
      world,
      Array.from({ length: 50 }, () => walk.frame(60)),
      flags,
    );
    const reasons = new Set<number>();
    const packets: number[] = [];
    for (;;) {
      const reason = walk.get(L.CPU_WALK_REASON);
      reasons.add(reason);
      const full = reason === L.WALK_DONE ? -1 : reason;
      if (full === L.WALK_ROWS_FULL || full === -1) walk.set(L.CPU_WALK_ROWS_POS, 0);
      if (full === L.WALK_OUT_FULL || full === -1) walk.set(L.CPU_WALK_OUT_POS, 0);
      if (full === L.WALK_EVENTS_FULL || full === -1) {
        for (let p = 0; p < walk.get(L.CPU_EVENTS_TAIL); p += 48)
          packets.push(Number(world.view.getBigUint64(events + p + L.EV_PACKET, true)));
        walk.set(L.CPU_EVENTS_TAIL, 0);
      }
      if (full === -1) break;
      taken += world.lib.walk(cpu, flags, 1000);
    }
    expect(taken).toBe(50);
    expect([...reasons].sort((a, b) => a - b)).toEqual([
      L.WALK_DONE,
      L.WALK_ROWS_FULL,
      L.WALK_OUT_FULL,
      L.WALK_EVENTS_FULL,
    ]);
    expect(packets).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it("on a real clock stops before a packet when a timer is due", () => {
    const walk = new Walk(() => 2n);
    const frames = [10n, 20n, 30n].map((ts) => ({ ...walk.frame(60), ts }));
    const { view } = walk.world;
    view.setUint32(L.WORLD_FLAGS, L.WORLD_F_REAL_CLOCK, true);
    view.setBigUint64(walk.cpu + L.CPU_TIMER_DUE, 20n, true);
    view.setBigUint64(walk.cpu + L.CPU_MONOTONIC, 19n, true);
    expect(walkFrames(walk.world, frames, L.WALK_TIMERS, 1)).toBe(1);
    view.setBigUint64(walk.cpu + L.CPU_MONOTONIC, 20n, true);
    expect(walk.world.lib.walk(walk.cpu, L.WALK_TIMERS, 9)).toBe(0);
    expect(walk.get(L.CPU_WALK_REASON)).toBe(L.WALK_TIMER_DUE);
    view.setBigUint64(walk.cpu + L.CPU_TIMER_DUE, 2n ** 64n - 1n, true);
    expect(walk.world.lib.walk(walk.cpu, L.WALK_TIMERS, 9)).toBe(2);
  });

  it("runs frames on the CPUs their descriptors name", () => {
    const ran: [number, bigint][] = [];
    const walk: Walk = new Walk(
      (cpu) => {
        ran.push([
          walk.world.view.getUint32(cpu + L.CPU_INDEX, true),
          walk.world.call("ktime_get_tai_ns", [], cpu),
        ]);
        return 2n;
      },
      { ncpus: 3 },
    );
    const frames = [2, 0, 1, 3].map((cpu, i) => ({ ...walk.frame(60), cpu, ts: 100n + BigInt(i) }));
    walkFrames(walk.world, frames, L.WALK_CPUS | L.WALK_CLOCK | L.WALK_ROWS | L.WALK_COPY);
    expect(ran).toEqual([
      [2, 100n],
      [0, 101n],
      [1, 102n],
    ]);
    expect([0, 1, 2].map((i) => walk.row(i, L.ROW_CPU))).toEqual([2, 0, 1]);
    expect(walk.row(3, L.ROW_ERRNO)).toBe(22);
    expect(walk.stats().slice(0, 2)).toEqual([4, 1]);
  });
});
