// Helpers of programs that hang on what the kernel does.
import type { AttachTypeName } from "../prog_types.ts";
import {
  FUNCS,
  ITER,
  LSM,
  PERF_EVENT,
  PROBES,
  RAW_TP_BTF,
  SLEEPABLE_HOOKS,
  SYSCALL,
  TRACING,
  TYPED,
} from "./callers.ts";
import { type Callers, fixedMem, ptrTo, type Row } from "./proto.ts";

/** Attached to many functions at once, or to both ends of one. */
const MULTI: readonly AttachTypeName[] = [
  "trace_kprobe_multi",
  "trace_uprobe_multi",
  "trace_kprobe_session",
  "trace_uprobe_session",
];
const NOT_PERF: readonly Callers[] = TRACING.filter((c) => c.type !== "perf_event");
/** Functions that hold the path, and nothing that its name takes. */
const HAS_PATH = {
  targets: [
    "security_file_permission",
    "security_inode_getattr",
    "security_file_open",
    "security_path_truncate",
    "vfs_truncate",
    "vfs_fallocate",
    "dentry_open",
    "vfs_getattr",
    "filp_close",
  ],
};
/** Everywhere but in iterators. */
const FILE_PATHS: readonly Callers[] = [
  ...SYSCALL,
  { type: "lsm" },
  { type: "tracing", notAttach: ["trace_iter"] },
];

// biome-ignore format: table
export const TRACING_HELPERS: readonly Row[] = [
  [4,   "probe_read",           ["uninit_mem", "const_size_or_zero", "anything"], "integer", TRACING, { gplOnly: true }],
  [45,  "probe_read_str",       ["uninit_mem", "const_size_or_zero", "anything"], "integer", TRACING, { gplOnly: true, returnsSize: true }],
  [27,  "get_stackid",          ["ctx", "const_map_ptr", "anything"], "integer", NOT_PERF, { gplOnly: true }],
  [27,  "get_stackid",          ["ctx", "const_map_ptr", "anything"], "integer", PERF_EVENT],
  [67,  "get_stack",            ["ctx", "uninit_mem", "const_size_or_zero", "anything"], "integer", TRACING, { gplOnly: true, returnsSize: true }],
  [173, "get_func_ip",          ["ctx"], "integer", [{ type: "kprobe", attach: MULTI }]],
  [173, "get_func_ip",          ["ctx"], "integer", TRACING, { gplOnly: true }],
  [174, "get_attach_cookie",    ["ctx"], "integer", [...PROBES, ...RAW_TP_BTF, ...FUNCS]],
  [56,  "perf_prog_read_value", ["ctx", "uninit_mem", "const_size"], "integer", PERF_EVENT, { gplOnly: true }],
  [119, "read_branch_records",  ["ctx", "inout_mem_or_null", "const_size_or_zero", "anything"], "integer", PERF_EVENT, { gplOnly: true }],

  [111, "skb_output",           [ptrTo("sk_buff"), "const_map_ptr", "anything", "mem", "const_size_or_zero"], "integer", TYPED, { gplOnly: true }],
  [121, "xdp_output",           [ptrTo("xdp_buff"), "const_map_ptr", "anything", "mem", "const_size_or_zero"], "integer", TYPED, { gplOnly: true }],
  [147, "d_path",               [ptrTo("path"), "inout_mem", "const_size_or_zero"], "integer", ITER],
  [147, "d_path",               [ptrTo("path"), "inout_mem", "const_size_or_zero"], "integer", LSM, SLEEPABLE_HOOKS],
  [147, "d_path",               [ptrTo("path"), "inout_mem", "const_size_or_zero"], "integer", [{ type: "tracing" }], HAS_PATH],
  [147, "d_path",               [ptrTo("path"), "inout_mem", "const_size_or_zero"], "integer", FILE_PATHS, { notInProbe: true }],
  [126, "seq_printf",           [ptrTo("seq_file"), "mem", "const_size", "mem_or_null", "const_size_or_zero"], "integer", ITER, { gplOnly: true }],
  [127, "seq_write",            [ptrTo("seq_file"), "mem", "const_size_or_zero"], "integer", ITER, { gplOnly: true }],
  [150, "seq_printf_btf",       [ptrTo("seq_file"), "mem", "const_size_or_zero", "anything"], "integer", ITER, { gplOnly: true }],
  [183, "get_func_arg",         ["ctx", "anything", fixedMem(8, "uninit")], "integer", FUNCS],
  [184, "get_func_ret",         ["ctx", fixedMem(8, "uninit")], "integer", FUNCS],
  [185, "get_func_arg_cnt",     ["ctx"], "integer", FUNCS],

  // a locked-down kernel gives these to nobody
  [36,  "probe_write_user",     ["anything", "mem", "const_size"], "integer", [], { gplOnly: true }],
  [58,  "override_return",      ["ctx", "anything"], "integer", [], { gplOnly: true }],
];
