// What emitted code relies on in shared memory beyond single offsets: where a map's elements lie. Offsets
// themselves come from the one table of regions and fields.
import type { FrameKind } from "../../src/spec/run_types.ts";
import type { MapDef } from "../../src/verifier/proof.ts";
import {
  CPU_CTX,
  CPU_CTX_DATA,
  CPU_CTX_DATA_END,
  CPU_CTX_DATA_META,
  CPU_CTX_SIZE,
  CPU_SKB,
  CPU_SKB_SIZE,
  MAP_ELEM_STRIDE,
  MAP_ELEMS_OFF,
  MAP_PERCPU_STRIDE,
  MAP_TOTAL_SIZE,
  MAP_VALUE_OFF,
  SKB_DATA,
  SKB_DATA_END,
  SKB_DATA_META,
} from "../../runtime/memory/layout.ts";

/** Tail calls that may happen before one packet's program ends. */
export const MAX_TAIL_CALL_CNT = 33;

/** Where a context and its packet pointers lie, from the CPU block. */
export interface CtxPlace {
  readonly start: number;
  readonly end: number;
  readonly data: number;
  readonly dataEnd: number;
  readonly dataMeta: number;
}

const SK_BUFF: CtxPlace = {
  start: CPU_SKB,
  end: CPU_SKB + CPU_SKB_SIZE,
  data: CPU_SKB + SKB_DATA,
  dataEnd: CPU_SKB + SKB_DATA_END,
  dataMeta: CPU_SKB + SKB_DATA_META,
};

export const CTX_PLACES: Readonly<Record<FrameKind, CtxPlace>> = {
  xdp: {
    start: CPU_CTX,
    end: CPU_CTX + CPU_CTX_SIZE,
    data: CPU_CTX_DATA,
    dataEnd: CPU_CTX_DATA_END,
    dataMeta: CPU_CTX_DATA_META,
  },
  skb: SK_BUFF,
  flow: SK_BUFF,
};

/** A map of the program: where it is and how it lies there. All constants of its header. */
export interface MapBinding {
  readonly def: MapDef;
  /** of the header */
  readonly address: number;
  readonly elemsOff: number;
  readonly elemStride: number;
  /** of the value in an element */
  readonly valueOff: number;
  /** from one CPU's value to the next one's, 0 = not per-CPU */
  readonly percpuStride: number;
  readonly totalSize: number;
}

/** Reads a binding from the header of a map in linear memory. */
export function bindMap(memory: ArrayBufferLike, address: number, def: MapDef): MapBinding {
  const view = new DataView(memory, address);
  const u32 = (off: number): number => view.getUint32(off, true);
  return {
    def,
    address,
    elemsOff: u32(MAP_ELEMS_OFF),
    elemStride: u32(MAP_ELEM_STRIDE),
    valueOff: u32(MAP_VALUE_OFF),
    percpuStride: u32(MAP_PERCPU_STRIDE),
    totalSize: u32(MAP_TOTAL_SIZE),
  };
}

/** Address of element 0's value (of CPU 0). */
export function firstValue(map: MapBinding): number {
  return map.address + map.elemsOff + map.valueOff;
}
