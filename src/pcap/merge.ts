// Several captures as one, ordered by timestamp. Stable: of equal times the earlier capture goes first, and
// a capture whose own times go back keeps its own order. Copies packets; knows no format.
import { CaptureReader, type CaptureEnd, type PacketSource } from "./reader.ts";
import { type BatchTarget, createBatch, ROW } from "./rows.ts";

/** One capture's packets that wait for their turn. */
class Lane {
  readonly reader: CaptureReader;
  readonly #batch = createBatch(1 << 20, 4096);
  #count = 0;
  #index = 0;
  /** the next packet's row; not used when `ended` */
  row = 0;
  ended = false;

  constructor(reader: CaptureReader) {
    this.reader = reader;
  }

  get rows(): DataView {
    return this.#batch.rows;
  }

  get bytes(): Uint8Array {
    return this.#batch.bytes;
  }

  next(): void {
    if (++this.#index >= this.#count) {
      this.#count = this.reader.nextBatch(this.#batch);
      this.#index = 0;
      this.ended = this.#count === 0;
    }
    this.row = this.#index * ROW.size;
  }

  restart(): void {
    this.#count = 0;
    this.#index = 0;
    this.ended = false;
    this.next();
  }

  isBefore(other: Lane): boolean {
    const mine = this.rows.getUint32(this.row + ROW.tsHi, true);
    const theirs = other.rows.getUint32(other.row + ROW.tsHi, true);
    if (mine !== theirs) return mine < theirs;
    return this.rows.getUint32(this.row + ROW.tsLo, true) < other.rows.getUint32(other.row + ROW.tsLo, true);
  }
}

export class MergedReader implements PacketSource {
  readonly #lanes: readonly Lane[];
  #started = false;
  #packets = 0;

  constructor(readers: readonly CaptureReader[]) {
    this.#lanes = readers.map((reader) => new Lane(reader));
  }

  get names(): readonly string[] {
    return this.#lanes.map((lane) => lane.reader.name);
  }
  get linkTypes(): readonly number[] {
    return this.#lanes.map((lane) => lane.reader.linkType);
  }
  get nanoseconds(): boolean {
    return this.#lanes.some((lane) => lane.reader.nanoseconds);
  }
  get packets(): number {
    return this.#packets;
  }
  get bytesRead(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.reader.bytesRead, 0);
  }
  get totalBytes(): number | undefined {
    return this.#lanes.reduce<number | undefined>((sum, lane) => {
      const size = lane.reader.totalBytes;
      return sum === undefined || size === undefined ? undefined : sum + size;
    }, 0);
  }
  get ends(): readonly CaptureEnd[] {
    return this.#lanes.flatMap((lane) => lane.reader.ends);
  }

  nextBatch(target: BatchTarget): number {
    if (!this.#started) this.#restart();
    const max = Math.floor(target.rows.byteLength / ROW.size);
    let count = 0;
    for (let at = 0; count < max; count++) {
      const lane = this.#earliest();
      if (lane === undefined) break;
      const len = lane.rows.getUint32(lane.row + ROW.len, true);
      if (at + len > target.bytes.length) {
        if (count === 0)
          throw new Error(`a batch of ${target.bytes.length} bytes cannot hold a packet of ${len}`);
        break;
      }
      copyPacket(lane, target, at, count * ROW.size);
      at += (len + 7) & ~7;
      lane.next();
    }
    this.#packets += count;
    return count;
  }

  rewind(): void {
    for (const lane of this.#lanes) lane.reader.rewind();
    this.#started = false;
    this.#packets = 0;
  }

  close(): void {
    for (const lane of this.#lanes) lane.reader.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #restart(): void {
    this.#started = true;
    for (const lane of this.#lanes) lane.restart();
  }

  #earliest(): Lane | undefined {
    let first: Lane | undefined;
    for (const lane of this.#lanes) {
      if (!lane.ended && (first === undefined || lane.isBefore(first))) first = lane;
    }
    return first;
  }
}

/** Opens captures as one source; every one is opened before the first packet is read. */
export function openCaptures(paths: readonly string[]): PacketSource {
  const readers: CaptureReader[] = [];
  try {
    for (const [source, path] of paths.entries()) readers.push(CaptureReader.open(path, source));
  } catch (e) {
    for (const reader of readers) reader.close();
    throw e;
  }
  return readers.length === 1 && readers[0] !== undefined ? readers[0] : new MergedReader(readers);
}

function copyPacket(lane: Lane, target: BatchTarget, at: number, row: number): void {
  const { rows } = lane;
  const start = rows.getUint32(lane.row + ROW.addr, true);
  const len = rows.getUint32(lane.row + ROW.len, true);
  target.bytes.set(lane.bytes.subarray(start, start + len), at);
  target.rows.setUint32(row + ROW.addr, target.addr + at, true);
  for (let off = ROW.addr + 4; off < ROW.source + 2; off += 4) {
    target.rows.setUint32(row + off, rows.getUint32(lane.row + off, true), true);
  }
}
