// SPDX-License-Identifier: Apache-2.0
// Contexts of each networking and tracing type: what may be read and written, at which width; helpers and licences.
#include "twins.h"

LICENSE("GPL");

#define END "r0 = 0; exit;"
#define ONE "r0 = 1; exit;"

/* __sk_buff: len 0, mark 8, protocol 16, priority 32, cb 48, tc_classid 72, data 76, tstamp 152, sk 168, gso_size 176 */
TWINS("tc", skb_read, "", "r2 = *(u32 *)(r1 + 0);", "r2 = *(u32 *)(r1 + 192);", END)
TWINS("tc", skb_narrow, "", "r2 = *(u8 *)(r1 + 0);", "r2 = *(u8 *)(r1 + 76);", END)
TWINS("tc", skb_wide, "", "r2 = *(u64 *)(r1 + 152);", "r2 = *(u64 *)(r1 + 0);", END)
TWINS("tc", skb_write, "r2 = 0;", "*(u32 *)(r1 + 8) = r2;", "*(u32 *)(r1 + 0) = r2;", END)
TWINS("tc", skb_write_narrow, "r2 = 0;", "*(u32 *)(r1 + 32) = r2;", "*(u8 *)(r1 + 32) = r2;", END)
TWINS("tc", skb_write_constant, "", "*(u32 *)(r1 + 48) = 7;", "*(u32 *)(r1 + 16) = 7;", END)
TWINS("tc", skb_unaligned, "", "r2 = *(u32 *)(r1 + 4);", "r2 = *(u32 *)(r1 + 6);", END)
TWINS("tc", skb_negative, "", "r2 = *(u32 *)(r1 + 0);", "r2 = *(u32 *)(r1 - 4);", END)
TWINS("tc", skb_moved, "r2 = *(u32 *)(r1 + 0); r2 &= 4;", "r3 = r1; r3 += 4; r3 += -4; r3 = *(u32 *)(r3 + 0);", "r3 = r1; r3 += r2; r3 = *(u32 *)(r3 + 0);", END)
TWINS("tc", skb_atomic, "r2 = 1;", "*(u32 *)(r1 + 8) = r2;", "lock *(u32 *)(r1 + 8) += r2;", END)
TWINS("tc", skb_pointer_written, "r2 = 0;", "*(u32 *)(r1 + 48) = r2;", "*(u64 *)(r1 + 168) = r2;", END)
TWINS("socket", socket_read, "", "r2 = *(u32 *)(r1 + 8);", "r2 = *(u32 *)(r1 + 152);", END)
TWINS("socket", socket_cb, "r2 = 0;", "*(u32 *)(r1 + 48) = r2;", "*(u32 *)(r1 + 8) = r2;", END)
TWINS("cgroup_skb/egress", cgroup_mark, "r2 = 0;", "*(u32 *)(r1 + 8) = r2;", "*(u32 *)(r1 + 16) = r2;", ONE)
TWINS("cgroup_skb/ingress", cgroup_classid, "", "r2 = *(u32 *)(r1 + 36);", "r2 = *(u32 *)(r1 + 72);", ONE)
TWINS("lwt_in", lwt_read, "", "r2 = *(u32 *)(r1 + 36);", "r2 = *(u32 *)(r1 + 72);", END)
TWINS("lwt_xmit", lwt_write, "r2 = 0;", "*(u32 *)(r1 + 8) = r2;", "*(u32 *)(r1 + 72) = r2;", END)
TWINS("sk_skb/stream_verdict", sk_skb_write, "r2 = 0;", "*(u32 *)(r1 + 32) = r2;", "*(u32 *)(r1 + 8) = r2;", END)
TWINS("flow_dissector", dissector_read, "", "r2 = *(u64 *)(r1 + 144);", "r2 = *(u32 *)(r1 + 0);", END)

/* xdp_md */
TWINS("xdp", xdp_read, "", "r2 = *(u32 *)(r1 + 16);", "r2 = *(u32 *)(r1 + 24);", END)
TWINS("xdp", xdp_narrow, "", "r2 = *(u32 *)(r1 + 12);", "r2 = *(u16 *)(r1 + 12);", END)
TWINS("xdp", xdp_wide, "", "r2 = *(u32 *)(r1 + 0);", "r2 = *(u64 *)(r1 + 0);", END)
TWINS("xdp", xdp_write, "r2 = 0;", "r2 = *(u32 *)(r1 + 0);", "*(u32 *)(r1 + 16) = r2;", END)
TWINS("xdp", xdp_egress, "", "r2 = *(u32 *)(r1 + 12);", "r2 = *(u32 *)(r1 + 20);", END)
TWINS("xdp/devmap", xdp_devmap, "", "r2 = *(u32 *)(r1 + 20);", "r2 = *(u32 *)(r1 + 21);", END)

/* sockets of cgroups */
TWINS("cgroup/sock_create", sock_read, "", "r2 = *(u32 *)(r1 + 12);", "r2 = *(u32 *)(r1 + 24);", ONE)
TWINS("cgroup/sock_create", sock_write, "r2 = 0;", "*(u32 *)(r1 + 16) = r2;", "*(u32 *)(r1 + 4) = r2;", ONE)
TWINS("cgroup/post_bind4", sock_bound, "", "r2 = *(u32 *)(r1 + 24);", "r2 = *(u32 *)(r1 + 28);", ONE)
TWINS("cgroup/connect4", addr_read, "", "r2 = *(u32 *)(r1 + 4);", "r2 = *(u32 *)(r1 + 8);", ONE)
TWINS("cgroup/connect6", addr_read6, "", "r2 = *(u64 *)(r1 + 8);", "r2 = *(u32 *)(r1 + 4);", ONE)
TWINS("cgroup/bind4", addr_write, "r2 = 0;", "*(u32 *)(r1 + 4) = r2;", "*(u32 *)(r1 + 0) = r2;", ONE)
TWINS("cgroup/sendmsg4", addr_source, "r2 = 0;", "*(u32 *)(r1 + 40) = r2;", "*(u32 *)(r1 + 44) = r2;", ONE)
TWINS("cgroup/connect4", addr_not_source, "", "r2 = *(u32 *)(r1 + 24);", "r2 = *(u32 *)(r1 + 40);", ONE)
TWINS("cgroup/connect4", addr_sock, "", "r2 = *(u64 *)(r1 + 64);", "r2 = *(u32 *)(r1 + 64);", ONE)
TWINS("cgroup/getsockopt", sockopt, "r2 = 0;", "*(u32 *)(r1 + 36) = r2;", "*(u32 *)(r1 + 24) = r2;", ONE)
TWINS("cgroup/setsockopt", sockopt_set, "r2 = 0;", "*(u32 *)(r1 + 24) = r2;", "*(u32 *)(r1 + 36) = r2;", ONE)
TWINS("cgroup/sysctl", sysctl, "r2 = 0;", "*(u32 *)(r1 + 4) = r2;", "*(u32 *)(r1 + 0) = r2;", ONE)
TWINS("cgroup/dev", device, "", "r2 = *(u16 *)(r1 + 0);", "*(u32 *)(r1 + 0) = 1;", ONE)
TWINS("sockops", sock_ops, "r2 = 0;", "*(u32 *)(r1 + 4) = r2;", "*(u32 *)(r1 + 0) = r2;", ONE)
TWINS("sockops", sock_ops_sk, "", "r2 = *(u64 *)(r1 + 184);", "r2 = *(u32 *)(r1 + 184);", ONE)
TWINS("sk_lookup", lookup, "", "r2 = *(u32 *)(r1 + 8);", "r2 = *(u32 *)(r1 + 72);", ONE)
TWINS("sk_lookup", lookup_write, "", "r2 = *(u64 *)(r1 + 0);", "*(u32 *)(r1 + 8) = 1;", ONE)
TWINS("sk_msg", msg, "", "r2 = *(u32 *)(r1 + 16);", "*(u32 *)(r1 + 16) = 1;", ONE)
TWINS("sk_reuseport", reuseport, "", "r2 = *(u32 *)(r1 + 32);", "r2 = *(u8 *)(r1 + 44);", ONE)
TWINS("netfilter", netfilter, "", "r2 = *(u64 *)(r1 + 8);", "r2 = *(u64 *)(r1 + 16);", ONE)
TWINS("netfilter", netfilter_narrow, "", "r2 = *(u64 *)(r1 + 0);", "r2 = *(u32 *)(r1 + 0);", ONE)

/* tracing */
TWINS("kprobe", regs, "", "r2 = *(u64 *)(r1 + 112);", "r2 = *(u64 *)(r1 + 168);", END)
TWINS("kprobe", regs_write, "", "r2 = *(u64 *)(r1 + 0);", "*(u64 *)(r1 + 80) = 1;", END)
TWINS("tracepoint/syscalls/sys_enter_bpf", tracepoint, "", "r2 = *(u64 *)(r1 + 16);", "*(u64 *)(r1 + 16) = 1;", END)
TWINS("tracepoint/syscalls/sys_enter_bpf", tracepoint_end, "", "r2 = *(u8 *)(r1 + 64);", "r2 = *(u64 *)(r1 + 8192);", END)
TWINS("raw_tp/sys_enter", raw, "", "r2 = *(u64 *)(r1 + 8);", "r2 = *(u64 *)(r1 + 96);", END)
TWINS("raw_tp/sys_enter", raw_write, "", "r2 = *(u64 *)(r1 + 0);", "*(u64 *)(r1 + 0) = 1;", END)
TWINS("perf_event", perf, "", "r2 = *(u64 *)(r1 + 168);", "r2 = *(u64 *)(r1 + 184);", END)
TWINS("perf_event", perf_narrow, "", "r2 = *(u32 *)(r1 + 168);", "*(u64 *)(r1 + 168) = 1;", END)
TWINS("syscall", syscall_read, "", "r2 = *(u64 *)(r1 + 0);", "r1 += 65536; r2 = *(u64 *)(r1 + 0);", END)
TWINS("syscall", syscall_write, "", "*(u64 *)(r1 + 64) = 1;", "*(u64 *)(r1 - 8) = 1;", END)

/* legacy loads: r6 = ctx, not below functions with unwritten r0, not in XDP */
TWINS("tc", legacy, "r6 = r1;", "r0 = *(u8 *)skb[12];", "r6 = 0; r0 = *(u8 *)skb[12];", "exit;")
TWINS("socket", legacy_register, "r6 = r1; r7 = 4;", "r0 = *(u32 *)skb[r7];", "r0 = *(u32 *)skb[r8];", "exit;")
TWINS("socket", legacy_clobbers, "r6 = r1; r2 = 1; r0 = *(u16 *)skb[12];", "r0 = *(u32 *)(r6 + 0);", "r0 = r2;", "exit;")
TWINS("socket", legacy_ctx, "r6 = r1;", "r0 = *(u16 *)skb[12];", "r6 += 4; r0 = *(u16 *)skb[12];", "exit;")
TWINS("xdp", legacy_xdp, "r6 = r1;", "r0 = *(u32 *)(r6 + 12);", "r0 = *(u8 *)skb[12];", "exit;")

/* helpers by type: 7 prandom, 9 skb_store_bytes, 12 tail_call, 14 get_current_pid_tgid, 26 skb_load_bytes, 44 xdp_adjust_head */
TWINS("xdp", helper_of_skb, "", "call 7;", "r2 = 0; r3 = r10; r3 += -8; r4 = 8; call 26;", END)
TWINS("tc", helper_of_xdp, "", "call 7;", "r2 = 0; call 44;", END)
TWINS("socket", helper_store, "*(u64 *)(r10 - 8) = 0; r2 = 0; r3 = r10; r3 += -8; r4 = 8;", "call 26;", "r5 = 0; call 9;", END)
TWINS("kprobe", helper_of_net, "", "call 14;", "r2 = 0; call 44;", END)
TWINS("xdp", helper_unknown, "", "call 5;", "call 9999;", END)
TWINS("xdp", helper_zero, "", "call 7;", "call 0;", END)
TWINS("xdp", helper_negative, "", "call 8;", "call -1;", END)
TWINS("kprobe", helper_override, "", "call 5;", "r2 = 0; call 58;", END)
TWINS("tc", load_bytes, "r2 = 0; r3 = r10; r3 += -8;", "r4 = 8; call 26;", "r4 = 9; call 26;", END)
TWINS("tc", load_bytes_zero, "r2 = 0; r3 = r10; r3 += -8;", "r4 = 1; call 26;", "r4 = 0; call 26;", END)
TWINS("tc", load_bytes_unbounded, "r4 = *(u32 *)(r1 + 0); r2 = 0; r3 = r10; r3 += -8;", "r4 &= 7; r4 += 1; call 26;", "call 26;", END)
TWINS("tc", load_bytes_read_after, "r2 = 0; r3 = r10; r3 += -8; r4 = 8; call 26;", "r0 = *(u64 *)(r10 - 8);", "r0 = *(u64 *)(r3 + 0);", END)
TWINS("tc", ctx_as_memory, "r6 = r1; r2 = 0; r4 = 8;", "r3 = r10; r3 += -8; call 26;", "r3 = r6; call 26;", END)
TWINS("tc", redirect_flags, "", "r1 = 1; r2 = 0; call 23;", "r2 = 0; r1 = r9; call 23;", END)
TWINS("raw_tp/sys_enter", probe_read, "r6 = *(u64 *)(r1 + 0); r1 = r10; r1 += -8; r3 = r6;", "r2 = 8; call 113;", "r2 = 16; call 113;", END)
TWINS("raw_tp/sys_enter", probe_direct, "r6 = *(u64 *)(r1 + 0);", "r1 = r10; r1 += -8; r2 = 8; r3 = r6; call 113;", "r0 = *(u64 *)(r6 + 0);", END)
