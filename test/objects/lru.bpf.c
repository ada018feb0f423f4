// SPDX-License-Identifier: Apache-2.0
// Connection table in an LRU hash far below its capacity: states of TCP by flags, entries deleted at the end of
// a connection; and a neighbour cache of MAC addresses.
#include "net.h"

LICENSE("Dual MIT/GPL");

struct conn { u32 a, b; u16 ap, bp; u32 pad; };
struct track { u8 state, flags_seen; u16 resets; u32 packets[2]; u32 last_len; u64 bytes; };
struct mac { u8 addr[6]; };
struct neigh { u32 ip; u32 moves; };

struct {
	MAP_UINT(type, BPF_MAP_TYPE_LRU_HASH);
	MAP_UINT(max_entries, 65536);
	MAP_TYPE(key, struct conn);
	MAP_TYPE(value, struct track);
} conns SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_LRU_HASH);
	MAP_UINT(max_entries, 16384);
	MAP_TYPE(key, struct mac);
	MAP_TYPE(value, struct neigh);
} neighbours SEC(".maps");

u32 opened, closed, stray;

SEC("xdp")
int conntrack(struct xdp_md *ctx)
{
	void *end = pkt_end(ctx);
	struct eth *eth = pkt(ctx);
	struct ip4 *ip = (void *)(eth + 1);
	struct tcp *t;
	struct conn key = {};
	struct track *c;
	struct neigh *n;
	struct mac mac;
	int dir;

	if (!FITS(ip, end) || eth->type != BE16(ETH_IP))
		return XDP_PASS;
	__builtin_memcpy(mac.addr, eth->src, 6);
	n = map_lookup(&neighbours, &mac);
	if (!n) {
		struct neigh first = { ip->src, 0 };

		map_update(&neighbours, &mac, &first, BPF_NOEXIST);
	} else if (n->ip != ip->src) {
		n->ip = ip->src;
		n->moves++;
	}
	t = (void *)ip + (ip->ver_ihl & 15) * 4;
	if (ip->proto != PROTO_TCP || !FITS(t, end))
		return XDP_PASS;
	dir = BE32(ip->src) < BE32(ip->dst);
	key.a = dir ? ip->src : ip->dst;
	key.b = dir ? ip->dst : ip->src;
	key.ap = dir ? t->src : t->dst;
	key.bp = dir ? t->dst : t->src;
	c = map_lookup(&conns, &key);
	if (!c) {
		struct track fresh = { .state = t->flags & 2 ? 1 : 9, .flags_seen = t->flags };

		if (fresh.state == 9)
			stray++;
		else
			opened++;
		map_update(&conns, &key, &fresh, BPF_ANY);
		return XDP_PASS;
	}
	c->packets[dir]++;
	c->flags_seen |= t->flags;
	c->last_len = BE16(ip->len);
	c->bytes += c->last_len;
	if (t->flags & 4) {
		c->resets++;
		if (c->resets > 1) {
			map_delete(&conns, &key);
			closed++;
			return XDP_DROP;
		}
	}
	switch (c->state) {
	case 1: if ((t->flags & 0x12) == 0x12) c->state = 2; break;
	case 2: if (t->flags & 0x10) c->state = 3; break;
	case 3: if (t->flags & 1) c->state = 4; break;
	case 4: if (t->flags & 1) c->state = 5; break;
	case 5:
		map_delete(&conns, &key);
		closed++;
		return XDP_TX;
	}
	return XDP_PASS;
}
