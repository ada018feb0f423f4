// The face of this layer: captures in and out.
export { whyNotEthernet, fmtLinkType, LINKTYPE_ETHERNET } from "./link_types.ts";
export { MergedReader, openCaptures } from "./merge.ts";
export { type CaptureEnd, CaptureReader, type PacketSource } from "./reader.ts";
export {
  type BatchTarget,
  type CapturedPacket,
  createBatch,
  decodeRow,
  MIN_BATCH_BYTES,
  ROW,
} from "./rows.ts";
export { CaptureWriter, type WriterOptions } from "./writer.ts";
