// Small programs, accepted and refused: loops and calls.
import { type Case, OUT } from "./parts.ts";

export const FLOW: readonly Case[] = [
  { name: "bounded loop", asm: `r1 = 0\nl: r1 += 1\nif r1 < 100 goto l\n${OUT}` },
  { name: "call", asm: `r1 = 1\ncall sub\nexit\nsub: r0 = r1\nexit` },
  {
    name: "callee keeps r6 to itself",
    asm: `r6 = 1\ncall sub\nexit\nsub: r0 = r6\nexit`,
    msg: ["EACCES", "R6 !read_ok"],
  },
  { name: "caller keeps r6", asm: `r6 = 1\ncall sub\nr0 = r6\nexit\nsub: r6 = 2\nr0 = 0\nexit` },
  {
    name: "callee writes the caller's stack",
    asm: `*(u64 *)(r10 -8) = 0\nr1 = r10\nr1 += -8\ncall sub\nr1 = *(u64 *)(r10 -8)\nr2 = r10\nr2 += -8\nr2 += r1\nr0 = *(u8 *)(r2 +0)\nexit\nsub: *(u64 *)(r1 +0) = 4\nr0 = 0\nexit`,
  },
  {
    name: "callee returns its stack",
    asm: `call sub\nexit\nsub: r0 = r10\nexit`,
    msg: ["EINVAL", "cannot return stack pointer to the caller"],
  },
  {
    name: "stack pointer into the caller's frame",
    asm: `r1 = r10\nr1 += -8\ncall sub\n${OUT}sub: *(u64 *)(r1 +0) = r10\nr0 = 0\nexit`,
    msg: ["EINVAL", "cannot spill pointers to stack into stack frame of the caller"],
  },
  {
    name: "recursion",
    asm: `call sub\nexit\nsub: r0 = 0\ncall sub\nexit`,
    msg: ["E2BIG", "the call stack of 9 frames is too deep"],
  },
  {
    name: "combined stack",
    asm: `*(u64 *)(r10 -300) = 0\ncall sub\nexit\nsub: *(u64 *)(r10 -304) = 0\nr0 = 0\nexit`,
    msg: ["EACCES", "misaligned stack access off 0+0+-300 size 8"],
  },
  {
    name: "combined stack too large",
    asm: `*(u64 *)(r10 -304) = 0\ncall sub\nexit\nsub: *(u64 *)(r10 -304) = 0\nr0 = 0\nexit`,
    msg: ["EACCES", "combined stack size of 2 calls is 608. Too large"],
  },
  {
    name: "jump out of a function",
    asm: `call sub\ngoto out\nsub: r0 = 0\nout: exit`,
    msg: ["EINVAL", "jump out of range from insn 1 to 3"],
  },
  {
    name: "last jump with bits in a field it does not use",
    asm: "goto far\nback: r0 = 0\nexit\nfar: .raw 0x00000001fffd0005",
    msg: ["EINVAL", "BPF_JA uses reserved fields"],
  },
  {
    name: "jump with such bits that leaves the program",
    asm: "r0 = 0\n.raw 0x0000000100050015\nexit",
    msg: ["EINVAL", "jump out of range from insn 1 to 7"],
  },
];
