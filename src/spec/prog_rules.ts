// What the kernel asks of a program of each type as a whole: the expected attach types it may be loaded with, whether
// it may sleep, what it may do with packet bytes, and what it may return. Contexts and helpers have tables of their own.
import { ATTACH_TYPES, type AttachTypeName, type ProgTypeName } from "./prog_types.ts";

/** Both ends included. */
export type ReturnRange = readonly [min: number, max: number];

interface ReturnRule {
  readonly range: ReturnRange;
  /** for these attach types; for all that no rule before it names */
  readonly attach?: readonly AttachTypeName[];
}

export interface ProgRules {
  /** the expected attach types it may be loaded with; all, where the kernel does not look */
  readonly attach?: readonly AttachTypeName[];
  /** what it is loaded as when none is given */
  readonly attachDefault?: AttachTypeName;
  readonly sleepable?: "always" | "may" | readonly AttachTypeName[];
  /** direct access to packet bytes; with either, helpers may be given them */
  readonly pkt?: "read" | "write";
  /** helpers take packet bytes whatever their rows say */
  readonly pktArgs?: "always";
  /** puts sockets into maps, or only takes them out */
  readonly sockmap?: "update" | "delete";
  /** the context is memory as it lies there: functions may be given it as such */
  readonly plainCtx?: true;
  /** functions may have stacks of their own; all, or but for these attach types */
  readonly privateStacks?: true | { readonly but: readonly AttachTypeName[] };
  /** legacy packet loads */
  readonly ldAbs?: true;
  /** the first rule that fits; no rule: anything */
  readonly returns?: readonly ReturnRule[];
}

const BOOLEAN: readonly ReturnRule[] = [{ range: [0, 1] }];

const SOCK_ADDR: readonly AttachTypeName[] = [
  "cgroup_inet4_bind",
  "cgroup_inet6_bind",
  "cgroup_inet4_connect",
  "cgroup_inet6_connect",
  "cgroup_unix_connect",
  "cgroup_inet4_getpeername",
  "cgroup_inet6_getpeername",
  "cgroup_unix_getpeername",
  "cgroup_inet4_getsockname",
  "cgroup_inet6_getsockname",
  "cgroup_unix_getsockname",
  "cgroup_udp4_sendmsg",
  "cgroup_udp6_sendmsg",
  "cgroup_unix_sendmsg",
  "cgroup_udp4_recvmsg",
  "cgroup_udp6_recvmsg",
  "cgroup_unix_recvmsg",
];

/** Hooks that only report: they cannot refuse. */
const REPORTS: readonly AttachTypeName[] = SOCK_ADDR.filter((a) =>
  /_(recvmsg|getpeername|getsockname)$/.test(a),
);

// biome-ignore format: table
const RULES: Partial<Record<ProgTypeName, ProgRules>> = {
  socket_filter:  { ldAbs: true, sockmap: "update" },
  sched_cls:      { pkt: "write", ldAbs: true, sockmap: "update" },
  sched_act:      { pkt: "write", ldAbs: true, sockmap: "update" },
  xdp:            { pkt: "write", sockmap: "update" },
  lwt_in:         { pkt: "read" },
  lwt_out:        { pkt: "read" },
  lwt_xmit:       { pkt: "write" },
  lwt_seg6local:  { pkt: "read" },
  sk_skb:         { pkt: "write" },
  sk_msg:         { pkt: "write" },
  flow_dissector: { pkt: "read", sockmap: "update" },
  sk_reuseport:   {
    pkt: "read", sockmap: "update", attachDefault: "sk_reuseport_select",
    attach: ["sk_reuseport_select", "sk_reuseport_select_or_migrate"],
  },
  cgroup_skb:     {
    pkt: "read", attachDefault: "cgroup_inet_ingress",
    attach: ["cgroup_inet_ingress", "cgroup_inet_egress"],
    returns: [{ range: [0, 3], attach: ["cgroup_inet_egress"] }, ...BOOLEAN],
  },
  cgroup_sock:    {
    attachDefault: "cgroup_inet_sock_create",
    attach: ["cgroup_inet_sock_create", "cgroup_inet_sock_release", "cgroup_inet4_post_bind", "cgroup_inet6_post_bind"],
    returns: BOOLEAN,
  },
  cgroup_sock_addr: {
    attach: SOCK_ADDR,
    returns: [
      { range: [1, 1], attach: REPORTS },
      { range: [0, 3], attach: ["cgroup_inet4_bind", "cgroup_inet6_bind"] },
      ...BOOLEAN,
    ],
  },
  cgroup_sockopt: { pkt: "write", pktArgs: "always", attach: ["cgroup_setsockopt", "cgroup_getsockopt"], returns: BOOLEAN },
  cgroup_sysctl:  { returns: BOOLEAN },
  cgroup_device:  { plainCtx: true, returns: BOOLEAN },
  sock_ops:       { returns: BOOLEAN, sockmap: "delete" },
  sk_lookup:      { attach: ["sk_lookup"], returns: BOOLEAN, sockmap: "update" },
  netfilter:      { plainCtx: true, attach: ["netfilter"], returns: BOOLEAN },
  syscall:        { plainCtx: true, attach: [], sleepable: "always" },
  tracepoint:     { plainCtx: true, privateStacks: true },
  perf_event:     { privateStacks: true },
  raw_tracepoint: { plainCtx: true, privateStacks: true },
  raw_tracepoint_writable: { plainCtx: true },
  ext:            { attach: [] },
  kprobe:         {
    plainCtx: true,
    privateStacks: true,
    sleepable: "may",
    returns: [{ range: [0, 1], attach: ["trace_kprobe_session", "trace_uprobe_session"] }],
  },
  tracing:        {
    plainCtx: true,
    privateStacks: { but: ["trace_iter"] },
    sleepable: ["trace_fentry", "trace_fexit", "modify_return", "trace_iter"],
    returns: [{ range: [0, 0], attach: ["trace_fentry", "trace_fexit"] }, { range: [0, 1], attach: ["trace_iter"] }],
  },
  lsm:            { plainCtx: true, sleepable: ["lsm_mac"] },
  struct_ops:     { plainCtx: true, sleepable: "may" },
};

export function progRules(type: ProgTypeName): ProgRules {
  return RULES[type] ?? {};
}

/** The kernel's number 0, which also means that none was given. */
export const NO_ATTACH: AttachTypeName = ATTACH_TYPES[0];

/** The expected attach type a program counts as; undefined where none was given and none is assumed. */
export function effectiveAttach(
  type: ProgTypeName,
  attach: AttachTypeName | undefined,
): AttachTypeName | undefined {
  return attach === undefined || attach === NO_ATTACH ? progRules(type).attachDefault : attach;
}

/** Whether functions that need much may have stacks of their own: what never runs twice at a time on a CPU. */
export function mayHavePrivateStacks(type: ProgTypeName, attach: AttachTypeName | undefined): boolean {
  const rule = progRules(type).privateStacks ?? false;
  return rule === true || (rule !== false && (attach === undefined || !rule.but.includes(attach)));
}

/** undefined: anything may be returned. */
export function returnRange(type: ProgTypeName, attach: AttachTypeName | undefined): ReturnRange | undefined {
  const own = effectiveAttach(type, attach);
  const rules = progRules(type).returns ?? [];
  return rules.find((r) => r.attach === undefined || (own !== undefined && r.attach.includes(own)))?.range;
}
