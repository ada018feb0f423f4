// Small programs that only their type decides: what may be returned, what may be done to the context itself, to
// packet bytes, to the other objects that a context gives.
import type { ProgTypeName } from "../../src/spec/prog_types.ts";

const RETURNS: Readonly<Record<string, string>> = {
  "return -1": "r0 = -1\nexit",
  "return 0": "r0 = 0\nexit",
  "return 1": "r0 = 1\nexit",
  "return 2": "r0 = 2\nexit",
  "return 3": "r0 = 3\nexit",
  "return 4": "r0 = 4\nexit",
  "return 1 in the lower half": "r0 = 1\nr1 = 7\nr1 <<= 32\nr0 |= r1\nexit",
  "return any bit": "call bpf_get_prandom_u32\nr0 &= 1\nexit",
  "return any two bits": "call bpf_get_prandom_u32\nr0 &= 3\nexit",
  "return anything": "call bpf_get_prandom_u32\nexit",
  "return the context": "r0 = r1\nexit",
  "return the stack": "r0 = r10\nexit",
  "return nothing": "exit",
  "return one of two": "call bpf_get_prandom_u32\nr1 = r0\nr0 = 0\nif r1 > 7 goto out\nr0 = 5\nout: exit",
};

const DONE = "\nr0 = 1\nexit";

const CONTEXT: Readonly<Record<string, string>> = {
  "context moved": `r1 += 4\nr2 = *(u32 *)(r1 +0)${DONE}`,
  "context moved back": `r1 += 4\nr1 += -4\nr2 = *(u32 *)(r1 +16)${DONE}`,
  "context moved down": `r1 += -4\nr2 = *(u32 *)(r1 +4)${DONE}`,
  "context at a variable offset": `r6 = r1\ncall bpf_get_prandom_u32\nr0 &= 4\nr6 += r0\nr2 = *(u32 *)(r6 +0)${DONE}`,
  "context below": `r2 = *(u32 *)(r1 -4)${DONE}`,
  "context far": `r2 = *(u32 *)(r1 +32764)${DONE}`,
  "context odd": `r2 = *(u32 *)(r1 +2)${DONE}`,
  "context stored into by a register": `r2 = 7\n*(u32 *)(r1 +8) = r2${DONE}`,
  "context stored into by a pointer": `*(u64 *)(r1 +48) = r10${DONE}`,
  "context added to": `r2 = 1\nlock *(u32 *)(r1 +8) += r2${DONE}`,
  "context compared": `if r1 == 0 goto out\nr2 = *(u32 *)(r1 +16)\nout:${DONE}`,
  "context minus itself": `r2 = r1\nr2 -= r1${DONE}`,
  "context multiplied": `r1 *= 2${DONE}`,
  "context moved to a tail call": `r1 += 8\ncall bpf_tail_call${DONE}`,
};

function packet(data: string, end: string): string {
  return `r2 = *(${data})\nr3 = *(${end})\nr4 = r2\nr4 += 20\nif r4 > r3 goto out\n`;
}

const SKB = packet("u32 *)(r1 +76", "u32 *)(r1 +80");
const PACKETS: Partial<Record<ProgTypeName, string>> = {
  xdp: packet("u32 *)(r1 +0", "u32 *)(r1 +4"),
  sched_cls: SKB,
  sched_act: SKB,
  cgroup_skb: SKB,
  sk_skb: SKB,
  lwt_in: SKB,
  lwt_out: SKB,
  lwt_xmit: SKB,
  lwt_seg6local: SKB,
  flow_dissector: SKB,
  sk_msg: packet("u64 *)(r1 +0", "u64 *)(r1 +8"),
  sk_reuseport: packet("u64 *)(r1 +0", "u64 *)(r1 +8"),
  sock_ops: packet("u64 *)(r1 +192", "u64 *)(r1 +200"),
  cgroup_sockopt: packet("u64 *)(r1 +8", "u64 *)(r1 +16"),
};

const PACKET: Readonly<Record<string, string>> = {
  "packet read": `r5 = *(u8 *)(r2 +19)\nout:${DONE}`,
  "packet read past": `r5 = *(u8 *)(r2 +20)\nout:${DONE}`,
  "packet written": `*(u8 *)(r2 +0) = 1\nout:${DONE}`,
  "packet written past": `*(u8 *)(r2 +20) = 1\nout:${DONE}`,
  "packet given to a helper": `r1 = r2\nr2 = 4\ncall bpf_trace_printk\nout:${DONE}`,
  "packet end read": `r5 = *(u8 *)(r3 +0)\nout:${DONE}`,
  "packet end moved": `r3 += 1\nout:${DONE}`,
};

/** How to come to r2 = a pointer of each kind that is no packet. */
const OBJECTS: Partial<Record<ProgTypeName, Readonly<Record<string, string>>>> = {
  cgroup_skb: { sock_common_or_null: "r2 = *(u64 *)(r1 +168)\n" },
  sched_cls: { sock_common: "r2 = *(u64 *)(r1 +168)\nif r2 == 0 goto out\n" },
  cgroup_sock_addr: { sock: "r2 = *(u64 *)(r1 +64)\n" },
  sock_ops: { sock_or_null: "r2 = *(u64 *)(r1 +184)\n" },
  flow_dissector: { flow_keys: "r2 = *(u64 *)(r1 +144)\n" },
  raw_tracepoint_writable: { tp_buffer: "r2 = *(u64 *)(r1 +0)\n" },
};

const OBJECT: Readonly<Record<string, string>> = {
  read: "r3 = *(u32 *)(r2 +4)",
  "read by a byte": "r3 = *(u8 *)(r2 +4)",
  "read by a word with sign": "r3 = *(s16 *)(r2 +4)",
  "read below": "r3 = *(u32 *)(r2 -4)",
  "read far": "r3 = *(u64 *)(r2 +1024)",
  "read odd": "r3 = *(u32 *)(r2 +2)",
  "read moved": "r2 += 4\nr3 = *(u32 *)(r2 +0)",
  "read at a variable offset": "r6 = r2\ncall bpf_get_prandom_u32\nr0 &= 4\nr6 += r0\nr3 = *(u32 *)(r6 +0)",
  written: "*(u32 *)(r2 +4) = 1",
  "written by a pointer": "*(u64 *)(r2 +8) = r10",
  "added to": "r3 = 1\nlock *(u32 *)(r2 +4) += r3",
  "given as memory": "r1 = r2\nr2 = 4\ncall bpf_trace_printk",
  "given as a context": "r1 = r2\ncall bpf_tail_call",
  returned: "r0 = r2\nexit",
};

const LEGACY: Readonly<Record<string, string>> = {
  "legacy load": `r6 = r1\nr0 = *(u8 *)skb[0]${DONE}`,
};

/** Programs for one type by name. */
export function typePrograms(type: ProgTypeName): ReadonlyMap<string, string> {
  const all = new Map([...Object.entries(RETURNS), ...Object.entries(CONTEXT), ...Object.entries(LEGACY)]);
  const pkt = PACKETS[type];
  if (pkt !== undefined) for (const [name, rest] of Object.entries(PACKET)) all.set(name, pkt + rest);
  for (const [kind, setup] of Object.entries(OBJECTS[type] ?? {}))
    for (const [name, rest] of Object.entries(OBJECT))
      all.set(`${kind} ${name}`, `${setup}${rest}\nout:${DONE}`);
  return all;
}

export interface RecordedType {
  readonly type: ProgTypeName;
  /** errno and words by the name of the program */
  readonly answers: Readonly<Record<string, string>>;
}

/** For each attach type of the kernel's list in order: loaded without and with the flag to sleep, "1" accepted. */
export interface RecordedAttach {
  readonly type: ProgTypeName;
  readonly awake: string;
  readonly asleep: string;
}
