// SPDX-License-Identifier: Apache-2.0
// A list of structs whose node is one by its name only: the struct that the kernel knows by that name is another. Nothing
// can be kept there, and the kernel refuses all types of this object. Names that begin with bad_ are refused.
#include "own.h"

struct item {
	long value;
	struct bpf_list_node link;
};

struct queue {
	struct bpf_spin_lock lock;
	struct bpf_list_head items CONTAINS(strange, link);
};

struct {
	MAP_UINT(type, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct queue);
	MAP_UINT(max_entries, 1);
} queues SEC(".maps");

SEC("tc") int bad_object(struct __sk_buff *skb)
{
	struct item *item = NEW(struct item);

	if (item)
		DROP(item);
	return 0;
}

SEC("tc") int bad_object_with_another_node(struct __sk_buff *skb)
{
	struct bpf_list_node {
		u64 opaque[3];
	};
	struct strange {
		struct bpf_list_node link;
	};
	struct strange *strange = NEW(struct strange);

	if (strange)
		DROP(strange);
	return 0;
}

SEC("tc") int bad_locks(struct __sk_buff *skb)
{
	u32 key = 0;
	struct queue *q = map_lookup(&queues, &key);

	if (q) {
		spin_lock(&q->lock);
		spin_unlock(&q->lock);
	}
	return 0;
}

LICENSE("GPL");
