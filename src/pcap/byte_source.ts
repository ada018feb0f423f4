// Bytes in order, from a file descriptor or from memory; and errors of the system in one line.
// Reads into the caller's memory and keeps none of its own. Knows nothing of captures.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { BpfError, ERRNO, type ErrnoName } from "../spec/errors.ts";

export interface ByteSource {
  /** for messages */
  readonly name: string;
  /** undefined for a pipe */
  readonly size: number | undefined;
  /** Fills at most dst[at, at + max); 0 is the end. */
  read(dst: Uint8Array, at: number, max: number): number;
  /** The next read begins `n` bytes earlier; false for a pipe, which forgets what it gave. */
  unread(n: number): boolean;
  /** Back to the first byte; a pipe refuses. */
  rewind(): void;
  close(): void;
}

/** A failed system call as the user's error: `open x.pcap: no such file or directory`. */
export function systemError(what: string, cause: unknown): BpfError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const known = code !== undefined && code in ERRNO ? (code as ErrnoName) : "EIO";
  // Node's own text is "ENOENT: no such file or directory, open 'x'"
  const reason = /^[A-Z0-9]+: ([^,]*)/.exec(message)?.[1] ?? message;
  return new BpfError(known, `${what}: ${reason}`, { cause });
}

export class FileSource implements ByteSource {
  readonly name: string;
  readonly size: number | undefined;
  readonly #fd: number;
  #pos = 0;
  #open = true;

  constructor(path: string) {
    this.name = path;
    try {
      this.#fd = openSync(path, "r");
    } catch (cause) {
      throw systemError(`open ${path}`, cause);
    }
    const st = fstatSync(this.#fd);
    if (st.isDirectory()) {
      this.close();
      throw new BpfError("EISDIR", `open ${path}: is a directory`);
    }
    this.size = st.isFile() ? st.size : undefined;
  }

  read(dst: Uint8Array, at: number, max: number): number {
    try {
      const n = readSync(this.#fd, dst, at, max, this.size === undefined ? null : this.#pos);
      this.#pos += n;
      return n;
    } catch (cause) {
      throw systemError(`read ${this.name}`, cause);
    }
  }

  unread(n: number): boolean {
    this.#pos -= n;
    return this.size !== undefined;
  }

  rewind(): void {
    if (this.size === undefined) throw new BpfError("ESPIPE", `${this.name}: a pipe cannot be read twice`);
    this.#pos = 0;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#fd);
  }
}

export class MemorySource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #bytes: Uint8Array;
  #pos = 0;

  constructor(bytes: Uint8Array, name: string) {
    this.name = name;
    this.size = bytes.length;
    this.#bytes = bytes;
  }

  read(dst: Uint8Array, at: number, max: number): number {
    const n = Math.min(max, this.size - this.#pos);
    dst.set(this.#bytes.subarray(this.#pos, this.#pos + n), at);
    this.#pos += n;
    return n;
  }

  unread(n: number): boolean {
    this.#pos -= n;
    return true;
  }

  rewind(): void {
    this.#pos = 0;
  }

  close(): void {}
}
