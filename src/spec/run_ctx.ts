// What a caller of a test run may say of a packet's context, and what the kernel supplies where nothing is said. Offsets are
// those of the uapi structs: xdp_md, __sk_buff, and for flow dissectors bpf_flow_keys.
import type { FrameKind } from "./run_types.ts";

export interface RunCtxField {
  readonly name: string;
  readonly off: number;
  readonly size: 4 | 8;
  /** supplied where nothing is said; also what stands for 0 where the kernel takes 0 for nothing said */
  readonly value: number;
  readonly max?: number;
  /** taken, but not given back */
  readonly inOnly?: true;
}

// biome-ignore format: table
const XDP: readonly RunCtxField[] = [
  { name: "ingress_ifindex", off: 12, size: 4, value: 1 },
  { name: "rx_queue_index",  off: 16, size: 4, value: 0 },
  { name: "egress_ifindex",  off: 20, size: 4, value: 0 },
];

// biome-ignore format: table
const SK_BUFF: readonly RunCtxField[] = [
  { name: "mark",            off: 8,   size: 4, value: 0 },
  { name: "priority",        off: 32,  size: 4, value: 0 },
  { name: "ingress_ifindex", off: 36,  size: 4, value: 0 },
  { name: "ifindex",         off: 40,  size: 4, value: 1 },
  { name: "cb[0]",           off: 48,  size: 4, value: 0 },
  { name: "cb[1]",           off: 52,  size: 4, value: 0 },
  { name: "cb[2]",           off: 56,  size: 4, value: 0 },
  { name: "cb[3]",           off: 60,  size: 4, value: 0 },
  { name: "cb[4]",           off: 64,  size: 4, value: 0 },
  { name: "tstamp",          off: 152, size: 8, value: 0 },
  { name: "wire_len",        off: 160, size: 4, value: 0 },
  { name: "gso_segs",        off: 164, size: 4, value: 0, max: 0xffff },
  { name: "gso_size",        off: 176, size: 4, value: 0, inOnly: true },
  { name: "hwtstamp",        off: 184, size: 8, value: 0 },
];

const FLOW_CTX: readonly RunCtxField[] = [{ name: "flags", off: 48, size: 4, value: 0 }];

/** What a flow dissector fills in, as far as it is numbers; addresses lie in between. */
// biome-ignore format: table
export const FLOW_KEYS: readonly { readonly name: string; readonly off: number; readonly size: 1 | 2 | 4 }[] = [
  { name: "nhoff",         off: 0,  size: 2 },
  { name: "thoff",         off: 2,  size: 2 },
  { name: "addr_proto",    off: 4,  size: 2 },
  { name: "is_frag",       off: 6,  size: 1 },
  { name: "is_first_frag", off: 7,  size: 1 },
  { name: "is_encap",      off: 8,  size: 1 },
  { name: "ip_proto",      off: 9,  size: 1 },
  { name: "n_proto",       off: 10, size: 2 },
  { name: "sport",         off: 12, size: 2 },
  { name: "dport",         off: 14, size: 2 },
  { name: "flags",         off: 48, size: 4 },
  { name: "flow_label",    off: 52, size: 4 },
];

export const RUN_CTX: Readonly<Record<FrameKind, readonly RunCtxField[]>> = {
  xdp: XDP,
  skb: SK_BUFF,
  flow: FLOW_CTX,
};

/** Bytes of the struct that the kernel takes and gives. */
export const RUN_CTX_SIZE: Readonly<Record<FrameKind, number>> = { xdp: 24, skb: 192, flow: 56 };
