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
