// pcapng: sections of blocks, each section in its own byte order with its own interfaces. Reads section
// header, interface, enhanced, simple and (obsolete) packet blocks; passes over all others whatever their
// size. The spec is draft-ietf-opsawg-pcapng.
import { type Format, MAX_CAPLEN, type Window } from "./format.ts";
import { MIN_BATCH_BYTES, type RowSink } from "./rows.ts";
import { type Ns, TickScale } from "./timestamp.ts";

export const PCAPNG_MAGIC = 0x0a0d0d0a; // reads the same in both byte orders
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const MAX_INTERFACES = 65536;
const FRAMING = 12; // type, length, …, length again

interface Interface {
  readonly linkType: number;
  readonly snaplen: number;
  readonly nanoseconds: boolean;
  readonly scale: TickScale;
}

/** Parses a block whose body is [start, end); a string says what is wrong with it. */
type ParseBlock = (
  format: PcapngFormat,
  view: DataView,
  start: number,
  end: number,
  out: RowSink,
) => string | undefined;

export class PcapngFormat implements Format {
  readonly kind = "pcapng";
  #littleEndian = true;
  #inSection = false;
  #interfaces: Interface[] = [];
  #first: Interface | undefined;
  readonly #ns: Ns = { hi: 0, lo: 0 };

  // biome-ignore format: table
  static readonly #PARSE_BLOCK: Readonly<Record<number, ParseBlock>> = {
    [PCAPNG_MAGIC]: (f, view, start, end) => f.#section(view, start, end),
    1:              (f, view, start, end) => f.#interface(view, start, end),
    2:              (f, view, start, end, out) => f.#packet(view, start, end, out, true),
    3:              (f, view, start, end, out) => f.#simplePacket(view, start, end, out),
    6:              (f, view, start, end, out) => f.#packet(view, start, end, out, false),
  };

  /** The first interface's; -1 until one has been read. */
  get linkType(): number {
    return this.#first?.linkType ?? -1;
  }

  get nanoseconds(): boolean {
    return this.#first?.nanoseconds ?? false;
  }

  parse(win: Window, out: RowSink): void {
    for (win.need = 0; out.count < out.max && win.corrupt === undefined; ) {
      if (!this.#parseBlock(win, out)) return;
    }
  }

  /** Parses blocks up to the first interface; no packet can come before it. */
  parseHead(win: Window, out: RowSink): void {
    for (win.need = 0; this.#first === undefined && win.corrupt === undefined; ) {
      if (!this.#parseBlock(win, out)) return;
    }
  }

  /** False where the window must first hold more, or the block is corrupt. */
  #parseBlock(win: Window, out: RowSink): boolean {
    const { view, pos } = win;
    const have = win.end - pos;
    if (have < FRAMING) return needs(win, FRAMING);
    const isSection = view.getUint32(pos, true) === PCAPNG_MAGIC;
    if (isSection && !this.#setByteOrder(view, pos + 8))
      return isCorrupt(win, "section without a byte-order magic");
    if (!isSection && !this.#inSection) return isCorrupt(win, "block outside of a section");
    const le = this.#littleEndian;
    const type = view.getUint32(pos, le);
    const length = view.getUint32(pos + 4, le);
    if (length < FRAMING || length % 4 !== 0) return isCorrupt(win, `block length ${length} is not possible`);

    const parse = PcapngFormat.#PARSE_BLOCK[isSection ? PCAPNG_MAGIC : type];
    if (parse === undefined) return passOver(win, length);
    if (length > MIN_BATCH_BYTES)
      return isCorrupt(win, `block of type ${type} has length ${length}, above ${MIN_BATCH_BYTES}`);
    if (have < length) return needs(win, length);
    const trailer = view.getUint32(pos + length - 4, le);
    if (trailer !== length)
      return isCorrupt(win, `block length is ${length} at its start, ${trailer} at its end`);
    const wrong = parse(this, view, pos + 8, pos + length - 4, out);
    if (wrong !== undefined) return isCorrupt(win, wrong);
    win.pos = pos + length;
    return true;
  }

  #setByteOrder(view: DataView, at: number): boolean {
    this.#littleEndian = view.getUint32(at, true) === BYTE_ORDER_MAGIC;
    return this.#littleEndian || view.getUint32(at, false) === BYTE_ORDER_MAGIC;
  }

  #section(view: DataView, start: number, end: number): string | undefined {
    if (end - start < 16) return "section header is too short";
    const major = view.getUint16(start + 4, this.#littleEndian);
    if (major !== 1)
      return `pcapng version ${major}.${view.getUint16(start + 6, this.#littleEndian)}, expected 1.x`;
    this.#inSection = true;
    this.#interfaces = [];
    return undefined;
  }

  #interface(view: DataView, start: number, end: number): string | undefined {
    const le = this.#littleEndian;
    if (end - start < 8) return "interface block is too short";
    if (this.#interfaces.length >= MAX_INTERFACES) return `more than ${MAX_INTERFACES} interfaces`;
    const options = parseOptions(view, start + 8, end, le);
    if (typeof options === "string") return options;
    const snaplen = view.getUint32(start + 4, le);
    const iface = {
      linkType: view.getUint16(start, le),
      snaplen: snaplen === 0 || snaplen > MAX_CAPLEN ? MAX_CAPLEN : snaplen,
      nanoseconds: options.perSec > 1_000_000n,
      scale: new TickScale(options.perSec, options.offsetSec),
    };
    this.#interfaces.push(iface);
    this.#first ??= iface;
    return undefined;
  }

  /** Enhanced and obsolete packet blocks differ in their first four bytes only. */
  #packet(view: DataView, start: number, end: number, out: RowSink, obsolete: boolean): string | undefined {
    if (end - start < 20) return "packet block is too short";
    const le = this.#littleEndian;
    const ifindex = obsolete ? view.getUint16(start, le) : view.getUint32(start, le);
    const iface = this.#interfaces[ifindex];
    if (iface === undefined) return `packet on interface ${ifindex}, which is not described`;
    const caplen = view.getUint32(start + 12, le);
    if (caplen > end - start - 20) return `captured length ${caplen} is more than its block holds`;
    if (caplen > iface.snaplen)
      return `captured length ${caplen} is above the snapshot length ${iface.snaplen}`;
    iface.scale.set(this.#ns, view.getUint32(start + 4, le), view.getUint32(start + 8, le));
    out.push(start + 20, caplen, this.#ns.hi, this.#ns.lo, view.getUint32(start + 16, le), iface.linkType);
    return undefined;
  }

  /** A simple packet has interface 0 and no timestamp: time zero, as libpcap gives it. */
  #simplePacket(view: DataView, start: number, end: number, out: RowSink): string | undefined {
    const iface = this.#interfaces[0];
    if (end - start < 4) return "packet block is too short";
    if (iface === undefined) return "packet on interface 0, which is not described";
    const origLen = view.getUint32(start, this.#littleEndian);
    const caplen = Math.min(origLen, iface.snaplen);
    if (caplen > end - start - 4) return `captured length ${caplen} is more than its block holds`;
    out.push(start + 4, caplen, 0, 0, origLen, iface.linkType);
    return undefined;
  }
}

function needs(win: Window, bytes: number): false {
  win.need = bytes;
  return false;
}

function isCorrupt(win: Window, reason: string): false {
  win.corrupt = reason;
  return false;
}

function passOver(win: Window, length: number): boolean {
  const here = Math.min(length, win.end - win.pos);
  win.pos += here;
  win.skip = length - here;
  return win.skip === 0;
}

/** if_tsresol (9) and if_tsoffset (14) of an interface block; a string says what is wrong. */
function parseOptions(
  view: DataView,
  start: number,
  end: number,
  le: boolean,
): { perSec: bigint; offsetSec: bigint } | string {
  let perSec = 1_000_000n;
  let offsetSec = 0n;
  for (let pos = start; end - pos >= 4; ) {
    const code = view.getUint16(pos, le);
    const length = view.getUint16(pos + 2, le);
    if (code === 0) break;
    if (length > end - pos - 4) return `interface option ${code} runs past its block`;
    if (code === 9 && length === 1) {
      const resol = view.getUint8(pos + 4);
      const exponent = resol & 0x7f;
      if (exponent > (resol & 0x80 ? 63 : 19))
        return `interface timestamp resolution 0x${resol.toString(16)} is not possible`;
      perSec = (resol & 0x80 ? 2n : 10n) ** BigInt(exponent);
    }
    if (code === 14 && length === 8) offsetSec = view.getBigInt64(pos + 4, le);
    pos += 4 + Math.ceil(length / 4) * 4;
  }
  return { perSec, offsetSec };
}
