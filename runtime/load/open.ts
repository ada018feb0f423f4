// An object that was read but not loaded: its spec can be looked at and edited. Nothing exists yet.
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import type { MapSpec, ObjectSpec, ProgSpec } from "../../src/elf/object_spec.ts";
import { readObject } from "../../src/elf/read_object.ts";
import { BpfError, type ErrnoName, ERRNO } from "../../src/spec/errors.ts";
import { type VariableValue, getVariable, setVariable } from "./variables.ts";

/** Larger files are not BPF objects; the bound keeps a stranger's file from filling memory. */
const MAX_OBJECT_BYTES = 256 << 20;

export class OpenObject {
  constructor(readonly spec: ObjectSpec) {}

  /** The program of this function name; without a name the only one there is. Errors list the names. */
  prog(name?: string): ProgSpec {
    const { progs } = this.spec;
    const names = progs.map((p) => p.name).join(", ");
    if (name !== undefined) {
      const found = progs.find((p) => p.name === name);
      if (found === undefined)
        throw new BpfError(
          "ENOENT",
          `${this.spec.name}: no program '${name}'; there are: ${names || "none"}`,
        );
      return found;
    }
    const [only, ...more] = progs;
    if (only === undefined) throw new BpfError("ENOENT", `${this.spec.name}: no programs`);
    if (more.length > 0)
      throw new BpfError("EINVAL", `${this.spec.name}: ${progs.length} programs, choose one: ${names}`);
    return only;
  }

  /** The map's definition; size, flags and contents may be changed before load. */
  map(name: string): MapSpec {
    const found = this.spec.maps.find((m) => m.name === name);
    if (found === undefined) {
      throw new BpfError(
        "ENOENT",
        `${this.spec.name}: no map '${name}'; there are: ${this.spec.maps.map((m) => m.name).join(", ") || "none"}`,
      );
    }
    return found;
  }

  /**
   * Sets a global variable of `.rodata`, `.data` or `.bss` by its BTF type. Members and elements are named
   * `VAR.member` and `VAR[3]`. Throws BpfError where the variable is not there or the value does not fit.
   */
  set(path: string, value: VariableValue): this {
    setVariable(this.spec, path, value);
    return this;
  }

  /** A global variable's value by its BTF type, as it will be at load. */
  get(path: string): unknown {
    return getVariable(this.spec, path);
  }
}

/**
 * Reads a clang-built BPF object, from a path or from bytes. Throws BpfError with one line that says what,
 * where and why when the file cannot be used.
 */
export function openObject(source: string | Uint8Array, name?: string): OpenObject {
  const label = name ?? (typeof source === "string" ? basename(source) : "object");
  const bytes = typeof source === "string" ? readFileBounded(source) : source;
  return new OpenObject(readObject(bytes, label));
}

function readFileBounded(path: string): Uint8Array {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new BpfError("EISDIR", `open ${path}: is a directory`);
    if (stat.size > MAX_OBJECT_BYTES)
      throw new BpfError("EFBIG", `open ${path}: ${stat.size} bytes is too large for a BPF object`);
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
