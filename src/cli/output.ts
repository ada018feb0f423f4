// How commands print: JSON documents, aligned tables, file sinks. Knows nothing of what is printed.
import { closeSync, openSync, writeSync } from "node:fs";
import { BpfError, type ErrnoName, ERRNO } from "../spec/errors.ts";

/** The one JSON document of a command. 64-bit values arrive as strings already. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Columns padded to their widest cell, numbers to the right; "" when there are no rows. */
export function fmtTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  if (rows.length === 0) return "";
  const cells = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, i) => Math.max(...cells.map((row) => (row[i] ?? "").length)));
  const rightAligned = head.map((_, i) => rows.every((row) => typeof row[i] === "number"));
  return cells
    .map((row) =>
      row
        .map((cell, i) =>
          rightAligned[i] === true ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** An error of the file system as one line naming the file, `-` as what it stands for. */
export function fileError(action: string, path: string, cause: unknown): BpfError {
  const code = (cause as NodeJS.ErrnoException).code ?? "EIO";
  const name: ErrnoName = code in ERRNO ? (code as ErrnoName) : "EIO";
  const words = /^[A-Z0-9]+: ([^,]*)/.exec((cause as Error).message)?.[1] ?? (cause as Error).message;
  return new BpfError(name, `${action} ${path === "-" ? "standard output" : path}: ${words}`, { cause });
}

/** Text written in large pieces; `-` is standard output. Complete on close, whatever ended the run. */
export class TextSink {
  readonly #fd: number;
  #pending: string[] = [];
  #size = 0;

  constructor(readonly path: string) {
    try {
      this.#fd = path === "-" ? 1 : openSync(path, "w");
    } catch (cause) {
      throw fileError("open", path, cause);
    }
  }

  write(text: string): void {
    this.#pending.push(text);
    this.#size += text.length;
    if (this.#size > 1 << 18) this.#flush();
  }

  #flush(): void {
    const bytes = Buffer.from(this.#pending.join(""));
    this.#pending = [];
    this.#size = 0;
    try {
      writeAll(this.#fd, bytes);
    } catch (cause) {
      throw fileError("write", this.path, cause);
    }
  }

  close(): void {
    this.#flush();
    if (this.#fd !== 1) closeSync(this.#fd);
  }
}

/** Writes every byte, waiting for a pipe that is full. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
