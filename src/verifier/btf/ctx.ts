// The context of a program that is attached by BTF: the arguments of its target, eight bytes each, and what a load of
// one gives. Numbers are numbers; pointers point to structs of the kernel, as far as they may be trusted.
import type { BtfParam, BtfType } from "../../btf/btf.ts";
import { isScalarType, isStructType, kindWord } from "../../btf/query.ts";
import { type IterArg, ITER_ARGS, LSM_UNTRUSTED, mayBeNull } from "../../spec/attach_targets.ts";
import { type AttachTarget, hookName } from "../prog/attach_target.ts";
import type { Env } from "../env.ts";
import type { ObjectAccess } from "../mem/object_access.ts";
import {
  MAYBE_NULL,
  PERCPU,
  RDONLY,
  RegState,
  TRUSTED,
  UNKNOWN,
  USER,
  scalarReg,
  withId,
} from "../state/regs.ts";
import { Scalar } from "../scalar/scalar.ts";
import { hookRange } from "../prog/returns.ts";
import { withLimits } from "../scalar/bounds.ts";

const MAX_ARGS = 12;

function roundUp8(n: number): number {
  return (n + 7) & ~7;
}

/** Number of the argument at this offset; one more than there are: the return value. */
function argAt(target: AttachTarget, off: number): number {
  const { btf, proto } = target;
  const sizes = [...proto.params.map((p) => p.typeId), proto.typeId].map((id) => {
    const t = btf.resolve(id);
    return t.kind === "ptr" ? 8 : roundUp8("size" in t ? t.size : 0);
  });
  let end = 0;
  const i = sizes.findIndex((size) => {
    end += size;
    return off < end;
  });
  return i < 0 ? sizes.length : i;
}

interface Arg {
  readonly index: number;
  readonly type: BtfType;
  readonly param: BtfParam | undefined;
  readonly isRet: boolean;
}

/** There is nothing to load. */
class Refusal {
  constructor(readonly line: string) {}
}

interface Found {
  readonly reg: RegState;
  /** what the log says of it */
  readonly line?: string;
}

function findArg(env: Env, target: AttachTarget, off: number): Arg | Refusal {
  const { btf, name, proto, skip } = target;
  if (off % 8 !== 0) return new Refusal(`func '${name}' offset ${off} is not multiple of 8`);
  const index = argAt(target, off);
  const params = proto.params.slice(skip);
  const param = params[index];
  if (param !== undefined) return { index, type: btf.resolve(param.typeId), param, isRet: false };
  const none = new Refusal(`func '${name}' doesn't have ${index + 1}-th argument`);
  if (index > params.length) return none;
  const type = btf.resolve(proto.typeId);
  switch (env.prog.expectedAttachType) {
    case "lsm_mac":
    case "lsm_cgroup":
    case "trace_fexit":
      return { index, type, param: undefined, isRet: true };
    case "modify_return":
      if (isScalarType(type)) return { index, type, param: undefined, isRet: true };
      return new Refusal(`ret type ${kindWord(type)} not allowed for fmod_ret`);
    default:
      return none;
  }
}

function iterArg(env: Env, target: AttachTarget, index: number): IterArg | undefined {
  if (env.prog.expectedAttachType !== "trace_iter") return undefined;
  return ITER_ARGS[target.name.replace(/^bpf_iter_/, "")]?.find((a) => a.arg === index);
}

/** Arguments that are valid for as long as the program runs. */
function areTrusted(env: Env, target: AttachTarget): boolean {
  const { type, expectedAttachType } = env.prog;
  if (type === "lsm") return !LSM_UNTRUSTED.has(hookName(target.name));
  return expectedAttachType === "trace_raw_tp" || expectedAttachType === "trace_iter";
}

const TAG_FLAGS: Readonly<Record<string, number>> = { user: USER, percpu: PERCPU };

function structFlags(env: Env, target: AttachTarget, arg: Arg, pointee: number): number {
  let flags = areTrusted(env, target) ? TRUSTED : 0;
  if (arg.param?.name.endsWith("__nullable") === true) flags |= MAYBE_NULL;
  if (env.prog.expectedAttachType === "trace_raw_tp" && mayBeNull(target.name, arg.index))
    flags |= MAYBE_NULL;
  const tag = target.btf.byId(pointee);
  return tag.kind === "type_tag" ? flags | (TAG_FLAGS[tag.name] ?? 0) : flags;
}

/** What an access gives, without an id. */
function argValue(env: Env, a: ObjectAccess): Found | Refusal {
  const target = env.target as AttachTarget;
  const { btf, name } = target;
  const arg = findArg(env, target, a.off);
  if (arg instanceof Refusal) return arg;
  const { type, index } = arg;
  if (isScalarType(type) || type.kind === "struct")
    return { reg: arg.isRet ? hookReturn(env, target) : UNKNOWN };
  if (type.kind !== "ptr")
    return new Refusal(
      `func '${name}' arg${index} '${type.name}' has type ${kindWord(type)}. Only pointer access is allowed`,
    );
  if (a.size !== 8) return new Refusal(`func '${name}' size ${a.size} must be 8`);
  const iter = iterArg(env, target, index);
  if (iter?.gives === "buf" || iter?.gives === "rdonly_buf")
    return { reg: pointer("buf", MAYBE_NULL | (iter.gives === "rdonly_buf" ? RDONLY : 0), 0, undefined) };
  const to = btf.resolve(type.typeId);
  if (to.kind === "void" || to.kind === "int") return { reg: UNKNOWN };
  if (iter !== undefined) {
    const id = iter.struct === undefined ? to.id : (btf.find(iter.struct, "struct")?.id ?? to.id);
    return { reg: pointer("ptr_", MAYBE_NULL | (iter.gives === "trusted_ptr" ? TRUSTED : 0), id, target) };
  }
  if (!isStructType(to))
    return new Refusal(`func '${name}' arg${index} type ${kindWord(to)} is not a struct`);
  return {
    reg: pointer("ptr_", structFlags(env, target, arg, type.typeId), to.id, target),
    line: `func '${name}' arg${index} has btf_id ${to.id} type ${kindWord(to)} '${to.name}'`,
  };
}

function pointer(
  kind: "ptr_" | "buf",
  flags: number,
  aux: number,
  target: AttachTarget | undefined,
): RegState {
  return new RegState(kind, 0, Scalar.zero, 0, aux, flags, 0, target?.btf);
}

/** What a security hook returned before the program ran. */
function hookReturn(env: Env, target: AttachTarget): RegState {
  if (env.prog.expectedAttachType !== "lsm_mac") return UNKNOWN;
  const range = hookRange(target);
  if (range === undefined) return UNKNOWN;
  const [min, max] = range;
  const limits = { smin: BigInt(min), smax: BigInt(max), s32min: min, s32max: max };
  return scalarReg(withLimits(Scalar.unknown, limits));
}

export function checkBtfCtx(env: Env, a: ObjectAccess): void {
  const where = `invalid bpf_context access off=${a.off} size=${a.size}`;
  if (a.off < 0 || a.off >= MAX_ARGS * 8 || a.write || a.off % a.size !== 0) env.reject("EACCES", where);
  const found = argValue(env, a);
  if (found instanceof Refusal) env.reject("EACCES", found.line, where);
  if (found.line !== undefined) env.say(found.line);
  if (a.signed && found.reg.kind !== "scalar") env.reject("EACCES", where);
}

export function stepBtfCtxLoad(env: Env, a: ObjectAccess): RegState {
  const found = argValue(env, a);
  if (found instanceof Refusal) throw new Error("a load of the context was not refused");
  return found.reg.maybeNull ? withId(found.reg, env.newId()) : found.reg;
}
