// SPDX-License-Identifier: Apache-2.0
// What an argument of a global function may be: contexts by name and by tag in programs of many types, memory, numbers,
// structs of the kernel. `fine_*` are accepted, `bad_*` refused.
#include "bpf_api.h"

LICENSE("Dual MIT/GPL");

#define TAG(tag) __attribute__((btf_decl_tag("arg:" tag)))
#define GLOBAL __attribute__((noinline)) int
/* a constant that no copy of the callee is made for */
#define NULL_ARG ({ void *p = 0; OPAQUE(p); p; })

struct pt_regs { u64 words[21]; };
typedef struct pt_regs bpf_user_pt_regs_t;
struct pair { u32 a, b; };
struct sk_buff { u32 len; };
struct hidden;
struct no_such_struct { int x; };
struct task_struct { int pid; };
struct task_struct___mine { int pid; };
struct bpf_perf_event_data { u64 regs[21]; u64 sample_period; };

volatile int seen;

/* contexts by the name of their struct */
GLOBAL skb_named(struct __sk_buff *skb) { return skb->len; }
GLOBAL skb_projected(struct sk_buff *skb) { return skb != 0; }
GLOBAL md_named(struct xdp_md *md) { return md->rx_queue_index; }
GLOBAL regs_named(bpf_user_pt_regs_t *regs) { return seen + (regs != 0); }
GLOBAL regs_struct(struct pt_regs *regs) { return seen + (regs != 0); }
GLOBAL perf_named(struct bpf_perf_event_data *d) { return d->sample_period; }
GLOBAL raw_named(struct bpf_raw_tracepoint_args *a) { return a->args[0]; }
GLOBAL sock_named(struct bpf_sock *sk) { return sk->family; }

SEC("tc") int fine_skb(struct __sk_buff *skb) { return skb_named(skb); }
SEC("tc") int fine_skb_projected(struct __sk_buff *skb) { return skb_projected((void *)skb); }
SEC("xdp") int fine_md(struct xdp_md *md) { return md_named(md); }
SEC("xdp") int bad_skb_for_md(struct xdp_md *md) { return skb_named((void *)md); }
SEC("kprobe") int fine_regs_named(void *ctx) { return regs_named(ctx); }
SEC("kprobe") int fine_regs_struct(void *ctx) { return regs_struct(ctx); }
SEC("perf_event") int fine_perf(void *ctx) { return perf_named(ctx); }
SEC("raw_tp/sys_enter") int fine_raw(void *ctx) { return raw_named(ctx); }
SEC("cgroup/sock_create") int fine_sock(struct bpf_sock *sk) { return sock_named(sk) & 1; }
SEC("tc") int bad_skb_moved(struct __sk_buff *skb) { return skb_named((void *)skb + 8); }
SEC("tc") int bad_skb_number(struct __sk_buff *skb) { return skb_named((void *)(long)skb->len); }
SEC("tc") int bad_skb_stack(struct __sk_buff *skb)
{
	struct __sk_buff other = {};

	OPAQUE(skb);
	return skb_named(&other);
}

/* contexts by tag */
GLOBAL void_tagged(void *ctx TAG("ctx")) { return seen + (ctx != 0); }
GLOBAL skb_tagged(struct __sk_buff *ctx TAG("ctx")) { return ctx->len; }
GLOBAL pair_tagged(struct pair *ctx TAG("ctx")) { return seen + (ctx != 0); }
GLOBAL words_tagged(u64 *ctx TAG("ctx")) { return seen + (ctx != 0); }
GLOBAL half_tagged(u32 *ctx TAG("ctx")) { return seen + (ctx != 0); }
GLOBAL regs_tagged(struct pt_regs *ctx TAG("ctx")) { return seen + (ctx != 0); }
GLOBAL number_tagged(u64 ctx TAG("ctx")) { return ctx; }
GLOBAL ctx_nonnull(void *ctx TAG("ctx") TAG("nonnull")) { return seen + (ctx != 0); }

SEC("tc") int fine_void_tagged(struct __sk_buff *skb) { return void_tagged(skb); }
SEC("tc") int fine_skb_tagged(struct __sk_buff *skb) { return skb_tagged(skb); }
SEC("xdp") int bad_skb_tagged(struct xdp_md *md) { return skb_tagged((void *)md); }
SEC("tc") int bad_pair_tagged(struct __sk_buff *skb) { return pair_tagged((void *)skb); }
SEC("tracepoint/syscalls/sys_enter_bpf") int fine_pair_tagged(void *ctx) { return pair_tagged(ctx); }
SEC("raw_tp/sys_enter") int fine_words_tagged(void *ctx) { return words_tagged(ctx); }
SEC("raw_tp/sys_enter") int bad_half_tagged(void *ctx) { return half_tagged(ctx); }
SEC("tc") int bad_words_tagged(void *ctx) { return words_tagged(ctx); }
SEC("kprobe") int fine_regs_tagged(void *ctx) { return regs_tagged(ctx); }
SEC("perf_event") int fine_perf_regs_tagged(void *ctx) { return regs_tagged(ctx); }
SEC("perf_event") int bad_perf_words_tagged(void *ctx) { return words_tagged(ctx); }
SEC("tc") int bad_number_tagged(void *ctx) { return number_tagged((u64)ctx); }
SEC("tc") int bad_ctx_nonnull(void *ctx) { return ctx_nonnull(ctx); }

/* memory */
GLOBAL pair_sum(struct pair *p) { return p ? p->a + p->b : 0; }
GLOBAL pair_unchecked(struct pair *p) { return p->a; }
GLOBAL pair_nonnull(struct pair *p TAG("nonnull")) { return p->a + p->b; }
GLOBAL pair_nullable(struct pair *p TAG("nullable")) { return p ? p->a : 0; }
GLOBAL odd_tag(struct pair *p TAG("blue")) { return p ? p->a : 0; }
GLOBAL hidden_arg(struct hidden *p) { return seen + (p != 0); }
GLOBAL table_arg(u32 (*t)[4]) { return t ? (*t)[3] : 0; }
GLOBAL written_arg(u64 *p) { if (p) *p = 7; return 0; }
__attribute__((noinline)) void no_return(int x) { seen = x; }

const u64 frozen = 3;

SEC("tc") int fine_pair(struct __sk_buff *skb)
{
	struct pair p = { skb->len, 2 };

	return pair_sum(&p);
}
SEC("tc") int fine_pair_null(void *ctx) { return pair_sum(NULL_ARG); }
SEC("tc") int bad_pair_unchecked(void *ctx) { return pair_unchecked(NULL_ARG); }
SEC("tc") int bad_pair_ctx(void *ctx) { return pair_sum(ctx); }
SEC("tracepoint/syscalls/sys_enter_bpf") int bad_pair_plain_ctx(void *ctx) { return pair_sum(ctx); }
SEC("raw_tp/sys_enter") int bad_pair_raw_ctx(void *ctx) { return pair_sum(ctx); }
SEC("tc") int bad_pair_short(struct __sk_buff *skb)
{
	u32 half = skb->len;

	OPAQUE(half);
	return pair_sum((void *)&half);
}
SEC("tc") int fine_pair_nonnull(struct __sk_buff *skb)
{
	struct pair p = { skb->len, 2 };

	return pair_nonnull(&p);
}
SEC("tc") int bad_pair_nullable(void *ctx) { return pair_nullable(NULL_ARG); }
SEC("tc") int bad_odd_tag(void *ctx) { return odd_tag(NULL_ARG); }
SEC("tc") int bad_hidden(void *ctx) { return hidden_arg(NULL_ARG); }
SEC("tc") int fine_table(struct __sk_buff *skb)
{
	u32 t[4] = { 1, 2, 3, skb->len };

	return table_arg(&t);
}
SEC("tc") int bad_frozen(void *ctx) { u64 *p = (u64 *)&frozen; OPAQUE(p); return written_arg(p); }
SEC("tc") int fine_packet(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 16 > end)
		return 0;
	return written_arg(data);
}
SEC("tc") int bad_no_return(struct __sk_buff *skb) { no_return(skb->len); return 0; }

/* structs of the kernel */
GLOBAL task_trusted(struct task_struct *t TAG("trusted")) { return seen + (t != 0); }
GLOBAL task_maybe(struct task_struct *t TAG("trusted") TAG("nullable")) { return seen + (t != 0); }
GLOBAL task_flavour(struct task_struct___mine *t TAG("trusted")) { return seen + (t != 0); }
GLOBAL task_both(struct task_struct *t TAG("trusted") TAG("nonnull")) { return seen + (t != 0); }
GLOBAL task_untrusted(struct task_struct *t TAG("untrusted")) { return seen + (t != 0); }
GLOBAL bytes_untrusted(u64 *p TAG("untrusted")) { return p[7]; }
GLOBAL pair_untrusted(struct pair *p TAG("untrusted") TAG("nullable")) { return seen + (p != 0); }
GLOBAL none_trusted(struct no_such_struct *t TAG("trusted")) { return seen + (t != 0); }

SEC("tc") int bad_task_number(void *ctx) { return task_trusted(NULL_ARG); }
SEC("tc") int bad_task_ctx(void *ctx) { return task_trusted(ctx); }
SEC("tc") int fine_task_maybe(void *ctx) { return task_maybe(NULL_ARG); }
SEC("tc") int bad_task_flavour(void *ctx) { return task_flavour(ctx); }
SEC("tc") int bad_task_both(void *ctx) { return task_both(ctx); }
SEC("tc") int fine_task_untrusted(void *ctx) { return task_untrusted(ctx); }
SEC("tc") int fine_bytes_untrusted(void *ctx) { void *p = (void *)64; OPAQUE(p); return bytes_untrusted(p); }
SEC("tc") int bad_pair_untrusted(void *ctx) { return pair_untrusted(ctx); }
SEC("tc") int bad_none_trusted(void *ctx) { return none_trusted(ctx); }
