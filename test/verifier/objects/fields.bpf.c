// SPDX-License-Identifier: Apache-2.0
// Which fields of a value or object are the kernel's. Each program takes a lock or a pointer of a type of its own shape;
// where the shape is wrong none of its fields counts, and the program, bad_ by name, is refused.
#include "own.h"

struct pair {
	long first;
	long second;
};

struct node {
	struct bpf_list_node link;
	long value;
};

typedef struct bpf_spin_lock lock_t;

struct plain {
	long value;
	struct bpf_spin_lock lock;
};
struct behind_typedef {
	long value;
	lock_t lock;
};
struct behind_volatile {
	long value;
	volatile struct bpf_spin_lock lock;
};
struct nested {
	long value;
	struct plain inner;
};
struct in_union {
	long value;
	union {
		struct bpf_spin_lock lock;
		u32 number;
	};
};
struct locks_in_array {
	long value;
	struct bpf_spin_lock lock[2];
};
struct one_in_array {
	long value;
	struct bpf_spin_lock lock[1];
};
struct pointers_in_array {
	struct pair KEPT *pairs[11];
};
struct too_many {
	struct pair KEPT *pairs[12];
};
struct many_nested {
	struct {
		struct pair KEPT *a;
		struct pair KEPT *b;
	} each[5];
	struct bpf_spin_lock lock;
};
struct with_pair_in_second {
	struct {
		struct pair KEPT *a;
		struct pair KEPT *b;
	} each[5];
};
/// the kernel has such a struct and does not know how to give one back
struct file_in_array {
	struct file KEPT *file[1];
	struct plain inner;
};
struct two_timers {
	struct bpf_timer timer;
	struct bpf_timer other;
	struct bpf_spin_lock lock;
};
struct heads_in_array {
	struct bpf_spin_lock lock;
	struct bpf_list_head heads[3] CONTAINS(node, link);
};
struct node_in_value {
	struct bpf_spin_lock lock;
	struct bpf_list_node link;
};
struct counted_value {
	struct bpf_spin_lock lock;
	struct bpf_refcount count;
};
struct askew {
	u32 before;
	struct bpf_timer timer;
	struct bpf_spin_lock lock;
} __attribute__((packed));
#define VALUES(name)                              \
	struct {                                  \
		MAP_UINT(type, 2);                \
		MAP_TYPE(key, u32);               \
		MAP_TYPE(value, struct name);     \
		MAP_UINT(max_entries, 1);         \
	} values_##name SEC(".maps");

/// takes the lock of a value
#define LOCKS(prefix, name, member)                                       \
	VALUES(name)                                                      \
	SEC("tc") int prefix##lock_##name(struct __sk_buff *skb)          \
	{                                                                 \
		u32 key = 0;                                              \
		struct name *v = map_lookup(&values_##name, &key);        \
                                                                          \
		if (v) {                                                  \
			spin_lock((void *)&v->member);                    \
			spin_unlock((void *)&v->member);                  \
		}                                                         \
		return 0;                                                 \
	}

/// takes the pointer out of a value
#define TAKES(prefix, name, member)                                       \
	VALUES(name)                                                      \
	SEC("tc") int prefix##take_##name(struct __sk_buff *skb)          \
	{                                                                 \
		u32 key = 0;                                              \
		struct name *v = map_lookup(&values_##name, &key);        \
		struct pair *p;                                           \
                                                                          \
		if (!v)                                                   \
			return 0;                                         \
		p = kptr_xchg((void *)&v->member, 0);                     \
		if (p)                                                    \
			DROP(p);                                          \
		return 0;                                                 \
	}

LOCKS(, plain, lock)
LOCKS(bad_, behind_typedef, lock)
LOCKS(bad_, behind_volatile, lock)
LOCKS(, nested, inner.lock)
LOCKS(bad_, in_union, lock)
LOCKS(bad_, locks_in_array, lock[1])
LOCKS(, one_in_array, lock[0])
TAKES(, pointers_in_array, pairs[10])
TAKES(bad_, too_many, pairs[0])
LOCKS(, many_nested, lock)
TAKES(, with_pair_in_second, each[4].b)
LOCKS(, node_in_value, lock)
LOCKS(, counted_value, lock)
LOCKS(, askew, lock)
TAKES(bad_, file_in_array, file[0])
LOCKS(bad_, two_timers, lock)

SEC("tc") int bytes_of_file(struct __sk_buff *skb)
{
	u32 key = 0;
	struct file_in_array *v = map_lookup(&values_file_in_array, &key);

	if (v)
		*(volatile u32 *)&v->file[0] = 7;
	return 0;
}

SEC("tc") int bad_reads_file(struct __sk_buff *skb)
{
	return ((struct file *)(long)skb->len)->f_flags;
}

LOCKS(, heads_in_array, lock)

SEC("tc") int list_in_value(struct __sk_buff *skb)
{
	u32 key = 0;
	struct heads_in_array *v = map_lookup(&values_heads_in_array, &key);
	struct node *n;

	if (!v)
		return 0;
	n = NEW(struct node);
	if (!n)
		return 0;
	spin_lock(&v->lock);
	PUSH_FRONT(&v->heads[2], &n->link);
	spin_unlock(&v->lock);
	return 0;
}

LICENSE("GPL");
