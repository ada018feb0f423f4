// Functions whose prototype does not say what they return.
import type { Btf } from "../../btf/btf.ts";
import { isStructType, type StructType } from "../../btf/query.ts";
import { KERN_CTX } from "../../spec/kern_ctx.ts";
import { progRules } from "../../spec/prog_rules.ts";
import type { Env } from "../env.ts";
import { typeFields } from "../btf/fields.ts";
import { ALLOC, PERCPU, PKT_SLICE, RDONLY, RegState, TRUSTED, UNTRUSTED } from "../state/regs.ts";
import { Scalar } from "../scalar/scalar.ts";
import { PACKETS } from "../objects/dynptr.ts";
import { isScalarStruct } from "./arg_kind.ts";
import { nodeOf } from "./graph.ts";
import type { KfuncMeta } from "./meta.ts";

type Return = (env: Env, meta: KfuncMeta) => RegState;

/** A pointer made from any number: it can be read through, nothing more. */
const rdonlyCast: Return = (env, { kfunc, constant }) => {
  const id = Number(BigInt.asUintN(32, constant ?? 0n));
  const t = kfunc.btf.at(id);
  if (t === undefined)
    return env.reject("EINVAL", `Unknown type ID ${constant} passed to kfunc bpf_rdonly_cast`);
  if (isStructType(t)) return new RegState("ptr_", 0, Scalar.zero, 0, id, UNTRUSTED, 0, kfunc.btf);
  if (t.kind === "void") return new RegState("mem", 0, Scalar.zero, 0, 0, RDONLY | UNTRUSTED);
  return env.reject("EINVAL", "kfunc bpf_rdonly_cast type ID argument must be of a struct or void");
};

/** The context as the kernel sees it. */
const kernCtx: Return = (env, { kfunc }) => {
  const name = KERN_CTX[env.prog.type];
  const id = name === undefined ? undefined : kfunc.btf.find(name, "struct")?.id;
  if (id === undefined) return env.reject("EINVAL", `the context of ${env.prog.type} programs has no struct`);
  return new RegState("ptr_", 0, Scalar.zero, 0, id, TRUSTED, 0, kfunc.btf);
};

const MAX_PERCPU_SIZE = 512;

/** The struct of the program's own that a constant names. */
function ownStruct(env: Env, constant: bigint | undefined): { btf: Btf; t: StructType } {
  if (constant === undefined || constant > 0xffff_ffffn)
    return env.reject("EINVAL", "local type ID argument must be in range [0, U32_MAX]");
  const { btf } = env.prog;
  if (btf === undefined) return env.reject("EINVAL", "bpf_obj_new/bpf_percpu_obj_new requires prog BTF");
  const t = btf.types[Number(constant)];
  if (t?.kind !== "struct")
    return env.reject("EINVAL", "bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct");
  return { btf, t };
}

const newObject: Return = (env, { constant }) => {
  const { btf, t } = ownStruct(env, constant);
  return new RegState("ptr_", 0, Scalar.zero, 0, t.id, ALLOC, 0, btf);
};

const newPercpu: Return = (env, { constant }) => {
  const { btf, t } = ownStruct(env, constant);
  if (t.size > MAX_PERCPU_SIZE)
    return env.reject(
      "EINVAL",
      `bpf_percpu_obj_new type size (${t.size}) is greater than ${MAX_PERCPU_SIZE}`,
    );
  if (!isScalarStruct(btf, t, (line) => env.say(line)))
    return env.reject("EINVAL", "bpf_percpu_obj_new type ID argument must be of a struct of scalars");
  if (typeFields(env, { btf, id: t.id }).length > 0)
    return env.reject("EINVAL", "bpf_percpu_obj_new type ID argument must not contain special fields");
  return new RegState("ptr_", 0, Scalar.zero, 0, t.id, ALLOC | PERCPU, 0, btf);
};

/** Bytes of a dynptr, in place or copied into a buffer: which of the two is not known. */
function slice(readOnly: boolean): Return {
  return (env, { kfunc, dynptr, constant }) => {
    if (dynptr === undefined || constant === undefined) throw new Error("a slice of no dynptr");
    if (!readOnly && progRules(env.prog.type).pkt !== "write")
      env.reject("EINVAL", "the prog does not allow writes to packet data");
    if (constant > 0x7fff_ffffn) env.reject("EACCES", `${kfunc.name}: a slice of ${constant} bytes`);
    const flags = (readOnly ? RDONLY : 0) | (PACKETS.has(dynptr.type) ? PKT_SLICE : 0);
    return new RegState(
      "mem",
      0,
      Scalar.zero,
      0,
      Number(constant),
      flags,
      dynptr.refId,
      undefined,
      dynptr.id,
    );
  };
}

/** The word of a session that its entry leaves for its return. */
const sessionCookie: Return = () => new RegState("mem", 0, Scalar.zero, 0, 8, 0);

/** Another hold of an object that counts them. */
const counted: Return = (_env, { object }) => {
  if (object === undefined) throw new Error("no object to hold");
  return new RegState("ptr_", 0, Scalar.zero, 0, object.id, ALLOC, 0, object.btf);
};

/** A node out of a list or tree: taken out, or only looked at. */
const takenNode: Return = (env, { graphRoot }) => nodeOf(env, graphRoot, true);
const seenNode: Return = (env, { graphRoot }) => nodeOf(env, graphRoot, false);

export const SPECIAL_RETURNS: Readonly<Record<string, Return>> = {
  bpf_rdonly_cast: rdonlyCast,
  bpf_cast_to_kern_ctx: kernCtx,
  bpf_obj_new_impl: newObject,
  bpf_percpu_obj_new_impl: newPercpu,
  bpf_refcount_acquire_impl: counted,
  bpf_list_pop_front: takenNode,
  bpf_list_pop_back: takenNode,
  bpf_list_front: seenNode,
  bpf_list_back: seenNode,
  bpf_rbtree_remove: takenNode,
  bpf_rbtree_first: seenNode,
  bpf_rbtree_root: seenNode,
  bpf_rbtree_left: seenNode,
  bpf_rbtree_right: seenNode,
  bpf_dynptr_slice: slice(true),
  bpf_dynptr_slice_rdwr: slice(false),
  bpf_session_cookie: sessionCookie,
};
