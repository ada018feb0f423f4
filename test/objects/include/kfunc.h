// SPDX-License-Identifier: Apache-2.0
// Kernel functions by name, as programs declare them, and loops over numbers. Written from the kernel's documentation.
#pragma once
#include "bpf_api.h"

#define KSYM __attribute__((section(".ksyms")))
#define CATCH(name) __attribute__((btf_decl_tag("exception_callback:" #name)))

struct bpf_iter_num {
	__u64 opaque[1];
} __attribute__((aligned(8)));

extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) KSYM;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) KSYM;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) KSYM;
extern void bpf_rcu_read_lock(void) KSYM;
extern void bpf_rcu_read_unlock(void) KSYM;
extern void bpf_preempt_disable(void) KSYM;
extern void bpf_preempt_enable(void) KSYM;
extern void bpf_throw(u64 cookie) KSYM;

/* destroyed where its scope ends, however that is left */
#define NUM_ITER(it, start, end)                                                    \
	struct bpf_iter_num it __attribute__((cleanup(bpf_iter_num_destroy)));      \
	int it##_made __attribute__((unused)) = bpf_iter_num_new(&it, start, end)
