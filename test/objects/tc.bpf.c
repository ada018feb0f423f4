// SPDX-License-Identifier: Apache-2.0
// Programs on __sk_buff of each kind that takes packets: classifiers and actions that mark, rewrite and hand on, filters of
// control groups, lightweight tunnels.
#include "net.h"

LICENSE("GPL");

#define TC SEC("tc") int

#define TC_ACT_OK 0
#define TC_ACT_SHOT 2
#define TC_ACT_PIPE 3

HELPER(long, skb_store_bytes, 9, struct __sk_buff *skb, u32 off, const void *from, u32 len, u64 flags);
HELPER(long, l3_csum_replace, 10, struct __sk_buff *skb, u32 off, u64 from, u64 to, u64 size);
HELPER(long, l4_csum_replace, 11, struct __sk_buff *skb, u32 off, u64 from, u64 to, u64 flags);
HELPER(long, skb_vlan_push, 18, struct __sk_buff *skb, u16 proto, u16 tci);
HELPER(long, skb_vlan_pop, 19, struct __sk_buff *skb);
HELPER(long, skb_load_bytes, 26, const struct __sk_buff *skb, u32 off, void *to, u32 len);
HELPER(long, skb_change_tail, 38, struct __sk_buff *skb, u32 len, u64 flags);
HELPER(long, skb_change_head, 43, struct __sk_buff *skb, u32 len, u64 flags);

struct flow {
	u32 src, dst;
	u16 sport, dport;
	u32 proto;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 16384);
	MAP_TYPE(key, struct flow);
	MAP_TYPE(value, u64);
} flows SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, 16);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u64);
} counts SEC(".maps");

INLINE void count(u32 what)
{
	u64 *n = map_lookup(&counts, &what);

	if (n)
		*n += 1;
}

/* the flow of an IPv4 packet whose network header is at `off` */
INLINE int flow_of(struct __sk_buff *skb, u32 off, struct flow *flow)
{
	struct ip4 ip;
	struct ports ports = {};
	u32 hlen;

	if (skb_load_bytes(skb, off, &ip, sizeof(ip)) || ip.ver_ihl >> 4 != 4)
		return 0;
	hlen = (ip.ver_ihl & 15) * 4;
	flow->src = ip.src;
	flow->dst = ip.dst;
	flow->proto = ip.proto;
	if (ip.proto == PROTO_TCP || ip.proto == PROTO_UDP)
		skb_load_bytes(skb, off + hlen, &ports, sizeof(ports));
	flow->sport = ports.src;
	flow->dport = ports.dst;
	return hlen;
}

INLINE void count_flow(struct flow *flow)
{
	u64 one = 1, *n = map_lookup(&flows, flow);

	if (n)
		__sync_fetch_and_add(n, 1);
	else
		map_update(&flows, flow, &one, BPF_ANY);
}

/* marks by flow, with what it found in the control block */
TC classify(struct __sk_buff *skb)
{
	struct flow flow = {};
	int hlen = flow_of(skb, 14, &flow);

	count(hlen != 0);
	if (!hlen)
		return TC_ACT_OK;
	count_flow(&flow);
	skb->mark = flow.src ^ flow.dst ^ flow.proto;
	skb->priority = BE16(flow.dport);
	skb->cb[0] = hlen;
	skb->cb[1] = skb->len;
	skb->cb[2] = skb->protocol;
	skb->cb[3] += skb->pkt_type;
	skb->cb[4] = skb->ifindex;
	return flow.proto == PROTO_ICMP ? TC_ACT_SHOT : TC_ACT_OK;
}

/* direct access only: may run where the packet lies */
TC looks(struct __sk_buff *skb)
{
	struct eth *eth = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct ip4 *ip = (void *)(eth + 1);

	if (!FITS(eth, end))
		return TC_ACT_SHOT;
	count(eth->type == BE16(ETH_IP) ? 2 : 3);
	if (eth->type != BE16(ETH_IP) || !FITS(ip, end))
		return TC_ACT_PIPE;
	return ip->ttl > 64 ? TC_ACT_OK : TC_ACT_PIPE;
}

/* another source address, both checksums; a tag for some, none for others */
TC rewrite(struct __sk_buff *skb)
{
	struct flow flow = {};
	int hlen = flow_of(skb, 14, &flow);
	u32 to = IP4(192, 0, 2, 7);

	if (hlen >= 20) {
		u32 check = flow.proto == PROTO_TCP ? 16 : 6;

		if (flow.proto == PROTO_TCP || flow.proto == PROTO_UDP)
			l4_csum_replace(skb, 14 + hlen + check, flow.src, to,
					BPF_F_PSEUDO_HDR | 4 | (flow.proto == PROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0));
		l3_csum_replace(skb, 14 + 10, flow.src, to, 4);
		skb_store_bytes(skb, 14 + 12, &to, 4, BPF_F_RECOMPUTE_CSUM);
	}
	if (skb->vlan_present)
		skb->cb[0] = skb_vlan_pop(skb);
	else if (skb->len % 3 == 0)
		skb->cb[1] = skb_vlan_push(skb, BE16(ETH_VLAN), skb->len & 0xfff);
	if (skb->len % 5 == 0)
		skb->cb[2] = skb_change_tail(skb, skb->len - 4, 0);
	if (skb->len % 7 == 0)
		skb->cb[3] = skb_change_tail(skb, skb->len + 9, 0);
	return TC_ACT_OK;
}

u64 budget = 40000;

SEC("action") int police(struct __sk_buff *skb)
{
	if (skb->len > budget) {
		budget += 600;
		count(4);
		return TC_ACT_SHOT;
	}
	budget -= skb->len;
	skb->tc_index = skb->len;
	return TC_ACT_PIPE;
}

int again(struct __sk_buff *skb);
int stage_last(struct __sk_buff *skb);

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PROG_ARRAY);
	MAP_UINT(max_entries, 4);
	MAP_TYPE(key, u32);
	int (*values[])(struct __sk_buff *);
} stages SEC(".maps") = { .values = { [0] = again, [2] = stage_last } };

TC stage_ip(struct __sk_buff *skb)
{
	struct flow flow = {};

	if (flow_of(skb, 14, &flow))
		count_flow(&flow);
	skb->mark = skb->cb[0] + 1;
	tail_call(skb, &stages, 2);
	return TC_ACT_SHOT;
}

TC stage_other(struct __sk_buff *skb)
{
	u8 byte = skb->cb[1];

	skb_store_bytes(skb, 5, &byte, 1, 0);
	tail_call(skb, &stages, 2);
	return TC_ACT_SHOT;
}

TC again(struct __sk_buff *skb)
{
	skb->mark++;
	tail_call(skb, &stages, 2);
	return TC_ACT_SHOT;
}

TC stage_last(struct __sk_buff *skb)
{
	skb->priority += skb->cb[1];
	skb->cb[4] = 77;
	if (skb->mark < 5)
		tail_call(skb, &stages, 0);
	tail_call(skb, &stages, 3);
	return skb->mark & 1;
}

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PROG_ARRAY);
	MAP_UINT(max_entries, 4);
	MAP_TYPE(key, u32);
	int (*values[])(struct __sk_buff *);
} entries SEC(".maps") = { .values = { [0] = stage_ip, [1] = stage_other } };

/* hands on what it found in the control block */
TC staged(struct __sk_buff *skb)
{
	skb->cb[0] = skb->len & 7;
	skb->cb[1] = skb->len >> 3;
	tail_call(skb, &entries, skb->protocol == BE16(ETH_IP) ? 0 : 1);
	return TC_ACT_OK;
}

SEC("cgroup_skb/egress") int egress(struct __sk_buff *skb)
{
	struct flow flow = {};

	if (!flow_of(skb, 0, &flow))
		return 1;
	count_flow(&flow);
	skb->mark = flow.proto;
	skb->cb[3] = skb->len;
	return flow.dport == BE16(53) ? 0 : flow.proto == PROTO_TCP ? 1 : 3;
}

SEC("lwt_in") int lwt_looks(struct __sk_buff *skb)
{
	struct flow flow = {};

	if (!flow_of(skb, 0, &flow))
		return BPF_DROP;
	count_flow(&flow);
	skb->mark = flow.src;
	return BPF_OK;
}

SEC("lwt_out") int lwt_sums(struct __sk_buff *skb)
{
	u8 bytes[16];

	if (skb_load_bytes(skb, 0, bytes, sizeof(bytes)))
		return BPF_DROP;
	skb->priority = csum_diff((void *)0, 0, bytes, sizeof(bytes), 0);
	skb->cb[0] = skb->protocol;
	return BPF_OK;
}

/* four bytes in front, filled from the packet */
SEC("lwt_xmit") int lwt_grows(struct __sk_buff *skb)
{
	u32 word = skb->len;

	if (skb->len & 1)
		return skb_change_tail(skb, skb->len + 3, 0) ? BPF_DROP : BPF_OK;
	if (skb_change_head(skb, 4, 0))
		return BPF_DROP;
	skb_store_bytes(skb, 0, &word, 4, 0);
	skb->cb[2] = skb->len;
	return BPF_OK;
}
