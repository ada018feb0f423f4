// Contexts of programs that work at a socket: its events, its messages, the choice of a socket for a packet.
import {
  type CtxLayout,
  field,
  HEAD,
  NARROW,
  PKT,
  PKT_END,
  SOCK,
  SOCK_COMMON_OR_NULL,
  SOCK_OR_NULL,
  U16,
  U32,
  U64,
  U8,
} from "./field.ts";

/** TCP's state, in the order of its words from `is_fullsock` on */
// biome-ignore format: table
const SOCK_OPS_WORDS = [
  "is_fullsock", "snd_cwnd", "srtt_us", "bpf_sock_ops_cb_flags", "state", "rtt_min", "snd_ssthresh", "rcv_nxt",
  "snd_nxt", "snd_una", "mss_cache", "ecn_flags", "rate_delivered", "rate_interval_us", "packets_out", "retrans_out",
  "total_retrans", "segs_in", "data_segs_in", "segs_out", "data_segs_out", "lost_out", "sacked_out",
] as const;

// biome-ignore format: table
export const SOCK_OPS_CTX: CtxLayout = {
  name: "bpf_sock_ops",
  size: 224,
  fields: [
    field("op",              0,  4, U32),
    field("reply",           4,  4, U32, U32), // shares args[0]
    field("args",            4, 16, U32),
    field("family",         20,  4, U32),
    field("remote_ip4",     24,  4, U32),
    field("local_ip4",      28,  4, U32),
    field("remote_ip6",     32, 16, U32),
    field("local_ip6",      48, 16, U32),
    field("remote_port",    64,  4, U32),
    field("local_port",     68,  4, U32),
    ...SOCK_OPS_WORDS.map((name, i) => field(name, 72 + i * 4, 4, U32)),
    field("sk_txhash",     164,  4, U32, U32),
    field("bytes_received", 168, 8, U64),
    field("bytes_acked",   176,  8, U64),
    field("sk",            184,  8, U64, 0, SOCK_OR_NULL),
    field("skb_data",      192,  8, U64, 0, PKT),
    field("skb_data_end",  200,  8, U64, 0, PKT_END),
    field("skb_len",       208,  4, U32),
    field("skb_tcp_flags", 212,  4, HEAD),
    field("skb_hwtstamp",  216,  8, U64),
  ],
};

// biome-ignore format: table
export const SK_MSG_CTX: CtxLayout = {
  name: "sk_msg_md",
  size: 80,
  fields: [
    field("data",         0,  8, U64, 0, PKT),
    field("data_end",     8,  8, U64, 0, PKT_END),
    field("family",      16,  4, U32),
    field("remote_ip4",  20,  4, U32),
    field("local_ip4",   24,  4, U32),
    field("remote_ip6",  28, 16, U32),
    field("local_ip6",   44, 16, U32),
    field("remote_port", 60,  4, U32),
    field("local_port",  64,  4, U32),
    field("size",        68,  4, U32),
    field("sk",          72,  8, U64, 0, SOCK),
  ],
};

// biome-ignore format: table
export const SK_REUSEPORT_CTX: CtxLayout = {
  name: "sk_reuseport_md",
  size: 56,
  fields: [
    field("data",          0, 8, U64, 0, PKT),
    field("data_end",      8, 8, U64, 0, PKT_END),
    field("len",          16, 4, NARROW),
    field("eth_protocol", 20, 4, U16 | U32),
    field("ip_protocol",  24, 4, NARROW),
    field("bind_inany",   28, 4, NARROW),
    field("hash",         32, 4, U32),
    field("sk",           40, 8, U64, 0, SOCK),
    field("migrating_sk", 48, 8, U64, 0, SOCK_COMMON_OR_NULL),
  ],
};

// biome-ignore format: table
export const SK_LOOKUP_CTX: CtxLayout = {
  name: "bpf_sk_lookup",
  size: 72,
  fields: [
    field("sk",               0,  8, U64, 0, SOCK_OR_NULL),
    field("family",           8,  4, NARROW),
    field("protocol",        12,  4, NARROW),
    field("remote_ip4",      16,  4, NARROW),
    field("remote_ip6",      20, 16, NARROW),
    field("remote_port",     36,  2, U8 | U16),
    field("remote_port",     36,  4, U32), // with its padding: it was a word once
    field("padding",         38,  2, U8 | U16),
    field("local_ip4",       40,  4, NARROW),
    field("local_ip6",       44, 16, NARROW),
    field("local_port",      60,  4, NARROW),
    field("ingress_ifindex", 64,  4, NARROW),
  ],
};
