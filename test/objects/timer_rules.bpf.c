// SPDX-License-Identifier: Apache-2.0
// What may be done with timers, locks and callbacks, rule by rule: `fine_*` beside the `bad_*` that break one rule.
#include "timer.h"

LICENSE("Dual MIT/GPL");

struct elem {
	u64 count;
	struct bpf_timer timer;
	u64 after;
};

struct locked {
	struct bpf_spin_lock lock;
	u32 count;
	struct bpf_timer timer;
};

struct twice {
	struct bpf_timer one;
	struct bpf_timer two;
};

struct plain {
	u64 a[4];
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 4);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct elem);
} array SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 16);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct elem);
} hash SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 16);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct locked);
} both SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 16);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct twice);
} pair SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 16);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct plain);
} plain SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 16);
	MAP_UINT(key_size, 4);
	MAP_UINT(value_size, 32);
} untyped SEC(".maps");

struct inner {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 16);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct elem);
} inner_a SEC(".maps"), inner_b SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	MAP_UINT(max_entries, 2);
	MAP_TYPE(key, u32);
	MAP_INNER(values, struct inner);
} outer SEC(".maps") = { .values = { (void *)&inner_a, (void *)&inner_b } };

struct bpf_timer global_timer;
u64 cell;

#define XDP SEC("xdp") int
#define CALLBACK static int __attribute__((noinline))

CALLBACK nothing(void *map, u32 *key, struct elem *val)
{
	return 0;
}

CALLBACK again(void *map, u32 *key, struct elem *val)
{
	val->count += *key;
	timer_set_callback(&val->timer, again);
	timer_start(&val->timer, 1000, 0);
	return 0;
}

INLINE struct elem *at(void *map, u32 key)
{
	return map_lookup(map, &key);
}

/* init, callback, start */

XDP fine_all(struct xdp_md *ctx)
{
	struct elem *e = at(&hash, 1);

	if (!e)
		return 0;
	timer_init(&e->timer, &hash, CLOCK_MONOTONIC);
	timer_set_callback(&e->timer, again);
	timer_start(&e->timer, 1000, 0);
	return timer_cancel(&e->timer);
}

XDP fine_array(struct xdp_md *ctx)
{
	struct elem *e = at(&array, 1);

	if (!e)
		return 0;
	timer_init(&e->timer, &array, CLOCK_MONOTONIC);
	timer_set_callback(&e->timer, nothing);
	return timer_start(&e->timer, 1000, BPF_F_TIMER_ABS);
}

XDP bad_other_map(struct xdp_md *ctx)
{
	struct elem *e = at(&hash, 1);

	return e ? timer_init(&e->timer, &array, 0) : 0;
}

XDP bad_unchecked(struct xdp_md *ctx)
{
	struct elem *e = at(&hash, 1);

	return timer_init((void *)e, &hash, 0);
}

XDP bad_two_timers(struct xdp_md *ctx)
{
	struct twice *e = (void *)at(&pair, 1);

	return e ? timer_init(&e->one, &pair, 0) : 0;
}

XDP bad_untyped(struct xdp_md *ctx)
{
	struct elem *e = at(&untyped, 1);

	return e ? timer_init(&e->timer, &untyped, 0) : 0;
}

XDP bad_no_timer(struct xdp_md *ctx)
{
	struct plain *e = (void *)at(&plain, 1);

	return e ? timer_init((void *)&e->a[1], &plain, 0) : 0;
}

XDP bad_global_data(struct xdp_md *ctx)
{
	timer_init(&global_timer, &array, CLOCK_MONOTONIC);
	return 0;
}

XDP bad_offset(struct xdp_md *ctx)
{
	struct elem *e = at(&hash, 1);

	return e ? timer_init((void *)&e->count, &hash, 0) : 0;
}

XDP bad_offset_set(struct xdp_md *ctx)
{
	struct elem *e = at(&hash, 1);

	return e ? timer_set_callback((void *)e + 16, nothing) : 0;
}

XDP bad_variable_offset(struct xdp_md *ctx)
{
	struct elem *e = at(&hash, 1);
	u64 n;

	if (!e)
		return 0;
	n = e->count;
	if (n > 8)
		return 0;
	asm volatile("%0 += %1" : "+r"(e) : "r"(n));
	return timer_start((void *)e, 0, 0);
}

XDP bad_stack_timer(struct xdp_md *ctx)
{
	struct bpf_timer t = {};

	return timer_init(&t, &hash, 0);
}

/* the field's bytes */

XDP bad_load(struct xdp_md *ctx)
{
	struct elem *e = at(&hash, 1);

	return e ? *(volatile u64 *)&e->timer : 0;
}

XDP bad_store(struct xdp_md *ctx)
{
	struct elem *e = at(&hash, 1);

	if (e)
		*((volatile u8 *)&e->timer + 15) = 1;
	return 0;
}

XDP bad_atomic(struct xdp_md *ctx)
{
	struct elem *e = at(&hash, 1);

	if (e)
		__sync_fetch_and_add((u64 *)&e->timer + 1, 1);
	return 0;
}

XDP bad_variable_load(struct xdp_md *ctx)
{
	struct elem *e = at(&hash, 1);
	u64 n;

	if (!e)
		return 0;
	n = e->count;
	if (n > 8)
		return 0;
	return *((volatile u8 *)e + n);
}

XDP fine_beside(struct xdp_md *ctx)
{
	struct elem *e = at(&hash, 1);

	if (!e)
		return 0;
	e->after = e->count;
	return ((volatile u8 *)&e->count)[7];
}

XDP bad_helper_reads(struct xdp_md *ctx)
{
	struct elem *e = at(&hash, 1);
	u32 key = 2;

	return e ? map_update(&hash, &key, e, 0) : 0;
}

XDP bad_helper_writes(struct xdp_md *ctx)
{
	struct elem *e = at(&hash, 1);

	return e ? xdp_load_bytes(ctx, 0, e, 9) : 0;
}

XDP fine_update(struct xdp_md *ctx)
{
	struct elem e = { .count = 1 };
	u32 key = 2;

	return map_update(&hash, &key, &e, 0);
}

/* maps in maps */

XDP fine_inner(struct xdp_md *ctx)
{
	struct elem *e;
	u32 key = 0;
	void *m = map_lookup(&outer, &key);

	if (!m)
		return 0;
	e = at(m, 1);
	if (!e)
		return 0;
	timer_init(&e->timer, m, 0);
	timer_set_callback(&e->timer, again);
	return timer_start(&e->timer, 0, 0);
}

XDP fine_inner_update(struct xdp_md *ctx)
{
	struct elem e = {};
	u32 key = 0;
	void *m = map_lookup(&outer, &key);

	if (!m)
		return 0;
	map_update(m, &key, &e, 0);
	return map_delete(m, &key);
}

XDP bad_inner_unchecked(struct xdp_md *ctx)
{
	u32 key = 0;

	return (long)at(map_lookup(&outer, &key), 1);
}

XDP bad_inner_other(struct xdp_md *ctx)
{
	u32 key = 0, key2 = 1;
	void *m = map_lookup(&outer, &key);
	void *m2 = map_lookup(&outer, &key2);
	struct elem *e;

	if (!m || !m2)
		return 0;
	e = at(m, 1);
	return e ? timer_init(&e->timer, m2, 0) : 0;
}

XDP bad_inner_same_twice(struct xdp_md *ctx)
{
	u32 key = 0;
	void *m = map_lookup(&outer, &key);
	void *m2 = map_lookup(&outer, &key);
	struct elem *e;

	if (!m || !m2)
		return 0;
	e = at(m, 1);
	return e ? timer_init(&e->timer, m2, 0) : 0;
}

XDP bad_inner_template(struct xdp_md *ctx)
{
	u32 key = 0;
	void *m = map_lookup(&outer, &key);
	struct elem *e;

	if (!m)
		return 0;
	e = at(m, 1);
	return e ? timer_init(&e->timer, &inner_a, 0) : 0;
}

XDP bad_outer_update(struct xdp_md *ctx)
{
	u32 key = 0, value = 0;

	return map_update(&outer, &key, &value, 0);
}

XDP bad_outer_delete(struct xdp_md *ctx)
{
	u32 key = 0;

	return map_delete(&outer, &key);
}

/* what a callback may do */

CALLBACK returns_one(void *map, u32 *key, struct elem *val)
{
	return 1;
}

CALLBACK returns_count(void *map, u32 *key, struct elem *val)
{
	return val->count;
}

CALLBACK returns_bool(void *map, u32 *key, struct elem *val)
{
	return val->count > 7 ? 1 : 0;
}

CALLBACK fourth(void *map, u32 *key, struct elem *val, void *none)
{
	return (long)none;
}

CALLBACK writes_key(void *map, u32 *key, struct elem *val)
{
	*key = 1;
	return 0;
}

CALLBACK reads_timer(void *map, u32 *key, struct elem *val)
{
	cell = *(volatile u64 *)&val->timer;
	return 0;
}

CALLBACK past_value(void *map, u32 *key, struct elem *val)
{
	cell = *(volatile u64 *)(val + 1);
	return 0;
}

CALLBACK past_key(void *map, u32 *key, struct elem *val)
{
	cell = key[1];
	return 0;
}

CALLBACK uses_map(void *map, u32 *key, struct elem *val)
{
	struct elem *e = map_lookup(map, key);

	if (e)
		e->count++;
	timer_init(&val->timer, map, 0);
	map_delete(map, key);
	timer_start(&val->timer, 1, 0);
	return 0;
}

CALLBACK spins(void *map, u32 *key, struct elem *val)
{
	for (;;)
		asm volatile("");
	return 0;
}

/* makes the frame this deep */
#define USE_STACK(n) asm volatile("r0 = 0; *(u64 *)(r10 - %0) = r0" :: "i"(n) : "r0", "memory")

CALLBACK deep_stack(void *map, u32 *key, struct elem *val)
{
	USE_STACK(496);
	cell = *key;
	return 0;
}

CALLBACK too_deep(void *map, u32 *key, struct elem *val)
{
	USE_STACK(304);
	deep_stack(map, key, val);
	cell = *key;
	return 0;
}

static __attribute__((noinline)) void set_again(struct elem *val);

CALLBACK sets_in_call(void *map, u32 *key, struct elem *val)
{
	set_again(val);
	return 0;
}

static __attribute__((noinline)) void set_again(struct elem *val)
{
	timer_set_callback(&val->timer, sets_in_call);
	timer_start(&val->timer, 1, 0);
}

/* a path is still open whenever it sets itself */
CALLBACK sets_on_branch(void *map, u32 *key, struct elem *val)
{
	if (val->count > 5)
		timer_set_callback(&val->timer, sets_on_branch);
	else
		val->count++;
	return 0;
}

/* the same, and behind a checkpoint that the next entry meets as it was */
CALLBACK sets_past_checkpoint(void *map, u32 *key, struct elem *val)
{
	u64 n = val->after;

	asm volatile("r0 = 1; r0 = 2; r0 = 3; r0 = 4; r0 = 5; r0 = 6; r0 = 7;"
		     "if %0 == 1 goto 1f; if %0 == 2 goto 1f; if %0 == 3 goto 1f; 1:" :: "r"(n) : "r0");
	if (val->count > 5)
		timer_set_callback(&val->timer, sets_past_checkpoint);
	else
		val->count++;
	return 0;
}

CALLBACK loops_inside(void *map, u32 *key, struct elem *val)
{
	u64 i = val->count;

	while (i) {
		asm volatile("" : "+r"(i));
		timer_set_callback(&val->timer, loops_inside);
	}
	return 0;
}

CALLBACK exits_unset(void *map, u32 *key, struct elem *val)
{
	asm volatile("exit");
	return 0;
}

CALLBACK returns_pointer(void *map, u32 *key, struct elem *val)
{
	return (long)val;
}

CALLBACK returns_masked(void *map, u32 *key, struct elem *val)
{
	u64 n = val->count;

	if (n > 7)
		return 0;
	asm volatile("%0 >>= 3" : "+r"(n));
	return n;
}

#define WITH(name, callback)                              \
	XDP name(struct xdp_md *ctx)                      \
	{                                                 \
		struct elem *e = at(&hash, 1);            \
                                                          \
		if (e)                                    \
			timer_set_callback(&e->timer, callback); \
		return 0;                                 \
	}

WITH(fine_nothing, nothing)
WITH(fine_again, again)
WITH(fine_uses_map, uses_map)
WITH(fine_deep_stack, deep_stack)
WITH(bad_returns_one, returns_one)
WITH(bad_returns_count, returns_count)
WITH(bad_returns_bool, returns_bool)
WITH(bad_fourth, fourth)
WITH(bad_writes_key, writes_key)
WITH(bad_reads_timer, reads_timer)
WITH(bad_past_value, past_value)
WITH(bad_past_key, past_key)
WITH(bad_spins, spins)
WITH(bad_too_deep, too_deep)
WITH(fine_sets_in_call, sets_in_call)
WITH(fine_sets_on_branch, sets_on_branch)
WITH(fine_sets_past_checkpoint, sets_past_checkpoint)
WITH(bad_loops_inside, loops_inside)
WITH(bad_exits_unset, exits_unset)
WITH(bad_returns_pointer, returns_pointer)
WITH(fine_returns_masked, returns_masked)

__attribute__((noinline)) int global_callback(void *ctx)
{
	return 0;
}

WITH(bad_global_callback, global_callback)

XDP bad_number_callback(struct xdp_md *ctx)
{
	struct elem *e = at(&hash, 1);

	return e ? timer_set_callback(&e->timer, (void *)8) : 0;
}

/* stack of 400 in the program: the callback has its own */
XDP fine_own_stack(struct xdp_md *ctx)
{
	struct elem *e = at(&hash, 1);

	USE_STACK(400);
	if (e)
		timer_set_callback(&e->timer, deep_stack);
	return 0;
}

/* called directly the same function's stack counts */
XDP bad_called_directly(struct xdp_md *ctx)
{
	struct elem *e = at(&hash, 1);
	u32 key = 1;

	USE_STACK(400);
	if (e) {
		timer_set_callback(&e->timer, deep_stack);
		deep_stack(&hash, &key, e);
	}
	return 0;
}

CALLBACK hands_to_second(void *map, u32 *key, struct elem *val);

CALLBACK second(void *map, u32 *key, struct elem *val)
{
	timer_set_callback(&val->timer, hands_to_second);
	timer_start(&val->timer, 5, 0);
	return 0;
}

CALLBACK hands_to_second(void *map, u32 *key, struct elem *val)
{
	timer_set_callback(&val->timer, second);
	timer_start(&val->timer, 5, 0);
	return 0;
}

WITH(fine_hand_over, hands_to_second)

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PROG_ARRAY);
	MAP_UINT(max_entries, 4);
	MAP_UINT(key_size, 4);
	MAP_UINT(value_size, 4);
} progs SEC(".maps");

CALLBACK tail_calls(void *map, u32 *key, struct elem *val)
{
	tail_call(map, &progs, 0);
	return 0;
}

WITH(bad_tail_call, tail_calls)

/* never reached, and there all the same */
CALLBACK dead_tail_call(void *map, u32 *key, struct elem *val)
{
	asm volatile("r0 = 0; if r0 == 0 goto +1; call 12" ::: "r0", "r1", "r2", "r3", "r4", "r5");
	return 0;
}

WITH(bad_dead_tail_call, dead_tail_call)

/* more callbacks set on one path than are followed */
XDP bad_too_many(struct xdp_md *ctx)
{
	struct elem *e = at(&hash, 1);
	u32 i;

	if (!e)
		return 0;
	for (i = 0; i < 8200; i++) {
		timer_set_callback(&e->timer, nothing);
		asm volatile("" : "+r"(i));
	}
	return 0;
}

XDP fine_many(struct xdp_md *ctx)
{
	struct elem *e = at(&hash, 1);
	u32 i;

	if (!e)
		return 0;
	for (i = 0; i < 500; i++) {
		timer_set_callback(&e->timer, nothing);
		asm volatile("" : "+r"(i));
	}
	return 0;
}

/* with two timers in it the value is plain bytes */
XDP fine_two_timers_load(struct xdp_md *ctx)
{
	struct twice *e = (void *)at(&pair, 1);

	return e ? *(volatile u64 *)&e->two : 0;
}

/* the bytes up to the field, and not one more */
XDP fine_helper_up_to(struct xdp_md *ctx)
{
	struct elem *e = at(&hash, 1);

	return e ? xdp_load_bytes(ctx, 0, e, 8) : 0;
}

/* locks */

INLINE struct locked *lock_at(u32 key)
{
	return map_lookup(&both, &key);
}

XDP fine_lock(struct xdp_md *ctx)
{
	struct locked *e = lock_at(1);

	if (!e)
		return 0;
	spin_lock(&e->lock);
	e->count++;
	spin_unlock(&e->lock);
	return timer_cancel(&e->timer);
}

XDP bad_lock_timer(struct xdp_md *ctx)
{
	struct locked *e = lock_at(1);

	if (!e)
		return 0;
	spin_lock(&e->lock);
	timer_cancel(&e->timer);
	spin_unlock(&e->lock);
	return 0;
}

XDP bad_lock_helper(struct xdp_md *ctx)
{
	struct locked *e = lock_at(1);

	if (!e)
		return 0;
	spin_lock(&e->lock);
	e->count = ktime_get_ns();
	spin_unlock(&e->lock);
	return 0;
}

XDP bad_lock_twice(struct xdp_md *ctx)
{
	struct locked *e = lock_at(1);

	if (!e)
		return 0;
	spin_lock(&e->lock);
	spin_lock(&e->lock);
	spin_unlock(&e->lock);
	return 0;
}

XDP bad_lock_kept(struct xdp_md *ctx)
{
	struct locked *e = lock_at(1);

	if (!e)
		return 0;
	spin_lock(&e->lock);
	if (e->count == 7)
		return 0;
	spin_unlock(&e->lock);
	return 0;
}

XDP bad_unlock_alone(struct xdp_md *ctx)
{
	struct locked *e = lock_at(1);

	if (e)
		spin_unlock(&e->lock);
	return 0;
}

XDP bad_unlock_other(struct xdp_md *ctx)
{
	struct locked *e = lock_at(1), *f = lock_at(2);

	if (!e || !f)
		return 0;
	spin_lock(&e->lock);
	spin_unlock(&f->lock);
	return 0;
}

XDP bad_lock_load(struct xdp_md *ctx)
{
	struct locked *e = lock_at(1);

	return e ? *(volatile u32 *)&e->lock : 0;
}

XDP bad_lock_offset(struct xdp_md *ctx)
{
	struct locked *e = lock_at(1);

	if (!e)
		return 0;
	spin_lock((void *)&e->count);
	spin_unlock((void *)&e->count);
	return 0;
}

XDP bad_lock_none(struct xdp_md *ctx)
{
	struct elem *e = at(&hash, 1);

	if (!e)
		return 0;
	spin_lock((void *)e);
	spin_unlock((void *)e);
	return 0;
}

static __attribute__((noinline)) void count_up(struct locked *e)
{
	e->count += 3;
	asm volatile("");
}

XDP fine_lock_static_call(struct xdp_md *ctx)
{
	struct locked *e = lock_at(1);

	if (!e)
		return 0;
	spin_lock(&e->lock);
	count_up(e);
	spin_unlock(&e->lock);
	return 0;
}

__attribute__((noinline)) int count_global(int n)
{
	asm volatile("");
	return n + 1;
}

XDP bad_lock_global_call(struct xdp_md *ctx)
{
	struct locked *e = lock_at(1);

	if (!e)
		return 0;
	spin_lock(&e->lock);
	e->count = count_global(e->count);
	spin_unlock(&e->lock);
	return 0;
}

CALLBACK lock_timer_callback(void *map, u32 *key, struct locked *val)
{
	spin_lock(&val->lock);
	val->count++;
	spin_unlock(&val->lock);
	return 0;
}

XDP fine_lock_in_callback(struct xdp_md *ctx)
{
	struct locked *e = lock_at(1);

	if (e)
		timer_set_callback(&e->timer, lock_timer_callback);
	return 0;
}

CALLBACK loop_keeps_lock(u32 i, struct locked **e)
{
	spin_lock(&(*e)->lock);
	return 0;
}

XDP bad_lock_kept_in_loop(struct xdp_md *ctx)
{
	struct locked *e = lock_at(1);

	if (e)
		bpf_loop(2, loop_keeps_lock, &e, 0);
	return 0;
}

XDP bad_lock_loop(struct xdp_md *ctx)
{
	struct locked *e = lock_at(1);
	u64 sum = 0;

	if (!e)
		return 0;
	spin_lock(&e->lock);
	bpf_loop(2, (void *)0, &sum, 0);
	spin_unlock(&e->lock);
	return 0;
}

XDP fine_lock_on_some_path(struct xdp_md *ctx)
{
	struct locked *e = lock_at(1);
	u32 n = get_prandom_u32();

	if (!e)
		return 0;
	if (n & 1) {
		spin_lock(&e->lock);
		e->count++;
		spin_unlock(&e->lock);
	}
	return ktime_get_ns();
}

XDP bad_lock_on_one_path(struct xdp_md *ctx)
{
	struct locked *e = lock_at(1);
	u32 n = get_prandom_u32();

	if (!e)
		return 0;
	if (n & 1)
		spin_lock(&e->lock);
	e->count++;
	spin_unlock(&e->lock);
	return 0;
}

CALLBACK keeps_lock(void *map, u32 *key, struct locked *val)
{
	spin_lock(&val->lock);
	return 0;
}

XDP bad_lock_kept_in_callback(struct xdp_md *ctx)
{
	struct locked *e = lock_at(1);

	if (e)
		timer_set_callback(&e->timer, keeps_lock);
	return 0;
}

/* synchronous callbacks */

CALLBACK loops(u32 i, u64 *sum)
{
	*sum += i;
	return *sum > 1000;
}

CALLBACK sums(void *map, u32 *key, struct elem *val, u64 *sum)
{
	*sum += val->count + *key;
	return 0;
}

CALLBACK two(u32 i, u64 *sum)
{
	return 2;
}

CALLBACK unknown(u32 i, u64 *sum)
{
	return get_prandom_u32();
}

CALLBACK sum_two(void *map, u32 *key, struct elem *val, u64 *sum)
{
	return 2;
}

XDP fine_loop(struct xdp_md *ctx)
{
	u64 sum = 0;

	bpf_loop(100, loops, &sum, 0);
	return sum;
}

XDP bad_loop_two(struct xdp_md *ctx)
{
	u64 sum = 0;

	bpf_loop(100, two, &sum, 0);
	return sum;
}

XDP bad_loop_unknown(struct xdp_md *ctx)
{
	u64 sum = 0;

	bpf_loop(100, unknown, &sum, 0);
	return sum;
}

XDP bad_loop_ctx(struct xdp_md *ctx)
{
	u64 sum = 0;

	bpf_loop(100, loops, ctx, 0);
	return sum;
}

XDP fine_each(struct xdp_md *ctx)
{
	u64 sum = 0;

	for_each_map_elem(&hash, sums, &sum, 0);
	for_each_map_elem(&array, sums, &sum, 0);
	return sum;
}

XDP bad_each_two(struct xdp_md *ctx)
{
	u64 sum = 0;

	for_each_map_elem(&hash, sum_two, &sum, 0);
	return sum;
}

XDP bad_each_progs(struct xdp_md *ctx)
{
	u64 sum = 0;

	for_each_map_elem(&progs, sums, &sum, 0);
	return sum;
}

XDP bad_each_outer(struct xdp_md *ctx)
{
	u64 sum = 0;

	for_each_map_elem(&outer, sums, &sum, 0);
	return sum;
}

CALLBACK starts_each(void *map, u32 *key, struct elem *val, u64 *sum)
{
	timer_init(&val->timer, &hash, 0);
	timer_set_callback(&val->timer, nothing);
	timer_start(&val->timer, 1, 0);
	return 0;
}

XDP fine_start_each(struct xdp_md *ctx)
{
	for_each_map_elem(&hash, starts_each, (void *)0, 0);
	return 0;
}

/* program types */

SEC("tc") int fine_tc(struct __sk_buff *ctx)
{
	struct elem *e = at(&hash, 1);

	return e ? timer_start(&e->timer, 0, 0) : 0;
}

SEC("socket") int fine_socket(struct __sk_buff *ctx)
{
	struct elem *e = at(&hash, 1);

	return e ? timer_start(&e->timer, 0, 0) : 0;
}

SEC("socket") int bad_socket_lock(struct __sk_buff *ctx)
{
	struct locked *e = lock_at(1);

	if (!e)
		return 0;
	spin_lock(&e->lock);
	spin_unlock(&e->lock);
	return 0;
}

SEC("cgroup_skb/ingress") int fine_cgroup_skb(struct __sk_buff *ctx)
{
	struct elem *e = at(&hash, 1);

	if (e)
		timer_start(&e->timer, 0, 0);
	return 1;
}

SEC("syscall") int fine_syscall(void *ctx)
{
	struct elem *e = at(&hash, 1);

	return e ? timer_start(&e->timer, 0, 0) : 0;
}

#define TRACING(section, name, body)                      \
	SEC(section) int name(void *ctx)                  \
	{                                                 \
		struct elem *e = at(&hash, 1);            \
                                                          \
		return e ? body : 0;                      \
	}

TRACING("perf_event", bad_perf_event, timer_start(&e->timer, 0, 0))
TRACING("kprobe/x", bad_kprobe, timer_start(&e->timer, 0, 0))
TRACING("tp/x/y", bad_tracepoint, timer_start(&e->timer, 0, 0))
TRACING("raw_tp/x", bad_raw_tp, timer_start(&e->timer, 0, 0))
TRACING("perf_event", bad_perf_event_map, e->count)

SEC("perf_event") int bad_perf_event_lock(void *ctx)
{
	struct locked *e = lock_at(1);

	return e ? e->count : 0;
}

SEC("perf_event") int fine_perf_event(void *ctx)
{
	struct plain *e = (void *)at(&plain, 1);

	if (e)
		e->a[0]++;
	return 0;
}
