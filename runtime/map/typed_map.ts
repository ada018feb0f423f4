// A map by JavaScript values: keys and values as plain objects by the map's BTF. Bytes are BpfMap's business.
import type { Btf } from "../../src/btf/btf.ts";
import { type JsInput, type JsValue, encodeValue, formatValue } from "../../src/btf/value.ts";
import { BpfError } from "../../src/spec/errors.ts";
import type { MapDef } from "../../src/verifier/proof.ts";
import { BPF_ANY, type BpfMap, type MapValue } from "./bpf_map.ts";

export class TypedMap {
  readonly #btf: Btf;

  /** Throws EINVAL where the map has no BTF for key and value. */
  constructor(
    readonly raw: BpfMap,
    btf: Btf | undefined,
    readonly def: Pick<MapDef, "keyTypeId" | "valueTypeId">,
  ) {
    if (btf === undefined || def.keyTypeId === 0 || def.valueTypeId === 0) {
      throw new BpfError(
        "EINVAL",
        `map '${raw.name}' has no BTF: declare it with __type(key, …) and __type(value, …), or use its bytes`,
      );
    }
    this.#btf = btf;
  }

  /** The value as a plain value, of a per-CPU map a list with one for each CPU; undefined if there is no such key. */
  lookup(key: JsInput): JsValue | undefined {
    const value = this.raw.lookup(this.#encodeKey(key));
    return value === undefined ? undefined : this.#decodeValue(value);
  }

  /** Members left out are zero. Throws as BpfMap.update does. */
  update(key: JsInput, value: JsInput, flags: number = BPF_ANY): void {
    const { valueTypeId } = this.def;
    const bytes = this.raw.perCpu
      ? perCpuList(this.raw, value).map((v) => encodeValue(this.#btf, valueTypeId, v))
      : encodeValue(this.#btf, valueTypeId, value);
    this.raw.update(this.#encodeKey(key), bytes, flags);
  }

  /** False if there was no such key. */
  delete(key: JsInput): boolean {
    return this.raw.delete(this.#encodeKey(key));
  }

  /** Takes the element out; undefined if there was no such key. */
  lookupAndDelete(key: JsInput): JsValue | undefined {
    const value = this.raw.lookupAndDelete(this.#encodeKey(key));
    return value === undefined ? undefined : this.#decodeValue(value);
  }

  /** Takes all entries out, batch by batch. */
  *drain(count?: number): Generator<[key: JsValue, value: JsValue][]> {
    for (const batch of this.raw.drain(count)) yield batch.map((entry) => this.#decode(entry));
  }

  /** Every entry; the event loop turns meanwhile. */
  async *[Symbol.asyncIterator](): AsyncGenerator<[key: JsValue, value: JsValue]> {
    for await (const entry of this.raw) yield this.#decode(entry);
  }

  *entries(): Generator<[key: JsValue, value: JsValue]> {
    for (const entry of this.raw.entries()) yield this.#decode(entry);
  }

  [Symbol.iterator](): Generator<[key: JsValue, value: JsValue]> {
    return this.entries();
  }

  #encodeKey(key: JsInput): Uint8Array {
    return encodeValue(this.#btf, this.def.keyTypeId, key);
  }

  #decode([key, value]: readonly [Uint8Array, MapValue]): [key: JsValue, value: JsValue] {
    return [formatValue(this.#btf, this.def.keyTypeId, key), this.#decodeValue(value)];
  }

  #decodeValue(value: MapValue): JsValue {
    const decode = (bytes: Uint8Array) => formatValue(this.#btf, this.def.valueTypeId, bytes);
    return value instanceof Uint8Array ? decode(value) : value.map(decode);
  }
}

function perCpuList(map: BpfMap, value: JsInput): readonly JsInput[] {
  if (!Array.isArray(value))
    throw new BpfError("EINVAL", `map '${map.name}': takes a list of ${map.ncpus} values`);
  return value as readonly JsInput[];
}
