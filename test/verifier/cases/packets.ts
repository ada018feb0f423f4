// Small programs, accepted and refused: packet bytes and their end.
import { type Case, OUT, PKT } from "./parts.ts";

export const PACKETS: readonly Case[] = [
  {
    name: "packet inside",
    asm: `${PKT}r4 = r2\nr4 += 14\nif r4 > r3 goto out\nr0 = *(u8 *)(r2 +13)\nout:${OUT}`,
  },
  {
    name: "packet one past",
    asm: `${PKT}r4 = r2\nr4 += 14\nif r4 > r3 goto out\nr0 = *(u8 *)(r2 +14)\nout:${OUT}`,
    msg: ["EACCES", "invalid access to packet, off=14 size=1, R2(id=0,off=14,r=14)"],
  },
  {
    name: "packet unchecked",
    asm: `${PKT}r0 = *(u8 *)(r2 +0)\n${OUT}`,
    msg: ["EACCES", "invalid access to packet, off=0 size=1, R2(id=0,off=0,r=0)"],
  },
  {
    name: "packet wrong branch",
    asm: `${PKT}r4 = r2\nr4 += 14\nif r4 <= r3 goto out\nr0 = *(u8 *)(r2 +0)\nout:${OUT}`,
    msg: ["EACCES", "invalid access to packet, off=0 size=1, R2(id=0,off=0,r=0)"],
  },
  {
    name: "packet jge",
    asm: `${PKT}r4 = r2\nr4 += 14\nif r4 >= r3 goto out\nr0 = *(u8 *)(r2 +14)\nout:${OUT}`,
  },
  {
    name: "packet jge past",
    asm: `${PKT}r4 = r2\nr4 += 14\nif r4 >= r3 goto out\nr0 = *(u8 *)(r2 +15)\nout:${OUT}`,
    msg: ["EACCES", "invalid access to packet, off=15 size=1, R2(id=0,off=15,r=15)"],
  },
  {
    name: "packet jlt reversed",
    asm: `${PKT}r4 = r2\nr4 += 14\nif r3 < r4 goto out\nr0 = *(u8 *)(r2 +13)\nout:${OUT}`,
  },
  {
    name: "packet jgt reversed",
    asm: `${PKT}r4 = r2\nr4 += 14\nif r3 > r4 goto in\n${OUT}in: r0 = *(u8 *)(r2 +14)\n${OUT}`,
  },
  {
    name: "packet jle taken",
    asm: `${PKT}r4 = r2\nr4 += 14\nif r4 <= r3 goto in\n${OUT}in: r0 = *(u8 *)(r2 +13)\n${OUT}`,
  },
  {
    name: "packet jlt taken",
    asm: `${PKT}r4 = r2\nr4 += 14\nif r4 < r3 goto in\n${OUT}in: r0 = *(u8 *)(r2 +14)\n${OUT}`,
  },
  {
    name: "packet write",
    asm: `${PKT}r4 = r2\nr4 += 14\nif r4 > r3 goto out\n*(u8 *)(r2 +13) = 1\nout:${OUT}`,
  },
  {
    name: "packet jmp32 proves nothing",
    asm: `${PKT}r4 = r2\nr4 += 14\nif w4 > w3 goto out\nr0 = *(u8 *)(r2 +13)\nout:${OUT}`,
    msg: ["EACCES", "invalid access to packet, off=13 size=1, R2(id=0,off=13,r=0)"],
  },
  {
    name: "packet variable offset",
    asm: `${PKT}r4 = r2\nr4 += 20\nif r4 > r3 goto out\nr5 = *(u8 *)(r2 +0)\nr5 &= 7\nr2 += r5\nr4 = r2\nr4 += 4\nif r4 > r3 goto out\nr0 = *(u32 *)(r2 +0)\nout:${OUT}`,
  },
  {
    name: "packet variable offset forgets",
    asm: `${PKT}r4 = r2\nr4 += 20\nif r4 > r3 goto out\nr5 = *(u8 *)(r2 +0)\nr5 &= 7\nr2 += r5\nr0 = *(u8 *)(r2 +0)\nout:${OUT}`,
    msg: ["EACCES", "invalid access to packet, off=0 size=1, R2(id=1,off=0,r=0)"],
  },
  {
    name: "packet variable offset too wide",
    asm: `${PKT}r4 = r2\nr4 += 20\nif r4 > r3 goto out\nr5 = *(u32 *)(r2 +0)\nr2 += r5\nr4 = r2\nr4 += 4\nif r4 > r3 goto out\nr0 = *(u32 *)(r2 +0)\nout:${OUT}`,
    msg: ["EACCES", "invalid access to packet, off=0 size=4, R2(id=1,off=0,r=0)"],
  },
  {
    name: "packet negative",
    asm: `${PKT}r4 = r2\nr4 += 20\nif r4 > r3 goto out\nr2 += -1\nr0 = *(u8 *)(r2 +0)\nout:${OUT}`,
    msg: ["EACCES", "invalid access to packet, off=-1 size=1, R2(id=0,off=-1,r=20)"],
  },
  {
    name: "packet end moved",
    asm: `${PKT}r3 += 1\n${OUT}`,
    msg: ["EACCES", "R3 pointer arithmetic on pkt_end prohibited"],
  },
  {
    name: "packet spilled and filled",
    asm: `${PKT}*(u64 *)(r10 -8) = r2\nr4 = r2\nr4 += 14\nif r4 > r3 goto out\nr5 = *(u64 *)(r10 -8)\nr0 = *(u8 *)(r5 +13)\nout:${OUT}`,
  },
  {
    name: "packet filled in part",
    asm: `${PKT}*(u64 *)(r10 -8) = r2\nr5 = *(u32 *)(r10 -8)\n${OUT}`,
    msg: ["EACCES", "invalid size of register fill"],
  },
  {
    name: "packet pointer narrow spill",
    asm: `${PKT}*(u32 *)(r10 -8) = r2\n${OUT}`,
    msg: ["EACCES", "invalid size of register spill"],
  },
  {
    name: "metadata",
    asm: `${PKT}r4 = *(u32 *)(r1 +8)\nr5 = r4\nr5 += 4\nif r5 > r2 goto out\nr0 = *(u32 *)(r4 +0)\nout:${OUT}`,
  },
  {
    name: "metadata past",
    asm: `${PKT}r4 = *(u32 *)(r1 +8)\nr5 = r4\nr5 += 4\nif r5 > r2 goto out\nr0 = *(u32 *)(r4 +1)\nout:${OUT}`,
    msg: ["EACCES", "invalid access to packet, off=1 size=4, R4(id=0,off=1,r=4)"],
  },
  {
    name: "metadata against moved data",
    asm: `${PKT}r2 += 8\nr4 = *(u32 *)(r1 +8)\nr5 = r4\nr5 += 4\nif r5 > r2 goto out\nr0 = *(u32 *)(r4 +0)\nout:${OUT}`,
    msg: ["EACCES", "invalid access to packet, off=0 size=4, R4(id=0,off=0,r=0)"],
  },
  {
    name: "packet after adjust_head",
    asm: `r6 = r1\nr2 = 0\ncall bpf_xdp_adjust_head\nr2 = *(u32 *)(r6 +0)\nr3 = *(u32 *)(r6 +4)\nr4 = r2\nr4 += 14\nif r4 > r3 goto out\nr0 = *(u8 *)(r2 +0)\nout:${OUT}`,
  },
  {
    name: "packet pointer dies in adjust_head",
    asm: `r6 = r1\nr7 = *(u32 *)(r1 +0)\nr8 = *(u32 *)(r1 +4)\nr9 = r7\nr9 += 14\nif r9 > r8 goto out\nr2 = 0\ncall bpf_xdp_adjust_head\nr0 = *(u8 *)(r7 +0)\nout:${OUT}`,
    msg: ["EACCES", "R7 invalid mem access 'scalar'"],
  },
  {
    name: "packet beyond end is known",
    asm: `${PKT}r4 = r2\nr4 += 14\nif r4 > r3 goto far\n${OUT}far: if r4 <= r3 goto dead\n${OUT}dead: r0 = *(u8 *)(r2 +0)\n${OUT}`,
  },
];
