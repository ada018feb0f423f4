// SPDX-License-Identifier: Apache-2.0
// Where in a value's type a timer is one, and where it is plain bytes: `fine_*` arm it, `bad_*` are refused it.
#include "timer.h"

LICENSE("Dual MIT/GPL");

struct misaligned {
	u32 a;
	struct bpf_timer t;
	u32 b;
	u64 c;
} __attribute__((packed));

struct in_array {
	u64 x;
	struct bpf_timer t[1];
};

struct part {
	struct bpf_timer t;
	u64 y;
};

struct nested {
	u64 x;
	struct part p;
};

struct in_union {
	union {
		struct bpf_timer t;
		u64 z[2];
	};
	u64 y;
};

struct in_parts {
	u64 x;
	struct part p[1];
};

struct in_two_parts {
	u64 x;
	struct part p[2];
};

typedef struct part part_t;
typedef struct part parts_t[1];
typedef struct bpf_timer timer_t;

struct by_typedef {
	u64 x;
	timer_t t;
};

#define TRY(name, type_, off)                                                        \
	struct {                                                                     \
		MAP_UINT(type, BPF_MAP_TYPE_HASH);                                   \
		MAP_UINT(max_entries, 4);                                            \
		MAP_TYPE(key, u32);                                                  \
		MAP_TYPE(value, type_);                                              \
	} m_##name SEC(".maps");                                                   \
	SEC("xdp") int name(struct xdp_md *ctx)                                      \
	{                                                                            \
		u32 key = 0;                                                         \
		void *e = map_lookup(&m_##name, &key);                             \
                                                                                     \
		return e ? timer_init(e + off, &m_##name, 0) : 0;                  \
	}

TRY(bad_askew, struct misaligned, 4)
TRY(fine_in_array, struct in_array, 8)
TRY(fine_nested, struct nested, 8)
TRY(bad_in_union, struct in_union, 0)
TRY(fine_in_parts, struct in_parts, 8)
TRY(bad_two_parts, struct in_two_parts, 8)
TRY(fine_typedef_value, part_t, 0)
TRY(bad_array, parts_t, 0)
TRY(bad_timer, struct bpf_timer, 0)
TRY(bad_typedef, struct by_typedef, 8)

SEC("xdp") int fine_misaligned_load(struct xdp_md *ctx)
{
	u32 key = 0;
	u8 *e = map_lookup(&m_bad_askew, &key);

	return e ? e[5] : 0;
}

SEC("xdp") int fine_union_load(struct xdp_md *ctx)
{
	u32 key = 0;
	u8 *e = map_lookup(&m_bad_in_union, &key);

	return e ? e[5] : 0;
}
