// SPDX-License-Identifier: Apache-2.0
// csum_diff in its four forms, and checksums kept right while a NAT rewrites address and port.
#include "net.h"

LICENSE("Dual MIT/GPL");

u64 sums[7];
u32 rewritten, wrong;

volatile const u32 new_addr = IP4(203, 0, 113, 77);

/* a checksum field `c` after the bytes summed as `diff` were changed */
INLINE u16 apply(u16 c, s64 diff)
{
	return ~fold((u64)(u16)~c + (u32)diff);
}

SEC("xdp")
int nat(struct xdp_md *ctx)
{
	void *end = pkt_end(ctx);
	struct eth *eth = pkt(ctx);
	struct ip4 *ip = (void *)(eth + 1);
	u32 from, to = new_addr;
	s64 diff;

	if (!FITS(ip, end) || eth->type != BE16(ETH_IP) || ip->ver_ihl != 0x45)
		return XDP_PASS;
	from = ip->src;
	diff = csum_diff(&from, 4, &to, 4, 0);
	ip->src = to;
	ip->check = apply(ip->check, diff);
	if (ip->check != ip4_check(ip))
		wrong++;
	if (ip->frag & BE16(0x1fff))
		return XDP_TX;
	if (ip->proto == PROTO_UDP) {
		struct udp *u = (void *)(ip + 1);

		if (FITS(u, end) && u->check)
			u->check = apply(u->check, diff);
	} else if (ip->proto == PROTO_TCP) {
		struct tcp *t = (void *)(ip + 1);

		if (FITS(t, end))
			t->check = apply(t->check, diff);
	}
	rewritten++;
	return XDP_TX;
}

/* sums of packet bytes and stack bytes, seeds of every kind, empty sides */
SEC("xdp")
int forms(struct xdp_md *ctx)
{
	static u32 seed = 1;
	void *end = pkt_end(ctx);
	u32 *p = pkt(ctx), copy[5] = {};
	s64 r = 0;

	if ((void *)(p + 5) > end)
		return XDP_DROP;
	__builtin_memcpy(copy, p, 20);
	seed = seed * 1664525 + 1013904223;
	r = csum_diff(0, 0, p, 20, seed);
	sums[0] = sums[0] * 31 + r;
	r = csum_diff(p, 20, 0, 0, seed);
	sums[1] = sums[1] * 31 + r;
	copy[1] ^= seed;
	r = csum_diff(p, 20, copy, 20, 0);
	sums[2] = sums[2] * 31 + r;
	r = csum_diff(p, 8, copy, 16, seed);
	sums[3] = sums[3] * 31 + r;
	r = csum_diff(0, 0, 0, 0, seed);
	sums[4] = sums[4] * 31 + r;
	r = csum_diff(p, 4, p, 4, 0);
	sums[5] = sums[5] * 31 + r;
	/* any size goes, odd ones too (6.12 took multiples of four only) */
	OPAQUE(seed);
	r = csum_diff(copy, 1 + (seed >> 20 & 15), copy, 4 + (seed & 3), seed);
	sums[6] = sums[6] * 31 + r;
	return r < 0 ? (int)-r : XDP_PASS;
}
