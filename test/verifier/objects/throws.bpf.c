// SPDX-License-Identifier: Apache-2.0
// Programs that throw, each with what the running kernel says of it in test/verifier/exceptions.test.ts.
#include "timer.h"

extern void bpf_throw(u64 cookie) __attribute__((section(".ksyms")));
extern void bpf_rcu_read_lock(void) __attribute__((section(".ksyms")));

#define CATCH(name) __attribute__((btf_decl_tag("exception_callback:" #name)))

__attribute__((noinline)) int catch_all(u64 cookie)
{
	return cookie & 1;
}

__attribute__((noinline)) int catch_two(u64 a, u64 b)
{
	return a + b;
}

static __attribute__((noinline)) int thrower(struct __sk_buff *skb)
{
	if (skb->len > 100)
		bpf_throw(1);
	return skb->len;
}

static int each(u32 i, void *ctx)
{
	bpf_throw(i);
	return 0;
}

SEC("tc") int throws(struct __sk_buff *skb)
{
	bpf_throw(0);
	return 1;
}

SEC("tc") int throws_below(struct __sk_buff *skb)
{
	return thrower(skb);
}

SEC("tc") CATCH(catch_all) int caught(struct __sk_buff *skb)
{
	return thrower(skb);
}

SEC("tc") CATCH(catch_two) int caught_by_two(struct __sk_buff *skb)
{
	bpf_throw(2);
	return 0;
}

SEC("tc") CATCH(catch_all) CATCH(catch_two) int caught_twice(struct __sk_buff *skb)
{
	bpf_throw(2);
	return 0;
}

SEC("tc") CATCH(catch_all) int calls_its_catcher(struct __sk_buff *skb)
{
	return catch_all(skb->len);
}

SEC("tc") int throws_in_callback(struct __sk_buff *skb)
{
	return bpf_loop(3, each, 0, 0);
}

struct tick {
	struct bpf_timer timer;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct tick);
} ticks SEC(".maps");

static __attribute__((noinline)) int on_tick(void *map, u32 *key, struct tick *t)
{
	bpf_throw(0);
	return 0;
}

static __attribute__((noinline)) int on_tick_key(void *map, u32 *key, struct tick *t)
{
	bpf_throw(*key);
	return 0;
}

#define SETS(callback)                                                  \
	int sets_##callback(struct __sk_buff *skb)                      \
	{                                                               \
		u32 key = 0;                                            \
		struct tick *t = map_lookup(&ticks, &key);              \
                                                                        \
		return t ? timer_set_callback(&t->timer, callback) : 0; \
	}

SEC("tc") SETS(on_tick)
SEC("tc") SETS(on_tick_key)

SEC("tc") int throws_while_reading(struct __sk_buff *skb)
{
	bpf_rcu_read_lock();
	bpf_throw(0);
	return 0;
}

SEC("cgroup_skb/egress") int returns_too_much(struct __sk_buff *skb)
{
	bpf_throw(7);
	return 1;
}

SEC("cgroup_skb/egress") CATCH(catch_all) int returns_what_is_caught(struct __sk_buff *skb)
{
	bpf_throw(7);
	return 1;
}

LICENSE("GPL");
