// Reads any capture (pcap of both byte orders, µs and ns; pcapng) and writes it as the little-endian µs pcap the
// kernel oracle takes: same packets, same order, nothing dropped. Independent of src/pcap on purpose: the recorded
// answers must not depend on the reader they later test. For trusted test data; malformed files throw.

export interface Frame {
  readonly tsUs: bigint;
  readonly data: Uint8Array;
  readonly origLen: number;
}

export interface Capture {
  /** LINKTYPE of the first interface; 1 is Ethernet */
  readonly linkType: number;
  readonly frames: readonly Frame[];
}

const PCAP_MAGIC = new Map([
  [0xa1b2c3d4, 1n],
  [0xa1b23c4d, 1000n],
]);

export function readCapture(bytes: Uint8Array): Capture {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) === 0x0a0d0d0a) return readPcapng(bytes, view);
  for (const le of [true, false]) {
    const perUs = PCAP_MAGIC.get(view.getUint32(0, le));
    if (perUs !== undefined) return readPcap(bytes, view, le, perUs);
  }
  throw new Error("not a capture");
}

function readPcap(bytes: Uint8Array, view: DataView, le: boolean, perUs: bigint): Capture {
  const frames: Frame[] = [];
  let off = 24;
  while (off + 16 <= bytes.length) {
    const len = view.getUint32(off + 8, le);
    const end = off + 16 + len;
    if (end > bytes.length) break; // the file ends in the middle of a packet
    frames.push({
      tsUs: BigInt(view.getUint32(off, le)) * 1000000n + BigInt(view.getUint32(off + 4, le)) / perUs,
      data: bytes.subarray(off + 16, end),
      origLen: view.getUint32(off + 12, le),
    });
    off = end;
  }
  return { linkType: view.getUint32(20, le) & 0xffff, frames };
}

interface Interface {
  readonly linkType: number;
  readonly unitsPerS: bigint;
}

function readInterface(view: DataView, off: number, end: number, le: boolean): Interface {
  let unitsPerS = 1000000n;
  let opt = off + 8;
  while (opt + 4 <= end) {
    const code = view.getUint16(opt, le);
    const len = view.getUint16(opt + 2, le);
    if (code === 0) break;
    if (code === 9) {
      const res = view.getUint8(opt + 4);
      unitsPerS = res & 0x80 ? 1n << BigInt(res & 0x7f) : 10n ** BigInt(res);
    }
    opt += 4 + ((len + 3) & ~3);
  }
  return { linkType: view.getUint16(off, le), unitsPerS };
}

function readPcapng(bytes: Uint8Array, view: DataView): Capture {
  const frames: Frame[] = [];
  let interfaces: Interface[] = [];
  let linkType: number | undefined;
  let le = true;
  for (let off = 0; off + 12 <= bytes.length; ) {
    if (view.getUint32(off, true) === 0x0a0d0d0a) {
      le = view.getUint32(off + 8, true) === 0x1a2b3c4d;
      interfaces = [];
    }
    const type = view.getUint32(off, le);
    const len = view.getUint32(off + 4, le);
    if (len < 12 || off + len > bytes.length) break;
    const body = off + 8;
    if (type === 1) {
      interfaces.push(readInterface(view, body, off + len - 4, le));
      linkType ??= interfaces[0]?.linkType;
    } else if (type === 6) {
      const itf = interfaces[view.getUint32(body, le)];
      if (!itf) throw new Error("packet of an unknown interface");
      if (itf.linkType !== linkType) throw new Error("interfaces of different link types");
      const ts = (BigInt(view.getUint32(body + 4, le)) << 32n) | BigInt(view.getUint32(body + 8, le));
      const capLen = view.getUint32(body + 12, le);
      frames.push({
        tsUs: (ts * 1000000n) / itf.unitsPerS,
        data: bytes.subarray(body + 20, body + 20 + capLen),
        origLen: view.getUint32(body + 16, le),
      });
    } else if (type === 2 || type === 3) {
      throw new Error(`pcapng block of type ${type}: not handled`);
    }
    off += len;
  }
  return { linkType: linkType ?? -1, frames };
}

export function writePcapLe(capture: Capture): Uint8Array {
  const size = capture.frames.reduce((n, f) => n + 16 + f.data.length, 24);
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  view.setUint32(0, 0xa1b2c3d4, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, 262144, true);
  view.setUint32(20, capture.linkType, true);
  let off = 24;
  for (const f of capture.frames) {
    view.setUint32(off, Number(f.tsUs / 1000000n), true);
    view.setUint32(off + 4, Number(f.tsUs % 1000000n), true);
    view.setUint32(off + 8, f.data.length, true);
    view.setUint32(off + 12, f.origLen, true);
    out.set(f.data, off + 16);
    off += 16 + f.data.length;
  }
  return out;
}
