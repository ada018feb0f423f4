// SPDX-License-Identifier: Apache-2.0
// Timers of programs on __sk_buff: flows that delete themselves when they are idle, seen by a classifier and by a
// cgroup_skb program, and what the helpers give there.
#include "net.h"
#include "timer.h"

LICENSE("Dual MIT/GPL");

#define TC SEC("tc") int
#define CGROUP_SKB SEC("cgroup_skb/ingress") int
#define CALLBACK static int __attribute__((noinline))
#define MS 1000000ull

struct flow {
	u32 saddr;
	u32 daddr;
	u32 proto;
};

struct conn {
	u64 packets;
	u64 last;
	struct bpf_timer idle;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 4096);
	MAP_TYPE(key, struct flow);
	MAP_TYPE(value, struct conn);
} conns SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct conn);
} one SEC(".maps");

/* how long a flow may be silent */
volatile const u64 idle_ns = 20 * MS;
u64 opened;
u64 expired;
u64 expired_packets;
s64 results[8];
u64 fired;

CALLBACK on_idle(void *map, struct flow *key, struct conn *c)
{
	expired++;
	expired_packets += c->packets;
	map_delete(map, key);
	return 0;
}

INLINE void see(struct flow *f)
{
	struct conn fresh = {};
	struct conn *c = map_lookup(&conns, f);

	if (!c) {
		map_update(&conns, f, &fresh, 1 /* BPF_NOEXIST */);
		c = map_lookup(&conns, f);
		if (!c)
			return;
		opened++;
		timer_init(&c->idle, &conns, CLOCK_MONOTONIC);
		timer_set_callback(&c->idle, on_idle);
	}
	c->packets++;
	c->last = ktime_get_ns();
	timer_start(&c->idle, idle_ns, 0);
}

INLINE void see_ip(struct ip4 *ip)
{
	struct flow f = { ip->src, ip->dst, ip->proto };

	see(&f);
}

/* the packet begins with its link header */
TC tc_idle(struct __sk_buff *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct eth *eth = data;
	struct ip4 *ip = (void *)(eth + 1);

	if (!FITS(ip, end) || eth->type != __builtin_bswap16(ETH_IP))
		return 0;
	see_ip(ip);
	return 0;
}

/* and here with its network header */
CGROUP_SKB cgroup_idle(struct __sk_buff *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;

	if (ctx->protocol != __builtin_bswap16(ETH_IP) || !FITS((struct ip4 *)data, end))
		return 1;
	see_ip(data);
	return 1;
}

CALLBACK on_one(void *map, u32 *key, struct conn *c)
{
	fired++;
	results[6] = timer_cancel(&c->idle);
	c->packets = *key + 1;
	return 0;
}

INLINE void use_all(void)
{
	u32 key = 0;
	struct conn *c = map_lookup(&one, &key);

	if (!c)
		return;
	results[0] = timer_start(&c->idle, MS, 0);
	results[1] = timer_init(&c->idle, &one, CLOCK_BOOTTIME);
	results[2] = timer_set_callback(&c->idle, on_one);
	results[3] = timer_start(&c->idle, 100 * MS, 0);
	results[4] = timer_cancel(&c->idle);
	timer_set_callback(&c->idle, on_one);
	results[5] = timer_start(&c->idle, MS, 0);
}

TC tc_helpers(struct __sk_buff *ctx)
{
	use_all();
	return 0;
}

CGROUP_SKB cgroup_helpers(struct __sk_buff *ctx)
{
	use_all();
	return 1;
}
