// Sockets as programs see them: struct bpf_sock, by pointer and as a context, and the parts that only TCP and
// AF_XDP sockets have. Pointers to them only ever load.
import type { AttachTypeName } from "../prog_types.ts";
import { type CtxField, type CtxLayout, field, HEAD, NARROW, onlyWith, U16, U32, U64, U8 } from "./field.ts";

// biome-ignore format: table
const FIELDS: readonly CtxField[] = [
  field("bound_dev_if",      0,  4, U32),
  field("family",            4,  4, HEAD),
  field("type",              8,  4, HEAD),
  field("protocol",         12,  4, HEAD),
  field("mark",             16,  4, U32),
  field("priority",         20,  4, U32),
  field("src_ip4",          24,  4, NARROW),
  field("src_ip6",          28, 16, NARROW),
  field("src_port",         44,  4, HEAD),
  field("dst_port",         48,  2, U8 | U16),
  field("dst_port",         48,  4, U32), // with its padding: it was a word once
  field("dst_ip4",          52,  4, NARROW),
  field("dst_ip6",          56, 16, NARROW),
  field("state",            72,  4, HEAD),
  field("rx_queue_mapping", 76,  4, HEAD),
];
const SIZE = 80;

export const BPF_SOCK: CtxLayout = { name: "bpf_sock", size: SIZE, fields: FIELDS };

/** Not there before the socket is known to be a full one. */
const FULL_ONLY: ReadonlySet<string> = new Set(["type", "protocol", "mark", "priority"]);

export const BPF_SOCK_COMMON: CtxLayout = {
  name: "bpf_sock",
  size: SIZE,
  fields: FIELDS.filter((f) => !FULL_ONLY.has(f.name)),
};

const LIFE: readonly AttachTypeName[] = ["cgroup_inet_sock_create", "cgroup_inet_sock_release"];
const BIND4: AttachTypeName = "cgroup_inet4_post_bind";
const BIND6: AttachTypeName = "cgroup_inet6_post_bind";

/** Fields that are a cgroup_sock program's only at these hooks; the others it may load at all of them. */
const HOOKS: Readonly<Record<string, readonly AttachTypeName[]>> = {
  bound_dev_if: LIFE,
  mark: LIFE,
  priority: LIFE,
  src_ip4: [BIND4],
  src_ip6: [BIND6],
  src_port: [BIND4, BIND6],
};

function asCtx(f: CtxField): CtxField {
  const hooks = HOOKS[f.name];
  if (hooks === undefined) return f;
  return onlyWith(hooks, hooks === LIFE ? { ...f, store: U32 } : f);
}

export const CGROUP_SOCK_CTX: CtxLayout = { name: "bpf_sock", size: SIZE, fields: FIELDS.map(asCtx) };

// biome-ignore format: table
const TCP_WORDS = [
  "snd_cwnd", "srtt_us", "rtt_min", "snd_ssthresh", "rcv_nxt", "snd_nxt", "snd_una", "mss_cache", "ecn_flags",
  "rate_delivered", "rate_interval_us", "packets_out", "retrans_out", "total_retrans", "segs_in", "data_segs_in",
  "segs_out", "data_segs_out", "lost_out", "sacked_out",
] as const;

export const BPF_TCP_SOCK: CtxLayout = {
  name: "bpf_tcp_sock",
  size: 112,
  fields: [
    ...TCP_WORDS.map((name, i) => field(name, i * 4, 4, U32)),
    field("bytes_received", 80, 8, U64),
    field("bytes_acked", 88, 8, U64),
    field("dsack_dups", 96, 4, U32),
    field("delivered", 100, 4, U32),
    field("delivered_ce", 104, 4, U32),
    field("icsk_retransmits", 108, 4, U32),
  ],
};

export const BPF_XDP_SOCK: CtxLayout = {
  name: "bpf_xdp_sock",
  size: 4,
  fields: [field("queue_id", 0, 4, U32)],
};
