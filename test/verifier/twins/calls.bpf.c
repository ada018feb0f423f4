// SPDX-License-Identifier: Apache-2.0
// Functions, callbacks and tail calls: frames and their stack, what each side knows afterwards, global functions,
// rounds of bpf_loop, bpf_for_each_map_elem and may_goto, exceptions.
#include "twins.h"
#include "timer.h"

LICENSE("GPL");
BOX_MAP;
struct {
	MAP_UINT(type, BPF_MAP_TYPE_PROG_ARRAY);
	MAP_TYPE(key, (u32)0);
	MAP_TYPE(value, (u32)0);
	MAP_UINT(max_entries, 2);
} progs SEC(".maps");
struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_TYPE(key, (u32)0);
	MAP_TYPE(value, (u64)0);
	MAP_UINT(max_entries, 8);
} counts SEC(".maps");

KFUNC void bpf_throw(u64 cookie);

/* ---- functions ---- */
#define DEEP(name, bytes)                                                \
	static __attribute__((naked, noinline, used)) int name(void)    \
	{                                                               \
		asm volatile("*(u64 *)(r10 - " bytes ") = 0; r0 = 0; exit;"); \
	}
DEEP(deep_fine, "256")
DEEP(deep_bad, "264")
TWINS("xdp", two_frames, "*(u64 *)(r10 - 256) = 0;", "call deep_fine;", "call deep_bad;", "exit;")

#define FRAME(n, next) static NOINLINE int frame##n(struct xdp_md *ctx) { return next(ctx) + 1; }
static NOINLINE int frame9(struct xdp_md *ctx) { return ctx->rx_queue_index; }
FRAME(8, frame9)
FRAME(7, frame8)
FRAME(6, frame7)
FRAME(5, frame6)
FRAME(4, frame5)
FRAME(3, frame4)
FRAME(2, frame3)
FRAME(1, frame2)
INLINE int frames(struct xdp_md *ctx, int bad)
{
	return bad ? frame1(ctx) : frame3(ctx);
}
PAIR("xdp", struct xdp_md, frames)

static NOINLINE void write_through(u64 *p, u64 v) { *(volatile u64 *)p = v; }
static NOINLINE void write_below(u64 *p, u64 v) { ((volatile u64 *)p)[1] = v; }
INLINE int callers_stack(struct xdp_md *ctx, int bad)
{
	u64 v = 1;

	if (bad)
		write_below(&v, 2);
	else
		write_through(&v, 2);
	return v;
}
PAIR("xdp", struct xdp_md, callers_stack)

static NOINLINE u64 masked(u64 v) { return v & 63; }
static NOINLINE u64 unmasked(u64 v) { OPAQUE(v); return v; }
INLINE int what_is_returned(struct xdp_md *ctx, int bad)
{
	u32 zero = 0;
	u8 *b = map_lookup(&box, &zero);

	if (!b)
		return 0;
	return b[bad ? unmasked(ctx->rx_queue_index) : masked(ctx->rx_queue_index)];
}
PAIR("xdp", struct xdp_md, what_is_returned)

static NOINLINE int parse(void *data, void *end) { return data + 14 > end ? -1 : 0; }
INLINE int range_of_callee(struct xdp_md *ctx, int bad)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (bad) {
		if (parse(data, end))
			return 0;
		OPAQUE(data);
		return *(volatile u8 *)(data + 13) + *(volatile u8 *)(data + 14);
	}
	if (parse(data, end))
		return 0;
	return data + 15 > end ? 0 : *(volatile u8 *)(data + 14);
}
PAIR("xdp", struct xdp_md, range_of_callee)

TWINS("xdp", callee_saved, "r6 = r1; call 7;", "r0 = *(u32 *)(r6 + 12);", "r0 = *(u32 *)(r5 + 12);", "exit;")

/* ---- global functions ---- */
NOINLINE int global_sum(u64 *v) { return v ? *v : 0; }
NOINLINE int global_unchecked(u64 *v) { return *(volatile u64 *)v; }
NOINLINE int global_index(u32 i) { return i & 63; }
INLINE int global_checked(struct xdp_md *ctx, int bad)
{
	u64 v = ctx->rx_queue_index;

	return bad ? global_unchecked(&v) : global_sum(&v);
}
PAIR("xdp", struct xdp_md, global_checked)

TWINS("xdp", global_result, LOOKUP("box") "r6 = r0; r1 = 1; call global_index;", "r0 &= 63;", "r0 &= 64;", "r6 += r0; r0 = *(u8 *)(r6 + 0);" OUT)

INLINE int global_pointer(struct xdp_md *ctx, int bad)
{
	u32 half = 1;
	u64 whole = 1;

	return global_sum(bad ? (u64 *)&half : &whole);
}
PAIR("xdp", struct xdp_md, global_pointer)

/* ---- tail calls ---- */
INLINE int tail_flags(struct xdp_md *ctx, int bad)
{
	tail_call(ctx, bad ? (void *)&box : (void *)&progs, 0);
	return 0;
}
PAIR("xdp", struct xdp_md, tail_flags)

INLINE int tail_ctx(struct xdp_md *ctx, int bad)
{
	tail_call(bad ? (void *)ctx + 4 : ctx, &progs, 0);
	return 0;
}
PAIR("xdp", struct xdp_md, tail_ctx)

static NOINLINE int tail_below(struct xdp_md *ctx) { tail_call(ctx, &progs, 1); return 0; }
INLINE int tail_with_stack(struct xdp_md *ctx, int bad)
{
	if (bad) {
		volatile u8 room[300];

		for (int i = 0; i < 300; i += 4)
			room[i] = i;
		return tail_below(ctx) + room[4];
	}
	return tail_below(ctx);
}
PAIR("xdp", struct xdp_md, tail_with_stack)
TWINS("xdp", tail_number, "r2 = progs ll; r3 = 0;", "call 12;", "r2 = 0; call 12;", "r0 = 0; exit;")

/* ---- callbacks ---- */
struct acc { u64 sum; u8 *p; };
static int add_round(u32 i, struct acc *a) { a->sum += i; return 0; }
static int returns_two(u32 i, struct acc *a) { return i & 2; }
static int writes_ctx_away(u32 i, struct acc *a) { a->p = 0; return 0; }
static int leaves_early(u32 i, struct acc *a) { return i > 3; }
INLINE int round_return(struct xdp_md *ctx, int bad)
{
	struct acc a = {};

	bpf_loop(10, bad ? (void *)returns_two : (void *)leaves_early, &a, 0);
	return a.sum;
}
PAIR("xdp", struct xdp_md, round_return)

INLINE int round_flags(struct xdp_md *ctx, int bad)
{
	struct acc a = {};

	bpf_loop(10, add_round, &a, 0);
	bpf_loop(10, add_round, bad ? (void *)ctx : &a, 0);
	return a.sum;
}
PAIR("xdp", struct xdp_md, round_flags)

INLINE int round_forgets(struct xdp_md *ctx, int bad)
{
	u32 zero = 0;
	struct acc a = { .p = map_lookup(&box, &zero) };

	if (!a.p)
		return 0;
	bpf_loop(10, bad ? (void *)writes_ctx_away : (void *)add_round, &a, 0);
	OPAQUE(zero);
	return *(volatile u8 *)a.p;
}
PAIR("xdp", struct xdp_md, round_forgets)

INLINE int round_index(struct xdp_md *ctx, int bad)
{
	u32 zero = 0;
	struct acc a = {};
	u8 *b = map_lookup(&box, &zero);

	if (!b)
		return 0;
	bpf_loop(10, add_round, &a, 0);
	if (!bad)
		a.sum &= 63;
	OPAQUE(a.sum);
	return b[a.sum];
}
PAIR("xdp", struct xdp_md, round_index)

static int each_reads(void *map, u32 *key, u64 *value, u64 *sum) { *sum += *value + *key; return 0; }
static int each_writes_key(void *map, u32 *key, u64 *value, u64 *sum) { *(volatile u32 *)key = 1; return 0; }
static int each_past_value(void *map, u32 *key, u64 *value, u64 *sum) { *sum += *((volatile u64 *)value + 1); return 0; }
static int each_deletes(void *map, u32 *key, u64 *value, u64 *sum) { map_delete(map, key); return 0; }
INLINE int each_key(struct xdp_md *ctx, int bad)
{
	u64 sum = 0;

	for_each_map_elem(&counts, bad ? (void *)each_writes_key : (void *)each_reads, &sum, 0);
	return sum;
}
PAIR("xdp", struct xdp_md, each_key)
INLINE int each_value(struct xdp_md *ctx, int bad)
{
	u64 sum = 0;

	for_each_map_elem(&counts, bad ? (void *)each_past_value : (void *)each_deletes, &sum, 0);
	return sum;
}
PAIR("xdp", struct xdp_md, each_value)
INLINE int each_map(struct xdp_md *ctx, int bad)
{
	u64 sum = 0;

	for_each_map_elem(bad ? (void *)&progs : (void *)&counts, each_reads, &sum, 0);
	return sum;
}
PAIR("xdp", struct xdp_md, each_map)
INLINE int each_flags(struct xdp_md *ctx, int bad)
{
	u64 sum = 0;

	return for_each_map_elem(&counts, each_reads, bad ? 0 : &sum, 0);
}
PAIR("xdp", struct xdp_md, each_flags)

/* ---- may_goto ---- */
#define MAY_GOTO(off) ".byte 0xe5, 0, " off ", 0, 0, 0, 0, 0;"
TWINS("xdp", may_goto, "r0 = 0; 1: " MAY_GOTO("2"), "r0 += 1; goto 1b;", "r0 ^= r9; goto 1b;", "r0 = 0; exit;")
BOX(may_goto_bounded, "r7 = 0; 1: .byte 0xe5, 0, 3, 0, 0, 0, 0, 0; r7 += 1; if r7 < 60 goto 1b; r7 += 0;", "r7 = 0; 1: .byte 0xe5, 0, 2, 0, 0, 0, 0, 0; r7 += 8; if r7 != 61 goto 1b;")
TWINS("xdp", may_goto_register, "r0 = 0;", MAY_GOTO("0"), ".byte 0xe5, 0, 0, 0, 1, 0, 0, 0;", "exit;")

/* ---- exceptions ---- */
static NOINLINE int throws_below(struct __sk_buff *skb) { if (skb->len > 9) bpf_throw(1); return 0; }
static int throws_each(u32 i, void *ctx) { bpf_throw(i); return 0; }
INLINE int throws(struct __sk_buff *skb, int bad)
{
	if (bad)
		bpf_loop(2, throws_each, 0, 0);
	else
		throws_below(skb);
	return 0;
}
PAIR("tc", struct __sk_buff, throws)
SEC("cgroup_skb/egress") int fine_throws_range(struct __sk_buff *skb) { bpf_throw(1); return 1; }
SEC("cgroup_skb/egress") int bad_throws_range(struct __sk_buff *skb) { bpf_throw(9); return 1; }
