// SPDX-License-Identifier: Apache-2.0
// Timers told what to do by the packet, for the real clock: who fires when, and never beside a program of the same CPU.
#include "timer.h"

LICENSE("Dual MIT/GPL");

struct elem {
	u64 fired;
	u64 due;	/* of the start before */
	u64 late;	/* of the last callback */
	u64 most_late;
	u64 period;	/* 0: once */
	u64 order;	/* of the last callback among all */
	u64 result;	/* of the last start or cancel in a callback */
	u32 say;
	u32 pad;
	struct bpf_timer timer;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 64);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct elem);
} elems SEC(".maps");

u64 early;	/* callbacks before their deadline */
u64 overlaps;	/* callbacks and programs that met on one CPU */
u64 order;
u64 samples;
u64 periods;
u32 in_prog[64];
u32 in_callback[64];
volatile u64 spent;

/* behind the Ethernet header */
struct order {
	u32 what;
	u32 index;
	u64 ns;
	u64 period;
} __attribute__((packed));

enum { START, CANCEL, SAY };

static int __attribute__((noinline)) expire(void *map, u32 *key, struct elem *e)
{
	u32 cpu = get_smp_processor_id() & 63;
	u64 now = ktime_get_ns();

	if (in_prog[cpu] || in_callback[cpu])
		overlaps++;
	in_callback[cpu] = 1;
	if (now < e->due)
		early++;
	e->late = now - e->due;
	if (e->late > e->most_late)
		e->most_late = e->late;
	e->fired++;
	e->order = ++order;
	if (e->say) {
		static const char fmt[] = "timer %d fired";

		trace_printk(fmt, sizeof(fmt), *key);
	}
	if (e->period) {
		e->due = now + e->period;
		e->result = timer_start(&e->timer, e->period, 0);
	}
	in_callback[cpu] = 0;
	return 0;
}

SEC("xdp") int command(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct order *o = data + 14;
	struct elem *e;
	u32 index;

	if ((void *)(o + 1) > end)
		return -22;
	index = o->index;
	e = map_lookup(&elems, &index);
	if (!e)
		return -2;
	if (o->what == CANCEL)
		return timer_cancel(&e->timer);
	e->say = o->what == SAY;
	e->period = o->period;
	e->due = ktime_get_ns() + o->ns;
	timer_init(&e->timer, &elems, CLOCK_MONOTONIC);
	if (timer_set_callback(&e->timer, expire))
		return -1;
	return timer_start(&e->timer, o->ns, 0);
}

static int __attribute__((noinline)) spend(u32 i, void *ctx)
{
	spent++;
	return 0;
}

/* a program that takes its time */
SEC("xdp") int work(struct xdp_md *ctx)
{
	u32 cpu = get_smp_processor_id() & 63;

	if (in_callback[cpu] || in_prog[cpu])
		overlaps++;
	in_prog[cpu] = 1;
	bpf_loop(200000, spend, 0, 0);
	in_prog[cpu] = 0;
	return 2;
}

SEC("xdp") int sample_xdp(struct xdp_md *ctx)
{
	samples++;
	return 2;
}

struct sample {
	u64 regs[21];
	u64 period;
	u64 addr;
};

SEC("perf_event") int sample_perf(struct sample *ctx)
{
	samples++;
	periods = ctx->period;
	return 0;
}
