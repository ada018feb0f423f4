// Loads from frozen maps: nobody can change their contents any more, so a load at a known place is a constant.
import type { InsnOf } from "../../src/isa/insn.ts";
import type { MapBinding } from "../lower/abi.ts";
import { mapOfRoot, type Value } from "./values.ts";

/** The value, as the register gets it, of a load through `base`; undefined if it is not known. */
export function frozenLoad(
  insn: InsnOf<"ldx">,
  base: Value,
  maps: readonly MapBinding[],
): bigint | undefined {
  const map = mapOfRoot(base.root);
  const bytes = map === undefined ? undefined : maps[map]?.def.frozen;
  const at = base.add + insn.off;
  if (bytes === undefined || at < 0 || at + insn.size > bytes.length) return undefined;
  let value = 0n;
  for (let i = insn.size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i]!);
  return insn.signed ? BigInt.asUintN(64, BigInt.asIntN(insn.size * 8, value)) : value;
}
