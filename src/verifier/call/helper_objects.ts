// Arguments and results of helpers that are objects of the kernel: structs by BTF, and references that a call takes,
// gives back or hands on.
import type { ArgKind, BtfRet, HelperProto, RetType } from "../../spec/helpers.ts";
import { structHolds, type TypeRef } from "../btf/match.ts";
import type { Env } from "../env.ts";
import type { CallMeta } from "./call_meta.ts";
import { giveToField } from "../mem/kptr.ts";
import { acquireRef, releaseRef } from "../state/refs.ts";
import { ALLOC, isNull, MAYBE_NULL, type RegKind, RegState, TRUSTED } from "../state/regs.ts";
import { Scalar } from "../scalar/scalar.ts";
import { pointedType } from "../state/trust.ts";

export function kernelStruct(env: Env, name: string): TypeRef {
  const btf = env.kernelBtf;
  const id = btf?.find(name, "struct")?.id;
  if (btf === undefined || id === undefined)
    env.reject("EOPNOTSUPP", `the kernel's struct ${name} is known only with the kernel's BTF`);
  return { btf, id };
}

/** The struct that an argument of this kind must point to, where its prototype names none. */
const STRUCT_OF_KIND: Partial<Record<ArgKind, string>> = {
  btf_id_sock_common: "sock_common",
  btf_id_sock_common_or_null: "sock_common",
};

/** A pointer by BTF: to the struct that is asked for, or one that begins with it; never null where it may not be. */
export function checkStructArg(
  env: Env,
  proto: HelperProto,
  i: number,
  kind: ArgKind,
  nullable: boolean,
): void {
  const regno = i + 1;
  const reg = env.regs[regno] as RegState;
  if (reg.kind !== "ptr_") return;
  const released = proto.effects.releases === regno;
  if (reg.maybeNull && (!nullable || released))
    env.reject("EACCES", `Possibly NULL pointer passed to helper arg${regno}`);
  const arg = proto.args[i];
  const name = typeof arg === "object" && arg.kind === "btf_id" ? arg.struct : STRUCT_OF_KIND[kind];
  if (name === undefined) return;
  const need = kernelStruct(env, name);
  const have = pointedType(reg, need.btf) as TypeRef;
  const fits = structHolds(have, reg.off, need, {
    strict: released && proto.name !== "sk_release",
    flexArrays: (reg.flags & ALLOC) === 0,
    say: (line) => env.say(line),
  });
  if (!fits)
    env.reject("EACCES", `R${regno} is of type ${have.btf.byId(have.id).name} but ${name} is expected`);
}

/** Notes the reference that an argument holds; one that is given back must hold one. */
export function checkRefArg(env: Env, proto: HelperProto, regno: number, meta: CallMeta): void {
  const reg = env.regs[regno] as RegState;
  if (proto.effects.releases === regno) {
    if (reg.refId === 0 && !isNull(reg))
      env.reject("EINVAL", `R${regno} must be referenced when passed to release function`);
    meta.releaseRegno = regno;
  }
  if (reg.refId === 0) return;
  if (meta.refId !== 0)
    env.reject("EACCES", `more than one arg with ref_obj_id R${regno} ${reg.refId} ${meta.refId}`);
  meta.refId = reg.refId;
}

export function releaseArg(env: Env, proto: HelperProto, meta: CallMeta): void {
  if (meta.releaseRegno === 0) return;
  const reg = env.regs[meta.releaseRegno] as RegState;
  const release = meta.field === undefined ? releaseRef : giveToField;
  if (meta.refId === 0 ? isNull(reg) : release(env, meta.refId)) return;
  env.reject("EINVAL", `func bpf_${proto.name}#${proto.id} reference has not been acquired before`);
}

const SOCKETS: Partial<Record<Extract<RetType, string>, RegKind>> = {
  sock_or_null: "sock",
  sock_common_or_null: "sock_common",
  tcp_sock_or_null: "tcp_sock",
};

/** The kind of socket that is returned, if one is. */
export function socketKind(ret: RetType): RegKind | undefined {
  return typeof ret === "string" ? SOCKETS[ret] : undefined;
}

export function structReturned(env: Env, ret: BtfRet): RegState {
  const { btf, id } = kernelStruct(env, ret.struct);
  const flags = (ret.trusted ? TRUSTED : 0) | (ret.nullable ? MAYBE_NULL : 0);
  return new RegState("ptr_", 0, Scalar.zero, ret.nullable ? env.newId() : 0, id, flags, 0, btf);
}

/** The value with the reference that the call took or passed on. */
export function withReference(env: Env, proto: HelperProto, meta: CallMeta, r: RegState): RegState {
  const { acquires, casts } = proto.effects;
  if (casts === true) return referenced(r, r.id, meta.refId);
  if (acquires !== true && !takesSocket(env, proto, meta)) return r;
  const id = acquireRef(env);
  return referenced(r, id, id);
}

/** A socket found in a map of sockets is held. */
function takesSocket(env: Env, proto: HelperProto, meta: CallMeta): boolean {
  if (proto.name !== "map_lookup_elem" || meta.map < 0) return false;
  const { type } = env.mapAt(meta.map);
  return type === "sockmap" || type === "sockhash";
}

function referenced(r: RegState, id: number, refId: number): RegState {
  return new RegState(r.kind, r.off, r.s, id, r.aux, r.flags, refId, r.btf, r.dynptrId);
}
