// SPDX-License-Identifier: Apache-2.0
// Parser of VLAN stacks (802.1Q, QinQ) and IPv6 extension headers in bounded loops, with counters of what was
// seen; a second program strips the outer tag.
#include "net.h"

LICENSE("Dual MIT/GPL");

#define MAX_TAGS 4
#define MAX_EXTS 8

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 4096);
	MAP_TYPE(key, u16);
	MAP_TYPE(value, u64);
} by_vid SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 256);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u64);
} by_next SEC(".maps");

u32 tags_seen[MAX_TAGS + 1], exts_seen[MAX_EXTS + 1], fragments, jumbo, routing0;

INLINE void count_next(u8 next)
{
	u32 key = next;
	u64 *n = map_lookup(&by_next, &key);

	if (n)
		COUNT(*n);
}

INLINE int is_ext(u8 next)
{
	return next == 0 || next == 43 || next == 44 || next == 60 || next == 135 || next == 139 || next == 51;
}

SEC("xdp")
int headers(struct xdp_md *ctx)
{
	void *end = pkt_end(ctx), *p = pkt(ctx);
	struct eth *eth = p;
	struct ip6 *ip;
	u16 type;
	u8 next;
	u32 tags, exts;

	if (!FITS(eth, end))
		return XDP_ABORTED;
	type = eth->type;
	p = eth + 1;
	for (tags = 0; tags < MAX_TAGS; tags++) {
		struct vlan *v = p;
		u16 vid;
		u64 one = 1, *n;

		if (type != BE16(ETH_VLAN) && type != BE16(ETH_QINQ))
			break;
		if (!FITS(v, end))
			return XDP_DROP;
		vid = BE16(v->tci) & 0xfff;
		n = map_lookup(&by_vid, &vid);
		if (n)
			++*n;
		else
			map_update(&by_vid, &vid, &one, BPF_NOEXIST);
		type = v->type;
		p = v + 1;
	}
	tags_seen[tags > MAX_TAGS ? MAX_TAGS : tags]++;
	if (type == BE16(ETH_IP)) {
		struct ip4 *ip4 = p;

		if (!FITS(ip4, end))
			return XDP_DROP;
		count_next(ip4->proto);
		return ip4->proto == PROTO_TCP ? XDP_PASS : XDP_TX;
	}
	if (type != BE16(ETH_IP6))
		return XDP_PASS;
	ip = p;
	if (!FITS(ip, end))
		return XDP_DROP;
	next = ip->next;
	p = ip + 1;
	for (exts = 0; exts < MAX_EXTS; exts++) {
		struct ip6_ext *e = p;

		if (!is_ext(next))
			break;
		if (!FITS(e, end))
			return XDP_DROP;
		if (next == 44) {
			fragments++;
			p = e + 1;
		} else if (next == 51) {
			p += (e->len + 2) * 4;
		} else {
			if (next == 0 && e->body[0] == 0xc2)
				jumbo++;
			if (next == 43 && e->body[0] == 0)
				routing0++;
			p += (e->len + 1) * 8;
		}
		next = e->next;
	}
	exts_seen[exts > MAX_EXTS ? MAX_EXTS : exts]++;
	count_next(next);
	return next == PROTO_ICMP6 ? XDP_DROP : XDP_PASS;
}

/* takes the outer VLAN tag off, in place */
SEC("xdp")
int untag(struct xdp_md *ctx)
{
	void *end = pkt_end(ctx);
	struct eth *eth = pkt(ctx), old;
	struct vlan *v = (void *)(eth + 1);
	u16 type;

	if (!FITS(v, end) || (eth->type != BE16(ETH_VLAN) && eth->type != BE16(ETH_QINQ)))
		return XDP_PASS;
	type = v->type;
	__builtin_memcpy(&old, eth, sizeof(old));
	if (xdp_adjust_head(ctx, sizeof(*v)))
		return XDP_ABORTED;
	end = pkt_end(ctx);
	eth = pkt(ctx);
	if (!FITS(eth, end))
		return XDP_ABORTED;
	__builtin_memcpy(eth, &old, sizeof(old));
	eth->type = type;
	return XDP_TX;
}

/* puts a tag on */
SEC("xdp")
int tag(struct xdp_md *ctx)
{
	struct eth *eth, old;
	struct vlan *v;

	eth = pkt(ctx);
	if (!FITS(eth, pkt_end(ctx)))
		return XDP_ABORTED;
	__builtin_memcpy(&old, eth, sizeof(old));
	if (xdp_adjust_head(ctx, -(int)sizeof(*v)))
		return XDP_ABORTED;
	eth = pkt(ctx);
	v = (void *)(eth + 1);
	if (!FITS(v, pkt_end(ctx)))
		return XDP_ABORTED;
	__builtin_memcpy(eth, &old, 12);
	eth->type = BE16(ETH_VLAN);
	v->tci = BE16(0x2000 | 42);
	v->type = old.type;
	return XDP_TX;
}
