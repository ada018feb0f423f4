// SPDX-License-Identifier: Apache-2.0
// Programs in pairs, one that the verifier must accept (`fine_*`) and one that it must refuse (`bad_*`), which differ in
// one place. In assembly, so that the compiler changes nothing, or in C with a constant `bad`.
#pragma once
#include "bpf_api.h"

#define ASM(sec, name, text)                                            \
	SEC(sec) __attribute__((naked)) int name(void)                  \
	{                                                               \
		asm volatile(text);                                     \
	}
#define TWINS(sec, name, head, fine, bad, tail)                         \
	ASM(sec, fine_##name, head fine tail)                           \
	ASM(sec, bad_##name, head bad tail)

/* `static INLINE int name(ctx *, int bad)` as two programs */
#define PAIR(sec, ctx_type, name)                                       \
	SEC(sec) int fine_##name(ctx_type *ctx) { return name(ctx, 0); } \
	SEC(sec) int bad_##name(ctx_type *ctx) { return name(ctx, 1); }

#define KFUNC extern __attribute__((section(".ksyms")))
#define KSYM KFUNC const

/* leaves by 9: with 0 */
#define OUT "9: r0 = 0; exit;"
/* r0 = the value of the map's element 0, not null */
#define LOOKUP_AT(at, map)                                              \
	"*(u32 *)(r10 - " at ") = 0; r2 = r10; r2 += -" at "; r1 = " map " ll; call 1; if r0 == 0 goto 9f;"
#define LOOKUP(map) LOOKUP_AT("4", map)
/* of XDP: r2 = data, r3 = data_end */
#define XDP_DATA "r2 = *(u32 *)(r1 + 0); r3 = *(u32 *)(r1 + 4);"
/* the same of __sk_buff */
#define SKB_DATA "r2 = *(u32 *)(r1 + 76); r3 = *(u32 *)(r1 + 80);"

/* 64 bytes that programs may index */
#define BOX_MAP                                                         \
	struct {                                                        \
		MAP_UINT(type, BPF_MAP_TYPE_ARRAY);                     \
		MAP_TYPE(key, (u32)0);                                  \
		MAP_UINT(value_size, 64);                               \
		MAP_UINT(max_entries, 1);                               \
	} box SEC(".maps")
/* r6 = the box, r7 = 8 bytes of it, r8 = 8 more; then a byte at r6 + r7 is read */
#define BOX(name, fine, bad)                                            \
	TWINS("xdp", name,                                              \
	      LOOKUP("box") "r6 = r0; r7 = *(u64 *)(r6 + 0); r8 = *(u64 *)(r6 + 8);", \
	      fine, bad, "r6 += r7; r0 = *(u8 *)(r6 + 0);" OUT)
