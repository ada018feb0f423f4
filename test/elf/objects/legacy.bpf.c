// SPDX-License-Identifier: Apache-2.0
// A map defined the old way, data without BTF to name it; built without -g.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct bpf_map_def {
	unsigned int type, key_size, value_size, max_entries, map_flags;
};

struct bpf_map_def SEC("maps") first = { BPF_MAP_TYPE_ARRAY, 4, 8, 16, 0 };
struct bpf_map_def SEC("maps") second = { BPF_MAP_TYPE_LRU_HASH, 12, 4, 100, 0 };

int total;
const volatile unsigned int limit = 9;

SEC("xdp") int legacy(struct xdp_md *ctx)
{
	__u32 k = 1;
	__u64 *v = bpf_map_lookup_elem(&first, &k);

	total++;
	return v && *v > limit ? 2 : 1;
}

SEC("socket") int sock(struct __sk_buff *skb)
{
	return bpf_map_delete_elem(&second, skb) ? 0 : -1;
}
