// Lists and trees of the program's own objects: the head or root and the node that a call names, what becomes of an
// object that is linked in, and what is found there.
import type { SpecialKind } from "../../spec/special_structs.ts";
import type { Env } from "../env.ts";
import { type Field, fieldsOf, hasField, typeFields } from "../btf/fields.ts";
import { checkGuarded } from "../locks/locks.ts";
import { linkOwned } from "../state/refs.ts";
import { ALLOC, NON_OWN_REF, QUALIFIERS, RCU, RegState } from "../state/regs.ts";
import { Scalar } from "../scalar/scalar.ts";
import { inTreeCallback } from "../locks/under_lock.ts";
import type { PtrArg } from "./arg_checks.ts";
import type { KfuncMeta } from "./meta.ts";

/** Objects of the program's own as they are, neither seen under a lock nor under RCU. */
function isPlainObject(reg: RegState): boolean {
  return reg.kind === "ptr_" && (reg.flags & QUALIFIERS) === ALLOC;
}

function checkOwned(env: Env, { i, reg }: PtrArg): void {
  if (!isPlainObject(reg)) env.reject("EINVAL", `arg#${i} expected pointer to allocated object`);
  if (reg.refId === 0) env.reject("EINVAL", "allocated object must be referenced");
}

/** The field of this kind that the register points to. */
function fieldAt(env: Env, { regno, reg }: PtrArg, kind: SpecialKind): Field {
  if (!reg.s.isConst)
    env.reject("EINVAL", `R${regno} doesn't have constant offset. ${kind} has to be at the constant offset`);
  const off = reg.off + reg.s.constNum;
  const field = fieldsOf(env, reg).find((f) => f.kind === kind && f.off === off);
  if (field === undefined) env.reject("EINVAL", `${kind} not found at offset=${off}`);
  return field;
}

/** The head of a list, the root of a tree: guarded by a lock beside it. */
export function checkRoot(kind: "bpf_list_head" | "bpf_rb_root") {
  return (env: Env, arg: PtrArg, meta: KfuncMeta): void => {
    const { i, reg } = arg;
    const inMap = reg.kind === "map_value" && (reg.flags & QUALIFIERS) === 0;
    if (!inMap && !isPlainObject(reg))
      env.reject("EINVAL", `arg#${i} expected pointer to map value or allocated object`);
    if (!inMap && reg.refId === 0) env.reject("EINVAL", "allocated object must be referenced");
    meta.graphRoot = fieldAt(env, arg, kind);
    checkGuarded(env, reg, kind);
  };
}

/** The object is one of those that are kept there, and this the node it is kept by. */
function checkNodeOf(env: Env, arg: PtrArg, meta: KfuncMeta, kind: SpecialKind): void {
  const { reg } = arg;
  const off = fieldAt(env, arg, kind).off;
  const root = meta.graphRoot;
  if (root?.contains === undefined || reg.btf === undefined) throw new Error("a node without a root");
  const { typeId, nodeOff } = root.contains;
  const wanted = reg.btf.byId(typeId).name;
  if (reg.aux !== typeId)
    env.reject(
      "EINVAL",
      `operation on ${root.kind} expects arg#1 ${kind} at offset=${nodeOff} in struct ${wanted}, ` +
        `but arg is at offset=${off} in struct ${reg.btf.byId(reg.aux).name}`,
    );
  if (off !== nodeOff)
    env.reject(
      "EINVAL",
      `arg#1 offset=${off}, but expected ${kind} at offset=${nodeOff} in struct ${wanted}`,
    );
  meta.object = { btf: reg.btf, id: reg.aux };
}

export function checkListNode(env: Env, arg: PtrArg, meta: KfuncMeta): void {
  checkOwned(env, arg);
  checkNodeOf(env, arg, meta, "bpf_list_node");
}

/** A node that is put into a tree is owned; one that is there already need not be. */
export function checkTreeNode(env: Env, arg: PtrArg, meta: KfuncMeta): void {
  const { name } = meta.kfunc;
  const { reg } = arg;
  if (name === "bpf_rbtree_add_impl") checkOwned(env, arg);
  else {
    if (!(reg.kind === "ptr_" && reg.is(ALLOC | NON_OWN_REF)) && reg.refId === 0)
      env.reject("EINVAL", `${name} can only take non-owning or refcounted bpf_rb_node pointer`);
    if (inTreeCallback(env)) env.reject("EINVAL", `${name} not allowed in rbtree cb`);
  }
  checkNodeOf(env, arg, meta, "bpf_rb_node");
}

/** An object that counts who holds it. */
export function checkCounted(env: Env, { i, reg }: PtrArg, meta: KfuncMeta): void {
  if (reg.kind !== "ptr_" || !reg.is(ALLOC) || reg.btf === undefined)
    env.reject("EINVAL", `arg#${i} is neither owning or non-owning ref`);
  if (!reg.is(NON_OWN_REF) && reg.refId !== 0) meta.owning = true;
  const fields = fieldsOf(env, reg);
  if (fields.length === 0) env.reject("EFAULT", "verifier bug: Couldn't find btf_record");
  if (!hasField(fields, "bpf_refcount"))
    env.reject("EINVAL", `arg#${i} doesn't point to a type with bpf_refcount field`);
  meta.object = { btf: reg.btf, id: reg.aux };
}

/** Flags of what is seen without being owned: counted objects outlive the lock as long as RCU keeps them. */
function unownedFlags(env: Env, type: NonNullable<KfuncMeta["object"]>): number {
  return NON_OWN_REF | (hasField(typeFields(env, type), "bpf_refcount") ? RCU : 0);
}

const LINKS: ReadonlySet<string> = new Set([
  "bpf_list_push_front_impl",
  "bpf_list_push_back_impl",
  "bpf_rbtree_add_impl",
]);

/** What was owned is the list's or tree's now. */
export function stepLink(env: Env, { kfunc, object }: KfuncMeta): void {
  if (!LINKS.has(kfunc.name) || object === undefined) return;
  linkOwned(env.state, (env.regs[2] as RegState).refId, unownedFlags(env, object));
}

/** A pointer to the node of an object that is kept there. */
export function nodeOf(env: Env, root: Field | undefined, owned: boolean): RegState {
  const { btf } = env.prog;
  if (root?.contains === undefined || btf === undefined) throw new Error("nothing is kept there");
  const { typeId, nodeOff } = root.contains;
  const flags = ALLOC | (owned ? 0 : unownedFlags(env, { btf, id: typeId }));
  return new RegState("ptr_", nodeOff, Scalar.zero, 0, typeId, flags, 0, btf);
}
