// Helpers as programs call them, against the facts measured on the running kernel (test/kernel/README.md) and simple models.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as L from "../../runtime/memory/layout.ts";
import { walkFrames } from "./walk_frames.ts";
import { TestWorld, hex, u32 } from "./world.ts";

const EINVAL = -22n;

/** One's-complement sum by the definition: BigInt, folded at the end. */
function sum16(...parts: bigint[]): bigint {
  let total = parts.reduce((a, b) => a + b, 0n);
  while (total >> 16n !== 0n) total = (total & 0xffffn) + (total >> 16n);
  return total;
}

function words(bytes: Uint8Array): bigint[] {
  const padded = new Uint8Array((bytes.length + 3) & ~3);
  padded.set(bytes);
  const view = new DataView(padded.buffer);
  return Array.from({ length: padded.length / 4 }, (_, i) => BigInt(view.getUint32(i * 4, true)));
}

describe("csum_diff", () => {
  const world = new TestWorld();
  const diff = (from: Uint8Array, to: Uint8Array, seed: number): bigint =>
    world.call("csum_diff", [world.put(from), from.length, world.put(to), to.length, seed]);

  it("the kernel's edge cases", () => {
    const ff = new Uint8Array(4).fill(0xff);
    const none = new Uint8Array(0);
    expect(diff(ff, none, 0)).toBe(0n);
    expect(diff(ff, ff, 0)).toBe(0xffffn);
    expect(diff(none, none, 0x12345)).toBe(0x2346n);
    expect(diff(none, none, 0)).toBe(0n);
    expect(diff(none, new Uint8Array(8), 0)).toBe(0n);
    expect(diff(none, Uint8Array.of(1, 2, 3, 4, 5), 0)).toBe(0x0609n);
    expect(diff(none, Uint8Array.of(1, 2, 3), 0)).toBe(0x0204n);
  });

  it("is congruent to the sum of what is pushed less what is pulled", () => {
    const part = fc.uint8Array({ maxLength: 60 });
    fc.assert(
      fc.property(part, part, fc.nat(0xffffffff), (from, to, seed) => {
        const got = diff(from, to, seed);
        const pulled = words(from).map((w) => 0xffffffffn - w);
        expect(got % 0xffffn).toBe(sum16(BigInt(seed), ...words(to), ...pulled) % 0xffffn);
        expect(got).toBeLessThanOrEqual(0xffffn);
      }),
    );
  });
});

/** A 60-byte frame (or so many bytes) in the CPU's frame buffer, as the walker would set it. */
function frame(len = 60): {
  world: TestWorld;
  cpu: number;
  data: number;
  call: (name: string, ...args: number[]) => bigint;
  ctx: () => number[];
} {
  let held: { cpu: number } | undefined;
  const world = new TestWorld({
    prog: (cpu) => {
      held = { cpu };
      return 2n;
    },
  });
  const at = world.put(Uint8Array.from({ length: len }, (_, i) => (i % 251) + 1));
  walkFrames(world, [{ at, len }], L.WALK_COPY | L.WALK_HEADROOM);
  const cpu = held?.cpu ?? 0;
  const base = cpu + L.CPU_FRAME + L.XDP_HEADROOM;
  return {
    world,
    cpu,
    data: base,
    call: (name, ...args) => world.call(name, [cpu, ...args], cpu),
    // data_meta, data, data_end, frame end relative to where data was
    ctx: () =>
      [L.CPU_CTX_DATA_META, L.CPU_CTX_DATA, L.CPU_CTX_DATA_END, L.CPU_FRAME_END].map(
        (off) => world.view.getUint32(cpu + off, true) - base,
      ),
  };
}

describe("xdp_adjust_*: the kernel's limits", () => {
  // biome-ignore format: table
  const ROWS: readonly [len: number, calls: readonly [name: string, delta: number, result: bigint][]][] = [
    [60,   [["xdp_adjust_head", -216, 0n]]],
    [60,   [["xdp_adjust_head", -217, EINVAL]]],
    [60,   [["xdp_adjust_head", 46, 0n]]],
    [60,   [["xdp_adjust_head", 47, EINVAL]]],
    [60,   [["xdp_adjust_head", -0x80000000, EINVAL], ["xdp_adjust_head", 0x7fffffff, EINVAL]]],
    [60,   [["xdp_adjust_head", 0x100000001, 0n], ["xdp_adjust_head", 45, 0n], ["xdp_adjust_head", 1, EINVAL]]],
    [60,   [["xdp_adjust_meta", -8, 0n], ["xdp_adjust_head", -208, 0n]]],
    [60,   [["xdp_adjust_meta", -8, 0n], ["xdp_adjust_head", -209, EINVAL]]],
    [60,   [["xdp_adjust_tail", -46, 0n], ["xdp_adjust_tail", -1, EINVAL]]],
    [60,   [["xdp_adjust_tail", -47, EINVAL]]],
    [60,   [["xdp_adjust_tail", 3460, 0n], ["xdp_adjust_tail", 1, EINVAL]]],
    [60,   [["xdp_adjust_tail", 3461, EINVAL]]],
    [60,   [["xdp_adjust_head", -100, 0n], ["xdp_adjust_tail", 3461, EINVAL]]],
    [60,   [["xdp_adjust_meta", -216, 0n], ["xdp_adjust_meta", -4, EINVAL], ["xdp_adjust_meta", 216, 0n], ["xdp_adjust_meta", 4, EINVAL]]],
    [60,   [["xdp_adjust_meta", -1, -13n], ["xdp_adjust_meta", -2, -13n], ["xdp_adjust_meta", -3, -13n], ["xdp_adjust_meta", -220, EINVAL]]],
    [60,   [["xdp_adjust_head", 20, 0n], ["xdp_adjust_meta", -236, 0n], ["xdp_adjust_meta", -16, EINVAL]]],
    [60,   [["xdp_adjust_head", 20, 0n], ["xdp_adjust_meta", -252, EINVAL]]],
    [60,   [["xdp_adjust_head", 46, 0n], ["xdp_adjust_meta", -252, 0n]]],
    [60,   [["xdp_adjust_head", 46, 0n], ["xdp_adjust_meta", -256, -13n]]],
    [60,   [["xdp_adjust_head", -100, 0n], ["xdp_adjust_meta", -116, 0n]]],
    [60,   [["xdp_adjust_head", -100, 0n], ["xdp_adjust_meta", -120, EINVAL]]],
    [9000, [["xdp_adjust_head", 3506, 0n]]],
    [9000, [["xdp_adjust_head", 3507, EINVAL]]],
    [9000, [["xdp_adjust_tail", 2712, 0n], ["xdp_adjust_tail", 1, EINVAL]]],
    [9000, [["xdp_adjust_tail", 2713, EINVAL]]],
    [9000, [["xdp_adjust_tail", -5481, 0n]]],
    [9000, [["xdp_adjust_tail", -8986, 0n], ["xdp_adjust_tail", -1, EINVAL]]],
    [9000, [["xdp_adjust_tail", -8987, EINVAL]]],
  ];
  it.each(ROWS)("%i bytes, row %#", (len, calls) => {
    const f = frame(len);
    for (const [name, delta, result] of calls)
      expect([name, delta, f.call(name, delta)]).toEqual([name, delta, result]);
  });

  it("moves what it says", () => {
    const f = frame();
    f.call("xdp_adjust_meta", -8);
    f.world.bytes.set([1, 2, 3, 4, 5, 6, 7, 8], f.data - 8);
    f.call("xdp_adjust_head", -20);
    expect(f.ctx()).toEqual([-28, -20, 60, 60]);
    expect(hex(f.world.bytes.slice(f.data - 28, f.data - 20))).toBe("0102030405060708");
    f.call("xdp_adjust_tail", -10);
    expect(f.ctx()).toEqual([-28, -20, 50, 50]);
    f.call("xdp_adjust_tail", 4);
    expect(hex(f.world.bytes.slice(f.data + 49, f.data + 55))).toBe("320000000037");
  });

  it("fragments: linear end, whole length, dropped by shrinking", () => {
    const f = frame(9000);
    expect(f.ctx()).toEqual([0, 0, 3520, 9000]);
    expect(f.call("xdp_get_buff_len")).toBe(9000n);
    f.call("xdp_adjust_tail", -5480);
    expect(f.ctx()).toEqual([0, 0, 3520, 3520]);
    expect(f.call("xdp_adjust_tail", 1)).toBe(EINVAL);
    f.call("xdp_adjust_tail", -1);
    expect(f.ctx()).toEqual([0, 0, 3519, 3519]);
  });

  it("load_bytes and store_bytes", () => {
    const f = frame(9000);
    const buf = f.world.alloc(64);
    expect(f.call("xdp_load_bytes", 8990, buf, 10)).toBe(0n);
    expect(f.world.bytes[buf + 9]).toBe((8999 % 251) + 1);
    expect(f.call("xdp_load_bytes", 8990, buf, 11)).toBe(EINVAL);
    expect(f.call("xdp_load_bytes", 0x10000, buf, 1)).toBe(-14n);
    expect(f.call("xdp_load_bytes", 0, buf, 0x10000)).toBe(-14n);
    f.world.bytes.set([9, 8, 7], buf);
    expect(f.call("xdp_store_bytes", 3519, buf, 3)).toBe(0n);
    expect(hex(f.world.bytes.slice(f.data + 3519, f.data + 3522))).toBe("090807");
  });
});

describe("redirect", () => {
  it("by ifindex", () => {
    const w = new TestWorld();
    expect(w.call("redirect", [7, 0])).toBe(4n);
    expect(w.call("redirect", [0, 0])).toBe(4n);
    expect(w.call("redirect", [7, 1])).toBe(0n);
  });

  it("by map", () => {
    const w = new TestWorld();
    const dev = w.map({ type: "devmap", valueSize: 4 });
    const hash = w.map({ type: "devmap_hash", valueSize: 4 });
    const cpus = w.map({ type: "cpumap", valueSize: 4 });
    for (const flags of [0, 1, 2, 3])
      expect(w.call("redirect_map", [dev.addr, 1, flags])).toBe(BigInt(flags));
    for (const flags of [4, 5, 2n ** 32n]) expect(w.call("redirect_map", [dev.addr, 1, flags])).toBe(0n);
    expect(w.call("redirect_map", [dev.addr, 1, 8])).toBe(4n);
    expect(w.call("redirect_map", [dev.addr, 1, 16 + 2])).toBe(2n);
    expect(w.call("redirect_map", [cpus.addr, 1, 8])).toBe(0n);
    for (const map of [dev, hash, cpus]) {
      map.update(u32(3), u32(42));
      expect(w.call("redirect_map", [map.addr, 3, 2])).toBe(4n);
      const word = (off: number): number => w.view.getUint32(w.cpuBlock(0) + off, true);
      expect([
        word(L.CPU_REDIRECT_KIND),
        word(L.CPU_REDIRECT_MAP),
        word(L.CPU_REDIRECT_INDEX),
        word(L.CPU_REDIRECT_IFINDEX),
      ]).toEqual([L.REDIRECT_MAP, map.addr, 3, map === cpus ? 0 : 42]);
      expect(w.call("redirect_map", [map.addr, 99, 2])).toBe(2n);
    }
  });
});

function withEvents(size = 4096): {
  w: TestWorld;
  cpu: number;
  take: () => { kind: number; packet: bigint; data: Uint8Array }[];
} {
  const w = new TestWorld();
  const cpu = w.cpuBlock(0);
  const at = w.alloc(size);
  w.view.setUint32(cpu + L.CPU_EVENTS, at, true);
  w.view.setUint32(cpu + L.CPU_EVENTS_SIZE, size, true);
  const take = () => {
    const end = w.view.getUint32(cpu + L.CPU_EVENTS_TAIL, true);
    const all = [];
    for (let p = 0; p < end; p += w.view.getUint32(at + p + L.EV_SIZE, true)) {
      const ev = at + p;
      const data = Uint8Array.from(
        w.bytes.slice(ev + L.EV_DATA, ev + L.EV_DATA + w.view.getUint32(ev + L.EV_LEN, true)),
      );
      all.push({
        kind: w.view.getUint32(ev + L.EV_KIND, true),
        packet: w.view.getBigUint64(ev + L.EV_PACKET, true),
        data,
      });
    }
    w.view.setUint32(cpu + L.CPU_EVENTS_TAIL, 0, true);
    return all;
  };
  return { w, cpu, take };
}

describe("trace_printk", () => {
  const { w, take } = withEvents();
  const text = w.put(new TextEncoder().encode("hello\0"));
  const ip4 = w.put(Uint8Array.of(10, 0, 200, 1));
  const ip6 = w.put(Uint8Array.from({ length: 16 }, (_, i) => i * 17));
  // biome-ignore format: table
  const ROWS: readonly [fmt: string, args: readonly (bigint | number)[], want: string | bigint][] = [
    ["plain\n", [], "plain\n"],
    ["%d %i %u", [-1n, 5, -1n], "-1 5 4294967295"],
    ["%ld %lld %lu", [-1n, -(2n ** 63n), -1n], "-1 -9223372036854775808 18446744073709551615"],
    ["%x %X %lx", [0xabcdefn, 0xabcdefn, -1n], "abcdef ABCDEF ffffffffffffffff"],
    ["%5d|%-5d|%05d", [42, 42, -42], "   42|42   |-0042"],
    ["%+d % d %%", [42, 42], "+42  42 %"],
    ["%s, %8s|%-8s|", [text, text, text], "hello,    hello|hello   |"],
    ["%s.", [5], "."],
    ["%c%c%3c", [65, 66, 67], "AB  C"],
    ["%pI4 %pi4", [ip4, ip4], "10.0.200.1 010.000.200.001"],
    ["%pI6 %pi6", [ip6, ip6], "0011:2233:4455:6677:8899:aabb:ccdd:eeff 00112233445566778899aabbccddeeff"],
    ["%px", [0x12345], "0000000000012345"],
    ["%p", [0x12345], "0000000000012345"],
    ["%pks", [text], "hello"],
    ["é%d", [1], "é1"],
    ["%d %d %d %d", [], EINVAL],
    ["%f", [], EINVAL],
    ["%", [], EINVAL],
    ["%sx", [text], EINVAL],
    ["\u0001", [], EINVAL],
    ["%pq", [], EINVAL],
  ];
  it.each(ROWS)("%j", (fmt, args, want) => {
    const bytes = new TextEncoder().encode(`${fmt}\0`);
    const at = w.put(bytes);
    const got = w.call("trace_printk", [
      at,
      bytes.length,
      ...[0, 1, 2].map((i) => BigInt.asUintN(64, BigInt(args[i] ?? 0))),
    ]);
    const lines = take().map((e) => [e.kind, new TextDecoder().decode(e.data)]);
    if (typeof want === "bigint") expect([got, lines]).toEqual([want, []]);
    else expect([got, lines]).toEqual([BigInt(new TextEncoder().encode(want).length), [[L.EV_PRINTK, want]]]);
  });

  it("trace_vprintk takes up to twelve arguments from memory", () => {
    const fmt = w.put(new TextEncoder().encode("%d %d %d %d %d\0"));
    const args = w.alloc(104);
    for (let i = 0; i < 13; i++) w.view.setBigUint64(args + i * 8, BigInt(i), true);
    expect(w.call("trace_vprintk", [fmt, 15, args, 40])).toBe(9n);
    expect(new TextDecoder().decode(take()[0]?.data)).toBe("0 1 2 3 4");
    for (const size of [32, 41, 104]) expect(w.call("trace_vprintk", [fmt, 15, args, size])).toBe(EINVAL);
    expect(w.call("trace_vprintk", [fmt, 15, 0, 40])).toBe(EINVAL);
  });

  it("a format without an end, a text longer than the kernel's buffer", () => {
    const at = w.put(new Uint8Array(2000).fill(97));
    expect(w.call("trace_printk", [at, 8, 0, 0, 0])).toBe(EINVAL);
    w.bytes[at + 1999] = 0;
    expect(w.call("trace_printk", [at, 2000, 0, 0, 0])).toBe(1023n);
    expect(take()[0]?.data).toHaveLength(1023);
  });
});

describe("perf_event_output", () => {
  const { w, cpu, take } = withEvents(256);
  const map = w.map({ type: "perf_event_array", valueSize: 4, maxEntries: 4 });
  const data = w.put(Uint8Array.of(1, 2, 3, 4));
  const pkt = w.put(Uint8Array.from({ length: 60 }, (_, i) => i));
  w.view.setUint32(cpu + L.CPU_CTX_DATA, pkt, true);
  w.view.setUint32(cpu + L.CPU_FRAME_END, pkt + 60, true);
  const out = (flags: bigint): bigint => w.call("perf_event_output", [cpu, map.addr, flags, data, 4]);
  const CURRENT = 0xffffffffn;

  it("appends the program's bytes, then the packet's", () => {
    w.view.setBigUint64(cpu + L.CPU_PACKET, 77n, true);
    expect(out(CURRENT)).toBe(0n);
    expect(out(CURRENT | (3n << 32n))).toBe(0n);
    expect(take().map((e) => [e.kind, e.packet, hex(e.data)])).toEqual([
      [L.EV_PERF, 77n, "01020304"],
      [L.EV_PERF, 77n, "01020304000102"],
    ]);
  });

  it("errors", () => {
    expect(out(4n)).toBe(-7n);
    expect(out(3n)).toBe(-2n);
    expect(out(1n << 52n)).toBe(EINVAL);
    expect(out(CURRENT | (61n << 32n))).toBe(-14n);
    expect(take()).toEqual([]);
  });

  it("counts what does not fit", () => {
    for (let i = 0; i < 10; i++) expect(out(CURRENT)).toBe(0n);
    expect(take()).toHaveLength(5);
    expect(w.view.getBigUint64(map.addr + L.MAP_LOST, true)).toBe(5n);
  });
});

describe("strncmp", () => {
  it.each([
    ["abc", 4, "abc", 0n],
    ["abc", 2, "abd", 0n],
    ["abc", 3, "abd", -1n],
    ["b", 2, "a", 1n],
    ["a", 2, "ab", -1n],
    ["\u00ff", 1, "a", 1n],
  ] as const)("%s %i %s", (a, size, b, want) => {
    const w = new TestWorld();
    const put = (s: string): number => w.put(Buffer.from(`${s}\0`, "latin1"));
    expect(w.call("strncmp", [put(a), size, put(b)])).toBe(want);
  });
});

describe("clock, random numbers, CPU", () => {
  it("goes with the packets, never back", () => {
    const w = new TestWorld();
    const now = (): bigint[] =>
      ["ktime_get_ns", "ktime_get_boot_ns", "ktime_get_tai_ns"].map((n) => w.call(n, []));
    w.lib.clock_set(w.cpuBlock(0), 5_000n);
    expect(now()).toEqual([1_000_000_000n, 1_000_000_000n, 5_000n]);
    w.lib.clock_set(w.cpuBlock(0), 6_000n);
    w.lib.clock_set(w.cpuBlock(0), 5_500n);
    expect(now()).toEqual([1_000_001_000n, 1_000_001_000n, 6_000n]);
  });

  it("repeats with the seed, differs by CPU", () => {
    const draw = (w: TestWorld, i: number): bigint[] =>
      Array.from({ length: 4 }, () => w.call("get_prandom_u32", [], w.cpuBlock(i)));
    const [a, b] = [new TestWorld({ ncpus: 2 }), new TestWorld({ ncpus: 2 })];
    const first = draw(a, 0);
    expect(draw(b, 0)).toEqual(first);
    expect(draw(b, 1)).not.toEqual(first);
    expect(first.every((n) => n >= 0n && n < 2n ** 32n)).toBe(true);
    expect(b.call("get_smp_processor_id", [], b.cpuBlock(1))).toBe(1n);
  });
});
