// SPDX-License-Identifier: Apache-2.0
// Flow counters: packets and bytes by 5-tuple in a hash map, the same in a per-CPU hash map, and totals by
// protocol in per-CPU and plain arrays.
#include "net.h"

LICENSE("Dual MIT/GPL");

struct flow { u32 src, dst; u16 sport, dport; u8 proto, pad[3]; };
struct count { u64 packets, bytes; };

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 65536);
	MAP_TYPE(key, struct flow);
	MAP_TYPE(value, struct count);
} flows SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_HASH);
	MAP_UINT(max_entries, 16384);
	MAP_TYPE(key, struct flow);
	MAP_TYPE(value, struct count);
} cpu_flows SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, 256);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct count);
} by_proto SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 2048);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u32);
} by_length SEC(".maps");

INLINE int parse_flow(struct xdp_md *ctx, struct flow *f)
{
	void *end = pkt_end(ctx);
	struct eth *eth = pkt(ctx);
	struct ip4 *ip = (void *)(eth + 1);
	struct ports *p;

	if (!FITS(ip, end) || eth->type != BE16(ETH_IP))
		return -1;
	f->src = ip->src;
	f->dst = ip->dst;
	f->proto = ip->proto;
	p = (void *)ip + (ip->ver_ihl & 15) * 4;
	if (!FITS(p, end) || (ip->proto != PROTO_TCP && ip->proto != PROTO_UDP))
		return 0;
	f->sport = p->src;
	f->dport = p->dst;
	return 0;
}

SEC("xdp")
int count_flows(struct xdp_md *ctx)
{
	struct flow f = {};
	u64 len = ctx->data_end - ctx->data;
	u32 bin = len & 2047;
	struct count *c;
	u32 *n = map_lookup(&by_length, &bin);

	if (n)
		COUNT(*n);
	if (parse_flow(ctx, &f))
		return XDP_PASS;
	c = map_lookup(&flows, &f);
	if (c) {
		__sync_fetch_and_add(&c->packets, 1);
		__sync_fetch_and_add(&c->bytes, len);
	} else {
		struct count one = { 1, len };

		map_update(&flows, &f, &one, BPF_NOEXIST);
	}
	return XDP_PASS;
}

SEC("xdp")
int count_percpu(struct xdp_md *ctx)
{
	struct flow f = {};
	u64 len = ctx->data_end - ctx->data;
	struct count *c;
	u32 proto;

	if (parse_flow(ctx, &f))
		return XDP_PASS;
	proto = f.proto;
	c = map_lookup(&by_proto, &proto);
	if (c) {
		c->packets++;
		c->bytes += len;
	}
	c = map_lookup(&cpu_flows, &f);
	if (c) {
		c->packets++;
		c->bytes += len;
		if (c->packets == 40) { /* start again: deletes happen too */
			map_delete(&cpu_flows, &f);
			return XDP_DROP;
		}
	} else {
		struct count one = { 1, len };

		map_update(&cpu_flows, &f, &one, BPF_ANY);
	}
	return XDP_PASS;
}
