// Small programs, accepted and refused: the stack.
import { type Case, OUT } from "./parts.ts";

/** A number is spilled on one path and set by a helper on the other; where they meet it is compared. */
const SET_IN_TWO_WAYS = (before: string) => `${before}
call bpf_get_prandom_u32
r6 = r0
if r6 == 0 goto l1
r7 = 1
l1: if r6 == 1 goto l2
r7 = 2
r7 = 3
r7 = 4
l2: if r6 == 2 goto helper
call bpf_ktime_get_ns
*(u64 *)(r10 -16) = r0
if r6 == 3 goto out
r7 = 5
r7 = 6
r7 = 7
r7 = 8
goto join
helper:
r1 = r10
r1 += -16
r2 = 8
r3 = 0
call bpf_probe_read_kernel
join:
r1 = *(u64 *)(r10 -16)
if r1 > 7 goto out
r2 = r10
r2 += r1
r0 = *(u8 *)(r2 -16)
out:${OUT}`;

export const STACK: readonly Case[] = [
  {
    name: "stack below",
    asm: `*(u64 *)(r10 -520) = 0\n${OUT}`,
    msg: ["EACCES", "invalid write to stack R10 off=-520 size=8"],
  },
  {
    name: "stack above",
    asm: `*(u64 *)(r10 +0) = 0\n${OUT}`,
    msg: ["EACCES", "invalid write to stack R10 off=0 size=8"],
  },
  { name: "stack bottom", asm: `*(u64 *)(r10 -512) = 0\n${OUT}` },
  {
    name: "stack misaligned",
    asm: `*(u64 *)(r10 -12) = 0\n${OUT}`,
    msg: ["EACCES", "misaligned stack access off 0+0+-12 size 8"],
  },
  { name: "stack uninitialised read", asm: `r0 = *(u64 *)(r10 -8)\nexit` },
  {
    name: "stack read below",
    asm: `r0 = *(u64 *)(r10 -520)\nexit`,
    msg: ["EACCES", "invalid read from stack R10 off=-520 size=8"],
  },
  {
    name: "stack subtraction",
    asm: `r2 = r10\nr2 -= 8\n${OUT}`,
    msg: ["EACCES", "R2 subtraction from stack pointer prohibited"],
  },
  {
    name: "stack variable",
    asm: `r2 = *(u32 *)(r1 +12)\nr2 &= 7\nr3 = r10\nr3 += -8\nr3 += r2\nr0 = *(u8 *)(r3 +0)\nexit`,
  },
  {
    name: "stack variable past",
    asm: `r2 = *(u32 *)(r1 +12)\nr2 &= 15\nr3 = r10\nr3 += -8\nr3 += r2\nr0 = *(u8 *)(r3 +0)\nexit`,
    msg: ["EINVAL", "invalid variable-offset read from stack R3 var_off=(0x0; 0xf) off=-8 size=1"],
  },
  {
    name: "stack variable unbounded",
    asm: `r2 = *(u32 *)(r1 +12)\nr3 = r10\nr3 += r2\nr0 = *(u8 *)(r3 +0)\nexit`,
    msg: ["EACCES", "invalid unbounded variable-offset read from stack R3"],
  },
  {
    name: "pointer through variable write",
    asm: `*(u64 *)(r10 -16) = r1\nr2 = *(u32 *)(r1 +12)\nr2 &= 8\nr3 = r10\nr3 += -16\nr3 += r2\nr4 = 0\n*(u64 *)(r3 +0) = r4\nr5 = *(u64 *)(r10 -16)\nr0 = *(u32 *)(r5 +0)\nexit`,
    msg: ["EACCES", "R5 invalid mem access 'scalar'"],
  },
  {
    name: "constant through the stack",
    asm: `r2 = 4\n*(u64 *)(r10 -8) = r2\nr3 = *(u64 *)(r10 -8)\nr4 = r10\nr4 += -16\nr4 += r3\nr0 = *(u8 *)(r4 +0)\nexit`,
  },
  {
    name: "byte of a spilled constant",
    asm: `r2 = 258\n*(u64 *)(r10 -8) = r2\nr3 = *(u8 *)(r10 -8)\nr4 = r10\nr4 += -8\nr4 += r3\nr0 = *(u8 *)(r4 +0)\nexit`,
  },
  {
    name: "upper byte of a spilled constant",
    asm: `r2 = 258\n*(u64 *)(r10 -8) = r2\nr3 = *(u8 *)(r10 -7)\nr4 = r10\nr4 += -8\nr4 += r3\nr0 = *(u8 *)(r4 +0)\nexit`,
    msg: ["EINVAL", "invalid variable-offset read from stack R4 var_off=(0x0; 0xff) off=-8 size=1"],
  },
  {
    name: "a number that a helper set on another path, in stack that was not there before",
    asm: SET_IN_TWO_WAYS(""),
    msg: ["EFAULT", "verifier bug: stack slot 1, total slots 0 (i >= func->allocated_stack / BPF_REG_SIZE)"],
  },
  {
    name: "a number that a helper set on another path, in stack that was there before",
    asm: SET_IN_TWO_WAYS("*(u64 *)(r10 -16) = 0"),
  },
];
