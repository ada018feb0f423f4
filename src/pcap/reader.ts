// A capture from first byte to last, batch by batch, in memory that does not grow with the file: the file
// is read straight into the caller's region and packets stay where they fall. Knows no format's fields.
import { BpfError } from "../spec/errors.ts";
import { type ByteSource, FileSource, MemorySource } from "./byte_source.ts";
import type { Format, Window } from "./format.ts";
import { PCAP_HEADER_SIZE, PCAP_MAGIC_NS, PCAP_MAGIC_US, PcapFormat } from "./pcap_format.ts";
import { PCAPNG_MAGIC, PcapngFormat } from "./pcapng_format.ts";
import {
  type BatchTarget,
  type CapturedPacket,
  createBatch,
  decodeRow,
  MIN_BATCH_BYTES,
  RowSink,
} from "./rows.ts";

const MAX_READ = 4 << 20;

const HEAD_READ = 4096;
const PCAP_MAGICS = [PCAP_MAGIC_US, PCAP_MAGIC_NS];

/** How a capture ended. All packets before a truncated or corrupt place have been delivered. */
export type CaptureEnd =
  | { readonly kind: "eof" }
  | { readonly kind: "truncated" | "corrupt"; readonly message: string };

/** Packets in order, from one capture or several. Not for use by two at once. */
export interface PacketSource {
  readonly names: readonly string[];
  /** of the first interface of each capture; rows carry their own */
  readonly linkTypes: readonly number[];
  /** some timestamps are finer than microseconds */
  readonly nanoseconds: boolean;
  /** delivered so far, since the last rewind */
  readonly packets: number;
  readonly bytesRead: number;
  /** undefined where a source is a pipe */
  readonly totalBytes: number | undefined;
  /** one for each capture that has ended; all have when nextBatch has given 0 */
  readonly ends: readonly CaptureEnd[];
  /** Fills the target from its start; the number of rows, 0 at the end. The last batch's bytes are dead. */
  nextBatch(target: BatchTarget): number;
  rewind(): void;
  close(): void;
}

export class CaptureReader implements PacketSource {
  readonly #source: ByteSource;
  readonly #index: number;
  #format: Format;
  /** of a pipe: bytes read from it that no batch has used yet, #kept[0, #keptLen) */
  #kept = new Uint8Array(0);
  #keptLen = 0;
  #skip = 0;
  #sourceEnded = false;
  #end: CaptureEnd | undefined;
  #offset = 0; // in the file, of the next record
  #packets = 0;

  /** `source` is what rows give as their source: the capture's place among several. */
  static open(path: string, source = 0): CaptureReader {
    return CaptureReader.#from(new FileSource(path), source);
  }

  static fromBytes(bytes: Uint8Array, name = "capture", source = 0): CaptureReader {
    return CaptureReader.#from(new MemorySource(bytes, name), source);
  }

  static #from(source: ByteSource, index: number): CaptureReader {
    try {
      return new CaptureReader(source, index);
    } catch (e) {
      source.close();
      throw e;
    }
  }

  private constructor(source: ByteSource, index: number) {
    this.#source = source;
    this.#index = index;
    this.#format = this.#readHead();
  }

  get name(): string {
    return this.#source.name;
  }
  get kind(): "pcap" | "pcapng" {
    return this.#format.kind;
  }
  /** Of the first interface. */
  get linkType(): number {
    return this.#format.linkType;
  }
  get nanoseconds(): boolean {
    return this.#format.nanoseconds;
  }
  get packets(): number {
    return this.#packets;
  }
  get end(): CaptureEnd | undefined {
    return this.#end;
  }
  get names(): readonly string[] {
    return [this.name];
  }
  get linkTypes(): readonly number[] {
    return [this.linkType];
  }
  get ends(): readonly CaptureEnd[] {
    return this.#end === undefined ? [] : [this.#end];
  }
  get bytesRead(): number {
    return this.#offset;
  }
  get totalBytes(): number | undefined {
    return this.#source.size;
  }

  nextBatch(target: BatchTarget): number {
    const { bytes } = target;
    if (bytes.length < MIN_BATCH_BYTES)
      throw new Error(`a batch needs ${MIN_BATCH_BYTES} bytes, not ${bytes.length}`);
    const out = new RowSink(target, this.#index);
    const win = newWindow(bytes, this.#skip);
    const budget = this.#bytesFor(out.max);
    while (out.count === 0 && this.#end === undefined && out.max > 0) {
      this.#fill(win, bytes, Math.min(Math.max(budget, win.need), bytes.length));
      this.#parse(win, out);
    }
    this.#keep(bytes, win.pos, win.end);
    this.#skip = win.skip;
    this.#packets += out.count;
    return out.count;
  }

  /** Every remaining packet, copied: for tests and small captures. */
  *packetsCopied(): Generator<CapturedPacket> {
    const batch = createBatch();
    for (let n = this.nextBatch(batch); n > 0; n = this.nextBatch(batch)) {
      for (let i = 0; i < n; i++) yield decodeRow(batch, i);
    }
  }

  rewind(): void {
    this.#source.rewind();
    this.#keptLen = 0;
    this.#skip = 0;
    this.#sourceEnded = false;
    this.#end = undefined;
    this.#offset = 0;
    this.#packets = 0;
    this.#format = this.#readHead();
  }

  close(): void {
    this.#source.close();
    this.#end ??= { kind: "eof" };
    this.#keptLen = 0;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Reads what comes before the first packet; the bytes after it are kept. */
  #readHead(): Format {
    const bytes = new Uint8Array(MIN_BATCH_BYTES);
    const win = newWindow(bytes);
    this.#fill(win, bytes, HEAD_READ);
    while (!this.#sourceEnded && win.end < PCAP_HEADER_SIZE) this.#fill(win, bytes, HEAD_READ);
    const magicLe = win.end < 4 ? 0 : win.view.getUint32(0, true);
    if (magicLe === PCAPNG_MAGIC) return this.#readPcapngHead(win, bytes);

    const littleEndian = PCAP_MAGICS.includes(magicLe);
    if (!littleEndian && (win.end < 4 || !PCAP_MAGICS.includes(win.view.getUint32(0, false)))) {
      throw new BpfError("EINVAL", `${this.name}: ${whyNotCapture(win)}`);
    }
    if (win.end < PCAP_HEADER_SIZE) {
      throw new BpfError(
        "EINVAL",
        `${this.name}: truncated: the header needs ${PCAP_HEADER_SIZE} bytes, the file has ${win.end}`,
      );
    }
    const format = new PcapFormat(win.view, littleEndian, this.name);
    this.#offset = PCAP_HEADER_SIZE;
    this.#keep(bytes, PCAP_HEADER_SIZE, win.end);
    return format;
  }

  #readPcapngHead(win: Window, bytes: Uint8Array): Format {
    const format = new PcapngFormat();
    const noRows = new RowSink(createBatch(0, 0), this.#index);
    for (;;) {
      const start = win.pos;
      if (win.skip === 0) format.parseHead(win, noRows);
      this.#offset += win.pos - start;
      if (win.corrupt !== undefined)
        throw new BpfError("EINVAL", `${this.name}: byte ${this.#offset}: ${win.corrupt}`);
      if (format.linkType >= 0) break;
      if (this.#sourceEnded)
        throw new BpfError(
          "EINVAL",
          `${this.name}: truncated at byte ${this.#offset}, before the first interface`,
        );
      this.#fill(win, bytes, Math.max(HEAD_READ, win.need));
    }
    this.#keep(bytes, win.pos, win.end);
    return format;
  }

  /** How much of the file so many rows will want, going by what it has held so far. */
  #bytesFor(rows: number): number {
    const perPacket = this.#packets === 0 ? HEAD_READ : (this.#offset / this.#packets) * 1.1;
    return Math.max(HEAD_READ, Math.ceil(perPacket * rows));
  }

  /** Moves the unparsed rest to the front and reads on behind it; passes over what is to be skipped. */
  #fill(win: Window, bytes: Uint8Array, budget: number): void {
    if (win.pos > 0) bytes.copyWithin(0, win.pos, win.end);
    win.end -= win.pos;
    win.pos = 0;
    win.end += this.#takeKept(bytes, win.end, budget - win.end);
    if (!this.#sourceEnded && win.end < budget) {
      const n = this.#source.read(bytes, win.end, Math.min(MAX_READ, budget - win.end));
      this.#sourceEnded = n === 0;
      win.end += n;
    }
    if (win.skip > 0) {
      const n = Math.min(win.skip, win.end);
      win.pos = n;
      win.skip -= n;
      this.#offset += n;
    }
  }

  #parse(win: Window, out: RowSink): void {
    if (win.skip === 0) {
      const start = win.pos;
      this.#format.parse(win, out);
      this.#offset += win.pos - start;
    }
    const where = `packet ${this.#packets + out.count + 1} at byte ${this.#offset}`;
    const rest = win.end - win.pos;
    if (win.corrupt !== undefined) {
      this.#end = { kind: "corrupt", message: `${this.name}: ${where}: ${win.corrupt}` };
    } else if (this.#sourceEnded && out.count < out.max) {
      const missing =
        win.skip > 0 ? `${win.skip} bytes are missing` : `needs ${win.need} bytes, the file has ${rest}`;
      this.#end =
        rest === 0 && win.skip === 0
          ? { kind: "eof" }
          : { kind: "truncated", message: `${this.name}: truncated: ${where}: ${missing}` };
    }
  }

  #takeKept(bytes: Uint8Array, at: number, max: number): number {
    const n = Math.max(0, Math.min(this.#keptLen, max));
    bytes.set(this.#kept.subarray(0, n), at);
    this.#kept.copyWithin(0, n, this.#keptLen);
    this.#keptLen -= n;
    return n;
  }

  /** Gives bytes that were read but not used back to the source, or keeps them before what is kept already. */
  #keep(bytes: Uint8Array, start: number, end: number): void {
    const rest = end - start;
    if (rest === 0) return;
    if (this.#source.unread(rest)) {
      this.#sourceEnded = false;
      return;
    }
    const total = rest + this.#keptLen;
    if (total > this.#kept.length) {
      const grown = new Uint8Array(2 ** Math.ceil(Math.log2(total)));
      grown.set(this.#kept.subarray(0, this.#keptLen), rest);
      this.#kept = grown;
    } else {
      this.#kept.copyWithin(rest, 0, this.#keptLen);
    }
    this.#kept.set(bytes.subarray(start, end));
    this.#keptLen = total;
  }
}

function newWindow(bytes: Uint8Array, skip = 0): Window {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { view, pos: 0, end: 0, skip, need: 0, corrupt: undefined };
}

// biome-ignore format: table
const OTHER_FILES: readonly { magic: number; mask: number; what: string }[] = [
  { magic: 0x00008b1f, mask: 0xffff,     what: "is compressed with gzip" },
  { magic: 0xfd2fb528, mask: 0xffffffff, what: "is compressed with zstd" },
  { magic: 0xa1b2cd34, mask: 0xffffffff, what: "is in Kuznetzov's variant of pcap, which is not read here" },
  { magic: 0x464c457f, mask: 0xffffffff, what: "is an ELF object, not a capture" },
];

function whyNotCapture(win: Window): string {
  if (win.end === 0) return "is empty";
  if (win.end < 4) return `is not a capture: it has only ${win.end} bytes`;
  const magic = win.view.getUint32(0, true);
  const known = OTHER_FILES.find((row) => (magic & row.mask) >>> 0 === row.magic);
  return (
    known?.what ??
    `is not a pcap or pcapng capture, it begins with 0x${win.view.getUint32(0, false).toString(16).padStart(8, "0")}`
  );
}
