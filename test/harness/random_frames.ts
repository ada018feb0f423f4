// Frames that programs find something in: Ethernet with or without a VLAN, IPv4 or IPv6, TCP, UDP, ICMP or anything else,
// cut short now and then, bytes changed now and then. The same numbers give the same frame.
import type { Rng } from "./random_builder.ts";

const ETHERTYPES = { ip4: [0x08, 0x00], ip6: [0x86, 0xdd], vlan: [0x81, 0x00], arp: [0x08, 0x06] } as const;
const PROTOCOLS = [6, 6, 17, 17, 1, 58, 47] as const;
/** few, so that the same flow comes again */
const PORTS = [53, 80, 443, 1234, 8080] as const;

function bytes(rng: Rng, n: number): number[] {
  return Array.from({ length: n }, () => rng.u32() & 255);
}

function port(rng: Rng): number[] {
  const n = rng.pick(PORTS);
  return [n >> 8, n & 255];
}

function transport(rng: Rng, protocol: number): number[] {
  const ports = [...port(rng), ...port(rng)];
  if (protocol === 6)
    return [...ports, ...bytes(rng, 8), rng.pick([0x50, 0x60, 0x80]), rng.u32() & 63, ...bytes(rng, 18)];
  if (protocol === 17) return [...ports, 0, 20, ...bytes(rng, 14)];
  return [rng.pick([0, 8, 3, 135]), 0, ...bytes(rng, 22)];
}

function ip4(rng: Rng): number[] {
  const protocol = rng.pick(PROTOCOLS);
  const words = rng.pick([5, 5, 5, 6, 15]);
  const rest = transport(rng, protocol);
  const length = words * 4 + rest.length;
  const address = [10, 0, 0, rng.below(4)];
  const fragment = rng.chance(10) ? [0x20, rng.below(4)] : [0, 0];
  const options = bytes(rng, (words - 5) * 4);
  const head = [
    0x40 | words,
    0,
    length >> 8,
    length & 255,
    ...bytes(rng, 2),
    ...fragment,
    64,
    protocol,
    0,
    0,
  ];
  return [...head, ...address, 10, 0, 0, rng.below(4), ...options, ...rest];
}

function ip6(rng: Rng): number[] {
  const protocol = rng.pick(PROTOCOLS);
  const rest = transport(rng, protocol);
  const address = (): number[] => [0xfd, ...Array.from({ length: 14 }, () => 0), rng.below(4)];
  return [0x60, 0, 0, 0, 0, rest.length, protocol, 64, ...address(), ...address(), ...rest];
}

export function plausibleFrame(rng: Rng): Uint8Array {
  const macs = [2, 0, 0, 0, 0, rng.below(3), 2, 0, 0, 0, 0, rng.below(3)];
  const vlan = rng.chance(15) ? [...ETHERTYPES.vlan, 0, rng.below(8)] : [];
  const kind = rng.pick(["ip4", "ip4", "ip4", "ip6", "arp"] as const);
  const rest = kind === "ip4" ? ip4(rng) : kind === "ip6" ? ip6(rng) : bytes(rng, 46);
  const frame = Uint8Array.from([...macs, ...vlan, ...ETHERTYPES[kind], ...rest]);
  if (rng.chance(20)) frame[rng.below(frame.length)] = rng.u32() & 255;
  return rng.chance(20) ? frame.slice(0, Math.max(14, rng.below(frame.length))) : frame;
}
