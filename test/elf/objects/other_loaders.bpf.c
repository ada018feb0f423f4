// SPDX-License-Identifier: Apache-2.0
// What loaders other than libbpf 1.x take: sections known by their beginning, a perf event array without sizes.
#define SEC(name) __attribute__((section(name), used))

struct { int (*type)[4]; } events SEC(".maps");

static long (*const perf_event_output)(void *, void *, unsigned long long, void *, unsigned long long) = (void *)25;

SEC("xdp/firewall") int by_slash(void *ctx)
{
	unsigned int n = 7;
	return perf_event_output(ctx, &events, 0xffffffff, &n, sizeof(n)) ? 0 : 2;
}
SEC("classifier_in") int by_word(void *ctx) { return 0; }
SEC("ingress") int by_nothing(void *ctx) { return 0; }
char _license[] SEC("license") = "Dual MIT/GPL";
