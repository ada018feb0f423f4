// Captures of real traffic, where they are at hand: tcpdump (where installed) must say the same of every packet.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { CaptureReader } from "../../src/pcap/reader.ts";

const dir = resolve(import.meta.dirname, "../../../shared/pcaps");
const files = existsSync(dir) ? readdirSync(dir).filter((f) => /\.pcap(ng)?$/.test(f)) : [];
const hasTcpdump = spawnSync("tcpdump", ["--version"]).status === 0;

describe.skipIf(files.length === 0 || !hasTcpdump)(
  "captures in ../shared/pcaps as tcpdump reads them",
  () => {
    for (const file of files) {
      it(file, () => {
        const path = join(dir, file);
        // tcpdump's own copy: classic, one byte order, nanoseconds
        const copy = spawnSync("tcpdump", ["-r", path, "--time-stamp-precision=nano", "-w", "-"], {
          maxBuffer: 1 << 26,
        });
        expect(copy.status).toBe(0);
        const want = parsePlainly(copy.stdout);
        using reader = CaptureReader.open(path);
        let n = 0;
        for (const p of reader.packetsCopied()) {
          const w = want[n++];
          expect([p.tsNs, p.origLen, Buffer.compare(p.data, w!.data)]).toEqual([w!.tsNs, w!.origLen, 0]);
        }
        expect([n, reader.end]).toEqual([want.length, { kind: "eof" }]);
        expect(reader.linkType).toBe(copy.stdout.readUInt32LE(20) & 0x03ffffff);
      });
    }
  },
);

function parsePlainly(bytes: Buffer): { tsNs: bigint; origLen: number; data: Buffer }[] {
  const packets = [];
  for (let at = 24; at < bytes.length; ) {
    const caplen = bytes.readUInt32LE(at + 8);
    packets.push({
      tsNs: BigInt(bytes.readUInt32LE(at)) * 1_000_000_000n + BigInt(bytes.readUInt32LE(at + 4)),
      origLen: bytes.readUInt32LE(at + 12),
      data: bytes.subarray(at + 16, at + 16 + caplen),
    });
    at += 16 + caplen;
  }
  return packets;
}
