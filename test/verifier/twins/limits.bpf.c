// SPDX-License-Identifier: Apache-2.0
// Where the verifier gives up: insns walked, branches left open, insns in a row, size of one access.
#include "twins.h"

LICENSE("GPL");
BOX_MAP;

TWINS("xdp", walked, "r0 = 0;", "1: r0 += 1; if r0 < 10000 goto 1b;", "1: r0 += 1; if r0 < 600000 goto 1b;", "r0 = 0; exit;")
TWINS("xdp", branches, "r0 = 0;", ".rept 100; r2 = *(u32 *)(r1 + 12); if r2 > 7 goto 9f; .endr;", ".rept 8200; r2 = *(u32 *)(r1 + 12); if r2 > 7 goto 9f; .endr;", OUT)
BOX(pointer_far, "r7 = 0; r6 += 0x1fffffff; r6 -= 0x1fffffff;", "r7 = 0x1fffffff; r6 += r7; r7 = 0x1fffffff;")
BOX(offset_variable_far, "r7 &= 31; r6 += r7; r7 = 31;", "r7 >>= 34; r6 += r7; r7 = 0;")
