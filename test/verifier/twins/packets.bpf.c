// SPDX-License-Identifier: Apache-2.0
// Ranges of packet pointers: which comparison with the end proves which bytes, for how long, in which program types.
#include "twins.h"

LICENSE("GPL");
BOX_MAP;

/* of an XDP program: r6 = ctx, r2 = data, r3 = data_end */
#define XDP(name, fine, bad) TWINS("xdp", name, "r6 = r1;" XDP_DATA, fine, bad, OUT)
#define SKB(sec, name, fine, bad) TWINS(sec, name, "r6 = r1;" SKB_DATA, fine, bad, OUT)

XDP(greater, "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 13);", "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 14);")
XDP(greater_equal, "r4 = r2; r4 += 14; if r4 >= r3 goto 9f; r0 = *(u8 *)(r2 + 14);", "r4 = r2; r4 += 14; if r4 >= r3 goto 9f; r0 = *(u8 *)(r2 + 15);")
XDP(less, "r4 = r2; r4 += 14; if r4 < r3 goto 1f; goto 9f; 1: r0 = *(u8 *)(r2 + 14);", "r4 = r2; r4 += 14; if r4 < r3 goto 9f; r0 = *(u8 *)(r2 + 0);")
XDP(less_equal, "r4 = r2; r4 += 14; if r4 <= r3 goto 1f; goto 9f; 1: r0 = *(u8 *)(r2 + 13);", "r4 = r2; r4 += 14; if r4 <= r3 goto 1f; goto 9f; 1: r0 = *(u8 *)(r2 + 14);")
XDP(end_greater, "r4 = r2; r4 += 14; if r3 < r4 goto 9f; r0 = *(u8 *)(r2 + 13);", "r4 = r2; r4 += 14; if r3 > r4 goto 9f; r0 = *(u8 *)(r2 + 0);")
XDP(end_greater_equal, "r4 = r2; r4 += 14; if r3 >= r4 goto 1f; goto 9f; 1: r0 = *(u8 *)(r2 + 13);", "r4 = r2; r4 += 14; if r3 >= r4 goto 9f; r0 = *(u8 *)(r2 + 0);")
XDP(equal, "r4 = r2; r4 += 14; if r4 > r3 goto 9f; if r4 == r3 goto 9f; r0 = *(u8 *)(r2 + 13);", "r4 = r2; r4 += 14; if r4 != r3 goto 9f; r0 = *(u8 *)(r2 + 13);")
XDP(signed, "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 0);", "r4 = r2; r4 += 14; if r4 s> r3 goto 9f; r0 = *(u8 *)(r2 + 0);")
XDP(word_compare, "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 0);", "r4 = r2; r4 += 14; if w4 > w3 goto 9f; r0 = *(u8 *)(r2 + 0);")
XDP(wide_load, "r4 = r2; r4 += 16; if r4 > r3 goto 9f; r0 = *(u64 *)(r2 + 8);", "r4 = r2; r4 += 15; if r4 > r3 goto 9f; r0 = *(u64 *)(r2 + 8);")
XDP(copies, "r5 = r2; r4 = r2; r4 += 14; if r4 > r3 goto 9f; r0 = *(u8 *)(r5 + 13);", "r5 = r2; r5 += 2; r4 = r2; r4 += 14; if r4 > r3 goto 9f; r0 = *(u8 *)(r5 + 12);")
XDP(copy_behind, "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r0 = *(u8 *)(r4 - 14);", "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r0 = *(u8 *)(r4 + 0);")
XDP(before_start, "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r2 += 1; r0 = *(u8 *)(r2 - 1);", "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 - 1);")
XDP(end_itself, "r4 = r2; r4 += 1; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 0);", "r0 = *(u8 *)(r3 - 1);")
XDP(end_moved, "r4 = r3; r5 = r2; r5 += 1; if r5 > r4 goto 9f; r0 = *(u8 *)(r2 + 0);", "r3 += -1; r5 = r2; if r5 > r3 goto 9f; r0 = *(u8 *)(r2 + 0);")
XDP(length, "r3 -= r2; r0 = r3;", "r3 += r2; r0 = r3;")
XDP(length_proves, "r4 = r3; r4 -= r2; r5 = r2; r5 += 8; if r5 > r3 goto 9f; r0 = *(u8 *)(r2 + 0);", "r4 = r3; r4 -= r2; if r4 < 8 goto 9f; r0 = *(u8 *)(r2 + 0);")
XDP(written, "r4 = r2; r4 += 14; if r4 > r3 goto 9f; *(u32 *)(r2 + 0) = 1;", "r4 = r2; r4 += 3; if r4 > r3 goto 9f; *(u32 *)(r2 + 0) = 1;")
XDP(atomic, "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r5 = 1; *(u64 *)(r2 + 0) = r5;", "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r5 = 1; lock *(u64 *)(r2 + 0) += r5;")
XDP(pointer_stored, "r4 = r2; r4 += 14; if r4 > r3 goto 9f; *(u64 *)(r10 - 8) = r2; r2 = *(u64 *)(r10 - 8); r0 = *(u8 *)(r2 + 0);", "r4 = r2; r4 += 14; *(u64 *)(r10 - 8) = r2; if r4 > r3 goto 9f; r2 = *(u64 *)(r10 - 8); r2 += 14; r0 = *(u8 *)(r2 + 0);")

/* variable offsets */
XDP(variable, "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r5 = *(u8 *)(r2 + 0); r5 &= 15; r2 += r5; r4 = r2; r4 += 20; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 19);", "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r5 = *(u8 *)(r2 + 0); r5 &= 15; r2 += r5; r0 = *(u8 *)(r2 + 0);")
XDP(variable_other, "r5 = *(u32 *)(r1 + 16); r5 &= 15; r2 += r5; r4 = r2; r4 += 8; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 7);", "r5 = *(u32 *)(r1 + 16); r5 &= 15; r4 = r2; r2 += r5; r4 += r5; r4 += 8; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 7);")
XDP(variable_large, "r5 = *(u32 *)(r1 + 16); r5 &= 0x7fff; r2 += r5; r4 = r2; r4 += 8; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 7);", "r5 = *(u32 *)(r1 + 16); r5 &= 0x1ffff; r2 += r5; r4 = r2; r4 += 8; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 7);")
XDP(variable_negative, "r5 = *(u32 *)(r1 + 16); r5 &= 7; r2 += 8; r4 = r2; r4 += 8; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 - 8);", "r5 = *(u32 *)(r1 + 16); r5 &= 7; r2 += 8; r2 -= r5; r4 = r2; r4 += 8; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 - 1);")
XDP(constant_large, "r2 += 0xffff; r4 = r2; r4 += 0; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 - 1);", "r2 += 0x10000; r4 = r2; r4 += 8; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 0);")
XDP(twice, "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r4 += 20; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 33);", "r4 = r2; r4 += 34; if r4 > r3 goto 1f; goto 9f; 1: r4 = r2; r4 += 14; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 33);")
XDP(joined, "r5 = *(u32 *)(r1 + 16); r4 = r2; if r5 == 0 goto 1f; r4 += 20; goto 2f; 1: r4 += 14; 2: if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 13);", "r5 = *(u32 *)(r1 + 16); r4 = r2; if r5 == 0 goto 1f; r4 += 20; goto 2f; 1: r4 += 14; 2: if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 19);")

/* metadata, other pointers */
TWINS("xdp", metadata, "r2 = *(u32 *)(r1 + 8); r3 = *(u32 *)(r1 + 0);", "r4 = r2; r4 += 4; if r4 > r3 goto 9f; r0 = *(u32 *)(r2 + 0);", "r4 = r2; r4 += 4; r3 = *(u32 *)(r1 + 4); if r4 > r3 goto 9f; r0 = *(u32 *)(r2 + 0);", OUT)
TWINS("xdp", metadata_end, "r2 = *(u32 *)(r1 + 8); r3 = *(u32 *)(r1 + 0);", "r4 = r2; r4 += 4; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 3);", "r4 = r2; r4 += 4; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 4);", OUT)

/* helpers that move the packet */
XDP(moved_head, "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 0); r2 = -4; call 44;", "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r7 = r2; r2 = -4; call 44; r0 = *(u8 *)(r7 + 0);")
XDP(moved_tail, "r7 = r2; r2 = -4; call 65; r2 = *(u32 *)(r6 + 0); r3 = *(u32 *)(r6 + 4); r4 = r2; r4 += 1; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 0);", "r7 = r2; r7 += 1; if r7 > r3 goto 9f; r2 = -4; call 65; r0 = *(u8 *)(r7 - 1);")
XDP(not_moved, "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r7 = r2; call 7; r0 = *(u8 *)(r7 + 0);", "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r7 = r2; r1 = r6; r2 = -4; call 54; r0 = *(u8 *)(r7 + 0);")
XDP(as_key, "r4 = r2; r4 += 4; if r4 > r3 goto 9f; r1 = box ll; call 1;", "r4 = r2; r4 += 3; if r4 > r3 goto 9f; r1 = box ll; call 1;")
XDP(as_value, "r4 = r2; r4 += 64; if r4 > r3 goto 9f; *(u32 *)(r10 - 4) = 0; r3 = r2; r2 = r10; r2 += -4; r1 = box ll; r4 = 0; call 2;", "r4 = r2; r4 += 63; if r4 > r3 goto 9f; *(u32 *)(r10 - 4) = 0; r3 = r2; r2 = r10; r2 += -4; r1 = box ll; r4 = 0; call 2;")

/* __sk_buff */
SKB("tc", tc, "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 13);", "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 14);")
SKB("tc", tc_written, "r4 = r2; r4 += 14; if r4 > r3 goto 9f; *(u8 *)(r2 + 0) = 1;", "*(u8 *)(r2 + 0) = 1;")
SKB("tc", tc_pulled, "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 0); r1 = r6; r2 = 0; call 39;", "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r7 = r2; r1 = r6; r2 = 0; call 39; r0 = *(u8 *)(r7 + 0);")
SKB("cgroup_skb/egress", cgroup, "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 0);", "r4 = r2; r4 += 14; if r4 > r3 goto 9f; *(u8 *)(r2 + 0) = 1;")
SKB("lwt_xmit", lwt_xmit, "r4 = r2; r4 += 14; if r4 > r3 goto 9f; *(u8 *)(r2 + 0) = 1;", "r4 = r2; r4 += 14; if r4 > r3 goto 9f; *(u8 *)(r2 + 14) = 1;")
SKB("lwt_in", lwt_in, "r4 = r2; r4 += 14; if r4 > r3 goto 9f; r0 = *(u8 *)(r2 + 0);", "r4 = r2; r4 += 14; if r4 > r3 goto 9f; *(u8 *)(r2 + 0) = 1;")
TWINS("socket", socket_filter, "", "r0 = *(u32 *)(r1 + 0);", "r0 = *(u32 *)(r1 + 76);", "exit;")
TWINS("sk_msg", message, "r2 = *(u64 *)(r1 + 0); r3 = *(u64 *)(r1 + 8); r4 = r2; r4 += 8; if r4 > r3 goto 9f;", "*(u8 *)(r2 + 7) = 1;", "*(u8 *)(r2 + 8) = 1;", "9: r0 = 1; exit;")
TWINS("flow_dissector", dissector, SKB_DATA "r4 = r2; r4 += 8; if r4 > r3 goto 9f;", "r0 = *(u8 *)(r2 + 7);", "*(u8 *)(r2 + 7) = 1;", "9: r0 = 0; exit;")
TWINS("sk_reuseport", reuseport, "r2 = *(u64 *)(r1 + 0); r3 = *(u64 *)(r1 + 8); r4 = r2; r4 += 8; if r4 > r3 goto 9f;", "r0 = *(u8 *)(r2 + 7);", "r0 = *(u8 *)(r2 + 8);", "9: r0 = 0; exit;")

/* ---- atomics: the access is looked at before what lies there ---- */
#define ATOMIC(size, dst, src, off, imm) ".byte " size "; .byte " src " << 4 | " dst "; .short " off "; .long " imm ";"
#define ACQUIRE8(dst, src, off) ATOMIC("0xdb", dst, src, off, "0x100")
#define RELEASE4(dst, src, off) ATOMIC("0xc3", dst, src, off, "0x110")
TWINS("xdp", acquired_unaligned, "*(u64 *)(r10 - 8) = 7;" XDP_DATA "r4 = r2; r4 += 8; if r4 > r3 goto 9f;",
      ACQUIRE8("0", "10", "-8"), ACQUIRE8("0", "2", "0"), OUT)
TWINS("xdp", acquired_context, "*(u64 *)(r10 - 8) = 7;", ACQUIRE8("0", "10", "-8"), ATOMIC("0xc3", "0", "1", "0", "0x100"), OUT)
TWINS("xdp", released_into_context, "r2 = 7;", RELEASE4("10", "2", "-8"), RELEASE4("1", "2", "16"), OUT)
