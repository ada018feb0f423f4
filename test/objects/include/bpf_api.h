// SPDX-License-Identifier: Apache-2.0
// What a BPF program needs besides <linux/bpf.h>: section and map macros, the helpers by number, byte order.
// Written from the uapi list of helpers; knows no packet formats (see net.h).
#pragma once
#include <linux/bpf.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))
#define LICENSE(text) char _license[] SEC("license") = text

/* members of a BTF map definition */
#define MAP_UINT(name, val) int (*name)[val]
#define MAP_TYPE(name, val) typeof(val) *name
#define MAP_PROGS(name) int (*name[])(struct xdp_md *)

#define HELPER(ret, name, id, ...) static ret (*const name)(__VA_ARGS__) = (void *)(id)

HELPER(void *, map_lookup, 1, void *map, const void *key);
HELPER(long, map_update, 2, void *map, const void *key, const void *value, u64 flags);
HELPER(long, map_delete, 3, void *map, const void *key);
HELPER(u64, ktime_get_ns, 5, void);
HELPER(long, trace_printk, 6, const char *fmt, u32 fmt_size, ...);
HELPER(u32, get_prandom_u32, 7, void);
HELPER(u32, get_smp_processor_id, 8, void);
HELPER(long, tail_call, 12, void *ctx, void *map, u32 index);
HELPER(long, redirect, 23, u32 ifindex, u64 flags);
HELPER(long, perf_event_output, 25, void *ctx, void *map, u64 flags, void *data, u64 size);
HELPER(s64, csum_diff, 28, void *from, u32 from_size, void *to, u32 to_size, u32 seed);
HELPER(long, xdp_adjust_head, 44, struct xdp_md *ctx, int delta);
HELPER(long, redirect_map, 51, void *map, u64 key, u64 flags);
HELPER(long, xdp_adjust_meta, 54, struct xdp_md *ctx, int delta);
HELPER(long, xdp_adjust_tail, 65, struct xdp_md *ctx, int delta);
HELPER(u64, ktime_get_boot_ns, 125, void);
HELPER(u64, ktime_get_coarse_ns, 160, void);
HELPER(u64, xdp_get_buff_len, 188, struct xdp_md *ctx);
HELPER(long, xdp_load_bytes, 189, struct xdp_md *ctx, u32 off, void *buf, u32 len);
HELPER(long, xdp_store_bytes, 190, struct xdp_md *ctx, u32 off, void *buf, u32 len);
HELPER(u64, ktime_get_tai_ns, 208, void);

#define BE16(x) ((u16)__builtin_bswap16((u16)(x)))
#define BE32(x) ((u32)__builtin_bswap32((u32)(x)))
/* an IPv4 address as it lies in a packet */
#define IP4(a, b, c, d) ((u32)(a) | (u32)(b) << 8 | (u32)(c) << 16 | (u32)(d) << 24)

/* keeps clang from merging or reordering what it knows about x */
#define OPAQUE(x) asm volatile("" : "+r"(x))
#define COUNT(x) __sync_fetch_and_add(&(x), 1)
