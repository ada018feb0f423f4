// SPDX-License-Identifier: Apache-2.0
// Kernel functions and kernel structs: iterators, dynptrs, RCU and preemption, tasks and their fields,
// trusted and untrusted pointers.
#include "twins.h"

LICENSE("GPL");
struct {
	MAP_UINT(type, BPF_MAP_TYPE_RINGBUF);
	MAP_UINT(max_entries, 4096);
} ring SEC(".maps");

struct task_struct { int pid; struct task_struct *real_parent; struct task_struct *last_wakee; } __attribute__((preserve_access_index));
struct cgroup;
struct bpf_iter_num { u64 state; } __attribute__((aligned(8)));
struct bpf_iter_bits { u64 state[2]; } __attribute__((aligned(8)));
struct bpf_iter_task { u64 state[3]; } __attribute__((aligned(8)));

KFUNC int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end);
KFUNC int *bpf_iter_num_next(struct bpf_iter_num *it);
KFUNC void bpf_iter_num_destroy(struct bpf_iter_num *it);
KFUNC int bpf_iter_bits_new(struct bpf_iter_bits *it, const u64 *words, u32 count);
KFUNC int *bpf_iter_bits_next(struct bpf_iter_bits *it);
KFUNC void bpf_iter_bits_destroy(struct bpf_iter_bits *it);
KFUNC int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task, u32 flags);
KFUNC struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it);
KFUNC void bpf_iter_task_destroy(struct bpf_iter_task *it);
KFUNC void bpf_rcu_read_lock(void);
KFUNC void bpf_rcu_read_unlock(void);
KFUNC void bpf_preempt_disable(void);
KFUNC void bpf_preempt_enable(void);
KFUNC struct task_struct *bpf_task_acquire(struct task_struct *p);
KFUNC struct task_struct *bpf_task_from_pid(s32 pid);
KFUNC void bpf_task_release(struct task_struct *p);
KFUNC void *bpf_cast_to_kern_ctx(void *ctx);
KFUNC void *bpf_rdonly_cast(const void *p, u32 id);
KFUNC int bpf_dynptr_from_skb(struct __sk_buff *skb, u64 flags, struct bpf_dynptr *p);
KFUNC int bpf_dynptr_from_xdp(struct xdp_md *ctx, u64 flags, struct bpf_dynptr *p);
KFUNC void *bpf_dynptr_slice(const struct bpf_dynptr *p, u32 off, void *buf, u32 size);
KFUNC void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, u32 off, void *buf, u32 size);
KFUNC int bpf_dynptr_adjust(const struct bpf_dynptr *p, u32 start, u32 end);
KFUNC _Bool bpf_dynptr_is_null(const struct bpf_dynptr *p);
KFUNC u32 bpf_dynptr_size(const struct bpf_dynptr *p);
KFUNC int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *copy);

HELPER(struct task_struct *, get_current_task_btf, 158, void);
HELPER(long, dynptr_from_mem, 197, void *data, u32 size, u64 flags, struct bpf_dynptr *p);
HELPER(long, ringbuf_reserve_dynptr, 198, void *ring, u32 size, u64 flags, struct bpf_dynptr *p);
HELPER(void, ringbuf_submit_dynptr, 199, struct bpf_dynptr *p, u64 flags);
HELPER(long, dynptr_read, 201, void *to, u32 size, const struct bpf_dynptr *p, u32 off, u64 flags);
HELPER(void *, dynptr_data, 203, const struct bpf_dynptr *p, u32 off, u32 size);
HELPER(long, skb_pull_data, 39, struct __sk_buff *skb, u32 size);

volatile u64 seen;
u8 memory[16];

/* ---- iterators ---- */
INLINE int numbers(struct xdp_md *ctx, int bad)
{
	struct bpf_iter_num it;
	int sum = 0, *i;

	bpf_iter_num_new(&it, 0, 10);
	while ((i = bpf_iter_num_next(&it)))
		sum += *i;
	if (!bad)
		bpf_iter_num_destroy(&it);
	return sum;
}
PAIR("xdp", struct xdp_md, numbers)

INLINE int numbers_unchecked(struct xdp_md *ctx, int bad)
{
	struct bpf_iter_num it;
	int *i;

	bpf_iter_num_new(&it, 0, 10);
	i = bpf_iter_num_next(&it);
	if (bad || i)
		seen = *(volatile int *)i;
	bpf_iter_num_destroy(&it);
	return 0;
}
PAIR("xdp", struct xdp_md, numbers_unchecked)

INLINE int numbers_written(struct xdp_md *ctx, int bad)
{
	struct bpf_iter_num it;
	int *i;

	bpf_iter_num_new(&it, 0, 10);
	while ((i = bpf_iter_num_next(&it)))
		if (bad)
			*(volatile int *)i = 0;
	bpf_iter_num_destroy(&it);
	return 0;
}
PAIR("xdp", struct xdp_md, numbers_written)

INLINE int numbers_index(struct xdp_md *ctx, int bad)
{
	struct bpf_iter_num it;
	int *i;

	bpf_iter_num_new(&it, 0, 16);
	while ((i = bpf_iter_num_next(&it))) {
		u32 at = *i;

		if (!bad && at >= sizeof(memory))
			break;
		OPAQUE(at);
		seen += memory[at & (bad ? 31 : 15)];
	}
	bpf_iter_num_destroy(&it);
	return 0;
}
PAIR("xdp", struct xdp_md, numbers_index)

INLINE int numbers_twice(struct xdp_md *ctx, int bad)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 10);
	if (!bad)
		bpf_iter_num_destroy(&it);
	bpf_iter_num_new(&it, 0, 10);
	bpf_iter_num_destroy(&it);
	return 0;
}
PAIR("xdp", struct xdp_md, numbers_twice)

INLINE int bits(struct xdp_md *ctx, int bad)
{
	struct bpf_iter_bits it;
	u64 words[2] = { 5, 9 };
	int *i;

	bpf_iter_bits_new(&it, words, bad ? 3 : 2);
	while ((i = bpf_iter_bits_next(&it)))
		seen += *i;
	bpf_iter_bits_destroy(&it);
	return 0;
}
SEC("xdp") int fine_bits(struct xdp_md *ctx) { return bits(ctx, 0); }

INLINE int tasks(void *ctx, int bad)
{
	struct bpf_iter_task it;
	struct task_struct *t;

	if (!bad)
		bpf_rcu_read_lock();
	bpf_iter_task_new(&it, 0, 0);
	while ((t = bpf_iter_task_next(&it)))
		seen += t->pid;
	bpf_iter_task_destroy(&it);
	if (!bad)
		bpf_rcu_read_unlock();
	return 0;
}
SEC("raw_tp/sys_enter") int fine_tasks(void *ctx) { return tasks(ctx, 0); }
SEC("syscall") int bad_tasks(void *ctx) { return tasks(ctx, 1); }

/* ---- dynptrs ---- */
INLINE int of_memory(struct xdp_md *ctx, int bad)
{
	struct bpf_dynptr p;
	u8 *d;

	dynptr_from_mem(memory, bad ? sizeof(memory) + 1 : sizeof(memory), 0, &p);
	d = dynptr_data(&p, 0, 8);
	return d ? d[7] : 0;
}
PAIR("xdp", struct xdp_md, of_memory)

INLINE int data_end(struct xdp_md *ctx, int bad)
{
	struct bpf_dynptr p;
	volatile u8 *d;

	dynptr_from_mem(memory, sizeof(memory), 0, &p);
	d = dynptr_data(&p, 0, 8);
	return d ? d[bad ? 8 : 7] : 0;
}
PAIR("xdp", struct xdp_md, data_end)

INLINE int data_unchecked(struct xdp_md *ctx, int bad)
{
	struct bpf_dynptr p;
	volatile u8 *d;

	dynptr_from_mem(memory, sizeof(memory), 0, &p);
	d = dynptr_data(&p, 0, 8);
	return bad || d ? d[0] : 0;
}
PAIR("xdp", struct xdp_md, data_unchecked)

INLINE int reserved(struct xdp_md *ctx, int bad)
{
	struct bpf_dynptr p;

	ringbuf_reserve_dynptr(&ring, 16, 0, &p);
	if (!bad)
		ringbuf_submit_dynptr(&p, 0);
	return 0;
}
PAIR("xdp", struct xdp_md, reserved)

INLINE int reserved_used(struct xdp_md *ctx, int bad)
{
	struct bpf_dynptr p;
	volatile u8 *d;

	ringbuf_reserve_dynptr(&ring, 16, 0, &p);
	d = dynptr_data(&p, 0, 8);
	if (d && !bad)
		d[0] = 1;
	ringbuf_submit_dynptr(&p, 0);
	if (d && bad)
		d[0] = 1;
	return 0;
}
PAIR("xdp", struct xdp_md, reserved_used)

INLINE int overwritten(struct xdp_md *ctx, int bad)
{
	struct bpf_dynptr p;

	ringbuf_reserve_dynptr(&ring, 16, 0, &p);
	if (bad)
		*(volatile u64 *)&p = 1;
	ringbuf_submit_dynptr(&p, 0);
	return 0;
}
PAIR("xdp", struct xdp_md, overwritten)

INLINE int uninitialised(struct xdp_md *ctx, int bad)
{
	struct bpf_dynptr p;
	u8 to[8];

	if (!bad)
		dynptr_from_mem(memory, sizeof(memory), 0, &p);
	return dynptr_read(to, sizeof(to), &p, 0, 0);
}
PAIR("xdp", struct xdp_md, uninitialised)

INLINE int slice(struct __sk_buff *skb, int bad)
{
	struct bpf_dynptr p;
	u8 room[16];
	volatile u8 *d;

	bpf_dynptr_from_skb(skb, 0, &p);
	d = bpf_dynptr_slice(&p, 0, room, 14);
	return d ? d[bad ? 14 : 13] : 0;
}
PAIR("tc", struct __sk_buff, slice)

INLINE int slice_room(struct __sk_buff *skb, int bad)
{
	struct bpf_dynptr p;
	u8 room[8];
	volatile u8 *d;

	bpf_dynptr_from_skb(skb, 0, &p);
	d = bpf_dynptr_slice(&p, 0, room, bad ? 520 : 8);
	return d ? d[0] : 0;
}
PAIR("tc", struct __sk_buff, slice_room)

INLINE int slice_written(struct __sk_buff *skb, int bad)
{
	struct bpf_dynptr p;
	u8 room[16];
	volatile u8 *d;

	bpf_dynptr_from_skb(skb, 0, &p);
	d = bad ? bpf_dynptr_slice(&p, 0, room, 14) : bpf_dynptr_slice_rdwr(&p, 0, room, 14);
	if (d)
		d[0] = 1;
	return 0;
}
PAIR("tc", struct __sk_buff, slice_written)

INLINE int slice_moved(struct __sk_buff *skb, int bad)
{
	struct bpf_dynptr p;
	u8 room[16];
	volatile u8 *d;

	bpf_dynptr_from_skb(skb, 0, &p);
	d = bpf_dynptr_slice(&p, 0, room, 14);
	if (bad)
		skb_pull_data(skb, 0);
	return d ? d[0] : 0;
}
PAIR("tc", struct __sk_buff, slice_moved)

INLINE int slice_size(struct xdp_md *ctx, int bad)
{
	struct bpf_dynptr p;
	u8 room[64];
	u32 size = ctx->rx_queue_index;

	bpf_dynptr_from_xdp(ctx, 0, &p);
	OPAQUE(size);
	seen = (u64)bpf_dynptr_slice(&p, 0, room, bad ? size : 64) != 0;
	return 0;
}
PAIR("xdp", struct xdp_md, slice_size)

INLINE int clones(struct xdp_md *ctx, int bad)
{
	struct bpf_dynptr p, q;

	ringbuf_reserve_dynptr(&ring, 16, 0, &p);
	bpf_dynptr_clone(&p, &q);
	seen = bpf_dynptr_size(&q);
	ringbuf_submit_dynptr(&p, 0);
	if (bad)
		seen = bpf_dynptr_size(&q);
	return 0;
}
PAIR("xdp", struct xdp_md, clones)

/* ---- regions ---- */
INLINE int rcu_region(struct xdp_md *ctx, int bad)
{
	bpf_rcu_read_lock();
	if (!bad)
		bpf_rcu_read_unlock();
	return 0;
}
PAIR("xdp", struct xdp_md, rcu_region)

INLINE int rcu_unpaired(struct xdp_md *ctx, int bad)
{
	if (!bad)
		bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return 0;
}
PAIR("xdp", struct xdp_md, rcu_unpaired)

INLINE int preempt_region(struct xdp_md *ctx, int bad)
{
	bpf_preempt_disable();
	bpf_preempt_disable();
	bpf_preempt_enable();
	if (!bad)
		bpf_preempt_enable();
	return 0;
}
PAIR("xdp", struct xdp_md, preempt_region)

INLINE int preempt_unpaired(struct xdp_md *ctx, int bad)
{
	if (!bad)
		bpf_preempt_disable();
	bpf_preempt_enable();
	return 0;
}
PAIR("xdp", struct xdp_md, preempt_unpaired)

/* ---- tasks ---- */
INLINE int task_field(void *ctx, int bad)
{
	struct task_struct *t = get_current_task_btf();

	if (bad)
		*(volatile int *)&t->pid = 1;
	seen = t->pid;
	return 0;
}
PAIR("raw_tp/sys_enter", void, task_field)

INLINE int task_acquired(void *ctx, int bad)
{
	struct task_struct *t = bpf_task_acquire(get_current_task_btf());

	if (t && !bad)
		bpf_task_release(t);
	return 0;
}
PAIR("tracepoint/syscalls/sys_enter_bpf", void, task_acquired)

INLINE int task_released(void *ctx, int bad)
{
	struct task_struct *t = bpf_task_from_pid(1);

	if (bad || t)
		bpf_task_release(t);
	return 0;
}
PAIR("tracepoint/syscalls/sys_enter_bpf", void, task_released)

INLINE int task_walked(void *ctx, int bad)
{
	struct task_struct *t = get_current_task_btf(), *up;

	bpf_rcu_read_lock();
	up = bpf_task_acquire(bad ? t->last_wakee : t);
	bpf_rcu_read_unlock();
	if (up)
		bpf_task_release(up);
	return 0;
}
PAIR("tracepoint/syscalls/sys_enter_bpf", void, task_walked)

INLINE int task_not_mine(void *ctx, int bad)
{
	struct task_struct *t = get_current_task_btf();

	if (bad)
		bpf_task_release(t);
	return 0;
}
PAIR("tracepoint/syscalls/sys_enter_bpf", void, task_not_mine)

INLINE int task_null(void *ctx, int bad)
{
	struct task_struct *t = bpf_task_acquire(bad ? 0 : get_current_task_btf());

	if (t)
		bpf_task_release(t);
	return 0;
}
PAIR("tracepoint/syscalls/sys_enter_bpf", void, task_null)

INLINE int task_used_after(void *ctx, int bad)
{
	struct task_struct *t = bpf_task_from_pid(1);

	if (!t)
		return 0;
	if (!bad)
		seen = t->pid;
	bpf_task_release(t);
	if (bad)
		seen = t->pid;
	return 0;
}
PAIR("tracepoint/syscalls/sys_enter_bpf", void, task_used_after)

INLINE int task_in_net(struct xdp_md *ctx, int bad)
{
	struct task_struct *t;

	if (!bad)
		return 0;
	t = bpf_task_from_pid(1);
	if (t)
		bpf_task_release((void *)ctx);
	return 0;
}
PAIR("xdp", struct xdp_md, task_in_net)

/* ---- casts ---- */
struct sk_buff { u32 len; } __attribute__((preserve_access_index));
INLINE int cast_ctx(struct __sk_buff *skb, int bad)
{
	struct sk_buff *kernel = bpf_cast_to_kern_ctx(bad ? (void *)&seen : skb);

	seen = kernel->len;
	return 0;
}
PAIR("tc", struct __sk_buff, cast_ctx)

INLINE int cast_written(struct __sk_buff *skb, int bad)
{
	struct sk_buff *kernel = bpf_cast_to_kern_ctx(skb);

	if (bad)
		*(volatile u32 *)&kernel->len = 1;
	return kernel->len;
}
PAIR("tc", struct __sk_buff, cast_written)
