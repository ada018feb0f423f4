// SPDX-License-Identifier: Apache-2.0
// Global variables in an arena: a section of their own that lies in the object's arena map.
// With -DNO_ARENA there is none, with -DSMALL it has no room for them, with -DTWO there are two.
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define ARENA __attribute__((address_space(1)))

char _license[] SEC("license") = "GPL";

#ifndef NO_ARENA
struct {
	int (*type)[33];
	int (*map_flags)[1024];
#ifdef SMALL
	int (*max_entries)[1];
#else
	int (*max_entries)[4];
#endif
	enum { at = 1ull << 44 } map_extra;
} pages SEC(".maps");
#endif
#ifdef TWO
struct {
	int (*type)[33];
	int (*map_flags)[1024];
	int (*max_entries)[4];
} more SEC(".maps");
#endif

u64 ARENA first = 1;
u32 ARENA many[1100] = {7};
u64 ARENA last = 3;
u64 beside;

SEC("syscall") u64 reads(void *ctx) { return first + many[1099] + last; }
SEC("syscall") u64 writes(void *ctx)
{
	last += 1;
	return __sync_fetch_and_add(&first, 2);
}
SEC("syscall") u64 other(void *ctx) { return beside++; }
