// A whole file, of a size that cannot fill memory; what is wrong is one line.
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { BpfError, type ErrnoName, ERRNO } from "../../src/spec/errors.ts";

/** Larger files are no BPF objects, types or configurations. */
const MAX_BYTES = 256 << 20;

export function readBounded(path: string): Uint8Array {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new BpfError("EISDIR", `open ${path}: is a directory`);
    if (stat.size > MAX_BYTES) throw new BpfError("EFBIG", `open ${path}: ${stat.size} bytes is too large`);
    return readFileSync(fd);
  } catch (cause) {
    if (cause instanceof BpfError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? "EIO";
    const words = /^[A-Z0-9]+: ([^,]*)/.exec((cause as Error).message)?.[1] ?? (cause as Error).message;
    throw new BpfError(code in ERRNO ? (code as ErrnoName) : "EIO", `open ${path}: ${words}`, { cause });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
