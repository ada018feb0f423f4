// SPDX-License-Identifier: Apache-2.0
// Programs that must be refused, one reason each, and at the end `fine_*` twins that differ only in the check
// that was missing.
#include "net.h"

LICENSE("Dual MIT/GPL");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 16);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u64);
} table SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 4);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u64);
} array SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PROG_ARRAY);
	MAP_UINT(max_entries, 4);
	MAP_UINT(key_size, 4);
	MAP_UINT(value_size, 4);
} progs SEC(".maps");

const u32 frozen[4] = { 1, 2, 3, 4 };
u32 bytes[16];

#define BAD SEC("xdp") int
#define ASM(...) asm volatile(__VA_ARGS__)

BAD bad_packet_unchecked(struct xdp_md *ctx)
{
	u8 *p = pkt(ctx);

	return p[0];
}

BAD bad_packet_one_past(struct xdp_md *ctx)
{
	u8 *p = pkt(ctx);

	if ((void *)(p + 14) > pkt_end(ctx))
		return XDP_DROP;
	return p[14];
}

BAD bad_packet_variable(struct xdp_md *ctx)
{
	u8 *p = pkt(ctx);
	u32 off;

	if ((void *)(p + 64) > pkt_end(ctx))
		return XDP_DROP;
	off = p[0];
	return p[off & 127];
}

BAD bad_packet_stale(struct xdp_md *ctx)
{
	u8 *p = pkt(ctx);

	if ((void *)(p + 14) > pkt_end(ctx))
		return XDP_DROP;
	xdp_adjust_head(ctx, 1);
	return p[0];
}

BAD bad_packet_wrong_side(struct xdp_md *ctx)
{
	u8 *p = pkt(ctx);

	if ((void *)(p + 14) < pkt_end(ctx))
		return XDP_DROP;
	return p[13];
}

BAD bad_packet_end_arith(struct xdp_md *ctx)
{
	u64 r;

	ASM("r1 = *(u32 *)(%1 + 4)\n r1 += 1\n r0 = *(u8 *)(r1 + 0)\n %0 = r0" : "=r"(r) : "r"(ctx) : "r0", "r1");
	return r;
}

BAD bad_meta_unchecked(struct xdp_md *ctx)
{
	u32 *m;

	if (xdp_adjust_meta(ctx, -4))
		return XDP_DROP;
	m = (void *)(long)ctx->data_meta;
	return *m;
}

BAD bad_null_check(struct xdp_md *ctx)
{
	u32 key = 1;
	u64 *v = map_lookup(&table, &key);

	return *v;
}

BAD bad_null_check_other(struct xdp_md *ctx)
{
	u32 key = 1, key2 = 2;
	u64 *v = map_lookup(&table, &key), *w = map_lookup(&table, &key2);

	return v ? *w : 0;
}

BAD bad_value_bounds(struct xdp_md *ctx)
{
	u32 key = 1;
	u64 *v = map_lookup(&array, &key);

	return v ? v[1] : 0;
}

BAD bad_value_variable(struct xdp_md *ctx)
{
	u32 key = 1;
	u8 *v = map_lookup(&array, &key);
	u32 i = ctx->rx_queue_index;

	return v ? v[i & 15] : 0;
}

BAD bad_global_index(struct xdp_md *ctx)
{
	u32 i = ctx->ingress_ifindex;

	return bytes[i];
}

BAD bad_rodata_write(struct xdp_md *ctx)
{
	*(volatile u32 *)&frozen[1] = 5;
	return XDP_PASS;
}

BAD bad_uninit_reg(struct xdp_md *ctx)
{
	u64 r;

	ASM("%0 = r7" : "=r"(r));
	return r;
}

BAD bad_uninit_stack(struct xdp_md *ctx)
{
	u64 r;

	ASM("r0 = *(u64 *)(r10 - 32)\n r2 = r10\n r2 += -500\n %0 = *(u8 *)(r2 - 20)" : "=r"(r) : : "r0", "r2");
	return r;
}

BAD bad_stack_bounds(struct xdp_md *ctx)
{
	ASM("*(u64 *)(r10 - 520) = r10" : : : "memory");
	return XDP_PASS;
}

BAD bad_stack_above(struct xdp_md *ctx)
{
	ASM("*(u64 *)(r10 + 0) = r10" : : : "memory");
	return XDP_PASS;
}

BAD bad_loop_endless(struct xdp_md *ctx)
{
	ASM("r1 = 0\n 1: r1 += 0\n if r1 != 5 goto 1b" : : : "r1");
	return XDP_PASS;
}

BAD bad_loop_goto(struct xdp_md *ctx)
{
	ASM("1: goto 1b");
	return XDP_PASS;
}

BAD bad_loop_too_long(struct xdp_md *ctx)
{
	u64 r;

	ASM("r1 = 0\n 1: r1 += 1\n if r1 < 2000000 goto 1b\n %0 = r1" : "=r"(r) : : "r1");
	return r;
}

BAD bad_ctx_offset(struct xdp_md *ctx)
{
	return *(u32 *)((void *)ctx + 24);
}

BAD bad_ctx_write(struct xdp_md *ctx)
{
	*(volatile u32 *)&ctx->data = 1;
	return XDP_PASS;
}

BAD bad_ctx_narrow(struct xdp_md *ctx)
{
	return *(volatile u16 *)&ctx->data_end;
}

BAD bad_ctx_arith(struct xdp_md *ctx)
{
	u64 r;

	ASM("r1 = %1\n r1 += 4\n r2 = *(u32 *)(r1 + 0)\n r1 = r10\n r1 *= 2\n %0 = r1" : "=r"(r) : "r"(ctx) : "r1", "r2");
	return r;
}

BAD bad_pointer_and(struct xdp_md *ctx)
{
	u64 r;

	ASM("r1 = r10\n r1 &= -8\n *(u64 *)(r1 - 8) = r1\n %0 = 0" : "=r"(r) : : "r1");
	return r;
}

BAD bad_helper_id(struct xdp_md *ctx)
{
	ASM("call 9999" : : : "r0", "r1", "r2", "r3", "r4", "r5");
	return XDP_PASS;
}

BAD bad_helper_type(struct xdp_md *ctx) /* skb_store_bytes is not for XDP */
{
	ASM("r2 = 0\n r3 = r10\n r4 = 0\n r5 = 0\n call 9" : : : "r0", "r1", "r2", "r3", "r4", "r5");
	return XDP_PASS;
}

BAD bad_helper_arg(struct xdp_md *ctx)
{
	u32 key = 0;

	return map_lookup(ctx, &key) != 0;
}

BAD bad_helper_map(struct xdp_md *ctx)
{
	return redirect_map(&table, 0, 0);
}

BAD bad_helper_size(struct xdp_md *ctx)
{
	u8 buf[16];
	u32 n = ctx->rx_queue_index;

	return xdp_load_bytes(ctx, 0, buf, (n & 31) + 1);
}

BAD bad_helper_zero_size(struct xdp_md *ctx)
{
	u8 buf[16];
	u32 n = ctx->rx_queue_index;

	return xdp_load_bytes(ctx, 0, buf, n & 15);
}

BAD bad_helper_clobber(struct xdp_md *ctx)
{
	u64 r;

	ASM("r3 = 7\n call 7\n %0 = r3" : "=r"(r) : : "r0", "r1", "r2", "r3", "r4", "r5");
	return r;
}

BAD bad_tail_call_map(struct xdp_md *ctx)
{
	tail_call(ctx, &table, 0);
	return XDP_PASS;
}

BAD bad_progs_lookup(struct xdp_md *ctx)
{
	u32 key = 0;

	return map_lookup(&progs, &key) != 0;
}

BAD bad_spill_partial(struct xdp_md *ctx)
{
	u64 r;

	ASM("*(u64 *)(r10 - 8) = %1\n r2 = 0\n *(u8 *)(r10 - 5) = r2\n r3 = *(u64 *)(r10 - 8)\n %0 = *(u32 *)(r3 + 0)"
	    : "=r"(r) : "r"(ctx) : "r2", "r3", "memory");
	return r;
}

BAD bad_shift(struct xdp_md *ctx)
{
	ASM("r1 = 1\n .8byte 0x0000004000000167" : : : "r1"); /* r1 <<= 64 */
	return XDP_PASS;
}

BAD bad_div_imm(struct xdp_md *ctx)
{
	ASM("r1 = 1\n .8byte 0x0000000000000137" : : : "r1"); /* r1 /= 0 */
	return XDP_PASS;
}

BAD bad_opcode(struct xdp_md *ctx)
{
	ASM(".8byte 0x00000000000000ff");
	return XDP_PASS;
}

BAD bad_frame_pointer(struct xdp_md *ctx)
{
	ASM("r10 = 0");
	return XDP_PASS;
}

BAD bad_atomic_packet(struct xdp_md *ctx)
{
	u32 *p = pkt(ctx);

	if ((void *)(p + 4) > pkt_end(ctx))
		return XDP_DROP;
	__sync_fetch_and_add(p, 1);
	return XDP_PASS;
}

BAD bad_atomic_misaligned(struct xdp_md *ctx)
{
	u32 key = 0;
	u8 *v = map_lookup(&array, &key);

	if (v)
		__sync_fetch_and_add((u32 *)(v + 1), 1);
	return XDP_PASS;
}

static NOINLINE u64 eats_stack(u64 x)
{
	ASM("*(u64 *)(r10 - 264) = %0" : : "r"(x) : "memory");
	return x + 1;
}

BAD bad_stack_combined(struct xdp_md *ctx)
{
	u64 x = ctx->rx_queue_index;

	ASM("*(u64 *)(r10 - 264) = %0" : : "r"(x) : "memory");
	return eats_stack(x);
}

static NOINLINE int forever(struct xdp_md *ctx, u32 n);
static NOINLINE int forever2(struct xdp_md *ctx, u32 n) { return forever(ctx, n + 1) + 1; }
static NOINLINE int forever(struct xdp_md *ctx, u32 n) { return n > 5 ? 0 : forever2(ctx, n) + 2; }

BAD bad_recursion(struct xdp_md *ctx)
{
	return forever(ctx, ctx->rx_queue_index);
}

NOINLINE int global_reads(u64 *p)
{
	return *p; /* may be null */
}

BAD bad_global_null(struct xdp_md *ctx)
{
	u64 x = 1;

	return global_reads(&x);
}

SEC("xdp")
int fine_packet(struct xdp_md *ctx)
{
	u8 *p = pkt(ctx);

	if ((void *)(p + 15) > pkt_end(ctx))
		return XDP_DROP;
	return p[14];
}

SEC("xdp")
int fine_value(struct xdp_md *ctx)
{
	u32 key = 1;
	u8 *v = map_lookup(&array, &key);
	u32 i = ctx->rx_queue_index;

	return v ? v[i & 7] : 0;
}

SEC("xdp")
int fine_helper_size(struct xdp_md *ctx)
{
	u8 buf[16];
	u32 n = ctx->rx_queue_index;

	return xdp_load_bytes(ctx, 0, buf, (n & 15) + 1);
}

SEC("xdp")
int fine_loop(struct xdp_md *ctx)
{
	u64 r;

	ASM("r1 = 0\n 1: r1 += 1\n if r1 < 1000 goto 1b\n %0 = r1" : "=r"(r) : : "r1");
	return r;
}

/* a loader with privileges may read stack that nobody wrote */
SEC("xdp")
int fine_key_uninit(struct xdp_md *ctx)
{
	u64 r;

	ASM("r1 = %[map] ll\n r2 = r10\n r2 += -8\n call 1\n %0 = r0"
	    : "=r"(r) : [map] "i"(&table) : "r0", "r1", "r2", "r3", "r4", "r5");
	return r != 0;
}
