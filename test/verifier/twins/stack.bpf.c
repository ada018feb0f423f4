// SPDX-License-Identifier: Apache-2.0
// What lies on the stack: spills and fills of each width, places that are not constant, helpers' memory, frames.
#include "twins.h"

LICENSE("GPL");
BOX_MAP;

#define END "r0 = 0; exit;"

/* spills and fills: the number or pointer comes back as it was */
BOX(fill, "r7 &= 63; *(u64 *)(r10 - 8) = r7; r7 = *(u64 *)(r10 - 8);", "*(u64 *)(r10 - 8) = r7; r7 &= 63; r7 = *(u64 *)(r10 - 8);")
BOX(fill_pointer, "r7 &= 63; *(u64 *)(r10 - 8) = r6; r6 = *(u64 *)(r10 - 8);", "r7 &= 63; *(u64 *)(r10 - 8) = r6; *(u8 *)(r10 - 1) = r7; r6 = *(u64 *)(r10 - 8);")
BOX(fill_pointer_half, "r7 &= 63; *(u64 *)(r10 - 8) = r6;", "r7 &= 63; *(u64 *)(r10 - 8) = r6; r6 = *(u32 *)(r10 - 8);")
BOX(fill_word, "r7 &= 63; *(u32 *)(r10 - 8) = r7; r7 = *(u32 *)(r10 - 8);", "r7 &= 63; *(u32 *)(r10 - 16) = r7; r7 = *(u32 *)(r10 - 12);")
BOX(fill_word_of_long, "r7 &= 63; *(u64 *)(r10 - 8) = r7; r7 = *(u32 *)(r10 - 8);", "r7 <<= 32; *(u64 *)(r10 - 8) = r7; r7 = *(u32 *)(r10 - 4);")
BOX(fill_byte, "r7 &= 63; *(u8 *)(r10 - 8) = r7; r7 = *(u8 *)(r10 - 8);", "r7 &= 127; *(u8 *)(r10 - 8) = r7; r7 = *(u8 *)(r10 - 8);")
BOX(fill_byte_of_word, "r7 &= 63; *(u32 *)(r10 - 8) = r7; r7 = *(u8 *)(r10 - 8);", "*(u32 *)(r10 - 8) = r7; r7 = *(u8 *)(r10 - 8);")
BOX(fill_zeroes, "*(u64 *)(r10 - 8) = 0; r7 = *(u8 *)(r10 - 3);", "*(u64 *)(r10 - 8) = -1; r7 = *(u8 *)(r10 - 3);")
BOX(fill_zeroes_two, "*(u64 *)(r10 - 8) = 0; *(u64 *)(r10 - 16) = 0; r7 = *(u64 *)(r10 - 16);", "*(u64 *)(r10 - 16) = 0; *(u8 *)(r10 - 16) = 64; r7 = *(u64 *)(r10 - 16);")
BOX(fill_constant, "*(u64 *)(r10 - 8) = 63; r7 = *(u64 *)(r10 - 8);", "*(u64 *)(r10 - 8) = 64; r7 = *(u64 *)(r10 - 8);")
BOX(fill_constant_word, "*(u32 *)(r10 - 8) = 63; r7 = *(u32 *)(r10 - 8);", "*(u32 *)(r10 - 8) = -1; r7 = *(u32 *)(r10 - 8);")
BOX(fill_signed, "r7 &= 63; *(u64 *)(r10 - 8) = r7; r7 = *(s8 *)(r10 - 8);", "r7 &= 255; *(u64 *)(r10 - 8) = r7; r7 = *(s8 *)(r10 - 8);")
BOX(overwritten_half, "*(u64 *)(r10 - 8) = 0; r7 &= 63; *(u32 *)(r10 - 8) = r7; r7 = *(u32 *)(r10 - 8);", "r7 &= 63; *(u64 *)(r10 - 8) = r7; *(u32 *)(r10 - 4) = r8; r7 = *(u64 *)(r10 - 8);")
BOX(atomic_leaves, "r7 = 0; *(u64 *)(r10 - 8) = r7; lock *(u64 *)(r10 - 8) += r7;", "r7 = 0; *(u64 *)(r10 - 8) = r7; lock *(u64 *)(r10 - 8) += r7; r7 = *(u64 *)(r10 - 8);")

/* bounds of the frame */
TWINS("xdp", lowest_byte, "", "*(u8 *)(r10 - 512) = 0;", "*(u8 *)(r10 - 513) = 0;", END)
TWINS("xdp", highest_byte, "", "*(u64 *)(r10 - 8) = 0;", "*(u64 *)(r10 - 4) = 0;", END)
TWINS("xdp", above_frame, "r0 = 0;", "*(u8 *)(r10 - 1) = 0;", "*(u8 *)(r10 + 0) = 0;", END)
TWINS("xdp", copy_of_fp, "r2 = r10;", "r2 += -512; *(u8 *)(r2 + 0) = 0;", "r2 += -513; *(u8 *)(r2 + 0) = 0;", END)
TWINS("xdp", fp_moved, "r2 = r10;", "r2 += -8;", "r10 += -8;", "*(u64 *)(r2 - 8) = 0;" END)
TWINS("xdp", unaligned, "r2 = r10; r2 += -16;", "*(u64 *)(r2 + 0) = r1;", "*(u64 *)(r2 + 1) = r1;", END)
TWINS("xdp", pointer_in_part, "", "*(u64 *)(r10 - 8) = r1;", "*(u32 *)(r10 - 8) = r1;", END)
TWINS("xdp", atomic_uninit, "r2 = 1; *(u64 *)(r10 - 8) = r2;", "lock *(u64 *)(r10 - 8) += r2;", "lock *(u64 *)(r10 - 9) += r2;", END)

/* places known by bounds only */
BOX(place_variable, "r7 &= 7; r9 = r10; r9 += -16; r9 += r7; *(u8 *)(r9 + 0) = 1; r7 = 0;", "r7 &= 31; r9 = r10; r9 += -16; r9 += r7; *(u8 *)(r9 + 0) = 1; r7 = 0;")
BOX(place_below, "r7 &= 7; r9 = r10; r9 += -512; r9 += r7; *(u8 *)(r9 + 0) = 1; r7 = 0;", "r7 &= 7; r9 = r10; r9 += -512; r9 -= r7; *(u8 *)(r9 + 0) = 1; r7 = 0;")
BOX(place_unbounded, "if r7 > 8 goto 9f; r9 = r10; r9 += -16; r9 += r7; *(u8 *)(r9 + 0) = 1; r7 = 0;", "r9 = r10; r9 += -16; r9 += r7; *(u8 *)(r9 + 0) = 1; r7 = 0;")
BOX(place_signed, "r7 &= 7; r9 = r10; r9 += -16; r9 += r7; r7 = *(u8 *)(r9 + 0); r7 &= 1;", "if r7 s> 7 goto 9f; r9 = r10; r9 += -16; r9 += r7; *(u8 *)(r9 + 0) = 1; r7 = 0;")
BOX(place_read, "*(u64 *)(r10 - 16) = 0; *(u64 *)(r10 - 24) = 0; r7 &= 7; r9 = r10; r9 += -24; r9 += r7; r7 = *(u8 *)(r9 + 0); r7 &= 63;", "*(u64 *)(r10 - 16) = 64; *(u64 *)(r10 - 24) = 0; r7 &= 15; r9 = r10; r9 += -24; r9 += r7; r7 = *(u8 *)(r9 + 0);")
BOX(place_over_pointer, "*(u64 *)(r10 - 8) = r6; r7 &= 7; r9 = r10; r9 += -24; r9 += r7; *(u8 *)(r9 + 0) = 1; r6 = *(u64 *)(r10 - 8); r7 = 0;", "*(u64 *)(r10 - 8) = r6; r7 &= 7; r9 = r10; r9 += -8; r9 += r7; *(u8 *)(r9 + 0) = 1; r6 = *(u64 *)(r10 - 8); r7 = 0;")

/* memory for helpers: csum_diff reads r1 of r2 bytes */
#define SUM(name, fine, bad)                                            \
	TWINS("xdp", name, "*(u64 *)(r10 - 8) = 0; *(u64 *)(r10 - 16) = 0; r6 = *(u32 *)(r1 + 16);", fine, bad, \
	      "r3 = 0; r4 = 0; r5 = 0; call 28;" END)
SUM(helper_whole, "r1 = r10; r1 += -16; r2 = 16;", "r1 = r10; r1 += -16; r2 = 20;")
SUM(helper_range, "r6 &= 12; r1 = r10; r1 += -16; r2 = r6;", "r6 &= 28; r1 = r10; r1 += -16; r2 = r6;")
SUM(helper_null, "r1 = 0; r2 = 0;", "r1 = 0; r2 = 4;")
SUM(helper_negative, "if r6 > 16 goto 9f; r1 = r10; r1 += -16; r2 = r6; goto 1f; 9: r2 = 0; r1 = 0; 1:", "r1 = r10; r1 += -16; r2 = r6; r2 -= 1;")
SUM(helper_past_end, "r1 = r10; r1 += -8; r2 = 8;", "r1 = r10; r1 += -8; r2 = 12;")
SUM(helper_above, "r1 = r10; r1 += -16; r2 = 8;", "r1 = r10; r2 = 8;")
SUM(helper_number, "r1 = r10; r1 += -16; r2 = 4;", "r1 = r6; r2 = 4;")
SUM(helper_place, "r6 &= 7; r1 = r10; r1 += -16; r1 += r6; r2 = 8;", "r6 &= 15; r1 = r10; r1 += -16; r1 += r6; r2 = 8;")
