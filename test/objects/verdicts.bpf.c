// SPDX-License-Identifier: Apache-2.0
// Return values: each verdict in turn, codes the kernel does not know, negative ones, and a redirect that no
// helper asked for.
#include "net.h"

LICENSE("Dual MIT/GPL");

u32 turn;

SEC("xdp")
int each(struct xdp_md *ctx)
{
	return turn++ % 5;
}

SEC("xdp")
int unknown(struct xdp_md *ctx)
{
	static const int codes[8] = { 5, 77, -1, 0x7fffffff, (int)0x80000000, 256, 0x10002, 6 };

	return codes[turn++ & 7];
}

SEC("xdp")
int redirects(struct xdp_md *ctx)
{
	switch (turn++ & 3) {
	case 0: return XDP_REDIRECT;
	case 1: return redirect(7, 0);
	case 2: redirect(8, 0); return XDP_PASS;
	}
	return redirect(9, 2);
}
