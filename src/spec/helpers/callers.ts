// Groups of programs that share helpers, named for what they work on.
import { LSM_SLEEPABLE } from "../attach_targets.ts";
import { NO_ATTACH } from "../prog_rules.ts";
import type { AttachTypeName, ProgTypeName } from "../prog_types.ts";
import type { Callers, HelperProto } from "./proto.ts";

function all(...types: readonly ProgTypeName[]): readonly Callers[] {
  return types.map((type) => ({ type }));
}

export const XDP: readonly Callers[] = all("xdp");
export const TC: readonly Callers[] = all("sched_cls", "sched_act");
export const FILTER: readonly Callers[] = all("socket_filter");
export const CGROUP_SKB: readonly Callers[] = all("cgroup_skb");
export const SK_SKB: readonly Callers[] = all("sk_skb");
export const LWT_IN: readonly Callers[] = all("lwt_in");
export const LWT_XMIT: readonly Callers[] = all("lwt_xmit");
export const SEG6LOCAL: readonly Callers[] = all("lwt_seg6local");
export const LWT: readonly Callers[] = all("lwt_in", "lwt_out", "lwt_xmit", "lwt_seg6local");
export const DISSECTOR: readonly Callers[] = all("flow_dissector");
export const REUSEPORT: readonly Callers[] = all("sk_reuseport");
export const SK_LOOKUP: readonly Callers[] = all("sk_lookup");
export const SK_MSG: readonly Callers[] = all("sk_msg");
export const SOCK_OPS: readonly Callers[] = all("sock_ops");
export const CGROUP_SOCK: readonly Callers[] = all("cgroup_sock");
export const SOCK_ADDR: readonly Callers[] = all("cgroup_sock_addr");
export const SOCKOPT: readonly Callers[] = all("cgroup_sockopt");
export const SYSCTL: readonly Callers[] = all("cgroup_sysctl");
export const CGROUP_DEVICE: readonly Callers[] = all("cgroup_device");
export const SYSCALL: readonly Callers[] = all("syscall");
export const PERF_EVENT: readonly Callers[] = all("perf_event");
export const LIRC: readonly Callers[] = all("lirc_mode2");
export const LSM: readonly Callers[] = all("lsm");
export const LSM_CGROUP: readonly Callers[] = [{ type: "lsm", attach: ["lsm_cgroup"] }];
/** Of security hooks only those that may sleep. */
export const SLEEPABLE_HOOKS = { targets: [...LSM_SLEEPABLE].map((name) => `bpf_lsm_${name}`) };
export const STRUCT_OPS: readonly Callers[] = all("struct_ops");

/** Everything on a __sk_buff that is a packet. */
export const SKB: readonly Callers[] = [...FILTER, ...TC, ...CGROUP_SKB, ...SK_SKB, ...LWT];

/** Where a program hangs on something the kernel does, without types of its arguments. */
export const PROBES: readonly Callers[] = all(
  "kprobe",
  "tracepoint",
  "perf_event",
  "raw_tracepoint",
  "raw_tracepoint_writable",
);

/** Where arguments have the kernel's types. */
export const TYPED: readonly Callers[] = all("tracing", "lsm", "syscall");

export const TRACING: readonly Callers[] = [...PROBES, ...TYPED];

/** Attached to functions through a trampoline. */
export const TRAMPOLINE: readonly AttachTypeName[] = ["trace_fentry", "trace_fexit", "modify_return"];
export const FUNCS: readonly Callers[] = [
  { type: "tracing", attach: TRAMPOLINE },
  { type: "lsm", attach: ["lsm_mac"] },
];

export const ITER: readonly Callers[] = [{ type: "tracing", attach: ["trace_iter"] }];
export const RAW_TP_BTF: readonly Callers[] = [{ type: "tracing", attach: ["trace_raw_tp"] }];

/** Network programs that may look into sockets by their types. */
export const SOCKETS: readonly Callers[] = [
  ...SKB,
  ...DISSECTOR,
  ...XDP,
  ...SOCK_ADDR,
  ...SOCK_OPS,
  ...SK_MSG,
  ...SK_LOOKUP,
];

/** Hooks of a cgroup besides packets. */
export const CGROUP_HOOKS: readonly Callers[] = [
  ...CGROUP_SOCK,
  ...SOCK_ADDR,
  ...SOCKOPT,
  ...SYSCTL,
  ...CGROUP_DEVICE,
  ...SOCK_OPS,
];

/** Hooks whose verdict the caller never sees. */
const NO_VERDICT: readonly AttachTypeName[] = [
  "cgroup_inet_ingress",
  "cgroup_inet_egress",
  "cgroup_sock_ops",
  "cgroup_udp4_recvmsg",
  "cgroup_udp6_recvmsg",
  "cgroup_unix_recvmsg",
  "cgroup_inet4_getpeername",
  "cgroup_inet6_getpeername",
  "cgroup_unix_getpeername",
  "cgroup_inet4_getsockname",
  "cgroup_inet6_getsockname",
  "cgroup_unix_getsockname",
];

/** Cgroup programs whose verdict is an errno the next one sees. */
export const WITH_RETVAL: readonly Callers[] = [
  ...[...CGROUP_HOOKS, ...CGROUP_SKB].map((c) => ({ ...c, notAttach: NO_VERDICT })),
  ...LSM_CGROUP,
];

export function mayCall(
  callers: HelperProto["callers"],
  type: ProgTypeName,
  attach: AttachTypeName | undefined,
): boolean {
  // a remote control's programs have a list of their own
  if (callers === "any") return type !== "lirc_mode2";
  const own = attach ?? NO_ATTACH;
  return callers.some(
    (c) => c.type === type && c.attach?.includes(own) !== false && c.notAttach?.includes(own) !== true,
  );
}
