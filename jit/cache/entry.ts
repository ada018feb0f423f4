// A compiled module with its trap table as one run of bytes, for the cache.
import type { Linked } from "../emit/link.ts";
import type { TrapTable } from "../emit/traps.ts";

/** u32 length of the table's JSON, the JSON, the module. */
export function encodeEntry({ wasm, traps }: Linked): Uint8Array {
  const json = Buffer.from(JSON.stringify(traps), "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return Buffer.concat([length, json, wasm]);
}

/** Undefined for bytes that encodeEntry did not write. */
export function decodeEntry(bytes: Uint8Array): Linked | undefined {
  if (bytes.length < 4) return undefined;
  const end = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (end > bytes.length) return undefined;
  const traps: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(4, end)));
  return isTrapTable(traps) ? { wasm: new Uint8Array(bytes.subarray(end)), traps } : undefined;
}

function isTrapTable(value: unknown): value is TrapTable {
  if (typeof value !== "object" || value === null || !("offsets" in value) || !("pcs" in value)) return false;
  return (
    Array.isArray(value.offsets) && Array.isArray(value.pcs) && value.offsets.length === value.pcs.length
  );
}
