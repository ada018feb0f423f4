// SPDX-License-Identifier: Apache-2.0
// Rules of single helpers, kernel functions and pointers that other objects do not come by. `fine_*` are accepted,
// `bad_*` refused.
#include "bpf_api.h"

LICENSE("Dual MIT/GPL");

#define KSYM __attribute__((section(".ksyms")))
#define GLOBAL __attribute__((noinline)) int
#define KERNEL __attribute__((preserve_access_index))

struct task_struct { char comm[16]; int pid; } KERNEL;
struct sock_common;
struct bpf_iter_meta;
struct bpf_iter__tcp { struct bpf_iter_meta *meta; struct sock_common *sk_common; u32 uid; };
struct bpf_iter__udp { struct bpf_iter_meta *meta; struct sock_common *udp_sk; u32 uid; };
struct dynptr { u64 words[2]; };

HELPER(long, probe_read_kernel, 113, void *dst, u32 size, const void *from);
HELPER(long, strncmp, 182, const char *s, u32 len, const char *with);
HELPER(long, setsockopt, 49, void *sk, int level, int name, void *val, int len);
HELPER(long, getsockopt, 57, void *sk, int level, int name, void *val, int len);
HELPER(long, dynptr_from_mem, 197, void *data, u32 size, u64 flags, void *out);
HELPER(long, dynptr_read, 201, void *dst, u32 len, const void *src, u32 off, u64 flags);

extern u64 *bpf_session_cookie(void) KSYM;
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, u64 flags, struct bpf_dynptr *out) KSYM;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, u32 off, void *buf, u32 len) KSYM;

struct {
	MAP_UINT(type, BPF_MAP_TYPE_XSKMAP);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u32);
} socks SEC(".maps");

static const char hello[] = "hello";
char buf[32];

/* the word a session's entry leaves for its return */
SEC("kprobe.session/bpf_fentry_test1") int fine_cookie(void *ctx)
{
	u64 *cookie = bpf_session_cookie();

	*cookie = *cookie + 1;
	return 0;
}
SEC("kprobe.session/bpf_fentry_test1") int bad_cookie_beyond(void *ctx)
{
	u64 *cookie = bpf_session_cookie();

	cookie[1] = 1;
	return 0;
}

/* options of the socket an iterator is at */
SEC("iter/tcp") int fine_tcp_options(struct bpf_iter__tcp *ctx)
{
	struct sock_common *sk = ctx->sk_common;
	int v = 0;

	if (!sk)
		return 0;
	getsockopt(sk, 1, 2, &v, sizeof(v));
	setsockopt(sk, 1, 2, &v, sizeof(v));
	return 0;
}
SEC("iter/udp") int bad_udp_options(struct bpf_iter__udp *ctx)
{
	struct sock_common *sk = ctx->udp_sk;
	int v = 0;

	if (sk)
		setsockopt(sk, 1, 2, &v, sizeof(v));
	return 0;
}

/* sockets of a map: what is equal to one that is there is one */
SEC("xdp") __attribute__((naked)) int fine_same_socket(void)
{
	asm volatile("r1 = 0\n *(u32 *)(r10 - 4) = r1\n"
		     "r1 = socks ll\n r2 = r10\n r2 += -4\n call 1\n r6 = r0\n"
		     "r1 = socks ll\n r2 = r10\n r2 += -4\n call 1\n r7 = r0\n"
		     "if r6 == 0 goto 1f\n if r6 != r7 goto 1f\n r0 = *(u32 *)(r7 + 0)\n"
		     "1: r0 = 0\n exit" ::: "memory");
}

/* structs of the kernel as plain memory */
SEC("tp_btf/task_newtask") int fine_comm(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];

	return strncmp(task->comm, 8, hello);
}
SEC("tp_btf/task_newtask") int bad_comm_written(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];

	return probe_read_kernel(task->comm, 16, task->comm);
}

/* dynptrs as arguments of global functions */
GLOBAL take_dynptr(const struct bpf_dynptr *p)
{
	u64 v = 0;

	return dynptr_read(&v, 8, p, 0, 0) + v;
}
SEC("xdp") int fine_dynptr_arg(struct xdp_md *md)
{
	struct dynptr p;

	dynptr_from_mem(buf, sizeof(buf), 0, &p);
	return take_dynptr((void *)&p);
}
SEC("xdp") int bad_dynptr_arg_ctx(struct xdp_md *md) { return take_dynptr((void *)md); }
SEC("xdp") int bad_dynptr_arg_none(struct xdp_md *md)
{
	struct dynptr p = {};

	OPAQUE(md);
	return take_dynptr((void *)&p);
}
SEC("xdp") int bad_dynptr_arg_inside(struct xdp_md *md)
{
	struct dynptr p;

	dynptr_from_mem(buf, sizeof(buf), 0, &p);
	return take_dynptr((void *)&p + 8);
}

/* the function may write into the packet through it: what pointed there before is gone; the kernel lets it pass */
SEC("tc") int stricter_packet_behind_dynptr(struct __sk_buff *skb)
{
	u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct dynptr p;

	bpf_dynptr_from_skb(skb, 0, (void *)&p);
	if (data + 1 > end)
		return 0;
	take_dynptr((void *)&p);
	return *data;
}

/* the mark of a tracked connection may be written, nothing else of it */
struct nf_conn { u32 mark; u32 timeout; } KERNEL;
struct bpf_ct_opts { s32 netns_id, error; u8 l4proto, dir, reserved[2]; };
extern struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *md, struct bpf_sock_tuple *tuple, u32 len, struct bpf_ct_opts *opts,
						 u32 size) KSYM;
extern void bpf_ct_release(struct nf_conn *ct) KSYM;
#define WITH_CT(...) \
	struct bpf_sock_tuple tuple = {}; \
	struct bpf_ct_opts opts = {-1, 0, 6}; \
	struct nf_conn *ct = bpf_xdp_ct_lookup(md, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts)); \
	if (ct) { \
		__VA_ARGS__; \
		bpf_ct_release(ct); \
	} \
	return 0
SEC("xdp") int fine_ct_mark(struct xdp_md *md) { WITH_CT(ct->mark = 7); }
SEC("xdp") int bad_ct_timeout(struct xdp_md *md) { WITH_CT(ct->timeout = 7); }

/* a buffer that is shorter than the slice, over a dynptr */
SEC("tc") int bad_slice_buffer(struct __sk_buff *skb)
{
	struct dynptr p;
	char small[8] = {};
	void *at;

	bpf_dynptr_from_skb(skb, 0, (void *)&p);
	at = bpf_dynptr_slice((void *)&p, 0, small, 12);
	return at != 0;
}

/* one insn for two kinds of pointers */
SEC("xdp") __attribute__((naked)) int bad_two_kinds(void)
{
	asm volatile("r2 = *(u32 *)(r1 + 12)\n r3 = 0\n *(u64 *)(r10 - 8) = r3\n"
		     "if r2 == 7 goto 1f\n r1 = r10\n r1 += -8\n"
		     "1: r0 = *(u32 *)(r1 + 0)\n r0 = 0\n exit" ::: "memory");
}
SEC("xdp") __attribute__((naked)) int fine_two_memories(void)
{
	asm volatile("r2 = *(u32 *)(r1 + 12)\n r3 = 0\n *(u64 *)(r10 - 8) = r3\n r1 = buf ll\n"
		     "if r2 == 7 goto 1f\n r1 = r10\n r1 += -8\n"
		     "1: r0 = *(u32 *)(r1 + 0)\n r0 = 0\n exit" ::: "memory");
}

/* spills around a call that keeps its registers do not count */
static __attribute__((naked, used)) void keeps_regs(void)
{
	asm volatile("*(u64 *)(r10 - 8) = r1\n call 8\n r1 = *(u64 *)(r10 - 8)\n exit" ::: "memory");
}
static __attribute__((naked, used)) void reads_spill(void)
{
	asm volatile("*(u64 *)(r10 - 8) = r1\n call 8\n r1 = *(u64 *)(r10 - 8)\n r0 = *(u64 *)(r10 - 8)\n exit" ::: "memory");
}
static __attribute__((naked, used)) void not_inlined(void)
{
	asm volatile("*(u64 *)(r10 - 8) = r1\n call 7\n r1 = *(u64 *)(r10 - 8)\n exit" ::: "memory");
}
static __attribute__((naked, used)) void wrong_order(void)
{
	asm volatile("*(u64 *)(r10 - 8) = r1\n *(u64 *)(r10 - 16) = r2\n call 8\n r1 = *(u64 *)(r10 - 8)\n"
		     "r2 = *(u64 *)(r10 - 16)\n exit" ::: "memory");
}
#define DEEP(name, callee) \
	SEC("xdp") __attribute__((naked)) int name(void) \
	{ asm volatile("r1 = 42\n r2 = 43\n *(u64 *)(r10 - 512) = r1\n call " #callee "\n r0 = 0\n exit" ::: "memory"); }
DEEP(fine_deep_keeps, keeps_regs)
DEEP(bad_deep_reads, reads_spill)
DEEP(bad_deep_not_inlined, not_inlined)
DEEP(bad_deep_order, wrong_order)
