// Small programs, accepted and refused: values and keys of maps.
import { type Case, LOOKUP, OUT } from "./parts.ts";

export const MAPS: readonly Case[] = [
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
];
