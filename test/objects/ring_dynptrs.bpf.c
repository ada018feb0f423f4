// SPDX-License-Identifier: Apache-2.0
// Records of a length that only the packet tells, through dynptrs: filled in parts, narrowed, given up; a ring that is full.
#include "kfunc.h"

LICENSE("GPL");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_RINGBUF);
	MAP_UINT(max_entries, 8192);
} events SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_RINGBUF);
	MAP_UINT(max_entries, 4096);
} small SEC(".maps");

volatile u64 out[16];
u32 packets;

/* as many bytes of the packet as there are, at most 1024, in pieces */
INLINE void fill(struct xdp_md *ctx, struct bpf_dynptr *record, u32 len)
{
	struct bpf_dynptr packet;
	int *i;

	out[0] += bpf_dynptr_from_xdp(ctx, 0, &packet);
	out[1] += bpf_dynptr_size(record);
	NUM_ITER(it, 0, 64);
	while ((i = bpf_iter_num_next(&it))) {
		u32 at = *i * 16;
		u32 rest = len - at;

		if (at >= len)
			break;
		out[2] += bpf_dynptr_copy(record, at, &packet, at, rest < 16 ? rest : 16) != 0;
	}
}

SEC("xdp") int whole(struct xdp_md *ctx)
{
	u32 len = xdp_get_buff_len(ctx);
	struct bpf_dynptr record;
	u8 *first;

	if (len > 1024)
		len = 1024;
	if (ringbuf_reserve_dynptr(&events, len, 0, &record))
		out[3]++;
	fill(ctx, &record, len);
	first = dynptr_data(&record, 0, 2);
	if (first)
		first[1] ^= 0x55;
	out[4] += dynptr_data(&record, len - 1, 2) != 0;
	if (len & 1)
		ringbuf_discard_dynptr(&record, 0);
	else
		ringbuf_submit_dynptr(&record, 0);
	return XDP_PASS;
}

/* reserving fails: the dynptr is null, and is given back all the same */
SEC("xdp") int fails(struct xdp_md *ctx)
{
	struct bpf_dynptr record;
	u32 word = 7;

	out[5] += ringbuf_reserve_dynptr(&events, 8, 1, &record);
	out[6] += bpf_dynptr_is_null(&record);
	out[7] += dynptr_write(&record, 0, &word, 4, 0);
	ringbuf_submit_dynptr(&record, 0);
	out[8] += ringbuf_reserve_dynptr(&events, 8192, 0, &record);
	ringbuf_discard_dynptr(&record, 0);
	out[9] += ringbuf_reserve_dynptr(&events, 1 << 24, 0, &record);
	out[10] += (u32)bpf_dynptr_size(&record);
	ringbuf_submit_dynptr(&record, 0);
	return XDP_PASS;
}

/* eight at most fit at a time */
SEC("xdp") int full(struct xdp_md *ctx)
{
	u32 len = xdp_get_buff_len(ctx);
	int *i;

	if (packets++ % 32)
		return XDP_PASS;
	NUM_ITER(it, 0, 20);
	while ((i = bpf_iter_num_next(&it))) {
		struct bpf_dynptr record;
		u32 words[3] = { len, *i, 0 };

		out[11] += ringbuf_reserve_dynptr(&small, 500, 0, &record) != 0;
		out[12] += bpf_dynptr_memset(&record, 0, 500, *i);
		out[13] += dynptr_write(&record, 488, words, sizeof(words), 0);
		out[14] += bpf_dynptr_adjust(&record, 100, 200);
		out[15] += dynptr_write(&record, 99, words, sizeof(words), 0);
		if ((u32)*i % 5 == 4)
			ringbuf_discard_dynptr(&record, 0);
		else
			ringbuf_submit_dynptr(&record, 0);
	}
	return XDP_PASS;
}
