// SPDX-License-Identifier: Apache-2.0
// What the low 32 bits say of all 64 and the other way round, sign extension, and numbers that are copies of each other.
#include "twins.h"

LICENSE("GPL");
BOX_MAP;

/* 32 to 64 bits */
BOX(word_compared, "w7 = w7; if w7 > 63 goto 9f;", "if w7 > 63 goto 9f;")
BOX(word_masked, "w7 &= 63;", "w7 &= 127;")
BOX(word_moved, "w7 = w8; if r7 > 63 goto 9f;", "r7 = r8; if w7 > 63 goto 9f;")
BOX(word_added, "w7 &= 31; w7 += 32;", "w7 &= 31; w7 -= 32;")
BOX(word_wraps, "w7 = -1; w7 += 1;", "r7 = -1; w7 += 2; w7 += 63;")
BOX(word_shift, "w7 >>= 26;", "w7 >>= 25;")
BOX(word_shift_left, "w7 <<= 26; w7 >>= 26;", "w7 <<= 26; w7 s>>= 26;")
BOX(word_shift_signed, "w7 &= 0xff; w7 s>>= 2;", "w7 s>>= 26;")
BOX(word_multiply, "w7 &= 7; w7 *= 9;", "w7 &= 7; w7 *= 10;")
BOX(word_negate, "w7 &= 63; w7 = -w7; w7 += 63;", "w7 &= 63; w7 = -w7;")
BOX(word_or, "w7 &= 31; w7 |= 32;", "w7 &= 31; w7 |= 64;")
BOX(word_xor, "w7 &= 31; w7 ^= 32;", "w7 &= 31; w7 ^= 64;")
BOX(word_signed, "w7 = w7; if w7 s> 63 goto 9f; if w7 s< 0 goto 9f;", "w7 = w7; if w7 s> 63 goto 9f;")
BOX(word_signed_wide, "if w7 s> 63 goto 9f; if w7 s< 0 goto 9f; w7 = w7;", "if w7 s> 63 goto 9f; if w7 s< 0 goto 9f;")
BOX(word_equal, "w7 = w7; if w7 != 63 goto 9f;", "if w7 != 63 goto 9f;")
BOX(word_high_known, "r8 = 0xffffffff ll; r7 &= r8; if w7 > 63 goto 9f;", "r8 = 0x1ffffffff ll; r7 &= r8; if w7 > 63 goto 9f;")
BOX(word_high_shifted, "r7 >>= 32; if w7 > 63 goto 9f;", "r7 >>= 31; if w7 > 63 goto 9f;")
BOX(word_bits, "w7 = w7; if w7 & -64 goto 9f;", "if w7 & -64 goto 9f;")
BOX(word_two, "w7 = w7; w8 &= 63; if w7 > w8 goto 9f;", "w8 &= 63; if w7 > w8 goto 9f;")
BOX(word_two_equal, "w7 = w7; w8 &= 63; if w7 != w8 goto 9f;", "w8 &= 63; if w7 != w8 goto 9f;")
BOX(word_of_pointer, "w7 &= 7; r8 = r6;", "w7 &= 7; w8 = w6; r6 = r8;")
/* 64 to 32 bits */
BOX(long_to_word, "if r7 > 63 goto 9f; w7 += 0;", "if r7 s> 63 goto 9f; w7 += 0;")
BOX(long_to_word_signed, "if r7 s< -8 goto 9f; if r7 s> 55 goto 9f; w7 += 8;", "if r7 s< -9 goto 9f; if r7 s> 55 goto 9f; w7 += 8;")
BOX(long_same_high, "r8 = 0x100000000 ll; if r7 < r8 goto 9f; r8 = 0x10000003f ll; if r7 > r8 goto 9f; w7 += 0;", "r8 = 0xffffffff ll; if r7 < r8 goto 9f; r8 = 0x10000003f ll; if r7 > r8 goto 9f; w7 += 0;")
BOX(word_then_long, "r7 &= 0xff; if w7 > 63 goto 9f;", "r7 &= 0xff; if w7 > 64 goto 9f;")
BOX(word_range_in_long, "if r7 > 0x7f goto 9f; if w7 s> 63 goto 9f;", "if r7 > 0x7f goto 9f; if w7 s> 64 goto 9f;")

/* sign extension */
BOX(extend_byte, "r7 &= 63; r7 = (s8)r7;", "r7 &= 255; r7 = (s8)r7;")
BOX(extend_byte_edge, "r7 &= 127; r7 = (s8)r7; r7 >>= 1;", "r7 &= 128; r7 = (s8)r7; r7 >>= 1;")
BOX(extend_half, "r7 &= 63; r7 = (s16)r7;", "r7 &= 0xffff; r7 = (s16)r7;")
BOX(extend_word, "r7 &= 63; r7 = (s32)r7;", "r7 = (s32)r7;")
BOX(extend_in_word, "r7 &= 63; w7 = (s8)w7;", "w7 = (s8)w7;")
BOX(extend_compared, "r7 = (s8)r7; if r7 s< 0 goto 9f; r7 >>= 1;", "r7 = (s8)r7; if r7 s< -1 goto 9f; r7 >>= 1;")
BOX(load_signed, "r7 = *(s8 *)(r6 + 3); if r7 s< 0 goto 9f; if r7 s> 63 goto 9f;", "r7 = *(s8 *)(r6 + 3); if r7 s> 63 goto 9f;")
BOX(load_byte, "r7 = *(u8 *)(r6 + 3); r7 >>= 2;", "r7 = *(u8 *)(r6 + 3); r7 >>= 1;")
BOX(load_half, "r7 = *(u16 *)(r6 + 2); r7 >>= 10;", "r7 = *(s16 *)(r6 + 2); r7 s>>= 10;")
BOX(load_word, "r7 = *(u32 *)(r6 + 4); r7 >>= 26;", "r7 = *(s32 *)(r6 + 4); r7 s>>= 26;")
BOX(divide_signed, "r7 &= 63; r8 = 1; r7 /= r8; r7 &= 63;", "r7 &= 63; r8 = 1; r7 s/= r8;")
BOX(modulo_signed, "r7 s%= 8; r7 &= 63;", "r7 s%= 8;")

/* copies */
BOX(copy_compared, "r8 = r7; if r8 > 63 goto 9f;", "r8 = r7; r8 += 0; r7 += 1; if r8 > 63 goto 9f;")
BOX(copy_first, "r8 = r7; if r7 > 63 goto 9f; r7 = r8;", "r8 = r7; r7 &= -1; if r7 > 64 goto 9f; r7 = r8;")
BOX(copy_of_copy, "r8 = r7; r9 = r8; if r9 > 63 goto 9f;", "r8 = r7; r9 = r8; r9 >>= 1; if r9 > 63 goto 9f;")
BOX(copy_plus, "r8 = r7; r8 += 8; if r8 > 63 goto 9f; if r8 < 8 goto 9f;", "r8 = r7; r8 += 8; if r8 > 63 goto 9f;")
BOX(copy_plus_pointer, "r7 &= 0xff; r8 = r7; r8 += 1; if r8 > 64 goto 9f;", "r7 &= 0xff; r8 = r7; r8 += 1; if r8 > 65 goto 9f;")
BOX(copy_minus, "r7 &= 0xff; r7 += 8; r8 = r7; r8 += -8; if r8 > 55 goto 9f;", "r7 &= 0xff; r7 += 8; r8 = r7; r8 += -8; if r8 > 56 goto 9f;")
BOX(copy_both_plus, "r7 &= 0xff; r8 = r7; r8 += 4; r7 += 2; if r8 > 65 goto 9f;", "r7 &= 0xff; r8 = r7; r8 += 4; r7 += 2; if r8 > 66 goto 9f;")
BOX(copy_word, "w7 = w7; w8 = w7; if w8 > 63 goto 9f;", "w8 = w7; if w8 > 63 goto 9f;")
BOX(copy_word_long, "w7 = w7; r8 = r7; if w8 > 63 goto 9f;", "r8 = r7; if w8 > 63 goto 9f;")
BOX(copy_reloaded, "r8 = r7; r7 = *(u8 *)(r6 + 0); if r7 > 63 goto 9f;", "r8 = r7; r7 = *(u8 *)(r6 + 0); if r8 > 63 goto 9f;")
BOX(copy_spilled, "*(u64 *)(r10 - 16) = r7; if r7 > 63 goto 9f; r7 = *(u64 *)(r10 - 16);", "*(u64 *)(r10 - 16) = r7; r7 += 1; if r7 > 63 goto 9f; r7 = *(u64 *)(r10 - 16);")
BOX(copy_filled, "*(u64 *)(r10 - 16) = r7; r8 = *(u64 *)(r10 - 16); if r8 > 63 goto 9f;", "*(u64 *)(r10 - 16) = r7; r8 = *(u32 *)(r10 - 16); if r8 > 63 goto 9f;")
BOX(copy_of_two, "r8 = r7; r9 = r7; if r8 s< 0 goto 9f; if r9 s> 63 goto 9f;", "r8 = r7; r9 = r7; if r8 s< 0 goto 9f; r7 += 64; if r9 s> 63 goto 9f;")
BOX(copy_equal_edge, "r8 = r7; if r8 == 63 goto 1f; goto 9f; 1:", "r8 = r7; if r8 == 64 goto 1f; goto 9f; 1:")
