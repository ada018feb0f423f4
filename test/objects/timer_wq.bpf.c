// SPDX-License-Identifier: Apache-2.0
// Work queues and kernel functions on timers: `fine_*` beside the `bad_*` that break one rule.
#include "timer.h"

LICENSE("GPL");

struct bpf_wq {
	u64 opaque[2];
} __attribute__((aligned(8)));

struct elem {
	u64 count;
	struct bpf_wq work;
};

struct mixed {
	struct bpf_timer timer;
	struct bpf_wq work;
	u64 count;
};

#define KFUNC extern int __attribute__((section(".ksyms")))
KFUNC bpf_wq_init(struct bpf_wq *wq, void *map, unsigned int flags);
KFUNC bpf_wq_set_callback_impl(struct bpf_wq *wq, int (*callback)(void *, int *, void *), unsigned int flags, void *aux);
KFUNC bpf_wq_start(struct bpf_wq *wq, unsigned int flags);
extern int bpf_timer_cancel_async(struct bpf_timer *timer) __attribute__((section(".ksyms"), weak));

#define MAP(name, kind, type_)                    \
	struct {                                  \
		MAP_UINT(type, BPF_MAP_TYPE_##kind); \
		MAP_UINT(max_entries, 4);         \
		MAP_TYPE(key, u32);               \
		MAP_TYPE(value, type_);           \
	} name SEC(".maps")

MAP(array, ARRAY, struct elem);
MAP(hash, HASH, struct elem);
MAP(lru, LRU_HASH, struct elem);
MAP(both, HASH, struct mixed);
MAP(plain, HASH, u64);

u64 runs;

#define XDP SEC("xdp") int
#define CALLBACK static int __attribute__((noinline))
#define AT(map) ({ u32 key_ = 1; map_lookup(&map, &key_); })

CALLBACK count_run(void *map, int *key, void *value)
{
	COUNT(runs);
	return 0;
}

CALLBACK again(void *map, int *key, void *value)
{
	struct elem *e = value;

	e->count++;
	bpf_wq_set_callback_impl(&e->work, again, 0, 0);
	bpf_wq_start(&e->work, 0);
	return 0;
}

CALLBACK returns_one(void *map, int *key, void *value)
{
	return 1;
}

XDP fine_all(struct xdp_md *ctx)
{
	struct elem *e = AT(hash);

	if (!e)
		return 0;
	bpf_wq_init(&e->work, &hash, 0);
	bpf_wq_set_callback_impl(&e->work, count_run, 0, 0);
	return bpf_wq_start(&e->work, 0);
}

XDP fine_lru(struct xdp_md *ctx)
{
	struct elem *e = AT(lru);

	if (!e)
		return 0;
	bpf_wq_init(&e->work, &lru, 0);
	bpf_wq_set_callback_impl(&e->work, again, 0, 0);
	return bpf_wq_start(&e->work, 0);
}

XDP fine_array(struct xdp_md *ctx)
{
	struct elem *e = AT(array);

	return e ? bpf_wq_init(&e->work, &array, 0) : 0;
}

XDP fine_mixed(struct xdp_md *ctx)
{
	struct mixed *e = AT(both);

	if (!e)
		return 0;
	timer_init(&e->timer, &both, 0);
	bpf_wq_init(&e->work, &both, 0);
	return 0;
}

XDP bad_other_map(struct xdp_md *ctx)
{
	struct elem *e = AT(hash);

	return e ? bpf_wq_init(&e->work, &array, 0) : 0;
}

XDP bad_offset(struct xdp_md *ctx)
{
	struct elem *e = AT(hash);

	return e ? bpf_wq_start((void *)e, 0) : 0;
}

XDP bad_no_work(struct xdp_md *ctx)
{
	u64 *e = AT(plain);

	return e ? bpf_wq_start((void *)e, 0) : 0;
}

XDP bad_stack(struct xdp_md *ctx)
{
	struct bpf_wq w = {};

	return bpf_wq_start(&w, 0);
}

XDP bad_unchecked(struct xdp_md *ctx)
{
	return bpf_wq_start((void *)AT(hash), 0);
}

XDP bad_load(struct xdp_md *ctx)
{
	struct elem *e = AT(hash);

	return e ? *(volatile u64 *)&e->work : 0;
}

XDP bad_returns_one(struct xdp_md *ctx)
{
	struct elem *e = AT(hash);

	return e ? bpf_wq_set_callback_impl(&e->work, returns_one, 0, 0) : 0;
}

XDP bad_number_callback(struct xdp_md *ctx)
{
	struct elem *e = AT(hash);

	return e ? bpf_wq_set_callback_impl(&e->work, (void *)8, 0, 0) : 0;
}

XDP bad_map_number(struct xdp_md *ctx)
{
	struct elem *e = AT(hash);

	return e ? bpf_wq_init(&e->work, (void *)0, 0) : 0;
}

XDP fine_flags_pointer(struct xdp_md *ctx)
{
	struct elem *e = AT(hash);
	void *p = ctx;

	if (!e)
		return 0;
	asm volatile("" : "+r"(p));
	return bpf_wq_start(&e->work, (unsigned long)p);
}

XDP bad_timer_as_work(struct xdp_md *ctx)
{
	struct mixed *e = AT(both);

	return e ? bpf_wq_start((void *)&e->timer, 0) : 0;
}

XDP bad_work_as_timer(struct xdp_md *ctx)
{
	struct mixed *e = AT(both);

	return e ? timer_start((void *)&e->work, 0, 0) : 0;
}

SEC("perf_event") int bad_perf_event(void *ctx)
{
	struct elem *e = AT(hash);

	return e ? e->count : 0;
}

SEC("tc") int fine_tc(struct __sk_buff *ctx)
{
	struct elem *e = AT(hash);

	return e ? bpf_wq_init(&e->work, &hash, 0) : 0;
}
