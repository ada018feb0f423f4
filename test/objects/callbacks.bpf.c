// SPDX-License-Identifier: Apache-2.0
// Callbacks that run within the call: bpf_loop and bpf_for_each_map_elem on every kind of map, nested, ended early,
// with the caller's stack as context; and maps found in other maps.
#include "timer.h"

LICENSE("Dual MIT/GPL");

#define CALLBACK static int __attribute__((noinline))
#define XDP SEC("xdp") int

#define MAP(name, kind, n)                        \
	struct {                                  \
		MAP_UINT(type, BPF_MAP_TYPE_##kind); \
		MAP_UINT(max_entries, n);         \
		MAP_TYPE(key, u32);               \
		MAP_TYPE(value, u64);             \
	} name SEC(".maps")

MAP(array, ARRAY, 5);
MAP(hash, HASH, 16);
MAP(lru, LRU_HASH, 64);
MAP(cpu_array, PERCPU_ARRAY, 6);
MAP(cpu_hash, PERCPU_HASH, 16);

struct inner_hash {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 8);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u64);
} first SEC(".maps"), second SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	MAP_UINT(max_entries, 3);
	MAP_TYPE(key, u32);
	MAP_INNER(values, struct inner_hash);
} by_index SEC(".maps") = { .values = { [0] = (void *)&first, [2] = (void *)&second } };

struct inner_array {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 4);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u64);
} slots SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	MAP_UINT(max_entries, 4);
	MAP_TYPE(key, u32);
	MAP_INNER(values, struct inner_array);
} by_key SEC(".maps") = { .values = { [1] = (void *)&slots } };

/* what the programs found */
u64 out[8];

struct sums {
	u64 count;
	u64 keys;
	u64 values;
	u64 stop;
};

CALLBACK add_elem(void *map, u32 *key, u64 *val, struct sums *s)
{
	s->count++;
	s->keys += *key;
	s->values += *val;
	return s->values > s->stop;
}

CALLBACK double_elem(void *map, u32 *key, u64 *val, void *ctx)
{
	*val *= 2;
	return 0;
}

CALLBACK drop_odd(void *map, u32 *key, u64 *val, void *ctx)
{
	if (*val & 1)
		map_delete(map, key);
	return 0;
}

INLINE void put(void *map, u32 key, u64 value)
{
	map_update(map, &key, &value, 0);
}

INLINE void fill(void *map, u32 n)
{
#define PUT(i) if (n > i) put(map, i, 100 + i * i)
	PUT(0);
	PUT(1);
	PUT(2);
	PUT(3);
	PUT(4);
	PUT(5);
	PUT(6);
	PUT(7);
	PUT(8);
}

INLINE int each(void *map, u64 stop)
{
	struct sums s = { .stop = stop };
	long n;

	for_each_map_elem(map, double_elem, (void *)0, 0);
	n = for_each_map_elem(map, add_elem, &s, 0);
	out[0] = n;
	out[1] = s.count;
	out[2] = s.keys;
	out[3] = s.values;
	out[4] = for_each_map_elem(map, add_elem, &s, 1);
	return n;
}

XDP each_array(struct xdp_md *ctx)
{
	fill(&array, 5);
	return each(&array, -1ull);
}

XDP each_hash(struct xdp_md *ctx)
{
	fill(&hash, 9);
	return each(&hash, -1ull);
}

XDP each_lru(struct xdp_md *ctx)
{
	fill(&lru, 7);
	return each(&lru, -1ull);
}

XDP each_cpu_array(struct xdp_md *ctx)
{
	fill(&cpu_array, 4);
	return each(&cpu_array, -1ull);
}

XDP each_cpu_hash(struct xdp_md *ctx)
{
	fill(&cpu_hash, 8);
	return each(&cpu_hash, -1ull);
}

XDP each_empty(struct xdp_md *ctx)
{
	return each(&hash, -1ull);
}

XDP each_stops(struct xdp_md *ctx)
{
	fill(&array, 5);
	return each(&array, 500);
}

XDP each_deletes(struct xdp_md *ctx)
{
	fill(&hash, 9);
	out[5] = for_each_map_elem(&hash, drop_odd, (void *)0, 0);
	return each(&hash, -1ull);
}

/* the map is not the same on every path */
XDP each_either(struct xdp_md *ctx)
{
	void *map = &hash;

	fill(&hash, 3);
	fill(&array, 5);
	if (get_smp_processor_id() == 0)
		map = &array;
	asm volatile("" : "+r"(map));
	return each(map, -1ull);
}

CALLBACK square(u32 i, struct sums *s)
{
	s->count++;
	s->values += (u64)i * i;
	return s->values > s->stop;
}

CALLBACK outer_loop(u32 i, struct sums *s)
{
	struct sums own = { .stop = 1000 };

	s->count += bpf_loop(i, square, &own, 0);
	s->values += own.values;
	return 0;
}

XDP loop_sum(struct xdp_md *ctx)
{
	struct sums s = { .stop = -1ull };

	out[0] = bpf_loop(100, square, &s, 0);
	out[1] = s.count;
	out[2] = s.values;
	return out[0];
}

XDP loop_stops(struct xdp_md *ctx)
{
	struct sums s = { .stop = 50 };

	out[0] = bpf_loop(100, square, &s, 0);
	out[1] = s.count;
	out[2] = bpf_loop(1 << 23, square, &s, 0);
	out[3] = bpf_loop((1 << 23) + 1, square, &s, 0);
	out[4] = bpf_loop(1, square, &s, 1);
	out[5] = bpf_loop(0, square, &s, 0);
	return out[0];
}

XDP loop_nested(struct xdp_md *ctx)
{
	struct sums s = {};

	out[0] = bpf_loop(10, outer_loop, &s, 0);
	out[1] = s.count;
	out[2] = s.values;
	return out[0];
}

CALLBACK add_one(u32 i, struct sums *s)
{
	s->count += 1;
	return 0;
}

CALLBACK add_two(u32 i, struct sums *s)
{
	s->count += 2;
	return 0;
}

/* the callback is not the same on every path */
XDP loop_either(struct xdp_md *ctx)
{
	struct sums s = {};
	void *callback = add_one;

	if (get_smp_processor_id() == 0)
		callback = add_two;
	asm volatile("" : "+r"(callback));
	out[0] = bpf_loop(7, callback, &s, 0);
	out[1] = s.count;
	return out[1];
}

/* an elem callback that loops, on the stack of the program */
CALLBACK loops_each(void *map, u32 *key, u64 *val, struct sums *s)
{
	bpf_loop(*key, add_two, s, 0);
	return 0;
}

XDP loop_in_each(struct xdp_md *ctx)
{
	struct sums s = {};

	fill(&array, 5);
	out[0] = for_each_map_elem(&array, loops_each, &s, 0);
	out[1] = s.count;
	return out[1];
}

XDP inner_lookup(struct xdp_md *ctx)
{
	u32 index = 0, other = 2, none = 1, big = 9, key = 5;
	u64 value = 77, *found;
	void *map;

	map = map_lookup(&by_index, &index);
	if (!map)
		return -1;
	out[0] = map_update(map, &key, &value, 0);
	found = map_lookup(map, &key);
	out[1] = found ? *found : 0;
	if (found)
		*found = 78;
	map = map_lookup(&by_index, &other);
	if (!map)
		return -2;
	found = map_lookup(map, &key);
	out[2] = found ? *found : 1;
	out[3] = map_delete(map, &key);
	out[4] = map_lookup(&by_index, &none) != 0;
	out[5] = map_lookup(&by_index, &big) != 0;
	return 0;
}

XDP inner_array(struct xdp_md *ctx)
{
	u32 key = 1, none = 2;
	u64 value, *found;
	void *map;

	map = map_lookup(&by_key, &key);
	if (!map)
		return -1;
	key = 3;
	put(map, key, 10);
	found = map_lookup(map, &key);
	if (found)
		out[0] = *found += 1;
	key = 4;
	value = 7;
	out[1] = map_update(map, &key, &value, 0);
	out[2] = map_lookup(map, &key) != 0;
	out[3] = map_delete(map, &none);
	out[6] = map_lookup(&by_key, &none) != 0;
	return 0;
}

XDP inner_each(struct xdp_md *ctx)
{
	u32 index = 0;
	void *map = map_lookup(&by_index, &index);

	if (!map)
		return -1;
	fill(map, 6);
	return each(map, -1ull);
}
