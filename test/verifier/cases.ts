// Accept/reject twins: what the kernel says of small XDP programs. `msg` undefined: accepted.
// The words were checked against Linux 6.18 (see test/kernel).

export interface Case {
  readonly name: string;
  readonly asm: string;
  /** errno name and the refusal's first line */
  readonly msg?: readonly [code: string, reason: string];
}

const PKT = `
r2 = *(u32 *)(r1 +0)
r3 = *(u32 *)(r1 +4)
`;
const LOOKUP = (map: string): string => `
*(u32 *)(r10 -8) = 0
r2 = r10
r2 += -8
r1 = map[${map}]
call bpf_map_lookup_elem
`;
const OUT = `
r0 = 2
exit
`;

export const CASES: readonly Case[] = [
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

  // packets
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

  // context
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

  // stack
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

  // maps
  {
    name: "map value unchecked",
    asm: `${LOOKUP("h")}r0 = *(u64 *)(r0 +0)\nexit`,
    msg: ["EACCES", "R0 invalid mem access 'map_value_or_null'"],
  },
  { name: "map value", asm: `${LOOKUP("h")}if r0 == 0 goto out\nr0 = *(u64 *)(r0 +8)\nout: r0 = 0\nexit` },
  {
    name: "map value past",
    asm: `${LOOKUP("h")}if r0 == 0 goto out\nr0 = *(u64 *)(r0 +16)\nout: r0 = 0\nexit`,
    msg: ["EACCES", "invalid access to map value, value_size=16 off=16 size=8"],
  },
  {
    name: "map value before",
    asm: `${LOOKUP("h")}if r0 == 0 goto out\nr0 = *(u8 *)(r0 -1)\nout: r0 = 0\nexit`,
    msg: ["EACCES", "invalid access to map value, value_size=16 off=-1 size=1"],
  },
  {
    name: "map value null side",
    asm: `${LOOKUP("h")}if r0 != 0 goto out\nr0 = *(u8 *)(r0 +0)\nout: r0 = 0\nexit`,
    msg: ["EACCES", "R0 invalid mem access 'scalar'"],
  },
  {
    name: "map value bounded index",
    asm: `${LOOKUP("h")}if r0 == 0 goto out\nr1 = *(u8 *)(r0 +0)\nif r1 > 15 goto out\nr0 += r1\nr0 = *(u8 *)(r0 +0)\nout: r0 = 0\nexit`,
  },
  {
    name: "map value index too wide",
    asm: `${LOOKUP("h")}if r0 == 0 goto out\nr1 = *(u8 *)(r0 +0)\nif r1 > 16 goto out\nr0 += r1\nr0 = *(u8 *)(r0 +0)\nout: r0 = 0\nexit`,
    msg: ["EACCES", "invalid access to map value, value_size=16 off=16 size=1"],
  },
  {
    name: "map value signed index",
    asm: `${LOOKUP("h")}if r0 == 0 goto out\nr1 = *(u64 *)(r0 +0)\nif r1 s> 15 goto out\nr0 += r1\nr0 = *(u8 *)(r0 +0)\nout: r0 = 0\nexit`,
    msg: ["EINVAL", "math between map_value pointer and register with unbounded min value is not allowed"],
  },
  {
    name: "map value copy is checked too",
    asm: `${LOOKUP("h")}r6 = r0\nif r6 == 0 goto out\nr0 = *(u64 *)(r0 +0)\nout: r0 = 0\nexit`,
  },
  {
    name: "map value arithmetic before the check",
    asm: `${LOOKUP("h")}r0 += 4\nif r0 == 0 goto out\nr0 = *(u64 *)(r0 +0)\nout: r0 = 0\nexit`,
    msg: ["EACCES", "R0 pointer arithmetic on map_value_or_null prohibited, null-check it first"],
  },
  {
    name: "second lookup is another",
    asm: `${LOOKUP("h")}r6 = r0\n${LOOKUP("h")}if r0 == 0 goto out\nr0 = *(u64 *)(r6 +0)\nout: r0 = 0\nexit`,
    msg: ["EACCES", "R6 invalid mem access 'map_value_or_null'"],
  },
  { name: "array with constant key is there", asm: `${LOOKUP("a")}r0 = *(u64 *)(r0 +0)\nexit` },
  {
    name: "array with key outside",
    asm: `*(u32 *)(r10 -8) = 4\nr2 = r10\nr2 += -8\nr1 = map[a]\ncall bpf_map_lookup_elem\nr0 = *(u64 *)(r0 +0)\nexit`,
    msg: ["EACCES", "R0 invalid mem access 'map_value_or_null'"],
  },
  {
    name: "array with unknown key",
    asm: `r3 = *(u32 *)(r1 +12)\n*(u32 *)(r10 -8) = r3\nr2 = r10\nr2 += -8\nr1 = map[a]\ncall bpf_map_lookup_elem\nr0 = *(u64 *)(r0 +0)\nexit`,
    msg: ["EACCES", "R0 invalid mem access 'map_value_or_null'"],
  },
  {
    name: "read-only map is constant",
    asm: `r1 = map[ro][0]+12\nr2 = *(u32 *)(r1 +0)\nr3 = r10\nr3 += -8\nr3 += r2\nr0 = *(u8 *)(r3 +0)\nexit`,
  },
  {
    name: "read-only map written",
    asm: `r1 = map[ro][0]+0\n*(u32 *)(r1 +0) = 1\n${OUT}`,
    msg: ["EACCES", "write into map forbidden, value_size=16 off=0 size=4"],
  },
  {
    name: "direct value past",
    asm: `r1 = map[one][0]+0\nr0 = *(u64 *)(r1 +9)\nexit`,
    msg: ["EACCES", "invalid access to map value, value_size=16 off=9 size=8"],
  },
  {
    name: "key too short a stack",
    asm: `r2 = r10\nr2 += -4\n*(u32 *)(r10 -4) = 0\nr1 = map[h8]\ncall bpf_map_lookup_elem\n${OUT}`,
    msg: ["EINVAL", "invalid read from stack R2 off=-4 size=8"],
  },
  {
    name: "no map",
    asm: `r2 = r10\nr2 += -8\nr1 = 0\ncall bpf_map_lookup_elem\n${OUT}`,
    msg: ["EACCES", "R1 type=scalar expected=map_ptr"],
  },
  {
    name: "key no pointer",
    asm: `r2 = 4\nr1 = map[h]\ncall bpf_map_lookup_elem\n${OUT}`,
    msg: [
      "EACCES",
      "R2 type=scalar expected=fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_",
    ],
  },
  {
    name: "lookup in program array",
    asm: `${LOOKUP("prog")}${OUT}`,
    msg: ["EINVAL", "cannot pass map_type 3 into func bpf_map_lookup_elem#1"],
  },
  {
    name: "update",
    asm: `*(u64 *)(r10 -8) = 0\n*(u64 *)(r10 -16) = 0\n*(u64 *)(r10 -24) = 0\nr2 = r10\nr2 += -8\nr3 = r10\nr3 += -24\nr4 = 0\nr1 = map[h]\ncall bpf_map_update_elem\n${OUT}`,
  },
  {
    name: "update value too short",
    asm: `*(u64 *)(r10 -8) = 0\nr2 = r10\nr2 += -8\nr3 = r10\nr3 += -8\nr4 = 0\nr1 = map[h]\ncall bpf_map_update_elem\n${OUT}`,
    msg: ["EINVAL", "invalid read from stack R3 off=-8 size=16"],
  },
  {
    name: "map pointer moved",
    asm: `r1 = map[h]\nr1 += 8\n${OUT}`,
    msg: ["EACCES", "R1 pointer arithmetic on map_ptr prohibited"],
  },

  // helpers
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

  // numbers
  {
    name: "jset narrows",
    asm: `r2 = *(u32 *)(r1 +12)\nif r2 & 0xfffffff8 goto out\nr3 = r10\nr3 += -8\nr3 += r2\nr0 = *(u8 *)(r3 +0)\nexit\nout:${OUT}`,
  },
  {
    name: "jmp32 narrows the low half only",
    asm: `r2 = map[one][0]+0\nr2 = *(u64 *)(r2 +0)\nif w2 > 7 goto out\nr3 = r10\nr3 += -8\nr3 += r2\nr0 = *(u8 *)(r3 +0)\nexit\nout:${OUT}`,
    msg: ["EINVAL", "math between fp pointer and register with unbounded min value is not allowed"],
  },
  {
    name: "copies learn together",
    asm: `r2 = *(u32 *)(r1 +12)\nr4 = r2\nif r4 > 7 goto out\nr3 = r10\nr3 += -8\nr3 += r2\nr0 = *(u8 *)(r3 +0)\nexit\nout:${OUT}`,
  },
  {
    name: "changed copies do not",
    asm: `r2 = *(u32 *)(r1 +12)\nr4 = r2\nr4 >>= 1\nif r4 > 7 goto out\nr3 = r10\nr3 += -8\nr3 += r2\nr0 = *(u8 *)(r3 +0)\nexit\nout:${OUT}`,
    msg: ["EACCES", "invalid unbounded variable-offset read from stack R3"],
  },
  {
    name: "copies with a distance",
    asm: `r2 = *(u32 *)(r1 +12)\nr4 = r2\nr4 += 4\nif r4 > 11 goto out\nr3 = r10\nr3 += -8\nr3 += r2\nr0 = *(u8 *)(r3 +0)\nexit\nout:${OUT}`,
  },
  {
    name: "both operands narrow",
    asm: `r2 = *(u32 *)(r1 +12)\nr4 = *(u32 *)(r1 +16)\nr4 &= 7\nif r2 > r4 goto out\nr3 = r10\nr3 += -8\nr3 += r2\nr0 = *(u8 *)(r3 +0)\nexit\nout:${OUT}`,
  },
  { name: "pointer minus pointer", asm: `${PKT}r3 -= r2\nr0 = r3\nexit` },
  {
    name: "pointer plus pointer",
    asm: `${PKT}r3 = r2\nr3 += r2\n${OUT}`,
    msg: ["EACCES", "R3 pointer += pointer prohibited"],
  },
  {
    name: "pointer 32-bit",
    asm: `w1 += 4\n${OUT}`,
    msg: ["EACCES", "R1 32-bit pointer arithmetic prohibited"],
  },
  {
    name: "pointer and",
    asm: `r1 &= 4\n${OUT}`,
    msg: ["EACCES", "R1 bitwise operator &= on pointer prohibited"],
  },
  {
    name: "pointer shift",
    asm: `r1 <<= 4\n${OUT}`,
    msg: ["EACCES", "R1 pointer arithmetic with <<= operator prohibited"],
  },
  {
    name: "scalar minus pointer",
    asm: `r0 = 0\nr0 -= r1\n${OUT}`,
    msg: ["EACCES", "R0 tried to subtract pointer from scalar"],
  },
  {
    name: "far pointer",
    asm: `${PKT}r2 += 0x20000000\n${OUT}`,
    msg: ["EINVAL", "math between pkt pointer and 536870912 is not allowed"],
  },

  // loops and calls
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

  // atomics
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

  // a value of -1 or 0 is followed as one and as the other
  {
    name: "and of a sign gives one of two offsets",
    asm: `${LOOKUP("one")}if r0 == 0 goto out\nr1 = *(u64 *)(r0 +0)\nr1 s>>= 63\nr1 &= 8\nr0 += r1\nr0 = *(u64 *)(r0 +0)\nout:${OUT}`,
  },
  {
    name: "or of a sign gives the constant too",
    asm: `${LOOKUP("one")}if r0 == 0 goto out\nr1 = *(u64 *)(r0 +0)\nr1 s>>= 63\nr1 |= 16\nr1 += 1\nr0 += r1\nr0 = *(u8 *)(r0 +0)\nout:${OUT}`,
    msg: ["EACCES", "invalid access to map value, value_size=16 off=17 size=1"],
  },
  {
    name: "and of the sign of 32 bits",
    asm: `${LOOKUP("one")}if r0 == 0 goto out\nr1 = *(u32 *)(r0 +0)\nw1 s>>= 31\nw1 &= 24\nr0 += r1\nr0 = *(u64 *)(r0 +0)\nout:${OUT}`,
    msg: ["EACCES", "invalid access to map value, value_size=16 off=24 size=8"],
  },
  {
    name: "a key spilled from more than 32 bits is no constant",
    asm: `r1 = 0x100000000 ll\n*(u32 *)(r10 -8) = r1\nr2 = r10\nr2 += -8\nr1 = map[one]\ncall bpf_map_lookup_elem\nr0 = *(u8 *)(r0 +0)\n${OUT}`,
    msg: ["EACCES", "R0 invalid mem access 'map_value_or_null'"],
  },
];
