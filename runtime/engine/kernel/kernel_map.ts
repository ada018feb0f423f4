// A map of the running kernel with the face of ours: raw bytes in and out, per-CPU values as a list, one for each
// possible CPU. What a program array's slot means is the object's business.
import { readFileSync } from "node:fs";
import { BpfError } from "../../../src/spec/errors.ts";
import { MAP_TYPES } from "../../../src/spec/map_types.ts";
import type { MapDef } from "../../../src/verifier/proof.ts";
import type { BpfSys } from "./sys.ts";

export type KernelValue = Uint8Array | Uint8Array[];

/** CPUs the kernel keeps values for, from a list such as "0-3,8". */
function possibleCpus(): number {
  const text = readFileSync("/sys/devices/system/cpu/possible", "utf8");
  const last = /(\d+)\s*$/.exec(text)?.[1];
  if (last === undefined) throw new BpfError("EINVAL", `possible CPUs: '${text.trim()}'`);
  return Number(last) + 1;
}

let cpus: number | undefined;
export const kernelCpus = (): number => (cpus ??= possibleCpus());

const round8 = (n: number): number => (n + 7) & ~7;

export class KernelMap {
  readonly perCpu: boolean;

  constructor(
    readonly sys: BpfSys,
    readonly fd: number,
    readonly shape: MapDef,
    /** tells maps of one object apart, as an address does in a world */
    readonly addr: number,
  ) {
    this.perCpu = MAP_TYPES[shape.type].perCpu;
  }

  get name(): string {
    return this.shape.name;
  }

  get ncpus(): number {
    return kernelCpus();
  }

  get #room(): number {
    return this.perCpu ? round8(this.shape.valueSize) * this.ncpus : this.shape.valueSize;
  }

  lookup(key: Uint8Array): KernelValue | undefined {
    this.#checkKey(key);
    const out = new Uint8Array(this.#room);
    if (!this.sys.mapLookup(this.fd, key, out)) return undefined;
    const size = this.shape.valueSize;
    const values = this.perCpu
      ? Array.from({ length: this.ncpus }, (_, i) => out.slice(i * round8(size), i * round8(size) + size))
      : [out];
    for (const value of values)
      for (const f of this.shape.specialFields) value.fill(0, f.off, f.off + f.size);
    return this.perCpu ? values : values[0];
  }

  update(key: Uint8Array, value: KernelValue, flags = 0): void {
    this.#checkKey(key);
    const parts = value instanceof Uint8Array ? [value] : value;
    const { valueSize } = this.shape;
    if (parts.length !== (this.perCpu ? this.ncpus : 1) || parts.some((p) => p.length !== valueSize)) {
      throw new BpfError(
        "EINVAL",
        `map '${this.name}': takes ${this.perCpu ? `a list of ${this.ncpus} values` : "one value"} of ${valueSize} bytes`,
      );
    }
    const room = new Uint8Array(this.#room);
    for (const [i, part] of parts.entries()) room.set(part, i * round8(valueSize));
    try {
      this.sys.mapUpdate(this.fd, key, room, BigInt(flags));
    } catch (cause) {
      if (!(cause instanceof BpfError)) throw cause;
      throw new BpfError(cause.code, `update map '${this.name}': ${cause.message}`, { cause });
    }
  }

  /** False if there was no such key. */
  delete(key: Uint8Array): boolean {
    this.#checkKey(key);
    return this.sys.mapDelete(this.fd, key);
  }

  *entries(): Generator<[key: Uint8Array, value: KernelValue]> {
    if (this.shape.type === "perf_event_array") return;
    const next = new Uint8Array(this.shape.keySize);
    let key: Uint8Array | undefined;
    while (this.sys.mapNextKey(this.fd, key, next)) {
      key = next.slice();
      const value = this.lookup(key);
      if (value !== undefined && !this.#isEmptySlot(value)) yield [key, value];
    }
  }

  /** A device map of the kernel has no element in an empty slot, a program array neither: ifindex 0 is none. */
  #isEmptySlot(value: KernelValue): boolean {
    return (
      MAP_TYPES[this.shape.type].holds !== "bytes" &&
      value instanceof Uint8Array &&
      value.every((b) => b === 0)
    );
  }

  #checkKey(key: Uint8Array): void {
    if (key.length !== this.shape.keySize)
      throw new BpfError(
        "EINVAL",
        `map '${this.name}': a key has ${this.shape.keySize} bytes, not ${key.length}`,
      );
  }
}
