// Prototypes of global functions, from BTF: what each argument may be. Knows no registers.
import type { Env, Subprog } from "./env.ts";

export interface GlobalArg {
  readonly type: "scalar" | "ctx" | "mem";
  /** mem: bytes that may be read and written */
  readonly size: number;
  readonly nullable: boolean;
}

/** The context's struct, as user programs name it. */
function isCtxName(env: Env, name: string): boolean {
  return name === env.ctx.name;
}

function argOf(env: Env, funcId: number, typeId: number, i: number): GlobalArg {
  const btf = env.prog.btf;
  if (btf === undefined) env.reject("EINVAL", "Global functions need valid BTF");
  const tags = btf
    .declTags(funcId, i)
    .filter((t) => t.startsWith("arg:"))
    .map((t) => t.slice(4));
  const t = btf.resolve(typeId);
  for (const tag of tags) {
    if (tag === "ctx" || tag === "nonnull") continue;
    env.reject("EOPNOTSUPP", `arg#${i} has unsupported set of tags`);
  }
  if (t.kind === "int" || t.kind === "enum" || t.kind === "enum64") {
    if (tags.length > 0) env.reject("EINVAL", `arg#${i} has pointer tag, but is not a pointer type`);
    return { type: "scalar", size: 0, nullable: false };
  }
  if (t.kind !== "ptr")
    env.reject(
      "EINVAL",
      `Arg#${i} type ${btf.typeName(typeId)} in ${funcName(env, funcId)}() is not supported yet.`,
    );
  const to = btf.resolve(t.typeId);
  if (tags.includes("ctx") || (to.kind === "struct" && isCtxName(env, to.name)))
    return { type: "ctx", size: 0, nullable: false };
  const size = sizeOf(env, t.typeId);
  if (size === undefined)
    env.reject(
      "EINVAL",
      `arg#${i} reference type('${to.kind === "void" ? "UNKNOWN" : to.kind.toUpperCase()} ${to.name}') size cannot be determined: -22`,
    );
  return { type: "mem", size, nullable: !tags.includes("nonnull") };
}

function sizeOf(env: Env, typeId: number): number | undefined {
  const t = env.prog.btf?.resolve(typeId);
  if (
    t === undefined ||
    t.kind === "void" ||
    t.kind === "fwd" ||
    t.kind === "func_proto" ||
    t.kind === "func"
  )
    return undefined;
  return env.prog.btf?.sizeof(typeId);
}

function funcName(env: Env, funcId: number): string {
  return env.prog.btf?.byId(funcId).name ?? "";
}

/** Refuses a global function without a usable prototype. */
export function globalArgs(env: Env, subprogno: number): GlobalArg[] {
  const sub = env.subprogs[subprogno] as Subprog;
  const func = env.prog.funcs.find((f) => f.pc === sub.start);
  const btf = env.prog.btf;
  if (func === undefined || btf === undefined) env.reject("EFAULT", "Global functions need valid BTF");
  const t = btf.byId(func.typeId);
  if (t.kind !== "func") env.reject("EFAULT", `BTF of func#${subprogno} doesn't point to KIND_FUNC`);
  const proto = btf.resolve(t.typeId);
  if (proto.kind !== "func_proto") env.reject("EFAULT", `Invalid type of function ${t.name}()`);
  if (proto.params.length > 5)
    env.reject("EINVAL", `Global function ${t.name}() with ${proto.params.length} > 5 args. Buggy compiler.`);
  const ret = btf.resolve(proto.typeId);
  if (ret.kind !== "int" && ret.kind !== "enum" && ret.kind !== "enum64")
    env.reject("EINVAL", `Global function ${t.name}() doesn't return scalar. Only those are supported.`);
  return proto.params.map((p, i) => argOf(env, func.typeId, p.typeId, i));
}
