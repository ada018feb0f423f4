// SPDX-License-Identifier: Apache-2.0
// Loops over numbers that the program keeps on its stack, may_goto to its limit, regions that need nothing to be done.
#include "kfunc.h"
#include "net.h"

LICENSE("GPL");

#define XDP SEC("xdp") int

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 4096);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u64);
} seen SEC(".maps");

/* what the programs found; volatile, or clang keeps sums in registers that the verifier must then tell apart */
volatile u64 out[8];

INLINE void put(int at, u64 value)
{
	out[at] += value;
}

INLINE void over(int at, int start, int end)
{
	int *i, n = 0, last = -1;
	NUM_ITER(it, start, end);

	while ((i = bpf_iter_num_next(&it))) {
		n++;
		last = *i;
	}
	put(at, (u64)(u32)it_made << 32 ^ (u64)n << 8 ^ (u32)last);
}

/* made, and given up at once */
INLINE void begun(int at, int start, int end)
{
	NUM_ITER(it, start, end);

	put(at, it_made ^ (bpf_iter_num_next(&it) != 0) << 1);
}

/* ends of every kind: empty, the longest, one more, backwards, at both ends of what an int holds */
XDP ranges(struct xdp_md *ctx)
{
	over(0, 0, 10);
	over(1, -5, -5);
	over(2, 3, 2);
	begun(3, 0, 1 << 23);
	over(4, 0, (1 << 23) + 1);
	over(5, -2147483647 - 1, 2147483647);
	over(6, 2147483640, 2147483647);
	over(7, -2147483647 - 1, -2147483640);
	return XDP_PASS;
}

/* asked again after its end */
XDP after_end(struct xdp_md *ctx)
{
	int *i, n = 0;
	NUM_ITER(it, 7, 9);

	while ((i = bpf_iter_num_next(&it)))
		n += *i;
	put(0, n);
	put(1, bpf_iter_num_next(&it) != 0);
	put(2, bpf_iter_num_next(&it) != 0);
	return XDP_PASS;
}

/* a packet's bytes in a loop whose length is the packet's */
XDP sum_bytes(struct xdp_md *ctx)
{
	u32 len = xdp_get_buff_len(ctx), sum = 0;
	int *i;
	NUM_ITER(it, 0, len);

	while ((i = bpf_iter_num_next(&it))) {
		u8 byte = 0;

		if (xdp_load_bytes(ctx, *i, &byte, 1))
			break;
		sum = sum * 31 + byte;
	}
	put(0, sum);
	return XDP_PASS;
}

XDP direct_bytes(struct xdp_md *ctx)
{
	u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	u32 sum = 0;
	int *i;
	NUM_ITER(it, 0, 1500);

	while ((i = bpf_iter_num_next(&it))) {
		u32 at = *i;

		if (at > 1500 || data + at + 1 > end)
			break;
		sum += data[at] ^ at;
	}
	put(0, sum);
	return XDP_PASS;
}

static NOINLINE u32 gcd(u32 a, u32 b)
{
	int *i;
	NUM_ITER(it, 0, 64);

	while ((i = bpf_iter_num_next(&it))) {
		u32 rest;

		if (b == 0)
			break;
		rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

/* one in another's time, and in a function that is called from inside */
XDP nested(struct xdp_md *ctx)
{
	u32 len = xdp_get_buff_len(ctx);
	int *i, *j;
	NUM_ITER(rows, 0, 12);

	while ((i = bpf_iter_num_next(&rows))) {
		NUM_ITER(cols, *i, 12);

		while ((j = bpf_iter_num_next(&cols))) {
			u32 key = gcd(*j * 30, len);
			u64 one = 1, *count = map_lookup(&seen, &key);

			if (count)
				*count += 1;
			else
				map_update(&seen, &key, &one, BPF_ANY);
		}
	}
	return XDP_PASS;
}

XDP regions(struct xdp_md *ctx)
{
	u32 key = xdp_get_buff_len(ctx);
	u64 *count, one = 1;

	bpf_rcu_read_lock();
	count = map_lookup(&seen, &key);
	if (count)
		*count += 1;
	bpf_rcu_read_unlock();
	bpf_preempt_disable();
	if (!count)
		map_update(&seen, &key, &one, BPF_ANY);
	bpf_preempt_disable();
	put(0, key);
	bpf_preempt_enable();
	bpf_preempt_enable();
	return XDP_PASS;
}
