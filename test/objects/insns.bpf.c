// SPDX-License-Identifier: Apache-2.0
// Instructions that the compiler does not emit by itself, written out: acquire and release, may_goto, long jumps,
// stores of constants, every jump kind in 32 and 64 bits, byte order conversions, exchange with fetch.
#include "net.h"

LICENSE("Dual MIT/GPL");

struct cell { u64 a, b; u32 c, d; u16 e, f; u8 g, h; u8 pad[2]; };

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 2);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct cell);
} cells SEC(".maps");

u64 out[16];

#define ASM(...) asm volatile(__VA_ARGS__)
#define INSN_ACQ64_R0_R1 ".8byte 0x00000100000010db\n" /* r0 = load_acquire((u64 *)(r1 + 0)) */
#define INSN_ACQ32_R0_R1 ".8byte 0x00000100001010c3\n" /* w0 = load_acquire((u32 *)(r1 + 16)) */
#define INSN_ACQ8_R0_R1 ".8byte 0x00000100001810d3\n"  /* w0 = load_acquire((u8 *)(r1 + 24)) */
#define INSN_REL64_R1_R2 ".8byte 0x00000110000821db\n" /* store_release((u64 *)(r1 + 8), r2) */
#define INSN_REL16_R1_R2 ".8byte 0x00000110001821cb\n" /* store_release((u16 *)(r1 + 24), w2) */
#define INSN_MAY_GOTO_2 ".8byte 0x00000000000200e5\n"  /* may_goto +2 */

SEC("xdp")
int acquire_release(struct xdp_md *ctx)
{
	u32 key = 0;
	struct cell *c = map_lookup(&cells, &key);
	u64 len = ctx->data_end - ctx->data, r, s, t;

	if (!c)
		return XDP_ABORTED;
	ASM("r1 = %3\n r2 = %4\n"
	    INSN_REL64_R1_R2 INSN_REL16_R1_R2
	    INSN_ACQ64_R0_R1 "%0 = r0\n" INSN_ACQ32_R0_R1 "%1 = r0\n" INSN_ACQ8_R0_R1 "%2 = r0\n"
	    : "=&r"(r), "=&r"(s), "=&r"(t) : "r"(c), "r"(len) : "r0", "r1", "r2", "memory");
	c->a += len;
	c->c += 3;
	out[0] += r;
	out[1] += s;
	out[2] += t;
	return XDP_PASS;
}

/* a loop that only may_goto bounds; it ends itself long before */
SEC("xdp")
int may_goto_loop(struct xdp_md *ctx)
{
	u64 len = ctx->data_end - ctx->data, n;

	ASM("r1 = 0\n r2 = %1\n"
	    "1:" INSN_MAY_GOTO_2
	    "r1 += 1\n if r1 < r2 goto 1b\n"
	    "%0 = r1" : "=r"(n) : "r"(len) : "r1", "r2");
	out[3] += n;
	return n == len ? XDP_PASS : XDP_DROP;
}

u64 taken[32];

#define JUMP(n, op, a, b) "if " a " " op " " b " goto +1\n goto +2\n r0 = 1\n lock *(u64 *)(r3 + 8 * " #n ") += r0\n"

SEC("xdp")
int jumps(struct xdp_md *ctx)
{
	u8 *p = pkt(ctx);
	u64 x, y;

	if ((void *)(p + 34) > pkt_end(ctx))
		return XDP_PASS;
	__builtin_memcpy(&x, p + 14, 8);
	__builtin_memcpy(&y, p + 26, 8);
	ASM("r1 = %0\n r2 = %1\n r3 = %2\n"
	    JUMP(0, "==", "r1", "r2") JUMP(1, "!=", "r1", "r2") JUMP(2, ">", "r1", "r2")
	    JUMP(3, ">=", "r1", "r2") JUMP(4, "<", "r1", "r2") JUMP(5, "<=", "r1", "r2")
	    JUMP(6, "s>", "r1", "r2") JUMP(7, "s>=", "r1", "r2") JUMP(8, "s<", "r1", "r2")
	    JUMP(9, "s<=", "r1", "r2") JUMP(10, "&", "r1", "r2") JUMP(11, "&", "r1", "0x40")
	    JUMP(12, ">", "w1", "w2") JUMP(13, ">=", "w1", "w2") JUMP(14, "<", "w1", "w2")
	    JUMP(15, "<=", "w1", "w2") JUMP(16, "s>", "w1", "w2") JUMP(17, "s>=", "w1", "w2")
	    JUMP(18, "s<", "w1", "w2") JUMP(19, "s<=", "w1", "w2") JUMP(20, "&", "w1", "w2")
	    JUMP(21, "==", "w1", "w2") JUMP(22, "!=", "w1", "0x45") JUMP(23, "s<", "r1", "-5")
	    JUMP(24, ">", "r2", "-1000") JUMP(25, "s>", "w2", "-1000") JUMP(26, "<", "w1", "0x7fffffff")
	    : : "r"(x), "r"(y), "r"(taken) : "r0", "r1", "r2", "r3", "memory");
	return XDP_PASS;
}

SEC("xdp")
int orders(struct xdp_md *ctx)
{
	u8 *p = pkt(ctx);
	u64 x, r;

	if ((void *)(p + 34) > pkt_end(ctx))
		return XDP_PASS;
	__builtin_memcpy(&x, p + 20, 8);
	ASM("r1 = %1\n r1 = be16 r1\n r2 = %1\n r2 = be32 r2\n r3 = %1\n r3 = be64 r3\n r4 = %1\n r4 = le16 r4\n"
	    "r5 = %1\n r5 = le32 r5\n r1 += r2\n r1 ^= r3\n r1 += r4\n r1 ^= r5\n r5 = %1\n r5 = le64 r5\n r1 += r5\n"
	    "%0 = r1" : "=r"(r) : "r"(x) : "r1", "r2", "r3", "r4", "r5");
	out[6] = out[6] * 31 + r;
#if __BPF_CPU_VERSION__ >= 4
	ASM("r1 = %1\n r1 = bswap16 r1\n r2 = %1\n r2 = bswap32 r2\n r3 = %1\n r3 = bswap64 r3\n r1 += r2\n r1 ^= r3\n"
	    "r2 = (s8)%1\n r1 += r2\n r2 = (s16)%1\n r1 ^= r2\n r2 = (s32)%1\n r1 += r2\n"
	    "r3 = %1\n w2 = (s8)w3\n r1 ^= r2\n w2 = (s16)w3\n r1 += r2\n"
	    "if r1 == 0 goto 2f\n gotol 1f\n 2: r1 = 5\n 1: %0 = r1" : "=r"(r) : "r"(x) : "r1", "r2", "r3");
	out[7] = out[7] * 31 + r;
#endif
	return XDP_PASS;
}

SEC("xdp")
int stores(struct xdp_md *ctx)
{
	u32 key = 1;
	struct cell *c = map_lookup(&cells, &key);
	u64 len = ctx->data_end - ctx->data, r;

	if (!c)
		return XDP_ABORTED;
	ASM("r1 = %1\n r2 = %2\n r3 = r2\n"
	    ".8byte 0x000000050018016a\n" /* *(u16 *)(r1 + 24) = 5 */
	    ".8byte 0xfffffffe001a0172\n" /* *(u8 *)(r1 + 26) = -2 */
	    "lock *(u64 *)(r1 + 0) += r2\n"
	    "r3 = atomic_fetch_add((u64 *)(r1 + 8), r3)\n"
	    "w2 = atomic_fetch_xor((u32 *)(r1 + 16), w2)\n"
	    "r2 += r3\n"
	    "w3 = xchg32_32(r1 + 20, w3)\n"
	    "r0 = 7\n w0 = cmpxchg32_32(r1 + 20, w0, w2)\n"
	    "r2 += r0\n"
	    "%0 = r2" : "=r"(r) : "r"(c), "r"(len) : "r0", "r1", "r2", "r3", "memory");
	out[8] += r;
	return XDP_PASS;
}
