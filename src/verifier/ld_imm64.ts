// 64-bit immediates: constants, maps, places in map values, functions.
import type { InsnOf } from "../isa/insn.ts";
import type { Btf } from "../btf/btf.ts";
import { isStructType, sizeOfType } from "../btf/query.ts";
import type { Env } from "./env.ts";
import { checkRegWrite } from "./reg_checks.ts";
import { PERCPU, ptrReg, RDONLY, RegState, scalarReg } from "./regs.ts";
import { Scalar } from "./scalar.ts";
import { findSubprog } from "./subprogs.ts";

function mapValue(env: Env, map: number, off: number): RegState {
  const def = env.maps[map];
  if (def === undefined) env.reject("EBADF", `map index ${map} is not in the program's list of maps`);
  if (def.type !== "array" || def.maxEntries !== 1)
    env.reject("EINVAL", "no direct value access support for this map type");
  if (off < 0 || off >= def.valueSize)
    env.reject("EINVAL", `invalid access to map value pointer, value_size=${def.valueSize} off=${off}`);
  return ptrReg("map_value", off, map);
}

function func(env: Env, target: number): RegState {
  const subprogno = findSubprog(env, target);
  if (env.prog.funcs.length === 0) env.reject("EINVAL", "missing btf func_info");
  if (subprogno <= 0 || env.subprogs[subprogno]?.global === true)
    env.reject("EINVAL", "callback function not static");
  return ptrReg("func", 0, subprogno);
}

const PERCPU_SECTION = ".data..percpu";

function isPercpu(btf: Btf, id: number): boolean {
  return btf.find(PERCPU_SECTION, "datasec")?.vars.some((v) => v.typeId === id) === true;
}

/** A variable of the kernel by its number: a struct, or memory that can be read. */
function kernelSymbol(env: Env, id: number): RegState {
  const btf = env.kernelBtf;
  const t = btf?.types[id];
  if (btf === undefined || t === undefined)
    return env.reject("ENOENT", `ldimm64 insn specifies invalid btf_id ${id}.`);
  env.facts.needs.add("kernel symbol");
  if (t.kind === "func") return new RegState("mem", 0, Scalar.zero, 0, 0, RDONLY);
  if (t.kind !== "var")
    return env.reject("EINVAL", `pseudo btf_id ${id} in ldimm64 isn't KIND_VAR or KIND_FUNC`);
  const type = btf.resolve(t.typeId);
  if (isPercpu(btf, id)) return new RegState("ptr_", 0, Scalar.zero, 0, type.id, PERCPU, 0, btf);
  if (isStructType(type)) return new RegState("ptr_", 0, Scalar.zero, 0, type.id, 0, 0, btf);
  const size = sizeOfType(btf, type.id);
  if (size === undefined)
    return env.reject("EINVAL", `ldimm64 unable to resolve the size of type '${type.name}': -22`);
  return new RegState("mem", 0, Scalar.zero, 0, size, RDONLY);
}

export function checkLdImm64(env: Env, insn: InsnOf<"ld_imm64">): RegState {
  checkRegWrite(env, insn.dst);
  const v = insn.value;
  switch (v.kind) {
    case "imm":
      return scalarReg(Scalar.ofBigInt(BigInt.asUintN(64, v.imm)));
    case "map":
      if (env.maps[v.map] === undefined)
        env.reject("EBADF", `map index ${v.map} is not in the program's list of maps`);
      return ptrReg("map_ptr", 0, v.map);
    case "map_value":
      return mapValue(env, v.map, v.off);
    case "func":
      return func(env, v.target);
    case "map_fd":
    case "map_value_fd":
      return env.reject("EBADF", `fd ${v.fd} is not pointing to valid bpf_map`);
    case "btf_id":
      return kernelSymbol(env, v.btfId);
  }
}
