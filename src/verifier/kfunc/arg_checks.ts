// One check for each kind of pointer argument of a kernel function. What a check teaches goes into the KfuncMeta.
import type { BtfType } from "../../btf/btf.ts";
import { kindWord, sizeOfType } from "../../btf/query.ts";
import { isNoCastAlias, isProjection, structHolds, type TypeRef } from "../btf/match.ts";
import type { Env } from "../env.ts";
import { checkConstStr } from "../call/helper_args.ts";
import { checkHelperMem, checkMemSize } from "../call/helper_mem.ts";
import {
  ALLOC,
  isNull,
  MAYBE_NULL,
  PERCPU,
  QUALIFIERS,
  type RegState,
  regTypeStr,
  withFlags,
} from "../state/regs.ts";
import { checkDynptr, checkNewDynptr } from "../objects/dynptr.ts";
import type { DynptrType } from "../state/stack.ts";
import { checkIrqFlag } from "../objects/irq_flag.ts";
import { checkReleaseLock, checkTakeLock } from "../locks/locks.ts";
import type { LockKind } from "../state/state.ts";
import { checkCounted, checkListNode, checkRoot, checkTreeNode } from "./graph.ts";
import { checkIter } from "../objects/iter.ts";
import { checkKfuncField } from "../call/special_args.ts";
import { hasUnsafeFlags, isRcu, pointedType, structOf, TRUSTED_FLAGS } from "../state/trust.ts";
import type { ArgKind } from "./arg_kind.ts";
import type { KfuncParam } from "./desc.ts";
import type { KfuncMeta } from "./meta.ts";

export interface PtrArg {
  readonly i: number;
  readonly regno: number;
  readonly reg: RegState;
  readonly param: KfuncParam;
  /** what the parameter points to */
  readonly to: BtfType;
}

type Check = (env: Env, arg: PtrArg, meta: KfuncMeta) => void;

function checkCtx(env: Env, { i, reg }: PtrArg): void {
  if (reg.kind !== "ctx")
    env.reject("EINVAL", `arg#${i} expected pointer to ctx, but got ${regTypeStr(reg)}`);
}

/** The register as if it were not null, while `check` looks at it. */
function asNotNull(env: Env, regno: number, check: () => void): void {
  const reg = env.regs[regno] as RegState;
  if (!reg.maybeNull) return check();
  env.regs[regno] = withFlags(reg, reg.flags & ~MAYBE_NULL);
  check();
  env.regs[regno] = reg;
}

function checkMem(env: Env, { i, regno, reg, param, to }: PtrArg, meta: KfuncMeta): void {
  const size = sizeOfType(param.btf, to.id);
  if (size === undefined)
    env.reject(
      "EINVAL",
      `arg#${i} reference type('${kindWord(to)} ${to.name}') size cannot be determined: -22`,
    );
  if (isNull(reg)) return;
  asNotNull(env, regno, () => {
    checkHelperMem(env, regno, size, false, true);
    checkHelperMem(env, regno, size, true, true);
  });
  meta.mem.push({ regno, size, write: true, wholly: false });
}

/** Memory and, in the next register, its length. */
function checkSizedMem(env: Env, { i, regno, reg, param }: PtrArg, meta: KfuncMeta): void {
  const size = env.regs[regno + 1] as RegState;
  const next = meta.kfunc.params[i + 1] as KfuncParam;
  if (!isNull(reg) || !param.has("__opt")) {
    const blame = `arg#${i} arg#${i + 1} memory, len pair leads to invalid memory access`;
    env.blame = { line: blame };
    asNotNull(env, regno, () => {
      checkMemSize(env, regno + 1, false, true);
      checkMemSize(env, regno + 1, true, true);
    });
    env.blame = undefined;
    meta.mem.push({ regno, size: size.s.umaxNum, write: true, wholly: false });
  }
  if (!next.has("__szk")) return;
  if (!size.s.isConst) env.reject("EINVAL", `R${regno + 1} must be a known constant`);
  meta.constant = size.s.value;
}

function checkCallback(env: Env, { i, reg }: PtrArg, meta: KfuncMeta): void {
  if (reg.kind !== "func") env.reject("EINVAL", `arg${i} expected pointer to func`);
  meta.callback = reg.aux;
}

function checkString(env: Env, { i, regno, reg }: PtrArg): void {
  if (reg.kind !== "map_value" || reg.flags !== 0)
    env.reject("EINVAL", `arg#${i} doesn't point to a const string`);
  checkConstStr(env, regno, reg);
}

/** A struct of the kernel, by its type: itself, or one that begins with it. */
function checkStruct(env: Env, arg: PtrArg, meta: KfuncMeta): void {
  const { i, regno, reg } = arg;
  const usable =
    structOf(reg.kind) !== undefined || (reg.kind === "ptr_" && (!hasUnsafeFlags(reg) || isRcu(reg)));
  if (!usable)
    env.reject(
      "EINVAL",
      `arg#${i} is ${regTypeStr(reg)} expected ${regTypeStr(withFlags(reg, reg.flags & TRUSTED_FLAGS))} or socket`,
    );
  const have = pointedType(reg, meta.kfunc.btf);
  if (have === undefined) env.reject("EINVAL", `R${regno} has no type the kernel knows`);
  checkSameStruct(env, arg, have, meta);
}

function checkSameStruct(
  env: Env,
  { i, regno, reg, param, to }: PtrArg,
  have: TypeRef,
  meta: KfuncMeta,
): void {
  const { kfunc } = meta;
  const need = { btf: param.btf, id: to.id };
  const strict = (kfunc.is("release") && reg.refId !== 0) || isNoCastAlias(have, need);
  const haveType = have.btf.resolve(have.id);
  const same = structHolds({ btf: have.btf, id: haveType.id }, reg.off, need, {
    strict,
    flexArrays: (reg.flags & ALLOC) === 0,
    say: (line) => env.say(line),
  });
  if (same || isProjection(to.name, haveType.name)) return;
  env.reject(
    "EINVAL",
    `kernel function ${kfunc.name} args#${i} expected pointer to ${kindWord(to)} ${to.name} but R${regno} has a pointer to ${kindWord(haveType)} ${haveType.name}`,
  );
}

/** A map, as the kernel's `struct bpf_map *`. */
function checkMap(env: Env, arg: PtrArg, meta: KfuncMeta): void {
  if (arg.reg.kind === "map_ptr" && arg.reg.off === 0) return;
  const to = meta.kfunc.btf.find("bpf_map", "struct");
  checkStruct(env, to === undefined ? arg : { ...arg, to }, meta);
}

/** Each kind of object has its own function that gives it back. */
const DROPS: Readonly<Record<number, string>> = {
  [ALLOC]: "bpf_obj_drop_impl",
  [ALLOC | PERCPU]: "bpf_percpu_obj_drop_impl",
};

function checkOwnObject(env: Env, { i, reg }: PtrArg, meta: KfuncMeta): void {
  const drop = reg.kind === "ptr_" ? DROPS[reg.flags] : undefined;
  if (drop === undefined || reg.btf === undefined)
    env.reject("EINVAL", `arg#${i} expected pointer to allocated object`);
  if (meta.kfunc.name !== drop) env.reject("EINVAL", `arg#${i} expected for ${drop}()`);
  if (reg.refId === 0) env.reject("EINVAL", "allocated object must be referenced");
  meta.object = { btf: reg.btf, id: reg.aux };
}

function field(kind: "bpf_wq" | "bpf_timer"): Check {
  return (env, { regno }, meta) => {
    meta.owner = checkKfuncField(env, regno, kind);
  };
}

/** Functions that make a dynptr, by what its data is. */
const MAKES: Readonly<Record<string, DynptrType>> = {
  bpf_dynptr_from_skb: "skb",
  bpf_dynptr_from_xdp: "xdp",
  bpf_dynptr_from_skb_meta: "skb_meta",
  bpf_dynptr_from_file: "file",
};

function checkDynptrParam(env: Env, { i, regno, reg, param }: PtrArg, meta: KfuncMeta): void {
  if (reg.kind !== "fp" && reg.kind !== "dynptr_ptr")
    env.reject("EINVAL", `arg#${i} expected pointer to stack or const struct bpf_dynptr`);
  if (!param.has("__uninit")) {
    meta.dynptr = checkDynptr(env, regno, undefined);
    return;
  }
  const type = meta.kfunc.name === "bpf_dynptr_clone" ? meta.dynptr?.type : MAKES[meta.kfunc.name];
  if (type === undefined || type === "file")
    return notYet("dynptrs of this kind")(env, { i, regno, reg, param } as PtrArg, meta);
  meta.newDynptr = { place: checkNewDynptr(env, regno), type };
}

/** Locks that can fail, by the function that takes or gives them back. */
const RES_LOCKS: Readonly<Record<string, readonly [kind: LockKind, check: typeof checkTakeLock]>> = {
  bpf_res_spin_lock: ["res_lock", checkTakeLock],
  bpf_res_spin_unlock: ["res_lock", checkReleaseLock],
  bpf_res_spin_lock_irqsave: ["res_lock_irq", checkTakeLock],
  bpf_res_spin_unlock_irqrestore: ["res_lock_irq", checkReleaseLock],
};

function checkResLock(env: Env, { i, regno, reg }: PtrArg, meta: KfuncMeta): void {
  const flags = reg.flags & QUALIFIERS;
  if (!(reg.kind === "map_value" && flags === 0) && !(reg.kind === "ptr_" && flags === ALLOC))
    env.reject("EINVAL", `arg#${i} doesn't point to map value or allocated object`);
  const row = RES_LOCKS[meta.kfunc.name];
  if (row === undefined) throw new Error(`${meta.kfunc.name} takes a lock`);
  meta.lock = row[1](env, regno, row[0]);
}

function notYet(what: string): Check {
  return (env, _, meta) =>
    env.reject("EOPNOTSUPP", `kernel function ${meta.kfunc.name}: ${what} are not supported yet`);
}

export const ARG_CHECKS: Readonly<Record<ArgKind, Check>> = {
  ctx: checkCtx,
  null: () => undefined,
  alloc: checkOwnObject,
  refcounted: checkCounted,
  dynptr: checkDynptrParam,
  iter: checkIter,
  list_head: checkRoot("bpf_list_head"),
  list_node: checkListNode,
  rb_root: checkRoot("bpf_rb_root"),
  rb_node: checkTreeNode,
  const_str: checkString,
  map: checkMap,
  wq: field("bpf_wq"),
  timer: field("bpf_timer"),
  task_work: notYet("task works"),
  irq_flag: checkIrqFlag,
  res_spin_lock: checkResLock,
  btf: checkStruct,
  callback: checkCallback,
  mem: checkMem,
  mem_size: checkSizedMem,
};
