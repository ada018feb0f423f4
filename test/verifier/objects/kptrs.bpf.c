// SPDX-License-Identifier: Apache-2.0
// Pointers kept in map values and in objects: exchanged, loaded, stored. Names that begin with bad_ are refused.
#include "own.h"

struct args {
	u32 mark;
};

struct pair {
	long first;
	long second;
};

struct box {
	long size;
	struct pair KEPT *pair;
	struct task_struct KEPT *task;
};

struct kept {
	long count;
	struct task_struct KEPT *task;
	struct task_struct KEPT_UNTRUSTED *seen;
	struct pair KEPT *pair;
	struct box KEPT *box;
	struct bpf_cpumask KEPT *masks[2];
};

struct each {
	struct pair KEPT_PERCPU *pair;
};

struct {
	MAP_UINT(type, 2);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct kept);
	MAP_UINT(max_entries, 4);
} values SEC(".maps");

struct {
	MAP_UINT(type, 2);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct each);
	MAP_UINT(max_entries, 4);
} percpu SEC(".maps");

struct bpf_cpumask KEPT *global_mask;

static struct kept *find(u32 key)
{
	return map_lookup(&values, &key);
}

SEC("tc") int put_task(struct __sk_buff *skb)
{
	struct kept *v = find(0);
	struct task_struct *task;

	if (!v)
		return 0;
	task = bpf_task_from_pid(1);
	if (!task)
		return 0;
	task = kptr_xchg(&v->task, task);
	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("tc") int bad_forgets_old_task(struct __sk_buff *skb)
{
	struct kept *v = find(0);
	struct task_struct *task;

	if (!v)
		return 0;
	task = bpf_task_from_pid(1);
	if (!task)
		return 0;
	task = kptr_xchg(&v->task, task);
	return task != 0;
}

SEC("tc") int bad_uses_what_is_kept(struct __sk_buff *skb)
{
	struct kept *v = find(0);
	struct task_struct *task, *old;

	if (!v)
		return 0;
	task = bpf_task_from_pid(1);
	if (!task)
		return 0;
	old = kptr_xchg(&v->task, task);
	if (old)
		bpf_task_release(old);
	return task->pid;
}

SEC("tc") int bad_keeps_maybe_null(struct __sk_buff *skb)
{
	struct kept *v = find(0);
	struct task_struct *old;

	if (!v)
		return 0;
	old = kptr_xchg(&v->task, bpf_task_from_pid(1));
	if (old)
		bpf_task_release(old);
	return 0;
}

SEC("tc") int take_task(struct __sk_buff *skb)
{
	struct kept *v = find(0);
	struct task_struct *task;

	if (!v)
		return 0;
	task = kptr_xchg(&v->task, 0);
	if (!task)
		return 0;
	skb->mark = task->pid;
	bpf_task_release(task);
	return 0;
}

SEC("tc") int bad_keeps_another_type(struct __sk_buff *skb)
{
	struct kept *v = find(0);
	struct task_struct *task;

	if (!v)
		return 0;
	task = bpf_task_from_pid(1);
	if (!task)
		return 0;
	task = kptr_xchg(&v->masks[0], task);
	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("tc") int bad_keeps_unheld(struct __sk_buff *skb)
{
	struct kept *v = find(0);
	struct task_struct *task;

	if (!v)
		return 0;
	task = v->task;
	if (!task)
		return 0;
	task = kptr_xchg(&v->task, task);
	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("tc") int bad_exchanges_untrusted(struct __sk_buff *skb)
{
	struct kept *v = find(0);

	return v && kptr_xchg(&v->seen, 0);
}

SEC("tc") int bad_exchanges_number(struct __sk_buff *skb)
{
	struct kept *v = find(0);

	return v && kptr_xchg(&v->count, 0);
}

SEC("tc") int bad_exchanges_somewhere(struct __sk_buff *skb)
{
	struct kept *v = find(0);
	u32 i = skb->len & 1;

	return v && kptr_xchg(&v->masks[i], 0);
}

SEC("tc") int bad_exchanges_without_value(struct __sk_buff *skb)
{
	return kptr_xchg(&find(0)->task, 0) != 0;
}

SEC("tc") int follow_kept_task(struct __sk_buff *skb)
{
	struct kept *v = find(0);
	struct task_struct *task;

	if (!v)
		return 0;
	task = v->task;
	if (!task)
		return 0;
	skb->mark = task->pid;
	task = bpf_task_acquire(task);
	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("tc") int bad_follows_maybe_null(struct __sk_buff *skb)
{
	struct kept *v = find(0);

	return v ? v->task->pid : 0;
}

SEC("tc") int bad_releases_loaded(struct __sk_buff *skb)
{
	struct kept *v = find(0);

	if (v && v->task)
		bpf_task_release(v->task);
	return 0;
}

SEC("syscall") int follow_under_rcu(void *ctx)
{
	struct kept *v = find(0);
	struct task_struct *task;
	int pid = 0;

	if (!v)
		return 0;
	bpf_rcu_read_lock();
	task = v->task;
	if (task) {
		pid = task->pid;
		task = bpf_task_acquire(task);
	}
	bpf_rcu_read_unlock();
	if (task)
		bpf_task_release(task);
	return pid;
}

SEC("syscall") int bad_acquires_outside_of_rcu(void *ctx)
{
	struct kept *v = find(0);
	struct task_struct *task;

	if (!v)
		return 0;
	task = v->task;
	if (!task)
		return 0;
	task = bpf_task_acquire(task);
	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("syscall") int bad_acquires_after_rcu(void *ctx)
{
	struct kept *v = find(0);
	struct task_struct *task;

	if (!v)
		return 0;
	bpf_rcu_read_lock();
	task = v->task;
	bpf_rcu_read_unlock();
	if (!task)
		return 0;
	task = bpf_task_acquire(task);
	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("tc") int store_untrusted(struct __sk_buff *skb)
{
	struct kept *v = find(0);
	struct task_struct *task;

	if (!v)
		return 0;
	task = bpf_task_from_pid(1);
	if (!task)
		return 0;
	v->seen = task;
	bpf_task_release(task);
	return 0;
}

SEC("tc") int store_null(struct __sk_buff *skb)
{
	struct kept *v = find(0);

	if (v)
		v->seen = 0;
	return 0;
}

SEC("tc") int read_untrusted(struct __sk_buff *skb)
{
	struct kept *v = find(0);
	struct task_struct *task;

	if (!v)
		return 0;
	task = v->seen;
	if (!task)
		return 0;
	skb->mark = task->group_leader->pid;
	return 0;
}

SEC("tc") int bad_acquires_untrusted(struct __sk_buff *skb)
{
	struct kept *v = find(0);
	struct task_struct *task;

	if (!v)
		return 0;
	task = v->seen;
	if (!task)
		return 0;
	task = bpf_task_acquire(task);
	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("tc") int bad_stores_number(struct __sk_buff *skb)
{
	struct kept *v = find(0);

	if (v)
		v->seen = (void *)(long)skb->len;
	return 0;
}

SEC("tc") int bad_stores_constant(struct __sk_buff *skb)
{
	struct kept *v = find(0);

	if (v)
		asm volatile("*(u64 *)(%0 + 16) = 1" ::"r"(v) : "memory");
	return 0;
}

SEC("tc") int bad_stores_counted(struct __sk_buff *skb)
{
	struct kept *v = find(0);

	if (v)
		*(volatile long *)&v->task = 0;
	return 0;
}

SEC("syscall") int bad_stores_other_type(struct args *skb)
{
	struct kept *v = find(0);
	struct bpf_cpumask *mask;

	if (!v)
		return 0;
	mask = bpf_cpumask_create();
	if (!mask)
		return 0;
	v->seen = (void *)mask;
	bpf_cpumask_release(mask);
	return 0;
}

SEC("tc") int bad_loads_half(struct __sk_buff *skb)
{
	struct kept *v = find(0);

	return v ? *(volatile u32 *)&v->task : 0;
}

SEC("tc") int bad_loads_askew(struct __sk_buff *skb)
{
	struct kept *v = find(0);

	return v ? *(volatile u32 *)((void *)&v->task + 4) : 0;
}

SEC("tc") int bad_loads_somewhere(struct __sk_buff *skb)
{
	struct kept *v = find(0);
	u32 i = skb->len & 1;

	return v && v->masks[i];
}

SEC("tc") int bad_adds_atomically(struct __sk_buff *skb)
{
	struct kept *v = find(0);

	if (v)
		__sync_fetch_and_add((u64 *)&v->seen, 1);
	return 0;
}

SEC("tc") int bad_hands_to_helper(struct __sk_buff *skb)
{
	u32 key = 1;
	struct kept *v = find(0);

	if (v)
		map_update(&values, &key, v, 0);
	return 0;
}

SEC("syscall") int bad_mask_outside_of_rcu(struct args *skb)
{
	struct kept *v = find(0);
	struct bpf_cpumask *mask;

	if (!v)
		return 0;
	mask = bpf_cpumask_create();
	if (!mask)
		return 0;
	bpf_cpumask_set_cpu(0, mask);
	mask = kptr_xchg(&v->masks[1], mask);
	if (mask)
		bpf_cpumask_release(mask);
	mask = v->masks[1];
	if (mask)
		skb->mark = bpf_cpumask_test_cpu(0, (void *)mask);
	return 0;
}

SEC("syscall") int global_pointer(struct args *skb)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (!mask)
		return 0;
	mask = kptr_xchg(&global_mask, mask);
	if (mask)
		bpf_cpumask_release(mask);
	bpf_rcu_read_lock();
	mask = global_mask;
	if (mask)
		skb->mark = bpf_cpumask_test_cpu(0, (void *)mask);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("syscall") int bad_global_pointer_unchecked(struct args *skb)
{
	return bpf_cpumask_test_cpu(0, (void *)global_mask);
}

SEC("tc") int own_object(struct __sk_buff *skb)
{
	struct kept *v = find(0);
	struct pair *p;

	if (!v)
		return 0;
	p = NEW(struct pair);
	if (!p)
		return 0;
	p->first = skb->len;
	p = kptr_xchg(&v->pair, p);
	if (p)
		DROP(p);
	p = v->pair;
	if (p)
		p->second = p->first;
	return 0;
}

SEC("tc") int bad_drops_loaded_object(struct __sk_buff *skb)
{
	struct kept *v = find(0);
	struct pair *p;

	if (!v)
		return 0;
	p = v->pair;
	if (p)
		DROP(p);
	return 0;
}

SEC("tc") int bad_keeps_other_object(struct __sk_buff *skb)
{
	struct kept *v = find(0);
	struct pair *p;

	if (!v)
		return 0;
	p = NEW(struct pair);
	if (!p)
		return 0;
	p = kptr_xchg(&v->box, p);
	if (p)
		DROP(p);
	return 0;
}

SEC("syscall") int bad_writes_object_outside_of_rcu(void *ctx)
{
	struct kept *v = find(0);
	struct pair *p;

	if (!v)
		return 0;
	p = v->pair;
	if (p)
		p->second = 1;
	return 0;
}

SEC("tc") int object_in_object(struct __sk_buff *skb)
{
	struct box *box = NEW(struct box);
	struct pair *p;

	if (!box)
		return 0;
	p = NEW(struct pair);
	if (!p)
		goto out;
	p = kptr_xchg(&box->pair, p);
	if (p)
		DROP(p);
out:
	DROP(box);
	return 0;
}

SEC("tc") int bad_loads_from_object(struct __sk_buff *skb)
{
	struct box *box = NEW(struct box);
	long there;

	if (!box)
		return 0;
	there = (long)box->pair;
	DROP(box);
	return there != 0;
}

SEC("tc") int bad_exchanges_size(struct __sk_buff *skb)
{
	struct box *box = NEW(struct box);

	if (!box)
		return 0;
	kptr_xchg(&box->size, 0);
	DROP(box);
	return 0;
}

SEC("tc") int bad_exchanges_in_plain_object(struct __sk_buff *skb)
{
	struct pair *p = NEW(struct pair);

	if (!p)
		return 0;
	kptr_xchg(&p->first, 0);
	DROP(p);
	return 0;
}

SEC("tc") int bad_exchanges_in_loaded_object(struct __sk_buff *skb)
{
	struct kept *v = find(0);
	struct box *box;
	struct pair *p;

	if (!v)
		return 0;
	box = v->box;
	if (!box)
		return 0;
	p = kptr_xchg(&box->pair, 0);
	if (p)
		DROP(p);
	return 0;
}

SEC("tc") int percpu_object(struct __sk_buff *skb)
{
	u32 key = 0;
	struct each *e = map_lookup(&percpu, &key);
	struct pair *p, *old;

	if (!e)
		return 0;
	p = NEW_PERCPU(struct pair);
	if (!p)
		return 0;
	old = kptr_xchg(&e->pair, p);
	if (old)
		DROP_PERCPU(old);
	p = e->pair;
	if (p) {
		struct pair *here = this_cpu_ptr(p);
		here->first++;
		here = per_cpu_ptr(p, 0);
		if (here)
			here->second++;
	}
	return 0;
}

SEC("tc") int percpu_object_after_it_is_kept(struct __sk_buff *skb)
{
	u32 key = 0;
	struct each *e = map_lookup(&percpu, &key);
	struct pair *p, *old;

	if (!e)
		return 0;
	p = NEW_PERCPU(struct pair);
	if (!p)
		return 0;
	old = kptr_xchg(&e->pair, p);
	if (old)
		DROP_PERCPU(old);
	((struct pair *)this_cpu_ptr(p))->first = 1;
	return 0;
}

SEC("syscall") int bad_percpu_object_after_it_is_kept(void *ctx)
{
	u32 key = 0;
	struct each *e = map_lookup(&percpu, &key);
	struct pair *p, *old;

	if (!e)
		return 0;
	p = NEW_PERCPU(struct pair);
	if (!p)
		return 0;
	old = kptr_xchg(&e->pair, p);
	if (old)
		DROP_PERCPU(old);
	((struct pair *)this_cpu_ptr(p))->first = 1;
	return 0;
}

SEC("tc") int bad_reads_percpu_directly(struct __sk_buff *skb)
{
	u32 key = 0;
	struct each *e = map_lookup(&percpu, &key);

	return e && e->pair ? e->pair->first : 0;
}

SEC("tc") int bad_keeps_plain_in_percpu(struct __sk_buff *skb)
{
	u32 key = 0;
	struct each *e = map_lookup(&percpu, &key);
	struct pair *p;

	if (!e)
		return 0;
	p = NEW(struct pair);
	if (!p)
		return 0;
	p = kptr_xchg(&e->pair, p);
	if (p)
		DROP_PERCPU(p);
	return 0;
}

SEC("tc") int bad_drops_percpu_as_plain(struct __sk_buff *skb)
{
	struct pair *p = NEW_PERCPU(struct pair);

	if (p)
		DROP(p);
	return 0;
}

SEC("tc") int bad_percpu_with_fields(struct __sk_buff *skb)
{
	struct box *box = NEW_PERCPU(struct box);

	if (box)
		DROP_PERCPU(box);
	return 0;
}

SEC("tc") int bad_drops_twice(struct __sk_buff *skb)
{
	struct pair *p = NEW(struct pair);

	if (!p)
		return 0;
	DROP(p);
	DROP(p);
	return 0;
}

SEC("tc") int bad_drops_unchecked(struct __sk_buff *skb)
{
	DROP(NEW(struct pair));
	return 0;
}

SEC("tc") int bad_never_drops(struct __sk_buff *skb)
{
	struct pair *p = NEW(struct pair);

	return p ? p->first : 0;
}

SEC("tc") int bad_beyond_object(struct __sk_buff *skb)
{
	struct pair *p = NEW(struct pair);
	long past;

	if (!p)
		return 0;
	past = ((volatile long *)p)[2];
	DROP(p);
	return past;
}

SEC("tc") int bad_drops_shifted(struct __sk_buff *skb)
{
	struct pair *p = NEW(struct pair);

	if (!p)
		return 0;
	DROP(&p->second);
	return 0;
}

LICENSE("GPL");
