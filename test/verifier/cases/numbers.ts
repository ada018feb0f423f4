// Small programs, accepted and refused: what is known of numbers.
import { type Case, LOOKUP, OUT, PKT } from "./parts.ts";

export const NUMBERS: readonly Case[] = [
  {
    name: "jset narrows",
    asm: `r2 = *(u32 *)(r1 +12)\nif r2 & 0xfffffff8 goto out\nr3 = r10\nr3 += -8\nr3 += r2\nr0 = *(u8 *)(r3 +0)\nexit\nout:${OUT}`,
  },
  {
    name: "jmp32 narrows the low half only",
    asm: `r2 = map[one][0]+0\nr2 = *(u64 *)(r2 +0)\nif w2 > 7 goto out\nr3 = r10\nr3 += -8\nr3 += r2\nr0 = *(u8 *)(r3 +0)\nexit\nout:${OUT}`,
    msg: ["EINVAL", "math between fp pointer and register with unbounded min value is not allowed"],
  },
  {
    name: "copies learn together",
    asm: `r2 = *(u32 *)(r1 +12)\nr4 = r2\nif r4 > 7 goto out\nr3 = r10\nr3 += -8\nr3 += r2\nr0 = *(u8 *)(r3 +0)\nexit\nout:${OUT}`,
  },
  {
    name: "changed copies do not",
    asm: `r2 = *(u32 *)(r1 +12)\nr4 = r2\nr4 >>= 1\nif r4 > 7 goto out\nr3 = r10\nr3 += -8\nr3 += r2\nr0 = *(u8 *)(r3 +0)\nexit\nout:${OUT}`,
    msg: ["EACCES", "invalid unbounded variable-offset read from stack R3"],
  },
  {
    name: "copies with a distance",
    asm: `r2 = *(u32 *)(r1 +12)\nr4 = r2\nr4 += 4\nif r4 > 11 goto out\nr3 = r10\nr3 += -8\nr3 += r2\nr0 = *(u8 *)(r3 +0)\nexit\nout:${OUT}`,
  },
  {
    name: "both operands narrow",
    asm: `r2 = *(u32 *)(r1 +12)\nr4 = *(u32 *)(r1 +16)\nr4 &= 7\nif r2 > r4 goto out\nr3 = r10\nr3 += -8\nr3 += r2\nr0 = *(u8 *)(r3 +0)\nexit\nout:${OUT}`,
  },
  { name: "pointer minus pointer", asm: `${PKT}r3 -= r2\nr0 = r3\nexit` },
  {
    name: "pointer plus pointer",
    asm: `${PKT}r3 = r2\nr3 += r2\n${OUT}`,
    msg: ["EACCES", "R3 pointer += pointer prohibited"],
  },
  {
    name: "pointer 32-bit",
    asm: `w1 += 4\n${OUT}`,
    msg: ["EACCES", "R1 32-bit pointer arithmetic prohibited"],
  },
  {
    name: "pointer and",
    asm: `r1 &= 4\n${OUT}`,
    msg: ["EACCES", "R1 bitwise operator &= on pointer prohibited"],
  },
  {
    name: "pointer shift",
    asm: `r1 <<= 4\n${OUT}`,
    msg: ["EACCES", "R1 pointer arithmetic with <<= operator prohibited"],
  },
  {
    name: "scalar minus pointer",
    asm: `r0 = 0\nr0 -= r1\n${OUT}`,
    msg: ["EACCES", "R0 tried to subtract pointer from scalar"],
  },
  {
    name: "far pointer",
    asm: `${PKT}r2 += 0x20000000\n${OUT}`,
    msg: ["EINVAL", "math between pkt pointer and 536870912 is not allowed"],
  },

  // a value of -1 or 0 is followed as one and as the other
  {
    name: "and of a sign gives one of two offsets",
    asm: `${LOOKUP("one")}if r0 == 0 goto out\nr1 = *(u64 *)(r0 +0)\nr1 s>>= 63\nr1 &= 8\nr0 += r1\nr0 = *(u64 *)(r0 +0)\nout:${OUT}`,
  },
  {
    name: "or of a sign gives the constant too",
    asm: `${LOOKUP("one")}if r0 == 0 goto out\nr1 = *(u64 *)(r0 +0)\nr1 s>>= 63\nr1 |= 16\nr1 += 1\nr0 += r1\nr0 = *(u8 *)(r0 +0)\nout:${OUT}`,
    msg: ["EACCES", "invalid access to map value, value_size=16 off=17 size=1"],
  },
  {
    name: "and of the sign of 32 bits",
    asm: `${LOOKUP("one")}if r0 == 0 goto out\nr1 = *(u32 *)(r0 +0)\nw1 s>>= 31\nw1 &= 24\nr0 += r1\nr0 = *(u64 *)(r0 +0)\nout:${OUT}`,
    msg: ["EACCES", "invalid access to map value, value_size=16 off=24 size=8"],
  },
  {
    name: "a key spilled from more than 32 bits is no constant",
    asm: `r1 = 0x100000000 ll\n*(u32 *)(r10 -8) = r1\nr2 = r10\nr2 += -8\nr1 = map[one]\ncall bpf_map_lookup_elem\nr0 = *(u8 *)(r0 +0)\n${OUT}`,
    msg: ["EACCES", "R0 invalid mem access 'map_value_or_null'"],
  },
  {
    name: "le64 changes nothing, so what is learned of one is learned of the other",
    asm: `${LOOKUP("one")}r1 = *(u64 *)(r0 +0)\nr2 = r1\nr2 = le64 r2\nif r2 > 8 goto out\nr0 += r1\nr0 = *(u64 *)(r0 +0)\nout:${OUT}`,
  },
  {
    name: "le32 cuts",
    asm: `${LOOKUP("one")}r1 = *(u64 *)(r0 +0)\nr2 = r1\nr2 = le32 r2\nif r2 > 8 goto out\nr0 += r1\nr0 = *(u64 *)(r0 +0)\nout:${OUT}`,
    msg: ["EINVAL", "math between map_value pointer and register with unbounded min value is not allowed"],
  },
  {
    name: "be64 turns around",
    asm: `${LOOKUP("one")}r1 = *(u64 *)(r0 +0)\nr2 = r1\nr2 = be64 r2\nif r2 > 8 goto out\nr0 += r1\nr0 = *(u64 *)(r0 +0)\nout:${OUT}`,
    msg: ["EINVAL", "math between map_value pointer and register with unbounded min value is not allowed"],
  },
];
