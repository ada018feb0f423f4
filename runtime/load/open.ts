// An object that was read but not loaded: its spec can be looked at and edited. Nothing exists yet.
import { basename } from "node:path";
import type { MapSpec, ObjectSpec, ProgSpec } from "../../src/elf/object_spec.ts";
import { readObject } from "../../src/elf/read_object.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { addKconfig } from "./externs.ts";
import { Outside, type OutsideFiles, RUNNING } from "./outside.ts";
import { readBounded } from "./read_bounded.ts";
import { type VariableValue, getVariable, setVariable } from "./variables.ts";

export class OpenObject {
  constructor(
    readonly spec: ObjectSpec,
    /** what loading resolves the object's names against */
    readonly outside: Outside = RUNNING,
  ) {}

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

export interface OpenOptions extends OutsideFiles {
  /** the file's name for messages, where `source` is bytes */
  readonly name?: string;
}

/**
 * Reads a clang-built BPF object, from a path or from bytes. What it asks of the kernel (types, configuration) is
 * looked up in the files named, else in the running kernel. Throws BpfError with one line that says what, where and
 * why when a file cannot be used.
 */
export function openObject(source: string | Uint8Array, options: OpenOptions = {}): OpenObject {
  const label = options.name ?? (typeof source === "string" ? basename(source) : "object");
  const bytes = typeof source === "string" ? readBounded(source) : source;
  const outside = (options.btf ?? options.modules ?? options.kconfig) ? new Outside(options) : RUNNING;
  return new OpenObject(addKconfig(readObject(bytes, label), outside), outside);
}
