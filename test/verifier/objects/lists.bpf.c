// SPDX-License-Identifier: Apache-2.0
// Lists of a program's own objects. Names that begin with bad_ are refused.
#include "own.h"

struct item {
	long value;
	struct bpf_list_node link;
	struct bpf_list_node spare;
};

struct other {
	long value;
	struct bpf_list_node link;
};

/// counted: may be in a list and still be held
struct shared {
	struct bpf_list_node link;
	struct bpf_refcount count;
	long value;
};

/// a list inside of an object that is itself in a list
struct bucket {
	struct bpf_list_node link;
	struct bpf_list_head items CONTAINS(item, link);
	struct bpf_spin_lock lock;
};

struct queue {
	long length;
	struct bpf_spin_lock lock;
	struct bpf_list_head items CONTAINS(item, link);
	struct bpf_list_head more[2] CONTAINS(item, link);
};

struct {
	MAP_UINT(type, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct queue);
	MAP_UINT(max_entries, 8);
} queues SEC(".maps");

struct inner {
	MAP_UINT(type, 2);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct queue);
	MAP_UINT(max_entries, 8);
} inner SEC(".maps");

struct {
	MAP_UINT(type, 12);
	MAP_TYPE(key, u32);
	MAP_UINT(max_entries, 2);
	MAP_INNER(values, struct inner);
} outer SEC(".maps") = { .values = { &inner } };

PRIVATE(a) struct bpf_spin_lock lock_a;
PRIVATE(a) struct bpf_list_head list_a CONTAINS(item, link);
PRIVATE(b) struct bpf_spin_lock lock_b;
PRIVATE(b) struct bpf_list_head list_b CONTAINS(item, link);
PRIVATE(c) struct bpf_spin_lock lock_c;
PRIVATE(c) struct bpf_list_head list_c CONTAINS(shared, link);
PRIVATE(d) struct bpf_spin_lock lock_d;
PRIVATE(d) struct bpf_list_head list_d CONTAINS(bucket, link);

long counter;

static struct queue *find(u32 key)
{
	return map_lookup(&queues, &key);
}

SEC("tc") int push_and_pop(struct __sk_buff *skb)
{
	struct item *item = NEW(struct item);
	struct bpf_list_node *node;

	if (!item)
		return 0;
	item->value = skb->len;
	spin_lock(&lock_a);
	PUSH_FRONT(&list_a, &item->link);
	node = bpf_list_pop_back(&list_a);
	spin_unlock(&lock_a);
	if (!node)
		return 0;
	item = container_of(node, struct item, link);
	skb->mark = item->value;
	DROP(item);
	return 0;
}

SEC("tc") int in_a_map_value(struct __sk_buff *skb)
{
	struct queue *q = find(0);
	struct bpf_list_node *node;
	struct item *item;

	if (!q)
		return 0;
	item = NEW(struct item);
	if (!item)
		return 0;
	spin_lock(&q->lock);
	PUSH_BACK(&q->items, &item->link);
	item->value = ++q->length;
	node = bpf_list_pop_front(&q->more[1]);
	spin_unlock(&q->lock);
	if (node)
		DROP(container_of(node, struct item, link));
	return 0;
}

SEC("tc") int in_an_inner_map(struct __sk_buff *skb)
{
	u32 key = 0;
	void *map = map_lookup(&outer, &key);
	struct queue *q = map ? map_lookup(map, &key) : 0;
	struct bpf_list_node *node;

	if (!q)
		return 0;
	spin_lock(&q->lock);
	node = bpf_list_pop_front(&q->items);
	spin_unlock(&q->lock);
	if (node)
		DROP(container_of(node, struct item, link));
	return 0;
}

SEC("tc") int in_an_object(struct __sk_buff *skb)
{
	struct bucket *bucket = NEW(struct bucket);
	struct item *item;

	if (!bucket)
		return 0;
	item = NEW(struct item);
	if (!item)
		goto out;
	spin_lock(&bucket->lock);
	PUSH_FRONT(&bucket->items, &item->link);
	spin_unlock(&bucket->lock);
out:
	DROP(bucket);
	return 0;
}

SEC("tc") int look_at_the_first(struct __sk_buff *skb)
{
	struct bpf_list_node *node;
	long value = 0;

	spin_lock(&lock_a);
	node = bpf_list_front(&list_a);
	if (node)
		value = container_of(node, struct item, link)->value;
	node = bpf_list_back(&list_a);
	if (node)
		container_of(node, struct item, link)->value = value;
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int count_under_the_lock(struct __sk_buff *skb)
{
	struct bpf_iter_num it;

	spin_lock(&lock_a);
	bpf_iter_num_new(&it, 0, 10);
	while (bpf_iter_num_next(&it))
		counter++;
	bpf_iter_num_destroy(&it);
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int held_in_two_places(struct __sk_buff *skb)
{
	struct shared *s = NEW(struct shared), *again;

	if (!s)
		return 0;
	again = HOLD(s);
	spin_lock(&lock_c);
	PUSH_FRONT(&list_c, &s->link);
	s->value = 1;
	spin_unlock(&lock_c);
	again->value = 2;
	DROP(again);
	return 0;
}

SEC("tc") int held_again_under_the_lock(struct __sk_buff *skb)
{
	struct bpf_list_node *node;
	struct shared *s = 0;

	spin_lock(&lock_c);
	node = bpf_list_front(&list_c);
	if (node)
		s = HOLD(container_of(node, struct shared, link));
	spin_unlock(&lock_c);
	if (s)
		DROP(s);
	return 0;
}

SEC("tc") int bad_held_again_unchecked(struct __sk_buff *skb)
{
	struct bpf_list_node *node;
	struct shared *s = 0;

	spin_lock(&lock_c);
	node = bpf_list_front(&list_c);
	if (node)
		s = HOLD(container_of(node, struct shared, link));
	spin_unlock(&lock_c);
	DROP(s);
	return 0;
}

SEC("tc") int bad_holds_uncounted(struct __sk_buff *skb)
{
	struct item *item = NEW(struct item);

	if (!item)
		return 0;
	DROP(HOLD(item));
	DROP(item);
	return 0;
}

struct pair {
	long first;
	long second;
};

SEC("tc") int bad_holds_without_fields(struct __sk_buff *skb)
{
	struct pair *p = NEW(struct pair);

	if (!p)
		return 0;
	DROP(HOLD(p));
	DROP(p);
	return 0;
}

SEC("tc") int bad_holds_a_value(struct __sk_buff *skb)
{
	struct queue *q = find(0);

	if (q)
		HOLD(q);
	return 0;
}

SEC("tc") int bad_pushes_without_lock(struct __sk_buff *skb)
{
	struct item *item = NEW(struct item);

	if (item)
		PUSH_FRONT(&list_a, &item->link);
	return 0;
}

SEC("tc") int bad_pops_without_lock(struct __sk_buff *skb)
{
	struct queue *q = find(0);

	return q && bpf_list_pop_front(&q->items);
}

SEC("tc") int bad_pushes_under_another_lock(struct __sk_buff *skb)
{
	struct item *item = NEW(struct item);

	if (!item)
		return 0;
	spin_lock(&lock_b);
	PUSH_FRONT(&list_a, &item->link);
	spin_unlock(&lock_b);
	return 0;
}

SEC("tc") int bad_pops_from_another_value(struct __sk_buff *skb)
{
	struct queue *q = find(0), *p = find(1);
	struct bpf_list_node *node;

	if (!q || !p)
		return 0;
	spin_lock(&q->lock);
	node = bpf_list_pop_front(&p->items);
	spin_unlock(&q->lock);
	if (node)
		DROP(container_of(node, struct item, link));
	return 0;
}

SEC("tc") int bad_pushes_twice(struct __sk_buff *skb)
{
	struct item *item = NEW(struct item);

	if (!item)
		return 0;
	spin_lock(&lock_a);
	PUSH_FRONT(&list_a, &item->link);
	PUSH_FRONT(&list_a, &item->link);
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int bad_uses_after_unlock(struct __sk_buff *skb)
{
	struct item *item = NEW(struct item);

	if (!item)
		return 0;
	spin_lock(&lock_a);
	PUSH_FRONT(&list_a, &item->link);
	spin_unlock(&lock_a);
	return item->value;
}

SEC("tc") int bad_drops_what_is_linked(struct __sk_buff *skb)
{
	struct item *item = NEW(struct item);

	if (!item)
		return 0;
	spin_lock(&lock_a);
	PUSH_FRONT(&list_a, &item->link);
	DROP(item);
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int bad_pushes_by_other_node(struct __sk_buff *skb)
{
	struct item *item = NEW(struct item);

	if (!item)
		return 0;
	spin_lock(&lock_a);
	PUSH_FRONT(&list_a, &item->spare);
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int bad_pushes_other_type(struct __sk_buff *skb)
{
	struct other *other = NEW(struct other);

	if (!other)
		return 0;
	spin_lock(&lock_a);
	PUSH_FRONT(&list_a, &other->link);
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int bad_pushes_no_node(struct __sk_buff *skb)
{
	struct item *item = NEW(struct item);

	if (!item)
		return 0;
	spin_lock(&lock_a);
	PUSH_FRONT(&list_a, (void *)item);
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int bad_pushes_unchecked(struct __sk_buff *skb)
{
	struct item *item = NEW(struct item);

	spin_lock(&lock_a);
	PUSH_FRONT(&list_a, (void *)item);
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int bad_pushes_a_value(struct __sk_buff *skb)
{
	struct queue *q = find(0);

	if (!q)
		return 0;
	spin_lock(&q->lock);
	PUSH_FRONT(&q->items, (void *)&q->length);
	spin_unlock(&q->lock);
	return 0;
}

SEC("tc") int bad_pops_beside_the_head(struct __sk_buff *skb)
{
	struct queue *q = find(0);
	struct bpf_list_node *node;

	if (!q)
		return 0;
	spin_lock(&q->lock);
	node = bpf_list_pop_front((void *)&q->items + 8);
	spin_unlock(&q->lock);
	if (node)
		DROP(container_of(node, struct item, link));
	return 0;
}

SEC("tc") int bad_pops_somewhere(struct __sk_buff *skb)
{
	struct queue *q = find(0);
	u32 i = skb->len & 1;
	struct bpf_list_node *node;

	if (!q)
		return 0;
	spin_lock(&q->lock);
	node = bpf_list_pop_front(&q->more[i]);
	spin_unlock(&q->lock);
	if (node)
		DROP(container_of(node, struct item, link));
	return 0;
}

SEC("tc") int bad_pops_from_stack(struct __sk_buff *skb)
{
	struct bpf_list_head head = {};

	return bpf_list_pop_front(&head) != 0;
}

SEC("tc") int bad_forgets_what_it_popped(struct __sk_buff *skb)
{
	struct bpf_list_node *node;

	spin_lock(&lock_a);
	node = bpf_list_pop_front(&list_a);
	spin_unlock(&lock_a);
	return node != 0;
}

SEC("tc") int bad_drops_at_the_node(struct __sk_buff *skb)
{
	struct bpf_list_node *node;

	spin_lock(&lock_a);
	node = bpf_list_pop_front(&list_a);
	spin_unlock(&lock_a);
	if (node)
		DROP(node);
	return 0;
}

SEC("tc") int bad_allocates_under_lock(struct __sk_buff *skb)
{
	struct item *item;

	spin_lock(&lock_a);
	item = NEW(struct item);
	spin_unlock(&lock_a);
	if (item)
		DROP(item);
	return 0;
}

SEC("tc") int bad_calls_helper_under_lock(struct __sk_buff *skb)
{
	spin_lock(&lock_a);
	skb->mark = get_prandom_u32();
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int bad_reads_the_head(struct __sk_buff *skb)
{
	struct queue *q = find(0);

	return q ? *(volatile u64 *)&q->items : 0;
}

SEC("tc") int bad_writes_the_node(struct __sk_buff *skb)
{
	struct item *item = NEW(struct item);

	if (!item)
		return 0;
	*(volatile u64 *)&item->link = 1;
	DROP(item);
	return 0;
}

SEC("tc") int bad_reads_the_count(struct __sk_buff *skb)
{
	struct shared *s = NEW(struct shared);
	u32 count;

	if (!s)
		return 0;
	count = *(volatile u32 *)&s->count;
	DROP(s);
	return count;
}

SEC("tc") int bad_keeps_what_it_saw(struct __sk_buff *skb)
{
	struct bpf_list_node *node;

	spin_lock(&lock_a);
	node = bpf_list_front(&list_a);
	spin_unlock(&lock_a);
	return node ? container_of(node, struct item, link)->value : 0;
}

SEC("tc") int bad_drops_what_it_saw(struct __sk_buff *skb)
{
	struct bpf_list_node *node;

	spin_lock(&lock_a);
	node = bpf_list_front(&list_a);
	if (node)
		DROP(container_of(node, struct item, link));
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int list_of_lists(struct __sk_buff *skb)
{
	struct bucket *bucket = NEW(struct bucket);
	struct bpf_list_node *node;

	if (!bucket)
		return 0;
	spin_lock(&lock_d);
	PUSH_BACK(&list_d, &bucket->link);
	node = bpf_list_pop_front(&list_d);
	spin_unlock(&lock_d);
	if (!node)
		return 0;
	bucket = container_of(node, struct bucket, link);
	spin_lock(&bucket->lock);
	node = bpf_list_pop_front(&bucket->items);
	spin_unlock(&bucket->lock);
	if (node)
		DROP(container_of(node, struct item, link));
	DROP(bucket);
	return 0;
}

SEC("tc") int bad_locks_what_it_saw(struct __sk_buff *skb)
{
	struct bpf_list_node *node;

	spin_lock(&lock_d);
	node = bpf_list_front(&list_d);
	if (node)
		spin_lock(&container_of(node, struct bucket, link)->lock);
	spin_unlock(&lock_d);
	return 0;
}

SEC("tracepoint") int bad_in_tracing(void *ctx)
{
	struct queue *q = find(0);

	return q != 0;
}

LICENSE("GPL");
