// Writes frames.pcap and jumbo.pcap beside this file: IPv4 packets of the lengths at which something changes
// (shortest, a header cut short, the linear part of a frame, fragments of a page each). The same bytes each time.
import { writeFileSync } from "node:fs";

// biome-ignore format: table
const FRAMES = [0, 1, 6, 13, 14, 15, 18, 20, 33, 34, 35, 37, 38, 41, 42, 43, 53, 54, 55, 59, 60, 61, 63, 64, 65, 97, 98, 99, 127, 128, 129,
  299, 300, 1199, 1200, 1514, 2047, 2048, 3303, 3304, 3305, 3519, 3520];
const JUMBO = [3521, 3530, 4096, 7615, 7616, 7617, 9000, 11712, 20000];
const PROTOS = [6, 17, 1];

/** a packet of `len` bytes that says what it would be if it were whole */
function frame(len, n) {
  const b = Buffer.alloc(Math.max(len, 64));
  for (let i = 0; i < b.length; i++) b[i] = (i * 37 + n * 11 + (i >> 8)) & 255;
  b.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, n & 255, 8, 0]);
  b.set([0x45, 0, 0, 0, 0, n & 255, 0x40, 0, 64, PROTOS[n % 3], 0, 0, 10, 1, 0, n % 5, 198, 51, 100, 10], 14);
  b.writeUInt16BE(Math.max(len, 64) - 14, 16);
  let sum = 0;
  for (let i = 14; i < 34; i += 2) sum += b.readUInt16BE(i);
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  b.writeUInt16BE(~sum & 0xffff, 24);
  if (n % 3 === 2) b[34] = 8;
  return b.subarray(0, len);
}

function capture(lengths) {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(262144, 16);
  head.writeUInt32LE(1, 20);
  const parts = [head];
  for (const [n, len] of lengths.entries()) {
    const rec = Buffer.alloc(16);
    rec.writeUInt32LE(1_700_000_000, 0);
    rec.writeUInt32LE(n * 1000, 4);
    rec.writeUInt32LE(len, 8);
    rec.writeUInt32LE(Math.max(len, 64), 12);
    parts.push(rec, frame(len, n));
  }
  return Buffer.concat(parts);
}

const three = (lengths) => lengths.flatMap((len) => [len, len, len]);
writeFileSync(new URL("frames.pcap", import.meta.url), capture(three(FRAMES)));
writeFileSync(new URL("jumbo.pcap", import.meta.url), capture(JUMBO));
