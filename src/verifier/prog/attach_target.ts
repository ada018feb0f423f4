// The function or hook of the kernel that a program is attached to by BTF: whether it is one, whether this program may
// be there, and the prototype that its context follows. Asked before any path is walked.
import type { Btf, BtfType, BtfTypeOf } from "../../btf/btf.ts";
import { isScalarType, kindWord } from "../../btf/query.ts";
import {
  DENIED,
  INJECTABLE,
  INJECTION,
  ITER_ARGS,
  LSM_DISABLED,
  LSM_SLEEPABLE,
  MODIFIABLE,
  type Modifiable,
  NO_RETURN,
  NOT_HOOKS,
  NOT_SLEEPABLE,
  TARGET_NAMES,
} from "../../spec/attach_targets.ts";
import type { Env } from "../env.ts";

export interface AttachTarget {
  readonly btf: Btf;
  /** as in BTF, with the hook's prefix; of tracepoints without */
  readonly name: string;
  readonly proto: BtfTypeOf<"func_proto">;
  /** parameters before the first argument: tracepoints pass data of their own */
  readonly skip: 0 | 1;
}

const MAX_ARGS = 12;
const MAX_STRUCT_ARG = 16;

function isAggregate({ kind }: BtfType): boolean {
  return kind === "struct" || kind === "union";
}

/** Bytes an argument or return value takes in the kernel; undefined where it cannot be passed on. */
function argSize(btf: Btf, typeId: number): number | undefined {
  const t = btf.resolve(typeId);
  if (t.kind === "void") return 0;
  if (t.kind === "ptr") return 8;
  if (isScalarType(t) || isAggregate(t)) return (t as { size: number }).size;
  return undefined;
}

function checkProto(env: Env, { btf, name, proto }: AttachTarget): void {
  const refuse = (why: string): never => env.rejectAt(-1, "EINVAL", `The function ${name} ${why}`);
  const n = proto.params.length;
  if (n > MAX_ARGS) refuse(`has ${n} arguments. Too many.`);
  const ret = btf.resolve(proto.typeId);
  if (argSize(btf, proto.typeId) === undefined || isAggregate(ret))
    refuse(`return type ${kindWord(ret)} is unsupported.`);
  proto.params.forEach((p, i) => {
    if (i === n - 1 && p.typeId === 0) refuse("with variable args is unsupported.");
    const size = argSize(btf, p.typeId);
    if (size === undefined || size > MAX_STRUCT_ARG)
      refuse(`arg${i} type ${kindWord(btf.resolve(p.typeId))} is unsupported.`);
    if (size === 0) refuse("has malformed void argument.");
  });
}

function protoOf(env: Env, btf: Btf, t: BtfType): BtfTypeOf<"func_proto"> {
  const proto = t.kind === "void" ? t : btf.byId((t as { typeId: number }).typeId);
  if (proto.kind !== "func_proto") env.rejectAt(-1, "EINVAL", `${t.name} has no prototype`);
  return proto;
}

function tracepoint(env: Env, btf: Btf, t: BtfType): AttachTarget {
  const { prefix } = TARGET_NAMES.trace_raw_tp ?? { prefix: "" };
  if (t.kind !== "typedef") env.rejectAt(-1, "EINVAL", `attach_btf_id ${t.id} is not a typedef`);
  if (!t.name.startsWith(prefix))
    env.rejectAt(-1, "EINVAL", `attach_btf_id ${t.id} points to wrong type name ${t.name}`);
  const name = t.name.slice(prefix.length);
  // the template that tracepoints share has names for its parameters, which say what may be null
  const template = btf.find(`__bpf_trace_${name}`, "func");
  const to = template ?? btf.byId(t.typeId);
  return { btf, name, proto: protoOf(env, btf, to), skip: 1 };
}

const SYSCALL_NAME = /^__(x64|ia32|arm64|s390x)_(compat_)?sys_/;

/** Whether the kernel of these types can make the function fail: an option of the kernel, which its own functions tell. */
function isInjectable(btf: Btf, name: string): boolean {
  return (INJECTABLE.has(name) || SYSCALL_NAME.test(name)) && btf.find(INJECTION, "func") !== undefined;
}

function modifiable(btf: Btf, name: string): Modifiable | undefined {
  const row = MODIFIABLE[name];
  const isThere = row?.mayWith === undefined || btf.find(row.mayWith, "func") !== undefined;
  return isThere ? row : undefined;
}

function isModifiable(btf: Btf, name: string): boolean {
  return modifiable(btf, name) !== undefined || name.startsWith("security_") || isInjectable(btf, name);
}

export function hookName(name: string): string {
  return name.replace(/^bpf_lsm_/, "");
}

function functionSleeps(btf: Btf, name: string): boolean {
  if (isInjectable(btf, name) && !NOT_SLEEPABLE.has(name)) return true;
  return modifiable(btf, name)?.sleepable === true;
}

function checkSleeps(env: Env, btf: Btf, name: string): void {
  const ok = env.prog.type === "lsm" ? LSM_SLEEPABLE.has(hookName(name)) : functionSleeps(btf, name);
  if (!ok) env.rejectAt(-1, "EINVAL", `${name} is not sleepable`);
}

function checkHook(env: Env, id: number, name: string): void {
  const refuse = (why: string): never => env.rejectAt(-1, "EINVAL", why);
  if (!env.prog.gplCompatible) refuse("LSM programs must have a GPL compatible license");
  if (LSM_DISABLED.has(hookName(name))) refuse(`attach_btf_id ${id} points to disabled hook ${name}`);
  if (hookName(name) === name || NOT_HOOKS.has(hookName(name)))
    refuse(`attach_btf_id ${id} points to wrong type name ${name}`);
}

function checkFunction(env: Env, btf: Btf, t: BtfType): void {
  const { type, flags, expectedAttachType: attach } = env.prog;
  const { name } = t;
  if (flags.includes("sleepable")) checkSleeps(env, btf, name);
  else if (attach === "modify_return" && !isModifiable(btf, name))
    env.rejectAt(-1, "EINVAL", `${name}() is not modifiable`);
  if (type === "lsm") checkHook(env, t.id, name);
  else if (DENIED.has(name))
    env.rejectAt(-1, "EINVAL", `Attaching tracing programs to function '${name}' is rejected.`);
  else if ((attach === "trace_fexit" || attach === "modify_return") && NO_RETURN.has(name))
    env.rejectAt(-1, "EINVAL", `Attaching fexit/fmod_ret to __noreturn function '${name}' is rejected.`);
}

/** The compiler may have inlined or renamed it, though types say it is there. */
function checkAddress(env: Env, name: string): void {
  if (env.prog.hasSymbol?.(name) === false)
    env.rejectAt(-1, "ENOENT", `The address of function ${name} cannot be found`);
}

function func(env: Env, btf: Btf, t: BtfType): AttachTarget {
  if (t.kind !== "func") env.rejectAt(-1, "EINVAL", `attach_btf_id ${t.id} is not a function`);
  const target: AttachTarget = { btf, name: t.name, proto: protoOf(env, btf, t), skip: 0 };
  checkProto(env, target);
  if (env.prog.expectedAttachType !== "trace_iter") {
    checkAddress(env, t.name);
    checkFunction(env, btf, t);
  } else if (ITER_ARGS[t.name.replace(/^bpf_iter_/, "")] === undefined)
    env.rejectAt(-1, "EINVAL", `${t.name} is not an iterator that programs can be attached to`);
  return target;
}

/** The target of a program that has one. */
export function attachTarget(env: Env): AttachTarget | undefined {
  const { type, expectedAttachType, attachBtfId } = env.prog;
  if (type !== "tracing" && type !== "lsm") return undefined;
  if (attachBtfId === undefined) env.rejectAt(-1, "EINVAL", "Tracing programs must provide btf_id");
  const btf = env.kernelBtf;
  const t = btf?.types[attachBtfId];
  if (btf === undefined || t === undefined)
    env.rejectAt(-1, "EINVAL", `attach_btf_id ${attachBtfId} is invalid`);
  if (t.name === "") env.rejectAt(-1, "EINVAL", `attach_btf_id ${attachBtfId} doesn't have a name`);
  return expectedAttachType === "trace_raw_tp" ? tracepoint(env, btf, t) : func(env, btf, t);
}
