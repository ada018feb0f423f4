// SPDX-License-Identifier: Apache-2.0
// Calls on dynptrs of packets and of memory, as a table that is filled from outside says: which call, with what numbers.
// What each returned and what was read goes into a sum.
#include "kfunc.h"

LICENSE("GPL");

#define OPS 24
#define BUF 64
#define MEM 700

struct op {
	u32 call;
	u32 a;
	u32 b;
	u32 c;
};

volatile struct op ops[OPS] = { { 99, 0, 0, 0 } };
volatile u64 sum;
volatile u64 results[OPS];

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u8[MEM]);
} mem SEC(".maps");

INLINE void add(u64 value)
{
	sum = sum * 1000003 + value;
}

INLINE void add_bytes(const u8 *bytes, int size)
{
	for (int i = 0; i < size; i++)
		add(bytes[i]);
}

/* calls that every program may make on a dynptr of its packet */
INLINE long look(struct bpf_dynptr *d, u32 call, u32 a, u32 b, u32 c, u8 *buf)
{
	struct bpf_dynptr e;
	u8 *at;
	long r;

	switch (call) {
	case 0:
		r = dynptr_read(buf, c & (BUF - 1), d, a, b == 1);
		add_bytes(buf, BUF);
		return r;
	case 1:
		return dynptr_write(d, a, buf, c & (BUF - 1), b & 7);
	case 2:
		return bpf_dynptr_adjust(d, a, b);
	case 3:
		return bpf_dynptr_size(d) ^ (u64)bpf_dynptr_is_null(d) << 40 ^ (u64)bpf_dynptr_is_rdonly(d) << 41;
	case 4:
		at = bpf_dynptr_slice(d, a, buf, 24);
		if (at)
			add_bytes(at, 24);
		return at != 0;
	case 5:
		at = bpf_dynptr_slice(d, a, (void *)0, 33);
		if (at)
			add_bytes(at, 33);
		return at != 0;
	case 6:
		r = bpf_dynptr_clone(d, &e);
		add(bpf_dynptr_adjust(&e, a, b));
		add(dynptr_read(buf, 8, &e, c, 0));
		add_bytes(buf, 8);
		return r ^ bpf_dynptr_size(&e);
	case 7:
		return dynptr_data(d, a, 4) != 0;
	}
	return -1;
}

/* calls on memory, and between it and the packet */
INLINE long move(struct bpf_dynptr *d, struct bpf_dynptr *m, u32 call, u32 a, u32 b, u32 c, u8 *buf)
{
	u8 *at;

	switch (call) {
	case 8:
		return bpf_dynptr_copy(m, a, d, b, c);
	case 9:
		return dynptr_read(buf, c & (BUF - 1), m, a, 0);
	case 10:
		return dynptr_write(m, a, buf, c & (BUF - 1), b == 1);
	case 11:
		at = dynptr_data(m, a, 12);
		if (at) {
			add_bytes(at, 12);
			at[3] += c;
		}
		return at != 0;
	case 12:
		return bpf_dynptr_memset(m, a, b, c);
	case 13:
		return bpf_dynptr_copy(m, a, m, b, c);
	case 14:
		return bpf_dynptr_adjust(m, a & 15, b);
	}
	return -1;
}

/* calls that change the packet */
INLINE long change(struct bpf_dynptr *d, struct bpf_dynptr *m, u32 call, u32 a, u32 b, u32 c, u8 *buf)
{
	u8 *at;

	switch (call) {
	case 15:
		at = bpf_dynptr_slice_rdwr(d, a, buf, 8);
		if (at) {
			add_bytes(at, 8);
			at[2] ^= b;
			at[7] = c;
		}
		return at != 0;
	case 16:
		at = bpf_dynptr_slice_rdwr(d, a, (void *)0, 40);
		if (at)
			at[39] += b;
		return at != 0;
	case 17:
		return bpf_dynptr_copy(d, a, m, b, c);
	case 18:
		return bpf_dynptr_copy(d, a, d, b, c);
	case 19:
		return bpf_dynptr_memset(d, a, b, c);
	}
	return -1;
}

#define WALK(from, changes)                                                                \
	u32 key = 0;                                                                       \
	u8 *memory = map_lookup(&mem, &key);                                               \
	u8 buf[BUF] = {};                                                                  \
	struct bpf_dynptr d, m;                                                            \
	int *i;                                                                            \
                                                                                           \
	if (!memory)                                                                       \
		return 0;                                                                  \
	add(from(ctx, 0, &d));                                                             \
	add(dynptr_from_mem(memory, MEM, 0, &m));                                          \
	{                                                                                  \
		NUM_ITER(it, 0, OPS);                                                      \
		while ((i = bpf_iter_num_next(&it))) {                                     \
			u32 at = *i;                                                       \
			u32 call, a, b, c;                                                 \
			long r;                                                            \
                                                                                           \
			if (at >= OPS)                                                     \
				break;                                                     \
			call = ops[at].call;                                               \
			a = ops[at].a;                                                     \
			b = ops[at].b;                                                     \
			c = ops[at].c;                                                     \
			if (call == 20)                                                    \
				r = from(ctx, a, &d);                                      \
			else if (call == 21)                                               \
				r = dynptr_from_mem(memory, MEM, a, &m);                   \
			else if (call < 8)                                                 \
				r = look(&d, call, a, b, c, buf);                          \
			else if (call < 15)                                                \
				r = move(&d, &m, call, a, b, c, buf);                      \
			else                                                               \
				r = changes(&d, &m, call, a, b, c, buf);                   \
			results[at] = r;                                                   \
			add(r);                                                            \
		}                                                                          \
	}

INLINE long nothing(struct bpf_dynptr *d, struct bpf_dynptr *m, u32 call, u32 a, u32 b, u32 c, u8 *buf)
{
	return -1;
}

SEC("xdp") int of_xdp(struct xdp_md *ctx)
{
	WALK(bpf_dynptr_from_xdp, change)
	return XDP_PASS;
}

SEC("xdp.frags") int of_xdp_frags(struct xdp_md *ctx)
{
	WALK(bpf_dynptr_from_xdp, change)
	return XDP_PASS;
}

SEC("tc") int of_skb(struct __sk_buff *ctx)
{
	WALK(bpf_dynptr_from_skb, change)
	return 0;
}

SEC("tc") int of_meta(struct __sk_buff *ctx)
{
	WALK(bpf_dynptr_from_skb_meta, change)
	return 0;
}

SEC("cgroup_skb/ingress") int of_cgroup_skb(struct __sk_buff *ctx)
{
	WALK(bpf_dynptr_from_skb, nothing)
	return 1;
}

SEC("lwt_xmit") int of_lwt(struct __sk_buff *ctx)
{
	WALK(bpf_dynptr_from_skb, change)
	return 0;
}
