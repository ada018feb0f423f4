// Contexts of cgroup hooks that are not about packets or addresses: socket options, sysctls, devices.
import { type CtxLayout, field, NARROW, onlyWith, PKT, PKT_END, SOCK, U32, U64 } from "./field.ts";

/** The option's bytes are a packet to the verifier. What a hook may change depends on its side of the call. */
// biome-ignore format: table
export const SOCKOPT_CTX: CtxLayout = {
  name: "bpf_sockopt",
  size: 40,
  fields: [
    field("sk",          0, 8, U64, 0, SOCK),
    field("optval",      8, 8, U64, 0, PKT),
    field("optval_end", 16, 8, U64, 0, PKT_END),
    field("level",      24, 4, U32),
    onlyWith(["cgroup_setsockopt"], field("level",   24, 4, U32, U32)),
    field("optname",    28, 4, U32),
    onlyWith(["cgroup_setsockopt"], field("optname", 28, 4, U32, U32)),
    field("optlen",     32, 4, U32, U32),
    onlyWith(["cgroup_getsockopt"], field("retval",  36, 4, U32, U32)),
  ],
};

export const SYSCTL_CTX: CtxLayout = {
  name: "bpf_sysctl",
  size: 8,
  fields: [field("write", 0, 4, NARROW), field("file_pos", 4, 4, NARROW, U32)],
};

export const CGROUP_DEV_CTX: CtxLayout = {
  name: "bpf_cgroup_dev_ctx",
  size: 12,
  fields: [field("access_type", 0, 4, NARROW), field("major", 4, 4, U32), field("minor", 8, 4, U32)],
};
