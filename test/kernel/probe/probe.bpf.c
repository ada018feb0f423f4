// SPDX-License-Identifier: Apache-2.0
// One XDP program that performs the helper call named by `op` with the arguments in `a` and `b`, and
// leaves the helper's return value and the lengths seen afterwards in globals. Driven by probe.c.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int op;
__s64 a, b;
__s64 ret, ret2;
int len_before, len_after, meta_before, meta_after;
__u64 buff_len;
__u32 ifindex, rxq, egress_ok;

__u8 buf[512];

struct { __uint(type, BPF_MAP_TYPE_DEVMAP); __uint(max_entries, 8); __type(key, __u32); __type(value, __u32); } devs SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_DEVMAP_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u32); } devh SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); __uint(max_entries, 4); } perf SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_CPUMAP); __uint(max_entries, 8); __type(key, __u32); __type(value, __u32); } cpus SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); } small SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); } arr SEC(".maps");
struct lpm { __u32 plen; __u32 addr; };
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 4); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, struct lpm); __type(value, __u64); } lpm SEC(".maps");

SEC("xdp")
int probe(struct xdp_md *ctx)
{
	int rv = XDP_PASS;

	ifindex = ctx->ingress_ifindex;
	rxq = ctx->rx_queue_index;
	len_before = ctx->data_end - ctx->data;
	meta_before = ctx->data - ctx->data_meta;
	switch (op) {
	case 0: break;
	case 1: ret = bpf_xdp_adjust_head(ctx, a); break;
	case 2: ret = bpf_xdp_adjust_tail(ctx, a); break;
	case 3: ret = bpf_xdp_adjust_meta(ctx, a); break;
	case 4: ret = bpf_csum_diff(0, 0, (void *)buf, a & 0x1fc, b); break;
	case 5: ret = bpf_redirect_map(&devs, a, b); rv = ret; break;
	case 6: ret = bpf_redirect_map(&devh, a, b); rv = ret; break;
	case 7: ret = bpf_redirect(a, b); rv = ret; break;
	case 8: ret = bpf_perf_event_output(ctx, &perf, b, buf, 16); break;
	case 9: ret = bpf_xdp_load_bytes(ctx, a, buf, (b & 0x1ff) ?: 1); break;
	case 10: ret = bpf_xdp_store_bytes(ctx, a, buf, (b & 0x1ff) ?: 1); break;
	case 11: ret = bpf_redirect_map(&cpus, a, b); rv = ret; break;
	case 12: rv = a; break;
	case 13: /* meta, then head */
		ret = bpf_xdp_adjust_meta(ctx, a);
		ret2 = bpf_xdp_adjust_head(ctx, b);
		break;
	case 14: /* head, then meta */
		ret = bpf_xdp_adjust_head(ctx, a);
		ret2 = bpf_xdp_adjust_meta(ctx, b);
		break;
	case 15: ret = bpf_csum_diff((void *)buf, 16, (void *)(buf + 16), 16, a); break;
	case 16: ret = bpf_csum_diff((void *)buf, a & 0x1fc, 0, 0, b); break;
	case 17: { __u32 k = a; __u64 v = 1; ret = bpf_map_update_elem(&small, &k, &v, b); break; }
	case 18: { __u32 k = a; __u64 v = 1; ret = bpf_map_update_elem(&arr, &k, &v, b); break; }
	case 19: { struct lpm k = { a, 0x01020304 }; __u64 v = 1; ret = bpf_map_update_elem(&lpm, &k, &v, b); break; }
	case 20: { __u32 k = a; ret = bpf_map_delete_elem(&arr, &k); break; }
	case 21: { __u32 k = a; ret = bpf_map_delete_elem(&small, &k); break; }
	case 22: { struct lpm k = { a, 0x01020304 }; ret = bpf_map_delete_elem(&lpm, &k); break; }
	case 23: ret = bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU | ((__u64)a << 32), buf, 16); break;
	case 24: { struct lpm k = { a, 0x01020304 }; ret = !!bpf_map_lookup_elem(&lpm, &k); break; }
	case 25: ret = bpf_get_smp_processor_id(); break;
	case 26: /* redirect_map twice, last says drop */
		ret = bpf_redirect_map(&devs, 0, XDP_TX); ret2 = bpf_redirect(5, 0); rv = XDP_REDIRECT; break;
	case 27: ret = bpf_xdp_adjust_head(ctx, a); ret2 = bpf_xdp_adjust_tail(ctx, b); break;
	case 28: ret = bpf_xdp_adjust_tail(ctx, a); ret2 = bpf_xdp_adjust_tail(ctx, b); break;
	case 29: ret = bpf_perf_event_output(ctx, &perf, 9 | (61ULL << 32), buf, 16);
		 ret2 = bpf_xdp_load_bytes(ctx, 100, buf, 70); break;
	case 30: ret = bpf_csum_diff(0, 0, (void *)buf, a & 0x1ff, b); break;
	case 31: buf[0] = 1; buf[1] = 2; buf[2] = 3; buf[3] = 4; buf[4] = 5; buf[5] = 6; buf[6] = 7;
		ret = bpf_csum_diff(0, 0, (void *)buf, a & 7, b);
		ret2 = bpf_csum_diff((void *)buf, a & 7, 0, 0, b); break;
	}
	len_after = ctx->data_end - ctx->data;
	meta_after = ctx->data - ctx->data_meta;
	buff_len = bpf_xdp_get_buff_len(ctx);
	return rv;
}

SEC("xdp.frags")
int probe_frags(struct xdp_md *ctx)
{
	len_before = ctx->data_end - ctx->data;
	if (op == 9) ret = bpf_xdp_load_bytes(ctx, a, buf, (b & 0x1ff) ?: 1);
	if (op == 2) ret = bpf_xdp_adjust_tail(ctx, a);
	if (op == 1) ret = bpf_xdp_adjust_head(ctx, a);
	buff_len = bpf_xdp_get_buff_len(ctx);
	len_after = ctx->data_end - ctx->data;
	return XDP_PASS;
}
