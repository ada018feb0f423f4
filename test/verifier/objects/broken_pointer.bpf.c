// SPDX-License-Identifier: Apache-2.0
// A struct keeps a pointer to a struct of the kernel that it does not know how to give back: the kernel refuses all types
// of this object. Names that begin with bad_ are refused.
#include "own.h"

struct keeps_file {
	struct file KEPT *file;
};

struct plain {
	long value;
	struct bpf_spin_lock lock;
};

struct {
	MAP_UINT(type, 2);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct keeps_file);
	MAP_UINT(max_entries, 1);
} files SEC(".maps");

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

SEC("tc") int pointer_is_plain_bytes(struct __sk_buff *skb)
{
	u32 key = 0;
	struct keeps_file *v = map_lookup(&files, &key);

	if (v)
		*(volatile u32 *)&v->file = 1;
	return 0;
}

SEC("tc") int bad_reads_file(struct __sk_buff *skb)
{
	return ((struct file *)(long)skb->len)->f_flags;
}

LICENSE("GPL");
