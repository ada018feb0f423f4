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
  {
    name: "atomic whose result replaces the address of a value",
    asm: `${LOOKUP("a")}r0 = atomic64_xchg((u64 *)(r0 +0), r0)\n${OUT}`,
    msg: ["EACCES", "misaligned access off (0x0; 0xffffffffffffffff)+0+0 size 8"],
  },
  {
    name: "atomic whose result replaces the address of the stack",
    asm: `*(u64 *)(r10 -8) = 0\nr1 = r10\nr1 = atomic64_fetch_add((u64 *)(r1 -8), r1)\n${OUT}`,
    msg: ["EACCES", "misaligned access off (0x0; 0xffffffffffffffff)+0+-8 size 8"],
  },
  {
    name: "exchange if equal at the address in r0",
    asm: `${LOOKUP("a")}r1 = 0\nr0 = atomic_cmpxchg((u32 *)(r0 +4), r0, r1)\n${OUT}`,
    msg: ["EACCES", "misaligned access off (0x0; 0xffffffffffffffff)+0+4 size 4"],
  },
  {
    name: "atomic whose result replaces a number that is none's address",
    asm: `r1 = 0\nr1 = atomic64_xchg((u64 *)(r1 +0), r1)\n${OUT}`,
    msg: ["EACCES", "misaligned access off (0x0; 0xffffffffffffffff)+0+0 size 8"],
  },
  {
    name: "atomic that gives nothing back at its own operand",
    asm: `${LOOKUP("a")}lock *(u64 *)(r0 +0) += r0\n${OUT}`,
  },
];
