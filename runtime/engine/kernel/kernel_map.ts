// A map of the running kernel with the face of ours: raw bytes in and out, per-CPU values as a list, one for each
// possible CPU. What a program array's slot means is the object's business.
import { readFileSync } from "node:fs";
import { BpfError, ERRNO, errnoName } from "../../../src/spec/errors.ts";
import type { BatchOp } from "../../../src/spec/map_batch.ts";
import { MAP_TYPES } from "../../../src/spec/map_types.ts";
import type { MapDef } from "../../../src/verifier/proof.ts";
import { BatchError, type MapBatch } from "../../map/batch.ts";
import type { BatchCall, BpfSys } from "./sys.ts";

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
    return this.sys.mapLookup(this.fd, key, out) ? this.#value(out) : undefined;
  }

  /** A value, or every CPU's, of bytes as the kernel writes them. */
  #value(out: Uint8Array): KernelValue {
    const size = this.shape.valueSize;
    const values = this.perCpu
      ? Array.from({ length: this.ncpus }, (_, i) => out.slice(i * round8(size), i * round8(size) + size))
      : [out];
    for (const value of values)
      for (const f of this.shape.specialFields) value.fill(0, f.off, f.off + f.size);
    return this.perCpu ? values : out;
  }

  /** The same bytes of a value, or of every CPU's. */
  #bytes(value: KernelValue): Uint8Array {
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
    return room;
  }

  update(key: Uint8Array, value: KernelValue, flags = 0): void {
    this.#checkKey(key);
    const room = this.#bytes(value);
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

  /** Takes the element out; undefined if there was no such key. */
  lookupAndDelete(key: Uint8Array, flags = 0): KernelValue | undefined {
    this.#checkKey(key);
    const out = new Uint8Array(this.#room);
    const errno = this.sys.mapTake(this.fd, key, out, BigInt(flags));
    if (errno === ERRNO.ENOENT) return undefined;
    this.#check(errno, "take from");
    return this.#value(out);
  }

  lookupBatch(count: number, cursor?: Uint8Array, flags = 0): MapBatch {
    return this.#readBatch("lookup", count, cursor, flags);
  }

  lookupAndDeleteBatch(count: number, cursor?: Uint8Array, flags = 0): MapBatch {
    return this.#readBatch("take", count, cursor, flags);
  }

  #readBatch(op: BatchOp, count: number, cursor: Uint8Array | undefined, flags: number): MapBatch {
    const { keySize } = this.shape;
    const keys = new Uint8Array(count * keySize);
    const values = new Uint8Array(count * this.#room);
    const to = new Uint8Array(Math.max(4, keySize));
    const from = cursor?.length === 0 ? undefined : cursor;
    const got = this.sys.mapBatch(op, this.fd, { count, keys, values, from, to, flags: BigInt(flags) });
    if (got.errno !== ERRNO.ENOENT) this.#check(got.errno, op);
    const entries = Array.from({ length: got.count }, (_, i): [Uint8Array, KernelValue] => [
      keys.slice(i * keySize, (i + 1) * keySize),
      this.#value(values.slice(i * this.#room, (i + 1) * this.#room)),
    ]);
    return { entries, cursor: got.errno === ERRNO.ENOENT ? undefined : to };
  }

  updateBatch(entries: Iterable<readonly [key: Uint8Array, value: KernelValue]>, flags = 0): number {
    const list = [...entries];
    for (const [key] of list) this.#checkKey(key);
    const keys = Buffer.concat(list.map(([key]) => key));
    const values = Buffer.concat(list.map(([, value]) => this.#bytes(value)));
    return this.#writeBatch("update", { count: list.length, keys, values, flags: BigInt(flags) });
  }

  deleteBatch(keys: Iterable<Uint8Array>, flags = 0): number {
    const list = [...keys];
    for (const key of list) this.#checkKey(key);
    return this.#writeBatch("delete", {
      count: list.length,
      keys: Buffer.concat(list),
      flags: BigInt(flags),
    });
  }

  #writeBatch(op: BatchOp, call: BatchCall): number {
    const { errno, count } = this.sys.mapBatch(op, this.fd, call);
    const code = errnoName(errno);
    if (code !== undefined)
      throw new BatchError(
        code,
        `${op} map '${this.name}': the kernel refuses element ${count} of a batch`,
        count,
      );
    return count;
  }

  #check(errno: number, what: string): void {
    if (errno === 0) return;
    throw new BpfError(errnoName(errno) ?? "EINVAL", `${what} map '${this.name}': the kernel refuses`);
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
