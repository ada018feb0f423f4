// Several captures in one order, and captures out: what is written is what is read back.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { MergedReader, openCaptures } from "../../src/pcap/merge.ts";
import { CaptureReader } from "../../src/pcap/reader.ts";
import { createBatch, decodeRow } from "../../src/pcap/rows.ts";
import { setSecNs, splitSecNs } from "../../src/pcap/timestamp.ts";
import { CaptureWriter } from "../../src/pcap/writer.ts";
import { buildPcap, fmtPacket, payload } from "./build.ts";

vi.setConfig({ testTimeout: 30_000 }); // child processes or a full second of work, on a busy machine

const dir = mkdtempSync(join(tmpdir(), "softirq-pcap-"));
afterAll(() => rmSync(dir, { recursive: true }));
const inDir = (name: string) => join(dir, name);

function drain(source: { nextBatch(t: ReturnType<typeof createBatch>): number }, maxRows = 10): string[] {
  const batch = createBatch(1 << 19, maxRows);
  const seen = [];
  for (let n = source.nextBatch(batch); n > 0; n = source.nextBatch(batch)) {
    for (let i = 0; i < n; i++) {
      const p = decodeRow(batch, i);
      seen.push(`${p.source}:${p.tsNs / 1_000_000_000n}:${p.data.length}`);
    }
  }
  return seen;
}

describe("merge", () => {
  const capture = (secs: number[], source: number) =>
    CaptureReader.fromBytes(
      buildPcap(secs.map((sec, i) => ({ sec, data: payload(i + 1) }))),
      `c${source}`,
      source,
    );

  it("orders by time, ties by capture, each capture in its own order", () => {
    const merged = new MergedReader([capture([1, 3, 2, 9], 0), capture([], 1), capture([1, 3, 5], 2)]);
    expect(drain(merged)).toEqual(["0:1:1", "2:1:1", "0:3:2", "0:2:3", "2:3:2", "2:5:3", "0:9:4"]);
    expect(merged.ends).toEqual([{ kind: "eof" }, { kind: "eof" }, { kind: "eof" }]);
    merged.rewind();
    expect(drain(merged, 1).length).toBe(7);
    expect([merged.packets, merged.names.length]).toEqual([7, 3]);
  });

  it("a truncated capture ends, the others go on", () => {
    const cut = CaptureReader.fromBytes(
      buildPcap([{ data: payload(9) }, { data: payload(9) }]).subarray(0, -1),
      "cut",
      0,
    );
    const merged = new MergedReader([cut, capture([1, 2], 1)]);
    expect(drain(merged)).toEqual(["0:0:9", "1:1:1", "1:2:2"]);
    expect(merged.ends.map((e) => e.kind)).toEqual(["truncated", "eof"]);
  });

  it("opens all or none", () => {
    writeFileSync(inDir("a.pcap"), buildPcap([{ data: payload(3) }]));
    expect(drain(openCaptures([inDir("a.pcap")]))).toEqual(["0:0:3"]);
    expect(() => openCaptures([inDir("a.pcap"), inDir("none.pcap")])).toThrow(
      expect.objectContaining({
        code: "ENOENT",
        message: `open ${inDir("none.pcap")}: no such file or directory`,
      }),
    );
    expect(() => openCaptures([dir])).toThrow(expect.objectContaining({ code: "EISDIR" }));
  });
});

describe("writer", () => {
  for (const nanoseconds of [false, true]) {
    it(`round trip, nanoseconds ${nanoseconds}`, () => {
      const path = inDir(`rt${nanoseconds}.pcap`);
      const writer = CaptureWriter.create(path, { nanoseconds });
      const ts = (i: number) => BigInt(i) * 1_000_000_000n + 123_456_000n + (nanoseconds ? 789n : 0n);
      const sizes = Array.from({ length: 500 }, (_, i) => (i * 131) % 1600).concat(262144);
      sizes.forEach((size, i) => writer.writePacket(payload(size, i), ts(i * 8_000_000), size + (i % 2)));
      writer.close();
      writer.close();
      using reader = CaptureReader.open(path);
      expect(reader.nanoseconds).toBe(nanoseconds);
      const want = sizes.map((size, i) => ({
        data: payload(size, i),
        tsNs: ts(i * 8_000_000),
        origLen: size + (i % 2),
        linkType: 1,
      }));
      expect([...reader.packetsCopied()].map(fmtPacket)).toEqual(want.map(fmtPacket));
    });
  }

  it("an empty capture is a header", () => {
    CaptureWriter.create(inDir("empty.pcap")).close();
    expect(new Uint8Array(readFileSync(inDir("empty.pcap")))).toEqual(buildPcap([]));
  });

  it("refuses what the format cannot say", () => {
    using writer = CaptureWriter.create(inDir("no.pcap"));
    expect(() => writer.writePacket(payload(1), 1n << 63n)).toThrow(
      expect.objectContaining({ code: "EOVERFLOW" }),
    );
    expect(() => writer.writePacket(new Uint8Array(262145), 0n)).toThrow(
      expect.objectContaining({ code: "EMSGSIZE" }),
    );
    expect(() => CaptureWriter.create(inDir("none/x.pcap"))).toThrow(
      expect.objectContaining({ code: "ENOENT" }),
    );
  });

  it("a failed write leaves whole records", () => {
    const script = `
      import { CaptureWriter } from "./src/pcap/writer.ts";
      process.on("SIGXFSZ", () => {});
      const w = CaptureWriter.create(${JSON.stringify(inDir("full.pcap"))});
      try { for (let i = 0; i < 1000; i++) w.writePacket(new Uint8Array(1000), 0n); w.close(); console.log("none"); }
      catch (e) { console.log(e.code); }`;
    const run = spawnSync(
      "bash",
      ["-c", `ulimit -f 600; exec ${process.execPath} --import tsx --input-type=module -e '${script}'`],
      { encoding: "utf8" },
    );
    expect(run.stdout.trim(), run.stderr).toBe("EFBIG");
    using reader = CaptureReader.open(inDir("full.pcap"));
    expect([...reader.packetsCopied()].length).toBeGreaterThan(100);
    expect(reader.end).toEqual({ kind: "eof" });
  });

  it("writes to standard output", () => {
    const script = `
      import { CaptureWriter } from "./src/pcap/writer.ts";
      const w = CaptureWriter.create("-");
      for (let i = 0; i < 2000; i++) w.writePacket(new Uint8Array(1000), BigInt(i));
      w.close();`;
    const run = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      maxBuffer: 1 << 24,
    });
    const reader = CaptureReader.fromBytes(new Uint8Array(run.stdout));
    expect([[...reader.packetsCopied()].length, reader.end]).toEqual([2000, { kind: "eof" }]);
  });
});

it("times split into the same halves that made them", () => {
  const out = { hi: 0, lo: 0 };
  for (const sec of [0, 1, 4, 65535, 65536, 1_700_000_000, 0x7fffffff, 0xffffffff]) {
    for (const ns of [0, 1, 999_999_999]) {
      setSecNs(out, sec, ns);
      expect((BigInt(out.hi) << 32n) | BigInt(out.lo)).toBe(BigInt(sec) * 1_000_000_000n + BigInt(ns));
      expect(splitSecNs(out.hi, out.lo)).toEqual({ sec, ns });
    }
  }
});
