// A packet's context when its program is done, by the uapi names: what the kernel's test run gives back. 64-bit fields are
// decimal strings, as they are in JSON.
import { FLOW_KEYS, RUN_CTX } from "../../src/spec/run_ctx.ts";
import type { FrameKind } from "../../src/spec/run_types.ts";
import {
  CPU_CTX_DATA,
  CPU_CTX_DATA_END,
  CPU_CTX_DATA_META,
  CPU_CTX_EGRESS_IFINDEX,
  CPU_CTX_INGRESS_IFINDEX,
  CPU_CTX_RX_QUEUE_INDEX,
  CPU_FLOW_KEYS,
  CPU_SKB,
} from "../memory/layout.ts";

export type CtxAfter = Readonly<Record<string, number | string | readonly number[]>>;

/** Data pointers count from the first byte that left. */
function xdpMd(view: DataView, cpu: number): CtxAfter {
  const u32 = (off: number) => view.getUint32(cpu + off, true);
  const meta = u32(CPU_CTX_DATA_META);
  return {
    data: u32(CPU_CTX_DATA) - meta,
    data_end: u32(CPU_CTX_DATA_END) - meta,
    data_meta: 0,
    ingress_ifindex: u32(CPU_CTX_INGRESS_IFINDEX),
    rx_queue_index: u32(CPU_CTX_RX_QUEUE_INDEX),
    egress_ifindex: u32(CPU_CTX_EGRESS_IFINDEX),
  };
}

/** The elements of `cb` are one field here. */
function skBuff(view: DataView, cpu: number): CtxAfter {
  const after: Record<string, number | string | number[]> = {};
  for (const { name, off, size, inOnly } of RUN_CTX.skb) {
    if (inOnly === true) continue;
    const at = cpu + CPU_SKB + off;
    const cb = name.startsWith("cb[");
    if (cb) after["cb"] = [...((after["cb"] as number[] | undefined) ?? []), view.getUint32(at, true)];
    else after[name] = size === 8 ? view.getBigUint64(at, true).toString() : view.getUint32(at, true);
  }
  return after;
}

function flowKeys(view: DataView, cpu: number): CtxAfter {
  const read: Readonly<Record<number, (at: number) => number>> = {
    1: (at) => view.getUint8(at),
    2: (at) => view.getUint16(at, true),
    4: (at) => view.getUint32(at, true),
  };
  const after: Record<string, number> = {};
  for (const { name, off, size } of FLOW_KEYS) after[name] = read[size]?.(cpu + CPU_FLOW_KEYS + off) ?? 0;
  return after;
}

const AFTER: Readonly<Record<FrameKind, (view: DataView, cpu: number) => CtxAfter>> = {
  xdp: xdpMd,
  skb: skBuff,
  flow: flowKeys,
};

export function ctxAfter(frames: FrameKind, view: DataView, cpu: number): CtxAfter {
  return AFTER[frames](view, cpu);
}
