// Helpers on sockets: finding them, looking into them, what hangs on them, redirecting between them.
import {
  CGROUP_SKB,
  CGROUP_SOCK,
  FILTER,
  ITER,
  LSM,
  LSM_CGROUP,
  REUSEPORT,
  SK_LOOKUP,
  SK_MSG,
  SK_SKB,
  SOCK_ADDR,
  SOCK_OPS,
  SOCKETS,
  SOCKOPT,
  STRUCT_OPS,
  SYSCALL,
  SYSCTL,
  TC,
  TYPED,
  XDP,
} from "./callers.ts";
import { type Callers, ptrTo, ptrToOrNull, retPtr, type Row } from "./proto.ts";

const LOOKUPS: readonly Callers[] = [...TC, ...CGROUP_SKB, ...SK_SKB, ...XDP];
/** The functions of bpf_sk_lookup and its kind take no packet bytes here. */
const LOOKUPS_NO_PKT: readonly Callers[] = SOCK_ADDR;

const STORAGE: readonly Callers[] = [
  ...TC,
  ...CGROUP_SKB,
  ...SOCK_ADDR,
  ...SOCKOPT,
  ...SOCK_OPS,
  ...SK_MSG,
  ...LSM,
];
/** Programs that are attached by BTF: not to what these helpers call. */
const WALKS: readonly Callers[] = [{ type: "tracing", attach: ["trace_iter", "trace_raw_tp"] }];
const FUNC_ENDS: readonly Callers[] = [{ type: "tracing", attach: ["trace_fentry", "trace_fexit"] }];
const NOT_STORAGE = { targets: /^(?!bpf_sk_storage)/ };
const TRACED: readonly Callers[] = [...SYSCALL, { type: "tracing" }];

const COOKIE: readonly Callers[] = [
  ...FILTER,
  ...TC,
  ...CGROUP_SKB,
  ...SK_SKB,
  ...CGROUP_SOCK,
  ...SOCK_ADDR,
  ...SOCK_OPS,
];
const CASTS: readonly Callers[] = [...SOCKETS, ...TYPED];

/** Address hooks that hold the socket. */
const OPTIONS: readonly Callers[] = [...SOCK_ADDR, ...SOCK_OPS];
/** Iterators that hold the socket they are at. */
const WALKS_SOCKETS = { targets: ["bpf_iter_tcp", "bpf_iter_unix"] } as const;
/** Security hooks where the socket is locked, or not yet anybody's. */
const SOCKET_HOOKS = {
  targets: [
    "bpf_lsm_sock_graft",
    "bpf_lsm_inet_csk_clone",
    "bpf_lsm_inet_conn_established",
    "bpf_lsm_socket_post_create",
    "bpf_lsm_socket_socketpair",
  ],
};
const SETSOCKOPT: readonly Callers[] = [{ type: "cgroup_sockopt", attach: ["cgroup_setsockopt"] }];

// biome-ignore format: table
export const SOCKET_HELPERS: readonly Row[] = [
  [84,  "sk_lookup_tcp",      ["ctx", "mem", "const_size_or_zero", "anything", "anything"], "sock_or_null", LOOKUPS, { pktAccess: true, acquires: true }],
  [84,  "sk_lookup_tcp",      ["ctx", "mem", "const_size_or_zero", "anything", "anything"], "sock_or_null", LOOKUPS_NO_PKT, { acquires: true }],
  [85,  "sk_lookup_udp",      ["ctx", "mem", "const_size_or_zero", "anything", "anything"], "sock_or_null", LOOKUPS, { pktAccess: true, acquires: true }],
  [85,  "sk_lookup_udp",      ["ctx", "mem", "const_size_or_zero", "anything", "anything"], "sock_or_null", LOOKUPS_NO_PKT, { acquires: true }],
  [99,  "skc_lookup_tcp",     ["ctx", "mem", "const_size_or_zero", "anything", "anything"], "sock_common_or_null", LOOKUPS, { pktAccess: true, acquires: true }],
  [99,  "skc_lookup_tcp",     ["ctx", "mem", "const_size_or_zero", "anything", "anything"], "sock_common_or_null", LOOKUPS_NO_PKT, { acquires: true }],
  [86,  "sk_release",         ["btf_id_sock_common"], "integer", [...LOOKUPS, ...SOCK_ADDR, ...SK_LOOKUP], { releases: 1 }],
  [95,  "sk_fullsock",        ["sock_common"], "sock_or_null", [...TC, ...CGROUP_SKB], { casts: true }],
  [98,  "get_listener_sock",  ["sock_common"], "sock_or_null", [...TC, ...CGROUP_SKB]],
  [96,  "tcp_sock",           ["sock_common"], "tcp_sock_or_null", [...TC, ...CGROUP_SKB, ...SOCK_OPS, ...SOCKOPT], { casts: true }],

  [136, "skc_to_tcp6_sock",         ["btf_id_sock_common"], retPtr("tcp6_sock", "or_null"), CASTS, { casts: true }],
  [137, "skc_to_tcp_sock",          ["btf_id_sock_common"], retPtr("tcp_sock", "or_null"), CASTS, { casts: true }],
  [138, "skc_to_tcp_timewait_sock", ["btf_id_sock_common"], retPtr("tcp_timewait_sock", "or_null"), CASTS, { casts: true }],
  [139, "skc_to_tcp_request_sock",  ["btf_id_sock_common"], retPtr("tcp_request_sock", "or_null"), CASTS, { casts: true }],
  [140, "skc_to_udp6_sock",         ["btf_id_sock_common"], retPtr("udp6_sock", "or_null"), CASTS, { casts: true }],
  [178, "skc_to_unix_sock",         ["btf_id_sock_common"], retPtr("unix_sock", "or_null"), CASTS],
  [196, "skc_to_mptcp_sock",        ["sock_common"], retPtr("mptcp_sock", "or_null"), CASTS, { casts: true }],

  [107, "sk_storage_get",     ["const_map_ptr", "btf_id_sock_common", "map_value_or_null", "anything"], "map_value_or_null", STORAGE],
  [107, "sk_storage_get",     ["const_map_ptr", "ctx", "map_value_or_null", "anything"], "map_value_or_null", CGROUP_SOCK],
  [107, "sk_storage_get",     ["const_map_ptr", ptrToOrNull("sock_common"), "map_value_or_null", "anything"], "map_value_or_null", WALKS],
  [107, "sk_storage_get",     ["const_map_ptr", ptrToOrNull("sock_common"), "map_value_or_null", "anything"], "map_value_or_null", FUNC_ENDS, NOT_STORAGE],
  [107, "sk_storage_get",     ["const_map_ptr", ptrToOrNull("sock_common"), "map_value_or_null", "anything"], "map_value_or_null", TRACED, { notInProbe: true }],
  [108, "sk_storage_delete",  ["const_map_ptr", "btf_id_sock_common"], "integer", STORAGE],
  [108, "sk_storage_delete",  ["const_map_ptr", ptrToOrNull("sock_common")], "integer", WALKS],
  [108, "sk_storage_delete",  ["const_map_ptr", ptrToOrNull("sock_common")], "integer", FUNC_ENDS, NOT_STORAGE],
  [108, "sk_storage_delete",  ["const_map_ptr", ptrToOrNull("sock_common")], "integer", TRACED, { notInProbe: true }],

  [46,  "get_socket_cookie",  ["ctx"], "integer", COOKIE],
  [46,  "get_socket_cookie",  ["btf_id_sock_common_or_null"], "integer", [...REUSEPORT, ...TYPED]],
  [122, "get_netns_cookie",   ["ctx_or_null"], "integer", [...FILTER, ...TC, ...CGROUP_SKB, ...CGROUP_SOCK, ...SOCK_ADDR, ...SOCK_OPS, ...SK_MSG, ...SOCKOPT]],
  [128, "sk_cgroup_id",       ["btf_id_sock_common"], "integer", CGROUP_SKB],
  [129, "sk_ancestor_cgroup_id", ["btf_id_sock_common", "anything"], "integer", CGROUP_SKB],
  [124, "sk_assign",          ["ctx", "btf_id_sock_common", "anything"], "integer", TC],
  [124, "sk_assign",          ["ctx", "socket_or_null", "anything"], "integer", SK_LOOKUP],
  [100, "tcp_check_syncookie", ["btf_id_sock_common", "mem", "const_size", "mem", "const_size"], "integer", [...TC, ...XDP], { gplOnly: true, pktAccess: true }],
  [110, "tcp_gen_syncookie",  ["btf_id_sock_common", "mem", "const_size", "mem", "const_size"], "integer", [...TC, ...XDP], { gplOnly: true, pktAccess: true }],
  [116, "tcp_send_ack",       [ptrTo("tcp_sock"), "anything"], "integer", STRUCT_OPS],
  [162, "sock_from_file",     [ptrTo("file")], retPtr("socket", "or_null"), TYPED],

  [49,  "setsockopt",         ["ctx", "anything", "anything", "mem", "const_size"], "integer", OPTIONS],
  [49,  "setsockopt",         ["btf_id_sock_common", "anything", "anything", "mem", "const_size"], "integer", SETSOCKOPT],
  [49,  "setsockopt",         ["btf_id_sock_common", "anything", "anything", "mem", "const_size"], "integer", ITER, WALKS_SOCKETS],
  [49,  "setsockopt",         ["btf_id_sock_common", "anything", "anything", "mem", "const_size"], "integer", LSM_CGROUP, SOCKET_HOOKS],
  [57,  "getsockopt",         ["ctx", "anything", "anything", "uninit_mem", "const_size"], "integer", OPTIONS],
  [57,  "getsockopt",         ["btf_id_sock_common", "anything", "anything", "uninit_mem", "const_size"], "integer", SETSOCKOPT],
  [57,  "getsockopt",         ["btf_id_sock_common", "anything", "anything", "uninit_mem", "const_size"], "integer", ITER, WALKS_SOCKETS],
  [57,  "getsockopt",         ["btf_id_sock_common", "anything", "anything", "uninit_mem", "const_size"], "integer", LSM_CGROUP, SOCKET_HOOKS],
  [64,  "bind",               ["ctx", "mem", "const_size"], "integer", [{ type: "cgroup_sock_addr", attach: ["cgroup_inet4_connect", "cgroup_inet6_connect"] }]],

  [53,  "sock_map_update",    ["ctx", "const_map_ptr", "map_key", "anything"], "integer", SOCK_OPS, { pktAccess: true }],
  [70,  "sock_hash_update",   ["ctx", "const_map_ptr", "map_key", "anything"], "integer", SOCK_OPS, { pktAccess: true }],
  [59,  "sock_ops_cb_flags_set", ["ctx", "anything"], "integer", SOCK_OPS],
  [142, "load_hdr_opt",       ["ctx", "inout_mem", "const_size", "anything"], "integer", SOCK_OPS],
  [143, "store_hdr_opt",      ["ctx", "mem", "const_size", "anything"], "integer", SOCK_OPS, { changesPkt: true }],
  [144, "reserve_hdr_opt",    ["ctx", "anything", "anything"], "integer", SOCK_OPS],

  [52,  "sk_redirect_map",    ["ctx", "const_map_ptr", "anything", "anything"], "integer", SK_SKB],
  [72,  "sk_redirect_hash",   ["ctx", "const_map_ptr", "map_key", "anything"], "integer", SK_SKB],
  [60,  "msg_redirect_map",   ["ctx", "const_map_ptr", "anything", "anything"], "integer", SK_MSG],
  [71,  "msg_redirect_hash",  ["ctx", "const_map_ptr", "map_key", "anything"], "integer", SK_MSG],
  [61,  "msg_apply_bytes",    ["ctx", "anything"], "integer", SK_MSG],
  [62,  "msg_cork_bytes",     ["ctx", "anything"], "integer", SK_MSG],
  [63,  "msg_pull_data",      ["ctx", "anything", "anything", "anything"], "integer", SK_MSG, { changesPkt: true }],
  [90,  "msg_push_data",      ["ctx", "anything", "anything", "anything"], "integer", SK_MSG, { changesPkt: true }],
  [91,  "msg_pop_data",       ["ctx", "anything", "anything", "anything"], "integer", SK_MSG, { changesPkt: true }],
  [82,  "sk_select_reuseport", ["ctx", "const_map_ptr", "map_key", "anything"], "integer", REUSEPORT],

  [160, "ktime_get_coarse_ns", [], "integer", [...SOCKETS, ...CGROUP_SOCK, ...REUSEPORT, ...SYSCTL, ...STRUCT_OPS]],
];
