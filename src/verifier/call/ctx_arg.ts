// Whether an argument of a global function is the program's context: by the name of the struct it points to, or by a
// tag, which then must go with a type that the program type allows.
import type { Btf, BtfType } from "../../btf/btf.ts";
import type { AttachTypeName, ProgTypeName } from "../../spec/prog_types.ts";
import { isProjection } from "../btf/match.ts";
import type { Env } from "../env.ts";

const PT_REGS = "bpf_user_pt_regs_t";

/** Contexts that are just words. */
const WORDS: ReadonlySet<ProgTypeName> = new Set<ProgTypeName>([
  "raw_tracepoint",
  "raw_tracepoint_writable",
  "lsm",
  "struct_ops",
]);
const TRACING_WORDS: ReadonlySet<AttachTypeName> = new Set<AttachTypeName>([
  "trace_raw_tp",
  "trace_fentry",
  "trace_fexit",
  "modify_return",
]);
/** Types whose context has no shape: whatever is said of it is believed. */
const SHAPELESS: ReadonlySet<ProgTypeName> = new Set<ProgTypeName>(["tracepoint", "syscall", "ext"]);

const ITER_PREFIX = "bpf_iter__";

/** The name of the registers' typedef counts even where it is not the struct's. */
function isRegsTypedef(btf: Btf, typeId: number): boolean {
  let t = btf.byId(typeId);
  while (t.kind === "const" || t.kind === "volatile" || t.kind === "restrict" || t.kind === "type_tag")
    t = btf.byId(t.typeId);
  return t.kind === "typedef" && t.name === PT_REGS;
}

/** A pointer to this type is a context by its name alone. */
export function isCtxByName(env: Env, btf: Btf, typeId: number): boolean {
  if (env.prog.type === "kprobe" && isRegsTypedef(btf, typeId)) return true;
  const { kind, name } = btf.resolve(typeId);
  if ((kind !== "struct" && kind !== "union") || name === "") return false;
  if (env.prog.type === "kprobe" && name === PT_REGS) return true;
  return name === env.ctx.name || isProjection(env.ctx.name, name);
}

function isWord(t: BtfType): boolean {
  return t.kind === "int" && t.size === 8;
}

/** Types with exceptions of their own. */
function isAllowed(env: Env, btf: Btf, typeId: number): boolean {
  const { type, expectedAttachType: attach } = env.prog;
  const t = btf.resolve(typeId);
  if (SHAPELESS.has(type)) return true;
  if (WORDS.has(type)) return isWord(t);
  if (type === "kprobe" || type === "perf_event")
    return isRegsTypedef(btf, typeId) || (t.kind === "struct" && t.name === "pt_regs");
  if (type !== "tracing" || attach === undefined) return false;
  if (TRACING_WORDS.has(attach) && isWord(t)) return true;
  if (t.kind !== "struct") return false;
  if (attach === "trace_raw_tp") return t.name === "bpf_raw_tracepoint_args";
  return attach === "trace_iter" && t.name.startsWith(ITER_PREFIX);
}

/** Why argument `i`, a pointer to `typeId` with the tag of a context, cannot be one. */
export function whyNoCtx(env: Env, btf: Btf, typeId: number, i: number): string | undefined {
  const t = btf.resolve(typeId);
  if (t.kind === "void") return undefined;
  if (t.name === "") return `arg#${i} type doesn't have a name`;
  if (isAllowed(env, btf, typeId)) return undefined;
  const name = env.ctx.name;
  if (name === "") return `arg#${i} should be void pointer`;
  return t.kind === "struct" && t.name === name ? undefined : `arg#${i} should be \`struct ${name} *\``;
}
