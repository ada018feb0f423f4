// SPDX-License-Identifier: Apache-2.0
// Sampler: every Nth packet goes to a perf buffer with a header and its first bytes, and carries metadata in
// front of it. Lengths sent are 4, 12, 20 … so that no record is padded.
#include "net.h"

LICENSE("Dual MIT/GPL");

struct sample { u32 seq; u32 len; u32 ifindex; u16 queue, type; u32 kept; };
struct mark { u32 magic; u32 seq; };

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	MAP_UINT(max_entries, 16);
	MAP_UINT(key_size, 4);
	MAP_UINT(value_size, 4);
} samples SEC(".maps");

volatile const u32 one_in = 3;
volatile const u32 snap = 64;
u32 seq, sampled, marked, meta_refused;
s64 last_error;

SEC("xdp")
int sampler(struct xdp_md *ctx)
{
	void *end = pkt_end(ctx);
	struct eth *eth = pkt(ctx);
	struct sample s = {};
	struct mark *m;
	u32 n = ++seq;
	u64 keep;
	s64 err;

	if (!FITS(eth, end) || !one_in || n % one_in)
		return XDP_PASS;
	s.seq = n;
	s.len = end - (void *)eth;
	s.ifindex = ctx->ingress_ifindex;
	s.queue = ctx->rx_queue_index;
	s.type = BE16(eth->type);
	keep = (s.len > snap ? snap : s.len) & ~7u;
	s.kept = keep;
	err = perf_event_output(ctx, &samples, keep << 32 | BPF_F_CURRENT_CPU, &s, sizeof(s));
	if (err)
		last_error = err;
	else
		sampled++;
	if (xdp_adjust_meta(ctx, -(int)sizeof(*m))) {
		meta_refused++;
		return XDP_PASS;
	}
	m = (void *)(long)ctx->data_meta;
	if ((void *)(m + 1) > pkt(ctx))
		return XDP_ABORTED;
	m->magic = 0x736f6674;
	m->seq = n;
	marked++;
	return XDP_PASS;
}

/* every error of the helper, and two records for one packet */
SEC("xdp")
int sampler_errors(struct xdp_md *ctx)
{
	u64 len = ctx->data_end - ctx->data;
	struct { u32 a; u64 b[2]; } __attribute__((packed)) rec = { len, { ++seq, 0x1122334455667788 } };

	switch (seq % 8) {
	case 0: last_error = perf_event_output(ctx, &samples, 16, &rec, sizeof(rec)); break;
	case 1: last_error = perf_event_output(ctx, &samples, (len + 1) << 32 | BPF_F_CURRENT_CPU, &rec, sizeof(rec)); break;
	case 2: last_error = perf_event_output(ctx, &samples, 1ULL << 52, &rec, sizeof(rec)); break;
	case 3: last_error = perf_event_output(ctx, &samples, 15, &rec, sizeof(rec)); break;
	case 4: last_error = perf_event_output(ctx, &samples, 0, &rec, sizeof(rec)); break;
	default:
		last_error = perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU, &rec, 12);
		last_error |= perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU, &rec, 4);
		sampled += 2;
	}
	return -last_error & 0xff;
}
