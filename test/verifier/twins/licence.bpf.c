// SPDX-License-Identifier: Apache-2.0
// Without a licence that is compatible with the GPL: helpers and kernel functions that ask for one.
#include "twins.h"

LICENSE("Proprietary");
KFUNC void bpf_rcu_read_lock(void);
KFUNC void bpf_rcu_read_unlock(void);

TWINS("xdp", plain_helper, "", "call 7;", "r1 = r10; r1 += -8; *(u64 *)(r10 - 8) = 0; r2 = 8; call 6;", "r0 = 0; exit;")
TWINS("xdp", time, "", "call 8;", "call 188; call 4;", "r0 = 0; exit;")
TWINS("kprobe", pid, "", "call 14;", "r1 = r10; r1 += -8; r2 = 8; r3 = 0; call 113;", "r0 = 0; exit;")
INLINE int function(struct xdp_md *ctx, int bad)
{
	if (!bad)
		return 0;
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return 0;
}
PAIR("xdp", struct xdp_md, function)
