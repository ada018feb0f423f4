// SPDX-License-Identifier: Apache-2.0
// Programs that take the verifier long, each in its own way: what `npm run bench -- verify` measures.
#include "net.h"


struct count {
	u64 packets;
	u64 bytes;
	u32 words[64];
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 1024);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct count);
} counts SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 64);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct count);
} slots SEC(".maps");

// Loops in loops, counted out insn by insn.
SEC("xdp") int rounds(struct xdp_md *ctx)
{
	u32 sum = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 40; i++)
#pragma clang loop unroll(disable)
		for (int j = 0; j < 50; j++)
#pragma clang loop unroll(disable)
			for (int k = 0; k < 25; k++)
				sum += i ^ (j << 2) ^ k ^ ctx->rx_queue_index;
	return sum & 1 ? XDP_PASS : XDP_DROP;
}

HELPER(long, loop, 181, u32 rounds, void *fn, void *ctx, u64 flags);

INLINE u32 mix(u32 a, u32 b, u32 c)
{
	a += b ^ (c << 3);
	a ^= a >> 5;
	a *= 0x9e3779b1;
	return a ^ (a >> 15);
}

// A long straight line of arithmetic on unknown numbers.
SEC("xdp") int straight(struct xdp_md *ctx)
{
	u32 a = ctx->rx_queue_index, b = ctx->ingress_ifindex, c = 7;

#pragma clang loop unroll(full)
	for (int i = 0; i < 700; i++) {
		u32 t = mix(a, b, c + i);
		a = b;
		b = c;
		c = t;
	}
	return c & 3;
}

// The same behind calls: each call is walked again.
static NOINLINE u32 stir(u32 a, u32 b)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < 60; i++)
		a = mix(a, b, i);
	return a;
}

static NOINLINE u32 stir_twice(u32 a, u32 b)
{
	return stir(a, b) ^ stir(b, a);
}

SEC("xdp") int calls(struct xdp_md *ctx)
{
	u32 a = ctx->rx_queue_index, b = ctx->ingress_ifindex;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 150; i++)
		a ^= stir_twice(a, b + i);
	return a & 3;
}

// A state machine over the packet's bytes.
SEC("xdp") int letters(struct xdp_md *ctx)
{
	u8 *data = (u8 *)(long)ctx->data, *end = (u8 *)(long)ctx->data_end;
	u32 state = 0, seen = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 1000; i++) {
		if (data + i + 1 > end)
			break;
		u8 c = data[i];
		if (state == 0)
			state = c == 'G' ? 1 : 0;
		else if (state == 1)
			state = c == 'E' ? 2 : c == 'G' ? 1 : 0;
		else
			state = c == 'T' ? 3 : 0;
		if (state == 3) {
			seen = 1;
			state = 0;
		}
	}
	return seen ? XDP_DROP : XDP_PASS;
}

// A chain of rules: every rule leaves several ways on.
struct rule {
	u32 net, mask;
	u16 from, to;
};

#define RULE(i) { .net = (i) * 0x10101, .mask = 0xffffff, .from = (i) * 7, .to = (i) * 9 + 100 }
#define RULES4(i) RULE(i), RULE(i + 1), RULE(i + 2), RULE(i + 3)
#define RULES16(i) RULES4(i), RULES4(i + 4), RULES4(i + 8), RULES4(i + 12)
#define RULES64(i) RULES16(i), RULES16(i + 16), RULES16(i + 32), RULES16(i + 48)
const struct rule list[256] = { RULES64(0), RULES64(64), RULES64(128), RULES64(192) };

SEC("xdp") int rules(struct xdp_md *ctx)
{
	u8 *data = (u8 *)(long)ctx->data, *end = (u8 *)(long)ctx->data_end;
	u32 hits = 0;

	if (data + 64 > end)
		return XDP_DROP;
	u32 addr = *(u32 *)(data + 26);
	u16 port = *(u16 *)(data + 36);
#pragma clang loop unroll(disable)
	for (int i = 0; i < 256; i++) {
		const struct rule *r = &list[i];
		if ((addr & r->mask) == r->net && port >= r->from && port <= r->to)
			hits += i;
	}
	return hits & 3;
}

// Helpers, values that may be null, and what is written to them.
SEC("xdp") int lookups(struct xdp_md *ctx)
{
	u32 sum = 0;

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < 2500; i++) {
		u32 key = i * 31 + (sum & 7);
		struct count *c = map_lookup(&counts, &key);
		if (c) {
			c->packets++;
			c->bytes += ctx->data_end - ctx->data;
			sum += c->words[i & 63];
		} else {
			struct count *s = map_lookup(&slots, &key);
			if (s)
				s->words[sum & 63]++;
		}
	}
	return sum & 1;
}

// The stack at places that are not known.
SEC("xdp") int buckets(struct xdp_md *ctx)
{
	u8 *data = (u8 *)(long)ctx->data, *end = (u8 *)(long)ctx->data_end;
	u64 bucket[32] = {};
	u64 top = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 400; i++) {
		if (data + i + 1 > end)
			break;
		bucket[data[i] & 31] += i;
	}
#pragma clang loop unroll(disable)
	for (int i = 0; i < 100; i++)
#pragma clang loop unroll(disable)
		for (int j = 0; j < 31; j++)
			if (bucket[j & 31] > bucket[(j + 1) & 31]) {
				u64 t = bucket[j & 31];
				bucket[j & 31] = bucket[(j + 1) & 31];
				bucket[(j + 1) & 31] = t;
			}
	for (int i = 0; i < 32; i++)
		top ^= bucket[i];
	return top & 3;
}

// Headers behind headers, options in them.
INLINE int tcp_options(u8 *at, u8 *end, u32 len)
{
	u32 off = 20, mss = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 20; i++) {
		if (off >= len || off > 58 || at + off + 4 > end)
			break;
		u8 kind = at[off];
		if (kind == 0)
			break;
		if (kind == 1) {
			off++;
			continue;
		}
		u8 size = at[off + 1];
		if (size < 2 || size > 40)
			break;
		if (kind == 2)
			mss = at[off + 2] << 8 | at[off + 3];
		off += size;
	}
	return mss;
}

SEC("xdp") int headers(struct xdp_md *ctx)
{
	u8 *data = (u8 *)(long)ctx->data, *end = (u8 *)(long)ctx->data_end;
	u32 off = 14, mss = 0;

	if (data + 18 > end)
		return XDP_DROP;
	u16 type = data[12] << 8 | data[13];
#pragma clang loop unroll(disable)
	for (int i = 0; i < 6; i++) {
		if (type != 0x8100 && type != 0x88a8)
			break;
		if (off > 64 || data + off + 4 > end)
			return XDP_DROP;
		type = data[off + 2] << 8 | data[off + 3];
		off += 4;
	}
	u8 proto = 0;
	if (type == 0x800) {
		if (off > 64 || data + off + 20 > end)
			return XDP_DROP;
		proto = data[off + 9];
		off += (data[off] & 15) * 4;
	} else if (type == 0x86dd) {
		if (off > 64 || data + off + 40 > end)
			return XDP_DROP;
		proto = data[off + 6];
		off += 40;
#pragma clang loop unroll(disable)
		for (int i = 0; i < 8; i++) {
			if (proto != 0 && proto != 43 && proto != 60)
				break;
			u8 *at = data + off;
			if (off > 400 || at + 8 > end)
				return XDP_DROP;
			OPAQUE(at);
			proto = at[0];
			off += at[1] * 8 + 8;
		}
	}
	if (proto == 6) {
		if (off > 1000 || data + off + 20 > end)
			return XDP_DROP;
		mss = tcp_options(data + off, end, (data[off + 12] >> 4) * 4);
	}
	return mss > 1400 ? XDP_TX : XDP_PASS;
}

// Callbacks in callbacks.
struct work {
	u32 sum;
	u32 at;
};

static long inner(u32 i, struct work *w)
{
	w->sum = mix(w->sum, i, w->at);
	return w->sum == 99;
}

static long outer(u32 i, struct work *w)
{
	w->at = i;
	if (w->sum & 1)
		loop(1000, inner, w, 0);
	else
		loop(i & 15, inner, w, 0);
	return 0;
}

SEC("xdp") int callbacks(struct xdp_md *ctx)
{
	struct work w = { .sum = ctx->rx_queue_index };

#pragma clang loop unroll(disable)
	for (int i = 0; i < 30; i++)
		loop(100 + i, outer, &w, 0);
	return w.sum & 3;
}

// Many numbers alive at once: registers spilled and filled again.
SEC("xdp") int spills(struct xdp_md *ctx)
{
	u8 *data = (u8 *)(long)ctx->data, *end = (u8 *)(long)ctx->data_end;

	if (data + 128 > end)
		return XDP_DROP;
	u64 a = data[0], b = data[8], c = data[16], d = data[24], e = data[32], f = data[40];
	u64 g = data[48], h = data[56], k = data[64], l = data[72], m = data[80], n = data[88];
#pragma clang loop unroll(disable)
	for (int i = 0; i < 1500; i++) {
		a += b ^ i;
		b += c ^ a;
		c += d ^ b;
		d += e ^ c;
		e += f ^ d;
		f += g ^ e;
		g += h ^ f;
		h += k ^ g;
		k += l ^ h;
		l += m ^ k;
		m += n ^ l;
		n += a ^ m;
		if (n == 17)
			a++;
	}
	return (a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ k ^ l ^ m ^ n) & 3;
}

LICENSE("GPL");
