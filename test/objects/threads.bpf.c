// SPDX-License-Identifier: Apache-2.0
// Maps that CPUs share, used by all of them at once: each value says who made it and carries a sum of itself, each CPU
// counts what it did, so that afterwards nothing may be missing, doubled or torn.
#include "bpf_api.h"

LICENSE("GPL");

HELPER(long, map_push_elem, 87, void *map, const void *value, u64 flags);
HELPER(long, map_pop_elem, 88, void *map, void *value);
HELPER(long, map_peek_elem, 89, void *map, void *value);
HELPER(long, ringbuf_output, 130, void *ring, void *data, u64 size, u64 flags);
HELPER(void *, ringbuf_reserve, 131, void *ring, u64 size, u64 flags);
HELPER(void, ringbuf_submit, 132, void *data, u64 flags);
HELPER(void, ringbuf_discard, 133, void *data, u64 flags);

#define WORDS 15

struct item {
	u32 cpu;
	u32 n;
	u64 words[WORDS];
	u64 check;
};

struct counts {
	u64 made;
	u64 refused;
	u64 given_up;
	u64 taken;
	u64 torn;
	u64 made_sum;
	u64 taken_sum;
	u64 missed;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_RINGBUF);
	MAP_UINT(max_entries, 8192);
} ring SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_QUEUE);
	MAP_UINT(max_entries, 64);
	MAP_TYPE(value, struct item);
} queue SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_STACK);
	MAP_UINT(max_entries, 64);
	MAP_TYPE(value, struct item);
} stack SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_BLOOM_FILTER);
	MAP_UINT(max_entries, 100000);
	MAP_TYPE(value, u64);
} bloom SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct counts);
} counts SEC(".maps");

INLINE struct counts *own(void)
{
	u32 key = 0;

	return map_lookup(&counts, &key);
}

INLINE u64 mix(u64 x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	return x ^ x >> 29;
}

INLINE void make(struct item *item, u64 n)
{
	u32 cpu = get_smp_processor_id();
	u64 word = mix((u64)cpu << 40 | n), check = 0;

	item->cpu = cpu;
	item->n = n;
	for (int i = 0; i < WORDS; i++) {
		item->words[i] = word;
		check += word;
		word = mix(word);
	}
	item->check = check + n;
}

INLINE int is_whole(const struct item *item)
{
	u64 check = item->n;

	for (int i = 0; i < WORDS; i++)
		check += item->words[i];
	return check == item->check && item->words[0] == mix((u64)item->cpu << 40 | item->n);
}

SEC("xdp") int to_ring(struct xdp_md *ctx)
{
	struct counts *c = own();
	struct item item, *room;

	if (!c)
		return XDP_ABORTED;
	make(&item, c->made + c->refused);
	if (ringbuf_output(&ring, &item, sizeof(item), 0))
		c->refused++;
	else
		c->made++;
	room = ringbuf_reserve(&ring, sizeof(item), 0);
	if (!room) {
		c->refused++;
		return XDP_DROP;
	}
	make(room, c->made + c->refused);
	if (room->words[0] % 7 == 0) {
		c->given_up++;
		ringbuf_discard(room, 0);
	} else {
		c->made++;
		ringbuf_submit(room, 0);
	}
	return XDP_PASS;
}

INLINE int through(void *map)
{
	struct counts *c = own();
	struct item item;

	if (!c)
		return XDP_ABORTED;
	for (int i = 0; i < 2; i++) {
		make(&item, c->made + c->refused);
		if (map_push_elem(map, &item, 0)) {
			c->refused++;
		} else {
			c->made++;
			c->made_sum += item.check;
		}
	}
	for (int i = 0; i < 2; i++) {
		if (map_pop_elem(map, &item))
			break;
		c->taken++;
		c->taken_sum += item.check;
		if (!is_whole(&item))
			c->torn++;
	}
	if (!map_peek_elem(map, &item) && !is_whole(&item))
		c->torn++;
	return XDP_PASS;
}

SEC("xdp") int through_queue(struct xdp_md *ctx)
{
	return through(&queue);
}

SEC("xdp") int through_stack(struct xdp_md *ctx)
{
	return through(&stack);
}

SEC("xdp") int in_bloom(struct xdp_md *ctx)
{
	struct counts *c = own();
	u64 key, half;

	if (!c)
		return XDP_ABORTED;
	key = mix((u64)get_smp_processor_id() << 40 | c->made);
	if (map_push_elem(&bloom, &key, 0))
		c->refused++;
	c->made++;
	half = mix((u64)get_smp_processor_id() << 40 | c->made / 2);
	c->missed += map_peek_elem(&bloom, &key) != 0;
	c->missed += map_peek_elem(&bloom, &half) != 0;
	return XDP_PASS;
}
