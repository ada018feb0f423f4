// Small programs that a process without some capability may or may not have: pointers that leak, memory that was never
// written, arithmetic that a mispredicted branch could abuse. And what is asked of every type, map and helper.
import { assemble } from "../../src/isa/asm.ts";
import { HELPERS, helperByName } from "../../src/spec/helpers.ts";
import type { Capability } from "../../src/spec/privileges.ts";
import type { AttachTypeName, ProgTypeName } from "../../src/spec/prog_types.ts";
import type { MapDef, Prog } from "../../src/verifier/proof.ts";
import { mapDef } from "../harness/map_def.ts";

/** What a process may have, and the types whose programs it is asked about. */
export const LEVELS: readonly {
  readonly caps: readonly Capability[];
  readonly types: readonly ProgTypeName[];
}[] = [
  { caps: [], types: ["socket_filter", "cgroup_skb"] },
  { caps: ["bpf"], types: ["socket_filter", "cgroup_skb", "sk_reuseport", "syscall"] },
  {
    caps: ["bpf", "net_admin"],
    types: ["socket_filter", "xdp", "sched_cls", "cgroup_sock_addr", "netfilter"],
  },
  { caps: ["bpf", "perfmon"], types: ["socket_filter", "kprobe"] },
];

/** BPF_F_RDONLY_PROG */
const RDONLY = 128;

/** Maps that need no capability. */
export const FREE_MAPS: readonly MapDef[] = [
  mapDef("h", "hash", 4, 16, 8),
  mapDef("a", "array", 4, 16, 4),
  mapDef("one", "array", 4, 64, 1),
  mapDef("prog", "prog_array", 4, 4, 4),
  mapDef("prog2", "prog_array", 4, 4, 4),
  mapDef("ring", "ringbuf", 0, 0, 4096),
  { ...mapDef("ro", "array", 4, 16, 1, RDONLY), frozen: new Uint8Array(16).fill(7) },
];

export function assembleFree(source: string): Prog["insns"] {
  return assemble(source, {
    helperId: (name) => helperByName(name.replace(/^bpf_/, ""))?.id,
    mapIndex: (name) => FREE_MAPS.findIndex((m) => m.name === name),
  });
}

const OUT = "\nr0 = 0\nexit";
/** r6 = the context, r0 = a value of a map. */
const LOOKUP = (map: string): string => `
r6 = r1
*(u32 *)(r10 -4) = 0
r2 = r10
r2 += -4
r1 = map[${map}]
call bpf_map_lookup_elem
if r0 == 0 goto out
`;
const VALUE = (rest: string, map = "h"): string => `${LOOKUP(map)}${rest}\nout: r0 = 0\nexit`;
/** r7 = any number. */
const NUMBER = "r8 = r0\ncall bpf_get_prandom_u32\nr7 = r0\nr0 = r8\n";

const LEAKS: Readonly<Record<string, string>> = {
  "a pointer is returned": "r0 = r10\nexit",
  "the context is returned": "r0 = r1\nexit",
  "a value is stored into a map": VALUE("*(u64 *)(r0 +0) = r0"),
  "the context is stored into a map": VALUE("*(u64 *)(r0 +8) = r6"),
  "a number is stored into a map": VALUE("r1 = 7\n*(u64 *)(r0 +8) = r1"),
  "a pointer is stored past a map's value": VALUE("*(u64 *)(r0 +16) = r6"),
  "a pointer is stored into the context": `*(u64 *)(r1 +48) = r1${OUT}`,
  "a pointer is stored where the context is read only": `*(u64 *)(r1 +0) = r10${OUT}`,
  "a pointer is stored into reserved memory": `r1 = map[ring]\nr2 = 16\nr3 = 0\ncall bpf_ringbuf_reserve
if r0 == 0 goto out\n*(u64 *)(r0 +0) = r10\nr1 = r0\nr2 = 0\ncall bpf_ringbuf_discard\nout: r0 = 0\nexit`,
  "memory that was given away": `r1 = map[ring]\nr2 = 16\nr3 = 0\ncall bpf_ringbuf_reserve
if r0 == 0 goto out\nr6 = r0\nr1 = r0\nr2 = 0\ncall bpf_ringbuf_discard\nr0 = r6\nexit\nout: r0 = 0\nexit`,
  "a pointer is given as a number": `r6 = r10\n*(u32 *)(r10 -4) = 0\n*(u64 *)(r10 -24) = 0\n*(u64 *)(r10 -16) = 0
r1 = map[h]\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += -24\nr4 = r6\ncall bpf_map_update_elem${OUT}`,
  "half of a pointer": `w2 = w1${OUT}`,
  "a byte of a pointer": `w2 = (s8)w1${OUT}`,
  "a word of a pointer with its sign": `r2 = (s32)r1${OUT}`,
  "a pointer negated": `r2 = r10\nr2 = -r2${OUT}`,
  "a pointer swapped": `r2 = r10\nr2 = be64 r2${OUT}`,
  "pointers subtracted": `r2 = r10\nr2 -= r10${OUT}`,
  "half of pointers subtracted": `r2 = r10\nw2 -= w10${OUT}`,
  "pointers added": `r2 = r10\nr2 += r1${OUT}`,
  "a pointer multiplied": `r2 = r10\nr2 *= 2${OUT}`,
  "a pointer masked": `r2 = r10\nr2 &= 7${OUT}`,
  "a pointer compared with a number": `if r1 == 7 goto out\nout:${OUT}`,
  "a pointer compared with null": `if r1 == 0 goto out\nout:${OUT}`,
  "the stack compared with null": `if r10 != 0 goto out\nout:${OUT}`,
  "pointers compared": `if r1 == r10 goto out\nout:${OUT}`,
  "a number compared with a pointer": `r2 = 7\nif r2 > r1 goto out\nout:${OUT}`,
  "half of a pointer compared": `if w1 == 0 goto out\nout:${OUT}`,
  "what may be null compared with a number": VALUE("", "h").replace("if r0 == 0", "if r0 == 1"),
  "what may be null compared with null by its size": VALUE("", "h").replace("if r0 == 0", "if r0 > 0"),
  "an exchange with a pointer": VALUE("r1 = r6\nr1 = atomic64_xchg((u64 *)(r0 +0), r1)"),
  "a pointer added to memory": VALUE("lock *(u64 *)(r0 +0) += r6"),
  "a number added to memory": VALUE("r1 = 1\nlock *(u64 *)(r0 +0) += r1"),
  "a pointer expected in memory": VALUE(
    "r1 = 1\nr2 = r0\nr0 = r6\nr0 = atomic64_cmpxchg((u64 *)(r2 +0), r0, r1)",
  ),
};

const STACK: Readonly<Record<string, string>> = {
  "stack never written": `r2 = *(u64 *)(r10 -8)${OUT}`,
  "stack never written, below what was": `*(u64 *)(r10 -8) = 0\nr2 = *(u64 *)(r10 -16)${OUT}`,
  "stack never written, above what was": `*(u64 *)(r10 -16) = 0\nr2 = *(u64 *)(r10 -8)${OUT}`,
  "stack written in part": `*(u32 *)(r10 -8) = 0\nr2 = *(u64 *)(r10 -8)${OUT}`,
  "stack written on one way": `r3 = *(u32 *)(r1 +0)\nif r3 == 0 goto out\n*(u64 *)(r10 -8) = 0\nout: r2 = *(u64 *)(r10 -8)${OUT}`,
  "stack written on both ways": `r3 = *(u32 *)(r1 +0)\nif r3 == 0 goto else\n*(u64 *)(r10 -8) = 0\ngoto out\nelse: *(u64 *)(r10 -8) = 1\nout: r2 = *(u64 *)(r10 -8)${OUT}`,
  "a spilled number comes back unknown": VALUE(
    "r1 = 8\n*(u64 *)(r10 -16) = r1\nr2 = *(u64 *)(r10 -16)\nr0 += r2\nr3 = *(u8 *)(r0 +0)",
  ),
  "a spilled zero comes back": VALUE(
    "r1 = 0\n*(u64 *)(r10 -16) = r1\nr2 = *(u64 *)(r10 -16)\nr0 += r2\nr3 = *(u8 *)(r0 +0)",
  ),
  "a spilled pointer comes back": `*(u64 *)(r10 -8) = r1\nr2 = *(u64 *)(r10 -8)\nr3 = *(u32 *)(r2 +0)${OUT}`,
  "half of a spilled pointer": `*(u64 *)(r10 -8) = r1\nr2 = *(u32 *)(r10 -8)${OUT}`,
  "a spilled pointer overwritten in part": `*(u64 *)(r10 -8) = r1\n*(u32 *)(r10 -8) = 7${OUT}`,
  "a spilled pointer overwritten": `*(u64 *)(r10 -8) = r1\n*(u64 *)(r10 -8) = 7\nr2 = *(u64 *)(r10 -8)${OUT}`,
  "a spilled pointer added to": `*(u64 *)(r10 -8) = r1\nr2 = 1\nlock *(u64 *)(r10 -8) += r2${OUT}`,
  "a spilled pointer exchanged": `*(u64 *)(r10 -8) = r1\nr2 = 1\nr2 = atomic64_xchg((u64 *)(r10 -8), r2)${OUT}`,
  "stack added to": `*(u64 *)(r10 -8) = 0\nr2 = 1\nlock *(u64 *)(r10 -8) += r2\nr3 = *(u64 *)(r10 -8)${OUT}`,
  "stack added to that was never written": `r2 = 1\nlock *(u64 *)(r10 -8) += r2${OUT}`,
  "a key never written": `r1 = map[h]\nr2 = r10\nr2 += -8\ncall bpf_map_lookup_elem${OUT}`,
  "a key written in part": `*(u16 *)(r10 -8) = 0\nr1 = map[h]\nr2 = r10\nr2 += -8\ncall bpf_map_lookup_elem${OUT}`,
  "a key that is a pointer": `*(u64 *)(r10 -8) = r10\nr1 = map[h]\nr2 = r10\nr2 += -8\ncall bpf_map_lookup_elem${OUT}`,
  "a key below the stack": `r1 = map[h]\nr2 = r10\nr2 += -516\ncall bpf_map_lookup_elem${OUT}`,
  "a value with a pointer in it": `*(u32 *)(r10 -4) = 0\n*(u64 *)(r10 -16) = r10\n*(u64 *)(r10 -24) = 0
r1 = map[h]\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += -24\nr4 = 0\ncall bpf_map_update_elem${OUT}`,
  "the key is bad before the value is": `r1 = map[h]\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += -24\nr4 = 0\ncall bpf_map_update_elem${OUT}`,
  "packet bytes into stack never written": `r6 = r1\nr2 = 0\nr3 = r10\nr3 += -16\nr4 = 8\ncall bpf_skb_load_bytes\nr2 = *(u64 *)(r10 -16)${OUT}`,
  "packet bytes of unknown length": `r6 = r1\nr4 = *(u32 *)(r1 +0)\nr4 &= 7\nr2 = 0\nr3 = r10\nr3 += -16\ncall bpf_skb_load_bytes${OUT}`,
  "a constant key of an array": VALUE("r1 = *(u32 *)(r0 +0)", "a").replace("if r0 == 0 goto out\n", ""),
  "a variable place on the stack": `*(u64 *)(r10 -8) = 0\n*(u64 *)(r10 -16) = 0\nr3 = *(u32 *)(r1 +0)\nr3 &= 8\nr2 = r10\nr2 += -16\nr2 += r3\nr4 = *(u64 *)(r2 +0)${OUT}`,
};

const ARITHMETIC: Readonly<Record<string, string>> = {
  "the stack moved out": `r2 = r10\nr2 += -513${OUT}`,
  "the stack moved to its end": `r2 = r10\nr2 += -512${OUT}`,
  "the stack moved up": `r2 = r10\nr2 += 8${OUT}`,
  "the stack moved to and fro": `r2 = r10\nr2 += -8\nr2 += 8${OUT}`,
  "a value moved out": VALUE("r0 += 16"),
  "a value moved to its last byte": VALUE("r0 += 15"),
  "a value moved below": VALUE("r0 += -1"),
  "a value moved and back": VALUE("r0 += 8\nr0 += -8\nr1 = *(u8 *)(r0 +0)"),
  "a value moved by a number that is bounded": VALUE(`${NUMBER}r7 &= 7\nr0 += r7\nr1 = *(u8 *)(r0 +0)`),
  "a value moved by a number that may be too great": VALUE(
    `${NUMBER}r7 &= 31\nr0 += r7\nr1 = *(u8 *)(r0 +0)`,
  ),
  "a value moved by a number of either sign": VALUE(
    `${NUMBER}r7 s>>= 60\nr0 += 8\nr0 += r7\nr1 = *(u8 *)(r0 +0)`,
  ),
  "a value moved by a number below zero": VALUE(
    `${NUMBER}r7 &= 7\nr7 -= 8\nr0 += 8\nr0 += r7\nr1 = *(u8 *)(r0 +0)`,
  ),
  "a value moved down by a number": VALUE(`${NUMBER}r7 &= 7\nr0 += 8\nr0 -= r7\nr1 = *(u8 *)(r0 +0)`),
  "a number moved by a value": VALUE(`${NUMBER}r7 &= 7\nr7 += r0\nr1 = *(u8 *)(r7 +0)`),
  "a number of either sign moved by a value": VALUE(
    `${NUMBER}r7 s>>= 60\nr0 += 8\nr7 += r0\nr1 = *(u8 *)(r7 +0)`,
  ),
  "a number minus a value": VALUE("r1 = 8\nr1 -= r0"),
  "a constant in a register": VALUE("r1 = 8\nr0 += r1\nr2 = *(u8 *)(r0 +0)"),
  "a constant in a register, too great": VALUE("r1 = 16\nr0 += r1\nr2 = *(u8 *)(r0 +0)"),
  "the context moved by a number": `r2 = *(u32 *)(r1 +0)\nr2 &= 4\nr1 += r2${OUT}`,
  "the context moved by a register": `r2 = 4\nr1 += r2${OUT}`,
  "the context moved by a constant": `r1 += 4${OUT}`,
  "a number moved by the context": `r2 = 4\nr2 += r1${OUT}`,
  "what may be null moved": `*(u32 *)(r10 -4) = 0\nr2 = r10\nr2 += -4\nr1 = map[h]\ncall bpf_map_lookup_elem\nr0 += 1${OUT}`,
  "a map moved": `r1 = map[h]\nr1 += 0${OUT}`,
  "one insn, two limits": VALUE(
    `${NUMBER}r7 &= 7\nr9 = *(u32 *)(r6 +0)\nif r9 == 0 goto add\nr0 += 4\nadd: r0 += r7\nr1 = *(u8 *)(r0 +0)`,
  ),
  "one insn, two operands": VALUE(
    `r9 = *(u32 *)(r6 +0)\nr7 = 1\nif r9 == 0 goto add\nr7 = 2\nadd: r0 += r7\nr1 = *(u8 *)(r0 +0)`,
  ),
  "one insn, a pointer and a number": VALUE(
    `r9 = *(u32 *)(r6 +0)\nr7 = 1\nif r9 == 0 goto add\nr0 = 5\nadd: r0 += r7`,
  ),
  "one insn, two directions": VALUE(
    `r9 = *(u32 *)(r6 +0)\nr0 += 8\nr7 = 1\nif r9 == 0 goto add\nr7 = -1\nadd: r0 += r7\nr1 = *(u8 *)(r0 +0)`,
  ),
  "a global moved by a number": `r2 = map[one][0]+8\nr3 = *(u32 *)(r1 +0)\nr3 &= 15\nr2 += r3\nr4 = *(u8 *)(r2 +0)${OUT}`,
};

const SPECULATION: Readonly<Record<string, string>> = {
  "only a wrong guess reads r5": `r2 = 0\nif r2 == 0 goto out\nr3 = r5\nout:${OUT}`,
  "only a wrong guess reads memory": `r2 = 0\nif r2 != 0 goto in\n${OUT}\nin: r3 = *(u64 *)(r2 +0)${OUT}`,
  "a wrong guess reads what was spilled": `*(u64 *)(r10 -8) = r1\nr2 = 0\nif r2 == 0 goto out\n*(u64 *)(r10 -8) = 7\nr3 = *(u64 *)(r10 -8)\nout:${OUT}`,
  "a wrong guess loses the pointer that was compared": `if r10 == 0 goto out\n*(u64 *)(r10 -8) = 1\nout:${OUT}`,
  "a wrong guess goes on": `r2 = 0\nif r2 == 0 goto a\nr3 = 1\na: if r2 == 0 goto b\nr3 = 2\nb: if r2 == 0 goto c\nr3 = 3\nc:${OUT}`,
  "a wrong guess ends at a call that fills the stack": `r6 = r1\n*(u64 *)(r10 -8) = 1\nr7 = 0\nl: r1 = r6\nr2 = 0\nr3 = r10
r3 += -8\nr4 = 4\ncall bpf_skb_load_bytes\nr7 += 1\nif w7 s< 1 goto l${OUT}`,
  "masked to nothing": VALUE(
    `${NUMBER}r7 &= 7\nr0 += 8\nr0 += r7\nr1 = *(u8 *)(r0 +0)\nr0 += -8\nr1 = *(u8 *)(r0 +0)`,
  ),
};

const FUNCTIONS: Readonly<Record<string, string>> = {
  "a call": `call pc+2\nr0 = 0\nexit\nr0 = 1\nexit`,
  "a loop": `r1 = 0\nl: r1 += 1\nif r1 < 4 goto l${OUT}`,
  "a loop that jumps back always": `r1 = 0\nl: if r1 > 3 goto out\nr1 += 1\ngoto l\nout:${OUT}`,
  may_goto: `may_goto out\nout:${OUT}`,
  "a tail call": `r2 = map[prog]\nr3 = 0\ncall bpf_tail_call${OUT}`,
  "a tail call into one of two maps": `r4 = *(u32 *)(r1 +0)\nr2 = map[prog]\nif r4 == 0 goto call\nr2 = map[prog2]\ncall: r3 = 0\ncall bpf_tail_call${OUT}`,
  "a random number": `call bpf_get_prandom_u32${OUT}`,
  jiffies: `call bpf_jiffies64${OUT}`,
};

const CONTEXT: Readonly<Record<string, string>> = {
  "data read": `r2 = *(u32 *)(r1 +76)${OUT}`,
  "data_end read": `r2 = *(u32 *)(r1 +80)${OUT}`,
  "tstamp read": `r2 = *(u64 *)(r1 +152)${OUT}`,
  "tstamp written": `r2 = 0\n*(u64 *)(r1 +152) = r2${OUT}`,
  "mark written": `r2 = 0\n*(u32 *)(r1 +8) = r2${OUT}`,
};

/** xdp and sched_cls: packets. */
const PACKET: Readonly<Record<string, string>> = {
  "packet read":
    "r2 = *(u32 *)(r1 +0)\nr3 = *(u32 *)(r1 +4)\nr4 = r2\nr4 += 14\nif r4 > r3 goto out\nr5 = *(u8 *)(r2 +13)\nout: r0 = 1\nexit",
  "a pointer stored into the packet":
    "r2 = *(u32 *)(r1 +0)\nr3 = *(u32 *)(r1 +4)\nr4 = r2\nr4 += 14\nif r4 > r3 goto out\n*(u64 *)(r2 +0) = r1\nout: r0 = 1\nexit",
  "packet pointers compared for being the same":
    "r2 = *(u32 *)(r1 +0)\nr3 = *(u32 *)(r1 +4)\nif r2 == r3 goto out\nout: r0 = 1\nexit",
  "packet pointers subtracted": "r2 = *(u32 *)(r1 +0)\nr3 = *(u32 *)(r1 +4)\nr3 -= r2\nr0 = 1\nexit",
  "packet moved by a number":
    "r2 = *(u32 *)(r1 +0)\nr3 = *(u32 *)(r1 +4)\nr5 = *(u32 *)(r1 +12)\nr5 &= 7\nr2 += r5\nr0 = 1\nexit",
};

const ALL: Readonly<Record<string, string>> = {
  ...LEAKS,
  ...STACK,
  ...ARITHMETIC,
  ...SPECULATION,
  ...FUNCTIONS,
  ...CONTEXT,
};

/** Programs for one type by name; of other types only helpers are asked. */
export function privilegePrograms(type: ProgTypeName): Readonly<Record<string, string>> {
  if (type === "xdp") return { ...ALL, ...PACKET };
  return type === "socket_filter" || type === "cgroup_skb" ? ALL : {};
}

/** BPF_F_SLEEPABLE where a program cannot but sleep. */
export function flagsOf(type: ProgTypeName): number {
  return type === "syscall" ? 16 : 0;
}

/** A program that does nothing but call the helper: refused for that, or for what it is given. */
export function callOnly(id: number): Prog["insns"] {
  return assembleFree(`call ${id}\nexit`);
}

/** Every helper's id. */
export const HELPER_IDS: readonly number[] = HELPERS.flatMap((row) => (row === undefined ? [] : [row.id]));

export interface RecordedLevel {
  readonly caps: readonly Capability[];
  readonly type: ProgTypeName;
  /** errno and words by the program's name */
  readonly answers: Readonly<Record<string, string>>;
  /** ids of the helpers that a program of this type may not call */
  readonly helpersRefused: readonly number[];
}

export interface RecordedEperm {
  readonly caps: readonly Capability[];
  /** types whose programs may not be loaded, whose maps may not be created */
  readonly progs: readonly ProgTypeName[];
  readonly maps: readonly MapDef["type"][];
}

/** With an attach type where one must be given. */
export const ATTACHED: Partial<Record<ProgTypeName, AttachTypeName>> = {
  cgroup_sock_addr: "cgroup_inet4_connect",
  cgroup_sockopt: "cgroup_setsockopt",
  sk_lookup: "sk_lookup",
  netfilter: "netfilter",
};
