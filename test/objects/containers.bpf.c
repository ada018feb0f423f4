// SPDX-License-Identifier: Apache-2.0
// Containers without keys: queue, stack, bloom filter; values of another CPU; ring buffers filled until they are full.
#include "net.h"

LICENSE("GPL");

HELPER(long, map_push, 87, void *map, const void *value, u64 flags);
HELPER(long, map_pop, 88, void *map, void *value);
HELPER(long, map_peek, 89, void *map, void *value);
HELPER(long, ringbuf_output, 130, void *ring, void *data, u64 size, u64 flags);
HELPER(u64, ringbuf_query, 134, void *ring, u64 what);
HELPER(void *, map_lookup_cpu, 195, void *map, const void *key, u32 cpu);

struct item { u32 len; u16 type; u16 n; };

#define KEYLESS(name, kind, entries) \
	struct { MAP_UINT(type, kind); MAP_UINT(max_entries, entries); MAP_TYPE(value, struct item); } name SEC(".maps")

KEYLESS(queue, BPF_MAP_TYPE_QUEUE, 7);
KEYLESS(stack, BPF_MAP_TYPE_STACK, 7);
KEYLESS(seen, BPF_MAP_TYPE_BLOOM_FILTER, 1000);

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, 2);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u64);
} percpu_array SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_HASH);
	MAP_UINT(max_entries, 64);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u64);
} percpu_hash SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	MAP_UINT(max_entries, 4096);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u64);
} percpu_lru SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_RINGBUF);
	MAP_UINT(max_entries, 4096);
} ring SEC(".maps");

u32 packets;
s64 results[16];

/* each packet does one thing to both; what every call gave is kept */
INLINE void turn(void *map, struct item *item, s64 *out)
{
	struct item got = { 1, 2, 3 };

	switch (packets % 8) {
	case 0: case 1: case 2: out[0] = map_push(map, item, BPF_ANY); break;
	case 3: out[1] = map_push(map, item, BPF_EXIST); break;
	case 4: out[2] = map_pop(map, &got); break;
	case 5: out[3] = map_peek(map, &got); break;
	case 6: out[4] = map_push(map, item, packets & 8 ? BPF_NOEXIST : 4); break;
	default: out[0] = map_push(map, item, BPF_ANY);
	}
	out[5] = (s64)got.len << 32 | (u32)got.type << 16 | got.n;
}

SEC("xdp")
int containers(struct xdp_md *ctx)
{
	struct eth *eth = pkt(ctx);
	struct item item = {};

	if (!FITS(eth, pkt_end(ctx)))
		return XDP_DROP;
	item.len = ctx->data_end - ctx->data;
	item.type = eth->type;
	item.n = packets;
	turn(&queue, &item, results);
	turn(&stack, &item, results + 6);
	packets++;
	return (results[5] ^ results[11]) & 3;
}

/* what was pushed is found; nothing is said of what was not */
SEC("xdp")
int bloom(struct xdp_md *ctx)
{
	struct item item = { ctx->data_end - ctx->data, 0, 0 };

	packets++;
	results[0] = map_push(&seen, &item, BPF_ANY);
	results[1] = map_peek(&seen, &item);
	results[2] = map_push(&seen, &item, BPF_EXIST);
	return results[0] || results[1] ? XDP_ABORTED : XDP_PASS;
}

INLINE void values_of_cpus(void *map, u32 key, s64 *out)
{
	u64 one = 1, *own = map_lookup_cpu(map, &key, 0), *none = map_lookup_cpu(map, &key, 1 << 20);

	if (own)
		*own += 3;
	else
		out[0] = map_update(map, &key, &one, BPF_NOEXIST);
	out[1] += !!own;
	out[2] += !!none;
}

SEC("xdp")
int other_cpu(struct xdp_md *ctx)
{
	u32 len = ctx->data_end - ctx->data;

	packets++;
	values_of_cpus(&percpu_array, packets & 3, results);
	values_of_cpus(&percpu_hash, len & 127, results + 3);
	values_of_cpus(&percpu_lru, len & 1023, results + 6);
	return XDP_PASS;
}

struct record { u32 n; u32 len; u8 bytes[248]; };

/* records of many lengths, sometimes more than there is room for */
SEC("xdp")
int ring_output(struct xdp_md *ctx)
{
	struct record rec = {};
	u32 len = ctx->data_end - ctx->data;
	u32 i, many = packets % 16 == 15 ? 40 : 2;

	rec.n = packets++;
	rec.len = len;
	for (i = 0; i < many; i++) {
		u64 size = (len + 37 * i) & 255;

		rec.bytes[0] = i;
		results[i & 7] = ringbuf_output(&ring, &rec, size, i & 3);
	}
	results[8] = ringbuf_output(&ring, &rec, 8, 4);
	results[9] = ringbuf_output(&ring, &rec, 8, 1ULL << 32);
	results[10] = ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
	results[11] = ringbuf_query(&ring, BPF_RB_RING_SIZE);
	results[12] = ringbuf_query(&ring, BPF_RB_CONS_POS);
	results[13] = ringbuf_query(&ring, BPF_RB_PROD_POS);
	results[14] = ringbuf_query(&ring, 4);
	return results[0] ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int bad_lookup_queue(struct xdp_md *ctx)
{
	u32 key = 0;

	return map_lookup(&queue, &key) ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int bad_pop_bloom(struct xdp_md *ctx)
{
	struct item item;

	return map_pop(&seen, &item);
}

SEC("xdp")
int bad_cpu_of_hash(struct xdp_md *ctx)
{
	u32 key = 0;

	return map_lookup_cpu(&queue, &key, 0) ? XDP_PASS : XDP_DROP;
}
