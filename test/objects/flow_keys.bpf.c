// SPDX-License-Identifier: Apache-2.0
// Flow dissectors: the keys of IPv4 and IPv6 behind VLAN tags, and the ways to give up.
#include "net.h"

LICENSE("GPL");

volatile u64 out[8];

SEC("flow_dissector") int dissect(struct __sk_buff *skb)
{
	struct bpf_flow_keys *keys = skb->flow_keys;
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	u32 off = keys->nhoff;
	struct ports *ports;

	out[0]++;
	out[1] += keys->n_proto;
	if (off > 64)
		return BPF_DROP;
	if (keys->n_proto == BE16(ETH_IP)) {
		struct ip4 *ip = data + off;

		if (!FITS(ip, end))
			return BPF_DROP;
		keys->addr_proto = ETH_IP;
		keys->ipv4_src = ip->src;
		keys->ipv4_dst = ip->dst;
		keys->ip_proto = ip->proto;
		keys->is_frag = (ip->frag & BE16(0x3fff)) != 0;
		keys->is_first_frag = keys->is_frag && !(ip->frag & BE16(0x1fff));
		off += (ip->ver_ihl & 15) * 4;
	} else if (keys->n_proto == BE16(ETH_IP6)) {
		struct ip6 *ip = data + off;

		if (!FITS(ip, end))
			return BPF_DROP;
		keys->addr_proto = ETH_IP6;
		__builtin_memcpy(keys->ipv6_src, ip->src, 32);
		keys->ip_proto = ip->next;
		keys->flow_label = ip->ver & BE32(0xfffff);
		off += sizeof(*ip);
	} else {
		out[2]++;
		return BPF_FLOW_DISSECTOR_CONTINUE;
	}
	keys->thoff = off;
	ports = data + off;
	if (off > 128 || !FITS(ports, end))
		return BPF_OK;
	keys->sport = ports->src;
	keys->dport = ports->dst;
	out[3] += keys->sport;
	return BPF_OK;
}

SEC("flow_dissector") int gives_up(struct __sk_buff *skb)
{
	struct bpf_flow_keys *keys = skb->flow_keys;

	keys->is_encap = 1;
	keys->thoff = 12345;
	out[4] += keys->flags;
	return keys->n_proto == BE16(ETH_IP) ? BPF_FLOW_DISSECTOR_CONTINUE : BPF_DROP;
}

SEC("flow_dissector") int any_value(struct __sk_buff *skb)
{
	u8 *data = (void *)(long)skb->data;

	if ((void *)(data + 40) > (void *)(long)skb->data_end)
		return BPF_OK;
	return data[39] % 3 == 0 ? 0 : data[39] % 3 == 1 ? 2 : 129;
}
