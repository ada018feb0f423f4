// SPDX-License-Identifier: Apache-2.0
// Dispatcher: tail calls through program arrays that the object fills itself. One array goes by ethertype
// class, one by IP protocol; a slot left empty falls through, and one program calls itself until the limit.
#include "net.h"

LICENSE("Dual MIT/GPL");

enum { L3_IP4, L3_IP6, L3_ARP, L3_VLAN, L3_MAX };

int on_ip4(struct xdp_md *ctx);
int on_ip6(struct xdp_md *ctx);
int on_vlan(struct xdp_md *ctx);
int on_tcp(struct xdp_md *ctx);
int on_udp(struct xdp_md *ctx);
int on_icmp(struct xdp_md *ctx);
int spin(struct xdp_md *ctx);

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PROG_ARRAY);
	MAP_UINT(max_entries, L3_MAX);
	MAP_UINT(key_size, 4);
	MAP_PROGS(values);
} l3 SEC(".maps") = {
	.values = { [L3_IP4] = on_ip4, [L3_IP6] = on_ip6, [L3_VLAN] = on_vlan },
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PROG_ARRAY);
	MAP_UINT(max_entries, 256);
	MAP_UINT(key_size, 4);
	MAP_PROGS(values);
} l4 SEC(".maps") = {
	.values = { [1] = on_icmp, [6] = on_tcp, [17] = on_udp, [58] = on_icmp },
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PROG_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_UINT(key_size, 4);
	MAP_PROGS(values);
} again SEC(".maps") = {
	.values = { [0] = spin },
};

u64 seen[8];
u32 spins, spin_ends, missed;
u64 tcp_flags[64];

SEC("xdp")
int dispatch(struct xdp_md *ctx)
{
	void *end = pkt_end(ctx);
	struct eth *eth = pkt(ctx);
	u32 slot = L3_MAX;

	if (!FITS(eth, end))
		return XDP_DROP;
	seen[0]++;
	switch (eth->type) {
	case BE16(ETH_IP): slot = L3_IP4; break;
	case BE16(ETH_IP6): slot = L3_IP6; break;
	case BE16(ETH_ARP): slot = L3_ARP; break; /* an empty slot */
	case BE16(ETH_VLAN):
	case BE16(ETH_QINQ): slot = L3_VLAN; break;
	}
	tail_call(ctx, &l3, slot); /* L3_MAX is out of range */
	missed++;
	return XDP_PASS;
}

SEC("xdp")
int on_ip4(struct xdp_md *ctx)
{
	void *end = pkt_end(ctx);
	struct ip4 *ip = pkt(ctx) + sizeof(struct eth);

	if (!FITS(ip, end))
		return XDP_DROP;
	seen[1]++;
	tail_call(ctx, &l4, ip->proto);
	return XDP_PASS;
}

SEC("xdp")
int on_ip6(struct xdp_md *ctx)
{
	void *end = pkt_end(ctx);
	struct ip6 *ip = pkt(ctx) + sizeof(struct eth);

	if (!FITS(ip, end))
		return XDP_DROP;
	seen[2]++;
	tail_call(ctx, &l4, ip->next);
	return XDP_TX;
}

SEC("xdp")
int on_vlan(struct xdp_md *ctx)
{
	seen[3]++;
	tail_call(ctx, &again, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int on_tcp(struct xdp_md *ctx)
{
	void *end = pkt_end(ctx);
	u8 *p = pkt(ctx) + sizeof(struct eth) + 33; /* the flags, if there are no options */

	seen[4]++;
	if ((void *)(p + 1) <= end)
		tcp_flags[*p & 63]++;
	return XDP_PASS;
}

SEC("xdp")
int on_udp(struct xdp_md *ctx)
{
	seen[5]++;
	return XDP_DROP;
}

SEC("xdp")
int on_icmp(struct xdp_md *ctx)
{
	seen[6]++;
	return XDP_TX;
}

/* calls itself: 33 tail calls are allowed, the next one falls through */
SEC("xdp")
int spin(struct xdp_md *ctx)
{
	spins++;
	tail_call(ctx, &again, 0);
	spin_ends++;
	return XDP_DROP;
}
