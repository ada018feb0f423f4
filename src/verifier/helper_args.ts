// Arguments of a helper call, one after the other, against the helper's row. Refuses; changes no register.
// What the arguments teach about the call (its map, its key, what it overwrites) is collected in a CallMeta.
import type { ArgType, HelperProto } from "../spec/helpers.ts";
import type { Env } from "./env.ts";
import { checkMapValue, checkPacket, checkRegion } from "./mem_access.ts";
import { checkPtrOff, checkRegRead } from "./reg_checks.ts";
import { markPrecise, markSlotPrecise } from "./precision.ts";
import { type RegKind, type RegState, isNull, isPkt, regTypeStr } from "./regs.ts";
import { checkSameMap, checkTimer, type FieldOwner, releaseLock, takeLock } from "./special_args.ts";
import { checkStackBounds, constantAt, MAX_VAR_OFF, noteEscape } from "./stack_access.ts";

/** Memory that a helper reads or overwrites through an argument. */
export interface MemArg {
  readonly regno: number;
  readonly size: number;
  readonly write: boolean;
  /** overwritten whole, never read: need not be initialised */
  readonly wholly: boolean;
}

export interface CallMeta {
  map: number;
  /** the key's value if it is a constant */
  constKey: number | undefined;
  callback: number;
  /** the map a timer argument came from */
  owner: FieldOwner | undefined;
  readonly mem: MemArg[];
}

const MEM_KINDS: readonly RegKind[] = ["fp", "pkt", "pkt_meta", "map_key", "map_value", "mem"];
const MEM_WORDS = "fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_";

interface ArgRow {
  readonly kinds: readonly RegKind[];
  readonly expected: string;
  readonly nullable?: true;
}

const MEM_ROW: ArgRow = { kinds: MEM_KINDS, expected: MEM_WORDS };

const ARGS: Readonly<Record<ArgType, ArgRow | undefined>> = {
  dontcare: undefined,
  anything: undefined,
  ctx: { kinds: ["ctx"], expected: "ctx" },
  const_map_ptr: { kinds: ["map_ptr"], expected: "map_ptr" },
  map_key: MEM_ROW,
  map_value: MEM_ROW,
  mem: MEM_ROW,
  mem_or_null: { ...MEM_ROW, nullable: true },
  uninit_mem: MEM_ROW,
  const_size: { kinds: ["scalar"], expected: "scalar" },
  const_size_or_zero: { kinds: ["scalar"], expected: "scalar" },
  const_str: { kinds: ["map_value"], expected: "map_value" },
  func: { kinds: ["func"], expected: "func" },
  timer: { kinds: ["map_value"], expected: "map_value" },
  spin_lock: { kinds: ["map_value"], expected: "map_value, ptr_" },
  stack_or_null: { kinds: ["fp"], expected: "fp", nullable: true },
};

/** Kinds that may come with an offset. */
const OFFSET_KINDS: ReadonlySet<RegKind> = new Set<RegKind>([...MEM_KINDS, "scalar"]);

function checkType(env: Env, regno: number, reg: RegState, row: ArgRow): void {
  if (!row.kinds.includes(reg.kind) || reg.maybeNull)
    env.reject("EACCES", `R${regno} type=${regTypeStr(reg)} expected=${row.expected}`);
  if (!OFFSET_KINDS.has(reg.kind)) checkPtrOff(env, reg, regno);
}

/** `size` bytes at the register, read or written by a helper. */
export function checkHelperMem(env: Env, regno: number, size: number, write: boolean, zeroOk: boolean): void {
  const reg = env.regs[regno] as RegState;
  if (reg.maybeNull && reg.kind !== "scalar")
    env.reject("EACCES", `R${regno} type=${regTypeStr(reg)} expected=fp`);
  switch (reg.kind) {
    case "pkt":
    case "pkt_meta":
      return checkPacket(env, regno, reg.off, size, zeroOk);
    case "map_key":
      if (write) env.reject("EACCES", `R${regno} cannot write into ${regTypeStr(reg)}`);
      return checkRegion(env, regno, reg.off, size, env.mapAt(reg.aux).keySize, false);
    case "map_value":
      return checkMapValue(env, regno, reg.off, size, zeroOk, write);
    case "mem":
      return checkRegion(env, regno, reg.off, size, reg.aux, zeroOk);
    case "fp":
      if (size === 0 && !zeroOk) env.reject("EACCES", "invalid zero-sized read");
      return checkStackBounds(env, regno, 0, size, write);
    default:
      if (zeroOk && size === 0 && isNull(reg)) return;
      env.reject("EACCES", `R${regno} type=${regTypeStr(reg)} expected=fp`);
  }
}

/** The length in this register, of the memory in the one before. */
export function checkMemSize(env: Env, regno: number, write: boolean, zeroOk: boolean): void {
  const s = (env.regs[regno] as RegState).s;
  if (s.sminHi < 0)
    env.reject("EACCES", `R${regno} min value is negative, either use unsigned or 'var &= const'`);
  if (s.uminNum === 0 && !zeroOk)
    env.reject("EACCES", `R${regno} invalid zero-sized read: u64=[${s.umin},${s.umax}]`);
  if (s.umaxNum >= MAX_VAR_OFF)
    env.reject("EACCES", `R${regno} unbounded memory access, use 'var &= const' or 'if (var < const)'`);
  checkHelperMem(env, regno - 1, s.umaxNum, write, zeroOk);
  markPrecise(env, regno);
}

function checkSize(
  env: Env,
  regno: number,
  before: ArgType | undefined,
  zeroOk: boolean,
  meta: CallMeta,
): void {
  const write = before === "uninit_mem";
  checkMemSize(env, regno, write, zeroOk);
  const s = (env.regs[regno] as RegState).s;
  const ptr = env.regs[regno - 1] as RegState;
  const wholly = write && s.isConst && ptr.s.isConst;
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
  const found = constantAt(env, reg, map.keySize);
  if (found === undefined) return;
  if (found.spi !== undefined) markSlotPrecise(env, reg.aux, found.spi);
  // the spilled number may be wider than the four bytes that were stored
  if (found.value >= 0 && found.value <= 0xffff_ffff) meta.constKey = found.value;
}

function checkValue(env: Env, regno: number, meta: CallMeta): void {
  if (meta.map < 0) env.reject("EACCES", "invalid map_ptr to access map->value");
  const size = env.mapAt(meta.map).valueSize;
  checkHelperMem(env, regno, size, false, false);
  meta.mem.push({ regno, size, write: false, wholly: false });
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
  const row = ARGS[arg];
  if (row === undefined) return noteEscape(env, reg);
  if (isPkt(reg) && proto.effects.pktAccess !== true)
    env.reject("EACCES", "helper access to the packet is not allowed");
  if (row.nullable === true && isNull(reg)) {
    // with a length behind it that is allowed to be 0, and is, it does not matter what is not pointed to
    if (proto.args[i + 1] !== "const_size_or_zero") markPrecise(env, regno);
    return;
  }
  checkType(env, regno, reg, row);
  noteEscape(env, reg);
  switch (arg) {
    case "const_map_ptr":
      if (meta.owner !== undefined) checkSameMap(env, meta.owner, reg.aux);
      meta.map = reg.aux;
      return;
    case "timer":
      meta.owner = checkTimer(env, regno);
      meta.map = meta.owner.map;
      return;
    case "spin_lock":
      return proto.name === "spin_lock" ? takeLock(env, regno) : releaseLock(env, regno);
    case "map_key":
      return checkKey(env, regno, reg, meta);
    case "map_value":
      return checkValue(env, regno, meta);
    case "const_size":
      return checkSize(env, regno, proto.args[i - 1], false, meta);
    case "const_size_or_zero":
      return checkSize(env, regno, proto.args[i - 1], true, meta);
    case "const_str":
      return checkConstStr(env, regno, reg);
    case "func":
      meta.callback = reg.aux;
      return;
    default:
      return;
  }
}
