// SPDX-License-Identifier: Apache-2.0
// A timer for each flow, armed by a classifier: the entry of a flow that was silent for long enough deletes itself.
#include "timer.h"

LICENSE("GPL");

HELPER(long, skb_load_bytes, 26, const struct __sk_buff *skb, u32 off, void *to, u32 len);

#define IDLE 2000000ULL /* ns */

/* each CPU has flows of its own */
struct key {
	u64 addrs;
	u64 cpu;
};

struct flow {
	struct bpf_timer idle;
	u64 packets;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 8192);
	MAP_TYPE(key, struct key);
	MAP_TYPE(value, struct flow);
} flows SEC(".maps");

u64 tracked, started, expired, counted, failed;

static int gone(void *map, struct key *key, struct flow *flow)
{
	__sync_fetch_and_add(&expired, 1);
	__sync_fetch_and_add(&counted, flow->packets);
	map_delete(map, key);
	return 0;
}

SEC("tc") int track(struct __sk_buff *skb)
{
	struct flow *flow, fresh = { .packets = 0 };
	struct key key = { .cpu = get_smp_processor_id() };

	if (skb_load_bytes(skb, 26, &key.addrs, 8))
		return 0;
	__sync_fetch_and_add(&tracked, 1);
	flow = map_lookup(&flows, &key);
	if (!flow) {
		map_update(&flows, &key, &fresh, BPF_NOEXIST);
		flow = map_lookup(&flows, &key);
		if (!flow)
			return 2;
		if (timer_init(&flow->idle, &flows, CLOCK_MONOTONIC) || timer_set_callback(&flow->idle, gone))
			__sync_fetch_and_add(&failed, 1);
		__sync_fetch_and_add(&started, 1);
	}
	__sync_fetch_and_add(&flow->packets, 1);
	if (timer_start(&flow->idle, IDLE, 0))
		__sync_fetch_and_add(&failed, 1);
	skb->mark = flow->packets;
	return 0;
}
