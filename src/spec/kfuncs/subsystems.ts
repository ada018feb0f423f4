// Kernel functions of subsystems, as of Linux 6.18: packets and sockets, connection tracking, encryption, files,
// congestion control, tracing.
import { type KfuncHook, type KfuncRow, kfuncs } from "./row.ts";

const SKB: readonly KfuncHook[] = [
  "tc",
  "sched_act",
  "sk_skb",
  "socket_filter",
  "cgroup",
  "lwt",
  "netfilter",
  "tracing",
];
const CONNTRACK: readonly KfuncHook[] = ["xdp", "tc"];
const TCP_CC: readonly KfuncHook[] = ["struct_ops"];

// biome-ignore format: table
const NET: readonly KfuncRow[] = [
  ...kfuncs(SKB, "trusted", "bpf_dynptr_from_skb"),
  ...kfuncs(["tc", "sched_act"], "trusted", "bpf_dynptr_from_skb_meta"),
  ...kfuncs(["xdp"], "", "bpf_dynptr_from_xdp bpf_xdp_pull_data"),
  ...kfuncs(["xdp"], "acquire ret_null", "bpf_xdp_get_xfrm_state"),
  ...kfuncs(["xdp"], "release", "bpf_xdp_xfrm_state_release"),
  ...kfuncs(["xdp"], "trusted ret_null", "bpf_xdp_flow_lookup"),
  ...kfuncs(["tc"], "", "bpf_skb_get_fou_encap bpf_skb_set_fou_encap bpf_skb_get_xfrm_info bpf_skb_set_xfrm_info"),
  ...kfuncs(["common"], "trusted", `
    bpf_xdp_metadata_rx_hash bpf_xdp_metadata_rx_timestamp bpf_xdp_metadata_rx_vlan_tag`, { deviceBound: true }),
  ...kfuncs(["tc"], "trusted", "bpf_sk_assign_tcp_reqsk"),
  ...kfuncs(["cgroup"], "", "bpf_sock_addr_set_sun_path"),
  ...kfuncs(["cgroup"], "trusted", "bpf_sock_ops_enable_tx_tstamp"),
  ...kfuncs(["tracing"], "trusted", "bpf_sock_destroy", { filter: { attachTypes: ["trace_iter"] } }),
  ...kfuncs(CONNTRACK, "acquire ret_null", "bpf_skb_ct_alloc bpf_skb_ct_lookup bpf_xdp_ct_alloc bpf_xdp_ct_lookup"),
  ...kfuncs(CONNTRACK, "acquire ret_null release", "bpf_ct_insert_entry"),
  ...kfuncs(CONNTRACK, "release", "bpf_ct_release"),
  ...kfuncs(CONNTRACK, "trusted", `
    bpf_ct_change_status bpf_ct_change_timeout bpf_ct_set_nat_info bpf_ct_set_status bpf_ct_set_timeout`),
  ...kfuncs(["syscall"], "acquire ret_null sleepable", "bpf_crypto_ctx_create"),
  ...kfuncs(["syscall"], "acquire ret_null rcu", "bpf_crypto_ctx_acquire"),
  ...kfuncs(["syscall"], "release", "bpf_crypto_ctx_release"),
  ...kfuncs(["tc", "sched_act", "xdp"], "rcu", "bpf_crypto_encrypt bpf_crypto_decrypt"),
  ...kfuncs(TCP_CC, "", `
    bbr_cwnd_event bbr_init bbr_main bbr_min_tso_segs bbr_set_state bbr_sndbuf_expand bbr_ssthresh bbr_undo_cwnd
    cubictcp_acked cubictcp_cong_avoid cubictcp_cwnd_event cubictcp_init cubictcp_recalc_ssthresh cubictcp_state
    tcp_cong_avoid_ai tcp_reno_cong_avoid tcp_reno_ssthresh tcp_reno_undo_cwnd tcp_slow_start`),
];

// biome-ignore format: table
const FILES_AND_TRACING: readonly KfuncRow[] = [
  ...kfuncs(["tracing"], "acquire trusted ret_null", "bpf_get_task_exe_file", { filter: { type: "lsm" } }),
  ...kfuncs(["tracing"], "release", "bpf_put_file", { filter: { type: "lsm" } }),
  ...kfuncs(["tracing"], "trusted", "bpf_path_d_path bpf_get_fsverity_digest", { filter: { type: "lsm" } }),
  ...kfuncs(["tracing"], "sleepable trusted", `
    bpf_get_dentry_xattr bpf_get_file_xattr bpf_set_dentry_xattr bpf_remove_dentry_xattr`, { filter: { type: "lsm" } }),
  ...kfuncs(["tracing"], "", "css_rstat_updated"),
  ...kfuncs(["tracing"], "sleepable", "css_rstat_flush"),
  ...kfuncs(["kprobe"], "", "bpf_session_cookie bpf_session_is_return",
    { filter: { attachTypes: ["trace_kprobe_session", "trace_uprobe_session"] } }),
  ...kfuncs(["tc", "tracing", "syscall"], "release", "bpf_kfunc_call_test_release bpf_kfunc_call_memb_release"),
];

export const SUBSYSTEMS: readonly KfuncRow[] = [...NET, ...FILES_AND_TRACING];
