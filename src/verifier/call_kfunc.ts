// Calls of kernel functions that loading found in the table: arguments, the callback, what is left afterwards.
import type { InsnOf } from "../isa/insn.ts";
import { type KfuncArg, kfuncById, type KfuncProto } from "../spec/kfuncs.ts";
import { clearCallerSaved } from "./call_effects.ts";
import { queueCallback } from "./callback.ts";
import type { Env } from "./env.ts";
import { checkRegRead } from "./reg_checks.ts";
import { type RegState, UNKNOWN } from "./regs.ts";
import { checkKfuncField, checkSameMap, type FieldOwner } from "./special_args.ts";

interface KfuncMeta {
  owner: FieldOwner | undefined;
  callback: number;
}

function checkMap(env: Env, regno: number, meta: KfuncMeta): void {
  const reg = env.regs[regno] as RegState;
  if (reg.kind !== "map_ptr") env.reject("EINVAL", `pointer in R${regno} isn't map pointer`);
  if (meta.owner !== undefined) checkSameMap(env, meta.owner, reg.aux);
}

function checkArg(env: Env, arg: KfuncArg, i: number, meta: KfuncMeta): void {
  const regno = i + 1;
  if (arg === "ignored") return;
  const reg = checkRegRead(env, regno);
  switch (arg) {
    case "wq":
      meta.owner = checkKfuncField(env, regno, "bpf_wq");
      return;
    case "timer":
      meta.owner = checkKfuncField(env, regno, "bpf_timer");
      return;
    case "const_map_ptr":
      return checkMap(env, regno, meta);
    case "func":
      if (reg.kind !== "func") env.reject("EINVAL", `arg${i} expected pointer to func`);
      meta.callback = reg.aux;
      return;
    default:
      if (reg.kind !== "scalar") env.reject("EINVAL", `R${regno} is not a scalar`);
  }
}

/** Refused before any path is walked, as the kernel's first pass does. */
export function checkKfuncs(env: Env): void {
  for (const insn of env.insns) {
    if (insn?.kind !== "call" || insn.callee.kind !== "kfunc") continue;
    if (!env.prog.gplCompatible)
      env.rejectAt(-1, "EINVAL", "cannot call kernel function from non-GPL compatible program");
    if (kfuncById(insn.callee.btfId) === undefined)
      env.rejectAt(-1, "EINVAL", `kernel btf_id ${insn.callee.btfId} is not a function`);
  }
}

export function execKfunc(env: Env, insn: InsnOf<"call">): void {
  const proto = insn.callee.kind === "kfunc" ? kfuncById(insn.callee.btfId) : undefined;
  if (proto === undefined) throw new Error("the kernel function was not looked up");
  const meta: KfuncMeta = { owner: undefined, callback: -1 };
  proto.args.forEach((arg, i) => {
    checkArg(env, arg, i, meta);
  });
  env.facts.kfuncs.add(proto.id);
  if (proto.async) queueCallback(env, meta.callback, ownerOf(proto, meta).map);
  clearCallerSaved(env);
  env.setReg(0, UNKNOWN);
  env.pc++;
}

function ownerOf(proto: KfuncProto, meta: KfuncMeta): FieldOwner {
  if (meta.owner === undefined) throw new Error(`${proto.name} takes a callback and no field`);
  return meta.owner;
}
