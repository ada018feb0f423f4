// SPDX-License-Identifier: Apache-2.0
// Router: longest-prefix match on the destination, TTL down with an incremental checksum, new MAC addresses,
// and out through a device map (with a fallback verdict) or by interface index.
#include "net.h"

LICENSE("Dual MIT/GPL");

struct key4 { u32 plen; u32 addr; };
struct route { u32 port; u32 how; u8 dst[6], src[6]; };
enum { BY_MAP, BY_MAP_DROP, BY_IFINDEX, BY_BROADCAST, LOCAL, BY_MAP_TX };

struct {
	MAP_UINT(type, BPF_MAP_TYPE_LPM_TRIE);
	MAP_UINT(max_entries, 512);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_TYPE(key, struct key4);
	MAP_TYPE(value, struct route);
} routes SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_DEVMAP);
	MAP_UINT(max_entries, 64);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u32);
} tx_port SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 8);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u64);
} how_count SEC(".maps");

u64 ttl_expired, no_route, bad_check;

INLINE void dec_ttl(struct ip4 *ip)
{
	u32 sum = ip->check;

	sum += BE16(0x0100);
	ip->check = (u16)(sum + (sum >= 0xffff));
	ip->ttl--;
}

SEC("xdp")
int router(struct xdp_md *ctx)
{
	void *end = pkt_end(ctx);
	struct eth *eth = pkt(ctx);
	struct ip4 *ip = (void *)(eth + 1);
	struct key4 key = { .plen = 32 };
	struct route *r;
	u64 *n;
	u32 how;

	if (!FITS(eth, end) || eth->type != BE16(ETH_IP))
		return XDP_PASS;
	if (!FITS(ip, end) || ip->ver_ihl != 0x45)
		return XDP_PASS;
	if (ip4_check(ip) != ip->check) {
		bad_check++;
		return XDP_DROP;
	}
	if (ip->ttl <= 1) {
		ttl_expired++;
		return XDP_PASS;
	}
	key.addr = ip->dst;
	r = map_lookup(&routes, &key);
	if (!r) {
		no_route++;
		return XDP_DROP;
	}
	how = r->how;
	n = map_lookup(&how_count, &how);
	if (n)
		COUNT(*n);
	if (how == LOCAL)
		return XDP_PASS;
	dec_ttl(ip);
	__builtin_memcpy(eth->dst, r->dst, 6);
	__builtin_memcpy(eth->src, r->src, 6);
	switch (how) {
	case BY_MAP: return redirect_map(&tx_port, r->port, XDP_PASS);
	case BY_MAP_DROP: return redirect_map(&tx_port, r->port, XDP_DROP);
	case BY_MAP_TX: return redirect_map(&tx_port, r->port, XDP_TX);
	case BY_IFINDEX: return redirect(r->port, 0);
	case BY_BROADCAST: return redirect_map(&tx_port, 0, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS);
	}
	return redirect(1, 1); /* flags must be zero: aborted */
}

SEC("xdp")
int setup(struct xdp_md *ctx)
{
	static const struct { struct key4 key; struct route r; } list[] = {
		{ { 0, 0 }, { 1, BY_MAP, { 2, 1 }, { 2, 2 } } },
		{ { 8, IP4(10, 0, 0, 0) }, { 2, BY_IFINDEX, { 2, 3 }, { 2, 4 } } },
		{ { 16, IP4(10, 0, 0, 0) }, { 0, LOCAL } },
		{ { 24, IP4(10, 0, 2, 0) }, { 3, BY_IFINDEX, { 2, 0, 0, 0, 0, 3 }, { 2, 0, 0, 0, 0, 4 } } },
		{ { 24, IP4(192, 168, 1, 0) }, { 4, BY_MAP_TX, { 2, 5 }, { 2, 6 } } },
		{ { 29, IP4(192, 168, 1, 0) }, { 4, BY_MAP_DROP, { 2, 7 }, { 2, 8 } } },
		{ { 32, IP4(192, 168, 1, 6) }, { 63, BY_IFINDEX, { 2, 9 }, { 2, 10 } } },
		{ { 4, IP4(224, 0, 0, 0) }, { 0, BY_BROADCAST, { 1, 0, 0x5e }, { 2, 11 } } },
		{ { 32, IP4(255, 255, 255, 255) }, { 0, 7 } },
		{ { 12, IP4(52, 112, 0, 0) }, { 9, BY_MAP, { 2, 12 }, { 2, 13 } } },
		{ { 9, IP4(198, 0, 0, 0) }, { 100, BY_MAP_TX, { 2, 14 }, { 2, 15 } } },
	};

	for (u32 i = 0; i < sizeof(list) / sizeof(*list); i++)
		map_update(&routes, &list[i].key, &list[i].r, BPF_ANY);
	return XDP_PASS;
}
