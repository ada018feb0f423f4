// Arguments of a call of a kernel function, one after the other, against its prototype. Refuses; what they teach goes
// into a KfuncMeta.
import { isScalarType, kindWord } from "../../btf/query.ts";
import type { BtfType } from "../../btf/btf.ts";
import type { Env } from "../env.ts";
import { checkPtrOff } from "../reg_checks.ts";
import { markPrecise } from "../precision.ts";
import { ALLOC, isNull, NON_OWN_REF, RCU, type RegState, regTypeStr, TRUSTED } from "../regs.ts";
import { fmtTnum } from "../scalar_fmt.ts";
import { checkSameMap } from "../special_args.ts";
import { noteEscape } from "../stack_access.ts";
import { isRcu, isTrusted } from "../trust.ts";
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

/** Flags of pointers to structs that may come with a fixed offset. */
const FIXED_OFF: readonly number[] = [0, ALLOC, TRUSTED, RCU, ALLOC | NON_OWN_REF, ALLOC | NON_OWN_REF | RCU];
/** Pointers that may point anywhere into their region. */
const ANY_OFF: ReadonlySet<string> = new Set([
  "fp",
  "pkt",
  "pkt_meta",
  "map_key",
  "map_value",
  "mem",
  "rdonly_mem",
  "ringbuf_mem",
  "buf",
  "rdonly_buf",
  "arena",
  "scalar",
]);

/** The pointer lies where the kind of pointer allows it; one that is given back lies where it did. */
export function checkArgOff(env: Env, regno: number, released: boolean): void {
  const reg = env.regs[regno] as RegState;
  if (released) {
    if (reg.off !== 0)
      env.reject(
        "EINVAL",
        `R${regno} must have zero offset when passed to release func or trusted arg to kfunc`,
      );
    return checkPtrOff(env, reg, regno);
  }
  const type = regTypeStr(reg);
  if (ANY_OFF.has(type)) return;
  if (reg.kind !== "ptr_" || !FIXED_OFF.includes(reg.flags)) return checkPtrOff(env, reg, regno);
  if (reg.off < 0) env.reject("EACCES", `negative offset ${type} ptr R${regno} off=${reg.off} disallowed`);
  if (!reg.s.isZero) env.reject("EACCES", `variable ${type} access var_off=${fmtTnum(reg.s)} disallowed`);
}

function checkTrust(env: Env, kfunc: Kfunc, regno: number): void {
  const reg = env.regs[regno] as RegState;
  const trusted = kfunc.is("trusted") || kfunc.is("release");
  if ((!trusted && !kfunc.is("rcu")) || isTrusted(reg)) return;
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
  const valid = kfunc.is("trusted") || kfunc.is("release") || kfunc.is("rcu");
  if (valid && !p.has("__nullable") && (isNull(reg) || reg.maybeNull))
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
