// SPDX-License-Identifier: Apache-2.0
// How late timers are: a periodic one, and many at random times. Runs in the kernel as it does here.
#include "timer.h"

LICENSE("Dual MIT/GPL");

#define SAMPLES 16384
#define TIMERS 10000
#define PERIOD 200000
#define EACH 100
#define FIRST 1000000000
#define SPREAD 1000000000

struct periodic {
	u64 due;
	struct bpf_timer timer;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct periodic);
} one SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, SAMPLES);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u64);
} late SEC(".maps");

struct single {
	u64 due;
	struct bpf_timer timer;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, TIMERS);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct single);
} many SEC(".maps");

u32 armed;
u32 count;

/* beyond the last sample nothing is written */
INLINE void record(u64 ns)
{
	u32 i = count;
	u64 *at = map_lookup(&late, &i);

	if (!at)
		return;
	*at = ns;
	count = i + 1;
}

static int __attribute__((noinline)) again(void *map, u32 *key, struct periodic *p)
{
	u64 now = ktime_get_ns();

	record(now - p->due);
	p->due = now + PERIOD;
	timer_start(&p->timer, PERIOD, 0);
	return 0;
}

static int __attribute__((noinline)) once(void *map, u32 *key, struct single *s)
{
	record(ktime_get_ns() - s->due);
	return 0;
}

SEC("xdp") int periodic(struct xdp_md *ctx)
{
	u32 key = 0;
	struct periodic *p = map_lookup(&one, &key);

	if (!p)
		return 0;
	timer_init(&p->timer, &one, CLOCK_MONOTONIC);
	timer_set_callback(&p->timer, again);
	p->due = ktime_get_ns() + PERIOD;
	timer_start(&p->timer, PERIOD, 0);
	return 2;
}

static int __attribute__((noinline)) arm(u32 i, void *ctx)
{
	u32 key = armed;
	struct single *s = map_lookup(&many, &key);
	u64 ns;

	/* the kernel gives no more memory in one go than it has at hand */
	if (!s || timer_init(&s->timer, &many, CLOCK_MONOTONIC))
		return 1;
	timer_set_callback(&s->timer, once);
	/* not before the last one is armed */
	ns = FIRST + get_prandom_u32() % SPREAD;
	s->due = ktime_get_ns() + ns;
	timer_start(&s->timer, ns, 0);
	armed = key + 1;
	return 0;
}

/* once a packet until all are armed */
SEC("xdp") int at_random(struct xdp_md *ctx)
{
	bpf_loop(EACH, arm, 0, 0);
	return 2;
}
