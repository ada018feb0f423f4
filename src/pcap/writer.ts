// A pcap file out, record by record through one buffer of fixed size. Only whole records reach the file:
// after a failed write the file is cut back to the last one. Knows nothing of how packets were read.
import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { BpfError } from "../spec/errors.ts";
import { systemError } from "./byte_source.ts";
import { MAX_CAPLEN } from "./format.ts";
import { LINKTYPE_ETHERNET } from "./link_types.ts";
import { PCAP_HEADER_SIZE, PCAP_MAGIC_NS, PCAP_MAGIC_US, PCAP_RECORD_SIZE } from "./pcap_format.ts";
import { splitSecNs } from "./timestamp.ts";

const BUFFER_BYTES = PCAP_RECORD_SIZE + MAX_CAPLEN;
const STDOUT = 1;

export interface WriterOptions {
  /** default Ethernet */
  readonly linkType?: number;
  /** nanosecond timestamps; by default microseconds, what is finer is cut off */
  readonly nanoseconds?: boolean;
  readonly snaplen?: number;
}

export class CaptureWriter {
  readonly name: string;
  readonly #fd: number;
  readonly #isFile: boolean;
  readonly #nanoseconds: boolean;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  readonly #view = new DataView(this.#buffer.buffer);
  #used = 0;
  /** bytes in the file, always a whole number of records */
  #flushed = 0;
  #open = true;
  #packets = 0;

  /** `-` is standard output. */
  static create(path: string, options: WriterOptions = {}): CaptureWriter {
    if (path === "-") return new CaptureWriter("standard output", STDOUT, options);
    try {
      return new CaptureWriter(path, openSync(path, "w", 0o644), options);
    } catch (cause) {
      throw cause instanceof BpfError ? cause : systemError(`create ${path}`, cause);
    }
  }

  private constructor(name: string, fd: number, options: WriterOptions) {
    this.name = name;
    this.#fd = fd;
    this.#isFile = fd !== STDOUT && fstatSync(fd).isFile();
    this.#nanoseconds = options.nanoseconds ?? false;
    const view = this.#view;
    view.setUint32(0, this.#nanoseconds ? PCAP_MAGIC_NS : PCAP_MAGIC_US, true);
    view.setUint16(4, 2, true);
    view.setUint16(6, 4, true);
    view.setUint32(16, options.snaplen ?? MAX_CAPLEN, true);
    view.setUint32(20, options.linkType ?? LINKTYPE_ETHERNET, true);
    this.#used = PCAP_HEADER_SIZE;
  }

  get packets(): number {
    return this.#packets;
  }

  /** The packet is memory[start, start + len); the time is in halves as rows have it. */
  write(memory: Uint8Array, start: number, len: number, tsHi: number, tsLo: number, origLen: number): void {
    if (!this.#open) throw new Error(`write to ${this.name} after close`);
    if (len > MAX_CAPLEN)
      throw new BpfError("EMSGSIZE", `${this.name}: a packet of ${len} bytes is above ${MAX_CAPLEN}`);
    const { sec, ns } = splitSecNs(tsHi, tsLo);
    if (sec < 0 || sec > 0xffffffff) {
      throw new BpfError(
        "EOVERFLOW",
        `${this.name}: the time of packet ${this.#packets + 1} is beyond the year 2106`,
      );
    }
    if (this.#used + PCAP_RECORD_SIZE + len > BUFFER_BYTES) this.flush();
    const at = this.#used;
    const view = this.#view;
    view.setUint32(at, sec, true);
    view.setUint32(at + 4, this.#nanoseconds ? ns : Math.floor(ns / 1000), true);
    view.setUint32(at + 8, len, true);
    view.setUint32(at + 12, origLen, true);
    this.#buffer.set(memory.subarray(start, start + len), at + PCAP_RECORD_SIZE);
    this.#used = at + PCAP_RECORD_SIZE + len;
    this.#packets++;
  }

  writePacket(data: Uint8Array, tsNs: bigint, origLen = data.length): void {
    this.write(
      data,
      0,
      data.length,
      Number((tsNs >> 32n) & 0xffffffffn),
      Number(tsNs & 0xffffffffn),
      origLen,
    );
  }

  /** Whole records made elsewhere, in this file's byte order and time resolution. */
  append(records: Uint8Array): void {
    if (!this.#open) throw new Error(`write to ${this.name} after close`);
    this.flush();
    try {
      writeAll(this.#fd, records, records.length);
    } catch (cause) {
      this.#abandon();
      throw systemError(`write ${this.name}`, cause);
    }
    this.#flushed += records.length;
  }

  flush(): void {
    try {
      writeAll(this.#fd, this.#buffer, this.#used);
    } catch (cause) {
      this.#abandon();
      throw systemError(`write ${this.name}`, cause);
    }
    this.#flushed += this.#used;
    this.#used = 0;
  }

  /** Completes the file. Again is harmless. */
  close(): void {
    if (!this.#open) return;
    this.flush();
    this.#open = false;
    if (this.#fd !== STDOUT) closeSync(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #abandon(): void {
    this.#open = false;
    if (this.#isFile) ftruncateSync(this.#fd, this.#flushed);
    if (this.#fd !== STDOUT) closeSync(this.#fd);
  }
}

/** All of it, also into a pipe whose other end made it non-blocking. */
function writeAll(fd: number, bytes: Uint8Array, length: number): void {
  for (let at = 0; at < length; ) {
    try {
      at += writeSync(fd, bytes, at, length - at);
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code !== "EAGAIN") throw e;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1); // a pause of 1 ms
    }
  }
}
