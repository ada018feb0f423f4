// SPDX-License-Identifier: Apache-2.0
// Packet headers as they lie in memory and the checks to reach them. Knows no maps and no verdicts.
#pragma once
#include "bpf_api.h"

#define ETH_IP 0x0800
#define ETH_ARP 0x0806
#define ETH_VLAN 0x8100
#define ETH_QINQ 0x88a8
#define ETH_IP6 0x86dd

#define PROTO_ICMP 1
#define PROTO_IPIP 4
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_ICMP6 58

struct eth { u8 dst[6], src[6]; u16 type; } __attribute__((packed));
struct vlan { u16 tci, type; } __attribute__((packed));
struct ip4 {
	u8 ver_ihl, tos;
	u16 len, id, frag;
	u8 ttl, proto;
	u16 check;
	u32 src, dst;
} __attribute__((packed));
struct ip6 {
	u32 ver;
	u16 len;
	u8 next, hops;
	u32 src[4], dst[4];
} __attribute__((packed));
struct ip6_ext { u8 next, len; u8 body[6]; } __attribute__((packed));
struct ports { u16 src, dst; } __attribute__((packed));
struct udp { u16 src, dst, len, check; } __attribute__((packed));
struct tcp { u16 src, dst; u32 seq, ack; u8 doff, flags; u16 win, check, urg; } __attribute__((packed));
struct icmp { u8 type, code; u16 check, id, seq; } __attribute__((packed));

INLINE void *pkt(const struct xdp_md *ctx) { return (void *)(long)ctx->data; }
INLINE void *pkt_end(const struct xdp_md *ctx) { return (void *)(long)ctx->data_end; }
#define FITS(p, end) ((void *)((p) + 1) <= (end))

/* ones' complement sum folded to 16 bits */
INLINE u16 fold(u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* checksum of an IPv4 header without options */
INLINE u16 ip4_check(const struct ip4 *ip)
{
	const u16 *w = (const void *)ip;
	u32 sum = 0;

	for (int i = 0; i < 10; i++)
		if (i != 5)
			sum += w[i];
	return ~fold(sum);
}
