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

extern int bpf_dynptr_from_xdp(struct xdp_md *x, u64 flags, struct bpf_dynptr *ptr) KSYM;
extern int bpf_dynptr_from_skb(struct __sk_buff *s, u64 flags, struct bpf_dynptr *ptr) KSYM;
extern int bpf_dynptr_from_skb_meta(struct __sk_buff *s, u64 flags, struct bpf_dynptr *ptr) KSYM;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, u32 offset, void *buffer, u32 size) KSYM;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, u32 offset, void *buffer, u32 size) KSYM;
extern int bpf_dynptr_adjust(const struct bpf_dynptr *p, u32 start, u32 end) KSYM;
extern _Bool bpf_dynptr_is_null(const struct bpf_dynptr *p) KSYM;
extern _Bool bpf_dynptr_is_rdonly(const struct bpf_dynptr *p) KSYM;
extern u32 bpf_dynptr_size(const struct bpf_dynptr *p) KSYM;
extern int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *clone) KSYM;
extern int bpf_dynptr_copy(struct bpf_dynptr *dst, u32 to, struct bpf_dynptr *src, u32 from, u32 size) KSYM;
extern int bpf_dynptr_memset(struct bpf_dynptr *p, u32 offset, u32 size, u8 val) KSYM;

HELPER(long, dynptr_from_mem, 197, void *data, u32 size, u64 flags, struct bpf_dynptr *ptr);
HELPER(long, ringbuf_reserve_dynptr, 198, void *ring, u32 size, u64 flags, struct bpf_dynptr *ptr);
HELPER(void, ringbuf_submit_dynptr, 199, struct bpf_dynptr *ptr, u64 flags);
HELPER(void, ringbuf_discard_dynptr, 200, struct bpf_dynptr *ptr, u64 flags);
HELPER(long, dynptr_read, 201, void *dst, u32 len, const struct bpf_dynptr *src, u32 offset, u64 flags);
HELPER(long, dynptr_write, 202, const struct bpf_dynptr *dst, u32 offset, void *src, u32 len, u64 flags);
HELPER(void *, dynptr_data, 203, const struct bpf_dynptr *ptr, u32 offset, u32 len);

/* destroyed where its scope ends, however that is left */
#define NUM_ITER(it, start, end)                                                    \
	struct bpf_iter_num it __attribute__((cleanup(bpf_iter_num_destroy)));      \
	int it##_made __attribute__((unused)) = bpf_iter_num_new(&it, start, end)
