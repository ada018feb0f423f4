// SPDX-License-Identifier: Apache-2.0
// Subprograms: static ones by value, global ones by type, deep chains, arguments of every kind, pointers to the
// caller's stack; tables in .rodata, configuration in `volatile const`, state in .data and .bss and in sections
// of their own.
#include "net.h"

LICENSE("Dual MIT/GPL");

volatile const u32 threshold = 300;
volatile const u16 weights[8] = { 3, 5, 7, 11, 13, 17, 19, 23 };
const u8 crc8_table[16] = { 0x00, 0x07, 0x0e, 0x09, 0x1c, 0x1b, 0x12, 0x15,
			    0x38, 0x3f, 0x36, 0x31, 0x24, 0x23, 0x2a, 0x2d };
const char names[4][8] = { "short", "middle", "long", "giant" };

u64 total = 5;
u32 histogram[4] = { 1, 0, 0, 1000 };
s16 low = 0x7fff, high;
u8 last_crc;
struct { u64 calls; u32 depth; u8 tag[8]; } state;
u64 special SEC(".data.special") = 0x0102030405060708;
u32 counters[4] SEC(".bss.counters");

struct acc { u64 sum; u32 n; u32 max; };

static NOINLINE u8 crc8(const u8 *p, u32 n)
{
	u8 crc = 0;

	for (u32 i = 0; i < 32 && i < n; i++) {
		crc ^= p[i];
		crc = (crc << 4) ^ crc8_table[crc >> 4];
		crc = (crc << 4) ^ crc8_table[crc >> 4];
	}
	return crc;
}

static NOINLINE void gather(struct acc *a, u32 v)
{
	a->sum += v;
	a->n++;
	if (v > a->max)
		a->max = v;
}

NOINLINE int classify(u32 len)
{
	if (len < 64)
		return 0;
	if (len < threshold)
		return 1;
	return len < 1200 ? 2 : 3;
}

NOINLINE u64 mix(u64 a, u32 b, u16 c, u8 d, int e)
{
	a ^= (u64)b << 32;
	a = a * 0x9e3779b97f4a7c15 + c;
	a ^= a >> 29;
	if (e < 0)
		a = ~a;
	return a + d;
}

NOINLINE int level3(u64 v) { state.depth = 3; return (v * weights[v & 7]) & 0xffff; }
NOINLINE int level2(u64 v) { return level3(v + 1) + 2; }
NOINLINE int level1(u64 v) { return level2(v ^ 0x55) - 1; }

NOINLINE int sum_header(struct xdp_md *ctx)
{
	u8 *p = pkt(ctx);
	int s = 0;

	if ((void *)(p + 14) > pkt_end(ctx))
		return -1;
	for (int i = 0; i < 14; i++)
		s += p[i];
	return s;
}

SEC("xdp")
int calls(struct xdp_md *ctx)
{
	u32 len = ctx->data_end - ctx->data;
	u8 head[32] = {};
	struct acc a = {};
	u8 *p = pkt(ctx);
	u32 class;
	int s;

	s = sum_header(ctx);
	if ((void *)(p + 14) > pkt_end(ctx))
		return XDP_ABORTED;
	for (int i = 0; i < 14; i++) {
		head[i] = p[i];
		gather(&a, p[i]);
	}
	last_crc = crc8(head, 14);
	class = classify(len);
	OPAQUE(class);
	class &= 3;
	histogram[class]++;
	counters[3 - class] += a.max;
	state.calls++;
	__builtin_memcpy(state.tag, names[class], 8);
	total = mix(total, len, a.sum, last_crc, (int)len - 200);
	special ^= total;
	if ((s16)level1(len) < low)
		low = level1(len);
	if ((s16)level1(total) > high)
		high = level1(total);
	return s == a.sum ? XDP_PASS : XDP_DROP;
}

/* the same subprograms from a second program: separate verification, shared state */
SEC("xdp")
int calls_too(struct xdp_md *ctx)
{
	u32 len = ctx->data_end - ctx->data;

	counters[0] += classify(len);
	total = mix(total, len, 1, 2, level2(total));
	return classify(len) == 2 ? XDP_TX : XDP_PASS;
}
