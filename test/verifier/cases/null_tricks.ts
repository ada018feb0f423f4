// Pointers that may be null, by every way to find out; records that must be given back.
import { type Case, tricks } from "./parts.ts";

/** r0 = a value of a hash or null, r9 = the context. */
const HEAD =
  "r9 = r1; r6 = 0; r7 = 0; *(u32 *)(r10 -4) = 1; r2 = r10; r2 += -4; r1 = map[h]; call bpf_map_lookup_elem\n";
const TAIL = "out: r0 = 2; exit\n";

// biome-ignore format: table
export const NULL_TRICKS: readonly Case[] = tricks(HEAD, TAIL, [
  ["null copies", "r6 = r0; if r6 == 0 goto out; r0 = *(u8 *)(r0 +0)"],
  ["null two lookups", "r6 = r0; r2 = r10; r2 += -4; r1 = map[h]; call bpf_map_lookup_elem; if r0 == 0 goto out; r0 = *(u8 *)(r6 +0)", "EACCES", "R6 invalid mem access 'map_value_or_null'"],
  ["null spilled", "*(u64 *)(r10 -16) = r0; if r0 == 0 goto out; r6 = *(u64 *)(r10 -16); r0 = *(u8 *)(r6 +0)"],
  ["null spilled half", "*(u64 *)(r10 -16) = r0; r6 = *(u32 *)(r10 -16); if r6 == 0 goto out; r0 = *(u8 *)(r0 +0)", "EACCES", "invalid size of register fill"],
  ["null w compare", "if w0 == 0 goto out; r0 = *(u8 *)(r0 +0)", "EACCES", "R0 invalid mem access 'map_value_or_null'"],
  ["low half in value", "if r0 == 0 goto out; r6 = *(u32 *)(r0 +0); r6 &= 15; r0 += r6; if w0 != 0 goto out; r0 = *(u8 *)(r10 -600)"],
  ["null ne map value", "r6 = map[box][0]+0; if r0 != r6 goto out; r0 = *(u8 *)(r0 +0)"],
  ["null eq other null", "r6 = r0; r2 = r10; r2 += -4; r1 = map[h]; call bpf_map_lookup_elem; if r0 == 0 goto out; if r6 != r0 goto out; r0 = *(u8 *)(r6 +0)"],
  ["null ge 1", "if r0 < 1 goto out; r0 = *(u8 *)(r0 +0)", "EACCES", "R0 invalid mem access 'map_value_or_null'"],
  ["null after loop", "r6 = r0; r7 = 3; l: r7 += -1; if r7 != 0 goto l; if r6 == 0 goto out; r0 = *(u8 *)(r6 +15)"],
  ["null taken uses 0", "if r0 != 0 goto out; r6 = map[box][0]+0; r6 += r0; r0 = *(u8 *)(r6 +63)"],
  ["or null in sub", "r1 = r0; r6 = r0; call sub; if r0 == 0 goto out; r0 = *(u8 *)(r6 +0) / sub: r0 = 0; if r1 == 0 goto sx; r0 = 1; sx: exit"],
  ["lookup key pointer into map", "if r0 == 0 goto out; r2 = r0; r1 = map[a]; call bpf_map_lookup_elem; if r0 == 0 goto out; r0 = *(u8 *)(r0 +15)"],
  ["map ptr select", "r1 = map[h]; if r0 == 0 goto l; r1 = map[box]; l: r2 = r10; r2 += -4; call bpf_map_lookup_elem; if r0 == 0 goto out; r0 = *(u8 *)(r0 +15)"],
  ["map ptr select far", "r1 = map[h]; if r0 == 0 goto l; r1 = map[box]; l: r2 = r10; r2 += -4; call bpf_map_lookup_elem; if r0 == 0 goto out; r0 = *(u8 *)(r0 +17)", "EACCES", "invalid access to map value, value_size=16 off=17 size=1"],
  ["const key array select", "r6 = r0; *(u32 *)(r10 -8) = 0; if r6 == 0 goto l; *(u32 *)(r10 -8) = 9; l: r2 = r10; r2 += -8; r1 = map[a]; call bpf_map_lookup_elem; r0 = *(u8 *)(r0 +0)", "EACCES", "R0 invalid mem access 'map_value_or_null'"],
  ["const key array inside", "r6 = r0; *(u32 *)(r10 -8) = 0; if r6 == 0 goto l; *(u32 *)(r10 -8) = 3; l: r2 = r10; r2 += -8; r1 = map[a]; call bpf_map_lookup_elem; r0 = *(u8 *)(r0 +0)"],
  ["const key 64 spill", "r6 = 1; *(u64 *)(r10 -8) = r6; r2 = r10; r2 += -8; r1 = map[a]; call bpf_map_lookup_elem; r0 = *(u8 *)(r0 +0)", "EACCES", "R0 invalid mem access 'map_value_or_null'"],
  ["ringbuf var size", "r1 = map[ring]; r2 = 8; r3 = 0; call bpf_ringbuf_reserve; if r0 == 0 goto out; *(u64 *)(r0 +1) = 0; r1 = r0; r2 = 0; call bpf_ringbuf_submit", "EACCES", "invalid access to memory, mem_size=8 off=1 size=8"],
  ["ringbuf moved submit", "r1 = map[ring]; r2 = 8; r3 = 0; call bpf_ringbuf_reserve; if r0 == 0 goto out; r0 += 4; r1 = r0; r2 = 0; call bpf_ringbuf_submit", "EINVAL", "R1 must have zero offset when passed to release func or trusted arg to kfunc"],
  ["ringbuf leak in one", "r6 = r0; r1 = map[ring]; r2 = 8; r3 = 0; call bpf_ringbuf_reserve; if r0 == 0 goto out; if r6 == 0 goto out; r1 = r0; r2 = 0; call bpf_ringbuf_submit", "EINVAL", "Unreleased reference id=3 alloc_insn=14"],
  ["ringbuf use after", "r1 = map[ring]; r2 = 8; r3 = 0; call bpf_ringbuf_reserve; if r0 == 0 goto out; r6 = r0; r1 = r0; r2 = 0; call bpf_ringbuf_submit; r0 = *(u8 *)(r6 +0)", "EACCES", "R6 invalid mem access 'scalar'"],
  ["ringbuf in loop leak", "r6 = 3; l: r1 = map[ring]; r2 = 8; r3 = 0; call bpf_ringbuf_reserve; r7 = r0; r6 += -1; if r6 != 0 goto l; if r7 == 0 goto out; r1 = r7; r2 = 0; call bpf_ringbuf_submit", "EINVAL", "Unreleased reference id=3 alloc_insn=14"],
  ["ringbuf tail call held", "r1 = map[ring]; r2 = 8; r3 = 0; call bpf_ringbuf_reserve; if r0 == 0 goto out; r6 = r0; r1 = r9; r2 = map[prog]; r3 = 0; call bpf_tail_call; r1 = r6; r2 = 0; call bpf_ringbuf_submit", "EINVAL", "Unreleased reference id=3 alloc_insn=13"],
]);
