// SPDX-License-Identifier: Apache-2.0
// Layer-4 balancer: a virtual service is looked up by destination and port, the flow is hashed onto a ring of
// backends (a lookup table as in Maglev), and the packet leaves encapsulated in IPIP towards the backend.
#include "net.h"

LICENSE("Dual MIT/GPL");

#define RING 251
#define BACKENDS 16

struct vip { u32 addr; u16 port; u8 proto; u8 pad; };
struct service { u32 first, backends; };
struct backend { u32 addr; u8 mac[6]; u16 weight; };
struct stat { u64 packets, bytes; };

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 64);
	MAP_TYPE(key, struct vip);
	MAP_TYPE(value, struct service);
} vips SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, RING);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u32);
} ring SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, BACKENDS);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct backend);
} backends SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, BACKENDS);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct stat);
} stats SEC(".maps");

volatile const u32 self_addr = IP4(10, 99, 0, 1);
volatile const u32 hash_seed = 0x5bd1e995;
u64 no_service, no_room;

INLINE u32 rotl(u32 x, int n) { return x << n | x >> (32 - n); }

INLINE u32 flow_hash(u32 a, u32 b, u32 c)
{
	u32 h = hash_seed;
	const u32 in[3] = { a, b, c };

#pragma unroll
	for (int i = 0; i < 3; i++) {
		u32 k = in[i] * 0xcc9e2d51;

		h ^= rotl(k, 15) * 0x1b873593;
		h = rotl(h, 13) * 5 + 0xe6546b64;
	}
	h ^= h >> 16;
	h *= 0x85ebca6b;
	h ^= h >> 13;
	return h;
}

SEC("xdp")
int balancer(struct xdp_md *ctx)
{
	void *end = pkt_end(ctx);
	struct eth *eth = pkt(ctx), old;
	struct ip4 *ip = (void *)(eth + 1), *outer;
	struct ports *l4 = (void *)(ip + 1);
	struct vip vip = {};
	struct service *svc;
	struct backend *be;
	struct stat *st;
	u32 slot, *id, which;
	u16 inner_len;
	u8 tos;

	if (!FITS(eth, end) || eth->type != BE16(ETH_IP) || !FITS(ip, end))
		return XDP_PASS;
	if (ip->ver_ihl != 0x45 || (ip->frag & BE16(0x3fff)) || !FITS(l4, end))
		return XDP_PASS;
	if (ip->proto != PROTO_TCP && ip->proto != PROTO_UDP)
		return XDP_PASS;
	vip.addr = ip->dst;
	vip.port = l4->dst;
	vip.proto = ip->proto;
	svc = map_lookup(&vips, &vip);
	if (!svc) {
		vip.port = 0; /* any port */
		svc = map_lookup(&vips, &vip);
	}
	if (!svc || !svc->backends) {
		no_service++;
		return XDP_PASS;
	}
	slot = flow_hash(ip->src, (u32)l4->src << 16 | l4->dst, ip->proto) % RING;
	id = map_lookup(&ring, &slot);
	if (!id)
		return XDP_ABORTED;
	which = svc->first + *id % svc->backends;
	be = map_lookup(&backends, &which);
	if (!be || !be->addr)
		return XDP_DROP;

	__builtin_memcpy(&old, eth, sizeof(old));
	inner_len = BE16(ip->len);
	tos = ip->tos;
	if (xdp_adjust_head(ctx, -(int)sizeof(struct ip4))) {
		no_room++;
		return XDP_DROP;
	}
	end = pkt_end(ctx);
	eth = pkt(ctx);
	outer = (void *)(eth + 1);
	if (!FITS(outer, end))
		return XDP_ABORTED;
	__builtin_memcpy(eth->dst, be->mac, 6);
	__builtin_memcpy(eth->src, old.dst, 6);
	eth->type = old.type;
	outer->ver_ihl = 0x45;
	outer->tos = tos;
	outer->len = BE16(inner_len + sizeof(*outer));
	outer->id = BE16(which + 1);
	outer->frag = BE16(0x4000);
	outer->ttl = 64;
	outer->proto = PROTO_IPIP;
	outer->src = self_addr;
	outer->dst = be->addr;
	outer->check = ip4_check(outer);
	st = map_lookup(&stats, &which);
	if (st) {
		st->packets++;
		st->bytes += end - (void *)eth;
	}
	return XDP_TX;
}

SEC("xdp")
int setup(struct xdp_md *ctx)
{
	static const struct { struct vip vip; struct service svc; } list[] = {
		{ { IP4(192, 168, 1, 7), 0, PROTO_TCP }, { 0, 5 } },
		{ { IP4(10, 0, 2, 15), 0, PROTO_UDP }, { 5, 3 } },
		{ { IP4(10, 0, 2, 15), BE16(50185), PROTO_TCP }, { 8, 2 } },
		{ { IP4(192, 168, 1, 6), 0, PROTO_TCP }, { 0, 8 } },
		{ { IP4(192, 168, 1, 105), 0, PROTO_UDP }, { 2, 6 } },
		{ { IP4(192, 168, 2, 100), 0, PROTO_UDP }, { 4, 4 } },
		{ { IP4(192, 168, 1, 3), 0, PROTO_TCP }, { 10, 1 } },
		{ { IP4(23, 246, 11, 133), BE16(80), PROTO_TCP }, { 0, 10 } },
		{ { IP4(198, 51, 100, 10), BE16(443), PROTO_TCP }, { 0, 10 } },
		{ { IP4(198, 51, 100, 10), BE16(53), PROTO_UDP }, { 3, 4 } },
	};
	u32 i, key;

	for (i = 0; i < sizeof(list) / sizeof(*list); i++)
		map_update(&vips, &list[i].vip, &list[i].svc, BPF_ANY);
	for (i = 0; i < 10; i++) { /* slot 10 and up stay empty */
		struct backend be = { IP4(10, 99, 1, 10 + i), { 2, 0, 0, 0x99, 1, 10 + i }, i };

		key = i;
		map_update(&backends, &key, &be, BPF_ANY);
	}
	for (i = 0; i < RING; i++) {
		u32 id = i * 7 % 61;

		key = i;
		map_update(&ring, &key, &id, BPF_ANY);
	}
	return XDP_PASS;
}
