// Contexts of tracing programs: registers, samples, and the bare words a tracepoint passes.
import { ANY, type CtxLayout, field, U64 } from "./field.ts";

/** struct pt_regs of x86-64 in the order of its words */
// biome-ignore format: table
const PT_REGS = [
  "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi",
  "orig_rax", "rip", "cs", "eflags", "rsp", "ss",
] as const;
const PT_REGS_SIZE = PT_REGS.length * 8;

/** its words may be read whole or in part. */
export const KPROBE_CTX: CtxLayout = {
  name: "pt_regs",
  size: PT_REGS_SIZE,
  fields: PT_REGS.map((name, i) => field(name, i * 8, 8, ANY)),
};

export const PERF_EVENT_DATA: CtxLayout = {
  name: "bpf_perf_event_data",
  size: PT_REGS_SIZE + 16,
  fields: [
    ...PT_REGS.map((name, i) => field(name, i * 8, 8, U64)),
    field("sample_period", PT_REGS_SIZE, 8, ANY),
    field("addr", PT_REGS_SIZE + 8, 8, ANY),
  ],
};

/** A tracepoint's record: eight bytes of the kernel's own, then fields that only the tracepoint knows. */
const MAX_TRACE_SIZE = 8192;

export const TRACEPOINT_CTX: CtxLayout = {
  name: "",
  size: MAX_TRACE_SIZE,
  fields: [field("record", 8, MAX_TRACE_SIZE - 8, ANY)],
};

const MAX_ARGS = 12;
const ARGS_SIZE = MAX_ARGS * 8;

export const RAW_TRACEPOINT_CTX: CtxLayout = {
  name: "bpf_raw_tracepoint_args",
  size: ARGS_SIZE,
  fields: [field("args", 0, ARGS_SIZE, ANY)],
};

/** The first argument is the buffer that may be written. */
export const RAW_TRACEPOINT_WRITABLE_CTX: CtxLayout = {
  name: "bpf_raw_tracepoint_args",
  size: ARGS_SIZE,
  fields: [field("buffer", 0, 8, U64, 0, { kind: "tp_buffer" }), field("args", 1, ARGS_SIZE - 1, ANY)],
};
