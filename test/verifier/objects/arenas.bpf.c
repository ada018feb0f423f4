// SPDX-License-Identifier: Apache-2.0
// Arenas: memory shared with user space. Casts, arithmetic, accesses, atomics, pages, arguments. `fine_*` are accepted,
// `bad_*` refused.
#include "bpf_api.h"

LICENSE("Dual MIT/GPL");

#define KSYM __attribute__((section(".ksyms")))
#define ARENA __attribute__((address_space(1)))
#define TAG(tag) __attribute__((btf_decl_tag("arg:" tag)))
#define GLOBAL __attribute__((noinline)) int
#define NAKED __attribute__((naked)) int
#define ANY_NODE -1
#define BPF_MAP_TYPE_ARENA 33 /* uapi headers of 6.9 and later have it */

struct bpf_map;
struct bpf_iter_meta { void *seq; };
struct bpf_iter__bpf_map { struct bpf_iter_meta *meta; struct bpf_map *map; };

extern void *bpf_arena_alloc_pages(void *map, void *addr, u32 pages, int node, u64 flags) KSYM;
extern void bpf_arena_free_pages(void *map, void *at, u32 pages) KSYM;

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARENA);
	MAP_UINT(map_flags, BPF_F_MMAPABLE);
	MAP_UINT(max_entries, 10);
	MAP_UINT(map_extra, 0x10000000); /* any address: nothing is mapped there */
} pages SEC(".maps");

struct node { struct node ARENA *next; u64 count; u32 half; s8 small; };

static struct node ARENA *make(void)
{
	return (struct node ARENA *)bpf_arena_alloc_pages(&pages, 0, 1, ANY_NODE, 0);
}

/* pages come and go */
SEC("syscall") int fine_list(void *ctx)
{
	struct node ARENA *a = make();
	struct node ARENA *b = make();

	if (!a || !b)
		return 1;
	a->next = b;
	b->count = 7;
	a->next->count += 1;
	bpf_arena_free_pages(&pages, (void *)a, 1);
	return a->next->count;
}
SEC("tc") int bad_not_sleepable(struct __sk_buff *skb)
{
	return make() != 0;
}
SEC("syscall") int bad_lookup(void *ctx)
{
	u32 key = 0;

	return map_lookup(&pages, &key) != 0;
}

/* a pointer may be computed in any way */
SEC("syscall") int fine_anywhere(u64 *ctx)
{
	struct node ARENA *a = make();
	u64 n = ctx[0];

	a += n;
	OPAQUE(n);
	a = (void ARENA *)((u64)a ^ n);
	a->count = 1;
	return a[-100000].count + *(u32 ARENA *)((void ARENA *)a + 1);
}
SEC("syscall") NAKED fine_arithmetic(void)
{
	asm volatile("r6 = *(u64 *)(r1 + 0)\n r1 = pages ll\n r1 = 5\n r1 = addr_space_cast(r1, 0, 1)\n"
		     "r2 = r1\n r2 *= r6\n w2 <<= w6\n r6 -= r1\n r3 = *(u64 *)(r6 + 3)\n"
		     "r3 = *(u64 *)(r2 + 0)\n r2 = -r2\n r0 = 0\n exit" ::: "memory");
}
SEC("syscall") NAKED bad_negated(void)
{
	asm volatile("r1 = pages ll\n r1 = 5\n r1 = addr_space_cast(r1, 0, 1)\n r1 = -r1\n"
		     "r0 = *(u64 *)(r1 + 0)\n r0 = 0\n exit" ::: "memory");
}
SEC("syscall") NAKED bad_low_half(void)
{
	asm volatile("r1 = pages ll\n r1 = 5\n r1 = addr_space_cast(r1, 0, 1)\n w1 = w1\n"
		     "r0 = *(u64 *)(r1 + 0)\n r0 = 0\n exit" ::: "memory");
}
SEC("syscall") NAKED bad_user_address(void)
{
	asm volatile("r1 = pages ll\n r1 = 5\n r1 = addr_space_cast(r1, 1, 0)\n"
		     "r0 = *(u64 *)(r1 + 0)\n r0 = 0\n exit" ::: "memory");
}
SEC("syscall") NAKED bad_no_arena(void)
{
	asm volatile("r1 = 5\n r1 = addr_space_cast(r1, 0, 1)\n r0 = 0\n exit" ::: "memory");
}
SEC("syscall") NAKED bad_spaces(void)
{
	asm volatile("r1 = pages ll\n r1 = 5\n r1 = addr_space_cast(r1, 0, 2)\n r0 = 0\n exit" ::: "memory");
}
SEC("syscall") NAKED bad_cast_of_nothing(void)
{
	asm volatile("r1 = pages ll\n r1 = addr_space_cast(r7, 0, 1)\n r0 = 0\n exit" ::: "memory");
}

/* spilled, filled, merged */
SEC("syscall") NAKED fine_spilled(void)
{
	asm volatile("r6 = *(u64 *)(r1 + 0)\n r1 = pages ll\n r1 = 5\n r1 = addr_space_cast(r1, 0, 1)\n"
		     "*(u64 *)(r10 - 8) = r1\n if r6 == 7 goto 1f\n r1 += r6\n"
		     "1: r2 = *(u64 *)(r10 - 8)\n *(u64 *)(r2 + 0) = r10\n r0 = *(u8 *)(r1 + 1)\n exit" ::: "memory");
}
SEC("syscall") NAKED bad_two_kinds(void)
{
	asm volatile("r6 = *(u64 *)(r1 + 0)\n r1 = pages ll\n r1 = 5\n *(u64 *)(r10 - 8) = r1\n"
		     "r1 = addr_space_cast(r1, 0, 1)\n if r6 == 7 goto 1f\n r1 = r10\n r1 += -8\n"
		     "1: r2 = *(u64 *)(r1 + 0)\n r0 = 0\n exit" ::: "memory");
}
SEC("syscall") NAKED bad_returned_memory(void)
{
	asm volatile("r1 = pages ll\n r1 = 5\n r1 = addr_space_cast(r1, 0, 1)\n w2 = 8\n r3 = r1\n"
		     "call 113\n r0 = 0\n exit" ::: "memory");
}
SEC("syscall") NAKED fine_as_number(void)
{
	asm volatile("r1 = pages ll\n r1 = 5\n r3 = addr_space_cast(r1, 0, 1)\n w2 = 8\n r1 = r10\n r1 += -8\n"
		     "call 113\n r0 = 0\n exit" ::: "memory");
}

/* atomics: not all have an insn that may fault */
SEC("syscall") int fine_atomics(void *ctx)
{
	struct node ARENA *a = make();

	__sync_fetch_and_add(&a->count, 3);
	__sync_fetch_and_or(&a->half, 3);
	return __sync_fetch_and_add(&a->half, 3) + __sync_val_compare_and_swap(&a->count, 1, 2) +
	       __sync_lock_test_and_set(&a->half, 1);
}
SEC("syscall") u64 bad_fetch_and(void *ctx) { return __sync_fetch_and_and(&make()->count, 3); }
SEC("syscall") u64 bad_fetch_or(void *ctx) { return __sync_fetch_and_or(&make()->half, 3); }
SEC("syscall") u64 bad_fetch_xor(void *ctx) { return __sync_fetch_and_xor(&make()->count, 3); }
SEC("syscall") int fine_signed(void *ctx) { return make()->small; }

/* arguments of global functions */
GLOBAL count_of(struct node ARENA *a TAG("arena")) { return a->count; }
GLOBAL two_tags(struct node ARENA *a TAG("arena") TAG("nonnull")) { return a->count; }
GLOBAL no_tag(struct node ARENA *a) { return a ? a->count : 0; }
SEC("syscall") int fine_arg(void *ctx) { return count_of(make()); }
SEC("syscall") int fine_arg_number(u64 *ctx) { make(); return count_of((struct node ARENA *)ctx[0]); }
SEC("syscall") int bad_arg_ctx(void *ctx)
{
	make();
	return count_of((struct node ARENA *)(u64)ctx);
}
SEC("syscall") int bad_arg_tags(void *ctx) { return two_tags(make()); }
SEC("syscall") int bad_arg_untagged(void *ctx) { return no_tag(make()); }

/* the kernel's own pointer to a map */
SEC("iter.s/bpf_map") int fine_map_of_iter(struct bpf_iter__bpf_map *ctx)
{
	struct bpf_map *map = ctx->map;

	if (map)
		bpf_arena_alloc_pages(map, 0, 1, ANY_NODE, 0);
	return 0;
}
SEC("iter.s/bpf_map") int bad_no_map(struct bpf_iter__bpf_map *ctx)
{
	void *seq = ctx->meta->seq;

	if (ctx->map)
		bpf_arena_alloc_pages(seq, 0, 1, ANY_NODE, 0);
	return 0;
}
SEC("syscall") int bad_map_number(u64 *ctx)
{
	bpf_arena_alloc_pages((void *)(ctx[0] | 1), 0, 1, ANY_NODE, 0);
	return 0;
}
