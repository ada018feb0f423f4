// SPDX-License-Identifier: Apache-2.0
// Locks of values, of data sections and of objects, locks that can fail, saved interrupt flags. Names that begin with
// bad_ are refused.
#include "own.h"

struct cell {
	long value;
	struct bpf_spin_lock lock;
};

struct rescell {
	long value;
	struct bpf_res_spin_lock lock;
	long more;
};

/// the lock is seen only beside another field
struct counted {
	struct bpf_refcount count;
	struct bpf_res_spin_lock lock;
	long value;
};

struct item {
	struct bpf_list_node link;
	long value;
};

struct {
	MAP_UINT(type, 2);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct cell);
	MAP_UINT(max_entries, 8);
} cells SEC(".maps");

struct {
	MAP_UINT(type, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct rescell);
	MAP_UINT(max_entries, 8);
} rescells SEC(".maps");

PRIVATE(a) struct bpf_spin_lock lock_a;
PRIVATE(a) long value_a;
PRIVATE(b) struct bpf_spin_lock lock_b;
PRIVATE(c) struct bpf_res_spin_lock lock_c;
PRIVATE(d) struct bpf_res_spin_lock lock_d;
PRIVATE(e) struct bpf_res_spin_lock lock_e;
PRIVATE(e) struct bpf_list_head list_e CONTAINS(item, link);

static struct cell *find(u32 key)
{
	return map_lookup(&cells, &key);
}

static struct rescell *findres(u32 key)
{
	return map_lookup(&rescells, &key);
}

SEC("tc") int object_lock(struct __sk_buff *skb)
{
	struct cell *cell = NEW(struct cell);

	if (!cell)
		return 0;
	spin_lock(&cell->lock);
	cell->value++;
	spin_unlock(&cell->lock);
	DROP(cell);
	return 0;
}

SEC("tc") int bad_unlocks_other_object(struct __sk_buff *skb)
{
	struct cell *a = NEW(struct cell), *b;

	if (!a)
		return 0;
	b = NEW(struct cell);
	if (!b)
		goto out;
	spin_lock(&a->lock);
	spin_unlock(&b->lock);
	DROP(b);
out:
	DROP(a);
	return 0;
}

SEC("tc") int bad_unlocks_value_for_object(struct __sk_buff *skb)
{
	struct cell *a = NEW(struct cell), *b = find(0);

	if (!a)
		return 0;
	if (b) {
		spin_lock(&a->lock);
		spin_unlock(&b->lock);
	}
	DROP(a);
	return 0;
}

SEC("tc") int bad_drops_locked_object(struct __sk_buff *skb)
{
	struct cell *cell = NEW(struct cell);

	if (!cell)
		return 0;
	spin_lock(&cell->lock);
	DROP(cell);
	return 0;
}

SEC("tc") int bad_locks_beside(struct __sk_buff *skb)
{
	struct cell *cell = NEW(struct cell);

	if (!cell)
		return 0;
	spin_lock((void *)&cell->value);
	spin_unlock((void *)&cell->value);
	DROP(cell);
	return 0;
}

SEC("tc") int global_lock(struct __sk_buff *skb)
{
	spin_lock(&lock_a);
	value_a += skb->len;
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int bad_unlocks_other_global(struct __sk_buff *skb)
{
	spin_lock(&lock_a);
	spin_unlock(&lock_b);
	return 0;
}

SEC("tc") int bad_unlocks_other_value(struct __sk_buff *skb)
{
	struct cell *a = find(0), *b = find(1);

	if (!a || !b)
		return 0;
	spin_lock(&a->lock);
	spin_unlock(&b->lock);
	return 0;
}

SEC("tc") int bad_locks_twice(struct __sk_buff *skb)
{
	struct cell *a = find(0);

	if (!a)
		return 0;
	spin_lock(&a->lock);
	spin_lock(&a->lock);
	spin_unlock(&a->lock);
	return 0;
}

SEC("tc") int bad_never_unlocks(struct __sk_buff *skb)
{
	spin_lock(&lock_a);
	return 0;
}

SEC("tc") int bad_unlocks_unlocked(struct __sk_buff *skb)
{
	spin_unlock(&lock_a);
	return 0;
}

NOINLINE static void add_locked(struct cell *cell, long n)
{
	cell->value += n;
}

NOINLINE int global_function(u32 n)
{
	return n & 1;
}

SEC("tc") int calls_static_under_lock(struct __sk_buff *skb)
{
	struct cell *a = find(0);

	if (!a)
		return 0;
	spin_lock(&a->lock);
	add_locked(a, skb->len);
	spin_unlock(&a->lock);
	return 0;
}

SEC("tc") int bad_calls_global_under_lock(struct __sk_buff *skb)
{
	spin_lock(&lock_a);
	value_a = global_function(value_a);
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int fails_or_locks(struct __sk_buff *skb)
{
	if (bpf_res_spin_lock(&lock_c))
		return 1;
	bpf_res_spin_unlock(&lock_c);
	return 0;
}

SEC("tc") int bad_ignores_failure(struct __sk_buff *skb)
{
	bpf_res_spin_lock(&lock_c);
	bpf_res_spin_unlock(&lock_c);
	return 0;
}

SEC("tc") int bad_takes_failure_for_success(struct __sk_buff *skb)
{
	if (bpf_res_spin_lock(&lock_c) == 0)
		return 0;
	bpf_res_spin_unlock(&lock_c);
	return 0;
}

SEC("tc") int two_of_them(struct __sk_buff *skb)
{
	struct rescell *cell = findres(0);

	if (!cell)
		return 0;
	if (bpf_res_spin_lock(&lock_c))
		return 0;
	if (bpf_res_spin_lock(&cell->lock) == 0) {
		cell->value++;
		bpf_res_spin_unlock(&cell->lock);
	}
	bpf_res_spin_unlock(&lock_c);
	return 0;
}

SEC("tc") int bad_same_twice(struct __sk_buff *skb)
{
	if (bpf_res_spin_lock(&lock_c))
		return 0;
	if (bpf_res_spin_lock(&lock_c) == 0)
		bpf_res_spin_unlock(&lock_c);
	bpf_res_spin_unlock(&lock_c);
	return 0;
}

SEC("tc") int bad_out_of_order(struct __sk_buff *skb)
{
	if (bpf_res_spin_lock(&lock_c))
		return 0;
	if (bpf_res_spin_lock(&lock_d)) {
		bpf_res_spin_unlock(&lock_c);
		return 0;
	}
	bpf_res_spin_unlock(&lock_c);
	bpf_res_spin_unlock(&lock_d);
	return 0;
}

SEC("tc") int bad_gives_back_another(struct __sk_buff *skb)
{
	if (bpf_res_spin_lock(&lock_c))
		return 0;
	bpf_res_spin_unlock(&lock_d);
	return 0;
}

SEC("tc") int bad_never_gives_back(struct __sk_buff *skb)
{
	return bpf_res_spin_lock(&lock_c) != 0;
}

SEC("tc") int bad_gives_back_untaken(struct __sk_buff *skb)
{
	bpf_res_spin_unlock(&lock_c);
	return 0;
}

SEC("tc") int bad_helper_while_held(struct __sk_buff *skb)
{
	if (bpf_res_spin_lock(&lock_c))
		return 0;
	skb->mark = get_prandom_u32();
	bpf_res_spin_unlock(&lock_c);
	return 0;
}

SEC("tc") int with_flags(struct __sk_buff *skb)
{
	unsigned long flags;

	if (bpf_res_spin_lock_irqsave(&lock_c, &flags))
		return 0;
	bpf_res_spin_unlock_irqrestore(&lock_c, &flags);
	return 0;
}

SEC("tc") int bad_with_flags_then_without(struct __sk_buff *skb)
{
	unsigned long flags;

	if (bpf_res_spin_lock_irqsave(&lock_c, &flags))
		return 0;
	bpf_res_spin_unlock(&lock_c);
	return 0;
}

SEC("tc") int bad_restores_flags_of_lock(struct __sk_buff *skb)
{
	unsigned long flags;

	if (bpf_res_spin_lock_irqsave(&lock_c, &flags))
		return 0;
	bpf_local_irq_restore(&flags);
	bpf_res_spin_unlock(&lock_c);
	return 0;
}

SEC("tc") int bad_gives_back_with_native_flags(struct __sk_buff *skb)
{
	unsigned long flags, native;

	if (bpf_res_spin_lock_irqsave(&lock_c, &flags))
		return 0;
	bpf_res_spin_unlock_irqrestore(&lock_c, &native);
	return 0;
}

SEC("tc") int bad_spin_in_res(struct __sk_buff *skb)
{
	struct cell *a = find(0);

	if (!a)
		return 0;
	if (bpf_res_spin_lock((void *)&a->lock) == 0)
		bpf_res_spin_unlock((void *)&a->lock);
	return 0;
}

SEC("tc") int bad_res_beside(struct __sk_buff *skb)
{
	struct rescell *a = findres(0);

	if (!a)
		return 0;
	if (bpf_res_spin_lock((void *)&a->more) == 0)
		bpf_res_spin_unlock((void *)&a->more);
	return 0;
}

SEC("tc") int bad_res_on_stack(struct __sk_buff *skb)
{
	struct bpf_res_spin_lock lock = {};

	if (bpf_res_spin_lock(&lock) == 0)
		bpf_res_spin_unlock(&lock);
	return 0;
}

SEC("tc") int bad_reads_res_lock(struct __sk_buff *skb)
{
	struct rescell *a = findres(0);

	return a ? *(volatile u32 *)&a->lock : 0;
}

SEC("tc") int bad_object_res_lock(struct __sk_buff *skb)
{
	struct rescell *cell = NEW(struct rescell);

	if (!cell)
		return 0;
	if (bpf_res_spin_lock(&cell->lock) == 0) {
		cell->value++;
		bpf_res_spin_unlock(&cell->lock);
	}
	DROP(cell);
	return 0;
}

SEC("tc") int counted_object_res_lock(struct __sk_buff *skb)
{
	struct counted *c = NEW(struct counted);

	if (!c)
		return 0;
	if (bpf_res_spin_lock(&c->lock) == 0) {
		c->value++;
		bpf_res_spin_unlock(&c->lock);
	}
	DROP(c);
	return 0;
}

SEC("tc") int list_under_res_lock(struct __sk_buff *skb)
{
	struct item *item = NEW(struct item);

	if (!item)
		return 0;
	if (bpf_res_spin_lock(&lock_e)) {
		DROP(item);
		return 0;
	}
	PUSH_FRONT(&list_e, &item->link);
	item->value = 1;
	bpf_res_spin_unlock(&lock_e);
	return 0;
}

SEC("tc") int bad_list_beside_res_lock(struct __sk_buff *skb)
{
	struct item *item = NEW(struct item);

	if (item)
		PUSH_FRONT(&list_e, &item->link);
	return 0;
}

SEC("tc") int bad_list_kept_seen_after_res_unlock(struct __sk_buff *skb)
{
	struct bpf_list_node *node;

	if (bpf_res_spin_lock(&lock_e))
		return 0;
	node = bpf_list_front(&list_e);
	bpf_res_spin_unlock(&lock_e);
	return node ? container_of(node, struct item, link)->value : 0;
}

SEC("tc") int res_lock_inside_spin_lock(struct __sk_buff *skb)
{
	struct cell *a = find(0);

	if (!a)
		return 0;
	spin_lock(&a->lock);
	if (bpf_res_spin_lock(&lock_c) == 0)
		bpf_res_spin_unlock(&lock_c);
	spin_unlock(&a->lock);
	return 0;
}

SEC("tc") int bad_spin_lock_inside_res_lock(struct __sk_buff *skb)
{
	struct cell *a = find(0);

	if (!a)
		return 0;
	if (bpf_res_spin_lock(&lock_c) == 0) {
		spin_lock(&a->lock);
		spin_unlock(&a->lock);
		bpf_res_spin_unlock(&lock_c);
	}
	return 0;
}

SEC("tc") int failure_is_negative(struct __sk_buff *skb)
{
	int err = bpf_res_spin_lock(&lock_c);

	if (err < 0)
		return err < -4095;
	bpf_res_spin_unlock(&lock_c);
	return 0;
}

SEC("tc") int locks_in_a_loop(struct __sk_buff *skb)
{
	for (int i = 0; i < 100; i++) {
		if (bpf_res_spin_lock(&lock_c))
			break;
		bpf_res_spin_unlock(&lock_c);
	}
	return 0;
}

KFUNC int bpf_stream_vprintk_impl(int stream, const char *fmt, const void *args, u32 size, void *prog);
static const char word[] = "held";

SEC("tc") int bad_prints_to_stream_under_lock(struct __sk_buff *skb)
{
	spin_lock(&lock_a);
	bpf_stream_vprintk_impl(1, word, 0, 0, 0);
	spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int rcu_and_preemption_around_irq(struct __sk_buff *skb)
{
	unsigned long flags;

	bpf_rcu_read_lock();
	bpf_preempt_disable();
	bpf_local_irq_save(&flags);
	bpf_local_irq_restore(&flags);
	bpf_preempt_enable();
	bpf_rcu_read_unlock();
	return 0;
}

SEC("tc") int bad_rcu_under_lock(struct __sk_buff *skb)
{
	spin_lock(&lock_a);
	bpf_rcu_read_lock();
	spin_unlock(&lock_a);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("tc") int irq_saved(struct __sk_buff *skb)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	skb->mark = get_prandom_u32();
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("tc") int irq_nested(struct __sk_buff *skb)
{
	unsigned long a, b;

	bpf_local_irq_save(&a);
	bpf_local_irq_save(&b);
	bpf_local_irq_restore(&b);
	bpf_local_irq_restore(&a);
	return 0;
}

SEC("tc") int bad_irq_out_of_order(struct __sk_buff *skb)
{
	unsigned long a, b;

	bpf_local_irq_save(&a);
	bpf_local_irq_save(&b);
	bpf_local_irq_restore(&a);
	bpf_local_irq_restore(&b);
	return 0;
}

SEC("tc") int bad_irq_never_restored(struct __sk_buff *skb)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	return 0;
}

SEC("tc") int bad_irq_saved_twice(struct __sk_buff *skb)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	bpf_local_irq_save(&flags);
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("tc") int bad_irq_restored_twice(struct __sk_buff *skb)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	bpf_local_irq_restore(&flags);
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("tc") int bad_irq_unsaved(struct __sk_buff *skb)
{
	unsigned long flags = 0;

	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("tc") int bad_irq_in_global(struct __sk_buff *skb)
{
	bpf_local_irq_save((void *)&value_a);
	bpf_local_irq_restore((void *)&value_a);
	return 0;
}

SEC("tc") int bad_irq_askew(struct __sk_buff *skb)
{
	char room[16];

	bpf_local_irq_save((void *)&room[4]);
	bpf_local_irq_restore((void *)&room[4]);
	return 0;
}

SEC("tc") int bad_irq_overwritten(struct __sk_buff *skb)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	*(volatile unsigned long *)&flags = 0;
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("tc") int bad_irq_read(struct __sk_buff *skb)
{
	unsigned long flags, seen;

	bpf_local_irq_save(&flags);
	seen = *(volatile unsigned long *)&flags;
	bpf_local_irq_restore(&flags);
	return seen & 1;
}

NOINLINE static void restore(unsigned long *flags)
{
	bpf_local_irq_restore(flags);
}

SEC("tc") int irq_restored_by_function(struct __sk_buff *skb)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	restore(&flags);
	return 0;
}

SEC("tc") int irq_calls_global(struct __sk_buff *skb)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	skb->mark = global_function(1);
	bpf_local_irq_restore(&flags);
	return 0;
}

HELPER(long, copy_from_user, 148, void *dst, u32 size, const void *from);

SEC("syscall") int bad_irq_sleeps(void *ctx)
{
	unsigned long flags;
	u32 there = 0;

	bpf_local_irq_save(&flags);
	copy_from_user(&there, 4, 0);
	bpf_local_irq_restore(&flags);
	return there & 1;
}

SEC("tc") int irq_on_one_path(struct __sk_buff *skb)
{
	unsigned long flags;
	u32 n = skb->len;

	if (n > 100)
		bpf_local_irq_save(&flags);
	skb->mark = n;
	if (n > 100)
		bpf_local_irq_restore(&flags);
	return 0;
}

LICENSE("GPL");
