// Layout of each program type's context: which bytes r1 may be read or written at, and what a load gives.
// Offsets are those of the uapi structs. Rows only; the range of a packet pointer is the verifier's.
import type { ProgTypeName } from "./prog_types.ts";

export interface CtxField {
  readonly name: string;
  /** bytes from the start of the context */
  readonly off: number;
  readonly size: number;
  /** what a load of the whole field gives; pointers must be loaded whole */
  readonly gives: "scalar" | "pkt" | "pkt_meta" | "pkt_end";
  readonly write: boolean;
  /** readable only with this expected attach type */
  readonly attachType?: string;
}

export interface CtxLayout {
  readonly name: string;
  readonly size: number;
  readonly fields: readonly CtxField[];
  /** the fields are not known yet: no load or store of the context can be judged */
  readonly opaque?: true;
}

// biome-ignore format: table
const XDP_MD: CtxLayout = {
  name: "xdp_md",
  size: 24,
  fields: [
    { name: "data",            off: 0,  size: 4, gives: "pkt",      write: false },
    { name: "data_end",        off: 4,  size: 4, gives: "pkt_end",  write: false },
    { name: "data_meta",       off: 8,  size: 4, gives: "pkt_meta", write: false },
    { name: "ingress_ifindex", off: 12, size: 4, gives: "scalar",   write: false },
    { name: "rx_queue_index",  off: 16, size: 4, gives: "scalar",   write: false },
    { name: "egress_ifindex",  off: 20, size: 4, gives: "scalar",   write: false, attachType: "xdp_devmap" },
  ],
};

/** struct pt_regs of x86-64 in the order of its words */
// biome-ignore format: table
const PT_REGS = [
  "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi",
  "orig_rax", "rip", "cs", "eflags", "rsp", "ss",
] as const;

function readable(name: string, off: number): CtxField {
  return { name, off, size: 8, gives: "scalar", write: false };
}

const PERF_EVENT_DATA: CtxLayout = {
  name: "bpf_perf_event_data",
  size: 184,
  fields: [
    ...PT_REGS.map((name, i) => readable(name, i * 8)),
    readable("sample_period", 168),
    readable("addr", 176),
  ],
};

function opaque(name: string, size: number): CtxLayout {
  return { name, size, fields: [], opaque: true };
}

const SK_BUFF = opaque("__sk_buff", 192);

/** Program types whose context is known at least by name; a program of another type is refused. */
export const CTX_LAYOUTS: Partial<Record<ProgTypeName, CtxLayout>> = {
  xdp: XDP_MD,
  perf_event: PERF_EVENT_DATA,
  sched_cls: SK_BUFF,
  sched_act: SK_BUFF,
  socket_filter: SK_BUFF,
  cgroup_skb: SK_BUFF,
  syscall: opaque("", 0xffff),
  kprobe: opaque("pt_regs", 168),
  tracepoint: opaque("", 2048),
  raw_tracepoint: opaque("bpf_raw_tracepoint_args", 96),
  raw_tracepoint_writable: opaque("bpf_raw_tracepoint_args", 96),
};
