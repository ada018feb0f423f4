// SPDX-License-Identifier: Apache-2.0
// Ring buffer records that are written in place: reserved, filled, sent or given up, several at once, more than fit.
#include "net.h"

LICENSE("GPL");

HELPER(void *, ringbuf_reserve, 131, void *ring, u64 size, u64 flags);
HELPER(void, ringbuf_submit, 132, void *data, u64 flags);
HELPER(void, ringbuf_discard, 133, void *data, u64 flags);
HELPER(u64, ringbuf_query, 134, void *ring, u64 what);

struct event { u32 n; u32 len; u8 mac[12]; u16 type; u16 zero; };

struct {
	MAP_UINT(type, BPF_MAP_TYPE_RINGBUF);
	MAP_UINT(max_entries, 4096);
} ring SEC(".maps");

u32 packets, full;
u64 positions[4];

/* an event for every fourth packet, given up for every fifth of them */
SEC("xdp")
int reserve(struct xdp_md *ctx)
{
	struct eth *eth = pkt(ctx);
	struct event *e;

	if (packets++ % 4 || !FITS(eth, pkt_end(ctx)))
		return XDP_DROP;
	e = ringbuf_reserve(&ring, sizeof(*e), 0);
	if (!e) {
		full++;
		return XDP_DROP;
	}
	e->n = packets;
	e->len = ctx->data_end - ctx->data;
	__builtin_memcpy(e->mac, eth, 12);
	e->type = eth->type;
	e->zero = 0;
	if (packets % 5 == 0)
		ringbuf_discard(e, BPF_RB_FORCE_WAKEUP);
	else
		ringbuf_submit(e, packets & 8 ? BPF_RB_NO_WAKEUP : 0);
	return XDP_PASS;
}

/* two at once, committed the other way round; large ones until there is no room */
SEC("xdp")
int nested(struct xdp_md *ctx)
{
	u64 *a, *b;
	int i;

	if (packets++ % 16)
		return XDP_PASS;
	a = ringbuf_reserve(&ring, 16, 0);
	if (!a)
		return XDP_DROP;
	a[0] = packets;
	a[1] = 1;
	b = ringbuf_reserve(&ring, 24, 0);
	if (b) {
		b[0] = packets;
		b[1] = 2;
		b[2] = 3;
		ringbuf_submit(b, 0);
	}
	for (i = 0; i < 10; i++) {
		u64 *c = ringbuf_reserve(&ring, 512, 0);

		if (!c) {
			full++;
			continue;
		}
		__builtin_memset(c, i, 512);
		if (i & 1)
			ringbuf_submit(c, 0);
		else
			ringbuf_discard(c, 0);
	}
	for (i = 0; i < 4; i++)
		positions[i] = ringbuf_query(&ring, i);
	if (packets % 3)
		ringbuf_submit(a, 0);
	else
		ringbuf_discard(a, 0);
	return XDP_PASS;
}

SEC("xdp")
int bad_leak(struct xdp_md *ctx)
{
	u64 *a = ringbuf_reserve(&ring, 8, 0);

	return a ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int bad_after_submit(struct xdp_md *ctx)
{
	u64 *a = ringbuf_reserve(&ring, 8, 0);

	if (!a)
		return XDP_DROP;
	ringbuf_submit(a, 0);
	return *a;
}

SEC("xdp")
int bad_too_far(struct xdp_md *ctx)
{
	u8 *a = ringbuf_reserve(&ring, 8, 0);

	if (!a)
		return XDP_DROP;
	a[8] = 1;
	ringbuf_submit(a, 0);
	return XDP_PASS;
}
