// SPDX-License-Identifier: Apache-2.0
// A connection table without a sweeper: every flow carries a timer that each packet pushes on, and whose callback
// deletes the flow's own entry once it has been idle for too long.
//
//   softirq run examples/xdp_conntrack.o examples/demo.pcap --maps - --until 30s
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual MIT/GPL";

#define CLOCK_MONOTONIC 1

struct flow { __be32 saddr, daddr; __be16 sport, dport; __u32 proto; };
struct conn { struct bpf_timer idle; __u64 packets, bytes; };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow);
	__type(value, struct conn);
} conns SEC(".maps");

/* how long a flow may be silent; change it with --set idle_ns=N */
volatile const __u64 idle_ns = 5000000000ull;
__u64 opened, expired, expired_packets, full;

static int on_idle(void *map, struct flow *key, struct conn *c)
{
	__sync_fetch_and_add(&expired, 1);
	__sync_fetch_and_add(&expired_packets, c->packets);
	bpf_map_delete_elem(map, key);
	return 0;
}

static __always_inline struct conn *open_conn(struct flow *f)
{
	struct conn fresh = {}, *c;

	if (bpf_map_update_elem(&conns, f, &fresh, BPF_NOEXIST)) {
		__sync_fetch_and_add(&full, 1);
		return 0;
	}
	c = bpf_map_lookup_elem(&conns, f);
	if (!c)
		return 0;
	bpf_timer_init(&c->idle, &conns, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&c->idle, on_idle);
	__sync_fetch_and_add(&opened, 1);
	return c;
}

SEC("xdp")
int conntrack(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *ports = (void *)(ip + 1);
	struct flow f = {};
	struct conn *c;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	f.saddr = ip->saddr;
	f.daddr = ip->daddr;
	f.proto = ip->protocol;
	if (ip->ihl == 5 && (void *)(ports + 1) <= end && (f.proto == IPPROTO_TCP || f.proto == IPPROTO_UDP)) {
		f.sport = ports->source;
		f.dport = ports->dest;
	}
	c = bpf_map_lookup_elem(&conns, &f);
	if (!c)
		c = open_conn(&f);
	if (!c)
		return XDP_PASS;
	__sync_fetch_and_add(&c->packets, 1);
	__sync_fetch_and_add(&c->bytes, end - data);
	bpf_timer_start(&c->idle, idle_ns, 0);
	return XDP_PASS;
}
