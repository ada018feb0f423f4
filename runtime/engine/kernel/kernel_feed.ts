// Captures as single packets, in order and as often as asked: timestamps of later rounds follow on as they do in a
// replay of ours.
import {
  type BatchTarget,
  LINKTYPE_ETHERNET,
  type PacketSource,
  ROW,
  createBatch,
} from "../../../src/pcap/index.ts";
import { BpfError } from "../../../src/spec/errors.ts";

/** A packet in a run. `data` is valid until the next one is asked for. */
export interface Frame {
  readonly i: number;
  readonly data: Uint8Array;
  readonly tsNs: bigint;
  readonly ethernet: boolean;
}

export interface FeedLimits {
  readonly limit: number;
  readonly repeat: number;
}

export function* framesOf(source: PacketSource, { limit, repeat }: FeedLimits): Generator<Frame> {
  if (repeat > 1 && source.totalBytes === undefined)
    throw new BpfError("ESPIPE", "a pipe cannot be repeated");
  const target = createBatch();
  let i = 0;
  let roundNs = 0n;
  for (let round = 0; round < repeat; round++) {
    if (round > 0) source.rewind();
    const offset = BigInt(round) * roundNs;
    let packets = 0;
    let firstTs = 0n;
    let lastTs = 0n;
    for (const frame of onePass(source, target, limit)) {
      if (packets++ === 0) firstTs = frame.tsNs;
      if (frame.tsNs > lastTs) lastTs = frame.tsNs;
      yield { ...frame, i: i++, tsNs: frame.tsNs + offset };
    }
    const span = lastTs > firstTs ? lastTs - firstTs : 0n;
    if (round === 0) roundNs = packets > 1 ? span + span / BigInt(packets - 1) : span;
  }
}

function* onePass(source: PacketSource, target: BatchTarget, limit: number): Generator<Omit<Frame, "i">> {
  const { rows, bytes } = target;
  for (let left = limit; left > 0; ) {
    const count = Math.min(source.nextBatch(target), left);
    if (count === 0) return;
    left -= count;
    for (let at = 0; at < count * ROW.size; at += ROW.size) {
      const start = rows.getUint32(at + ROW.addr, true) - target.addr;
      yield {
        data: bytes.subarray(start, start + rows.getUint32(at + ROW.len, true)),
        tsNs: rows.getBigUint64(at + ROW.tsLo, true),
        ethernet: rows.getUint16(at + ROW.linkType, true) === LINKTYPE_ETHERNET,
      };
    }
  }
}
