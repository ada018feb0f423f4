// SPDX-License-Identifier: Apache-2.0
// Packets that change their size: ICMP echo replies, "packet too big" style cuts with adjust_tail, padding up,
// and metadata together with a new header.
#include "net.h"

LICENSE("Dual MIT/GPL");

volatile const u32 keep_bytes = 98;
u32 replies, cut, padded, refused;
s32 errors[8];

INLINE void swap_mac(struct eth *eth)
{
	u8 t[6];

	__builtin_memcpy(t, eth->dst, 6);
	__builtin_memcpy(eth->dst, eth->src, 6);
	__builtin_memcpy(eth->src, t, 6);
}

SEC("xdp")
int echo_reply(struct xdp_md *ctx)
{
	void *end = pkt_end(ctx);
	struct eth *eth = pkt(ctx);
	struct ip4 *ip = (void *)(eth + 1);
	struct icmp *icmp = (void *)(ip + 1);
	u32 sum, addr;

	if (!FITS(icmp, end) || eth->type != BE16(ETH_IP) || ip->ver_ihl != 0x45)
		return XDP_PASS;
	if (ip->proto != PROTO_ICMP || icmp->type != 8)
		return XDP_PASS;
	swap_mac(eth);
	addr = ip->src;
	ip->src = ip->dst;
	ip->dst = addr;
	icmp->type = 0;
	sum = icmp->check + BE16(0x0800);
	icmp->check = sum + (sum >> 16);
	replies++;
	return XDP_TX;
}

/* answers any IPv4 packet that is too long with its first bytes behind an ICMP error header */
SEC("xdp")
int too_big(struct xdp_md *ctx)
{
	void *end = pkt_end(ctx);
	struct eth *eth = pkt(ctx), mac;
	struct ip4 *ip = (void *)(eth + 1), old;
	struct icmp *icmp;
	u32 len = end - (void *)eth;

	if (!FITS(ip, end) || eth->type != BE16(ETH_IP) || len <= keep_bytes)
		return XDP_PASS;
	__builtin_memcpy(&mac, eth, sizeof(mac));
	__builtin_memcpy(&old, ip, sizeof(old));
	if (xdp_adjust_tail(ctx, -(int)(len - keep_bytes))) {
		refused++;
		return XDP_DROP;
	}
	if (xdp_adjust_head(ctx, -(int)(sizeof(*ip) + sizeof(*icmp)))) {
		refused++;
		return XDP_DROP;
	}
	end = pkt_end(ctx);
	eth = pkt(ctx);
	ip = (void *)(eth + 1);
	icmp = (void *)(ip + 1);
	if (!FITS(icmp, end))
		return XDP_ABORTED;
	__builtin_memcpy(eth->dst, mac.src, 6);
	__builtin_memcpy(eth->src, mac.dst, 6);
	eth->type = mac.type;
	ip->ver_ihl = 0x45;
	ip->tos = 0;
	ip->len = BE16(end - (void *)ip);
	ip->id = 0;
	ip->frag = 0;
	ip->ttl = 64;
	ip->proto = PROTO_ICMP;
	ip->src = old.dst;
	ip->dst = old.src;
	ip->check = ip4_check(ip);
	icmp->type = 3;
	icmp->code = 4;
	icmp->check = 0;
	icmp->id = 0;
	icmp->seq = BE16(1400);
	cut++;
	return XDP_TX;
}

/* short packets grow to 128 bytes; the tail must read as zero */
SEC("xdp")
int pad(struct xdp_md *ctx)
{
	u32 len = ctx->data_end - ctx->data;
	u8 *last;

	if (len >= 128)
		return XDP_PASS;
	if (xdp_adjust_tail(ctx, 128 - len))
		return XDP_ABORTED;
	last = pkt(ctx) + 127;
	if ((void *)(last + 1) > pkt_end(ctx))
		return XDP_ABORTED;
	if (*last)
		return XDP_DROP;
	*last = 0x5a;
	padded++;
	return XDP_TX;
}

/* every limit in turn: what the helpers answer goes to `errors`, what became of the packet leaves */
SEC("xdp")
int limits(struct xdp_md *ctx)
{
	static u32 turn;
	u32 len = ctx->data_end - ctx->data;
	u32 t = turn++ % 16;
	long a = 0, b = 0;

	switch (t) {
	case 0: a = xdp_adjust_head(ctx, -216); break;
	case 1: a = xdp_adjust_head(ctx, -217); break;
	case 2: a = xdp_adjust_head(ctx, len - 14); break;
	case 3: a = xdp_adjust_head(ctx, len - 13); break;
	case 4: a = xdp_adjust_tail(ctx, -(int)(len - 14)); break;
	case 5: a = xdp_adjust_tail(ctx, -(int)(len - 13)); break;
	case 6: a = xdp_adjust_tail(ctx, 3520 - len); break;
	case 7: a = xdp_adjust_tail(ctx, 3521 - len); break;
	case 8: a = xdp_adjust_meta(ctx, -216); break;
	case 9: a = xdp_adjust_meta(ctx, -220); break;
	case 10: a = xdp_adjust_meta(ctx, -6); break;
	case 11: a = xdp_adjust_meta(ctx, -8); b = xdp_adjust_head(ctx, -208); break;
	case 12: a = xdp_adjust_meta(ctx, -8); b = xdp_adjust_head(ctx, -209); break;
	case 13: a = xdp_adjust_head(ctx, 10); b = xdp_adjust_meta(ctx, -32); break;
	case 14: a = xdp_adjust_meta(ctx, -12); b = xdp_adjust_meta(ctx, 8); break;
	case 15: a = xdp_adjust_head(ctx, 4); b = xdp_adjust_head(ctx, -4); break;
	}
	errors[t & 7] += a * 7 + b;
	return XDP_PASS - a * 100 - b * 10000;
}

/* metadata written, then a header pushed in front of the packet: the metadata moves along */
SEC("xdp")
int meta_push(struct xdp_md *ctx)
{
	u32 *meta, *head;

	if (xdp_adjust_meta(ctx, -12))
		return XDP_ABORTED;
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 3) > pkt(ctx))
		return XDP_ABORTED;
	meta[0] = 0x11111111;
	meta[1] = ctx->data_end - ctx->data;
	meta[2] = 0x33333333;
	if (xdp_adjust_head(ctx, -8))
		return XDP_ABORTED;
	head = pkt(ctx);
	if ((void *)(head + 2) > pkt_end(ctx))
		return XDP_ABORTED;
	head[0] = 0xaaaaaaaa;
	head[1] = ctx->data - ctx->data_meta;
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 3) <= pkt(ctx))
		meta[1] += 1000;
	return XDP_PASS;
}
