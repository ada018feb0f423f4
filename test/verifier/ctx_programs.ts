// Every access to every context: a program for each, and the compact form in which verdicts are kept.
// For each offset four characters: which widths may be loaded, stored, loaded with sign (bits 1, 2, 4, 8 in hex),
// and what the widest load gives.
import type { Insn, Size } from "../../src/isa/insn.ts";
import type { AttachTypeName, ProgTypeName } from "../../src/spec/prog_types.ts";
import { assembleFor } from "./kernel_maps.ts";

export interface CtxVariant {
  readonly type: ProgTypeName;
  readonly attach?: AttachTypeName;
  /** offsets from here, 0 if not said */
  readonly start?: number;
  /** to here */
  readonly end: number;
  /** not the context is accessed but what this leaves in r2 */
  readonly pointer?: { readonly kind: string; readonly setup: string };
}

export type AccessMode = "load" | "store" | "load_signed";
export const MODES: readonly AccessMode[] = ["load", "store", "load_signed"];
export const WIDTHS: readonly Size[] = [1, 2, 4, 8];

const SOCK_ADDR: readonly AttachTypeName[] = [
  "cgroup_inet4_bind",
  "cgroup_inet6_bind",
  "cgroup_inet4_connect",
  "cgroup_inet6_connect",
  "cgroup_unix_connect",
  "cgroup_udp4_sendmsg",
  "cgroup_udp6_sendmsg",
  "cgroup_unix_sendmsg",
  "cgroup_udp4_recvmsg",
  "cgroup_udp6_recvmsg",
  "cgroup_unix_recvmsg",
  "cgroup_inet4_getpeername",
  "cgroup_inet6_getpeername",
  "cgroup_unix_getpeername",
  "cgroup_inet4_getsockname",
  "cgroup_inet6_getsockname",
  "cgroup_unix_getsockname",
];

function each(type: ProgTypeName, end: number, ...attach: readonly AttachTypeName[]): CtxVariant[] {
  return attach.map((a) => ({ type, attach: a, end }));
}

/** Every program type the recorded kernel loads without a BTF id, by every attach type that changes its context. */
export const VARIANTS: readonly CtxVariant[] = [
  { type: "socket_filter", end: 200 },
  { type: "sched_cls", end: 200 },
  { type: "sched_act", end: 200 },
  ...each("cgroup_skb", 200, "cgroup_inet_ingress", "cgroup_inet_egress"),
  ...each("sk_skb", 200, "sk_skb_stream_parser", "sk_skb_stream_verdict", "sk_skb_verdict"),
  { type: "lwt_in", end: 200 },
  { type: "lwt_out", end: 200 },
  { type: "lwt_xmit", end: 200 },
  { type: "lwt_seg6local", end: 200 },
  { type: "flow_dissector", end: 200 },
  ...each("xdp", 32, "xdp", "xdp_devmap", "xdp_cpumap"),
  ...each(
    "cgroup_sock",
    88,
    "cgroup_inet_sock_create",
    "cgroup_inet_sock_release",
    "cgroup_inet4_post_bind",
    "cgroup_inet6_post_bind",
  ),
  ...each("cgroup_sock_addr", 80, ...SOCK_ADDR),
  { type: "sock_ops", end: 240 },
  { type: "sk_msg", end: 88 },
  ...each("sk_reuseport", 64, "sk_reuseport_select", "sk_reuseport_select_or_migrate"),
  ...each("sk_lookup", 80, "sk_lookup"),
  ...each("cgroup_sockopt", 48, "cgroup_getsockopt", "cgroup_setsockopt"),
  { type: "cgroup_sysctl", end: 16 },
  { type: "cgroup_device", end: 20 },
  ...each("netfilter", 24, "netfilter"),
  { type: "kprobe", end: 176 },
  { type: "kprobe", attach: "trace_kprobe_session", end: 176 },
  { type: "perf_event", end: 192 },
  { type: "raw_tracepoint", end: 104 },
  { type: "raw_tracepoint_writable", end: 104 },
  { type: "tracepoint", end: 40 },
  { type: "tracepoint", start: 8176, end: 8208 },
  { type: "syscall", end: 40 },
];

const SKB_SOCK = "r1 = *(u64 *)(r1 +168)\nif r1 == 0 goto out\n";
const NOT_NULL = "if r0 == 0 goto out\nr2 = r0\n";
const XSK = `*(u32 *)(r10 -4) = 0\nr2 = r10\nr2 += -4\nr1 = map[xsk] ll\ncall bpf_map_lookup_elem\n${NOT_NULL}`;

function pointer(kind: string, end: number, of: Omit<CtxVariant, "end">, setup: string): CtxVariant {
  return { ...of, end, pointer: { kind, setup } };
}

/** What contexts and helpers give a pointer to, but cannot be written as a context. */
export const POINTERS: readonly CtxVariant[] = [
  pointer("sock_common", 88, { type: "sched_cls" }, `${SKB_SOCK}r2 = r1\n`),
  pointer("sock", 88, { type: "cgroup_sock_addr", attach: "cgroup_inet4_bind" }, "r2 = *(u64 *)(r1 +64)\n"),
  pointer("tcp_sock", 120, { type: "sched_cls" }, `${SKB_SOCK}call bpf_tcp_sock\n${NOT_NULL}`),
  pointer("xdp_sock", 12, { type: "xdp" }, XSK),
  pointer("flow_keys", 64, { type: "flow_dissector" }, "r2 = *(u64 *)(r1 +144)\n"),
];

/** BPF_F_SLEEPABLE, which syscall programs must have. */
export const SLEEPABLE = 1 << 4;

export function flagsOf(v: CtxVariant): number {
  return v.type === "syscall" ? SLEEPABLE : 0;
}

export function offsetsOf({ start = 0, end }: CtxVariant): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}

function accessText(mode: AccessMode, off: number, size: Size): string {
  const at = `(r2 +${off})`;
  if (mode === "store") return `*(u${size * 8} *)${at} = 0`;
  return `r3 = *(${mode === "load_signed" ? "s" : "u"}${size * 8} *)${at}`;
}

/** One access, then an exit that every type allows. */
export function accessProgram(
  v: CtxVariant,
  mode: AccessMode,
  off: number,
  size: Size,
): readonly (Insn | undefined)[] {
  if (v.pointer !== undefined)
    return assembleFor(`${v.pointer.setup}${accessText(mode, off, size)}\nout: r0 = 1\nexit`);
  const access: Insn =
    mode === "store"
      ? { kind: "st", pc: 0, base: 1, off, size, src: { kind: "imm", imm: 0 } }
      : { kind: "ldx", pc: 0, dst: 2, base: 1, off, size, signed: mode === "load_signed" };
  return [access, { ...RETURN_1, pc: 1 }, { kind: "exit", pc: 2 }];
}

/** How Linux refuses an access that fits no field. */
export function refusalOf({ pointer: to }: CtxVariant, mode: AccessMode, off: number, size: Size): string {
  if (to === undefined) return `invalid bpf_context access off=${off} size=${size}`;
  if (to.kind === "flow_keys") return `invalid access to flow keys off=${off} size=${size}`;
  return mode === "store"
    ? `R2 cannot write into ${to.kind}`
    : `R2 invalid ${to.kind} access off=${off} size=${size}`;
}

const RETURN_1: Insn = {
  kind: "alu",
  pc: 0,
  op: "mov",
  width: 64,
  dst: 0,
  src: { kind: "imm", imm: 1 },
  signed: false,
};

/** What a load gives, by the letter that is kept. */
export const KINDS: Readonly<Record<string, string>> = {
  scalar: "s",
  pkt: "p",
  pkt_meta: "m",
  pkt_end: "e",
  flow_keys: "f",
  sock: "k",
  sock_or_null: "K",
  sock_common_or_null: "C",
  tp_buffer: "b",
  trusted_ptr_sk_buff: "t",
  trusted_ptr_nf_hook_state: "T",
};

/** The widths a program of this type may load at `off`, in bytes. */
export function widthsOf(mask: number): Size[] {
  return WIDTHS.filter((w) => (mask & w) !== 0);
}
