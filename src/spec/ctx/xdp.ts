// struct xdp_md: every field is a word, read only and whole.
import { type CtxLayout, field, onlyWith, PKT, PKT_END, PKT_META, U32 } from "./field.ts";

export const XDP_MD: CtxLayout = {
  name: "xdp_md",
  size: 24,
  fields: [
    field("data", 0, 4, U32, 0, PKT),
    field("data_end", 4, 4, U32, 0, PKT_END),
    field("data_meta", 8, 4, U32, 0, PKT_META),
    field("ingress_ifindex", 12, 4, U32),
    field("rx_queue_index", 16, 4, U32),
    onlyWith(["xdp_devmap"], field("egress_ifindex", 20, 4, U32)),
  ],
};
