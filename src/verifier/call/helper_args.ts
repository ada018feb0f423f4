// Arguments of a helper call, one after the other, against the helper's row. Refuses; changes no register.
// What the arguments teach about the call (its map, its key, what it overwrites) is collected in a CallMeta.
import {
  type ArgKind,
  argKind,
  type ArgType,
  type DynptrArg,
  type FixedArg,
  type HelperProto,
} from "../../spec/helpers.ts";
import { progRules } from "../../spec/prog_rules.ts";
import { checkArgType, isMemory, isNullable } from "./arg_types.ts";
import type { Env } from "../env.ts";
import type { CallMeta } from "./call_meta.ts";
import { checkHelperMem, checkMemSize } from "./helper_mem.ts";
import { checkAligned, checkMapValue } from "../mem/mem_access.ts";
import { checkArgOff, checkRegRead } from "../state/reg_checks.ts";
import { checkRefArg, checkStructArg } from "./helper_objects.ts";
import { checkDynptr, checkDynptrRelease, checkNewDynptr } from "../objects/dynptr.ts";
import { markPrecise, markSlotPrecise } from "../precision/precision.ts";
import { type RegState, isNull, isPkt, RCU, regTypeStr } from "../state/regs.ts";
import { checkReleaseLock, checkTakeLock } from "../locks/locks.ts";
import { checkSameMap, checkTimer } from "./special_args.ts";
import { inTreeCallback } from "../locks/under_lock.ts";
import { checkFits, checkXchgField } from "../mem/kptr.ts";
import { pointedType } from "../state/trust.ts";
import { checkSecret } from "../state/privileges.ts";
import { noteEscape } from "../stack/bounds.ts";
import { constantAt } from "../stack/range.ts";

/** Structs of the kernel may be read as memory, and are never written. */
const READ_ONLY: ReadonlySet<ArgKind> = new Set<ArgKind>(["mem", "mem_or_null"]);

function checkStructMem(env: Env, proto: HelperProto, regno: number, kind: ArgKind): void {
  const reg = env.regs[regno] as RegState;
  if (reg.kind === "ptr_" && isMemory(kind) && !READ_ONLY.has(kind))
    env.reject(
      "EACCES",
      `bpf_${proto.name}() may write into memory pointed by R${regno} type=${regTypeStr(reg)}`,
    );
}

/** Memory of these kinds is written, if not all of it. */
const WRITTEN: ReadonlySet<ArgKind> = new Set<ArgKind>(["uninit_mem", "inout_mem", "inout_mem_or_null"]);

function checkSize(
  env: Env,
  regno: number,
  before: ArgType | undefined,
  zeroOk: boolean,
  meta: CallMeta,
): void {
  const write = before !== undefined && WRITTEN.has(argKind(before));
  const s = (env.regs[regno] as RegState).s;
  meta.maxSize = s.umaxNum;
  const ptr = env.regs[regno - 1] as RegState;
  const wholly = before === "uninit_mem" && s.isConst && ptr.s.isConst;
  checkMemSize(env, regno, write, zeroOk, wholly);
  meta.mem.push({ regno: regno - 1, size: s.umaxNum, write, wholly });
}

/** A zero-terminated string in a frozen map. */
export function checkConstStr(env: Env, regno: number, reg: RegState): void {
  const map = env.mapAt(reg.aux);
  if (map.frozen === undefined) env.reject("EACCES", `R${regno} does not point to a readonly map'`);
  if (!reg.s.isConst) env.reject("EACCES", `R${regno} is not a constant address'`);
  if (map.maxEntries !== 1) env.reject("EACCES", "no direct value access support for this map type");
  const off = reg.off + reg.s.constNum;
  checkMapValue(env, regno, reg.off, map.valueSize - off, false, false);
  if (!map.frozen.subarray(off).includes(0)) env.reject("EINVAL", "string is not zero-terminated");
}

function checkKey(env: Env, regno: number, reg: RegState, meta: CallMeta): void {
  if (meta.map < 0) env.reject("EACCES", "invalid map_ptr to access map->key");
  const map = env.mapAt(meta.map);
  checkHelperMem(env, regno, map.keySize, false, false);
  meta.mem.push({ regno, size: map.keySize, write: false, wholly: false });
  if (map.type !== "array" && map.type !== "percpu_array") return;
  const found = constantAt(env, reg, map.keySize, map.maxEntries);
  if (found === undefined) return;
  if (found.spi !== undefined) markSlotPrecise(env, reg.aux, found.spi);
  meta.constKey = found.value;
}

function checkValue(env: Env, regno: number, write: boolean, meta: CallMeta): void {
  const size = env.mapAt(meta.map).valueSize;
  const wholly = write && (env.regs[regno] as RegState).s.isConst;
  checkHelperMem(env, regno, size, write, false, wholly);
  meta.mem.push({ regno, size, write, wholly });
}

/** Memory whose length the prototype says. */
function checkFixed(env: Env, regno: number, { size, access }: FixedArg, meta: CallMeta): void {
  const write = access !== "read";
  const wholly = access === "uninit" && (env.regs[regno] as RegState).s.isConst;
  checkHelperMem(env, regno, size, write, false, wholly);
  if (write) checkAligned(env, regno, size);
  meta.mem.push({ regno, size, write, wholly });
}

function checkAllocSize(env: Env, regno: number, meta: CallMeta): void {
  const { s } = env.regs[regno] as RegState;
  if (!s.isConst) env.reject("EACCES", `R${regno} is not a known constant'`);
  markPrecise(env, regno);
  meta.allocSize = s.uminNum;
}

/** Packet bytes go to helpers that say so, from programs that may touch them at all. */
function checkPktArg(env: Env, proto: HelperProto, reg: RegState): void {
  if (!isPkt(reg)) return;
  const rules = progRules(env.prog.type);
  if (rules.pktArgs !== "always" && (rules.pkt === undefined || proto.effects.pktAccess !== true))
    env.reject("EACCES", "helper access to the packet is not allowed");
}

/** A map of sockets has sockets for values. */
function kindFor(env: Env, proto: HelperProto, arg: ArgType, meta: CallMeta): ArgKind {
  const kind = argKind(arg);
  if (!VALUE_KINDS.has(kind)) return kind;
  if (meta.map < 0) env.reject("EACCES", "invalid map_ptr to access map->type");
  const { type } = env.mapAt(meta.map);
  if (type === "sockmap" || type === "sockhash") {
    if (kind !== "map_value") env.reject("EINVAL", "invalid arg_type for sockmap/sockhash");
    return "btf_id_sock_common";
  }
  return type === "bloom_filter" && proto.name === "map_peek_elem" ? "map_value" : kind;
}

const VALUE_KINDS: ReadonlySet<ArgKind> = new Set<ArgKind>([
  "map_value",
  "map_value_or_null",
  "uninit_map_value",
]);

function isNullableArg(arg: ArgType): boolean {
  return typeof arg === "string" ? isNullable(arg) : arg.kind === "btf_id" && arg.nullable;
}

export function checkArg(env: Env, proto: HelperProto, i: number, meta: CallMeta): void {
  const arg = proto.args[i] as ArgType;
  const regno = i + 1;
  if (arg === "dontcare") {
    const reg = env.regs[regno] as RegState;
    noteEscape(env, reg);
    return;
  }
  const reg = checkRegRead(env, regno);
  if (arg === "anything") {
    checkSecret(env, regno, reg, "leaks addr into helper function");
    return noteEscape(env, reg);
  }
  checkPktArg(env, proto, reg);
  const kind = kindFor(env, proto, arg, meta);
  const nullable = isNullableArg(arg);
  if (nullable && isNull(reg)) {
    // with a length behind it that is allowed to be 0, and is, it does not matter what is not pointed to
    if (proto.args[i + 1] !== "const_size_or_zero") markPrecise(env, regno);
    return checkRefArg(env, proto, regno, meta);
  }
  checkArgType(env, regno, kind, nullable);
  checkStructMem(env, proto, regno, kind);
  checkStructArg(env, proto, i, kind, nullable);
  if (kind === "kptr_or_null" && meta.field?.target !== undefined)
    checkFits(env, regno, meta.field, meta.field.target);
  checkArgOff(env, regno, kind !== "dynptr" && proto.effects.releases === regno);
  if (kind !== "dynptr" && kind !== "kptr") checkRefArg(env, proto, regno, meta);
  noteEscape(env, reg);
  checkKind(env, proto, i, kind, meta);
}

function checkDynptrArg(env: Env, regno: number, arg: DynptrArg, meta: CallMeta): void {
  if (arg.use === "new") meta.newDynptr = { place: checkNewDynptr(env, regno), type: arg.type ?? "local" };
  else if (arg.use === "release") meta.dynptr = checkDynptrRelease(env, regno, arg.type);
  else meta.dynptr = checkDynptr(env, regno, arg.type);
}

/** What is asked beyond the type. */
function checkKind(env: Env, proto: HelperProto, i: number, kind: ArgKind, meta: CallMeta): void {
  const regno = i + 1;
  const reg = env.regs[regno] as RegState;
  switch (kind) {
    case "const_map_ptr":
      if (meta.owner !== undefined) checkSameMap(env, meta.owner, reg.aux);
      meta.map = reg.aux;
      return;
    case "timer":
      meta.owner = checkTimer(env, regno);
      meta.map = meta.owner.map;
      return;
    case "spin_lock":
      if (inTreeCallback(env)) env.reject("EACCES", "can't spin_{lock,unlock} in rbtree cb");
      meta.lock = (proto.name === "spin_lock" ? checkTakeLock : checkReleaseLock)(env, regno, "lock");
      return;
    case "map_key":
      return checkKey(env, regno, reg, meta);
    case "map_value":
    case "map_value_or_null":
      return checkValue(env, regno, false, meta);
    case "uninit_map_value":
      return checkValue(env, regno, true, meta);
    case "fixed_mem":
      return checkFixed(env, regno, proto.args[i] as FixedArg, meta);
    case "const_size":
      return checkSize(env, regno, proto.args[i - 1], false, meta);
    case "const_size_or_zero":
      return checkSize(env, regno, proto.args[i - 1], true, meta);
    case "const_alloc_size_or_zero":
      return checkAllocSize(env, regno, meta);
    case "const_str":
      return checkConstStr(env, regno, reg);
    case "dynptr":
      return checkDynptrArg(env, regno, proto.args[i] as DynptrArg, meta);
    case "func":
      meta.callback = reg.aux;
      return;
    case "percpu_btf_id":
      meta.percpu = pointedType(reg, env.kernelBtf);
      meta.percpuObject = reg.is(RCU);
      return;
    case "kptr":
      meta.field = checkXchgField(env, regno);
      if (reg.kind === "map_value") meta.map = reg.aux;
      return;
    default:
      return;
  }
}
