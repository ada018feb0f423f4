// The kernel's struct behind the context of a program of each type.
import type { ProgTypeName } from "./prog_types.ts";

// biome-ignore format: table
export const KERN_CTX: Partial<Record<ProgTypeName, string>> = {
  socket_filter: "sk_buff",              sched_cls: "sk_buff",          sched_act: "sk_buff",
  cgroup_skb: "sk_buff",                 lwt_in: "sk_buff",             lwt_out: "sk_buff",
  lwt_xmit: "sk_buff",                   lwt_seg6local: "sk_buff",      sk_skb: "sk_buff",
  xdp: "xdp_buff",                       sock_ops: "bpf_sock_ops_kern", sk_msg: "sk_msg",
  cgroup_sock: "sock",                   cgroup_sock_addr: "bpf_sock_addr_kern",
  flow_dissector: "bpf_flow_dissector",  kprobe: "pt_regs",             perf_event: "bpf_perf_event_data_kern",
  cgroup_device: "bpf_cgroup_dev_ctx",   cgroup_sysctl: "bpf_sysctl_kern",
  cgroup_sockopt: "bpf_sockopt_kern",    sk_reuseport: "sk_reuseport_kern",
  sk_lookup: "bpf_sk_lookup_kern",       netfilter: "bpf_nf_ctx",
};
