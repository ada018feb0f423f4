// Variables and functions of the kernel that a program names by their type's number: which there are, and what a
// register holds that one was loaded into.
import type { Btf, BtfTypeOf } from "../../btf/btf.ts";
import { isStructType, sizeOfType } from "../../btf/query.ts";
import type { Env } from "../env.ts";
import { PERCPU, RDONLY, RegState } from "../state/regs.ts";
import { Scalar } from "../scalar/scalar.ts";

const PERCPU_SECTION = ".data..percpu";

function isPercpu(btf: Btf, id: number): boolean {
  return btf.find(PERCPU_SECTION, "datasec")?.vars.some((v) => v.typeId === id) === true;
}

interface KernelSymbol {
  readonly btf: Btf;
  readonly t: BtfTypeOf<"var"> | BtfTypeOf<"func">;
}

function checkSymbol(env: Env, id: number): KernelSymbol {
  const btf = env.kernelBtf;
  const t = btf?.types[id];
  if (btf === undefined || t === undefined)
    return env.rejectAt(-1, "ENOENT", `ldimm64 insn specifies invalid btf_id ${id}.`);
  if (t.kind !== "var" && t.kind !== "func")
    return env.rejectAt(-1, "EINVAL", `pseudo btf_id ${id} in ldimm64 isn't KIND_VAR or KIND_FUNC`);
  if (env.prog.hasSymbol?.(t.name) === false)
    env.rejectAt(-1, "ENOENT", `ldimm64 failed to find the address for kernel symbol '${t.name}'.`);
  if (t.kind === "var" && sizeOf(btf, t, id) === undefined)
    env.rejectAt(
      -1,
      "EINVAL",
      `ldimm64 unable to resolve the size of type '${btf.resolve(t.typeId).name}': -22`,
    );
  return { btf, t };
}

/** Of what is read as plain memory; 0 for what is a struct. */
function sizeOf(btf: Btf, t: BtfTypeOf<"var">, id: number): number | undefined {
  const type = btf.resolve(t.typeId);
  return isPercpu(btf, id) || isStructType(type) ? 0 : sizeOfType(btf, type.id);
}

/** Refused before any path is walked, as the kernel's first pass does. */
export function checkKernelSymbols(env: Env): void {
  for (const insn of env.insns)
    if (insn?.kind === "ld_imm64" && insn.value.kind === "btf_id") checkSymbol(env, insn.value.btfId);
}

/** A struct, or memory that can be read. */
export function kernelSymbol(env: Env, id: number): RegState {
  const { btf, t } = checkSymbol(env, id);
  env.facts.needs.add("kernel symbol");
  if (t.kind === "func") return new RegState("mem", 0, Scalar.zero, 0, 0, RDONLY);
  const type = btf.resolve(t.typeId);
  if (isPercpu(btf, id)) return new RegState("ptr_", 0, Scalar.zero, 0, type.id, PERCPU, 0, btf);
  if (isStructType(type)) return new RegState("ptr_", 0, Scalar.zero, 0, type.id, 0, 0, btf);
  return new RegState("mem", 0, Scalar.zero, 0, sizeOf(btf, t, id) ?? 0, RDONLY);
}
