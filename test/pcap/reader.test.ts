// The reader against captures built by hand: formats, byte orders, resolutions, ends.
import { spawnSync } from "node:child_process";
import { describe, expect, it, vi } from "vitest";
import { CaptureReader } from "../../src/pcap/reader.ts";
import { createBatch, decodeRow, MIN_BATCH_BYTES, ROW } from "../../src/pcap/rows.ts";
import {
  block,
  buildPcap,
  concat,
  fmtPacket,
  interfaceBlock,
  packetBlock,
  payload,
  sectionBlock,
  simplePacketBlock,
} from "./build.ts";

vi.setConfig({ testTimeout: 30_000 }); // child processes or a full second of work, on a busy machine

const read = (bytes: Uint8Array) => {
  const reader = CaptureReader.fromBytes(bytes, "t");
  const packets = [...reader.packetsCopied()];
  return { reader, packets, end: reader.end };
};
const times = (bytes: Uint8Array) => read(bytes).packets.map((p) => p.tsNs);

describe("pcap", () => {
  for (const le of [true, false]) {
    for (const [magic, scale] of [
      [0xa1b2c3d4, 1000n],
      [0xa1b23c4d, 1n],
    ] as const) {
      it(`${le ? "little" : "big"} endian, ${scale} ns`, () => {
        const data = [payload(60, 1), payload(0), payload(1514, 3)];
        const sec = 0xfffffffe;
        const bytes = buildPcap(
          data.map((d, i) => ({ sec, frac: 999_999 - i, data: d, origLen: d.length + i })),
          { le, magic },
        );
        const { reader, packets, end } = read(bytes);
        expect(reader.nanoseconds).toBe(scale === 1n);
        expect(end).toEqual({ kind: "eof" });
        expect(packets).toEqual(
          data.map((d, i) => ({
            data: d,
            tsNs: BigInt(sec) * 1_000_000_000n + BigInt(999_999 - i) * scale,
            origLen: d.length + i,
            linkType: 1,
            source: 0,
          })),
        );
      });
    }
  }

  it("cuts at the snapshot length, as libpcap does", () => {
    const { packets } = read(buildPcap([{ data: payload(100) }, { data: payload(10) }], { snaplen: 64 }));
    expect(packets.map((p) => [p.data.length, p.origLen])).toEqual([
      [64, 100],
      [10, 10],
    ]);
  });

  it("version 2.2 has the lengths the other way round", () => {
    const { packets } = read(buildPcap([{ data: payload(8), caplen: 100, origLen: 8 }], { minor: 2 }));
    expect([packets[0]?.data.length, packets[0]?.origLen]).toEqual([8, 100]);
  });

  it("takes the FCS bits out of the link type", () => {
    expect(read(buildPcap([], { linkType: 0x30000001 })).reader.linkType).toBe(1);
  });

  const whole = buildPcap([{ data: payload(60) }, { data: payload(60) }]);
  it("every truncation gives what is complete, then says where", () => {
    for (let n = 24; n < whole.length; n++) {
      const { packets, end } = read(whole.subarray(0, n));
      expect(packets.length).toBe(Math.floor((n - 24) / 76));
      const kept = 24 + packets.length * 76;
      if (n === kept) expect(end).toEqual({ kind: "eof" });
      else {
        const need = n - kept < 16 ? 16 : 76;
        expect(end).toEqual({
          kind: "truncated",
          message: `t: truncated: packet ${packets.length + 1} at byte ${kept}: needs ${need} bytes, the file has ${n - kept}`,
        });
      }
    }
  });

  it("refuses an absurd length after the packets before it", () => {
    const bytes = buildPcap([{ data: payload(60) }, { data: payload(4), caplen: 0xfffffff0 }]);
    const { packets, end } = read(bytes);
    expect(packets.length).toBe(1);
    expect(end).toEqual({
      kind: "corrupt",
      message: "t: packet 2 at byte 100: captured length 4294967280 is above 262144",
    });
  });

  // biome-ignore format: table
  const REFUSED: readonly [string, Uint8Array, string][] = [
    ["empty",         new Uint8Array(0),                                     "t: is empty"],
    ["three bytes",   Uint8Array.of(1, 2, 3),                                "t: is not a capture: it has only 3 bytes"],
    ["text",          new TextEncoder().encode("hello, world"),              "t: is not a pcap or pcapng capture, it begins with 0x68656c6c"],
    ["gzip",          Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0),           "t: is compressed with gzip"],
    ["short header",  buildPcap([]).subarray(0, 23),                         "t: truncated: the header needs 24 bytes, the file has 23"],
    ["no byte order", block(true, 0x0a0d0d0a, payload(16)),                  "t: byte 0: section without a byte-order magic"],
    ["no interface",  sectionBlock(),                                        "t: truncated at byte 28, before the first interface"],
    ["early packet",  concat(sectionBlock(), packetBlock(payload(4), 0n)),   "t: byte 28: packet on interface 0, which is not described"],
    ["10^-20",        concat(sectionBlock(), interfaceBlock({ tsresol: 20 })), "t: byte 28: interface timestamp resolution 0x14 is not possible"],
  ];
  for (const [name, bytes, message] of REFUSED) {
    it(`refuses at open: ${name}`, () => {
      expect(() => CaptureReader.fromBytes(bytes, "t")).toThrow(
        expect.objectContaining({ code: "EINVAL", message }),
      );
    });
  }
});

describe("pcapng", () => {
  const data = payload(61, 9);

  for (const le of [true, false]) {
    it(`all packet blocks, ${le ? "little" : "big"} endian`, () => {
      const bytes = concat(
        sectionBlock(le),
        interfaceBlock({ le, snaplen: 60 }),
        interfaceBlock({ le, linkType: 101 }),
        block(le, 4, payload(40)),
        packetBlock(data, 5_000_001n, { le, ifindex: 1, origLen: 90 }),
        packetBlock(data.subarray(0, 60), 1n << 40n, { le, obsolete: true }),
        simplePacketBlock(data.subarray(0, 60), 61, le),
      );
      const { packets, end, reader } = read(bytes);
      expect(end).toEqual({ kind: "eof" });
      expect(reader.linkType).toBe(1);
      expect(packets).toEqual([
        { data, tsNs: 5_000_001_000n, origLen: 90, linkType: 101, source: 0 },
        { data: data.subarray(0, 60), tsNs: (1n << 40n) * 1000n, origLen: 60, linkType: 1, source: 0 },
        { data: data.subarray(0, 60), tsNs: 0n, origLen: 61, linkType: 1, source: 0 },
      ]);
    });
  }

  // biome-ignore format: table
  const RESOLUTIONS: readonly [number | undefined, bigint | undefined, bigint, bigint][] = [
    [undefined, undefined, 1_700_000_000_123_456n,        1_700_000_000_123_456_000n],
    [3,         undefined, 1_700_000_000_123n,            1_700_000_000_123_000_000n],
    [0,         undefined, 1_700_000_000n,                1_700_000_000_000_000_000n],
    [9,         undefined, 1_700_000_000_123_456_789n,    1_700_000_000_123_456_789n],
    [12,        undefined, 1_700_000_000_123_456n,        1_700_000_000_123n],
    [0x80 | 10, undefined, 1024n * 7n + 512n,             7_500_000_000n],
    [0x80 | 32, undefined, (7n << 32n) | 1n,              7_000_000_000n],
    [9,         1_700_000_000n, 5n,                       1_700_000_000_000_000_005n],
    [6,         -10n,      11_000_000n,                   1_000_000_000n],
    [0x80 | 1,  100n,      3n,                            101_500_000_000n],
  ];
  for (const [tsresol, tsoffset, ticks, ns] of RESOLUTIONS) {
    it(`if_tsresol ${tsresol}, if_tsoffset ${tsoffset}`, () => {
      const iface = interfaceBlock({
        ...(tsresol !== undefined && { tsresol }),
        ...(tsoffset !== undefined && { tsoffset }),
      });
      expect(times(concat(sectionBlock(), iface, packetBlock(data, ticks)))).toEqual([ns]);
    });
  }

  it("a new section has its own byte order and interfaces", () => {
    const { packets, end } = read(
      concat(
        sectionBlock(true),
        interfaceBlock({ tsresol: 9 }),
        packetBlock(data, 1n),
        sectionBlock(false),
        interfaceBlock({ le: false, linkType: 113 }),
        packetBlock(data, 1n, { le: false }),
        sectionBlock(true),
        packetBlock(data, 1n),
      ),
    );
    expect(packets.map((p) => [p.tsNs, p.linkType])).toEqual([
      [1n, 1],
      [1000n, 113],
    ]);
    expect(end).toMatchObject({
      kind: "corrupt",
      message: expect.stringContaining("interface 0, which is not described"),
    });
  });

  it("passes over a block larger than any buffer", () => {
    const huge = block(true, 0x0bad, new Uint8Array(3 * MIN_BATCH_BYTES));
    const bytes = concat(
      sectionBlock(),
      huge,
      interfaceBlock(),
      packetBlock(data, 1n),
      huge,
      packetBlock(data, 2n),
    );
    expect(times(bytes)).toEqual([1000n, 2000n]);
    expect(read(bytes.subarray(0, -200)).end).toMatchObject({
      kind: "truncated",
      message: expect.stringContaining("are missing"),
    });
  });

  // biome-ignore format: table
  const CORRUPT: readonly [string, Uint8Array, string][] = [
    ["caplen beyond block", packetBlock(data, 0n, { caplen: 65 }),        "captured length 65 is more than its block holds"],
    ["caplen over snaplen", packetBlock(payload(101), 0n),                "captured length 101 is above the snapshot length 100"],
    ["length of 8",         new Uint8Array(Uint32Array.of(6, 8, 8).buffer), "block length 8 is not possible"],
    ["length of 4 GiB",     new Uint8Array(Uint32Array.of(6, 0xfffffffc, 8).buffer), "block of type 6 has length 4294967292, above 524288"],
    ["trailer differs",     packetBlock(data, 0n).with(-4, 4),            "block length is 96 at its start, 4 at its end"],
    ["short packet block",  block(true, 6, payload(16)),                  "packet block is too short"],
  ];
  for (const [name, bad, reason] of CORRUPT) {
    it(`corrupt: ${name}`, () => {
      const { packets, end } = read(
        concat(sectionBlock(), interfaceBlock({ snaplen: 100 }), packetBlock(data, 0n), bad),
      );
      expect(packets.length).toBe(1);
      expect(end).toEqual({ kind: "corrupt", message: `t: packet 2 at byte 148: ${reason}` });
    });
  }
});

describe("batches", () => {
  const count = 3000;
  const bytes = buildPcap(
    Array.from({ length: count }, (_, i) => ({ sec: i, data: payload(900 + (i % 7), i) })),
  );

  it("rows of any number give the same packets, in shared memory at an address", () => {
    const want = read(bytes).packets.map(fmtPacket);
    expect(want.length).toBe(count);
    for (const maxRows of [1, 7, 1000, 5000]) {
      const reader = CaptureReader.fromBytes(bytes, "t");
      const batch = {
        ...createBatch(0, maxRows),
        bytes: new Uint8Array(new SharedArrayBuffer(MIN_BATCH_BYTES)),
        addr: 65536,
      };
      const got = [];
      for (let n = reader.nextBatch(batch); n > 0; n = reader.nextBatch(batch)) {
        for (let i = 0; i < n; i++) got.push(fmtPacket(decodeRow(batch, i)));
        expect(batch.rows.getUint32(ROW.addr, true)).toBeGreaterThanOrEqual(65536);
      }
      expect(got).toEqual(want);
      expect([reader.packets, reader.bytesRead]).toEqual([count, bytes.length]);
    }
  });

  it("targets of changing size lose nothing", () => {
    const reader = CaptureReader.fromBytes(bytes, "t");
    const targets = [createBatch(4 << 20, 3), createBatch(MIN_BATCH_BYTES, 5), createBatch(1 << 20, 900)];
    const got: bigint[] = [];
    for (let i = 0, n = 1; n > 0; i++) {
      const target = targets[i % 3]!;
      n = reader.nextBatch(target);
      for (let k = 0; k < n; k++) got.push(decodeRow(target, k).tsNs);
    }
    expect(got).toEqual(Array.from({ length: count }, (_, i) => BigInt(i) * 1_000_000_000n));
  });

  it("rewinds", () => {
    const reader = CaptureReader.fromBytes(bytes, "t");
    const first = [...reader.packetsCopied()].length;
    expect(reader.end).toEqual({ kind: "eof" });
    reader.rewind();
    expect([first, [...reader.packetsCopied()].length, reader.packets]).toEqual([count, count, count]);
  });
});

it("a pipe reads as its file does, with few rows and large blocks", () => {
  const packets = Array.from({ length: 400 }, (_, i) => packetBlock(payload(60 + i * 3, i), BigInt(i)));
  const skipped = block(true, 0x0bad, new Uint8Array(2 * MIN_BATCH_BYTES));
  const bytes = concat(sectionBlock(), skipped, interfaceBlock(), ...packets, skipped, ...packets);
  const script = `
    import { CaptureReader } from "./src/pcap/reader.ts";
    import { createBatch, decodeRow } from "./src/pcap/rows.ts";
    const r = CaptureReader.open("/dev/stdin"), b = createBatch(524288, 7), seen = [];
    for (let n; (n = r.nextBatch(b)) > 0; ) for (let i = 0; i < n; i++) seen.push(decodeRow(b, i).data.length);
    console.log(JSON.stringify([seen, r.end, r.totalBytes]));`;
  const node = [process.execPath, "--import", "tsx", "--input-type=module", "-e", script];
  const run = spawnSync("bash", ["-c", 'cat | "$@"', "bash", ...node], { input: bytes, encoding: "utf8" });
  const lengths = packets.map((_, i) => 60 + i * 3);
  expect(JSON.parse(run.stdout)).toEqual([[...lengths, ...lengths], { kind: "eof" }, null]);
});
