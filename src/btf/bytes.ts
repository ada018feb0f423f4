// Bounds-checked little-endian reading of untrusted bytes. Every error names the file, the section and
// the offset. Knows nothing of any format.
import { BpfError } from "../spec/errors.ts";

/** A stretch of a file that knows what it is called. */
export class ByteView {
  readonly #view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    /** what messages start with, e.g. "xdp.o: section .BTF" */
    readonly where: string,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.length;
  }

  fail(off: number, what: string, options?: ErrorOptions): never {
    throw new BpfError("EINVAL", `${this.where}, offset ${hex(off)}: ${what}`, options);
  }

  need(off: number, size: number, what: string): void {
    if (!(off >= 0 && size >= 0 && off + size <= this.bytes.length))
      this.fail(off, `${what} needs ${size} bytes, the section ends at ${hex(this.bytes.length)}`);
  }

  u8(off: number): number {
    this.need(off, 1, "byte");
    return this.#view.getUint8(off);
  }

  u16(off: number): number {
    this.need(off, 2, "16-bit field");
    return this.#view.getUint16(off, true);
  }

  u32(off: number): number {
    this.need(off, 4, "32-bit field");
    return this.#view.getUint32(off, true);
  }

  i32(off: number): number {
    this.need(off, 4, "32-bit field");
    return this.#view.getInt32(off, true);
  }

  u64(off: number): bigint {
    this.need(off, 8, "64-bit field");
    return this.#view.getBigUint64(off, true);
  }

  /** A 64-bit field that must be an offset or size in this file; anything beyond 2^53 is beyond any file. */
  offset(off: number): number {
    return Number(this.u64(off));
  }

  slice(off: number, size: number, what: string): Uint8Array {
    this.need(off, size, what);
    return this.bytes.subarray(off, off + size);
  }
}

export function hex(n: number): string {
  return `0x${n.toString(16)}`;
}

/** The longest name of a type that the kernel accepts (KSYM_NAME_LEN). */
const MAX_NAME = 512;
/** The longest name of a section: it may name a function of user space, and mangled names are long. */
export const MAX_SECTION_NAME = 2048;
/** The longest source line kept; the rest is cut off. */
const MAX_TEXT = 4096;

/**
 * A table of NUL-terminated strings. Strings are slices of one decoded table, so that many overlapping
 * names in a small file cannot become many copies; only a table of which little is asked is left as bytes.
 */
export class StringTable {
  readonly #bytes: Buffer;
  readonly #text: string | undefined;
  readonly #cache = new Map<number, string>();

  constructor(
    readonly view: ByteView,
    use: "all of it" | "little of it" = "all of it",
  ) {
    const b = view.bytes;
    if (b.length > 0 && b[b.length - 1] !== 0) view.fail(b.length - 1, "string table does not end with 0");
    this.#bytes = Buffer.from(b.buffer, b.byteOffset, b.byteLength);
    this.#text = use === "all of it" ? this.#bytes.toString("latin1") : undefined;
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** The name at an offset; `user` says who refers to it, for the message. */
  name(off: number, user: () => string, max: number = MAX_NAME): string {
    const known = this.#cache.get(off);
    if (known !== undefined) return known;
    const end = this.#end(off, max, user);
    if (end < 0) this.view.fail(off, `name of ${user()} is longer than ${max} characters`);
    return this.#keep(off, end);
  }

  /** A source line or path at an offset; cut off when very long. */
  text(off: number, user: () => string): string {
    const known = this.#cache.get(off);
    if (known !== undefined) return known;
    const end = this.#end(off, MAX_TEXT, user);
    return end < 0 ? utf8(this.#slice(off, off + MAX_TEXT)) : this.#keep(off, end);
  }

  #slice(from: number, to: number): string {
    return this.#text?.slice(from, to) ?? this.#bytes.toString("latin1", from, to);
  }

  #end(off: number, max: number, user: () => string): number {
    if (!(off >= 0 && off < this.length))
      this.view.fail(off, `name of ${user()} lies outside the string table of ${this.length} bytes`);
    const end = this.#slice(off, off + max + 1).indexOf("\0");
    return end < 0 ? -1 : off + end;
  }

  #keep(off: number, end: number): string {
    const raw = this.#slice(off, end);
    const s = raw.length > MAX_NAME ? raw : utf8(raw); // no copies of what is long
    this.#cache.set(off, s);
    return s;
  }
}

function utf8(latin1: string): string {
  return /^\p{ASCII}*$/u.test(latin1) ? latin1 : Buffer.from(latin1, "latin1").toString("utf8");
}
