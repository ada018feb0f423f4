// Small programs, accepted and refused: helpers.
import { type Case, OUT, PKT } from "./parts.ts";

export const HELPERS: readonly Case[] = [
  { name: "unknown helper", asm: `call 999\n${OUT}`, msg: ["EINVAL", "invalid func unknown#999"] },
  {
    name: "helper of others",
    asm: `call bpf_skb_load_bytes\n${OUT}`,
    msg: ["EINVAL", "program of this type cannot use helper bpf_skb_load_bytes#26"],
  },
  { name: "r1 dies in a call", asm: `call bpf_ktime_get_ns\nr0 = r1\nexit`, msg: ["EACCES", "R1 !read_ok"] },
  { name: "tail call", asm: `r2 = map[prog]\nr3 = 1\ncall bpf_tail_call\n${OUT}` },
  {
    name: "tail call gives nothing",
    asm: `r2 = map[prog]\nr3 = 1\ncall bpf_tail_call\nexit`,
    msg: ["EACCES", "R0 !read_ok"],
  },
  {
    name: "tail call wrong map",
    asm: `r2 = map[h]\nr3 = 1\ncall bpf_tail_call\n${OUT}`,
    msg: ["EINVAL", "expected prog array map for tail call"],
  },
  { name: "redirect_map", asm: `r1 = map[dev]\nr2 = 0\nr3 = 0\ncall bpf_redirect_map\nexit` },
  {
    name: "redirect_map wrong map",
    asm: `r1 = map[h]\nr2 = 0\nr3 = 0\ncall bpf_redirect_map\nexit`,
    msg: ["EINVAL", "cannot pass map_type 1 into func bpf_redirect_map#51"],
  },
  {
    name: "csum_diff",
    asm: `*(u64 *)(r10 -8) = 1\nr1 = 0\nr2 = 0\nr3 = r10\nr3 += -8\nr4 = 8\nr5 = 0\ncall bpf_csum_diff\nexit`,
  },
  {
    name: "csum_diff null with length",
    asm: `r1 = 0\nr2 = 4\nr3 = r10\nr3 += -8\nr4 = 8\nr5 = 0\ncall bpf_csum_diff\nexit`,
    msg: ["EACCES", "R1 type=scalar expected=fp"],
  },
  {
    name: "csum_diff past",
    asm: `r1 = 0\nr2 = 0\nr3 = r10\nr3 += -8\nr4 = 12\nr5 = 0\ncall bpf_csum_diff\nexit`,
    msg: ["EINVAL", "invalid read from stack R3 off=-8 size=12"],
  },
  {
    name: "csum_diff unbounded",
    asm: `r4 = *(u32 *)(r1 +12)\nr1 = 0\nr2 = 0\nr3 = r10\nr3 += -8\nr5 = 0\ncall bpf_csum_diff\nexit`,
    msg: ["EACCES", "R4 unbounded memory access, use 'var &= const' or 'if (var < const)'"],
  },
  {
    name: "load_bytes",
    asm: `r2 = 0\nr3 = r10\nr3 += -16\nr4 = 16\ncall bpf_xdp_load_bytes\nr0 = *(u64 *)(r10 -16)\nexit`,
  },
  {
    name: "load_bytes zero",
    asm: `r2 = 0\nr3 = r10\nr3 += -16\nr4 = 0\ncall bpf_xdp_load_bytes\n${OUT}`,
    msg: ["EACCES", "R4 invalid zero-sized read: u64=[0,0]"],
  },
  {
    name: "load_bytes past",
    asm: `r2 = 0\nr3 = r10\nr3 += -16\nr4 = 17\ncall bpf_xdp_load_bytes\n${OUT}`,
    msg: ["EINVAL", "invalid write to stack R3 off=-16 size=17"],
  },
  {
    name: "load_bytes signed length",
    asm: `r4 = *(u32 *)(r1 +12)\nr4 <<= 32\nr4 s>>= 32\nr2 = 0\nr3 = r10\nr3 += -16\ncall bpf_xdp_load_bytes\n${OUT}`,
    msg: ["EACCES", "R4 min value is negative, either use unsigned or 'var &= const'"],
  },
  {
    name: "load_bytes overwrites a spilled pointer",
    asm: `*(u64 *)(r10 -8) = r1\nr6 = r1\nr2 = 0\nr3 = r10\nr3 += -8\nr4 = 8\ncall bpf_xdp_load_bytes\nr5 = *(u64 *)(r10 -8)\nr0 = *(u32 *)(r5 +0)\n${OUT}`,
    msg: ["EACCES", "R5 invalid mem access 'scalar'"],
  },
  {
    name: "load_bytes from packet pointer",
    asm: `r6 = r1\nr7 = *(u32 *)(r1 +0)\nr8 = *(u32 *)(r1 +4)\nr9 = r7\nr9 += 14\nif r9 > r8 goto out\nr2 = 0\nr3 = r7\nr4 = 8\ncall bpf_xdp_load_bytes\nout:${OUT}`,
    msg: ["EACCES", "helper access to the packet is not allowed"],
  },
  {
    name: "ctx expected",
    asm: `r1 = 0\nr2 = 0\ncall bpf_xdp_adjust_head\n${OUT}`,
    msg: ["EACCES", "R1 type=scalar expected=ctx"],
  },
  {
    name: "perf_event_output",
    asm: `*(u64 *)(r10 -8) = 0\nr2 = map[perf]\nr3 = 0xffffffff ll\nr4 = r10\nr4 += -8\nr5 = 8\ncall bpf_perf_event_output\n${OUT}`,
  },
  {
    name: "key in the packet",
    asm: `${PKT}r4 = r2\nr4 += 14\nif r4 > r3 goto out\nr1 = map[h]\ncall bpf_map_lookup_elem\nout:${OUT}`,
  },
  {
    name: "key in the packet past",
    asm: `${PKT}r4 = r2\nr4 += 3\nif r4 > r3 goto out\nr1 = map[h]\ncall bpf_map_lookup_elem\nout:${OUT}`,
    msg: ["EACCES", "invalid access to packet, off=0 size=4, R2(id=0,off=0,r=3)"],
  },
];
