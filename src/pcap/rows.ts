// Where a reader puts packets: a region for their bytes and a table of rows that say where each lies.
// Row offsets are the contract with whoever walks the table. Knows nothing of file formats.

/** One packet in the table, little-endian; bytes 24 to 31 are the caller's and are not written. */
// biome-ignore format: table
export const ROW = {
  size:     32,
  addr:      0, // u32: BatchTarget.addr + offset of the packet in BatchTarget.bytes
  len:       4, // u32: bytes present
  tsLo:      8, // u64 ns since the epoch
  tsHi:     12,
  origLen:  16, // u32: length on the wire; may be more than len
  linkType: 20, // u16
  source:   22, // u16: which capture, where several are merged
} as const;

/**
 * A reader reads the file straight into `bytes` and leaves packets where they fall, so they are not
 * aligned and have foreign bytes around them. `bytes` may be a view of shared memory.
 */
export interface BatchTarget {
  readonly bytes: Uint8Array;
  /** added to every offset in `bytes`: the address of `bytes[0]` as the rows shall give it */
  readonly addr: number;
  readonly rows: DataView;
}

/** A region below this cannot hold the largest record. */
export const MIN_BATCH_BYTES = 512 * 1024;

export function createBatch(byteLength = 1 << 20, maxRows = 8192): BatchTarget {
  return {
    bytes: new Uint8Array(byteLength),
    addr: 0,
    rows: new DataView(new ArrayBuffer(maxRows * ROW.size)),
  };
}

/** Appends rows. `offset` is relative to the region the sink was made for. */
export class RowSink {
  readonly #rows: DataView;
  readonly #addr: number;
  readonly #source: number;
  readonly max: number;
  count = 0;

  constructor(target: BatchTarget, source: number) {
    this.#rows = target.rows;
    this.#addr = target.addr;
    this.#source = source;
    this.max = Math.floor(target.rows.byteLength / ROW.size);
  }

  push(offset: number, len: number, tsHi: number, tsLo: number, origLen: number, linkType: number): void {
    const rows = this.#rows;
    const at = this.count++ * ROW.size;
    rows.setUint32(at + ROW.addr, this.#addr + offset, true);
    rows.setUint32(at + ROW.len, len, true);
    rows.setUint32(at + ROW.tsLo, tsLo, true);
    rows.setUint32(at + ROW.tsHi, tsHi, true);
    rows.setUint32(at + ROW.origLen, origLen, true);
    rows.setUint32(at + ROW.linkType, (linkType & 0xffff) | (this.#source << 16), true);
  }
}

/** A packet of its own, copied out of a batch. */
export interface CapturedPacket {
  readonly data: Uint8Array;
  readonly tsNs: bigint;
  readonly origLen: number;
  readonly linkType: number;
  readonly source: number;
}

export function decodeRow(target: BatchTarget, index: number): CapturedPacket {
  const { rows } = target;
  const at = index * ROW.size;
  const start = rows.getUint32(at + ROW.addr, true) - target.addr;
  return {
    data: new Uint8Array(target.bytes.subarray(start, start + rows.getUint32(at + ROW.len, true))),
    tsNs: rows.getBigUint64(at + ROW.tsLo, true),
    origLen: rows.getUint32(at + ROW.origLen, true),
    linkType: rows.getUint16(at + ROW.linkType, true),
    source: rows.getUint16(at + ROW.source, true),
  };
}
