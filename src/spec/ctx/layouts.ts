// Which context each program type gets, and which fixed layout stands behind each kind of kernel object a program may
// look into.
import type { ProgTypeName } from "../prog_types.ts";
import { CGROUP_DEV_CTX, SOCKOPT_CTX, SYSCTL_CTX } from "./cgroup.ts";
import { ANY, type CtxLayout, field, U16, U32, U64 } from "./field.ts";
import {
  CGROUP_SK_BUFF,
  DISSECTOR_SK_BUFF,
  FILTER_SK_BUFF,
  LWT_SK_BUFF,
  STREAM_SK_BUFF,
  TC_SK_BUFF,
} from "./sk_buff.ts";
import { BPF_SOCK, BPF_SOCK_COMMON, BPF_TCP_SOCK, BPF_XDP_SOCK, CGROUP_SOCK_CTX } from "./sock.ts";
import { SOCK_ADDR_CTX } from "./sock_addr.ts";
import { SK_LOOKUP_CTX, SK_MSG_CTX, SK_REUSEPORT_CTX, SOCK_OPS_CTX } from "./socket.ts";
import {
  KPROBE_CTX,
  PERF_EVENT_DATA,
  RAW_TRACEPOINT_CTX,
  RAW_TRACEPOINT_WRITABLE_CTX,
  TRACEPOINT_CTX,
} from "./tracing.ts";
import { XDP_MD } from "./xdp.ts";

/** Whatever the caller passes, of any length: what is past its end is found at run time. */
const SYSCALL_LIMIT = 0xffff;

const SYSCALL_CTX: CtxLayout = {
  name: "",
  size: SYSCALL_LIMIT,
  fields: [
    field("args", 0, SYSCALL_LIMIT, ANY, ANY),
    // only where an access begins is bounded
    field("args", SYSCALL_LIMIT - 1, 2, U16, U16),
    field("args", SYSCALL_LIMIT - 3, 4, U32, U32),
    field("args", SYSCALL_LIMIT - 7, 8, U64, U64),
  ],
};

/** Pointers to the kernel's own structs. */
const NF_CTX: CtxLayout = {
  name: "bpf_nf_ctx",
  size: 16,
  fields: [
    field("state", 0, 8, U64, 0, { kind: "ptr_", struct: "nf_hook_state" }),
    field("skb", 8, 8, U64, 0, { kind: "ptr_", struct: "sk_buff" }),
  ],
};

/** Attached by BTF: what is there the target's prototype says. */
const BTF_CTX: CtxLayout = { name: "", size: 96, fields: [] };

const LIRC_CTX: CtxLayout = { name: "", size: 4, fields: [field("sample", 0, 4, U32)] };

/** Program types whose context is known; a program of another type is refused. */
export const CTX_LAYOUTS: Partial<Record<ProgTypeName, CtxLayout>> = {
  socket_filter: FILTER_SK_BUFF,
  sched_cls: TC_SK_BUFF,
  sched_act: TC_SK_BUFF,
  cgroup_skb: CGROUP_SK_BUFF,
  lwt_in: LWT_SK_BUFF,
  lwt_out: LWT_SK_BUFF,
  lwt_xmit: LWT_SK_BUFF,
  lwt_seg6local: LWT_SK_BUFF,
  sk_skb: STREAM_SK_BUFF,
  flow_dissector: DISSECTOR_SK_BUFF,
  xdp: XDP_MD,
  cgroup_sock: CGROUP_SOCK_CTX,
  cgroup_sock_addr: SOCK_ADDR_CTX,
  sock_ops: SOCK_OPS_CTX,
  sk_msg: SK_MSG_CTX,
  sk_reuseport: SK_REUSEPORT_CTX,
  sk_lookup: SK_LOOKUP_CTX,
  cgroup_sockopt: SOCKOPT_CTX,
  cgroup_sysctl: SYSCTL_CTX,
  cgroup_device: CGROUP_DEV_CTX,
  netfilter: NF_CTX,
  kprobe: KPROBE_CTX,
  perf_event: PERF_EVENT_DATA,
  tracepoint: TRACEPOINT_CTX,
  raw_tracepoint: RAW_TRACEPOINT_CTX,
  raw_tracepoint_writable: RAW_TRACEPOINT_WRITABLE_CTX,
  syscall: SYSCALL_CTX,
  lirc_mode2: LIRC_CTX,
  tracing: BTF_CTX,
  lsm: BTF_CTX,
};

export type SockKind = "sock" | "sock_common" | "tcp_sock" | "xdp_sock";

export const SOCK_LAYOUTS: Readonly<Record<SockKind, CtxLayout>> = {
  sock: BPF_SOCK,
  sock_common: BPF_SOCK_COMMON,
  tcp_sock: BPF_TCP_SOCK,
  xdp_sock: BPF_XDP_SOCK,
};

/** Bytes of struct bpf_flow_keys, all of which may be loaded and stored. */
export const FLOW_KEYS_SIZE = 56;
