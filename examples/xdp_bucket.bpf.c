// SPDX-License-Identifier: Apache-2.0
// A token bucket for each source, refilled by a timer of its own: no clock is read on a packet's path. The bucket
// that is full again stops its timer, so idle sources cost nothing.
//
//   softirq run examples/xdp_bucket.o examples/demo.pcap --maps - --set burst=20
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual MIT/GPL";

#define CLOCK_MONOTONIC 1

struct bucket { struct bpf_timer refill; struct bpf_spin_lock lock; __u32 tokens, ticking; __u64 passed, dropped; };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __be32);
	__type(value, struct bucket);
} buckets SEC(".maps");

volatile const __u32 burst = 50;
volatile const __u32 tokens_per_tick = 10;
volatile const __u64 tick_ns = 100000000ull;
__u64 refills;

static int on_refill(void *map, __be32 *addr, struct bucket *b)
{
	__u32 more;

	bpf_spin_lock(&b->lock);
	b->tokens += tokens_per_tick;
	if (b->tokens > burst)
		b->tokens = burst;
	more = b->tokens < burst;
	b->ticking = more;
	bpf_spin_unlock(&b->lock);
	__sync_fetch_and_add(&refills, 1);
	if (more)
		bpf_timer_start(&b->refill, tick_ns, 0);
	return 0;
}

static __always_inline struct bucket *add_bucket(__be32 *addr)
{
	struct bucket fresh = { .tokens = burst }, *b;

	bpf_map_update_elem(&buckets, addr, &fresh, BPF_NOEXIST);
	b = bpf_map_lookup_elem(&buckets, addr);
	if (b && !bpf_timer_init(&b->refill, &buckets, CLOCK_MONOTONIC))
		bpf_timer_set_callback(&b->refill, on_refill);
	return b;
}

SEC("xdp")
int bucket(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	__u32 pass, start;
	struct bucket *b;
	__be32 addr;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	addr = ip->saddr;
	b = bpf_map_lookup_elem(&buckets, &addr);
	if (!b)
		b = add_bucket(&addr);
	if (!b)
		return XDP_DROP;
	bpf_spin_lock(&b->lock);
	pass = b->tokens > 0;
	if (pass) {
		b->tokens--;
		b->passed++;
	} else {
		b->dropped++;
	}
	start = !b->ticking;
	b->ticking = 1;
	bpf_spin_unlock(&b->lock);
	if (start)
		bpf_timer_start(&b->refill, tick_ns, 0);
	return pass ? XDP_PASS : XDP_DROP;
}
