// Programs that try to get past the verifier, each next to a twin that does the same within bounds. `msg` undefined:
// accepted. Compared with Linux 6.18; `stricter` marks the refusals that go beyond it, with the reason.
import type { Case } from "./cases/parts.ts";

export interface Attack extends Case {
  readonly stricter?: string;
}

const PKT = `
r2 = *(u32 *)(r1 +0)
r3 = *(u32 *)(r1 +4)
`;
const LOOKUP = (map: string): string => `
*(u32 *)(r10 -4) = 0
r2 = r10
r2 += -4
r1 = map[${map}]
call bpf_map_lookup_elem
if r0 == 0 goto out
`;
const OUT = `
r0 = 2
exit
`;
const TAIL_CALL = `
r2 = map[prog]
r3 = 0
call bpf_tail_call
`;

const TAIL_CALLS: readonly Attack[] = [
  {
    name: "tail call out of a function returns anything",
    asm: `r6 = r1\n${LOOKUP("h")}r7 = r0\nr1 = r6\ncall sub\nr7 += r0\nr0 = *(u8 *)(r7 +0)\nout:${OUT}sub:${TAIL_CALL}r0 = 0\nexit`,
    msg: ["EINVAL", "math between map_value pointer and register with unbounded min value is not allowed"],
  },
  {
    name: "tail call out of a function, result masked",
    asm: `r6 = r1\n${LOOKUP("h")}r7 = r0\nr1 = r6\ncall sub\nr0 &= 15\nr7 += r0\nr0 = *(u8 *)(r7 +0)\nout:${OUT}sub:${TAIL_CALL}r0 = 0\nexit`,
  },
  {
    name: "tail call out of a function moves the packet",
    asm: `r6 = *(u32 *)(r1 +0)\nr7 = *(u32 *)(r1 +4)\nr8 = r6\nr8 += 14\nif r8 > r7 goto out\ncall sub\nr0 = *(u8 *)(r6 +0)\nout:${OUT}sub:${TAIL_CALL}r0 = 0\nexit`,
    msg: ["EACCES", "R6 invalid mem access 'scalar'"],
  },
  {
    name: "tail call that fails leaves the packet",
    asm: `r6 = *(u32 *)(r1 +0)\nr7 = *(u32 *)(r1 +4)\nr8 = r6\nr8 += 14\nif r8 > r7 goto out\n${TAIL_CALL}r0 = *(u8 *)(r6 +0)\nout:${OUT}`,
  },
  {
    name: "tail call out of a callback",
    asm: `*(u64 *)(r10 -8) = r1\nr1 = 4\nr2 = func cb ll\nr3 = r10\nr4 = 0\ncall bpf_loop${OUT}cb: r1 = *(u64 *)(r2 -8)${TAIL_CALL}r0 = 0\nexit`,
    msg: ["EINVAL", "At callback return the register R0 has unknown scalar value should have been in [0, 1]"],
  },
];

const PKT_END: readonly Attack[] = [
  {
    name: "beyond the end, and up from there",
    asm: `${PKT}r4 = r2\nr4 += 14\nif r4 > r3 goto beyond\n${OUT}beyond: r4 += 4\nif r4 > r3 goto out\nr0 = r5\nexit\nout:${OUT}`,
  },
  {
    name: "beyond the end, and back by a constant",
    asm: `${PKT}r4 = r2\nr4 += 14\nif r4 > r3 goto beyond\n${OUT}beyond: r4 += -14\nif r4 > r3 goto out\nr0 = r5\nexit\nout:${OUT}`,
    msg: ["EACCES", "R5 !read_ok"],
    stricter: "the kernel takes the pointer for still beyond and drops the other side of the jump",
  },
  {
    name: "beyond the end, and back by a number",
    asm: `${PKT}r5 = *(u32 *)(r1 +12)\nr5 &= 15\nr4 = r2\nr4 += 14\nif r4 > r3 goto beyond\n${OUT}beyond: r4 -= r5\nif r4 > r3 goto out\nr0 = r9\nexit\nout:${OUT}`,
    msg: ["EACCES", "R9 !read_ok"],
    stricter: "as above",
  },
];

const SIGNS: readonly Attack[] = [
  {
    name: "a number filled with its sign is not the one that was spilled",
    asm: `call bpf_get_prandom_u32\nw0 &= 0x80000000\n*(u32 *)(r10 -8) = r0\nr1 = *(s32 *)(r10 -8)\nr2 = 0\nif r1 != r2 goto out\nif r0 == r2 goto out\nr0 = r9\nexit\nout:${OUT}`,
    msg: ["EACCES", "R9 !read_ok"],
    stricter: "the kernel links the two, and drops the last path",
  },
];

const MAPS: readonly Attack[] = [
  { name: "devmap value read", asm: `${LOOKUP("dev")}r1 = *(u32 *)(r0 +0)\nout:${OUT}` },
  {
    name: "devmap value written",
    asm: `${LOOKUP("dev")}*(u32 *)(r0 +0) = 1\nout:${OUT}`,
    msg: ["EACCES", "write into map forbidden, value_size=4 off=0 size=4"],
  },
  {
    name: "key in the high half of a constant",
    asm: `*(u64 *)(r10 -8) = 1\nr2 = r10\nr2 += -4\nr1 = map[a]\ncall bpf_map_lookup_elem\nr0 = *(u8 *)(r0 +0)\n${OUT}`,
  },
  {
    name: "key in the high half of a constant, outside",
    asm: `r1 = 0x500000001 ll\n*(u64 *)(r10 -8) = r1\nr2 = r10\nr2 += -4\nr1 = map[a]\ncall bpf_map_lookup_elem\nr0 = *(u8 *)(r0 +0)\n${OUT}`,
    msg: ["EACCES", "R0 invalid mem access 'map_value_or_null'"],
  },
];

const CODE: readonly Attack[] = [
  {
    name: "load with a reserved field where no path goes",
    asm: `r0 = 2\nif r0 == 2 goto out\n.raw 0x100000061\nout: exit`,
    msg: ["EINVAL", "BPF_LDX uses reserved fields"],
  },
];

export const ATTACKS: readonly Attack[] = [...TAIL_CALLS, ...PKT_END, ...SIGNS, ...MAPS, ...CODE];
