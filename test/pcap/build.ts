// Small captures by hand, in any byte order, for tests: the writer under test is not used here.
import { createHash } from "node:crypto";

export interface TestPacket {
  readonly sec?: number;
  /** µs or ns, as the file counts */
  readonly frac?: number;
  readonly data: Uint8Array;
  readonly origLen?: number;
  /** what the record claims, where that differs from data.length */
  readonly caplen?: number;
}

export class Bytes {
  readonly #parts: Uint8Array[] = [];
  constructor(readonly le: boolean) {}

  u16(...values: number[]): this {
    return this.#put(2, values, (view, v) => view.setUint16(0, v, this.le));
  }
  u32(...values: number[]): this {
    return this.#put(4, values, (view, v) => view.setUint32(0, v >>> 0, this.le));
  }
  i64(value: bigint): this {
    const b = new Uint8Array(8);
    new DataView(b.buffer).setBigInt64(0, value, this.le);
    return this.raw(b);
  }
  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }
  /** zeros up to a multiple of 4 */
  pad(): this {
    return this.raw(new Uint8Array(-this.length & 3));
  }
  get length(): number {
    return this.#parts.reduce((sum, p) => sum + p.length, 0);
  }
  done(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#parts));
  }
  #put(size: number, values: number[], set: (view: DataView, v: number) => void): this {
    for (const v of values) {
      const b = new Uint8Array(size);
      set(new DataView(b.buffer), v);
      this.#parts.push(b);
    }
    return this;
  }
}

export interface PcapOptions {
  readonly le?: boolean;
  readonly magic?: number;
  readonly minor?: number;
  readonly snaplen?: number;
  readonly linkType?: number;
}

export function buildPcap(packets: readonly TestPacket[], o: PcapOptions = {}): Uint8Array {
  const out = new Bytes(o.le ?? true)
    .u32(o.magic ?? 0xa1b2c3d4)
    .u16(2, o.minor ?? 4)
    .u32(0, 0);
  out.u32(o.snaplen ?? 262144, o.linkType ?? 1);
  for (const p of packets) {
    out.u32(p.sec ?? 0, p.frac ?? 0, p.caplen ?? p.data.length, p.origLen ?? p.data.length).raw(p.data);
  }
  return out.done();
}

export function block(le: boolean, type: number, body: Uint8Array): Uint8Array {
  const length = 12 + body.length + (-body.length & 3);
  return new Bytes(le).u32(type, length).raw(body).pad().u32(length).done();
}

export function sectionBlock(le = true): Uint8Array {
  return block(le, 0x0a0d0d0a, new Bytes(le).u32(0x1a2b3c4d).u16(1, 0).i64(-1n).done());
}

export function interfaceBlock(
  o: { le?: boolean; linkType?: number; snaplen?: number; tsresol?: number; tsoffset?: bigint } = {},
): Uint8Array {
  const le = o.le ?? true;
  const body = new Bytes(le).u16(o.linkType ?? 1, 0).u32(o.snaplen ?? 0);
  if (o.tsresol !== undefined) body.u16(9, 1).raw(Uint8Array.of(o.tsresol, 0, 0, 0));
  if (o.tsoffset !== undefined) body.u16(14, 8).i64(o.tsoffset);
  return block(le, 1, body.u16(0, 0).done());
}

export function packetBlock(
  data: Uint8Array,
  ticks: bigint,
  o: { le?: boolean; ifindex?: number; origLen?: number; obsolete?: boolean; caplen?: number } = {},
): Uint8Array {
  const le = o.le ?? true;
  const body = new Bytes(le);
  if (o.obsolete) body.u16(o.ifindex ?? 0, 0);
  else body.u32(o.ifindex ?? 0);
  body.u32(
    Number(ticks >> 32n),
    Number(ticks & 0xffffffffn),
    o.caplen ?? data.length,
    o.origLen ?? data.length,
  );
  return block(le, o.obsolete ? 2 : 6, body.raw(data).done());
}

export function simplePacketBlock(data: Uint8Array, origLen = data.length, le = true): Uint8Array {
  return block(le, 3, new Bytes(le).u32(origLen).raw(data).done());
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** `length` bytes that differ from packet to packet. */
export function payload(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 0xff);
}

/** A packet in one short line, bytes as a hash: quick to compare by the thousand. */
export function fmtPacket(p: { tsNs: bigint; origLen: number; linkType: number; data: Uint8Array }): string {
  return `${p.tsNs} ${p.data.length}/${p.origLen} ${p.linkType} ${createHash("sha1").update(p.data).digest("hex")}`;
}
