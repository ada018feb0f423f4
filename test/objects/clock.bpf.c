// SPDX-License-Identifier: Apache-2.0
// Helpers whose answers differ from run to run (clocks, randomness, CPU) and trace_printk, with checks that hold
// in any run: the verdict is PASS when all do, else the number of the first that does not.
#include "net.h"

LICENSE("Dual MIT/GPL");

u64 last_ns, last_boot, last_coarse;
u32 rands_equal, last_rand;

SEC("xdp")
int clock(struct xdp_md *ctx)
{
	static const char text[] = "len %d cpu %u at %llu";
	u64 now = ktime_get_ns(), boot = ktime_get_boot_ns(), coarse = ktime_get_coarse_ns(), tai = ktime_get_tai_ns();
	u32 r = get_prandom_u32();

	if (now < last_ns)
		return 10;
	if (boot < last_boot)
		return 11;
	if (coarse < last_coarse)
		return 12;
	if (coarse > ktime_get_ns())
		return 13;
	if (tai < 1000000000)
		return 14;
	last_ns = now;
	last_boot = boot;
	last_coarse = coarse;
	rands_equal += r == last_rand;
	last_rand = r;
	if (get_smp_processor_id() > 4096)
		return 15;
	if (trace_printk(text, sizeof(text), (int)(ctx->data_end - ctx->data), get_smp_processor_id(), now) < 0)
		return 16;
	return XDP_PASS;
}
