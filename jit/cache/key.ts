// The name of a compiled module: a hash of everything its bytes depend on. Two runs with the same key may
// share a module; anything that changes emitted code must be in here.
import { createHash } from "node:crypto";
import type { Insn } from "../../src/isa/insn.ts";
import type { InsnAux, SubprogInfo } from "../../src/verifier/proof.ts";
import type { MapBinding } from "../lower/abi.ts";

export interface KeyInput {
  readonly insns: readonly (Insn | undefined)[];
  readonly aux: readonly (InsnAux | undefined)[];
  readonly subprogs: readonly SubprogInfo[];
  readonly loopHeads: readonly number[];
  readonly exceptionCb?: number;
  readonly maps: readonly MapBinding[];
  readonly options: object;
  readonly lib: Uint8Array;
  /** of this package, of binaryen, of the engine */
  readonly versions: readonly string[];
}

/** Raise when the lowering changes what it emits for the same input within one package version. */
const EMITTER = 4;

function insnText(insn: Insn | undefined): string {
  if (insn === undefined) return "-";
  if (insn.kind !== "ld_imm64" || insn.value.kind !== "imm") return JSON.stringify(insn);
  return `imm64 ${insn.dst} ${insn.value.imm.toString(16)}`;
}

/** The facts that lowering reads; the rest may differ without a new module. */
function auxText(aux: InsnAux | undefined): string {
  return aux === undefined ? "-" : JSON.stringify([aux.seen, aux.jump, aux.access, aux.call]);
}

function mapText({
  def,
  address,
  elemsOff,
  elemStride,
  valueOff,
  percpuStride,
  totalSize,
}: MapBinding): string {
  const { type, keySize, valueSize, maxEntries, flags } = def;
  const layout = [address, elemsOff, elemStride, valueOff, percpuStride, totalSize];
  const frozen = def.frozen === undefined ? null : createHash("sha256").update(def.frozen).digest("hex");
  return JSON.stringify([type, keySize, valueSize, maxEntries, flags, layout, frozen]);
}

/** Lower-case hex. */
export function cacheKey(input: KeyInput): string {
  const hash = createHash("sha256");
  const add = (name: string, lines: readonly string[]): void =>
    void hash.update(`${name} ${lines.length}\n${lines.join("\n")}\n`);
  add("versions", [String(EMITTER), ...input.versions]);
  add("options", [JSON.stringify(Object.entries(input.options).toSorted(([a], [b]) => (a < b ? -1 : 1)))]);
  add("insns", input.insns.map(insnText));
  add("aux", input.aux.map(auxText));
  add(
    "subprogs",
    input.subprogs.map((subprog) => JSON.stringify(subprog)),
  );
  add("loopHeads", input.loopHeads.map(String));
  add("exceptionCb", [String(input.exceptionCb ?? 0)]);
  add("maps", input.maps.map(mapText));
  hash.update(input.lib);
  return hash.digest("hex");
}
