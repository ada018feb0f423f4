// SPDX-License-Identifier: Apache-2.0
// What compilers of many years write in their own ways: addresses in data, jumps on halves of registers, globals, calls,
// programs and maps that are put into maps.
#include "bpf_api.h"
#include "net.h"

struct inner {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u64);
	MAP_UINT(max_entries, 4);
} small SEC(".maps"), large SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	MAP_TYPE(key, u32);
	MAP_UINT(max_entries, 3);
	struct inner *values[];
} by_size SEC(".maps") = { .values = { [0] = &small, [2] = &large } };

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_HASH);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u64);
	MAP_UINT(max_entries, 64);
} sources SEC(".maps");

SEC("xdp") int size_counts(struct xdp_md *ctx);

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PROG_ARRAY);
	MAP_TYPE(key, u32);
	MAP_UINT(max_entries, 2);
	MAP_PROGS(values);
} next SEC(".maps") = { .values = { [1] = size_counts } };

u64 packets = 0;
u32 limit = 1500;
static const volatile u16 ports[8] = { 22, 53, 80, 123, 443, 853, 4500, 51820 };

/// where the header behind IPv4's begins, 0 if the packet is no whole one
static NOINLINE u32 after_ip4(void *data, void *end)
{
	struct eth *eth = data;
	struct ip4 *ip = (void *)(eth + 1);
	u32 len;

	if ((void *)(ip + 1) > end || eth->type != BE16(0x0800))
		return 0;
	len = (ip->ver_ihl & 15) * 4;
	return len < sizeof(*ip) ? 0 : sizeof(*eth) + len;
}

SEC("xdp") int size_counts(struct xdp_md *ctx)
{
	u32 len = ctx->data_end - ctx->data, size = len > limit ? 2 : 0, key = len & 3;
	struct inner *map = map_lookup(&by_size, &size);
	u64 *count = map ? map_lookup(map, &key) : 0;

	if (count)
		__sync_fetch_and_add(count, 1);
	return XDP_PASS;
}

SEC("xdp") int known_ports(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	u32 off = after_ip4(data, end), i;
	u16 *port = data + (off & 127) + 2;

	__sync_fetch_and_add(&packets, 1);
	if (!off || (void *)(port + 1) > end)
		return XDP_PASS;
	for (i = 0; i < 8; i++)
		if (*port == BE16(ports[i]))
			return XDP_DROP;
	tail_call(ctx, &next, 1);
	return XDP_ABORTED;
}

SEC("tc") int signed_marks(struct __sk_buff *skb)
{
	s32 mark = skb->mark, low = (s16)mark;
	u64 *count, one = 1;
	u32 key = skb->hash;

	if (mark < -5 || low >= 100)
		return 2;
	if ((u32)mark > 0x80000000u && key == 0)
		return 0;
	count = map_lookup(&sources, &key);
	if (count)
		*count += (u64)low * 3 >> 1;
	else
		map_update(&sources, &key, &one, 0);
	return 0;
}

LICENSE("GPL");
