// Writes demo.pcap, the capture the examples run on: web, DNS, pings, IPv6, tagged frames and ARP of a small
// office, with scanners and floods from addresses kept for documentation. The same bytes each time.
import { writeFileSync } from "node:fs";

const PACKETS = 4000;
const START_US = 1_700_000_000_000_000n;

let state = 0x2545f491;
function rand(n) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % n;
}

const pick = (list) => list[rand(list.length)];
const u16 = (n) => [(n >> 8) & 255, n & 255];
const u32 = (n) => [(n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
const v4 = (text) => text.split(".").map(Number);
const v6 = (words) => words.flatMap(u16);

function checksum(bytes) {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] << 8) + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** `at` is the checksum's offset in `l4` */
function sealed(l4, at, src, dst, proto) {
  const pseudo = [...src, ...dst, ...u32(l4.length), ...u32(proto)];
  const sum = checksum([...pseudo, ...l4]);
  l4.splice(at, 2, ...u16(sum === 0 && proto === 17 ? 0xffff : sum));
  return l4;
}

const payload = (n) => Array.from({ length: n }, () => rand(256));
const tcp = (sport, dport, flags, size) => [
  ...u16(sport),
  ...u16(dport),
  ...u32(rand(0x7fffffff)),
  ...u32(rand(0x7fffffff)),
  0x50,
  flags,
  ...u16(64240),
  0,
  0,
  0,
  0,
  ...payload(size),
];
const udp = (sport, dport, size) => [...u16(sport), ...u16(dport), ...u16(8 + size), 0, 0, ...payload(size)];

function ping(seq) {
  const p = [8, 0, 0, 0, ...u16(77), ...u16(seq), ...payload(48)];
  p.splice(2, 2, ...u16(checksum(p)));
  return p;
}

const SUM_AT = { 6: 16, 17: 6 };

function ip4(src, dst, proto, l4) {
  const [s, d] = [v4(src), v4(dst)];
  const body = proto in SUM_AT ? sealed(l4, SUM_AT[proto], s, d, proto) : l4;
  const head = [
    0x45,
    0,
    ...u16(20 + body.length),
    ...u16(rand(65536)),
    0x40,
    0,
    64 - rand(20),
    proto,
    0,
    0,
    ...s,
    ...d,
  ];
  head.splice(10, 2, ...u16(checksum(head)));
  return [...head, ...body];
}

function ip6(src, dst, proto, l4) {
  const body = sealed(l4, SUM_AT[proto], src, dst, proto);
  return [0x60, 0, 0, 0, ...u16(body.length), proto, 64, ...src, ...dst, ...body];
}

const MAC_US = [2, 0, 0, 0, 0, 1];
const mac = (n) => [2, 0, 0, 0, 1, n & 255];
const eth = (from, type, body) => [...MAC_US, ...mac(from), ...u16(type), ...body];
const tagged = (from, vid, type, body) => eth(from, 0x8100, [...u16(vid), ...u16(type), ...body]);

const SERVER = "198.51.100.10";
const SERVER6 = v6([0x2001, 0xdb8, 0, 1, 0, 0, 0, 0x10]);
const client = (n) => `10.1.${n >> 6}.${10 + (n & 63)}`;
const client6 = (n) => v6([0x2001, 0xdb8, 0, 2, 0, 0, 0, 0x100 + n]);
const bad6 = (n) => v6([0x2001, 0xdb8, 0xbad0, 0, 0, 0, 0, n]);

/** the traffic: how often (of 100) and a frame of it */
const KINDS = [
  [
    34,
    () => {
      const n = rand(90);
      return eth(
        n,
        0x0800,
        ip4(
          client(n),
          SERVER,
          6,
          tcp(
            32768 + n * 7,
            pick([443, 443, 80]),
            pick([0x10, 0x18, 0x18, 0x02, 0x11]),
            pick([0, 0, 120, 620, 1380]),
          ),
        ),
      );
    },
  ],
  [
    14,
    () => {
      const n = rand(60);
      return eth(n, 0x0800, ip4(client(n), SERVER, 17, udp(40000 + n, 53, 28 + rand(20))));
    },
  ],
  [
    10,
    () => {
      const n = rand(40);
      return eth(n, 0x86dd, ip6(client6(n), SERVER6, 6, tcp(50000 + n, 443, 0x18, pick([0, 300, 1300]))));
    },
  ],
  [
    4,
    () => {
      const n = rand(20);
      return eth(n, 0x86dd, ip6(client6(n), SERVER6, 17, udp(51000 + n, 53, 40)));
    },
  ],
  [
    6,
    () => {
      const n = rand(30);
      return eth(n, 0x0800, ip4(client(n), SERVER, 1, ping(rand(1000))));
    },
  ],
  [
    8,
    () => {
      const n = rand(24);
      return tagged(
        n,
        100 + (n & 3),
        0x0800,
        ip4(client(n), SERVER, 6, tcp(33000 + n, 8080, 0x18, rand(400))),
      );
    },
  ],
  [
    6,
    () =>
      eth(
        200,
        0x0800,
        ip4(
          `203.0.113.${1 + rand(30)}`,
          SERVER,
          6,
          tcp(1024 + rand(60000), pick([22, 23, 80, 443, 3389]), 0x02, 0),
        ),
      ),
  ],
  [
    4,
    () => eth(201, 0x0800, ip4(`198.51.100.${64 + rand(16)}`, SERVER, 17, udp(1024 + rand(60000), 123, 440))),
  ],
  [3, () => eth(202, 0x0800, ip4("192.0.2.66", SERVER, 6, tcp(4444, 443, 0x18, 900)))],
  [4, () => eth(203, 0x0800, ip4("192.0.2.99", SERVER, 1, ping(rand(1000))))],
  [3, () => eth(204, 0x86dd, ip6(bad6(1 + rand(5)), SERVER6, 6, tcp(1024 + rand(60000), 22, 0x02, 0)))],
  [
    2,
    () => {
      const n = rand(40);
      return eth(n, 0x0800, ip4(client(n), SERVER, 6, tcp(40000 + n, pick([23, 445, 3389]), 0x02, 0)));
    },
  ],
  [
    1,
    () =>
      eth(rand(60), 0x0806, [
        0,
        1,
        8,
        0,
        6,
        4,
        0,
        1,
        ...mac(9),
        ...v4(client(9)),
        0,
        0,
        0,
        0,
        0,
        0,
        ...v4(SERVER),
        ...Array(18).fill(0),
      ]),
  ],
  [
    1,
    () =>
      eth(rand(60), 0x0800, ip4(client(rand(60)), SERVER, 6, tcp(1, 2, 0, 0)).slice(0, pick([4, 19, 22]))),
  ],
];

function frame() {
  let n = rand(100);
  for (const [share, make] of KINDS) {
    if (n < share) return make();
    n -= share;
  }
  throw new Error("shares do not add up to 100");
}

const head = Buffer.alloc(24);
head.writeUInt32LE(0xa1b2c3d4, 0);
head.writeUInt16LE(2, 4);
head.writeUInt16LE(4, 6);
head.writeUInt32LE(65535, 16);
head.writeUInt32LE(1, 20);
const parts = [head];
let now = START_US;
for (let i = 0; i < PACKETS; i++) {
  const data = Buffer.from(frame());
  const rec = Buffer.alloc(16);
  rec.writeUInt32LE(Number(now / 1000000n), 0);
  rec.writeUInt32LE(Number(now % 1000000n), 4);
  rec.writeUInt32LE(data.length, 8);
  rec.writeUInt32LE(data.length, 12);
  parts.push(rec, data);
  now += BigInt(50 + rand(4000));
}
writeFileSync(process.argv[2] ?? new URL("demo.pcap", import.meta.url), Buffer.concat(parts));
