// The form of the kernel functions' table: flags as the kernel marks them, and which programs may call which set.
import type { AttachTypeName, ProgTypeName } from "../prog_types.ts";

/** KF_*; see Documentation/bpf/kfuncs.rst. */
export type KfuncFlag =
  | "acquire" // what it returns must be given back
  | "release" // gives back its referenced argument
  | "ret_null"
  | "trusted" // pointers must be valid and unmodified, as those to be given back are in any case
  | "rcu" // pointers must be valid, if only under RCU
  | "rcu_protected" // callable only under RCU
  | "sleepable"
  | "destructive"
  | "iter_new"
  | "iter_next"
  | "iter_destroy";

/** Sets that program types may call; "common" is everybody's. */
export type KfuncHook =
  | "common"
  | "xdp"
  | "tc"
  | "sched_act"
  | "tracing"
  | "syscall"
  | "struct_ops"
  | "cgroup"
  | "sk_skb"
  | "socket_filter"
  | "lwt"
  | "netfilter"
  | "kprobe";

/** The set a program type has besides the common one. */
// biome-ignore format: table
const HOOK_OF: Partial<Record<ProgTypeName, KfuncHook>> = {
  xdp: "xdp",                 sched_cls: "tc",               sched_act: "sched_act",       struct_ops: "struct_ops",
  tracing: "tracing",         tracepoint: "tracing",         perf_event: "tracing",        lsm: "tracing",
  syscall: "syscall",         cgroup_skb: "cgroup",          cgroup_sock: "cgroup",        cgroup_device: "cgroup",
  cgroup_sock_addr: "cgroup", cgroup_sockopt: "cgroup",      cgroup_sysctl: "cgroup",      sock_ops: "cgroup",
  sk_skb: "sk_skb",           socket_filter: "socket_filter", lwt_in: "lwt",               lwt_out: "lwt",
  lwt_xmit: "lwt",            lwt_seg6local: "lwt",          netfilter: "netfilter",       kprobe: "kprobe",
};

/** Narrower than the set: this type, or these attach types, only. */
export interface KfuncFilter {
  readonly type?: ProgTypeName;
  readonly attachTypes?: readonly AttachTypeName[];
}

export interface KfuncRow {
  readonly name: string;
  readonly flags: ReadonlySet<KfuncFlag>;
  readonly hooks: readonly KfuncHook[];
  readonly filter?: KfuncFilter;
  /** only for programs bound to a device */
  readonly deviceBound?: true;
}

/** `names` and `flags` separated by spaces. */
export function kfuncs(
  hooks: readonly KfuncHook[],
  flags: string,
  names: string,
  extra: Pick<KfuncRow, "filter" | "deviceBound"> = {},
): KfuncRow[] {
  const set = new Set(words(flags) as KfuncFlag[]);
  return words(names).map((name) => ({ name, flags: set, hooks, ...extra }));
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((w) => w !== "");
}

export function mayCall(row: KfuncRow, type: ProgTypeName, attachType: string | undefined): boolean {
  const own = HOOK_OF[type];
  if (!row.hooks.includes("common") && (own === undefined || !row.hooks.includes(own))) return false;
  const { filter } = row;
  if (filter?.type !== undefined && filter.type !== type) return false;
  return (
    filter?.attachTypes === undefined ||
    (attachType !== undefined && filter.attachTypes.some((t) => t === attachType))
  );
}
