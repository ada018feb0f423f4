// Maps as the verifier knows them, for tests that have no object. No special fields, no types.
import type { MapDef } from "../../src/verifier/proof.ts";

export function mapDef(
  name: string,
  type: MapDef["type"],
  keySize: number,
  valueSize: number,
  maxEntries: number,
  flags = 0,
): MapDef {
  return {
    name,
    type,
    keySize,
    valueSize,
    maxEntries,
    flags,
    specialFields: [],
    keyTypeId: 0,
    valueTypeId: 0,
  };
}
