// SPDX-License-Identifier: Apache-2.0
// Programs that throw: from themselves, from functions below them, past loops, out of a program that was jumped to; with
// a function that catches and without one.
#include "kfunc.h"
#include "net.h"

LICENSE("GPL");

#define TC SEC("tc") int

/* how far programs came */
volatile u64 out[8];

NOINLINE int catch_it(u64 cookie)
{
	out[7] += cookie;
	return (int)cookie + 100;
}

static NOINLINE int deep(u32 len)
{
	out[0]++;
	if (len > 100)
		bpf_throw(len);
	out[1]++;
	return len + 1;
}

static NOINLINE int middle(u32 len)
{
	int found = deep(len) + deep(len / 2);

	out[2]++;
	return found;
}

NOINLINE int global_deep(u32 len)
{
	out[3]++;
	if (len & 1)
		bpf_throw((u64)len << 32 | 7);
	return len;
}

TC plain(struct __sk_buff *skb)
{
	if (skb->len > 64)
		bpf_throw(0x100000003);
	return 9;
}

TC below(struct __sk_buff *skb)
{
	return middle(skb->len) + 1;
}

TC CATCH(catch_it) caught(struct __sk_buff *skb)
{
	u64 kept = skb->len;
	int found = middle(skb->len);

	out[4] += kept;
	return found;
}

TC CATCH(catch_it) caught_here(struct __sk_buff *skb)
{
	bpf_throw(skb->len);
	return 0;
}

TC CATCH(catch_it) from_global(struct __sk_buff *skb)
{
	return global_deep(skb->len);
}

TC CATCH(catch_it) from_loop(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	int *i, sum = 0;

	bpf_iter_num_new(&it, 0, 300);
	while ((i = bpf_iter_num_next(&it)))
		sum += *i;
	bpf_iter_num_destroy(&it);
	out[5] += sum;
	if ((u32)sum > skb->len)
		bpf_throw(sum);
	return 3;
}

SEC("xdp") int CATCH(catch_it) xdp_caught(struct xdp_md *ctx)
{
	return middle(ctx->data_end - ctx->data) & 3;
}

SEC("xdp") int xdp_plain(struct xdp_md *ctx)
{
	return middle(ctx->data_end - ctx->data) & 3;
}
