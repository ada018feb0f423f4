// SPDX-License-Identifier: Apache-2.0
// What loaders other than libbpf 1.x take: sections known by their beginning, a perf event array without sizes,
// a ring buffer whose records have a type. A section with the mangled name of a function.
#define SEC(name) __attribute__((section(name), used))

struct { int (*type)[4]; } events SEC(".maps");

struct record { unsigned int n[3]; };
struct { int (*type)[27]; int (*max_entries)[4096]; struct record *value; } ring SEC(".maps");
struct { int (*type)[4]; struct record *value; } typed_events SEC(".maps");

static long (*const ringbuf_output)(void *, void *, unsigned long long, unsigned long long) = (void *)130;
static long (*const perf_event_output)(void *, void *, unsigned long long, void *, unsigned long long) = (void *)25;

SEC("xdp/firewall") int by_slash(void *ctx)
{
	unsigned int n = 7;
	return perf_event_output(ctx, &events, 0xffffffff, &n, sizeof(n)) ? 0 : 2;
}
SEC("classifier_in") int by_word(void *ctx) { return 0; }
SEC("xdp/typed") int typed(void *ctx)
{
	struct record r = { { 1, 2, 3 } };
	perf_event_output(ctx, &typed_events, 0xffffffff, &r, sizeof(r));
	return ringbuf_output(&ring, &r, sizeof(r), 0) ? 0 : 2;
}
#define TEN(x) x x x x x x x x x x
SEC("uprobe//bin/true:_ZN" TEN(TEN("8template"))) int by_long_name(void *ctx) { return 0; }
SEC("ingress") int by_nothing(void *ctx) { return 0; }
char _license[] SEC("license") = "Dual MIT/GPL";
