// SPDX-License-Identifier: Apache-2.0
// xdp_load_bytes and xdp_store_bytes instead of direct access: a parser that never touches packet pointers, and
// an anonymiser that rewrites addresses by copying out and back.
#include "net.h"

LICENSE("Dual MIT/GPL");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 8192);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u32);
} names SEC(".maps");

u32 next_name = 1, short_packets;
s64 errors[4];
u64 lengths, xor_sum;

SEC("xdp")
int parse_bytes(struct xdp_md *ctx)
{
	struct eth eth;
	struct ip4 ip;
	u8 option[4];

	lengths += xdp_get_buff_len(ctx);
	if (xdp_load_bytes(ctx, 0, &eth, sizeof(eth)))
		return XDP_ABORTED;
	if (eth.type != BE16(ETH_IP))
		return XDP_PASS;
	if (xdp_load_bytes(ctx, sizeof(eth), &ip, sizeof(ip))) {
		short_packets++;
		return XDP_DROP;
	}
	if ((ip.ver_ihl & 15) > 5) {
		if (xdp_load_bytes(ctx, sizeof(eth) + sizeof(ip), option, 4))
			return XDP_DROP;
		return option[0] == 0x94 ? XDP_TX : XDP_PASS;
	}
	return ip.proto == PROTO_UDP ? XDP_DROP : XDP_PASS;
}

INLINE u32 name_of(u32 addr)
{
	u32 *n = map_lookup(&names, &addr), fresh;

	if (n)
		return *n;
	fresh = next_name++;
	map_update(&names, &addr, &fresh, BPF_ANY);
	return fresh;
}

SEC("xdp")
int anonymise(struct xdp_md *ctx)
{
	struct eth eth;
	struct ip4 ip;

	if (xdp_load_bytes(ctx, 0, &eth, sizeof(eth)) || eth.type != BE16(ETH_IP))
		return XDP_PASS;
	if (xdp_load_bytes(ctx, 14, &ip, sizeof(ip)))
		return XDP_DROP;
	ip.src = IP4(10, 0, 0, 0) | name_of(ip.src) << 16;
	ip.dst = IP4(10, 0, 0, 0) | name_of(ip.dst) << 16;
	ip.check = 0;
	ip.check = ip4_check(&ip);
	if (xdp_store_bytes(ctx, 14, &ip, sizeof(ip)))
		return XDP_ABORTED;
	return XDP_TX;
}

/* a length known only as a range, offsets from the packet, and each error */
SEC("xdp")
int slices(struct xdp_md *ctx)
{
	u8 buf[64] = {};
	u32 len = xdp_get_buff_len(ctx), off = len / 2, n = len & 63;

	if (!n)
		n = 64;
	errors[0] += xdp_load_bytes(ctx, off, buf, n);
	for (int i = 0; i < 64; i++)
		xor_sum = (xor_sum << 7 | xor_sum >> 57) ^ buf[i];
	errors[1] += xdp_load_bytes(ctx, 0x10000, buf, 1);
	errors[2] += xdp_load_bytes(ctx, len, buf, 1);
	for (int i = 0; i < 32; i++)
		buf[i] ^= 0xa5;
	errors[3] += xdp_store_bytes(ctx, len - n, buf, n);
	return XDP_PASS;
}

/* knows of fragments: reads across the end of the linear part, writes at the very end */
SEC("xdp.frags")
int whole(struct xdp_md *ctx)
{
	u32 len = xdp_get_buff_len(ctx), linear = ctx->data_end - ctx->data;
	u8 buf[16] = {};

	lengths += len - linear;
	errors[0] += xdp_load_bytes(ctx, linear - 8, buf, sizeof(buf));
	xor_sum = xor_sum * 31 + buf[0] + 256 * buf[15];
	errors[1] += xdp_load_bytes(ctx, len - 16, buf, sizeof(buf));
	buf[0] ^= 0xff;
	errors[2] += xdp_store_bytes(ctx, len - 16, buf, sizeof(buf));
	return len == linear ? XDP_PASS : XDP_TX;
}
