// SPDX-License-Identifier: Apache-2.0
// How deep calls may go: of most programs the stacks of a chain of calls share 512 bytes; of those that tracing runs each
// function that needs 64 bytes or more has a stack of its own.
#include "twins.h"

LICENSE("GPL");
struct {
	MAP_UINT(type, BPF_MAP_TYPE_PROG_ARRAY);
	MAP_TYPE(key, (u32)0);
	MAP_TYPE(value, (u32)0);
	MAP_UINT(max_entries, 2);
} progs SEC(".maps");

#define FUNC(name, text)                                                \
	static __attribute__((naked, noinline, used)) int name(void)    \
	{                                                               \
		asm volatile(text "r0 = 0; exit;");                     \
	}
#define BYTES(n) "*(u64 *)(r10 - " #n ") = 0;"

FUNC(last_512, BYTES(512))
FUNC(last_400, BYTES(400))
FUNC(mid_400, BYTES(400) "call last_400;")
FUNC(top_400, BYTES(400) "call mid_400;")
FUNC(mid_512, BYTES(512) "call last_512;")

/* of tracing: by any number, where another kind of program may have them once */
#define DEEP(name, fine_sec, bad_sec, text)                             \
	ASM(fine_sec, fine_##name, text "r0 = 0; exit;")                \
	ASM(bad_sec, bad_##name, text "r0 = 0; exit;")
DEEP(kprobe, "kprobe/own", "xdp", "call top_400;")
DEEP(raw_tp, "raw_tp/own", "tc", "call top_400;")
DEEP(tracepoint, "tp/syscalls/sys_enter_open", "socket", "call top_400;")
DEEP(perf_event, "perf_event", "cgroup_skb/ingress", "call top_400;")
DEEP(whole, "kprobe/own", "syscall", BYTES(512) "call mid_512;")
DEEP(writable, "raw_tp/own", "raw_tp.w/own", "call top_400;")

/* functions of fewer than 64 bytes share what is left: 48 bytes each, 8 of them beside 512 */
FUNC(small_8, BYTES(48))
FUNC(small_7, BYTES(48) "call small_8;")
FUNC(small_6, BYTES(48) "call small_7;")
FUNC(small_5, BYTES(48) "call small_6;")
FUNC(small_4, BYTES(48) "call small_5;")
FUNC(small_3, BYTES(48) "call small_4;")
FUNC(small_2, BYTES(48) "call small_3;")
DEEP(small, "kprobe/own", "xdp", BYTES(512) "call small_2;")

/* a tail call anywhere: one stack for all */
FUNC(calls_on, "r2 = progs ll; r3 = 0; call 12;")
FUNC(calls_none, "r2 = progs ll; r3 = 0;")
FUNC(fine_on, BYTES(200) "r6 = r1; call calls_none; r1 = r6; call last_400;")
FUNC(bad_on, BYTES(200) "r6 = r1; call calls_on; r1 = r6; call last_400;")
TWINS("kprobe/own", tail_call, "r6 = r1;", "call fine_on;", "call bad_on;", "r0 = 0; exit;")

/* a callback has one too */
FUNC(loop_512, BYTES(512))
#define LOOP "*(u64 *)(r10 - 512) = 0; r1 = 4; r2 = loop_512 ll; r3 = 0; r4 = 0; call 181; r0 = 0; exit;"
ASM("kprobe/own", fine_loop, LOOP)
ASM("xdp", bad_loop, LOOP)
