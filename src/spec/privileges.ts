// What a process may have verified by the capabilities it has: rights, program types, maps and helpers, as rows. All
// that is not named here needs no capability. CAP_SYS_ADMIN stands for each of the three.
import type { MapTypeName } from "./map_types.ts";
import type { ProgTypeName } from "./prog_types.ts";

export const CAPABILITIES = ["bpf", "perfmon", "net_admin"] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** What the verifier lets a program do, and the capability it takes. */
const RIGHTS = {
  /** more than BPF_MAXINSNS insns */
  longProgs: "bpf",
  /** the load's flags that are meant for tests */
  testFlags: "bpf",
  /** calls of functions, the program's own and the kernel's, and their addresses */
  functions: "bpf",
  /** jumps back */
  loops: "bpf",
  /** fields of contexts that are marked so */
  privilegedFields: "bpf",
  /** numbers on which no decision depends are not compared; else all are */
  imprecision: "bpf",
  /** numbers are remembered in stack slots, and constants that were added to linked ones */
  numbersTracked: "bpf",
  /** as many states are kept at an insn as turn out useful */
  statesKept: "bpf",
  /** pointers may become numbers, be compared, be stored where others can read them */
  pointerLeaks: "perfmon",
  /** stack bytes may be read that were never written */
  uninitStack: "perfmon",
  /** what a processor might do after a mispredicted branch does not matter (Spectre v1) */
  misprediction: "perfmon",
  /** nor what it might load past a store (Spectre v4) */
  storeBypass: "perfmon",
} as const satisfies Record<string, Capability>;

export type Right = keyof typeof RIGHTS;
export type Rights = Readonly<Record<Right, boolean>>;

export function rightsOf(caps: readonly Capability[]): Rights {
  const rows = Object.entries(RIGHTS).map(([right, cap]) => [right, caps.includes(cap)]);
  return Object.fromEntries(rows) as Record<Right, boolean>;
}

const NET: readonly Capability[] = ["bpf", "net_admin"];
const TRACE: readonly Capability[] = ["bpf", "perfmon"];
const NOTHING: readonly Capability[] = [];

// biome-ignore format: table
const PROG_CAPS: Partial<Record<ProgTypeName, readonly Capability[]>> = {
  socket_filter: NOTHING, cgroup_skb: NOTHING,
  sched_cls: NET, sched_act: NET, xdp: NET, lwt_in: NET, lwt_out: NET, lwt_xmit: NET, lwt_seg6local: NET,
  sk_skb: NET, sk_msg: NET, flow_dissector: NET, cgroup_device: NET, cgroup_sock: NET, cgroup_sock_addr: NET,
  cgroup_sockopt: NET, cgroup_sysctl: NET, sock_ops: NET, netfilter: NET,
  kprobe: TRACE, tracepoint: TRACE, perf_event: TRACE, raw_tracepoint: TRACE, raw_tracepoint_writable: TRACE,
  tracing: TRACE, lsm: TRACE, struct_ops: TRACE,
  ext: ["bpf", "net_admin", "perfmon"],
};

// biome-ignore format: table
const MAP_CAPS: Partial<Record<MapTypeName, Capability>> = {
  sk_storage: "bpf", inode_storage: "bpf", task_storage: "bpf", cgrp_storage: "bpf", bloom_filter: "bpf",
  lpm_trie: "bpf", reuseport_sockarray: "bpf", stack_trace: "bpf", queue: "bpf", stack: "bpf", lru_hash: "bpf",
  lru_percpu_hash: "bpf", struct_ops: "bpf", cpumap: "bpf", arena: "bpf",
  sockmap: "net_admin", sockhash: "net_admin", devmap: "net_admin", devmap_hash: "net_admin", xskmap: "net_admin",
};

/** Helpers for programs of every type, or of every type on packets, that take a capability. */
// biome-ignore format: table
const HELPER_CAPS: Readonly<Record<string, Capability>> = {
  spin_lock: "bpf", spin_unlock: "bpf", jiffies64: "bpf", per_cpu_ptr: "bpf", this_cpu_ptr: "bpf",
  timer_init: "bpf", timer_set_callback: "bpf", timer_start: "bpf", timer_cancel: "bpf", kptr_xchg: "bpf",
  for_each_map_elem: "bpf", loop: "bpf", user_ringbuf_drain: "bpf", ringbuf_reserve_dynptr: "bpf",
  ringbuf_submit_dynptr: "bpf", ringbuf_discard_dynptr: "bpf", dynptr_from_mem: "bpf", dynptr_read: "bpf",
  dynptr_write: "bpf", dynptr_data: "bpf", cgrp_storage_get: "bpf", cgrp_storage_delete: "bpf",
  get_current_cgroup_id: "bpf", get_current_ancestor_cgroup_id: "bpf", get_cgroup_classid: "bpf",
  current_task_under_cgroup: "bpf", task_storage_get: "bpf", task_storage_delete: "bpf",
  trace_printk: "perfmon", trace_vprintk: "perfmon", snprintf: "perfmon", snprintf_btf: "perfmon",
  get_current_task: "perfmon", get_current_task_btf: "perfmon", task_pt_regs: "perfmon",
  probe_read_user: "perfmon", probe_read_kernel: "perfmon", probe_read_user_str: "perfmon",
  probe_read_kernel_str: "perfmon", copy_from_user: "perfmon", copy_from_user_task: "perfmon",
  get_current_comm: "perfmon", perf_event_read: "perfmon", perf_event_read_value: "perfmon", send_signal: "perfmon",
  send_signal_thread: "perfmon", get_task_stack: "perfmon", get_branch_snapshot: "perfmon", find_vma: "perfmon",
  sys_bpf: "perfmon",
  skc_to_tcp6_sock: "perfmon", skc_to_tcp_sock: "perfmon", skc_to_tcp_timewait_sock: "perfmon",
  skc_to_tcp_request_sock: "perfmon", skc_to_udp6_sock: "perfmon", skc_to_unix_sock: "perfmon",
  skc_to_mptcp_sock: "perfmon",
};

/** What a program of this type takes to be loaded and the process does not have. */
export function missingForProg(type: ProgTypeName, caps: readonly Capability[]): readonly Capability[] {
  return (PROG_CAPS[type] ?? ["bpf"]).filter((cap) => !caps.includes(cap));
}

/** What a map of this type takes to be created, if the process does not have it. */
export function missingForMap(type: MapTypeName, caps: readonly Capability[]): Capability | undefined {
  const cap = MAP_CAPS[type];
  return cap === undefined || caps.includes(cap) ? undefined : cap;
}

/** What programs of type syscall have from a list of their own. */
const SYSCALL_OWN = /^skc_to_/;

/** `name` without bpf_. Whether programs of the type may call it at all is another question. */
export function mayCallHelper(name: string, type: ProgTypeName, caps: readonly Capability[]): boolean {
  const cap = type === "syscall" && SYSCALL_OWN.test(name) ? undefined : HELPER_CAPS[name];
  return cap === undefined || caps.includes(cap);
}
