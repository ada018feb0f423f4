// Small programs, accepted and refused: the context.
import { type Case, OUT } from "./parts.ts";

export const CONTEXT: readonly Case[] = [
  {
    name: "ctx too wide",
    asm: `r0 = *(u64 *)(r1 +0)\n${OUT}`,
    msg: ["EACCES", "invalid bpf_context access off=0 size=8"],
  },
  {
    name: "ctx narrow",
    asm: `r0 = *(u8 *)(r1 +12)\n${OUT}`,
    msg: ["EACCES", "invalid bpf_context access off=12 size=1"],
  },
  { name: "ctx field", asm: `r0 = *(u32 *)(r1 +12)\n${OUT}` },
  {
    name: "ctx egress",
    asm: `r0 = *(u32 *)(r1 +20)\n${OUT}`,
    msg: ["EACCES", "invalid bpf_context access off=20 size=4"],
  },
  {
    name: "ctx end",
    asm: `r0 = *(u32 *)(r1 +24)\n${OUT}`,
    msg: ["EACCES", "invalid bpf_context access off=24 size=4"],
  },
  {
    name: "ctx write",
    asm: `*(u32 *)(r1 +12) = 1\n${OUT}`,
    msg: ["EACCES", "invalid bpf_context access off=12 size=4"],
  },
  {
    name: "ctx moved",
    asm: `r1 += 4\nr0 = *(u32 *)(r1 +0)\n${OUT}`,
    msg: ["EACCES", "dereference of modified ctx ptr R1 off=4 disallowed"],
  },
  {
    name: "ctx variable",
    asm: `r2 = *(u32 *)(r1 +12)\nr2 &= 4\nr1 += r2\nr0 = *(u32 *)(r1 +0)\n${OUT}`,
    msg: ["EACCES", "variable ctx access var_off=(0x0; 0x4) disallowed"],
  },
];
