// A packet as a record of a pcap file: what the walker writes for ours.
const HEADER = 16;

export function frameOut(data: Uint8Array, tsNs: bigint, nanoseconds: boolean): Uint8Array {
  const record = new Uint8Array(HEADER + data.length);
  const view = new DataView(record.buffer);
  view.setUint32(0, Number(BigInt.asUintN(32, tsNs / 1_000_000_000n)), true);
  view.setUint32(4, Math.floor(Number(tsNs % 1_000_000_000n) / (nanoseconds ? 1 : 1000)), true);
  view.setUint32(8, data.length, true);
  view.setUint32(12, data.length, true);
  record.set(data, HEADER);
  return record;
}
