// SPDX-License-Identifier: Apache-2.0
// What the speed figures are measured with: `parse` reads headers and returns a verdict, `count` does so and
// counts the flow in a hash map, `nop` is the walker alone.
#include "net.h"

LICENSE("Dual MIT/GPL");

struct flow { u32 src, dst; u16 sport, dport; u32 proto; };
struct count { u64 packets, bytes; };

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 65536);
	MAP_TYPE(key, struct flow);
	MAP_TYPE(value, struct count);
} flows SEC(".maps");

SEC("xdp")
int nop(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int parse(struct xdp_md *ctx)
{
	void *end = pkt_end(ctx);
	struct eth *eth = pkt(ctx);
	struct ip4 *ip = (void *)(eth + 1);
	struct udp *udp;

	if (!FITS(eth, end))
		return XDP_DROP;
	if (eth->type != BE16(ETH_IP))
		return XDP_PASS;
	if (!FITS(ip, end))
		return XDP_DROP;
	if (ip->proto != PROTO_UDP)
		return XDP_PASS;
	udp = (void *)ip + (ip->ver_ihl & 15) * 4;
	if (!FITS(udp, end))
		return XDP_DROP;
	return udp->dst == BE16(53) ? XDP_TX : XDP_PASS;
}

SEC("xdp")
int count(struct xdp_md *ctx)
{
	void *end = pkt_end(ctx);
	struct eth *eth = pkt(ctx);
	struct ip4 *ip = (void *)(eth + 1);
	struct ports *p = (void *)(ip + 1);
	struct flow f = {};
	struct count *c, one = { 1, 0 };

	if (!FITS(eth, end) || eth->type != BE16(ETH_IP) || !FITS(ip, end))
		return XDP_PASS;
	f.src = ip->src;
	f.dst = ip->dst;
	f.proto = ip->proto;
	if (ip->ver_ihl == 0x45 && FITS(p, end)) {
		f.sport = p->src;
		f.dport = p->dst;
	}
	c = map_lookup(&flows, &f);
	if (c) {
		c->packets++;
		c->bytes += end - (void *)eth;
		return XDP_PASS;
	}
	one.bytes = end - (void *)eth;
	map_update(&flows, &f, &one, BPF_ANY);
	return XDP_PASS;
}
