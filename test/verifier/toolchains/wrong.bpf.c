// SPDX-License-Identifier: Apache-2.0
// Programs that are refused, whichever compiler made them.
#include "bpf_api.h"
#include "net.h"

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

SEC("xdp") int bad_port_past_end(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	u32 off = after_ip4(data, end);
	u16 *port = data + (off & 127) + 2;

	if ((void *)port > end)
		return XDP_PASS;
	return *port == BE16(22) ? XDP_DROP : XDP_PASS;
}

SEC("tc") int bad_table_index(struct __sk_buff *skb)
{
	s32 i = skb->mark;

	return i < 8 ? ports[i] : 0;
}

LICENSE("GPL");
