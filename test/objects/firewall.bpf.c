// SPDX-License-Identifier: Apache-2.0
// Firewall: block lists of IPv4 and IPv6 prefixes (longest match), one counter a rule, a port list, and
// counters by verdict. The rules come from `setup`.
#include "net.h"

LICENSE("Dual MIT/GPL");

#define RULES 64

struct key4 { u32 plen; u32 addr; };
struct key6 { u32 plen; u32 addr[4]; };
struct rule { u32 id; u32 action; };
struct hits { u64 packets, bytes; };

struct {
	MAP_UINT(type, BPF_MAP_TYPE_LPM_TRIE);
	MAP_UINT(max_entries, 1024);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_TYPE(key, struct key4);
	MAP_TYPE(value, struct rule);
} block4 SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_LPM_TRIE);
	MAP_UINT(max_entries, 1024);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_TYPE(key, struct key6);
	MAP_TYPE(value, struct rule);
} block6 SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, RULES);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct hits);
} rule_hits SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 256);
	MAP_TYPE(key, u16);
	MAP_TYPE(value, u32);
} closed_ports SEC(".maps");

volatile const u32 default_action = XDP_PASS;
u64 passed, dropped, malformed, not_ip;

INLINE int judge(const struct rule *r, u32 len)
{
	u32 id = r ? r->id : 0;
	u32 action = r ? r->action : default_action;
	struct hits *h = map_lookup(&rule_hits, &id);

	if (h) {
		__sync_fetch_and_add(&h->packets, 1);
		__sync_fetch_and_add(&h->bytes, len);
	}
	return action;
}

INLINE int port_closed(void *l4, void *end, u8 proto)
{
	struct ports *p = l4;
	u16 port;
	u32 *n;

	if ((proto != PROTO_TCP && proto != PROTO_UDP) || !FITS(p, end))
		return 0;
	port = BE16(p->dst);
	n = map_lookup(&closed_ports, &port);
	if (!n)
		return 0;
	COUNT(*n);
	return 1;
}

INLINE int filter4(struct ip4 *ip, void *end, u32 len)
{
	struct key4 key = { 32, ip->src };
	const struct rule *r = map_lookup(&block4, &key);
	u32 ihl = (ip->ver_ihl & 15) * 4;

	if (!r) {
		key.addr = ip->dst;
		r = map_lookup(&block4, &key);
	}
	if (ihl < sizeof(*ip)) {
		malformed++;
		return XDP_DROP;
	}
	if (!r && !(ip->frag & BE16(0x1fff)) && port_closed((void *)ip + ihl, end, ip->proto))
		return XDP_DROP;
	return judge(r, len);
}

INLINE int filter6(struct ip6 *ip, void *end, u32 len)
{
	struct key6 key = { .plen = 128 };
	const struct rule *r;

	__builtin_memcpy(key.addr, ip->src, 16);
	r = map_lookup(&block6, &key);
	if (!r && port_closed(ip + 1, end, ip->next))
		return XDP_DROP;
	return judge(r, len);
}

SEC("xdp")
int firewall(struct xdp_md *ctx)
{
	void *end = pkt_end(ctx);
	struct eth *eth = pkt(ctx);
	u32 len = end - (void *)eth;
	int verdict = XDP_PASS;

	if (!FITS(eth, end)) {
		malformed++;
		return XDP_DROP;
	}
	if (eth->type == BE16(ETH_IP)) {
		struct ip4 *ip = (void *)(eth + 1);

		if (!FITS(ip, end)) {
			malformed++;
			return XDP_DROP;
		}
		verdict = filter4(ip, end, len);
	} else if (eth->type == BE16(ETH_IP6)) {
		struct ip6 *ip = (void *)(eth + 1);

		if (!FITS(ip, end)) {
			malformed++;
			return XDP_DROP;
		}
		verdict = filter6(ip, end, len);
	} else {
		not_ip++;
	}
	if (verdict == XDP_DROP)
		dropped++;
	else
		passed++;
	return verdict;
}

static const struct { struct key4 key; struct rule rule; } rules4[] = {
	{ { 8, IP4(104, 0, 0, 0) }, { 1, XDP_DROP } },
	{ { 16, IP4(104, 156, 0, 0) }, { 2, XDP_PASS } },
	{ { 24, IP4(104, 156, 226, 0) }, { 3, XDP_DROP } },
	{ { 24, IP4(198, 100, 146, 0) }, { 4, XDP_DROP } },
	{ { 12, IP4(52, 112, 0, 0) }, { 5, XDP_DROP } },
	{ { 24, IP4(52, 114, 77, 0) }, { 6, XDP_PASS } },
	{ { 32, IP4(192, 168, 2, 1) }, { 7, XDP_DROP } },
	{ { 23, IP4(192, 168, 202, 0) }, { 8, XDP_DROP } },
	{ { 17, IP4(216, 58, 128, 0) }, { 9, XDP_TX } },
	{ { 4, IP4(224, 0, 0, 0) }, { 10, XDP_DROP } },
	{ { 31, IP4(20, 0, 0, 1) }, { 11, XDP_DROP } },
};

static const struct { struct key6 key; struct rule rule; } rules6[] = {
	{ { 16, { BE32(0xff020000) } }, { 20, XDP_DROP } },
	{ { 10, { BE32(0xfe800000) } }, { 21, XDP_PASS } },
	{ { 32, { BE32(0x20010db8) } }, { 22, XDP_DROP } },
	{ { 48, { BE32(0x20010db8), BE32(0x00010000) } }, { 23, XDP_PASS } },
	{ { 3, { BE32(0x20000000) } }, { 24, XDP_PASS } },
};

SEC("xdp")
int setup(struct xdp_md *ctx)
{
	static const u16 ports[] = { 23, 137, 138, 1900, 6346, 5353 };
	u32 zero = 0;

	for (u32 i = 0; i < sizeof(rules4) / sizeof(*rules4); i++)
		map_update(&block4, &rules4[i].key, &rules4[i].rule, BPF_ANY);
	for (u32 i = 0; i < sizeof(rules6) / sizeof(*rules6); i++)
		map_update(&block6, &rules6[i].key, &rules6[i].rule, BPF_ANY);
	for (u32 i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
		u16 port = ports[i];
		map_update(&closed_ports, &port, &zero, BPF_NOEXIST);
	}
	return XDP_PASS;
}
