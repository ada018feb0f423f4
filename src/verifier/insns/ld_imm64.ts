// 64-bit immediates: constants, maps, places in map values, functions.
import type { InsnOf } from "../../isa/insn.ts";
import { arenaAddress } from "../mem/arena.ts";
import type { Env } from "../env.ts";
import { kernelSymbol } from "../mem/kernel_symbols.ts";
import { checkRegWrite } from "../state/reg_checks.ts";
import { ptrReg, type RegState, scalarReg } from "../state/regs.ts";
import { Scalar } from "../scalar/scalar.ts";
import { MAX_VAR_OFF } from "../stack/bounds.ts";
import { findSubprog } from "../passes/subprogs.ts";

function mapValue(env: Env, map: number, off: number): RegState {
  const def = env.maps[map];
  if (def === undefined) env.reject("EBADF", `map index ${map} is not in the program's list of maps`);
  if (off >>> 0 >= MAX_VAR_OFF) env.reject("EINVAL", `direct value offset of ${off >>> 0} is not allowed`);
  if (def.type === "arena") return arenaAddress(env, map, off);
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
      return env.reject("EINVAL", `fd ${v.fd} is not pointing to valid bpf_map`);
    case "btf_id":
      return kernelSymbol(env, v.btfId);
  }
}
