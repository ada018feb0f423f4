// SPDX-License-Identifier: Apache-2.0
// Counters sampled at a steady pace: a timer that re-arms itself takes a snapshot every period, and the next packet
// carries it into the perf buffer (bpf_perf_event_output needs a packet's context, which a callback has not).
//
//   softirq run examples/xdp_sample.o examples/demo.pcap --maps - --set period_ns=100000000
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual MIT/GPL";

#define CLOCK_MONOTONIC 1

struct sample { __u64 at_ns, packets, bytes; __u32 number; };
struct sampler { struct bpf_timer tick; struct sample now, snapshot; __u32 started, waiting; };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sampler);
} samplers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
	__uint(max_entries, 64);
} samples SEC(".maps");

volatile const __u64 period_ns = 1000000000ull;
__u64 skipped;

static int on_tick(void *map, __u32 *key, struct sampler *s)
{
	if (s->waiting)
		skipped++; /* no packet came for a whole period: the newer snapshot takes its place */
	s->now.number++;
	s->now.at_ns = bpf_ktime_get_ns();
	s->snapshot = s->now;
	s->waiting = 1;
	bpf_timer_start(&s->tick, period_ns, 0);
	return 0;
}

static __always_inline void start(struct sampler *s)
{
	s->started = 1;
	bpf_timer_init(&s->tick, &samplers, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&s->tick, on_tick);
	bpf_timer_start(&s->tick, period_ns, 0);
}

SEC("xdp")
int sample(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct sampler *s = bpf_map_lookup_elem(&samplers, &zero);
	struct sample out;

	if (!s)
		return XDP_PASS;
	if (!s->started)
		start(s);
	s->now.packets++;
	s->now.bytes += ctx->data_end - ctx->data;
	if (s->waiting) {
		s->waiting = 0;
		out = s->snapshot;
		bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU, &out, sizeof(out));
	}
	return XDP_PASS;
}
