// Captures made for measuring: Ethernet, IPv4, UDP of a number of flows, in a fixed pseudo-random order.
import { closeSync, openSync, writeSync } from "node:fs";

const HEADER = 24;
const RECORD = 16;
const BATCH = 4 << 20;

function head() {
  const bytes = Buffer.alloc(HEADER);
  bytes.writeUInt32LE(0xa1b23c4d, 0); // nanoseconds
  bytes.writeUInt16LE(2, 4);
  bytes.writeUInt16LE(4, 6);
  bytes.writeUInt32LE(262144, 16);
  bytes.writeUInt32LE(1, 20); // Ethernet
  return bytes;
}

function checksum(bytes, at, len) {
  let sum = 0;
  for (let i = 0; i < len; i += 2) sum += bytes.readUInt16BE(at + i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** One packet of `flow` at `at`. */
function putPacket(out, at, len, flow) {
  out.fill(0, at, at + len);
  out.write("020000000002020000000001", at, "hex");
  out.writeUInt16BE(0x0800, at + 12);
  const ip = at + 14;
  out[ip] = 0x45;
  out.writeUInt16BE(len - 14, ip + 2);
  out[ip + 8] = 64;
  out[ip + 9] = 17;
  out.writeUInt32BE(0x0a000000 + flow, ip + 12);
  out.writeUInt32BE(0xc0a80001 + (flow & 0xff), ip + 16);
  out.writeUInt16BE(checksum(out, ip, 20), ip + 10);
  const udp = ip + 20;
  out.writeUInt16BE(1024 + (flow % 60000), udp);
  out.writeUInt16BE((flow & 7) === 0 ? 53 : 443, udp + 2);
  out.writeUInt16BE(len - 34, udp + 4);
}

/** Writes a capture until it has `packets` packets or `bytes` bytes; gives how many packets there are. */
export function makeCapture(
  path,
  { packets = Number.POSITIVE_INFINITY, bytes = Number.POSITIVE_INFINITY, flows, len },
) {
  const fd = openSync(path, "w");
  const out = Buffer.alloc(BATCH);
  let used = head().copy(out);
  let written = 0;
  let n = 0;
  let seed = 12345;
  for (; n < packets && written + used < bytes; n++) {
    if (used + RECORD + len > BATCH) {
      writeSync(fd, out, 0, used);
      written += used;
      used = 0;
    }
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    out.writeUInt32LE(1_700_000_000 + Math.floor(n / 1e6), used);
    out.writeUInt32LE((n % 1e6) * 1000, used + 4);
    out.writeUInt32LE(len, used + 8);
    out.writeUInt32LE(len, used + 12);
    putPacket(out, used + RECORD, len, (seed >>> 8) % flows);
    used += RECORD + len;
  }
  writeSync(fd, out, 0, used);
  closeSync(fd);
  return n;
}
