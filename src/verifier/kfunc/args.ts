// Arguments of a call of a kernel function, one after the other, against its prototype. Refuses; what they teach goes
// into a KfuncMeta.
import { isScalarType, kindWord } from "../../btf/query.ts";
import type { BtfType } from "../../btf/btf.ts";
import type { Env } from "../env.ts";
import { checkArgOff } from "../state/reg_checks.ts";
import { markPrecise } from "../precision/precision.ts";
import { isNull, type RegState } from "../state/regs.ts";
import { checkSameMap } from "../call/special_args.ts";
import { noteEscape } from "../stack/bounds.ts";
import { isRcu, isTrusted } from "../state/trust.ts";
import { argKind, type ArgKind } from "./arg_kind.ts";
import { ARG_CHECKS } from "./arg_checks.ts";
import type { Kfunc, KfuncParam } from "./desc.ts";
import { KfuncMeta } from "./meta.ts";

const MAX_ARGS = 5;

function checkConstant(env: Env, regno: number, meta: KfuncMeta): void {
  const reg = env.regs[regno] as RegState;
  if (!reg.s.isConst) env.reject("EINVAL", `R${regno} must be a known constant`);
  markPrecise(env, regno);
  meta.constant = reg.s.value;
}

/** How much memory the function returns. */
function checkRetSize(env: Env, regno: number, readOnly: boolean, meta: KfuncMeta): void {
  const reg = env.regs[regno] as RegState;
  if (meta.retSize !== 0) env.reject("EINVAL", "2 or more rdonly/rdwr_buf_size parameters for kfunc");
  if (!reg.s.isConst) env.reject("EINVAL", `R${regno} is not a const`);
  if (reg.s.value > 0xffff_ffffn) env.reject("EINVAL", `R${regno} rdonly/rdwr_buf_size exceeds u32 max`);
  meta.retSize = Number(reg.s.value);
  meta.retReadOnly ||= readOnly;
  markPrecise(env, regno);
}

function checkScalar(env: Env, p: KfuncParam, regno: number, meta: KfuncMeta): void {
  const reg = env.regs[regno] as RegState;
  if (reg.kind !== "scalar") env.reject("EINVAL", `R${regno} is not a scalar`);
  if (p.has("__k")) checkConstant(env, regno, meta);
  else if (p.name === "rdonly_buf_size") checkRetSize(env, regno, true, meta);
  else if (p.name === "rdwr_buf_size") checkRetSize(env, regno, false, meta);
}

/** Pointers must be known to be valid, and not null. */
function takesValidOnly(kfunc: Kfunc): boolean {
  return kfunc.is("trusted") || kfunc.is("release") || kfunc.is("rcu");
}

function checkTrust(env: Env, kfunc: Kfunc, regno: number): void {
  const reg = env.regs[regno] as RegState;
  if (!takesValidOnly(kfunc) || isTrusted(reg)) return;
  if (!kfunc.is("rcu")) env.reject("EINVAL", `R${regno} must be referenced or trusted`);
  if (!isRcu(reg)) env.reject("EINVAL", `R${regno} must be a rcu pointer`);
}

/** Pointers to structs of the kernel, which must be known to be valid. */
const NEEDS_TRUST: ReadonlySet<ArgKind> = new Set<ArgKind>(["alloc", "btf", "map"]);

/** True if the next argument belongs to this one. */
function checkPointer(env: Env, i: number, meta: KfuncMeta): boolean {
  const { kfunc } = meta;
  const p = kfunc.params[i] as KfuncParam;
  const regno = i + 1;
  const reg = env.regs[regno] as RegState;
  if (takesValidOnly(kfunc) && !p.has("__nullable") && (isNull(reg) || reg.maybeNull))
    env.reject("EACCES", `Possibly NULL pointer passed to trusted arg${i}`);
  if (reg.refId !== 0) {
    meta.refId = reg.refId;
    if (kfunc.is("release")) meta.releaseRegno = regno;
  }
  const kind = argKind(env, kfunc, i);
  if (kind === "null") return false;
  noteEscape(env, reg);
  if (kind === "map") checkMapArg(env, regno, meta);
  if (NEEDS_TRUST.has(kind)) checkTrust(env, kfunc, regno);
  checkArgOff(env, regno, kfunc.is("release") && reg.refId !== 0);
  ARG_CHECKS[kind](env, { i, regno, reg, param: p, to: p.to as BtfType }, meta);
  return kind === "mem_size";
}

function checkMapArg(env: Env, regno: number, meta: KfuncMeta): void {
  const reg = env.regs[regno] as RegState;
  if (reg.kind === "ptr_") return; // perhaps the kernel's own pointer to a map
  if (reg.kind !== "map_ptr" && reg.kind !== "map_value" && reg.kind !== "map_key")
    env.reject("EINVAL", `pointer in R${regno} isn't map pointer`);
  if (meta.owner !== undefined) checkSameMap(env, meta.owner, reg.aux);
  meta.map = reg.aux;
}

export function checkKfuncArgs(env: Env, kfunc: Kfunc): KfuncMeta {
  const meta = new KfuncMeta(kfunc);
  if (kfunc.params.length > MAX_ARGS)
    env.reject("EINVAL", `Function ${kfunc.name} has ${kfunc.params.length} > ${MAX_ARGS} args`);
  for (let i = 0; i < kfunc.params.length; i++) {
    const p = kfunc.params[i] as KfuncParam;
    if (p.ignored) continue;
    if (isScalarType(p.type)) {
      checkScalar(env, p, i + 1, meta);
      continue;
    }
    if (p.type.kind !== "ptr") env.reject("EINVAL", `Unrecognized arg#${i} type ${kindWord(p.type)}`);
    if (checkPointer(env, i, meta)) i++;
  }
  if (kfunc.is("release") && meta.releaseRegno === 0)
    env.reject("EINVAL", `release kernel function ${kfunc.name} expects refcounted PTR_TO_BTF_ID`);
  return meta;
}
