// What a kernel function returns: a number, memory, or a pointer to a struct, by its prototype; and for a few functions
// what only they return.
import { isScalarType, isStructType, kindWord, sizeOfType } from "../../btf/query.ts";
import type { Env } from "../env.ts";
import { mayHoldLock } from "../btf/fields.ts";
import { acquireRef } from "../state/refs.ts";
import { MAYBE_NULL, RDONLY, RCU, RegState, TRUSTED, UNKNOWN, UNTRUSTED, ZERO } from "../state/regs.ts";
import { Scalar } from "../scalar/scalar.ts";
import type { KfuncMeta } from "./meta.ts";
import { SPECIAL_RETURNS } from "./special_returns.ts";

/** A pointer as a function returns it, before it is known whether it may be null and what it holds. */
export interface Returned {
  readonly reg: RegState;
}

function memReg(size: number, flags: number, refId: number): RegState {
  return new RegState("mem", 0, Scalar.zero, 0, size, flags, refId);
}

function structPtr(env: Env, meta: KfuncMeta, id: number): RegState {
  const { kfunc } = meta;
  let flags = kfunc.is("iter_next") ? TRUSTED : 0;
  if (kfunc.name === "bpf_get_kmem_cache") flags = UNTRUSTED;
  else if (kfunc.is("rcu_protected") || iterIsRcu(env, meta)) flags = RCU;
  return new RegState("ptr_", 0, Scalar.zero, 0, id, flags, 0, kfunc.btf);
}

/** The elements of an iterator that began under RCU are only valid there. */
function iterIsRcu(env: Env, { kfunc, iter }: KfuncMeta): boolean {
  if (!kfunc.is("iter_next") || iter === undefined) return false;
  const object = env.state.frames[iter.frameno]?.slot(iter.spi).object;
  return object?.kind === "iter" && object.rcu;
}

function memPtr(env: Env, meta: KfuncMeta, typeId: number): RegState {
  const { kfunc } = meta;
  const size = meta.retSize || sizeOfType(kfunc.btf, typeId);
  const readOnly = meta.retSize === 0 || meta.retReadOnly;
  if (size === undefined || size === 0) {
    const t = kfunc.btf.resolve(typeId);
    env.reject(
      "EINVAL",
      `kernel function ${kfunc.name} returns pointer type ${kindWord(t)} ${t.name} is not supported`,
    );
  }
  return memReg(size, (readOnly ? RDONLY : 0) | (kfunc.is("rcu_protected") ? RCU : 0), meta.refId);
}

function pointer(env: Env, meta: KfuncMeta, typeId: number): RegState {
  const special = SPECIAL_RETURNS[meta.kfunc.name];
  if (special !== undefined) return special(env, meta);
  const to = meta.kfunc.btf.resolve(typeId);
  if (to.kind === "void") return UNKNOWN;
  return isStructType(to) ? structPtr(env, meta, to.id) : memPtr(env, meta, typeId);
}

/** Sets R0. The argument registers are gone already. */
export function execReturned(env: Env, meta: KfuncMeta): void {
  const { kfunc } = meta;
  const t = kfunc.btf.resolve(kfunc.retTypeId);
  if (t.kind !== "ptr") {
    if (isScalarType(t)) env.setReg(0, meta.lock?.take === true ? ZERO : UNKNOWN);
    return;
  }
  let reg = pointer(env, meta, t.typeId);
  const nullable = kfunc.is("ret_null") && !(kfunc.name === "bpf_refcount_acquire_impl" && meta.owning);
  let { id, refId, flags } = reg;
  if (nullable) {
    flags |= MAYBE_NULL;
    id = env.newId();
  }
  if (kfunc.is("acquire")) {
    refId = acquireRef(env);
    if (nullable) id = refId;
  }
  if (id === 0 && mayHoldLock(env, reg)) id = env.newId();
  reg = new RegState(reg.kind, reg.off, reg.s, id, reg.aux, flags, refId, reg.btf, reg.dynptrId);
  env.setReg(0, reg);
}
