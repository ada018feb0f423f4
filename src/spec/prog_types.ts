// Program types, attach types and the section names that choose them, one row each, by libbpf's names.
// Decides which section means which program type; knows nothing of what a type may do.

// biome-ignore format: table
export const PROG_TYPES = {
  unspec:                  { id: 0 },
  socket_filter:           { id: 1 },
  kprobe:                  { id: 2 },
  sched_cls:               { id: 3 },
  sched_act:               { id: 4 },
  tracepoint:              { id: 5 },
  xdp:                     { id: 6 },
  perf_event:              { id: 7 },
  cgroup_skb:              { id: 8 },
  cgroup_sock:             { id: 9 },
  lwt_in:                  { id: 10 },
  lwt_out:                 { id: 11 },
  lwt_xmit:                { id: 12 },
  sock_ops:                { id: 13 },
  sk_skb:                  { id: 14 },
  cgroup_device:           { id: 15 },
  sk_msg:                  { id: 16 },
  raw_tracepoint:          { id: 17 },
  cgroup_sock_addr:        { id: 18 },
  lwt_seg6local:           { id: 19 },
  lirc_mode2:              { id: 20 },
  sk_reuseport:            { id: 21 },
  flow_dissector:          { id: 22 },
  cgroup_sysctl:           { id: 23 },
  raw_tracepoint_writable: { id: 24 },
  cgroup_sockopt:          { id: 25 },
  tracing:                 { id: 26 },
  struct_ops:              { id: 27 },
  ext:                     { id: 28 },
  lsm:                     { id: 29 },
  sk_lookup:               { id: 30 },
  syscall:                 { id: 31 },
  netfilter:               { id: 32 },
} as const satisfies Record<string, { readonly id: number }>;

/** A program type by libbpf's name. */
export type ProgTypeName = keyof typeof PROG_TYPES;

/** Attach types by libbpf's names, in the kernel's order: the index is the kernel's number. */
// biome-ignore format: table
export const ATTACH_TYPES = [
  "cgroup_inet_ingress",               "cgroup_inet_egress",                "cgroup_inet_sock_create",
  "cgroup_sock_ops",                   "sk_skb_stream_parser",              "sk_skb_stream_verdict",
  "cgroup_device",                     "sk_msg_verdict",                    "cgroup_inet4_bind",
  "cgroup_inet6_bind",                 "cgroup_inet4_connect",              "cgroup_inet6_connect",
  "cgroup_inet4_post_bind",            "cgroup_inet6_post_bind",            "cgroup_udp4_sendmsg",
  "cgroup_udp6_sendmsg",               "lirc_mode2",                        "flow_dissector",
  "cgroup_sysctl",                     "cgroup_udp4_recvmsg",               "cgroup_udp6_recvmsg",
  "cgroup_getsockopt",                 "cgroup_setsockopt",                 "trace_raw_tp",
  "trace_fentry",                      "trace_fexit",                       "modify_return",
  "lsm_mac",                           "trace_iter",                        "cgroup_inet4_getpeername",
  "cgroup_inet6_getpeername",          "cgroup_inet4_getsockname",          "cgroup_inet6_getsockname",
  "xdp_devmap",                        "cgroup_inet_sock_release",          "xdp_cpumap",
  "sk_lookup",                         "xdp",                               "sk_skb_verdict",
  "sk_reuseport_select",               "sk_reuseport_select_or_migrate",    "perf_event",
  "trace_kprobe_multi",                "lsm_cgroup",                        "struct_ops",
  "netfilter",                         "tcx_ingress",                       "tcx_egress",
  "trace_uprobe_multi",                "cgroup_unix_connect",               "cgroup_unix_sendmsg",
  "cgroup_unix_recvmsg",               "cgroup_unix_getpeername",           "cgroup_unix_getsockname",
  "netkit_primary",                    "netkit_peer",                       "trace_kprobe_session",
  "trace_uprobe_session",
] as const;

export type AttachTypeName = (typeof ATTACH_TYPES)[number];

/**
 * sleepable: the program may sleep. frags: it takes multi-buffer packets. attachBtf: what follows the slash
 * names a kernel function or hook. attachable: the attach type must be given at load; attachableOpt: it may be.
 */
export type SectionFlag = "attachable" | "attachableOpt" | "attachBtf" | "sleepable" | "frags" | "usdt";

export interface SectionRow {
  /** the name without what follows the slash */
  readonly name: string;
  /** "exact": this name; "extras": this name, or this name, a slash and more. */
  readonly match: "exact" | "extras";
  readonly type: ProgTypeName;
  readonly attachType: AttachTypeName | undefined;
  readonly flags: readonly SectionFlag[];
}

function sec(
  name: string,
  type: ProgTypeName,
  attachType: AttachTypeName | "",
  ...flags: SectionFlag[]
): SectionRow {
  const extras = name.endsWith("+");
  return {
    name: extras ? name.slice(0, -1) : name,
    match: extras ? "extras" : "exact",
    type,
    attachType: attachType === "" ? undefined : attachType,
    flags,
  };
}

/** Section names. The first row that matches counts; a name that ends in "+" may be followed by "/more". */
// biome-ignore format: table
export const SECTIONS: readonly SectionRow[] = [
  sec("socket",                    "socket_filter",           ""),
  sec("sk_reuseport/migrate",      "sk_reuseport",            "sk_reuseport_select_or_migrate",  "attachable"),
  sec("sk_reuseport",              "sk_reuseport",            "sk_reuseport_select",             "attachable"),
  sec("kprobe+",                   "kprobe",                  ""),
  sec("uprobe+",                   "kprobe",                  ""),
  sec("uprobe.s+",                 "kprobe",                  "",                                "sleepable"),
  sec("kretprobe+",                "kprobe",                  ""),
  sec("uretprobe+",                "kprobe",                  ""),
  sec("uretprobe.s+",              "kprobe",                  "",                                "sleepable"),
  sec("kprobe.multi+",             "kprobe",                  "trace_kprobe_multi"),
  sec("kretprobe.multi+",          "kprobe",                  "trace_kprobe_multi"),
  sec("kprobe.session+",           "kprobe",                  "trace_kprobe_session"),
  sec("uprobe.multi+",             "kprobe",                  "trace_uprobe_multi"),
  sec("uretprobe.multi+",          "kprobe",                  "trace_uprobe_multi"),
  sec("uprobe.multi.s+",           "kprobe",                  "trace_uprobe_multi",              "sleepable"),
  sec("uretprobe.multi.s+",        "kprobe",                  "trace_uprobe_multi",              "sleepable"),
  sec("uprobe.session+",           "kprobe",                  "trace_uprobe_session"),
  sec("uprobe.session.s+",         "kprobe",                  "trace_uprobe_session",            "sleepable"),
  sec("ksyscall+",                 "kprobe",                  ""),
  sec("kretsyscall+",              "kprobe",                  ""),
  sec("usdt+",                     "kprobe",                  "",                                "usdt"),
  sec("usdt.s+",                   "kprobe",                  "",                                "usdt", "sleepable"),
  sec("tc/ingress",                "sched_cls",               "tcx_ingress"),
  sec("tc/egress",                 "sched_cls",               "tcx_egress"),
  sec("tcx/ingress",               "sched_cls",               "tcx_ingress"),
  sec("tcx/egress",                "sched_cls",               "tcx_egress"),
  sec("tc",                        "sched_cls",               ""),
  sec("classifier",                "sched_cls",               ""),
  sec("action",                    "sched_act",               ""),
  sec("netkit/primary",            "sched_cls",               "netkit_primary"),
  sec("netkit/peer",               "sched_cls",               "netkit_peer"),
  sec("tracepoint+",               "tracepoint",              ""),
  sec("tp+",                       "tracepoint",              ""),
  sec("raw_tracepoint+",           "raw_tracepoint",          ""),
  sec("raw_tp+",                   "raw_tracepoint",          ""),
  sec("raw_tracepoint.w+",         "raw_tracepoint_writable", ""),
  sec("raw_tp.w+",                 "raw_tracepoint_writable", ""),
  sec("tp_btf+",                   "tracing",                 "trace_raw_tp",                    "attachBtf"),
  sec("fentry+",                   "tracing",                 "trace_fentry",                    "attachBtf"),
  sec("fmod_ret+",                 "tracing",                 "modify_return",                   "attachBtf"),
  sec("fexit+",                    "tracing",                 "trace_fexit",                     "attachBtf"),
  sec("fentry.s+",                 "tracing",                 "trace_fentry",                    "attachBtf", "sleepable"),
  sec("fmod_ret.s+",               "tracing",                 "modify_return",                   "attachBtf", "sleepable"),
  sec("fexit.s+",                  "tracing",                 "trace_fexit",                     "attachBtf", "sleepable"),
  sec("freplace+",                 "ext",                     "",                                "attachBtf"),
  sec("lsm+",                      "lsm",                     "lsm_mac",                         "attachBtf"),
  sec("lsm.s+",                    "lsm",                     "lsm_mac",                         "attachBtf", "sleepable"),
  sec("lsm_cgroup+",               "lsm",                     "lsm_cgroup",                      "attachBtf"),
  sec("iter+",                     "tracing",                 "trace_iter",                      "attachBtf"),
  sec("iter.s+",                   "tracing",                 "trace_iter",                      "attachBtf", "sleepable"),
  sec("syscall",                   "syscall",                 "",                                "sleepable"),
  sec("xdp.frags/devmap",          "xdp",                     "xdp_devmap",                      "frags"),
  sec("xdp/devmap",                "xdp",                     "xdp_devmap",                      "attachable"),
  sec("xdp.frags/cpumap",          "xdp",                     "xdp_cpumap",                      "frags"),
  sec("xdp/cpumap",                "xdp",                     "xdp_cpumap",                      "attachable"),
  sec("xdp.frags",                 "xdp",                     "xdp",                             "frags"),
  sec("xdp",                       "xdp",                     "xdp",                             "attachableOpt"),
  sec("perf_event",                "perf_event",              ""),
  sec("lwt_in",                    "lwt_in",                  ""),
  sec("lwt_out",                   "lwt_out",                 ""),
  sec("lwt_xmit",                  "lwt_xmit",                ""),
  sec("lwt_seg6local",             "lwt_seg6local",           ""),
  sec("sockops",                   "sock_ops",                "cgroup_sock_ops",                 "attachableOpt"),
  sec("sk_skb/stream_parser",      "sk_skb",                  "sk_skb_stream_parser",            "attachableOpt"),
  sec("sk_skb/stream_verdict",     "sk_skb",                  "sk_skb_stream_verdict",           "attachableOpt"),
  sec("sk_skb/verdict",            "sk_skb",                  "sk_skb_verdict",                  "attachableOpt"),
  sec("sk_skb",                    "sk_skb",                  ""),
  sec("sk_msg",                    "sk_msg",                  "sk_msg_verdict",                  "attachableOpt"),
  sec("lirc_mode2",                "lirc_mode2",              "lirc_mode2",                      "attachableOpt"),
  sec("flow_dissector",            "flow_dissector",          "flow_dissector",                  "attachableOpt"),
  sec("cgroup_skb/ingress",        "cgroup_skb",              "cgroup_inet_ingress",             "attachableOpt"),
  sec("cgroup_skb/egress",         "cgroup_skb",              "cgroup_inet_egress",              "attachableOpt"),
  sec("cgroup/skb",                "cgroup_skb",              ""),
  sec("cgroup/sock_create",        "cgroup_sock",             "cgroup_inet_sock_create",         "attachable"),
  sec("cgroup/sock_release",       "cgroup_sock",             "cgroup_inet_sock_release",        "attachable"),
  sec("cgroup/sock",               "cgroup_sock",             "cgroup_inet_sock_create",         "attachableOpt"),
  sec("cgroup/post_bind4",         "cgroup_sock",             "cgroup_inet4_post_bind",          "attachable"),
  sec("cgroup/post_bind6",         "cgroup_sock",             "cgroup_inet6_post_bind",          "attachable"),
  sec("cgroup/bind4",              "cgroup_sock_addr",        "cgroup_inet4_bind",               "attachable"),
  sec("cgroup/bind6",              "cgroup_sock_addr",        "cgroup_inet6_bind",               "attachable"),
  sec("cgroup/connect4",           "cgroup_sock_addr",        "cgroup_inet4_connect",            "attachable"),
  sec("cgroup/connect6",           "cgroup_sock_addr",        "cgroup_inet6_connect",            "attachable"),
  sec("cgroup/connect_unix",       "cgroup_sock_addr",        "cgroup_unix_connect",             "attachable"),
  sec("cgroup/sendmsg4",           "cgroup_sock_addr",        "cgroup_udp4_sendmsg",             "attachable"),
  sec("cgroup/sendmsg6",           "cgroup_sock_addr",        "cgroup_udp6_sendmsg",             "attachable"),
  sec("cgroup/sendmsg_unix",       "cgroup_sock_addr",        "cgroup_unix_sendmsg",             "attachable"),
  sec("cgroup/recvmsg4",           "cgroup_sock_addr",        "cgroup_udp4_recvmsg",             "attachable"),
  sec("cgroup/recvmsg6",           "cgroup_sock_addr",        "cgroup_udp6_recvmsg",             "attachable"),
  sec("cgroup/recvmsg_unix",       "cgroup_sock_addr",        "cgroup_unix_recvmsg",             "attachable"),
  sec("cgroup/getpeername4",       "cgroup_sock_addr",        "cgroup_inet4_getpeername",        "attachable"),
  sec("cgroup/getpeername6",       "cgroup_sock_addr",        "cgroup_inet6_getpeername",        "attachable"),
  sec("cgroup/getpeername_unix",   "cgroup_sock_addr",        "cgroup_unix_getpeername",         "attachable"),
  sec("cgroup/getsockname4",       "cgroup_sock_addr",        "cgroup_inet4_getsockname",        "attachable"),
  sec("cgroup/getsockname6",       "cgroup_sock_addr",        "cgroup_inet6_getsockname",        "attachable"),
  sec("cgroup/getsockname_unix",   "cgroup_sock_addr",        "cgroup_unix_getsockname",         "attachable"),
  sec("cgroup/sysctl",             "cgroup_sysctl",           "cgroup_sysctl",                   "attachable"),
  sec("cgroup/getsockopt",         "cgroup_sockopt",          "cgroup_getsockopt",               "attachable"),
  sec("cgroup/setsockopt",         "cgroup_sockopt",          "cgroup_setsockopt",               "attachable"),
  sec("cgroup/dev",                "cgroup_device",           "cgroup_device",                   "attachableOpt"),
  sec("struct_ops+",               "struct_ops",              ""),
  sec("struct_ops.s+",             "struct_ops",              "",                                "sleepable"),
  sec("sk_lookup",                 "sk_lookup",               "sk_lookup",                       "attachable"),
  sec("netfilter",                 "netfilter",               "netfilter"),
];

export interface SectionMatch {
  readonly row: SectionRow;
  /** what follows the row's name and slash: function, hook, tracepoint */
  readonly attachTo: string | undefined;
}

/**
 * The row for a section name. A leading "?" (do not load by default) is not part of the name. A name that no row has
 * belongs to the first row it begins with, as for cilium/ebpf and for libbpf before 1.0: "xdp/firewall", "socket1".
 */
export function findSection(section: string): SectionMatch | undefined {
  const name = section.startsWith("?") ? section.slice(1) : section;
  for (const row of SECTIONS) {
    if (name === row.name) return { row, attachTo: undefined };
    if (row.match === "extras" && name.startsWith(`${row.name}/`))
      return { row, attachTo: name.slice(row.name.length + 1) };
  }
  const row = SECTIONS.find((r) => r.match === "exact" && name.startsWith(r.name));
  return row && { row, attachTo: undefined };
}

export function progTypeId(name: ProgTypeName): number {
  return PROG_TYPES[name].id;
}

/** The kernel's number of an attach type. */
export function attachTypeId(name: AttachTypeName): number {
  return ATTACH_TYPES.indexOf(name);
}
