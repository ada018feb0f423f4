// SPDX-License-Identifier: Apache-2.0
// A health check without a prober: each sender has a timer; as long as it speaks the timer is pushed on, and when
// it has been silent for too long the callback marks it down. A packet brings it up again.
//
//   softirq run examples/xdp_health.o examples/demo.pcap --maps - --set silence_ns=500000000 --until 2s
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual MIT/GPL";

#define CLOCK_BOOTTIME 7

struct backend { struct bpf_timer silence; __u64 packets; __u32 up, downs; __u64 last_seen, down_at; };

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __be32);
	__type(value, struct backend);
} backends SEC(".maps");

/* how long a backend may be silent */
volatile const __u64 silence_ns = 1000000000ull;
__u64 went_down, came_up;

static int on_silence(void *map, __be32 *addr, struct backend *b)
{
	b->up = 0;
	b->downs++;
	b->down_at = bpf_ktime_get_boot_ns();
	__sync_fetch_and_add(&went_down, 1);
	return 0;
}

static __always_inline struct backend *add_backend(__be32 *addr)
{
	struct backend fresh = {}, *b;

	bpf_map_update_elem(&backends, addr, &fresh, BPF_NOEXIST);
	b = bpf_map_lookup_elem(&backends, addr);
	if (!b)
		return 0;
	if (!bpf_timer_init(&b->silence, &backends, CLOCK_BOOTTIME))
		bpf_timer_set_callback(&b->silence, on_silence);
	return b;
}

SEC("xdp")
int health(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct backend *b;
	__be32 addr;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	addr = ip->saddr;
	b = bpf_map_lookup_elem(&backends, &addr);
	if (!b)
		b = add_backend(&addr);
	if (!b)
		return XDP_PASS;
	if (!b->up && b->downs)
		__sync_fetch_and_add(&came_up, 1);
	b->up = 1;
	b->packets++;
	b->last_seen = bpf_ktime_get_boot_ns();
	bpf_timer_start(&b->silence, silence_ns, 0);
	return XDP_PASS;
}
