// SPDX-License-Identifier: Apache-2.0
// A million timers: what start, restart, cancel and a callback cost.
#include "timer.h"

LICENSE("Dual MIT/GPL");

#define TIMERS (1 << 20)
#define RUNNING 1000
#define PERIOD 100000

struct elem {
	u64 fired;
	struct bpf_timer timer;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, TIMERS);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct elem);
} many SEC(".maps");

struct line {
	u64 first;
	u64 rest[7];
};

/* what touching memory alone costs: as large as a timer object */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, TIMERS);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct line);
} lines SEC(".maps");

/* which element comes n-th: (n * stride) & mask; stride is odd. Timers are set up one after the other */
const volatile u32 stride = 0x9e3779b1;
const volatile u32 mask = TIMERS - 1;

static int __attribute__((noinline)) once(void *map, u32 *key, struct elem *e)
{
	e->fired++;
	return 0;
}

static int __attribute__((noinline)) again(void *map, u32 *key, struct elem *e)
{
	e->fired++;
	timer_start(&e->timer, PERIOD, 0);
	return 0;
}

INLINE struct elem *next(u32 i)
{
	return map_lookup(&many, &i);
}

INLINE struct elem *at(u32 i)
{
	return next((i * stride) & mask);
}

INLINE struct line *line_at(u32 i)
{
	u32 key = (i * stride) & mask;

	return map_lookup(&lines, &key);
}

/* a delay up to a second, another one each time */
INLINE u64 delay(u32 i, u32 salt)
{
	return 1 + ((i + salt) * 0x85ebca6bu >> 2);
}

/* a run does so many, so that a busy machine spoils some runs and not all */
#define CHUNK (1 << 14)

u32 done;
u32 pass;

#define EACH(name, type, find, body)                                                                \
	static int __attribute__((noinline)) do_##name(u32 n, void *ctx)                            \
	{                                                                                           \
		u32 i = *(u32 *)ctx + n;                                                            \
		struct type *e = find(i);                                                           \
												    \
		if (!e)                                                                             \
			return 1;                                                                   \
		body;                                                                               \
		return 0;                                                                           \
	}                                                                                           \
	SEC("xdp") int name(struct xdp_md *ctx)                                                     \
	{                                                                                           \
		u32 from = done;                                                                    \
												    \
		done = (from + CHUNK) & (TIMERS - 1);                                               \
		pass += !from;                                                                     \
		return bpf_loop(CHUNK, do_##name, &from, 0) == CHUNK ? 2 : 0;                       \
	}

EACH(touch, elem, at, e->fired = delay(i, 0))
EACH(line, line, line_at, e->first += i)
EACH(init, elem, next, timer_init(&e->timer, &many, CLOCK_MONOTONIC))
EACH(callback, elem, next, timer_set_callback(&e->timer, once))
EACH(callback_again, elem, at, timer_set_callback(&e->timer, once))
EACH(start, elem, at, timer_start(&e->timer, delay(i, 0), 0))
/* as what is watched for idleness: a little later than the last time */
EACH(later, elem, at, timer_start(&e->timer, delay(i, 0) + pass * 1000000ull, 0))
/* to another time each round, earlier or later */
EACH(other, elem, at, timer_start(&e->timer, delay(i, pass), 0))
EACH(cancel, elem, at, timer_cancel(&e->timer))
EACH(whole, elem, at, timer_set_callback(&e->timer, once); timer_start(&e->timer, delay(i, 0), 0); timer_cancel(&e->timer))

static int __attribute__((noinline)) begin(u32 i, void *ctx)
{
	struct elem *e = at(i);

	if (!e)
		return 1;
	timer_init(&e->timer, &many, CLOCK_MONOTONIC);
	timer_set_callback(&e->timer, again);
	timer_start(&e->timer, 1 + i * 97 % PERIOD, 0);
	return 0;
}

SEC("xdp") int running(struct xdp_md *ctx)
{
	return bpf_loop(RUNNING, begin, 0, 0) == RUNNING ? 2 : 0;
}
