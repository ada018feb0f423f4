// SPDX-License-Identifier: Apache-2.0
// What comparisons, masks and arithmetic say of a number: the index into 64 bytes.
#include "twins.h"

LICENSE("GPL");
BOX_MAP;

/* masks and tnums */
BOX(and_mask, "r7 &= 63;", "r7 &= 64;")
BOX(and_negative, "r7 &= 63; r7 &= -2;", "r7 &= -2;")
BOX(and_number, "r7 &= 32; r8 &= 31; r7 |= r8;", "r7 &= 32; r8 &= 32; r7 += r8;")
BOX(or_bits, "r7 &= 3; r7 |= 60;", "r7 &= 3; r7 |= 64;")
BOX(xor_bits, "r7 &= 31; r7 ^= 32;", "r7 &= 31; r7 ^= 64;")
BOX(sub_same, "r7 &= 15; r8 &= 15; r7 -= r8; r7 += 15;", "r7 &= 15; r8 &= 15; r7 -= r8; r7 += 14;")
BOX(shift_right, "r7 >>= 58;", "r7 >>= 57;")
BOX(shift_left, "r7 &= 7; r7 <<= 3;", "r7 &= 15; r7 <<= 3;")
BOX(shift_known, "r8 = 2; r7 &= 15; r7 <<= r8;", "r8 = 3; r7 &= 15; r7 <<= r8;")
BOX(shift_unknown, "r8 &= 1; r7 = 4; r7 >>= r8; r7 &= 63;", "r8 &= 1; r7 = 4; r7 >>= r8;")
BOX(shift_signed, "r7 s>>= 63; r7 &= 1;", "r7 s>>= 63;")
BOX(shift_signed_low, "r7 &= 0xff; r7 s>>= 2;", "r7 &= 0x1ff; r7 s>>= 2;")
BOX(left_then_right, "r7 <<= 58; r7 >>= 58;", "r7 <<= 58; r7 s>>= 58;")
BOX(multiply, "r7 &= 7; r7 *= 9;", "r7 &= 7; r7 *= 10;")
BOX(multiply_two, "r7 &= 7; r8 &= 7; r7 *= r8;", "r7 &= 7; r8 &= 15; r7 *= r8;")
BOX(multiply_wraps, "r7 &= 3; r7 *= 21;", "r7 &= 3; r8 = 0x4000000000000001 ll; r7 *= r8;")
BOX(negate, "r7 &= 63; r7 = -r7; r7 += 63;", "r7 &= 63; r7 = -r7;")
BOX(divide, "r7 &= 0xff; r7 >>= 2;", "r7 &= 0xff; r7 >>= 1;")
BOX(modulo_masked, "r7 %= 64; r7 &= 63;", "r8 |= 1; r7 /= r8;")
BOX(constant, "r7 = 63;", "r7 = 64;")
BOX(constant_below, "r7 = 0;", "r7 = -1;")
BOX(constant_sum, "r7 = 40; r7 += 23;", "r7 = 40; r7 += 24;")
BOX(swap_bytes, "r7 = 0; r7 = bswap64 r7;", "r7 &= 1; r7 = bswap64 r7;")
BOX(to_big, "r7 = be16 r7; r7 &= 63;", "r7 = be16 r7;")
BOX(add_two, "r7 &= 31; r8 &= 31; r7 += r8;", "r7 &= 31; r8 &= 63; r7 += r8;")
BOX(add_negative, "r7 &= 31; r7 += 32; r7 += -32;", "r7 &= 31; r7 += -32;")

/* comparisons with numbers, each side */
BOX(greater, "if r7 > 63 goto 9f;", "if r7 > 64 goto 9f;")
BOX(greater_equal, "if r7 >= 64 goto 9f;", "if r7 >= 65 goto 9f;")
BOX(less, "if r7 < 64 goto 1f; goto 9f; 1:", "if r7 < 65 goto 1f; goto 9f; 1:")
BOX(less_equal, "if r7 <= 63 goto 1f; goto 9f; 1:", "if r7 <= 64 goto 1f; goto 9f; 1:")
BOX(signed_greater, "if r7 s> 63 goto 9f; if r7 s< 0 goto 9f;", "if r7 s> 63 goto 9f; if r7 s< -1 goto 9f;")
BOX(signed_greater_equal, "if r7 s>= 64 goto 9f; if r7 s<= -1 goto 9f;", "if r7 s>= 64 goto 9f;")
BOX(signed_less, "if r7 s< 64 goto 1f; goto 9f; 1: if r7 s< 0 goto 9f;", "if r7 s< 64 goto 1f; goto 9f; 1:")
BOX(signed_less_equal, "if r7 s<= 63 goto 1f; goto 9f; 1: if r7 s>= 0 goto 2f; goto 9f; 2:", "if r7 s<= 63 goto 1f; goto 9f; 1: if r7 s>= -1 goto 2f; goto 9f; 2:")
BOX(equal, "if r7 != 63 goto 9f;", "if r7 == 63 goto 9f;")
BOX(not_equal_edge, "r7 &= 127; if r7 > 64 goto 9f; if r7 == 64 goto 9f;", "r7 &= 127; if r7 > 64 goto 9f; if r7 == 63 goto 9f;")
BOX(bits_set, "if r7 & -64 goto 9f;", "if r7 & 64 goto 9f;")
BOX(bits_not_set, "r7 &= 127; if r7 & 64 goto 9f;", "r7 &= 127; if r7 & 32 goto 9f;")

/* comparisons with each other */
BOX(two_unknown, "if r8 > 63 goto 9f; if r7 > r8 goto 9f;", "if r8 > 63 goto 9f; if r7 < r8 goto 9f;")
BOX(two_strict, "if r8 > 64 goto 9f; if r7 >= r8 goto 9f;", "if r8 > 64 goto 9f; if r7 > r8 goto 9f;")
BOX(two_signed, "if r8 s> 63 goto 9f; if r7 s> r8 goto 9f; if r7 s< 0 goto 9f;", "if r8 s> 63 goto 9f; if r7 s> r8 goto 9f;")
BOX(two_equal, "r8 &= 63; if r7 != r8 goto 9f;", "r8 &= 127; if r7 != r8 goto 9f;")
BOX(two_equal_both, "r8 &= 96; r7 &= 63; if r7 == r8 goto 1f; goto 9f; 1:", "r8 &= 96; r7 &= 127; if r7 == r8 goto 1f; goto 9f; 1:")
BOX(impossible, "r7 &= 7; if r7 > 7 goto 1f; goto 2f; 1: r7 = 1000; 2:", "r7 &= 7; if r7 > 6 goto 1f; goto 2f; 1: r7 = 1000; 2:")
BOX(impossible_equal, "r7 |= 1; if r7 == 4 goto 1f; goto 9f; 1:", "r7 |= 1; if r7 != 5 goto 1f; goto 9f; 1:")
BOX(impossible_bits, "r7 &= 6; if r7 & 1 goto 1f; goto 2f; 1: r7 = 64; 2:", "r7 &= 7; if r7 & 1 goto 1f; goto 2f; 1: r7 = 64; 2:")

/* sums with the pointer */
BOX(offset_kept, "r7 &= 31; r6 += 32;", "r7 &= 31; r6 += 33;")
BOX(offset_back, "r7 &= 31; r6 += 40; r6 += -8;", "r7 &= 31; r6 += -1;")
BOX(pointer_left_of_sum, "r7 &= 63; r7 += r6; r6 = r7; r7 = 0;", "r7 &= 63; r7 -= r6; r6 = r7; r7 = 0;")
BOX(pointer_multiplied, "r7 = 0; r6 += 0;", "r7 = 0; r6 *= 1;")
BOX(pointer_masked, "r7 &= 1;", "r7 &= 1; r6 &= -8;")
BOX(pointer_word, "r7 &= 1;", "r7 &= 1; w6 += 1;")
BOX(pointer_big_offset, "r7 = 0; r6 += 0x1fffffff; r6 += -0x1fffffff;", "r7 = 0; r6 += 0x20000001;")
