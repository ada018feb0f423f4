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

/** Program types whose context is known; a program of another type is refused. */
export const CTX_LAYOUTS: Partial<Record<ProgTypeName, CtxLayout>> = {
  xdp: XDP_MD,
};
