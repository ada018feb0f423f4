// SPDX-License-Identifier: Apache-2.0
// Timers, locks, work queues and callbacks: their helpers by number, written from the uapi list.
#pragma once
#include "bpf_api.h"

#ifndef CLOCK_MONOTONIC
#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_BOOTTIME 7
#endif
#ifndef BPF_F_TIMER_ABS
#define BPF_F_TIMER_ABS 1
#endif
#ifndef BPF_F_TIMER_CPU_PIN
#define BPF_F_TIMER_CPU_PIN 2
#endif

HELPER(long, spin_lock, 93, struct bpf_spin_lock *lock);
HELPER(long, spin_unlock, 94, struct bpf_spin_lock *lock);
HELPER(long, for_each_map_elem, 164, void *map, void *callback, void *ctx, u64 flags);
HELPER(long, timer_init, 169, struct bpf_timer *timer, void *map, u64 flags);
HELPER(long, timer_set_callback, 170, struct bpf_timer *timer, void *callback);
HELPER(long, timer_start, 171, struct bpf_timer *timer, u64 ns, u64 flags);
HELPER(long, timer_cancel, 172, struct bpf_timer *timer);
HELPER(long, bpf_loop, 181, u32 count, void *callback, void *ctx, u64 flags);

#define MAP_INNER(name, val) typeof(val) *name[]
