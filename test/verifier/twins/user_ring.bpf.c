// SPDX-License-Identifier: Apache-2.0
// bpf_user_ringbuf_drain: the callback, the dynptr that is lent to it, what it may leave behind.
#include "twins.h"

LICENSE("GPL");
struct {
	MAP_UINT(type, BPF_MAP_TYPE_USER_RINGBUF);
	MAP_UINT(max_entries, 4096);
} from_user SEC(".maps");
struct {
	MAP_UINT(type, BPF_MAP_TYPE_RINGBUF);
	MAP_UINT(max_entries, 4096);
} to_user SEC(".maps");
BOX_MAP;

HELPER(void *, dynptr_data, 203, const struct bpf_dynptr *p, u32 off, u32 size);
HELPER(long, dynptr_read, 201, void *to, u32 size, const struct bpf_dynptr *p, u32 off, u64 flags);
HELPER(void, ringbuf_discard_dynptr, 200, struct bpf_dynptr *p, u64 flags);
HELPER(long, user_ringbuf_drain, 209, void *map, long (*each)(struct bpf_dynptr *p, void *arg), void *arg, u64 flags);

volatile u64 seen;

/* a pair of callbacks under names of their own, and the two programs that drain with them */
#define DRAINS(name, map, body)                                                          \
	static long fine_each_##name(struct bpf_dynptr *p, void *arg) { const int bad = 0; body } \
	static long bad_each_##name(struct bpf_dynptr *p, void *arg) { const int bad = 1; body }  \
	SEC("raw_tp") int fine_drain_##name(void *ctx)                                   \
	{                                                                                \
		u64 arg = 0;                                                             \
		user_ringbuf_drain(&map, fine_each_##name, &arg, 0);                 \
		seen = arg;                                                              \
		return 0;                                                                \
	}                                                                                \
	SEC("raw_tp") int bad_drain_##name(void *ctx)                                    \
	{                                                                                \
		u64 arg = 0;                                                             \
		user_ringbuf_drain(&map, bad_each_##name, &arg, 0);                  \
		seen = arg;                                                              \
		return 0;                                                                \
	}

/* eight bytes of it, in place */
DRAINS(data, from_user, {
	u8 *d = dynptr_data(p, 0, 8);
	if (d) seen = d[bad ? 8 : 7];
	return 0;
})
/* a copy of them */
DRAINS(read, from_user, {
	u64 copy = 0;
	dynptr_read(bad ? arg + 1 : &copy, 8, p, 0, 0);
	seen = copy;
	return 0;
})
/* 0: go on, 1: enough */
DRAINS(result, from_user, { return bad ? 2 : 1; })
/* the caller's variable */
DRAINS(argument, from_user, {
	*(u64 *)(arg + (bad ? 8 : 0)) += 1;
	return 0;
})
/* lent, not given */
DRAINS(lent, from_user, {
	if (bad) ringbuf_discard_dynptr(p, 0);
	return 0;
})
/* a round of its own within the round */
static long inner(struct bpf_dynptr *p, void *arg)
{
	return 0;
}
DRAINS(nested, from_user, {
	user_ringbuf_drain(bad ? (void *)&to_user : (void *)&from_user, inner, 0, 0);
	return 0;
})
/* not where it says, nor what it is */
DRAINS(moved, from_user, {
	seen = (u64)dynptr_data(bad ? (void *)p + 16 : (void *)p, 0, 4);
	return 0;
})
/* what the rounds count is not known afterwards, what they keep below a bound is */
static long below(struct bpf_dynptr *p, u64 *n)
{
	if (*n < 63) *n += 1;
	return 0;
}
static long unbound(struct bpf_dynptr *p, u64 *n)
{
	*n += 1;
	return 0;
}
INLINE int counted(void *ctx, int bad)
{
	u64 n = 0;
	u32 key = 0;
	u8 *at = map_lookup(&box, &key);

	if (!at) return 0;
	user_ringbuf_drain(&from_user, bad ? (void *)unbound : (void *)below, &n, 0);
	seen = at[n];
	return 0;
}
PAIR("raw_tp", void, counted)
