// SPDX-License-Identifier: Apache-2.0
// Counts packets and bytes of every flow, IPv4 and IPv6, and when it was seen first and last:
//
//   softirq run examples/xdp_flows.o examples/demo.pcap --maps -
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual MIT/GPL";

struct flow {
	__u8 source[16]; /* IPv4 as ::ffff:a.b.c.d */
	__u8 dest[16];
	__u16 sport;
	__u16 dport;
	__u8 proto;
	__u8 pad[3];
};

struct stats {
	__u64 packets;
	__u64 bytes;
	__u64 first_ns;
	__u64 last_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow);
	__type(value, struct stats);
} flows SEC(".maps");

__u64 other;

static __always_inline void mapped(__u8 *to, __be32 addr)
{
	to[10] = to[11] = 0xff;
	__builtin_memcpy(to + 12, &addr, 4);
}

/* the transport header, or null if the packet is no IP packet */
static __always_inline void *read_ip(struct ethhdr *eth, void *end, struct flow *flow)
{
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return 0;
		mapped(flow->source, ip->saddr);
		mapped(flow->dest, ip->daddr);
		flow->proto = ip->protocol;
		return (void *)ip + ip->ihl * 4;
	}
	if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return 0;
		__builtin_memcpy(flow->source, &ip->saddr, 16);
		__builtin_memcpy(flow->dest, &ip->daddr, 16);
		flow->proto = ip->nexthdr;
		return ip + 1;
	}
	return 0;
}

SEC("xdp")
int count_flows(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	__u64 now = bpf_ktime_get_ns();
	struct ethhdr *eth = data;
	struct flow flow = {};
	struct udphdr *ports;
	struct stats *stats;

	if ((void *)(eth + 1) > end)
		return XDP_PASS;
	ports = read_ip(eth, end, &flow);
	if (!ports) {
		other++;
		return XDP_PASS;
	}
	if ((flow.proto == IPPROTO_TCP || flow.proto == IPPROTO_UDP) && (void *)(ports + 1) <= end) {
		flow.sport = bpf_ntohs(ports->source);
		flow.dport = bpf_ntohs(ports->dest);
	}
	stats = bpf_map_lookup_elem(&flows, &flow);
	if (stats) {
		stats->packets++;
		stats->bytes += end - data;
		stats->last_ns = now;
	} else {
		struct stats fresh = { 1, end - data, now, now };

		bpf_map_update_elem(&flows, &flow, &fresh, BPF_NOEXIST);
	}
	return XDP_PASS;
}
