// Packets: which comparison says that which bytes are there, and which calls take them away.
import { type Case, tricks } from "./parts.ts";

/** r6 = data, r7 = data_meta, r8 = data_end, r9 = the context. */
const HEAD = "r9 = r1; r6 = *(u32 *)(r1 +0); r8 = *(u32 *)(r1 +4); r7 = *(u32 *)(r1 +8)\n";
const TAIL = "out: r0 = 2; exit\n";

// biome-ignore format: table
export const PACKET_TRICKS: readonly Case[] = tricks(HEAD, TAIL, [
  ["meta range", "r2 = r7; r2 += 4; if r2 > r6 goto out; r0 = *(u32 *)(r7 +0)"],
  ["meta range far", "r2 = r7; r2 += 4; if r2 > r6 goto out; r0 = *(u32 *)(r7 +1)", "EACCES", "invalid access to packet, off=1 size=4, R7(id=0,off=1,r=4)"],
  ["meta against end", "r2 = r7; r2 += 4; if r2 > r8 goto out; r0 = *(u32 *)(r7 +0)", "EACCES", "invalid access to packet, off=0 size=4, R7(id=0,off=0,r=0)"],
  ["meta after adjust_meta", "r2 = r7; r2 += 4; if r2 > r6 goto out; r1 = r9; r2 = -4; call bpf_xdp_adjust_meta; r0 = *(u32 *)(r7 +0)", "EACCES", "R7 invalid mem access 'scalar'"],
  ["pkt after adjust_tail", "r2 = r6; r2 += 4; if r2 > r8 goto out; r1 = r9; r2 = -4; call bpf_xdp_adjust_tail; r0 = *(u32 *)(r6 +0)", "EACCES", "R6 invalid mem access 'scalar'"],
  ["pkt end moved", "r8 += 4; r2 = r6; r2 += 4; if r2 > r8 goto out; r0 = *(u32 *)(r6 +0)", "EACCES", "R8 pointer arithmetic on pkt_end prohibited"],
  ["pkt compare ge", "r2 = r6; r2 += 4; if r2 >= r8 goto out; r0 = *(u32 *)(r6 +1)"],
  ["pkt compare ge bad", "r2 = r6; r2 += 4; if r2 >= r8 goto out; r0 = *(u32 *)(r6 +2)", "EACCES", "invalid access to packet, off=2 size=4, R6(id=0,off=2,r=5)"],
  ["pkt compare lt swapped", "r2 = r6; r2 += 4; if r8 < r2 goto out; r0 = *(u32 *)(r6 +0)"],
  ["pkt compare le swapped bad", "r2 = r6; r2 += 4; if r8 <= r2 goto l; goto out; l: r0 = *(u32 *)(r6 +0)", "EACCES", "invalid access to packet, off=0 size=4, R6(id=0,off=0,r=0)"],
  ["pkt var", "r1 = *(u32 *)(r9 +16); r1 &= 255; r6 += r1; r2 = r6; r2 += 4; if r2 > r8 goto out; r0 = *(u32 *)(r6 +0)"],
  ["pkt var too big", "r1 = *(u32 *)(r9 +16); r1 &= 0xffff; r6 += r1; r2 = r6; r2 += 4; if r2 > r8 goto out; r0 = *(u32 *)(r6 +0)", "EACCES", "invalid access to packet, off=0 size=4, R6(id=1,off=0,r=0)"],
  ["pkt var 64k-ish", "r1 = *(u32 *)(r9 +16); r1 &= 0xfff; r6 += r1; r6 += 0xf000; r2 = r6; r2 += 4; if r2 > r8 goto out; r0 = *(u32 *)(r6 +0)", "EACCES", "invalid access to packet, off=61440 size=4, R6(id=1,off=61440,r=0)"],
  ["pkt two vars one check", "r1 = *(u32 *)(r9 +16); r1 &= 255; r5 = r6; r5 += r1; r6 += r1; r2 = r6; r2 += 4; if r2 > r8 goto out; r0 = *(u32 *)(r5 +0)", "EACCES", "invalid access to packet, off=0 size=4, R5(id=1,off=0,r=0)"],
  ["pkt var sub", "r1 = *(u32 *)(r9 +16); r1 &= 255; r6 += r1; r2 = r6; r2 += 4; if r2 > r8 goto out; r6 -= r1; r0 = *(u32 *)(r6 +0)", "EACCES", "R6 min value is negative, either use unsigned index or do a if (index >=0) check."],
  ["pkt neg then check", "r6 += -4; r2 = r6; r2 += 8; if r2 > r8 goto out; r0 = *(u32 *)(r6 +0)", "EACCES", "invalid access to packet, off=-4 size=4, R6(id=0,off=-4,r=4)"],
  ["pkt sub scalars", "r1 = r8; r1 -= r6; if r1 < 4 goto out; r0 = *(u32 *)(r6 +0)", "EACCES", "invalid access to packet, off=0 size=4, R6(id=0,off=0,r=0)"],
  ["pkt eq end", "if r6 == r8 goto out; r0 = *(u8 *)(r6 +0)", "EACCES", "invalid access to packet, off=0 size=1, R6(id=0,off=0,r=0)"],
  ["pkt spill and range", "*(u64 *)(r10 -8) = r6; r2 = r6; r2 += 4; if r2 > r8 goto out; r6 = *(u64 *)(r10 -8); r0 = *(u32 *)(r6 +0)"],
  ["pkt off 65535", "r2 = r6; r2 += 65535; if r2 > r8 goto out; r0 = *(u8 *)(r6 +32000)"],
  ["xdp store bytes then pkt", "r2 = r6; r2 += 4; if r2 > r8 goto out; *(u64 *)(r10 -8) = 0; r1 = r9; r2 = 0; r3 = r10; r3 += -8; r4 = 4; call bpf_xdp_store_bytes; r0 = *(u32 *)(r6 +0)"],
  ["fib lookup then pkt", "r2 = r6; r2 += 4; if r2 > r8 goto out; r1 = r9; r2 = r10; r2 += -64; r3 = 64; r4 = 0; call bpf_fib_lookup; r0 = *(u32 *)(r6 +0)"],
  ["csum diff over packet", "r2 = r6; r2 += 8; if r2 > r8 goto out; r1 = r6; r2 = 8; r3 = 0; r4 = 0; r5 = 0; call bpf_csum_diff"],
  ["csum diff over packet far", "r2 = r6; r2 += 8; if r2 > r8 goto out; r1 = r6; r2 = 12; r3 = 0; r4 = 0; r5 = 0; call bpf_csum_diff", "EACCES", "invalid access to packet, off=0 size=12, R1(id=0,off=0,r=8)"],
  ["map update from packet", "r2 = r6; r2 += 20; if r2 > r8 goto out; r1 = map[h]; r2 = r6; r3 = r6; r3 += 4; r4 = 0; call bpf_map_update_elem"],
  ["map update from packet far", "r2 = r6; r2 += 20; if r2 > r8 goto out; r1 = map[h]; r2 = r6; r3 = r6; r3 += 5; r4 = 0; call bpf_map_update_elem", "EACCES", "invalid access to packet, off=5 size=16, R3(id=0,off=5,r=20)"],
]);
