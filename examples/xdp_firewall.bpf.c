// SPDX-License-Identifier: Apache-2.0
// A small XDP firewall: block lists of IPv4 and IPv6 prefixes, closed ports, a budget of packets for each source
// of pings, and counters of everything it decides. `setup` fills the lists:
//
//   softirq run examples/xdp_firewall.o examples/demo.pcap --prog firewall --init setup --maps -
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual MIT/GPL";

enum reason { ALLOWED, BLOCKED_SOURCE, CLOSED_PORT, PING_FLOOD, MALFORMED, NOT_IP, REASONS };

struct prefix4 { __u32 len; __u8 addr[4]; };
struct prefix6 { __u32 len; __u8 addr[16]; };
struct hits { __u64 packets; __u64 bytes; };
struct vlan { __be16 tci; __be16 type; };

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix4);
	__type(value, struct hits);
} blocked4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix6);
	__type(value, struct hits);
} blocked6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u16);
	__type(value, struct hits);
} closed_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u32);
} pings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASONS);
	__type(key, __u32);
	__type(value, struct hits);
} reasons SEC(".maps");

/* pings a source may send; change it with --set ping_budget=N */
volatile const __u32 ping_budget = 20;
__u64 packets, bytes;

static __always_inline void hit(struct hits *h, __u32 len)
{
	h->packets++;
	h->bytes += len;
}

static __always_inline int port_closed(__u16 port, __u32 len)
{
	struct hits *h = bpf_map_lookup_elem(&closed_ports, &port);

	if (!h)
		return 0;
	hit(h, len);
	return 1;
}

static __always_inline enum reason check_l4(__u8 proto, void *l4, void *end, __u32 len)
{
	struct udphdr *ports = l4; /* TCP's ports lie in the same place */

	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return ALLOWED;
	if ((void *)(ports + 1) > end)
		return MALFORMED;
	return port_closed(bpf_ntohs(ports->dest), len) ? CLOSED_PORT : ALLOWED;
}

static __always_inline enum reason check_ping(__u32 source)
{
	__u32 one = 1, *n = bpf_map_lookup_elem(&pings, &source);

	if (!n) {
		bpf_map_update_elem(&pings, &source, &one, BPF_ANY);
		return ALLOWED;
	}
	return ++*n > ping_budget ? PING_FLOOD : ALLOWED;
}

static __always_inline enum reason check_ip4(struct iphdr *ip, void *end, __u32 len)
{
	struct prefix4 source = { .len = 32 };
	struct hits *block;

	if ((void *)(ip + 1) > end || ip->ihl < 5)
		return MALFORMED;
	__builtin_memcpy(source.addr, &ip->saddr, 4);
	block = bpf_map_lookup_elem(&blocked4, &source);
	if (block) {
		hit(block, len);
		return BLOCKED_SOURCE;
	}
	if (ip->protocol == IPPROTO_ICMP)
		return check_ping(ip->saddr);
	return check_l4(ip->protocol, (void *)ip + ip->ihl * 4, end, len);
}

static __always_inline enum reason check_ip6(struct ipv6hdr *ip, void *end, __u32 len)
{
	struct prefix6 source = { .len = 128 };
	struct hits *block;

	if ((void *)(ip + 1) > end)
		return MALFORMED;
	__builtin_memcpy(source.addr, &ip->saddr, 16);
	block = bpf_map_lookup_elem(&blocked6, &source);
	if (block) {
		hit(block, len);
		return BLOCKED_SOURCE;
	}
	return check_l4(ip->nexthdr, ip + 1, end, len);
}

static __always_inline enum reason check(void *data, void *end)
{
	struct ethhdr *eth = data;
	void *next = eth + 1;
	__be16 type;

	if (next > end)
		return MALFORMED;
	type = eth->h_proto;
	if (type == bpf_htons(ETH_P_8021Q)) {
		struct vlan *tag = next;

		if ((void *)(tag + 1) > end)
			return MALFORMED;
		type = tag->type;
		next = tag + 1;
	}
	if (type == bpf_htons(ETH_P_IP))
		return check_ip4(next, end, end - data);
	if (type == bpf_htons(ETH_P_IPV6))
		return check_ip6(next, end, end - data);
	return NOT_IP;
}

SEC("xdp")
int firewall(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	__u32 why = check(data, end);
	struct hits *h = bpf_map_lookup_elem(&reasons, &why);

	packets++;
	bytes += end - data;
	if (h)
		hit(h, end - data);
	return why == ALLOWED || why == NOT_IP ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int setup(struct xdp_md *ctx)
{
	static const struct prefix4 nets4[] = {
		{ 24, { 203, 0, 113 } },
		{ 28, { 198, 51, 100, 64 } },
		{ 32, { 192, 0, 2, 66 } },
	};
	static const struct prefix6 nets6[] = {
		{ 48, { 0x20, 0x01, 0x0d, 0xb8, 0xba, 0xd0 } },
	};
	static const __u16 ports[] = { 23, 445, 1900, 3389 };
	struct hits none = {};

	for (int i = 0; i < 3; i++)
		bpf_map_update_elem(&blocked4, &nets4[i], &none, BPF_ANY);
	bpf_map_update_elem(&blocked6, &nets6[0], &none, BPF_ANY);
	for (int i = 0; i < 4; i++) {
		__u16 port = ports[i];

		bpf_map_update_elem(&closed_ports, &port, &none, BPF_ANY);
	}
	return XDP_PASS;
}
