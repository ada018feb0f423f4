// SPDX-License-Identifier: Apache-2.0
// Trees of a program's own objects. Names that begin with bad_ are refused.
#include "own.h"

struct leaf {
	long key;
	struct bpf_rb_node place;
};

struct other {
	struct bpf_rb_node place;
	long key;
};

/// in a list and in a tree at once
struct both {
	struct bpf_list_node link;
	struct bpf_rb_node place;
	struct bpf_refcount count;
	long key;
};

PRIVATE(a) struct bpf_spin_lock lock_a;
PRIVATE(a) struct bpf_rb_root tree_a CONTAINS(leaf, place);
PRIVATE(a) struct bpf_rb_root tree_aa CONTAINS(leaf, place);
PRIVATE(b) struct bpf_spin_lock lock_b;
PRIVATE(b) struct bpf_rb_root tree_b CONTAINS(both, place);
PRIVATE(b) struct bpf_list_head list_b CONTAINS(both, link);

long counter;

static _Bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct leaf, place)->key < container_of(b, struct leaf, place)->key;
}

static _Bool less_both(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct both, place)->key < container_of(b, struct both, place)->key;
}

NOINLINE static long keyed(struct leaf *leaf)
{
	return leaf->key + counter;
}

static _Bool less_by_function(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return keyed(container_of(a, struct leaf, place)) < keyed(container_of(b, struct leaf, place));
}

static _Bool less_adds(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	TREE_ADD(&tree_a, a, less);
	return 0;
}

static _Bool less_removes(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	bpf_rbtree_remove(&tree_a, a);
	return 0;
}

static _Bool less_looks(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return bpf_rbtree_first(&tree_a) != 0;
}

static _Bool less_goes_left(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return bpf_rbtree_left(&tree_a, a) != 0;
}

static _Bool less_unlocks(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	spin_unlock(&lock_a);
	return 0;
}

static _Bool less_asks(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return get_prandom_u32() & 1;
}

static _Bool less_beyond(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	long past = *(volatile long *)((void *)a + 32);

	return past == 1;
}

static long too_much(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct leaf, place)->key;
}

#define ADDS(name, by)                                      \
	SEC("tc") int name(struct __sk_buff *skb)           \
	{                                                   \
		struct leaf *leaf = NEW(struct leaf);       \
                                                            \
		if (!leaf)                                  \
			return 0;                           \
		leaf->key = skb->len;                       \
		spin_lock(&lock_a);                         \
		TREE_ADD(&tree_a, &leaf->place, (void *)by);\
		spin_unlock(&lock_a);                       \
		return 0;                                   \
	}

ADDS(add, less)
ADDS(add_by_function, less_by_function)
ADDS(bad_adds_in_callback, less_adds)
ADDS(bad_removes_in_callback, less_removes)
ADDS(looks_in_callback, less_looks)
ADDS(bad_goes_left_in_callback, less_goes_left)
ADDS(bad_unlocks_in_callback, less_unlocks)
ADDS(bad_calls_helper_in_callback, less_asks)
ADDS(bad_reads_beyond_in_callback, less_beyond)
ADDS(bad_returns_too_much, too_much)

SEC("tc") int add_and_remove(struct __sk_buff *skb)
{
	struct bpf_rb_node *node;
	struct leaf *leaf = NEW(struct leaf);

	if (!leaf)
		return 0;
	spin_lock(&lock_a);
	TREE_ADD(&tree_a, &leaf->place, less);
	node = bpf_rbtree_remove(&tree_a, &leaf->place);
	spin_unlock(&lock_a);
	if (node)
		DROP(container_of(node, struct leaf, place));
	return 0;
}

SEC("tc") int bad_forgets_what_it_removed(struct __sk_buff *skb)
{
	struct bpf_rb_node *node;

	spin_lock(&lock_a);
	node = bpf_rbtree_first(&tree_a);
	if (node)
		node = bpf_rbtree_remove(&tree_a, node);
	spin_unlock(&lock_a);
	return node != 0;
}

SEC("tc") int walk_down(struct __sk_buff *skb)
{
	struct bpf_rb_node *node;
	long key = 0;

	spin_lock(&lock_a);
	node = bpf_rbtree_root(&tree_a);
	if (node)
		node = bpf_rbtree_left(&tree_a, node);
	if (node)
		node = bpf_rbtree_right(&tree_a, node);
	if (node)
		key = container_of(node, struct leaf, place)->key;
	spin_unlock(&lock_a);
	skb->mark = key;
	return 0;
}

SEC("tc") int bad_walks_unchecked(struct __sk_buff *skb)
{
	spin_lock(&lock_a);
	bpf_rbtree_left(&tree_a, bpf_rbtree_root(&tree_a));
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int bad_walks_without_lock(struct __sk_buff *skb)
{
	return bpf_rbtree_root(&tree_a) != 0;
}

SEC("tc") int bad_walks_on_after_unlock(struct __sk_buff *skb)
{
	struct bpf_rb_node *node;

	spin_lock(&lock_a);
	node = bpf_rbtree_first(&tree_a);
	spin_unlock(&lock_a);
	if (!node)
		return 0;
	spin_lock(&lock_a);
	node = bpf_rbtree_left(&tree_a, node);
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int bad_adds_what_is_there(struct __sk_buff *skb)
{
	struct bpf_rb_node *node;

	spin_lock(&lock_a);
	node = bpf_rbtree_first(&tree_a);
	if (node)
		TREE_ADD(&tree_aa, node, less);
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int move_between_trees(struct __sk_buff *skb)
{
	struct bpf_rb_node *node;

	spin_lock(&lock_a);
	node = bpf_rbtree_first(&tree_a);
	if (node)
		node = bpf_rbtree_remove(&tree_a, node);
	if (node)
		TREE_ADD(&tree_aa, node, less);
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int remove_what_is_owned(struct __sk_buff *skb)
{
	struct leaf *leaf = NEW(struct leaf);
	struct bpf_rb_node *node;

	if (!leaf)
		return 0;
	spin_lock(&lock_a);
	node = bpf_rbtree_remove(&tree_a, &leaf->place);
	spin_unlock(&lock_a);
	DROP(leaf);
	if (node)
		DROP(container_of(node, struct leaf, place));
	return 0;
}

SEC("tc") int bad_adds_other_type(struct __sk_buff *skb)
{
	struct other *other = NEW(struct other);

	if (!other)
		return 0;
	spin_lock(&lock_a);
	TREE_ADD(&tree_a, &other->place, less);
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int bad_adds_no_node(struct __sk_buff *skb)
{
	struct leaf *leaf = NEW(struct leaf);

	if (!leaf)
		return 0;
	spin_lock(&lock_a);
	TREE_ADD(&tree_a, (void *)leaf, less);
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int bad_adds_to_lock(struct __sk_buff *skb)
{
	struct leaf *leaf = NEW(struct leaf);

	if (!leaf)
		return 0;
	spin_lock(&lock_a);
	TREE_ADD((void *)&lock_a, &leaf->place, less);
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int bad_adds_without_callback(struct __sk_buff *skb)
{
	struct leaf *leaf = NEW(struct leaf);

	if (!leaf)
		return 0;
	spin_lock(&lock_a);
	TREE_ADD(&tree_a, &leaf->place, (void *)1);
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int in_list_and_tree(struct __sk_buff *skb)
{
	struct both *b = NEW(struct both), *again;

	if (!b)
		return 0;
	again = HOLD(b);
	spin_lock(&lock_b);
	TREE_ADD(&tree_b, &b->place, less_both);
	PUSH_BACK(&list_b, &again->link);
	spin_unlock(&lock_b);
	return 0;
}

SEC("tc") int bad_keeps_counted_after_unlock(struct __sk_buff *skb)
{
	struct bpf_rb_node *node;
	long key = 0;

	spin_lock(&lock_b);
	node = bpf_rbtree_first(&tree_b);
	spin_unlock(&lock_b);
	if (node)
		key = container_of(node, struct both, place)->key;
	return key;
}

SEC("tc") int out_of_the_list_still_in_the_tree(struct __sk_buff *skb)
{
	struct bpf_rb_node *place;
	struct bpf_list_node *link;
	struct both *b;

	spin_lock(&lock_b);
	link = bpf_list_pop_front(&list_b);
	if (!link) {
		spin_unlock(&lock_b);
		return 0;
	}
	b = container_of(link, struct both, link);
	place = bpf_rbtree_remove(&tree_b, &b->place);
	spin_unlock(&lock_b);
	DROP(b);
	if (place)
		DROP(container_of(place, struct both, place));
	return 0;
}

LICENSE("GPL");
