// SPDX-License-Identifier: Apache-2.0
// One of everything the object reader must understand. Not meant to do anything sensible.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct val {
	__u64 n;
	struct bpf_timer t;
	struct bpf_spin_lock l;
	char name[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, struct val);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} flows SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 4);
} in1 SEC(".maps"), in2 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__type(key, __u32);
	__uint(max_entries, 4);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { &in1, 0, &in2 } };

int xdp_frags(struct xdp_md *ctx);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(key_size, 4);
	__uint(max_entries, 8);
	__array(values, int(void *));
} progs SEC(".maps") = { .values = { [3] = (void *)&xdp_frags } };

/* no such member: only programs that use this map are refused */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
	__uint(colour, 7);
} odd SEC(".maps");

enum colour { RED = 1, GREEN = 5 };
struct cfg {
	int a : 3;
	unsigned int b : 5;
	__u64 c;
	enum colour e;
	union {
		__u32 word;
		__u8 bytes[4];
	};
	struct {
		__s16 x, y;
	} pos[2];
	_Bool on;
	char tag[8];
};

const volatile int ro_int = 7;
const volatile char ro_str[8] = "abc";
static volatile const unsigned long long ro_static = 99;
int counter;
static int scount = 3;
__u64 dat = 0x1122334455667788ull;
struct cfg cfg SEC(".data.custom") = { -1, 3, 5, GREEN, { 0x01020304 }, { { -1, 2 } }, 1, "hey" };

extern int LINUX_KERNEL_VERSION __kconfig;
extern const void bpf_link_fops __ksym __weak;
extern int bpf_some_kfunc(int x) __ksym;

static int cb(void *map, __u32 *key, struct val *v, void *ctx)
{
	v->n += scount;
	return 0;
}

static __noinline int stat(int x)
{
	scount += x;
	return x * 3 + counter;
}

__noinline int glob(int x)
{
	return stat(x) + ro_int + stat(2);
}

SEC("xdp") int xdp_main(struct xdp_md *ctx)
{
	bpf_for_each_map_elem(&flows, cb, 0, 0);
	bpf_tail_call(ctx, &progs, 3);
	return glob(ctx->rx_queue_index) + ro_str[ctx->ingress_ifindex & 7] + ro_static;
}

SEC("xdp.frags") int xdp_frags(struct xdp_md *ctx)
{
	__u32 k = 1;
	void *m = bpf_map_lookup_elem(&outer, &k);

	if (!m)
		return 0;
	cfg.c++;
	dat++;
	return stat(3) + LINUX_KERNEL_VERSION;
}

SEC("tc") int tc_ksym(struct __sk_buff *ctx)
{
	bpf_printk("hello %d", ctx->len);
	return &bpf_link_fops ? 1 : 0;
}

SEC("xdp") int xdp_odd(struct xdp_md *ctx)
{
	__u32 k = 0;

	return bpf_map_lookup_elem(&odd, &k) ? 1 : 2;
}

SEC("fentry/tcp_connect") int trace(void *ctx)
{
	return bpf_some_kfunc(1);
}

struct local_flow {
	int a;
	int b;
	char name[8];
} __attribute__((preserve_access_index));

SEC("tc/ingress") int tc_core(struct __sk_buff *ctx)
{
	struct local_flow f = { .b = 3 };
	struct local_flow *p = &f;

	asm volatile("" : "+r"(p));
	return p->b + bpf_core_field_exists(p->a) * 2 + bpf_core_type_size(struct local_flow) +
	       bpf_core_enum_value(enum colour, GREEN);
}

SEC("what") int unknown(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
