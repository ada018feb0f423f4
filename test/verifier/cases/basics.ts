// Small programs, accepted and refused: what every insn asks.
import { type Case, OUT } from "./parts.ts";

export const BASICS: readonly Case[] = [
  { name: "return", asm: OUT },
  { name: "uninitialised r0", asm: "exit", msg: ["EACCES", "R0 !read_ok"] },
  { name: "uninitialised operand", asm: `r0 = r5\nexit`, msg: ["EACCES", "R5 !read_ok"] },
  { name: "write to frame pointer", asm: `r10 = 1\n${OUT}`, msg: ["EACCES", "frame pointer is read only"] },
  { name: "no exit at end", asm: "r0 = 1", msg: ["EINVAL", "last insn is not an exit or jmp"] },
  { name: "unreachable", asm: `r0 = 0\nexit\nr0 = 1\nexit`, msg: ["EINVAL", "unreachable insn 2"] },
  { name: "division by zero", asm: `r0 = 1\nr0 /= 0\nexit`, msg: ["EINVAL", "div by zero"] },
  { name: "shift too far", asm: `r0 = 1\nr0 <<= 64\nexit`, msg: ["EINVAL", "invalid shift 64"] },
  { name: "shift 32 too far", asm: `w0 = 1\nw0 <<= 32\nexit`, msg: ["EINVAL", "invalid shift 32"] },
  { name: "infinite loop", asm: `r0 = 0\ngoto pc-1\nexit`, msg: ["EINVAL", "unreachable insn 2"] },
  {
    name: "infinite loop 2",
    asm: `r0 = 0\nl: if r0 == 1 goto out\ngoto l\nout: exit`,
    msg: ["EINVAL", "infinite loop detected at insn 1"],
  },

  {
    name: "a masked sign is one of two numbers",
    asm: `call bpf_get_prandom_u32\nr0 <<= 32\nr0 s>>= 63\nr0 &= 12\nif r0 != 4 goto out\nr0 = r9\nout:${OUT}`,
  },
  {
    name: "a masked number is one of four",
    asm: `call bpf_get_prandom_u32\nr0 <<= 32\nr0 s>>= 62\nr0 &= 12\nif r0 != 4 goto out\nr0 = r9\nout:${OUT}`,
    msg: ["EACCES", "R9 !read_ok"],
  },
  {
    name: "half a sign with bits set is one of two numbers",
    asm: `call bpf_get_prandom_u32\nw0 s>>= 31\nr1 = 12\nw0 |= w1\nif w0 != 13 goto out\nr0 = r9\nout:${OUT}`,
  },
];
