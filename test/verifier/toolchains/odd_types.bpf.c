// SPDX-License-Identifier: Apache-2.0
// A type that the kernel does not take from an object: gcc 12 calls a signed char both a character and signed. All types of
// the object are refused for that, and its maps have none. Names that begin with bad_ are refused.
#include "bpf_api.h"
#include "timer.h"

struct locked {
	struct bpf_spin_lock lock;
	signed char sign;
	u64 count;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct locked);
	MAP_UINT(max_entries, 1);
} values SEC(".maps");

SEC("xdp") int bad_locks(struct xdp_md *ctx)
{
	u32 key = 0;
	struct locked *v = map_lookup(&values, &key);

	if (!v)
		return 0;
	spin_lock(&v->lock);
	v->count++;
	spin_unlock(&v->lock);
	return 2;
}

SEC("xdp") int counts(struct xdp_md *ctx)
{
	u32 key = 0;
	struct locked *v = map_lookup(&values, &key);

	if (v && v->sign >= 0)
		v->count++;
	return 2;
}

LICENSE("GPL");
