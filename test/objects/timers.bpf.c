// SPDX-License-Identifier: Apache-2.0
// Timers at work, one program a kind: arming, re-arming, cancelling, handing over, deleting under a callback. What
// happened is in the counters; every program may be run with other packets around it.
#include "timer.h"

LICENSE("Dual MIT/GPL");

#define XDP SEC("xdp") int
#define CALLBACK static int __attribute__((noinline))
#define MS 1000000ull

struct elem {
	u64 fired;
	u64 last;
	struct bpf_timer timer;
};

struct locked {
	struct bpf_spin_lock lock;
	u32 fired;
	struct bpf_timer timer;
};

#define MAP(name, kind, n, type_)                 \
	struct {                                  \
		MAP_UINT(type, BPF_MAP_TYPE_##kind); \
		MAP_UINT(max_entries, n);         \
		MAP_TYPE(key, u32);               \
		MAP_TYPE(value, type_);           \
	} name SEC(".maps")

MAP(array, ARRAY, 4, struct elem);
MAP(hash, HASH, 64, struct elem);
MAP(lru, LRU_HASH, 16, struct elem);
MAP(both, HASH, 8, struct locked);

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 64);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct elem);
} sparse SEC(".maps");

struct inner {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 8);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct elem);
} inner SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_INNER(values, struct inner);
} outer SEC(".maps") = { .values = { (void *)&inner } };

/* results of the helpers, in the order of the calls */
s64 results[8];
/* callbacks that ran */
u64 fired;
u64 fired_second;
/* clock when the last one ran, and the key it was given */
u64 last;
u32 last_key;
/* results of what a callback did */
s64 in_callback[4];

CALLBACK count(void *map, u32 *key, struct elem *val)
{
	fired++;
	last = ktime_get_ns();
	last_key = *key;
	val->fired++;
	val->last = last;
	return 0;
}

CALLBACK every_ms(void *map, u32 *key, struct elem *val)
{
	fired++;
	last_key = *key;
	val->fired++;
	timer_start(&val->timer, MS, 0);
	return 0;
}

INLINE void *get(void *map, u32 key)
{
	struct elem zero = {};

	map_update(map, &key, &zero, 1 /* BPF_NOEXIST */);
	return map_lookup(map, &key);
}

/* the whole way, once: results 0 0 0 */
#define ONCE(name, map, key)                                                   \
	XDP name(struct xdp_md *ctx)                                           \
	{                                                                      \
		struct elem *e = get(&map, key);                               \
                                                                               \
		if (!e)                                                        \
			return XDP_ABORTED;                                    \
		results[0] = timer_init(&e->timer, &map, CLOCK_MONOTONIC);     \
		results[1] = timer_set_callback(&e->timer, count);             \
		results[2] = timer_start(&e->timer, 5 * MS, 0);                \
		return XDP_PASS;                                               \
	}

ONCE(once_array, array, 2)
ONCE(once_hash, hash, 7)
ONCE(once_sparse, sparse, 7)
ONCE(once_lru, lru, 7)

/* arms itself again every millisecond */
#define EVERY(name, map, key)                                                  \
	XDP name(struct xdp_md *ctx)                                           \
	{                                                                      \
		struct elem *e = get(&map, key);                               \
                                                                               \
		if (!e)                                                        \
			return XDP_ABORTED;                                    \
		if (timer_init(&e->timer, &map, CLOCK_MONOTONIC))              \
			return XDP_PASS;                                       \
		timer_set_callback(&e->timer, every_ms);                       \
		timer_start(&e->timer, MS, 0);                                 \
		return XDP_PASS;                                               \
	}

EVERY(every_array, array, 1)
EVERY(every_hash, hash, 1)
EVERY(every_lru, lru, 1)

/* wrong orders and arguments: errors in the order of the calls */
XDP errors(struct xdp_md *ctx)
{
	struct elem *e = get(&hash, 9);

	if (!e)
		return XDP_ABORTED;
	results[0] = timer_set_callback(&e->timer, count);
	results[1] = timer_start(&e->timer, 0, 0);
	results[2] = timer_cancel(&e->timer);
	results[3] = timer_init(&e->timer, &hash, 2);
	results[4] = timer_init(&e->timer, &hash, 16);
	results[5] = timer_init(&e->timer, &hash, CLOCK_BOOTTIME);
	results[6] = timer_init(&e->timer, &hash, CLOCK_BOOTTIME);
	results[7] = timer_start(&e->timer, 0, 0);
	return XDP_PASS;
}

/* cancel gives 1 for an armed timer, 0 afterwards; then there is no callback either */
XDP cancels(struct xdp_md *ctx)
{
	struct elem *e = get(&hash, 10);

	if (!e)
		return XDP_ABORTED;
	timer_init(&e->timer, &hash, CLOCK_MONOTONIC);
	timer_set_callback(&e->timer, count);
	results[0] = timer_start(&e->timer, 5 * MS, 4);
	results[1] = timer_start(&e->timer, 5 * MS, BPF_F_TIMER_CPU_PIN);
	results[2] = timer_cancel(&e->timer);
	results[3] = timer_cancel(&e->timer);
	results[4] = timer_start(&e->timer, 0, 0);
	results[5] = timer_set_callback(&e->timer, count);
	results[6] = timer_start(&e->timer, 0, 0);
	return XDP_PASS;
}

CALLBACK cancels_itself(void *map, u32 *key, struct elem *val)
{
	fired++;
	in_callback[0] = timer_cancel(&val->timer);
	in_callback[1] = timer_start(&val->timer, MS, 0);
	return 0;
}

XDP cancel_self(struct xdp_md *ctx)
{
	struct elem *e = get(&hash, 11);

	if (!e)
		return XDP_ABORTED;
	timer_init(&e->timer, &hash, CLOCK_MONOTONIC);
	timer_set_callback(&e->timer, cancels_itself);
	timer_start(&e->timer, MS, 0);
	return XDP_PASS;
}

CALLBACK cancels_other(void *map, u32 *key, struct elem *val)
{
	u32 other = *key + 1;
	struct elem *e = map_lookup(map, &other);

	fired++;
	if (e)
		in_callback[0] = timer_cancel(&e->timer);
	return 0;
}

XDP cancel_other(struct xdp_md *ctx)
{
	struct elem *e = get(&hash, 12), *f = get(&hash, 13);

	if (!e || !f)
		return XDP_ABORTED;
	timer_init(&e->timer, &hash, CLOCK_MONOTONIC);
	timer_init(&f->timer, &hash, CLOCK_MONOTONIC);
	timer_set_callback(&e->timer, cancels_other);
	timer_set_callback(&f->timer, count);
	timer_start(&e->timer, MS, 0);
	timer_start(&f->timer, 2 * MS, 0);
	return XDP_PASS;
}

CALLBACK deletes_itself(void *map, u32 *key, struct elem *val)
{
	u32 own = *key;

	fired++;
	in_callback[0] = map_delete(map, &own);
	in_callback[1] = timer_start(&val->timer, MS, 0);
	in_callback[2] = timer_cancel(&val->timer);
	return 0;
}

XDP delete_self(struct xdp_md *ctx)
{
	struct elem *e = get(&hash, 14);

	if (!e)
		return XDP_ABORTED;
	timer_init(&e->timer, &hash, CLOCK_MONOTONIC);
	timer_set_callback(&e->timer, deletes_itself);
	timer_start(&e->timer, MS, 0);
	return XDP_PASS;
}

/* deleted before it fires: it never does */
XDP delete_armed(struct xdp_md *ctx)
{
	struct elem *e = get(&hash, 15);
	u32 key = 15;

	if (!e)
		return XDP_ABORTED;
	timer_init(&e->timer, &hash, CLOCK_MONOTONIC);
	timer_set_callback(&e->timer, count);
	timer_start(&e->timer, MS, 0);
	results[0] = map_delete(&hash, &key);
	return XDP_PASS;
}

/* in 3 ms on the clock itself */
XDP absolute(struct xdp_md *ctx)
{
	struct elem *e = get(&hash, 16);

	if (!e)
		return XDP_ABORTED;
	timer_init(&e->timer, &hash, CLOCK_BOOTTIME);
	timer_set_callback(&e->timer, count);
	results[0] = timer_start(&e->timer, ktime_get_boot_ns() + 3 * MS, BPF_F_TIMER_ABS);
	return XDP_PASS;
}

CALLBACK hands_over(void *map, u32 *key, struct elem *val);

CALLBACK second(void *map, u32 *key, struct elem *val)
{
	fired_second++;
	timer_set_callback(&val->timer, hands_over);
	timer_start(&val->timer, MS, 0);
	return 0;
}

CALLBACK hands_over(void *map, u32 *key, struct elem *val)
{
	fired++;
	timer_set_callback(&val->timer, second);
	timer_start(&val->timer, MS, 0);
	return 0;
}

/* two callbacks in an inner map take turns */
XDP in_inner_map(struct xdp_md *ctx)
{
	u32 zero = 0;
	void *map = map_lookup(&outer, &zero);
	struct elem *e;

	if (!map)
		return XDP_ABORTED;
	e = get(map, 3);
	if (!e)
		return XDP_ABORTED;
	results[0] = timer_init(&e->timer, map, CLOCK_MONOTONIC);
	timer_set_callback(&e->timer, hands_over);
	results[1] = timer_start(&e->timer, MS, 0);
	return XDP_PASS;
}

CALLBACK count_locked(void *map, u32 *key, struct locked *val)
{
	spin_lock(&val->lock);
	val->fired++;
	spin_unlock(&val->lock);
	fired++;
	return 0;
}

XDP beside_lock(struct xdp_md *ctx)
{
	struct locked zero = {}, *e;
	u32 key = 1;

	map_update(&both, &key, &zero, 1);
	e = map_lookup(&both, &key);
	if (!e)
		return XDP_ABORTED;
	spin_lock(&e->lock);
	e->fired += 100;
	spin_unlock(&e->lock);
	timer_init(&e->timer, &both, CLOCK_MONOTONIC);
	timer_set_callback(&e->timer, count_locked);
	results[0] = timer_start(&e->timer, MS, 0);
	return XDP_PASS;
}

/* started again while armed: only the last start counts */
XDP restart(struct xdp_md *ctx)
{
	struct elem *e = get(&hash, 17);

	if (!e)
		return XDP_ABORTED;
	timer_init(&e->timer, &hash, CLOCK_MONOTONIC);
	timer_set_callback(&e->timer, count);
	timer_start(&e->timer, MS, 0);
	results[0] = timer_start(&e->timer, 4 * MS, 0);
	return XDP_PASS;
}

/* after this program, before the next packet */
XDP at_once(struct xdp_md *ctx)
{
	struct elem *e = get(&hash, 18);

	if (!e)
		return XDP_ABORTED;
	timer_init(&e->timer, &hash, CLOCK_MONOTONIC);
	timer_set_callback(&e->timer, count);
	timer_start(&e->timer, 0, 0);
	results[0] = fired;
	return XDP_PASS;
}

/* so far ahead that it never fires */
XDP never(struct xdp_md *ctx)
{
	struct elem *e = get(&hash, 19);

	if (!e)
		return XDP_ABORTED;
	timer_init(&e->timer, &hash, CLOCK_MONOTONIC);
	timer_set_callback(&e->timer, count);
	results[0] = timer_start(&e->timer, 1ull << 63, 0);
	return XDP_PASS;
}

CALLBACK storm_callback(void *map, u32 *key, struct elem *val)
{
	fired++;
	timer_start(&val->timer, 1, 0);
	return 0;
}

XDP storm(struct xdp_md *ctx)
{
	struct elem *e = get(&hash, 20);

	if (!e)
		return XDP_ABORTED;
	timer_init(&e->timer, &hash, CLOCK_MONOTONIC);
	timer_set_callback(&e->timer, storm_callback);
	timer_start(&e->timer, 1, 0);
	return XDP_PASS;
}

/* nothing: for packets between the others */
XDP pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}
