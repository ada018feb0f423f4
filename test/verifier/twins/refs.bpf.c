// SPDX-License-Identifier: Apache-2.0
// What may be null, what must be given back: map values, sockets, records of ring buffers, dynptrs, iterators.
#include "twins.h"

LICENSE("GPL");
BOX_MAP;
struct {
	MAP_UINT(type, BPF_MAP_TYPE_RINGBUF);
	MAP_UINT(max_entries, 4096);
} ring SEC(".maps");
struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_TYPE(key, (u32)0);
	MAP_UINT(value_size, 8);
	MAP_UINT(max_entries, 1);
	MAP_UINT(map_flags, BPF_F_RDONLY_PROG);
} readonly SEC(".maps");
struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_TYPE(key, (u32)0);
	MAP_UINT(value_size, 8);
	MAP_UINT(max_entries, 1);
	MAP_UINT(map_flags, BPF_F_WRONLY_PROG);
} writeonly SEC(".maps");
struct {
	MAP_UINT(type, BPF_MAP_TYPE_SK_STORAGE);
	MAP_TYPE(key, (int)0);
	MAP_TYPE(value, (u64)0);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
} storage SEC(".maps");
struct {
	MAP_UINT(type, BPF_MAP_TYPE_SOCKMAP);
	MAP_TYPE(key, (u32)0);
	MAP_TYPE(value, (u64)0);
	MAP_UINT(max_entries, 2);
} socks SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_TYPE(key, (u32)0);
	MAP_UINT(value_size, 64);
	MAP_UINT(max_entries, 8);
} table SEC(".maps");

#define KEY "*(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4;"

/* null checks */
TWINS("xdp", unchecked, KEY "r1 = table ll; call 1;", "if r0 == 0 goto 9f; r0 = *(u8 *)(r0 + 0);", "r0 = *(u8 *)(r0 + 0);", OUT)
TWINS("xdp", wrong_side, KEY "r1 = table ll; call 1;", "if r0 != 0 goto 1f; goto 9f; 1: r0 = *(u8 *)(r0 + 0);", "if r0 != 0 goto 9f; r0 = *(u8 *)(r0 + 0);", OUT)
TWINS("xdp", copy_checked, KEY "r1 = table ll; call 1;", "r6 = r0; if r0 == 0 goto 9f; r0 = *(u8 *)(r6 + 0);", "r6 = r0; if r0 != 0 goto 9f; r0 = *(u8 *)(r6 + 0);", OUT)
TWINS("xdp", spill_checked, KEY "r1 = table ll; call 1;", "*(u64 *)(r10 - 16) = r0; if r0 == 0 goto 9f; r1 = *(u64 *)(r10 - 16); r0 = *(u8 *)(r1 + 0);", "*(u64 *)(r10 - 16) = r0; r1 = *(u64 *)(r10 - 16); r0 = *(u8 *)(r1 + 0);", OUT)
TWINS("xdp", moved_unchecked, KEY "r1 = table ll; call 1;", "if r0 == 0 goto 9f; r0 += 8; r0 = *(u8 *)(r0 + 0);", "r0 += 8; if r0 == 0 goto 9f; r0 = *(u8 *)(r0 + 0);", OUT)
TWINS("xdp", second_lookup, KEY "r1 = table ll; call 1; r6 = r0;", "if r6 == 0 goto 9f;" KEY "r1 = table ll; call 1; r0 = *(u8 *)(r6 + 0);", KEY "r1 = table ll; call 1; if r0 == 0 goto 9f; r0 = *(u8 *)(r6 + 0);", OUT)
TWINS("xdp", checked_word, KEY "r1 = table ll; call 1;", "if r0 == 0 goto 9f; r0 = *(u8 *)(r0 + 0);", "if w0 == 0 goto 9f; r0 = *(u8 *)(r0 + 0);", OUT)
TWINS("xdp", checked_one, KEY "r1 = table ll; call 1;", "if r0 == 0 goto 9f; r0 = *(u8 *)(r0 + 0);", "if r0 == 1 goto 9f; r0 = *(u8 *)(r0 + 0);", OUT)
TWINS("xdp", checked_register, KEY "r1 = table ll; call 1; r7 = 0;", "if r0 == 0 goto 9f; r0 = *(u8 *)(r0 + 0);", "if r0 == r7 goto 9f; r0 = *(u8 *)(r0 + 0);", OUT)

/* map values */
TWINS("xdp", value_end, LOOKUP("box"), "r0 = *(u8 *)(r0 + 63);", "r0 = *(u8 *)(r0 + 64);", OUT)
TWINS("xdp", value_wide_end, LOOKUP("box"), "r0 = *(u64 *)(r0 + 56);", "r0 = *(u64 *)(r0 + 57);", OUT)
TWINS("xdp", value_below, LOOKUP("box"), "r0 += 8; r0 = *(u8 *)(r0 - 8);", "r0 = *(u8 *)(r0 - 1);", OUT)
TWINS("xdp", value_readonly, LOOKUP("readonly"), "r0 = *(u64 *)(r0 + 0);", "*(u64 *)(r0 + 0) = 1;", OUT)
TWINS("xdp", value_writeonly, LOOKUP("writeonly"), "*(u64 *)(r0 + 0) = 1;", "r0 = *(u64 *)(r0 + 0);", OUT)
TWINS("xdp", value_atomic, LOOKUP("box") "r1 = 1;", "lock *(u64 *)(r0 + 8) += r1;", "lock *(u64 *)(r0 + 4) += r1;", OUT)
TWINS("xdp", value_pointer, "r6 = r1;" LOOKUP("box"), "*(u64 *)(r0 + 0) = r6;", "*(u64 *)(r0 + 60) = r6;", OUT)
TWINS("xdp", map_itself, "r1 = box ll;", "r0 = 0;", "*(u32 *)(r1 + 0) = 1;", OUT)
TWINS("xdp", map_moved, KEY "r1 = box ll;", "call 1;", "r1 += 8; call 1;", OUT)
TWINS("xdp", key_short, "*(u64 *)(r10 - 8) = 0; r2 = r10; r1 = box ll;", "r2 += -4; call 1;", "r2 += -2; call 1;", OUT)
TWINS("xdp", value_as_key, LOOKUP("box"), "r2 = r0; r2 += 60; r1 = box ll; call 1;", "r2 = r0; r2 += 61; r1 = box ll; call 1;", OUT)
TWINS("xdp", update_value, "*(u64 *)(r10 - 16) = 0;" LOOKUP("box") "r3 = r0;" KEY "r1 = box ll; r4 = 0;", "call 2;", "r3 = r10; r3 += -16; call 2;", OUT)
TWINS("xdp", update_readonly, "*(u64 *)(r10 - 16) = 0;" KEY "r3 = r10; r3 += -16; r4 = 0;", "r1 = writeonly ll; call 2;", "r1 = readonly ll; call 2;", OUT)
TWINS("xdp", lookup_wrong_map, KEY, "r1 = box ll; call 1;", "r1 = ring ll; call 1;", OUT)

/* records of a ring buffer: reserve 131, submit 132, discard 133, output 130 */
#define RESERVE "r1 = ring ll; r2 = 16; r3 = 0; call 131; if r0 == 0 goto 9f; r6 = r0;"
#define GIVE "r1 = r6; r2 = 0; call 132;"
TWINS("xdp", record_given, RESERVE, GIVE, "r1 = 0;", OUT)
TWINS("xdp", record_discarded, RESERVE, "r1 = r6; r2 = 0; call 133;", "r1 = r6; r2 = 0; call 133; r1 = r6; r2 = 0; call 133;", OUT)
TWINS("xdp", record_written, RESERVE, "*(u64 *)(r6 + 8) = 1;" GIVE, "*(u64 *)(r6 + 9) = 1;" GIVE, OUT)
TWINS("xdp", record_after, RESERVE, "r7 = *(u8 *)(r6 + 0);" GIVE, GIVE "r7 = *(u8 *)(r6 + 0);", OUT)
TWINS("xdp", record_moved, RESERVE, GIVE, "r1 = r6; r1 += 1; r2 = 0; call 132;", OUT)
TWINS("xdp", record_unchecked, "r1 = ring ll; r2 = 16; r3 = 0; call 131; r6 = r0;", "if r0 == 0 goto 9f;" GIVE, GIVE, OUT)
TWINS("xdp", record_on_one_path, RESERVE "r7 = *(u8 *)(r6 + 0);", "if r7 == 0 goto 1f; *(u8 *)(r6 + 0) = 1; 1:" GIVE, "if r7 == 0 goto 9f;" GIVE, OUT)
TWINS("xdp", record_size, "r7 = *(u32 *)(r1 + 12); r1 = ring ll; r3 = 0;", "r2 = 8; call 131; if r0 == 0 goto 9f; r6 = r0;" GIVE, "r2 = r7; call 131; if r0 == 0 goto 9f; r6 = r0;" GIVE, OUT)
TWINS("xdp", record_value, RESERVE, "r1 = ring ll; r2 = r6; r3 = 16; r4 = 0; call 130;" GIVE, "r1 = ring ll; r2 = r6; r3 = 17; r4 = 0; call 130;" GIVE, OUT)
TWINS("xdp", record_in_map, RESERVE, GIVE, KEY "r1 = box ll; call 1; if r0 == 0 goto 9f; *(u64 *)(r0 + 0) = r6;", OUT)
TWINS("xdp", record_of_other, RESERVE "r1 = box ll;", GIVE, KEY "r1 = box ll; call 1; if r0 == 0 goto 1f; r1 = r0; r2 = 0; call 132; 1:" GIVE, OUT)
TWINS("tc", record_tail_call, RESERVE, GIVE, "call 7; exit;", OUT)

/* sockets: sk_lookup_tcp 84, sk_release 86, sk_fullsock 95, tcp_sock 96, get_listener_sock 98, skc_lookup_tcp 99 */
#define TUPLE "*(u64 *)(r10 - 8) = 0; *(u32 *)(r10 - 12) = 0; r2 = r10; r2 += -12; r3 = 12; r4 = 0; r5 = 0;"
#define SK "r6 = r1;" TUPLE "call 84; if r0 == 0 goto 9f; r7 = r0;"
#define RELEASE "r1 = r7; call 86;"
TWINS("tc", socket_released, SK, RELEASE, "r0 = 0;", OUT)
TWINS("tc", socket_twice, SK RELEASE, "r0 = 0;", RELEASE, OUT)
TWINS("tc", socket_unchecked, "r6 = r1;" TUPLE "call 84; r7 = r0;", "if r0 == 0 goto 9f;" RELEASE, RELEASE, OUT)
TWINS("tc", socket_field, SK, "r8 = *(u32 *)(r7 + 4);" RELEASE, "r8 = *(u32 *)(r7 + 200);" RELEASE, OUT)
TWINS("tc", socket_after, SK, "r8 = *(u32 *)(r7 + 4);" RELEASE, RELEASE "r8 = *(u32 *)(r7 + 4);", OUT)
TWINS("tc", socket_written, SK, "r8 = *(u32 *)(r7 + 4);" RELEASE, "*(u32 *)(r7 + 4) = 1;" RELEASE, OUT)
TWINS("tc", socket_moved, SK, RELEASE, "r1 = r7; r1 += 4; call 86;", OUT)
TWINS("tc", socket_kept_null, SK, RELEASE, "r7 = 0;", OUT)
TWINS("tc", tuple_short, "r6 = r1; *(u64 *)(r10 - 8) = 0; *(u64 *)(r10 - 16) = 0; r2 = r10; r4 = 0; r5 = 0;", "r2 += -12; r3 = 12; call 84; if r0 == 0 goto 9f; r7 = r0;" RELEASE, "r2 += -12; r3 = 16; call 84; if r0 == 0 goto 9f; r7 = r0;" RELEASE, OUT)
TWINS("tc", tcp_of_socket, SK, "r1 = r7; call 96; if r0 == 0 goto 1f; r8 = *(u32 *)(r0 + 0); 1:" RELEASE, "r1 = r7; call 96; r8 = *(u32 *)(r0 + 0);" RELEASE, OUT)
TWINS("tc", tcp_after, SK "r1 = r7; call 96; if r0 == 0 goto 1f; r8 = r0;", "r9 = *(u32 *)(r8 + 0);" RELEASE "goto 9f; 1:" RELEASE, RELEASE "r9 = *(u32 *)(r8 + 0); goto 9f; 1:" RELEASE, OUT)
TWINS("tc", skb_socket, "r1 = *(u64 *)(r1 + 168);", "if r1 == 0 goto 9f; r0 = *(u32 *)(r1 + 4);", "r0 = *(u32 *)(r1 + 4);", OUT)
TWINS("tc", skb_fullsock, "r1 = *(u64 *)(r1 + 168); if r1 == 0 goto 9f;", "call 95; if r0 == 0 goto 9f; r0 = *(u32 *)(r0 + 8);", "r0 = *(u32 *)(r1 + 8);", OUT)
TWINS("tc", skb_sock_common, "r1 = *(u64 *)(r1 + 168); if r1 == 0 goto 9f;", "r0 = *(u32 *)(r1 + 4);", "r0 = *(u32 *)(r1 + 12);", OUT)
TWINS("tc", skb_sock_released, "r1 = *(u64 *)(r1 + 168); if r1 == 0 goto 9f;", "call 95;", "call 86;", OUT)
TWINS("sk_skb/stream_verdict", map_socket, KEY, "r1 = socks ll; call 1; if r0 == 0 goto 9f; r1 = r0; call 86;", "r1 = socks ll; call 1;", OUT)
TWINS("cgroup/sock_create", ctx_socket, "", "r0 = *(u32 *)(r1 + 4); r0 = 1; exit;", "call 86; r0 = 1; exit;", "")
TWINS("cgroup_skb/egress", storage_of_null, "r2 = *(u64 *)(r1 + 168); r1 = storage ll; r3 = 0; r4 = 1;", "if r2 == 0 goto 9f; call 107;", "call 107;", OUT)
TWINS("cgroup_skb/egress", storage_value, "r2 = *(u64 *)(r1 + 168); r1 = storage ll; r3 = 0; r4 = 1; if r2 == 0 goto 9f; call 107; if r0 == 0 goto 9f;", "*(u64 *)(r0 + 0) = 1;", "*(u64 *)(r0 + 4) = 1;", OUT)
