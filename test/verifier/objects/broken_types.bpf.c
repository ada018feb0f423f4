// SPDX-License-Identifier: Apache-2.0
// One struct with two locks, which no object may have: the kernel refuses all types of this object, and its maps and
// programs have none. Names that begin with bad_ are refused.
#include "own.h"

struct two_locks {
	struct bpf_spin_lock lock;
	struct bpf_spin_lock other;
};

struct plain {
	long value;
	struct bpf_spin_lock lock;
};

struct {
	MAP_UINT(type, 2);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct two_locks);
	MAP_UINT(max_entries, 1);
} broken SEC(".maps");

struct {
	MAP_UINT(type, 2);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct plain);
	MAP_UINT(max_entries, 1);
} plain SEC(".maps");

SEC("tc") int bad_locks_in_plain_value(struct __sk_buff *skb)
{
	u32 key = 0;
	struct plain *v = map_lookup(&plain, &key);

	if (v) {
		spin_lock(&v->lock);
		spin_unlock(&v->lock);
	}
	return 0;
}

struct inner {
	MAP_UINT(type, 2);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct plain);
	MAP_UINT(max_entries, 1);
} inner SEC(".maps");

struct {
	MAP_UINT(type, 12);
	MAP_TYPE(key, u32);
	MAP_UINT(max_entries, 1);
	MAP_INNER(values, struct inner);
} outer SEC(".maps") = { .values = { &inner } };

SEC("tc") int bad_locks_in_inner_value(struct __sk_buff *skb)
{
	u32 key = 0;
	void *map = map_lookup(&outer, &key);
	struct plain *v = map ? map_lookup(map, &key) : 0;

	if (v) {
		spin_lock(&v->lock);
		spin_unlock(&v->lock);
	}
	return 0;
}

SEC("tc") int lock_is_plain_bytes(struct __sk_buff *skb)
{
	u32 key = 0;
	struct two_locks *v = map_lookup(&broken, &key);

	return v ? *(volatile u32 *)&v->lock : 0;
}

SEC("tc") int bad_object_without_types(struct __sk_buff *skb)
{
	struct plain *p = NEW(struct plain);

	if (p)
		DROP(p);
	return 0;
}

static int each(u32 i, void *ctx)
{
	return 0;
}

SEC("tc") int bad_callback_without_types(struct __sk_buff *skb)
{
	bpf_loop(2, each, 0, 0);
	return 0;
}

LICENSE("GPL");
