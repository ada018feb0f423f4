// What programs ask of the kernel they are for: fields of its structs, its functions, what may be missing.
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define CORE __attribute__((preserve_access_index))

struct net_device {
	int ifindex;
} CORE;

struct sk_buff {
	unsigned int len;
	struct net_device *dev;
} CORE;

// Fields under names that no kernel has, and a struct that none has.
struct sk_buff___elsewhere {
	unsigned int no_such_field;
} CORE;

struct no_such_struct {
	long field;
} CORE;

enum no_such_enum { NO_SUCH_VALUE = 7 };

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;
extern int bpf_no_such_function(void *ctx) __weak __ksym;

SEC("tc")
int kern_fields(struct __sk_buff *ctx)
{
	struct sk_buff *skb = bpf_cast_to_kern_ctx(ctx);

	return skb->len + skb->dev->ifindex;
}

SEC("tc")
int guarded(struct __sk_buff *ctx)
{
	struct sk_buff___elsewhere *skb = (void *)ctx;

	if (bpf_core_field_exists(skb->no_such_field))
		return BPF_CORE_READ(skb, no_such_field);
	if (bpf_core_type_exists(struct no_such_struct))
		return bpf_core_type_size(struct no_such_struct);
	if (bpf_core_enum_value_exists(enum no_such_enum, NO_SUCH_VALUE))
		return bpf_core_enum_value(enum no_such_enum, NO_SUCH_VALUE);
	if (bpf_no_such_function)
		return bpf_no_such_function(ctx);
	return 0;
}

SEC("tc")
int unguarded_field(struct __sk_buff *ctx)
{
	struct sk_buff___elsewhere *skb = (void *)bpf_cast_to_kern_ctx(ctx);

	return skb->no_such_field;
}

SEC("tc")
int unguarded_enum(struct __sk_buff *ctx)
{
	return bpf_core_enum_value(enum no_such_enum, NO_SUCH_VALUE);
}

SEC("tc")
int unguarded_call(struct __sk_buff *ctx)
{
	return bpf_no_such_function(ctx);
}

char LICENSE[] SEC("license") = "GPL";
