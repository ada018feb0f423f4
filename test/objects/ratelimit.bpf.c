// SPDX-License-Identifier: Apache-2.0
// Rate limiter: a token bucket for each IPv4 or IPv6 source. Time is the global `now_ns`, which every packet
// moves on by `step_ns`, so that two runs agree.
#include "net.h"

LICENSE("Dual MIT/GPL");

struct source { u32 addr[4]; };
struct bucket { u64 tokens, last_ns, dropped; };

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 16384);
	MAP_TYPE(key, struct source);
	MAP_TYPE(value, struct bucket);
} buckets SEC(".maps");

volatile const u64 rate_bytes_per_s = 2000000;
volatile const u64 burst_bytes = 6000;
volatile const u64 step_ns = 250000;
u64 now_ns = 1000000000;
u64 over_limit, table_full;

SEC("xdp")
int ratelimit(struct xdp_md *ctx)
{
	void *end = pkt_end(ctx);
	struct eth *eth = pkt(ctx);
	struct source src = {};
	struct bucket *b;
	u64 now, len, gained;

	now = __sync_fetch_and_add(&now_ns, step_ns) + step_ns;
	if (!FITS(eth, end))
		return XDP_DROP;
	len = end - (void *)eth;
	if (eth->type == BE16(ETH_IP)) {
		struct ip4 *ip = (void *)(eth + 1);

		if (!FITS(ip, end))
			return XDP_DROP;
		src.addr[3] = ip->src;
		src.addr[2] = BE32(0xffff);
	} else if (eth->type == BE16(ETH_IP6)) {
		struct ip6 *ip = (void *)(eth + 1);

		if (!FITS(ip, end))
			return XDP_DROP;
		__builtin_memcpy(&src, ip->src, sizeof(src));
	} else {
		return XDP_PASS;
	}
	b = map_lookup(&buckets, &src);
	if (!b) {
		struct bucket fresh = { burst_bytes, now, 0 };

		if (map_update(&buckets, &src, &fresh, BPF_NOEXIST))
			table_full++;
		b = map_lookup(&buckets, &src);
		if (!b)
			return XDP_PASS;
	}
	gained = (now - b->last_ns) * rate_bytes_per_s / 1000000000;
	if (gained) {
		u64 t = b->tokens + gained;

		b->tokens = t > burst_bytes ? burst_bytes : t;
		b->last_ns = now;
	}
	if (b->tokens < len) {
		b->dropped++;
		over_limit++;
		return XDP_DROP;
	}
	b->tokens -= len;
	return XDP_PASS;
}
