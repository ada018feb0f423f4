// An index or pointer that went through a function or a loop that is not counted out.
import { type Case, inBox } from "./parts.ts";

// biome-ignore format: table
export const CALL_TRICKS: readonly Case[] = inBox([
  ["sub keeps caller's link", "r1 = r7; call sub / sub: if r1 > 63 goto s; r0 = 1; exit; s: r0 = 0; exit", "EINVAL", "math between map_value pointer and register with unbounded min value is not allowed"],
  ["sub returns bounded", "r1 = r7; call sub; r7 = r0 / sub: if r1 > 63 goto s; r0 = r1; exit; s: r0 = 0; exit"],
  ["sub returns via stack", "*(u64 *)(r10 -16) = 900; r1 = r10; r1 += -16; r2 = r7; call sub; r7 = *(u64 *)(r10 -16) / sub: if r2 > 63 goto s; *(u64 *)(r1 +0) = r2; r0 = 0; exit; s: *(u64 *)(r1 +0) = 0; r0 = 0; exit"],
  ["sub returns via stack one path", "*(u64 *)(r10 -16) = 900; r1 = r10; r1 += -16; r2 = r7; call sub; r7 = *(u64 *)(r10 -16) / sub: if r2 > 63 goto s; *(u64 *)(r1 +0) = r2; s: r0 = 0; exit", "EACCES", "invalid access to map value, value_size=64 off=900 size=1"],
  ["sub keeps own stack pointer", "call sub; r1 = *(u64 *)(r0 +0); r7 = 0 / sub: *(u64 *)(r10 -8) = 0; r0 = r10; r0 += -8; exit", "EINVAL", "cannot return stack pointer to the caller"],
  ["sub stores own stack pointer in caller", "r1 = r10; r1 += -16; call sub; r7 = 0 / sub: r2 = r10; *(u64 *)(r1 +0) = r2; r0 = 0; exit", "EINVAL", "cannot spill pointers to stack into stack frame of the caller"],
  ["sub spills link to caller", "r1 = r10; r1 += -16; r2 = r7; call sub; r8 = *(u64 *)(r10 -16); if r8 > 63 goto out / sub: *(u64 *)(r1 +0) = r2; r0 = 0; exit"],
  ["sub delta link to caller", "r1 = r7; call sub; if r0 > 68 goto out; if r0 < 5 goto out / sub: r0 = r1; r0 += 5; exit"],
  ["sub var write into caller", "*(u64 *)(r10 -16) = r6; *(u64 *)(r10 -24) = 0; r1 = r10; r1 += -24; r2 = r8; call sub; r6 = *(u64 *)(r10 -16); r7 = 0 / sub: r2 &= 8; r1 += r2; *(u64 *)(r1 +0) = 0; r0 = 0; exit", "EACCES", "R6 invalid mem access 'scalar'"],
  ["adjust head in sub clears packet", "r1 = *(u32 *)(r9 +0); r2 = *(u32 *)(r9 +4); r3 = r1; r3 += 8; if r3 > r2 goto out; r8 = r1; r1 = r9; call sub; r0 = *(u8 *)(r8 +0); r7 = 0 / sub: r2 = 4; call bpf_xdp_adjust_head; r0 = 0; exit", "EACCES", "R8 invalid mem access 'scalar'"],
  ["packet spilled then adjusted", "r1 = *(u32 *)(r9 +0); r2 = *(u32 *)(r9 +4); r3 = r1; r3 += 8; if r3 > r2 goto out; *(u64 *)(r10 -16) = r1; r1 = r9; call sub; r8 = *(u64 *)(r10 -16); r0 = *(u8 *)(r8 +0); r7 = 0 / sub: r2 = 4; call bpf_xdp_adjust_head; r0 = 0; exit", "EACCES", "R8 invalid mem access 'scalar'"],
  ["may_goto bound", "r7 = 0; l: may_goto e; if r7 > 62 goto e; r7 += 1; goto l; e:"],
  ["may_goto no bound", "r7 = 0; l: may_goto e; r7 += 1; goto l; e:", "EACCES", "invalid access to map value, value_size=64 off=64 size=1"],
  ["may_goto off by one", "r7 = 0; l: may_goto e; if r7 > 63 goto e; r7 += 1; goto l; e:", "EACCES", "invalid access to map value, value_size=64 off=64 size=1"],
  ["may_goto spill", "*(u64 *)(r10 -16) = 0; l: may_goto e; r1 = *(u64 *)(r10 -16); if r1 > 62 goto e; r1 += 1; *(u64 *)(r10 -16) = r1; goto l; e: r7 = *(u64 *)(r10 -16)"],
  ["may_goto full stack", "*(u64 *)(r10 -512) = 0; r7 = 0; l: may_goto e; goto l; e:"],
  ["may_goto stack 504", "*(u64 *)(r10 -504) = 0; r7 = 0; l: may_goto e; goto l; e:"],
  ["may_goto stack 496", "*(u64 *)(r10 -496) = 0; r7 = 0; l: may_goto e; goto l; e:"],
  ["may_goto nested", "r7 = 0; a: may_goto e; r8 = 0; b: may_goto f; r8 += 1; if r8 < 5 goto b; f: r7 += 1; if r7 < 5 goto a; e: if r7 > 63 goto out"],
  ["may_goto ptr moves", "r8 = r6; l: may_goto e; r8 += 1; goto l; e: r0 = *(u8 *)(r8 +0); r7 = 0", "EACCES", "invalid access to map value, value_size=64 off=64 size=1"],
]);
