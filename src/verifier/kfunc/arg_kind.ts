// How a pointer argument of a kernel function is to be checked: by the parameter's name and type, and where those
// leave it open by what the register holds.
import type { Btf, BtfType } from "../../btf/btf.ts";
import { isScalarType, isStructType, kindWord } from "../../btf/query.ts";
import { isProjection } from "../btf/match.ts";
import type { Env } from "../env.ts";
import { isNull, type RegState } from "../state/regs.ts";
import { structOf } from "../state/trust.ts";
import type { Kfunc, KfuncParam } from "./desc.ts";

export type ArgKind =
  | "ctx"
  | "null"
  | "alloc" // an object of the program's own
  | "refcounted"
  | "dynptr"
  | "iter"
  | "list_head"
  | "list_node"
  | "rb_root"
  | "rb_node"
  | "const_str"
  | "map"
  | "wq"
  | "timer"
  | "task_work"
  | "irq_flag"
  | "res_spin_lock"
  | "btf" // a struct of the kernel
  | "callback"
  | "mem"
  | "mem_size"; // memory whose length is the next argument

/** Structs that a parameter points to and that say what is meant. */
const BY_STRUCT: readonly (readonly [struct: string, kind: ArgKind])[] = [
  ["bpf_list_head", "list_head"],
  ["bpf_list_node", "list_node"],
  ["bpf_rb_root", "rb_root"],
  ["bpf_rb_node", "rb_node"],
];

const BY_STRUCT_LATER: readonly (readonly [struct: string, kind: ArgKind])[] = [
  ["bpf_wq", "wq"],
  ["bpf_timer", "timer"],
  ["bpf_task_work", "task_work"],
];

function byStruct(p: KfuncParam, rows: typeof BY_STRUCT): ArgKind | undefined {
  return rows.find(([struct]) => p.pointsTo(struct))?.[1];
}

/** The parameter is the program's context, as programs or the kernel name it. */
function isCtx(env: Env, p: KfuncParam): boolean {
  const want = env.ctx.name;
  if (want === "" || p.to === undefined || !isStructType(p.to)) return false;
  return p.to.name === want || isProjection(want, p.to.name);
}

/** The size behind a memory argument. */
function hasSize(env: Env, kfunc: Kfunc, i: number): boolean {
  const next = kfunc.params[i + 1];
  const reg = env.regs[i + 2] as RegState;
  return (
    next !== undefined &&
    isScalarType(next.type) &&
    reg.kind === "scalar" &&
    (next.has("__sz") || next.has("__szk"))
  );
}

const MAX_STRUCT_DEPTH = 3;

/** Numbers all through, in arrays and structs as well, a few levels deep. */
export function isScalarStruct(btf: Btf, t: BtfType, say: (line: string) => void, depth = 0): boolean {
  if (!isStructType(t)) return false;
  return t.members.every((m) => {
    const inner = btf.resolve(m.typeId);
    if (isStructType(inner)) {
      if (depth < MAX_STRUCT_DEPTH) return isScalarStruct(btf, inner, say, depth + 1);
      say("max struct nesting depth exceeded");
      return false;
    }
    if (inner.kind === "array") return inner.nelems > 0 && isScalarType(btf.resolve(inner.typeId));
    return isScalarType(inner);
  });
}

/** Refuses parameters of types that no argument can be checked against. */
export function argKind(env: Env, kfunc: Kfunc, i: number): ArgKind {
  const p = kfunc.params[i] as KfuncParam;
  const to = p.to as BtfType;
  const reg = env.regs[i + 1] as RegState;
  if (kfunc.name === "bpf_cast_to_kern_ctx") return "ctx";
  const sized = hasSize(env, kfunc, i);
  if (isCtx(env, p)) return "ctx";
  if (p.has("__nullable") && isNull(reg) && !sized) return "null";
  if (p.has("__alloc")) return "alloc";
  if (p.has("__refcounted_kptr")) return "refcounted";
  if (p.pointsTo("bpf_dynptr")) return "dynptr";
  if (kfunc.isIter ? i === 0 : p.has("__iter")) return "iter";
  const node = byStruct(p, BY_STRUCT);
  if (node !== undefined) return node;
  if (p.has("__str")) return "const_str";
  if (p.has("__map")) return "map";
  const field = byStruct(p, BY_STRUCT_LATER);
  if (field !== undefined) return field;
  if (p.has("__irq_flag")) return "irq_flag";
  if (p.pointsTo("bpf_res_spin_lock")) return "res_spin_lock";
  if (reg.kind === "ptr_" || structOf(reg.kind) !== undefined) {
    if (isStructType(to)) return "btf";
    env.reject(
      "EINVAL",
      `kernel function ${kfunc.name} args#${i} pointer type ${kindWord(to)} ${to.name} is not supported`,
    );
  }
  if (to.kind === "func_proto") return "callback";
  return memKind(env, p.btf, to, i, sized);
}

function memKind(env: Env, btf: Btf, to: BtfType, i: number, sized: boolean): ArgKind {
  const fits =
    isScalarType(to) || isScalarStruct(btf, to, (line) => env.say(line)) || (sized && to.kind === "void");
  if (!fits)
    env.reject(
      "EINVAL",
      `arg#${i} pointer type ${kindWord(to)} ${to.name} must point to ${sized ? "void, " : ""}scalar, or struct with scalar`,
    );
  return sized ? "mem_size" : "mem";
}
