// Helpers on packets as the stack holds them.
import {
  CGROUP_DEVICE,
  CGROUP_SKB,
  CGROUP_SOCK,
  DISSECTOR,
  LWT,
  LWT_IN,
  LWT_XMIT,
  REUSEPORT,
  SEG6LOCAL,
  SK_LOOKUP,
  SK_MSG,
  SK_SKB,
  SKB,
  SOCK_ADDR,
  SOCK_OPS,
  SOCKOPT,
  SYSCALL,
  SYSCTL,
  TC,
  TRACING,
  XDP,
} from "./callers.ts";
import { fixedMem, ptrTo, type Row } from "./proto.ts";

/** Programs that turn a packet into another one. */
const WRITERS = [...TC, ...LWT_XMIT];
const TC_XDP = [...TC, ...XDP];

/** Whoever has events to report. */
const REPORTERS = [
  ...SKB,
  ...XDP,
  ...CGROUP_SOCK,
  ...SOCK_ADDR,
  ...SOCKOPT,
  ...SYSCTL,
  ...CGROUP_DEVICE,
  ...SOCK_OPS,
  ...SK_MSG,
  ...SK_LOOKUP,
  ...TRACING,
];

const IPHDR = 20;
const IPV6HDR = 40;
const TCPHDR = 20;

// biome-ignore format: table
export const SKB_HELPERS: readonly Row[] = [
  [9,   "skb_store_bytes",         ["ctx", "anything", "mem", "const_size", "anything"], "integer", [...WRITERS, ...SK_SKB], { changesPkt: true }],
  [10,  "l3_csum_replace",         ["ctx", "anything", "anything", "anything", "anything"], "integer", WRITERS, { changesPkt: true }],
  [11,  "l4_csum_replace",         ["ctx", "anything", "anything", "anything", "anything"], "integer", WRITERS, { changesPkt: true }],
  [13,  "clone_redirect",          ["ctx", "anything", "anything"], "integer", WRITERS, { changesPkt: true }],
  [20,  "skb_get_tunnel_key",      ["ctx", "uninit_mem", "const_size", "anything"], "integer", WRITERS],
  [21,  "skb_set_tunnel_key",      ["ctx", "mem", "const_size", "anything"], "integer", WRITERS],
  [29,  "skb_get_tunnel_opt",      ["ctx", "uninit_mem", "const_size"], "integer", WRITERS],
  [30,  "skb_set_tunnel_opt",      ["ctx", "mem", "const_size"], "integer", WRITERS],
  [40,  "csum_update",             ["ctx", "anything"], "integer", WRITERS],
  [41,  "set_hash_invalid",        ["ctx"], "integer", WRITERS],
  [135, "csum_level",              ["ctx", "anything"], "integer", WRITERS],
  [38,  "skb_change_tail",         ["ctx", "anything", "anything"], "integer", [...WRITERS, ...SK_SKB], { changesPkt: true }],
  [43,  "skb_change_head",         ["ctx", "anything", "anything"], "integer", [...WRITERS, ...SK_SKB], { changesPkt: true }],
  [39,  "skb_pull_data",           ["ctx", "anything"], "integer", [...TC, ...SK_SKB, ...LWT], { changesPkt: true }],
  [50,  "skb_adjust_room",         ["ctx", "anything", "anything", "anything"], "integer", [...TC, ...SK_SKB], { changesPkt: true }],

  [18,  "skb_vlan_push",           ["ctx", "anything", "anything"], "integer", TC, { changesPkt: true }],
  [19,  "skb_vlan_pop",            ["ctx"], "integer", TC, { changesPkt: true }],
  [31,  "skb_change_proto",        ["ctx", "anything", "anything"], "integer", TC, { changesPkt: true }],
  [32,  "skb_change_type",         ["ctx", "anything"], "integer", TC],
  [48,  "set_hash",                ["ctx", "anything"], "integer", TC],
  [66,  "skb_get_xfrm_state",      ["ctx", "anything", "uninit_mem", "const_size", "anything"], "integer", TC],
  [151, "skb_cgroup_classid",      ["ctx"], "integer", TC],
  [152, "redirect_neigh",          ["anything", "mem_or_null", "const_size_or_zero", "anything"], "integer", TC],
  [155, "redirect_peer",           ["anything", "anything"], "integer", TC],
  [192, "skb_set_tstamp",          ["ctx", "anything", "anything"], "integer", TC],

  [24,  "get_route_realm",         ["ctx"], "integer", [...TC, ...LWT]],
  [33,  "skb_under_cgroup",        ["ctx", "const_map_ptr", "anything"], "integer", [...TC, ...LWT]],
  [34,  "get_hash_recalc",         ["ctx"], "integer", [...TC, ...LWT]],
  [17,  "get_cgroup_classid",      ["ctx"], "integer", [...TC, ...LWT]],
  [17,  "get_cgroup_classid",      [], "integer", "any"],
  [79,  "skb_cgroup_id",           ["ctx"], "integer", [...TC, ...CGROUP_SKB]],
  [83,  "skb_ancestor_cgroup_id",  ["ctx", "anything"], "integer", [...TC, ...CGROUP_SKB]],
  [97,  "skb_ecn_set_ce",          ["ctx"], "integer", [...TC, ...CGROUP_SKB]],
  [26,  "skb_load_bytes",          ["ctx", "anything", "uninit_mem", "const_size"], "integer", [...SKB, ...DISSECTOR, ...REUSEPORT]],
  [68,  "skb_load_bytes_relative", ["ctx", "anything", "uninit_mem", "const_size", "anything"], "integer", [{ type: "socket_filter" }, ...TC, ...CGROUP_SKB, ...REUSEPORT]],
  [47,  "get_socket_uid",          ["ctx"], "integer", [{ type: "socket_filter" }, ...TC, ...CGROUP_SKB, ...SK_SKB]],
  [25,  "perf_event_output",       ["ctx", "const_map_ptr", "anything", "mem", "const_size_or_zero"], "integer", REPORTERS, { gplOnly: true }],

  [73,  "lwt_push_encap",          ["ctx", "anything", "mem", "const_size"], "integer", [...LWT_IN, ...LWT_XMIT], { changesPkt: true }],
  [74,  "lwt_seg6_store_bytes",    ["ctx", "anything", "mem", "const_size"], "integer", SEG6LOCAL, { changesPkt: true }],
  [75,  "lwt_seg6_adjust_srh",     ["ctx", "anything", "anything"], "integer", SEG6LOCAL, { changesPkt: true }],
  [76,  "lwt_seg6_action",         ["ctx", "anything", "mem", "const_size"], "integer", SEG6LOCAL, { changesPkt: true }],

  [44,  "xdp_adjust_head",         ["ctx", "anything"], "integer", XDP, { changesPkt: true }],
  [54,  "xdp_adjust_meta",         ["ctx", "anything"], "integer", XDP, { changesPkt: true }],
  [65,  "xdp_adjust_tail",         ["ctx", "anything"], "integer", XDP, { changesPkt: true }],
  [51,  "redirect_map",            ["const_map_ptr", "anything", "anything"], "integer", XDP],
  [188, "xdp_get_buff_len",        ["ctx"], "integer", XDP],
  [188, "xdp_get_buff_len",        [ptrTo("xdp_buff")], "integer", [...SYSCALL, { type: "tracing" }, { type: "lsm" }]],
  [189, "xdp_load_bytes",          ["ctx", "anything", "uninit_mem", "const_size"], "integer", XDP],
  [190, "xdp_store_bytes",         ["ctx", "anything", "mem", "const_size"], "integer", XDP, { writesPkt: true }],

  [23,  "redirect",                ["anything", "anything"], "integer", [...TC, ...LWT_XMIT, ...XDP]],
  [28,  "csum_diff",               ["mem_or_null", "const_size_or_zero", "mem_or_null", "const_size_or_zero", "anything"], "integer", [...TC, ...LWT, ...XDP], { pktAccess: true }],
  [69,  "fib_lookup",              ["ctx", "inout_mem", "const_size", "anything"], "integer", TC_XDP, { gplOnly: true }],
  [163, "check_mtu",               ["ctx", "anything", fixedMem(4, "write"), "anything", "anything"], "integer", TC_XDP, { gplOnly: true }],
  [204, "tcp_raw_gen_syncookie_ipv4",   [fixedMem(IPHDR, "read"), "mem", "const_size_or_zero"], "integer", TC_XDP, { gplOnly: true, pktAccess: true }],
  [205, "tcp_raw_gen_syncookie_ipv6",   [fixedMem(IPV6HDR, "read"), "mem", "const_size_or_zero"], "integer", TC_XDP, { gplOnly: true, pktAccess: true }],
  [206, "tcp_raw_check_syncookie_ipv4", [fixedMem(IPHDR, "read"), fixedMem(TCPHDR, "read")], "integer", TC_XDP, { gplOnly: true, pktAccess: true }],
  [207, "tcp_raw_check_syncookie_ipv6", [fixedMem(IPV6HDR, "read"), fixedMem(TCPHDR, "read")], "integer", TC_XDP, { gplOnly: true, pktAccess: true }],
];
