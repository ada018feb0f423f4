// SPDX-License-Identifier: Apache-2.0
// Objects of a program's own, and pointers it keeps: the kernel functions, helpers and tags for them.
#pragma once
#include <stddef.h>
#include "timer.h"

#define KFUNC extern __attribute__((section(".ksyms")))
#define TAG(name) __attribute__((btf_type_tag(name)))
#define KEPT TAG("kptr")
#define KEPT_UNTRUSTED TAG("kptr_untrusted")
#define KEPT_PERCPU TAG("percpu_kptr")
#define CONTAINS(type, node) __attribute__((btf_decl_tag("contains:" #type ":" #node)))
#define container_of(ptr, type, member) ((type *)((void *)(ptr) - offsetof(type, member)))
/// a data section of its own for variables that share a lock
#define PRIVATE(name) SEC(".bss." #name) __attribute__((visibility("hidden"), aligned(8)))

struct task_struct {
	int pid;
	struct task_struct *group_leader;
	const struct bpf_cpumask *nothing;
} __attribute__((preserve_access_index));
struct cgroup {
	int level;
} __attribute__((preserve_access_index));
struct file {
	int f_flags;
} __attribute__((preserve_access_index));
struct bpf_cpumask {
	u64 bits[1];
} __attribute__((preserve_access_index));
struct cpumask {
	u64 bits[1];
} __attribute__((preserve_access_index));

HELPER(void *, kptr_xchg, 194, void *field, void *ptr);
HELPER(void *, this_cpu_ptr, 154, const void *ptr);
HELPER(void *, per_cpu_ptr, 153, const void *ptr, u32 cpu);

KFUNC struct task_struct *bpf_task_from_pid(int pid);
KFUNC struct task_struct *bpf_task_acquire(struct task_struct *task);
KFUNC void bpf_task_release(struct task_struct *task);
KFUNC struct bpf_cpumask *bpf_cpumask_create(void);
KFUNC void bpf_cpumask_release(struct bpf_cpumask *mask);
KFUNC _Bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *mask);
KFUNC void bpf_cpumask_set_cpu(u32 cpu, struct bpf_cpumask *mask);
KFUNC void bpf_rcu_read_lock(void);
KFUNC void bpf_rcu_read_unlock(void);

KFUNC void *bpf_obj_new_impl(u64 type, void *meta);
KFUNC void bpf_obj_drop_impl(void *object, void *meta);
KFUNC void *bpf_percpu_obj_new_impl(u64 type, void *meta);
KFUNC void bpf_percpu_obj_drop_impl(void *object, void *meta);
KFUNC void *bpf_refcount_acquire_impl(void *object, void *meta);
#define NEW(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), 0))
#define DROP(object) bpf_obj_drop_impl(object, 0)
#define NEW_PERCPU(type) ((type *)bpf_percpu_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), 0))
#define DROP_PERCPU(object) bpf_percpu_obj_drop_impl(object, 0)
#define HOLD(object) bpf_refcount_acquire_impl(object, 0)

/// opaque to programs; their sizes are the kernel's
struct bpf_list_head {
	u64 opaque[2];
} __attribute__((aligned(8)));
struct bpf_list_node {
	u64 opaque[3];
} __attribute__((aligned(8)));
struct bpf_rb_root {
	u64 opaque[2];
} __attribute__((aligned(8)));
struct bpf_rb_node {
	u64 opaque[4];
} __attribute__((aligned(8)));
struct bpf_refcount {
	u32 opaque;
} __attribute__((aligned(4)));
struct bpf_res_spin_lock {
	u32 val;
} __attribute__((aligned(4)));
struct bpf_iter_num {
	u64 opaque;
} __attribute__((aligned(8)));

typedef _Bool less_fn(struct bpf_rb_node *a, const struct bpf_rb_node *b);

KFUNC int bpf_list_push_front_impl(struct bpf_list_head *head, struct bpf_list_node *node, void *meta, u64 off);
KFUNC int bpf_list_push_back_impl(struct bpf_list_head *head, struct bpf_list_node *node, void *meta, u64 off);
KFUNC struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *head);
KFUNC struct bpf_list_node *bpf_list_pop_back(struct bpf_list_head *head);
KFUNC struct bpf_list_node *bpf_list_front(struct bpf_list_head *head);
KFUNC struct bpf_list_node *bpf_list_back(struct bpf_list_head *head);
KFUNC int bpf_rbtree_add_impl(struct bpf_rb_root *root, struct bpf_rb_node *node, less_fn less, void *meta, u64 off);
KFUNC struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *root, struct bpf_rb_node *node);
KFUNC struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *root);
KFUNC struct bpf_rb_node *bpf_rbtree_root(struct bpf_rb_root *root);
KFUNC struct bpf_rb_node *bpf_rbtree_left(struct bpf_rb_root *root, struct bpf_rb_node *node);
KFUNC struct bpf_rb_node *bpf_rbtree_right(struct bpf_rb_root *root, struct bpf_rb_node *node);
#define PUSH_FRONT(head, node) bpf_list_push_front_impl(head, node, 0, 0)
#define PUSH_BACK(head, node) bpf_list_push_back_impl(head, node, 0, 0)
#define TREE_ADD(root, node, less) bpf_rbtree_add_impl(root, node, less, 0, 0)

KFUNC int bpf_res_spin_lock(struct bpf_res_spin_lock *lock);
KFUNC void bpf_res_spin_unlock(struct bpf_res_spin_lock *lock);
KFUNC int bpf_res_spin_lock_irqsave(struct bpf_res_spin_lock *lock, unsigned long *flags);
KFUNC void bpf_res_spin_unlock_irqrestore(struct bpf_res_spin_lock *lock, unsigned long *flags);
KFUNC void bpf_local_irq_save(unsigned long *flags);
KFUNC void bpf_local_irq_restore(unsigned long *flags);
KFUNC void bpf_preempt_disable(void);
KFUNC void bpf_preempt_enable(void);
KFUNC int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end);
KFUNC int *bpf_iter_num_next(struct bpf_iter_num *it);
KFUNC void bpf_iter_num_destroy(struct bpf_iter_num *it);
