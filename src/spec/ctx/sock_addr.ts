// struct bpf_sock_addr: the address of a bind, connect, sendmsg, … call, of the family its hook is for.
import type { AttachTypeName } from "../prog_types.ts";
import { ANY, type CtxLayout, field, NARROW, onlyWith, SOCK, U32, U64 } from "./field.ts";

const INET4: readonly AttachTypeName[] = [
  "cgroup_inet4_bind",
  "cgroup_inet4_connect",
  "cgroup_inet4_getpeername",
  "cgroup_inet4_getsockname",
  "cgroup_udp4_sendmsg",
  "cgroup_udp4_recvmsg",
];
const INET6: readonly AttachTypeName[] = [
  "cgroup_inet6_bind",
  "cgroup_inet6_connect",
  "cgroup_inet6_getpeername",
  "cgroup_inet6_getsockname",
  "cgroup_udp6_sendmsg",
  "cgroup_udp6_recvmsg",
];
const SENDMSG4: readonly AttachTypeName[] = ["cgroup_udp4_sendmsg"];
const SENDMSG6: readonly AttachTypeName[] = ["cgroup_udp6_sendmsg"];

// biome-ignore format: table
export const SOCK_ADDR_CTX: CtxLayout = {
  name: "bpf_sock_addr",
  size: 72,
  fields: [
    field("user_family", 0, 4, U32),
    onlyWith(INET4,    field("user_ip4",     4,  4, NARROW, U32)),
    onlyWith(INET6,    field("user_ip6",     8, 16, ANY,    U32 | U64)),
    field("user_port",   24, 4, NARROW, U32),
    field("family",      28, 4, U32),
    field("type",        32, 4, U32),
    field("protocol",    36, 4, U32),
    onlyWith(SENDMSG4, field("msg_src_ip4", 40,  4, NARROW, U32)),
    onlyWith(SENDMSG6, field("msg_src_ip6", 44, 16, ANY,    U32 | U64)),
    field("sk",          64, 8, U64, 0, SOCK),
  ],
};
