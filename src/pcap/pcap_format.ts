// The classic capture file: a 24-byte header, then records of 16 bytes and data. Follows libpcap where
// files disobey: old minor versions swap the lengths, data beyond the snapshot length is cut off.
import { BpfError } from "../spec/errors.ts";
import { type Format, MAX_CAPLEN, type Window } from "./format.ts";
import type { RowSink } from "./rows.ts";
import { type Ns, setSecNs } from "./timestamp.ts";

export const PCAP_HEADER_SIZE = 24;
export const PCAP_RECORD_SIZE = 16;
export const PCAP_MAGIC_US = 0xa1b2c3d4;
export const PCAP_MAGIC_NS = 0xa1b23c4d;

/** Lengths of a record changed places in version 2.3: before it always, in it in some files. */
type LengthOrder = "caplen first" | "whichever is less" | "origlen first";

export class PcapFormat implements Format {
  readonly kind = "pcap";
  readonly linkType: number;
  readonly nanoseconds: boolean;
  readonly #littleEndian: boolean;
  readonly #snaplen: number;
  readonly #order: LengthOrder;
  readonly #ns: Ns = { hi: 0, lo: 0 };

  /** `header` holds the first 24 bytes. */
  constructor(header: DataView, littleEndian: boolean, name: string) {
    const u16 = (off: number) => header.getUint16(off, littleEndian);
    const u32 = (off: number) => header.getUint32(off, littleEndian);
    this.nanoseconds = u32(0) === PCAP_MAGIC_NS;
    if (u16(4) !== 2) throw new BpfError("EINVAL", `${name}: pcap version ${u16(4)}.${u16(6)}, expected 2.x`);
    this.#littleEndian = littleEndian;
    this.#order = u16(6) < 3 ? "origlen first" : u16(6) === 3 ? "whichever is less" : "caplen first";
    const snaplen = u32(16);
    this.#snaplen = snaplen === 0 || snaplen > MAX_CAPLEN ? MAX_CAPLEN : snaplen;
    this.linkType = u32(20) & 0x03ffffff; // above are the length of the FCS and its flag
    if (this.linkType > 0xffff)
      throw new BpfError("EINVAL", `${name}: link type ${this.linkType} is out of range`);
  }

  parse(win: Window, out: RowSink): void {
    const { view, end } = win;
    const le = this.#littleEndian;
    const scale = this.nanoseconds ? 1 : 1000;
    const ns = this.#ns;
    let pos = win.pos;
    for (win.need = 0; out.count < out.max; ) {
      if (end - pos < PCAP_RECORD_SIZE) {
        win.need = PCAP_RECORD_SIZE;
        break;
      }
      let caplen = view.getUint32(pos + 8, le);
      let origLen = view.getUint32(pos + 12, le);
      if (this.#order !== "caplen first" && (this.#order === "origlen first" || caplen > origLen)) {
        [caplen, origLen] = [origLen, caplen];
      }
      if (caplen > MAX_CAPLEN) {
        win.corrupt = `captured length ${caplen} is above ${MAX_CAPLEN}`;
        break;
      }
      const next = pos + PCAP_RECORD_SIZE + caplen;
      if (next > end) {
        win.need = next - pos;
        break;
      }
      setSecNs(ns, view.getUint32(pos, le), view.getUint32(pos + 4, le) * scale);
      const len = caplen > this.#snaplen ? this.#snaplen : caplen;
      out.push(pos + PCAP_RECORD_SIZE, len, ns.hi, ns.lo, origLen, this.linkType);
      pos = next;
    }
    win.pos = pos;
  }
}
