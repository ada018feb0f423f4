// SPDX-License-Identifier: Apache-2.0
// Arithmetic over packet bytes: division and modulo also by zero, shifts by register, sign extension, byte swaps,
// 32-bit wrap, 64-bit compare; signed division and the rest of -mcpu=v4 where the compiler has it; atomics.
#include "net.h"

LICENSE("Dual MIT/GPL");

u64 acc[16];
s64 sacc[8];
u64 a64;
u32 a32;

#if __BPF_CPU_VERSION__ >= 4
#define SDIV(a, b) ((a) / (b))
#define SMOD(a, b) ((a) % (b))
#else
#define SDIV(a, b) ((s64)((u64)(a) / (u64)(b)))
#define SMOD(a, b) ((s64)((u64)(a) % (u64)(b)))
#endif

INLINE u64 rd(const u8 *p, int off) { u64 v; __builtin_memcpy(&v, p + off, 8); return v; }

SEC("xdp")
int alu(struct xdp_md *ctx)
{
	u8 *p = pkt(ctx);
	u64 x, y, z;
	u32 w, v;

	if ((void *)(p + 54) > pkt_end(ctx))
		return XDP_PASS;
	x = rd(p, 14);
	y = rd(p, 26);
	z = rd(p, 6) ^ rd(p, 38);
	w = x;
	v = y >> 17;
	acc[0] += x / (y & 0xffff);	/* by zero gives zero */
	acc[1] += x % (z & 7);		/* by zero leaves the dividend */
	acc[2] ^= (x << (y & 63)) ^ (z >> (w & 63)) ^ ((s64)z >> (v & 63));
	acc[3] += (w << (v & 31)) + (v >> (w & 31)) + ((s32)w >> (v & 31));
	acc[4] += w / (v & 3);
	acc[5] ^= w % (v & 0xff);
	acc[6] += __builtin_bswap64(x) ^ __builtin_bswap32(w) ^ __builtin_bswap16(v);
	acc[7] += (u64)(w * v) + (u64)w * v;
	acc[8] += (x > y) + 2 * ((s64)x > (s64)z) + 4 * (w < v) + 8 * ((s32)w < (s32)v) + 16 * !(x & y & z);
	acc[9] ^= -x + ~y;
	sacc[0] += (s8)x + (s16)y + (s32)z;
	sacc[1] += (s64)(s8)p[20] * (s16)w;
	sacc[2] += SDIV((s64)x, (s64)(s16)y);
	sacc[3] ^= SMOD((s64)x, (s64)(s8)z);
	sacc[4] += (s32)SDIV((s32)w, (s32)(s8)v);
	sacc[5] ^= (s32)SMOD((s32)w, (s32)(s16)z);
	sacc[6] += *(s8 *)(p + 22) + *(s16 *)(p + 24) + (s64)*(s32 *)(p + 34);
	return acc[8] & 1 ? XDP_PASS : XDP_TX;
}

/* operands at their edges, from the packet's bytes as indices */
SEC("xdp")
int edges(struct xdp_md *ctx)
{
	static const u64 vals[16] = { 0, 1, 2, 7, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
				      0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff };
	u8 *p = pkt(ctx);
	u64 a, b;

	if ((void *)(p + 34) > pkt_end(ctx))
		return XDP_PASS;
	for (int i = 14; i < 34; i++) {
		a = vals[p[i] & 15];
		b = vals[p[i] >> 4];
		OPAQUE(a);
		OPAQUE(b);
		acc[10] = acc[10] * 31 + a / b + (a % b) * 3;
		acc[11] = acc[11] * 31 + (u32)a / (u32)b + (u64)((u32)a % (u32)b) * 5;
		acc[12] = acc[12] * 31 + (u64)SDIV((s64)a, (s64)b) + (u64)SMOD((s64)a, (s64)b);
		acc[13] = acc[13] * 31 + (u32)SDIV((s32)a, (s32)b) + (u64)(u32)SMOD((s32)a, (s32)b);
		acc[14] = acc[14] * 31 + (a < b) + 2 * ((s64)a < (s64)b) + 4 * ((u32)a <= (u32)b) + 8 * ((s32)a >= (s32)b);
		acc[15] = acc[15] * 31 + (a * b) + (u32)((u32)a * (u32)b);
		sacc[7] = sacc[7] * 31 + (s8)a + (s16)b + (s64)(s32)a;
	}
	return XDP_PASS;
}

struct cell { u64 add, or, and, xor, xchg, cas; u32 add32, cas32, xchg32, or32; };

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 4);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct cell);
} cells SEC(".maps");

SEC("xdp")
int atomics(struct xdp_md *ctx)
{
	u8 *p = pkt(ctx);
	u64 x, old = 0;
	u32 key, w;
	struct cell *c;

	if ((void *)(p + 34) > pkt_end(ctx))
		return XDP_PASS;
	x = rd(p, 24);
	w = x >> 13;
	key = x & 3;
	c = map_lookup(&cells, &key);
	if (!c)
		return XDP_ABORTED;
	__sync_fetch_and_add(&c->add, x);
	__sync_fetch_and_or(&c->or, x);
	__sync_fetch_and_and(&c->and, x | 0xff);
	__sync_fetch_and_xor(&c->xor, x);
	old += __sync_fetch_and_add(&c->add, 3);
	old ^= __sync_fetch_and_or(&c->or, 1ull << (x & 63));
	old ^= __sync_fetch_and_and(&c->and, ~(1ull << (w & 63)));
	old ^= __sync_fetch_and_xor(&c->xor, 0x8000000000000001);
	old += __sync_lock_test_and_set(&c->xchg, x);
	old += __sync_val_compare_and_swap(&c->cas, c->cas, x);
	old += __sync_val_compare_and_swap(&c->cas, 12345, ~x); /* fails */
	old += __sync_fetch_and_add(&c->add32, w);
	old += __sync_val_compare_and_swap(&c->cas32, c->cas32, w);
	old += __sync_val_compare_and_swap(&c->cas32, w + 1, 7); /* fails */
	old += __sync_lock_test_and_set(&c->xchg32, w);
	old += __sync_fetch_and_or(&c->or32, w & 0xf0f0f0f0);
	__sync_fetch_and_add(&a64, old);
	a32 ^= __sync_fetch_and_add(&a32, (u32)old);
	return old & 1 ? XDP_PASS : XDP_TX;
}
