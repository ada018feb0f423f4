// SPDX-License-Identifier: Apache-2.0
// Drives probe.bpf.o through BPF_PROG_TEST_RUN and prints one line a case: what the running kernel answers
// at the limits of XDP's helpers. Needs root and libbpf; attaches nothing.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bss { int dummy; };
static struct bpf_object *obj;
static struct bpf_map *bss;
static unsigned char in[80000], out[80000], data[4096];
static size_t bss_size;

#include "probe.off.h" /* offsets of the globals, made by the Makefile */

static void run(const char *what, const char *prog, int op, long long a, long long b, unsigned len)
{
	struct bpf_program *p = bpf_object__find_program_by_name(obj, prog);
	struct xdp_md ci = { .data_end = len }, co = {};
	__u32 z = 0;
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = in, .data_size_in = len, .data_out = out,
		    .data_size_out = sizeof(out), .ctx_in = &ci, .ctx_size_in = sizeof(ci),
		    .ctx_out = &co, .ctx_size_out = sizeof(co), .repeat = 1);
	memset(data, 0, bss_size);
	for (int i = 0; i < 512; i++)
		data[OFF_buf + i] = 0xff;
	memcpy(data + OFF_op, &op, 4);
	memcpy(data + OFF_a, &a, 8);
	memcpy(data + OFF_b, &b, 8);
	bpf_map_update_elem(bpf_map__fd(bss), &z, data, 0);
	int err = bpf_prog_test_run_opts(bpf_program__fd(p), &o) ? errno : 0;
	bpf_map_lookup_elem(bpf_map__fd(bss), &z, data);
	if (err) {
		printf("%-34s a=%-12lld b=%-12lld len=%-6u test_run errno %d (%s)\n", what, a, b, len, err, strerror(err));
		return;
	}
#define S64(n) (*(long long *)(data + OFF_##n))
#define S32(n) (*(int *)(data + OFF_##n))
	printf("%-34s a=%-12lld b=%-12lld len=%-6u ret=%lld (0x%llx) ret2=%lld retval=%u data_len %d->%d meta %d->%d buff_len=%lld out=%u co.data=%u co.data_end=%u if=%d rxq=%d\n",
	       what, a, b, len, S64(ret), S64(ret), S64(ret2), o.retval, S32(len_before), S32(len_after), S32(meta_before),
	       S32(meta_after), S64(buff_len), o.data_size_out, co.data, co.data_end, S32(ifindex), S32(rxq));
}

/* metadata given from outside: ctx_in.data bytes in front of the packet */
static void meta_in(unsigned data_off, unsigned data_end, unsigned len, unsigned ctx_size)
{
	struct bpf_program *p = bpf_object__find_program_by_name(obj, "probe");
	struct xdp_md ci = { .data = data_off, .data_end = data_end };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = in, .data_size_in = len, .data_out = out,
		    .data_size_out = sizeof(out), .ctx_in = &ci, .ctx_size_in = ctx_size, .repeat = 1);
	int err = bpf_prog_test_run_opts(bpf_program__fd(p), &o) ? errno : 0;
	printf("ctx_in data=%u data_end=%u packet %u: errno %d out=%u\n", data_off, data_end, len, err, o.data_size_out);
}

int main(void)
{
	static const int lens[] = { 0, 1, 13, 14, 15, 60, 3519, 3520, 3521, 4096, 7000, 9000, 65535 };
	for (unsigned i = 0; i < sizeof(in); i++)
		in[i] = i * 7 + (i >> 8);
	obj = bpf_object__open_file("probe.bpf.o", NULL);
	if (!obj || bpf_object__load(obj)) {
		fprintf(stderr, "load: %s\n", strerror(errno));
		return 1;
	}
	bss = bpf_object__find_map_by_name(obj, ".bss");
	bss_size = bpf_map__value_size(bss);
	for (unsigned i = 0; i < sizeof(lens) / sizeof(*lens); i++)
		run("length", "probe", 0, 0, 0, lens[i]);
	for (unsigned i = 7; i < sizeof(lens) / sizeof(*lens); i++)
		run("length, frags-aware", "probe_frags", 9, 3510, 20, lens[i]);
	run("length", "probe", 0, 0, 0, 73152);
	run("length", "probe", 0, 0, 0, 73153);
	run("load_bytes past 3520, no frags flag", "probe", 9, 3510, 20, 4096);
	run("load_bytes whole end", "probe", 9, 4076, 20, 4096);
	run("load_bytes past end", "probe", 9, 4077, 20, 4096);
	run("store_bytes past 3520, no frags", "probe", 10, 3510, 20, 4096);
	run("adjust_head on 9000", "probe", 1, 20, 0, 9000);
	run("adjust_head on 9000, to 14", "probe", 1, 3506, 0, 9000);
	run("adjust_head on 9000, to 13", "probe", 1, 3507, 0, 9000);
	run("adjust_head on 9000", "probe", 1, -100, 0, 9000);
	run("adjust_meta on 9000", "probe", 3, -32, 0, 9000);
	run("adjust_tail on 9000, no frags flag", "probe", 2, 1, 0, 9000);
	run("adjust_tail on 9000, no frags flag", "probe", 2, -100, 0, 9000);
	run("adjust_tail on 9000, to 3520", "probe", 2, -5480, 0, 9000);
	run("adjust_tail on 9000, to 3519", "probe", 2, -5481, 0, 9000);
	run("adjust_tail on 9000, to 14", "probe", 2, -8986, 0, 9000);
	run("adjust_tail on 9000, to 13", "probe", 2, -8987, 0, 9000);
	run("adjust_tail on 9000, to end of page", "probe", 2, 2712, 0, 9000);
	run("adjust_tail on 9000, past page", "probe", 2, 2713, 0, 9000);
	run("adjust_tail on 7616 (full page)", "probe", 2, 1, 0, 7616);
	run("perf ctx bytes 9000 of 9000", "probe", 23, 9000, 0, 9000);
	run("perf ctx bytes 9001 of 9000", "probe", 23, 9001, 0, 9000);
	static const long long heads[] = { -215, -216, -217, -220, -256, 1, 46, 47, 59, 60, 61, 0x7fffffff, -0x7fffffffLL, 0x100000001LL };
	for (unsigned i = 0; i < sizeof(heads) / sizeof(*heads); i++)
		run("adjust_head", "probe", 1, heads[i], 0, 60);
	static const long long tails[] = { -1, -45, -46, -47, -60, 1, 100, 3000, 3460, 3461, 3500, 0x7fffffff };
	for (unsigned i = 0; i < sizeof(tails) / sizeof(*tails); i++)
		run("adjust_tail", "probe", 2, tails[i], 0, 60);
	run("adjust_tail at full frame", "probe", 2, 1, 0, 3520);
	run("adjust_tail frags prog", "probe_frags", 2, 1, 0, 9000);
	run("adjust_tail frags prog", "probe_frags", 2, -5000, 0, 9000);
	run("adjust_tail frags prog", "probe_frags", 2, -6000, 0, 9000);
	run("head -216 then tail", "probe", 27, -216, 3461, 60);
	run("head -100 then tail 3460", "probe", 27, -100, 3460, 60);
	run("head 20 then tail 3461", "probe", 27, 20, 3461, 60);
	run("head 20 then tail 3460", "probe", 27, 20, 3460, 60);
	run("tail -30 +30: zeros come back", "probe", 28, -30, 30, 60);
	printf("   bytes 26..59 of it:");
	for (int i = 26; i < 60; i++)
		printf(" %02x", out[i]);
	printf("\n");
	run("head -16: new bytes", "probe", 1, -16, 0, 60);
	printf("   bytes 0..19 of it:");
	for (int i = 0; i < 20; i++)
		printf(" %02x", out[i]);
	printf("\n");
	run("meta -16: new bytes", "probe", 3, -16, 0, 60);
	printf("   bytes 0..19 of it:");
	for (int i = 0; i < 20; i++)
		printf(" %02x", out[i]);
	printf("\n");
	static const long long metas[] = { -1, -2, -3, -4, -8, -32, -36, -64, -128, -200, -212, -216, -220, -252, -256, 4, 0 };
	for (unsigned i = 0; i < sizeof(metas) / sizeof(*metas); i++)
		run("adjust_meta", "probe", 3, metas[i], 0, 60);
	run("meta -8 then head -8", "probe", 13, -8, -8, 60);
	run("meta -8 then head 8", "probe", 13, -8, 8, 60);
	run("meta -8 then head -208", "probe", 13, -8, -208, 60);
	run("meta -8 then head -209", "probe", 13, -8, -209, 60);
	run("head -100 then meta -116", "probe", 14, -100, -116, 60);
	run("head -100 then meta -120", "probe", 14, -100, -120, 60);
	run("head 20 then meta -32", "probe", 14, 20, -32, 60);
	run("head 20 then meta -252", "probe", 14, 20, -252, 60);
	run("head 20 then meta -236", "probe", 14, 20, -236, 60);
	run("head 46 then meta -252", "probe", 14, 46, -252, 60);
	run("head 46 then meta -256", "probe", 14, 46, -256, 60);
	run("head 46 then meta -260", "probe", 14, 46, -260, 60);
	run("perf 61 of 60 and bad index", "probe", 29, 0, 0, 60);
	for (int n = 0; n <= 16; n += 4)
		run("csum_diff add 0xff.. n bytes", "probe", 4, n, 0, 60);
	run("csum_diff add 508 bytes seed 0", "probe", 4, 508, 0, 60);
	run("csum_diff add 508 seed ffffffff", "probe", 4, 508, 0xffffffffLL, 60);
	run("csum_diff add 0 seed ffffffff", "probe", 4, 0, 0xffffffffLL, 60);
	run("csum_diff add 0 seed 12345678", "probe", 4, 0, 0x12345678, 60);
	run("csum_diff add 4 seed 12345678", "probe", 4, 4, 0x12345678, 60);
	run("csum_diff from 4 seed 0", "probe", 16, 4, 0, 60);
	run("csum_diff from 16 seed 12345678", "probe", 16, 16, 0x12345678, 60);
	run("csum_diff from 0 seed ffffffff", "probe", 16, 0, 0xffffffffLL, 60);
	run("csum_diff equal seed 0", "probe", 15, 0, 0, 60);
	run("csum_diff equal seed 1", "probe", 15, 1, 0, 60);
	for (int n = 1; n < 8; n++)
		run("csum_diff of 01 02 03 … n bytes", "probe", 31, n, 0, 60);
	static const long long rf[] = { 0, 1, 2, 3, 4, 5, 8, 16, 24, 1LL << 32 };
	for (unsigned i = 0; i < sizeof(rf) / sizeof(*rf); i++)
		run("redirect_map empty devmap slot", "probe", 5, 0, rf[i], 60);
	run("redirect_map devmap key too big", "probe", 5, 100, 2, 60);
	run("redirect_map devmap key u64", "probe", 5, 0x100000000LL, 2, 60);
	run("redirect_map empty devmap_hash", "probe", 6, 0, 2, 60);
	run("redirect_map empty cpumap", "probe", 11, 0, 2, 60);
	run("redirect_map empty cpumap flag 8", "probe", 11, 0, 8, 60);
	run("redirect ifindex 1", "probe", 7, 1, 0, 60);
	run("redirect ifindex 0", "probe", 7, 0, 0, 60);
	run("redirect ifindex 9999", "probe", 7, 9999, 0, 60);
	run("redirect flags 1", "probe", 7, 1, 1, 60);
	run("redirect flags 8", "probe", 7, 1, 8, 60);
	run("redirect_map then redirect", "probe", 26, 0, 0, 60);
	run("perf no reader, cur cpu", "probe", 8, 0, 0xffffffffLL, 60);
	run("perf no reader, index 0", "probe", 8, 0, 0, 60);
	run("perf index 3", "probe", 8, 0, 3, 60);
	run("perf index 4 (= max)", "probe", 8, 0, 4, 60);
	run("perf unknown flags", "probe", 8, 0, 1LL << 52, 60);
	run("perf ctx bytes 60 of 60", "probe", 23, 60, 0, 60);
	run("perf ctx bytes 61 of 60", "probe", 23, 61, 0, 60);
	run("perf index 1, runs on cpu 0?", "probe", 8, 0, 1, 60);
	static const long long lb[][2] = { { 0, 60 }, { 0, 61 }, { 60, 1 }, { 59, 1 }, { -1, 1 }, { 0x10000, 1 }, { 0xffff, 1 }, { 0x7fffffff, 4 }, { 0xfffffffffLL, 1 } };
	for (unsigned i = 0; i < sizeof(lb) / sizeof(*lb); i++) {
		run("load_bytes off=a len=b", "probe", 9, lb[i][0], lb[i][1], 60);
		run("store_bytes off=a len=b", "probe", 10, lb[i][0], lb[i][1], 60);
	}
	run("unknown verdict", "probe", 12, 77, 0, 60);
	run("unknown verdict", "probe", 12, -1, 0, 60);
	run("verdict redirect without helper", "probe", 12, 4, 0, 60);
	for (int i = 0; i < 6; i++)
		run("hash update, 4 entries", "probe", 17, i, 0, 60);
	run("hash update NOEXIST existing", "probe", 17, 0, 1, 60);
	run("hash update EXIST missing", "probe", 17, 9, 2, 60);
	run("hash update full, existing ANY", "probe", 17, 0, 0, 60);
	run("hash update flags 3", "probe", 17, 0, 3, 60);
	run("hash update flags 4 (F_LOCK)", "probe", 17, 0, 4, 60);
	run("hash update flags 8", "probe", 17, 0, 8, 60);
	run("hash delete missing", "probe", 21, 99, 0, 60);
	run("hash delete", "probe", 21, 0, 0, 60);
	run("array update index 4", "probe", 18, 4, 0, 60);
	run("array update NOEXIST", "probe", 18, 0, 1, 60);
	run("array update EXIST", "probe", 18, 0, 2, 60);
	run("array update flags 3", "probe", 18, 0, 3, 60);
	run("array update flags 8", "probe", 18, 0, 8, 60);
	run("array update flags 4 (F_LOCK)", "probe", 18, 0, 4, 60);
	run("array delete", "probe", 20, 0, 0, 60);
	run("array delete index 4", "probe", 20, 4, 0, 60);
	run("lpm update /33", "probe", 19, 33, 0, 60);
	run("lpm update /24", "probe", 19, 24, 0, 60);
	run("lpm update /24 NOEXIST", "probe", 19, 24, 1, 60);
	run("lpm update /16 EXIST", "probe", 19, 16, 2, 60);
	run("lpm update flags 3", "probe", 19, 16, 3, 60);
	run("lpm update flags 4", "probe", 19, 16, 4, 60);
	run("lpm update /8", "probe", 19, 8, 0, 60);
	run("lpm update /7", "probe", 19, 7, 0, 60);
	run("lpm update /6", "probe", 19, 6, 0, 60);
	run("lpm update /5 (fifth)", "probe", 19, 5, 0, 60);
	run("lpm update /8 existing, full", "probe", 19, 8, 0, 60);
	run("lpm lookup /33", "probe", 24, 33, 0, 60);
	run("lpm lookup /32", "probe", 24, 32, 0, 60);
	run("lpm lookup /4", "probe", 24, 4, 0, 60);
	run("lpm delete /9", "probe", 22, 9, 0, 60);
	run("lpm delete /33", "probe", 22, 33, 0, 60);
	run("lpm delete /8", "probe", 22, 8, 0, 60);
	meta_in(4, 64, 64, sizeof(struct xdp_md));
	meta_in(32, 92, 92, sizeof(struct xdp_md));
	meta_in(36, 96, 96, sizeof(struct xdp_md));
	meta_in(216, 276, 276, sizeof(struct xdp_md));
	meta_in(220, 280, 280, sizeof(struct xdp_md));
	meta_in(252, 312, 312, sizeof(struct xdp_md));
	meta_in(256, 316, 316, sizeof(struct xdp_md));
	meta_in(2, 62, 62, sizeof(struct xdp_md));
	meta_in(0, 59, 60, sizeof(struct xdp_md));
	bpf_object__close(obj);
	return 0;
}
