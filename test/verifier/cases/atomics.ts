// Small programs, accepted and refused: atomics.
import { type Case, LOOKUP, OUT, PKT } from "./parts.ts";

export const ATOMICS: readonly Case[] = [
  { name: "atomic on map value", asm: `${LOOKUP("a")}r1 = 1\nlock *(u64 *)(r0 +0) += r1\n${OUT}` },
  {
    name: "atomic on packet",
    asm: `${PKT}r4 = r2\nr4 += 14\nif r4 > r3 goto out\nr1 = 1\nlock *(u32 *)(r2 +0) += r1\nout:${OUT}`,
    msg: ["EACCES", "BPF_ATOMIC stores into R2 pkt is not allowed"],
  },
  {
    name: "atomic misaligned",
    asm: `${LOOKUP("a")}r1 = 1\nlock *(u64 *)(r0 +4) += r1\n${OUT}`,
    msg: ["EACCES", "misaligned value access off 0+0+4 size 8"],
  },
  {
    name: "atomic forgets the slot",
    asm: `*(u64 *)(r10 -8) = 4\nr1 = 1\nlock *(u64 *)(r10 -8) += r1\nr1 = *(u64 *)(r10 -8)\nr2 = r10\nr2 += -16\nr2 += r1\nr0 = *(u8 *)(r2 +0)\nexit`,
    msg: ["EINVAL", "math between fp pointer and register with unbounded min value is not allowed"],
  },
];
