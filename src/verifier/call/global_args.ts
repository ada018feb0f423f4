// Prototypes of global functions, from BTF: what each argument may be. Knows no registers.
import type { Btf, BtfTypeOf } from "../../btf/btf.ts";
import { essentialName } from "../../btf/source.ts";
import { isScalarType, isStructType, kindWord, sizeOfType } from "../../btf/query.ts";
import type { ErrnoName } from "../../spec/errors.ts";
import { isCtxByName, whyNoCtx } from "./ctx_arg.ts";
import type { Env } from "../env.ts";
import type { Subprog } from "../passes/subprogs.ts";

export type GlobalArg =
  | { readonly kind: "scalar" | "ctx" | "dynptr" | "arena" | "untrusted_mem" }
  /** bytes that may be read and written */
  | { readonly kind: "mem"; readonly size: number; readonly nullable: boolean }
  | PtrArg;

/** A struct of the kernel. */
export interface PtrArg {
  readonly kind: "ptr";
  readonly btf: Btf;
  readonly id: number;
  readonly nullable: boolean;
  readonly trusted: boolean;
}

/** Why a prototype is of no use, in the kernel's words. */
export interface Refusal {
  readonly code: ErrnoName;
  readonly reason: string;
}

export function isRefusal(x: object): x is Refusal {
  return "reason" in x;
}

function invalid(reason: string): Refusal {
  return { code: "EINVAL", reason };
}

const TAGS = ["ctx", "trusted", "untrusted", "nonnull", "nullable", "arena"] as const;
type Tag = (typeof TAGS)[number];

const MAX_ARGS = 5;

interface Proto {
  readonly btf: Btf;
  readonly funcId: number;
  readonly name: string;
  readonly type: BtfTypeOf<"func_proto">;
}

/** One argument on the way to being understood: a pointer to `to`. */
interface PtrParam {
  readonly btf: Btf;
  readonly i: number;
  readonly tags: readonly Tag[];
  readonly to: number;
}

/** The function's type; what is missing or wrong here is the loader's fault. */
export function globalProto(env: Env, subprogno: number): Proto {
  const sub = env.subprogs[subprogno] as Subprog;
  const func = env.prog.funcs.find((f) => f.pc === sub.start);
  const btf = env.prog.btf;
  if (func === undefined || btf === undefined) env.reject("EFAULT", "Global functions need valid BTF");
  const t = btf.byId(func.typeId);
  if (t.kind !== "func") env.reject("EFAULT", `BTF of func#${subprogno} doesn't point to KIND_FUNC`);
  const type = btf.resolve(t.typeId);
  if (type.kind !== "func_proto") env.reject("EFAULT", `Invalid type of function ${t.name}()`);
  return { btf, funcId: func.typeId, name: t.name, type };
}

/** The arguments, or why no caller could be held to such a prototype. */
export function globalArgs(env: Env, proto: Proto): readonly GlobalArg[] | Refusal {
  const { btf, name, type } = proto;
  if (type.params.length > MAX_ARGS)
    return invalid(
      `Global function ${name}() with ${type.params.length} > ${MAX_ARGS} args. Buggy compiler.`,
    );
  if (!isScalarType(btf.resolve(type.typeId)))
    return invalid(`Global function ${name}() doesn't return scalar. Only those are supported.`);
  const args: GlobalArg[] = [];
  for (const [i, p] of type.params.entries()) {
    const arg = argOf(env, proto, p.typeId, i);
    if (isRefusal(arg)) return arg;
    args.push(arg);
  }
  return args;
}

function argOf(env: Env, { btf, funcId, name }: Proto, typeId: number, i: number): GlobalArg | Refusal {
  const tags = tagsOf(btf, funcId, i);
  if (tags === undefined) return { code: "EOPNOTSUPP", reason: `arg#${i} has unsupported set of tags` };
  const t = btf.resolve(typeId);
  if (t.kind === "ptr") return ptrArg(env, { btf, i, tags, to: t.typeId });
  if (tags.length > 0) return invalid(`arg#${i} has pointer tag, but is not a pointer type`);
  if (isScalarType(t)) return { kind: "scalar" };
  return invalid(`Arg#${i} type ${kindWord(t)} in ${name}() is not supported yet.`);
}

/** undefined: one of them is not known. */
function tagsOf(btf: Btf, funcId: number, i: number): Tag[] | undefined {
  const names = btf
    .declTags(funcId, i)
    .filter((t) => t.startsWith("arg:"))
    .map((t) => t.slice(4));
  const tags = TAGS.filter((t) => names.includes(t));
  return names.every((name) => TAGS.some((t) => t === name)) ? tags : undefined;
}

/** None but these tags stand here. */
function has({ tags }: PtrParam, ...allowed: readonly Tag[]): boolean {
  return tags.every((t) => allowed.includes(t));
}

function ptrArg(env: Env, p: PtrParam): GlobalArg | Refusal {
  const { btf, i, tags, to } = p;
  const badTags = invalid(`arg#${i} has invalid combination of tags`);
  if (tags.includes("ctx") || isCtxByName(env, btf, to)) {
    if (!has(p, "ctx")) return badTags;
    const why = tags.includes("ctx") ? whyNoCtx(env, btf, to, i) : undefined;
    return why === undefined ? { kind: "ctx" } : invalid(why);
  }
  const t = btf.resolve(to);
  if (t.kind === "struct" && t.name === "bpf_dynptr") return has(p) ? { kind: "dynptr" } : badTags;
  if (tags.includes("trusted")) {
    if (tags.includes("nonnull")) return badTags;
    const found = kernelType(env, p);
    if (isRefusal(found)) return found;
    return { kind: "ptr", ...found, nullable: tags.includes("nullable"), trusted: true };
  }
  if (tags.includes("untrusted")) return untrusted(env, p);
  if (tags.includes("arena"))
    return has(p, "arena")
      ? { kind: "arena" }
      : invalid(`arg#${i} arena cannot be combined with any other tags`);
  return has(p, "nonnull") ? memArg(p) : badTags;
}

function untrusted(env: Env, p: PtrParam): GlobalArg | Refusal {
  const { btf, i, to } = p;
  if (!has(p, "untrusted")) return invalid(`arg#${i} untrusted cannot be combined with any other tags`);
  const t = btf.resolve(to);
  if (t.kind === "void" || isScalarType(t)) return { kind: "untrusted_mem" };
  const found = kernelType(env, p);
  if (isRefusal(found)) return found;
  const type = found.btf.byId(found.id);
  if (isStructType(type)) return { kind: "ptr", ...found, nullable: false, trusted: false };
  return invalid(
    `arg#${i} has type ${kindWord(type)} '${t.name}', but only struct or primitive types are allowed`,
  );
}

/** Anything of the program's own: as many bytes as the type says. */
function memArg({ btf, i, tags, to }: PtrParam): GlobalArg | Refusal {
  const size = sizeOfType(btf, to);
  if (size !== undefined) return { kind: "mem", size, nullable: !tags.includes("nonnull") };
  const t = btf.resolve(to);
  return invalid(`arg#${i} reference type('${kindWord(t)} ${t.name}') size cannot be determined: -22`);
}

/** The kernel's type of this name, whatever flavour of it the program has. */
function kernelType(env: Env, { btf, i, to }: PtrParam): { btf: Btf; id: number } | Refusal {
  const kernel = env.kernelBtf;
  const t = btf.resolve(to);
  const what = `arg#${i} reference type('${kindWord(t)} ${t.name}')`;
  if (kernel === undefined)
    return { code: "EOPNOTSUPP", reason: `${what} cannot be looked up without the kernel's types` };
  const found = kernel.flavoursOf(essentialName(t.name)).filter((k) => k.kind === t.kind);
  const [only] = found;
  if (only === undefined) return { code: "ENOENT", reason: `${what} has no matches` };
  if (found.length > 1) return { code: "ESRCH", reason: `${what} is ambiguous` };
  return { btf: kernel, id: only.id };
}
