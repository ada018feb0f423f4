// SPDX-License-Identifier: Apache-2.0
// What is kept in lists may itself keep what keeps nothing. Here it keeps its own kind: the kernel refuses all types of
// this object. Names that begin with bad_ are refused.
#include "own.h"

struct child {
	struct bpf_list_node link;
	struct bpf_spin_lock lock;
	struct bpf_list_head children CONTAINS(child, link);
};

struct {
	MAP_UINT(type, 2);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct child);
	MAP_UINT(max_entries, 1);
} children SEC(".maps");

SEC("tc") int bad_object_that_keeps_its_kind(struct __sk_buff *skb)
{
	struct child *c = NEW(struct child);

	if (c)
		DROP(c);
	return 0;
}

SEC("tc") int list_is_plain_bytes(struct __sk_buff *skb)
{
	u32 key = 0;
	struct child *c = map_lookup(&children, &key);

	return c ? *(volatile u32 *)&c->children : 0;
}

LICENSE("GPL");
