// Which CPU a packet goes to: the Toeplitz hash of its flow, as a NIC's receive-side scaling has it, with the
// key and the fields of Microsoft's RSS specification: addresses, and ports of TCP and UDP that are not fragments.

// biome-ignore format: table
const KEY = Uint8Array.of(
  0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
  0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
);

const MAX_INPUT = 36; // two IPv6 addresses and two ports

/** TABLE[i * 256 + b]: what byte b at place i adds to the hash. */
const TABLE = buildTable();

function keyWindow(bit: number): number {
  let word = 0;
  for (let i = 0; i < 32; i++) {
    const at = bit + i;
    word = (word << 1) | (((KEY[at >> 3] ?? 0) >> (7 - (at & 7))) & 1);
  }
  return word;
}

function buildTable(): Int32Array {
  const table = new Int32Array(MAX_INPUT * 256);
  for (let i = 0; i < MAX_INPUT; i++) {
    for (let bit = 0; bit < 8; bit++) {
      const window = keyWindow(i * 8 + bit);
      for (let b = 0; b < 256; b++)
        if ((b & (0x80 >> bit)) !== 0) table[i * 256 + b] = (table[i * 256 + b] ?? 0) ^ window;
    }
  }
  return table;
}

/** Hash over two runs of bytes: the addresses, then the ports. */
function toeplitz(
  bytes: Uint8Array,
  addrs: number,
  addrsLen: number,
  ports: number,
  portsLen: number,
): number {
  let hash = 0;
  for (let i = 0; i < addrsLen; i++) hash ^= TABLE[i * 256 + (bytes[addrs + i] ?? 0)] ?? 0;
  for (let i = 0; i < portsLen; i++) hash ^= TABLE[(addrsLen + i) * 256 + (bytes[ports + i] ?? 0)] ?? 0;
  return hash >>> 0;
}

const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;
const VLAN = new Set([0x8100, 0x88a8]);
const hasPorts = (proto: number) => proto === 6 || proto === 17;

/** Flow hash of the Ethernet frame bytes[start, end); 0 for what is not IP or is cut short. Symmetric it is not. */
export function rssHash(bytes: Uint8Array, start: number, end: number): number {
  const u16 = (at: number) => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  let at = start + 12;
  while (at + 6 <= end && VLAN.has(u16(at))) at += 4;
  if (at + 2 > end) return 0;
  const ethertype = u16(at);
  at += 2;
  if (ethertype === ETH_P_IP && at + 20 <= end) {
    const header = ((bytes[at] ?? 0) & 15) * 4;
    const fragment = (u16(at + 6) & 0x3fff) !== 0;
    const ports = at + header;
    const withPorts = !fragment && header >= 20 && hasPorts(bytes[at + 9] ?? 0) && ports + 4 <= end;
    return toeplitz(bytes, at + 12, 8, ports, withPorts ? 4 : 0);
  }
  if (ethertype === ETH_P_IPV6 && at + 40 <= end) {
    const withPorts = hasPorts(bytes[at + 6] ?? 0) && at + 44 <= end;
    return toeplitz(bytes, at + 8, 32, at + 40, withPorts ? 4 : 0);
  }
  return 0;
}
