// Loads and stores by pointer kind: first everything that may be refused, then the step that changes the state.
// Ranges of packets, bounds of map values, fields of the context; the stack has a file of its own.
import type { Size } from "../../isa/insn.ts";
import type { MapTypeName } from "../../spec/map_types.ts";
import { progRules } from "../../spec/prog_rules.ts";
import type { Env } from "../env.ts";
import type { MapDef } from "../proof.ts";
import { checkBtf, checkMapPtr, stepBtfLoad, stepMapPtrLoad } from "../btf/access.ts";
import {
  RDONLY,
  type RegState,
  UNKNOWN,
  UNTRUSTED,
  isPkt,
  regTypeStr,
  scalarReg,
  withoutId,
  withValue,
} from "../state/regs.ts";
import { checkFields, type DirectAccess, pointerAt, stepPointerLoad } from "./kptr.ts";
import { checkObject, isObjectKind, stepObjectLoad, stepObjectStore } from "./object_access.ts";
import { Scalar } from "../scalar/scalar.ts";
import { coerceToSize, coerceToSizeSx } from "../scalar/cast.ts";
import { checkSecret, type Leak } from "../state/privileges.ts";
import { fmtTnum } from "../scalar/fmt.ts";
import { checkStackBounds, MAX_VAR_OFF, noteEscape } from "../stack/bounds.ts";
import { checkStackRead, stepStackRead } from "../stack/read.ts";
import type { Stored } from "../state/stored.ts";
import { checkStackWrite, stepStackWrite } from "../stack/write.ts";

/** BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG */
const F_RDONLY_PROG = 1 << 7;
const F_WRONLY_PROG = 1 << 8;

/** Maps whose values programs may look at but not change, whatever their flags. */
const READ_ONLY: ReadonlySet<MapTypeName> = new Set<MapTypeName>(["devmap", "devmap_hash", "xskmap"]);

function isAligned(reg: RegState, off: number, size: number): boolean {
  const low = size - 1;
  return ((reg.s.maskLo & low) | ((reg.s.valLo + reg.off + off) & low)) === 0;
}

export function checkAlignment(env: Env, reg: RegState, off: number, size: number, strict: boolean): void {
  if (size === 1 || reg.kind === "arena" || (!strict && !env.strictAlignment && reg.kind !== "fp")) return;
  if (isPkt(reg)) {
    if (!isAligned(reg, off + 2, size))
      env.reject("EACCES", `misaligned packet access off 2+${fmtTnum(reg.s)}+${reg.off}+${off} size ${size}`);
    return;
  }
  if (isAligned(reg, off, size)) return;
  const names: Partial<Record<RegState["kind"], string>> = {
    fp: "stack ",
    map_value: "value ",
    map_key: "key ",
    ctx: "context ",
    flow_keys: "flow keys ",
    sock: "sock ",
    sock_common: "sock_common ",
    tcp_sock: "tcp_sock ",
    xdp_sock: "xdp_sock ",
  };
  env.reject(
    "EACCES",
    `misaligned ${reg.maybeNull ? "" : (names[reg.kind] ?? "")}access off ${fmtTnum(reg.s)}+${reg.off}+${off} size ${size}`,
  );
}

/** As atomics and a helper's own words must be, wherever they lie. */
export function checkAligned(env: Env, regno: number, size: number): void {
  checkAlignment(env, env.regs[regno] as RegState, 0, size, true);
}

/** The words for an access outside. */
function outside(reg: RegState, regno: number, off: number, size: number, memSize: number): string {
  if (reg.kind === "map_key") return `invalid access to map key, key_size=${memSize} off=${off} size=${size}`;
  if (reg.kind === "map_value")
    return `invalid access to map value, value_size=${memSize} off=${off} size=${size}`;
  if (isPkt(reg))
    return `invalid access to packet, off=${off} size=${size}, R${regno}(id=${reg.id},off=${off},r=${memSize})`;
  return `invalid access to memory, mem_size=${memSize} off=${off} size=${size}`;
}

function isInside(off: number, size: number, memSize: number, zeroOk: boolean): boolean {
  return off >= 0 && (size > 0 || (size === 0 && zeroOk)) && off + size <= memSize;
}

/** `off` counts from the register's variable part: it includes the register's fixed offset. */
export function checkRegion(
  env: Env,
  regno: number,
  off: number,
  size: number,
  memSize: number,
  zeroOk: boolean,
  reg = env.regs[regno] as RegState,
): void {
  const min = reg.s.sminNum;
  if (min < 0 && min + off < 0)
    env.reject(
      "EACCES",
      `R${regno} min value is negative, either use unsigned index or do a if (index >=0) check.`,
    );
  if (!isInside(min + off, size, memSize, zeroOk))
    env.reject(
      "EACCES",
      outside(reg, regno, min + off, size, memSize),
      `R${regno} min value is outside of the allowed memory range`,
    );
  const max = reg.s.umaxNum;
  if (max >= MAX_VAR_OFF)
    env.reject("EACCES", `R${regno} unbounded memory access, make sure to bounds check any such access`);
  if (!isInside(max + off, size, memSize, zeroOk))
    env.reject(
      "EACCES",
      outside(reg, regno, max + off, size, memSize),
      `R${regno} max value is outside of the allowed memory range`,
    );
}

export function checkPacket(env: Env, regno: number, off: number, size: number, zeroOk: boolean): void {
  const reg = env.regs[regno] as RegState;
  if (reg.s.sminNum < 0)
    env.reject(
      "EACCES",
      `R${regno} min value is negative, either use unsigned index or do a if (index >=0) check.`,
    );
  if (reg.aux < 0) env.reject("EINVAL", `R${regno} offset is outside of the packet`);
  if (!isInside(off, size, reg.aux, zeroOk))
    env.reject(
      "EACCES",
      outside(reg, regno, off, size, reg.aux),
      `R${regno} offset is outside of the packet`,
    );
}

export function checkMapValue(
  env: Env,
  regno: number,
  off: number,
  size: number,
  zeroOk: boolean,
  write: boolean,
  direct?: DirectAccess,
  stored?: Stored,
): void {
  const reg = env.regs[regno] as RegState;
  const map = env.mapAt(reg.aux);
  const forbidden = write
    ? (map.flags & F_RDONLY_PROG) !== 0 || READ_ONLY.has(map.type)
    : (map.flags & F_WRONLY_PROG) !== 0;
  if (forbidden)
    env.reject(
      "EACCES",
      `${write ? "write into" : "read from"} map forbidden, value_size=${map.valueSize} off=${off} size=${size}`,
    );
  checkMapPlace(env, regno, reg, off, size, zeroOk, direct, stored);
}

/** The bytes at `off` and the pointer's variable part lie in the value and are not the kernel's. */
export function checkMapPlace(
  env: Env,
  regno: number,
  reg: RegState,
  off: number,
  size: number,
  zeroOk: boolean,
  direct?: DirectAccess,
  stored?: Stored,
): void {
  checkRegion(env, regno, off, size, env.mapAt(reg.aux).valueSize, zeroOk, reg);
  checkFields(env, reg, off, size, direct, stored);
}

export interface Access extends DirectAccess {
  /** sign-extending load */
  readonly signed: boolean;
  /** atomics: aligned wherever they point */
  readonly strict: boolean;
  /** the value read is not kept in a register: it must be a number */
  readonly unseen: boolean;
}

function loadAccess(signed: boolean, strict: boolean, unseen: boolean): Access {
  return { plain: !strict && !signed, write: false, signed, strict, unseen };
}

export const PLAIN_LOAD: Access = loadAccess(false, false, false);
export const SIGNED_LOAD: Access = loadAccess(true, false, false);
export const STRICT_LOAD: Access = loadAccess(false, true, false);
export const UNSEEN_LOAD: Access = loadAccess(false, true, true);

function storeAccess(strict: boolean): Access {
  return { plain: !strict, write: true, signed: false, strict, unseen: false };
}

export const PLAIN_STORE: Access = storeAccess(false);
export const STRICT_STORE: Access = storeAccess(true);

function checkStored(env: Env, stored: Stored | undefined, leak: Leak): void {
  if (stored !== undefined && stored.regno >= 0) checkSecret(env, stored.regno, stored.value, leak);
}

/** Everything that may be refused about one load or store. Of what a helper stores nothing is known. Changes nothing. */
export function checkMem(
  env: Env,
  regno: number,
  insnOff: number,
  size: Size,
  o: Access,
  stored?: Stored,
): void {
  const reg = env.regs[regno] as RegState;
  checkAlignment(env, reg, insnOff, size, o.strict);
  const off = insnOff + reg.off;
  if (reg.maybeNull) return refuse(env, regno, reg);
  switch (reg.kind) {
    case "fp":
      checkStackBounds(env, regno, insnOff, size, o.write);
      if (!o.write) checkStackRead(env, regno, insnOff, size, o.unseen);
      else if (stored !== undefined) checkStackWrite(env, regno, insnOff, size, stored);
      return;
    case "arena":
      return;
    case "map_key":
      if (o.write) env.reject("EACCES", `write to change key R${regno} not allowed`);
      return checkRegion(env, regno, off, size, env.mapAt(reg.aux).keySize, false);
    case "map_value":
      checkStored(env, stored, "leaks addr into map");
      return checkMapValue(env, regno, off, size, false, o.write, o, stored);
    case "mem":
      if (o.write && reg.is(RDONLY)) env.reject("EACCES", `R${regno} cannot write into ${regTypeStr(reg)}`);
      checkStored(env, stored, "leaks addr into mem");
      // nothing is known of what lies there: such loads cannot fault
      if (reg.is(RDONLY | UNTRUSTED)) return;
      return checkRegion(env, regno, off, size, reg.aux, false);
    case "ptr_":
      return checkBtf(env, regno, { off, size }, o.write);
    case "map_ptr":
      return checkMapPtr(env, regno, { off, size }, o.write);
    case "pkt":
    case "pkt_meta":
      if (o.write && progRules(env.prog.type).pkt !== "write")
        env.reject("EACCES", "cannot write into packet");
      checkStored(env, stored, "leaks addr into packet");
      return checkPacket(env, regno, off, size, false);
    default:
      if (!isObjectKind(reg.kind)) return refuse(env, regno, reg);
      if (reg.kind === "ctx") checkStored(env, stored, "leaks addr into ctx");
      if (reg.kind === "flow_keys") checkStored(env, stored, "leaks addr into flow keys");
      return checkObject(env, regno, reg.kind, { off, size, write: o.write, signed: o.signed });
  }
}

function refuse(env: Env, regno: number, reg: RegState): never {
  env.reject("EACCES", `R${regno} invalid mem access '${regTypeStr(reg)}'`);
}

function laneAt(bytes: Uint8Array, off: number, size: number): number {
  let lane = 0;
  for (let i = 0; i < size; i++) lane |= (bytes[off + i] as number) << (8 * i);
  return lane;
}

/** Little-endian bytes of a frozen map as the value of a load. */
function frozenValue(bytes: Uint8Array, off: number, size: Size): Scalar {
  return Scalar.ofLanes(laneAt(bytes, off, Math.min(size, 4)), size === 8 ? laneAt(bytes, off + 4, 4) : 0);
}

function loadValue(env: Env, reg: RegState, off: number, size: Size): RegState {
  const field = pointerAt(env, reg, off + reg.off);
  if (field !== undefined) return stepPointerLoad(env, field);
  env.facts.access(env.pc, "map_value", false, env.progMaps.inFacts(reg.aux));
  return loadMapValue(env.mapAt(reg.aux), reg, off, size);
}

function loadMapValue(map: MapDef, reg: RegState, off: number, size: Size): RegState {
  const at = off + reg.off + (reg.s.isConst ? reg.s.constNum : 0);
  if (
    map.frozen === undefined ||
    (map.flags & F_RDONLY_PROG) === 0 ||
    !reg.s.isConst ||
    map.maxEntries !== 1 ||
    at < 0 ||
    at + size > map.frozen.length
  )
    return UNKNOWN;
  return scalarReg(frozenValue(map.frozen, at, size));
}

/** The loaded value, truncated or sign-extended to its size; `unseen`: no register gets it. */
export function stepLoad(
  env: Env,
  reg: RegState,
  off: number,
  size: Size,
  signed: boolean,
  unseen = false,
): RegState {
  const value = loadWhole(env, reg, off, size, signed, unseen);
  if (value.kind !== "scalar" || size === 8) return value;
  if (!signed) return withValue(value, coerceToSize(value.s, size));
  return withValue(withoutId(value), coerceToSizeSx(value.s, size));
}

function loadWhole(
  env: Env,
  reg: RegState,
  off: number,
  size: Size,
  signed: boolean,
  unseen: boolean,
): RegState {
  switch (reg.kind) {
    case "fp":
      return stepStackRead(env, reg, off, size, unseen);
    case "arena":
      return UNKNOWN;
    case "map_value":
      return loadValue(env, reg, off, size);
    case "ptr_":
      return stepBtfLoad(env, reg, { off: off + reg.off, size });
    case "map_ptr":
      return stepMapPtrLoad(env, reg, { off: off + reg.off, size });
    case "mem":
      if (reg.is(UNTRUSTED)) env.facts.needs.add("untrusted_mem");
      env.facts.access(env.pc, "mem", false);
      return UNKNOWN;
    case "pkt":
    case "pkt_meta":
    case "map_key":
      env.facts.access(
        env.pc,
        reg.kind,
        false,
        reg.kind === "map_key" ? env.progMaps.inFacts(reg.aux) : undefined,
      );
      return UNKNOWN;
    default:
      if (!isObjectKind(reg.kind)) throw new Error(`load through ${reg.kind} was not refused`);
      return stepObjectLoad(env, reg.kind, { off: off + reg.off, size, write: false, signed });
  }
}

export function stepStore(env: Env, reg: RegState, off: number, size: Size, stored: Stored): void {
  if (reg.kind === "fp") return stepStackWrite(env, reg, off, size, stored);
  noteEscape(env, stored.value);
  if (reg.kind === "arena") return;
  if (reg.kind === "map_value") env.facts.access(env.pc, "map_value", true, env.progMaps.inFacts(reg.aux));
  else if (isObjectKind(reg.kind)) stepObjectStore(env, reg.kind);
  else if (reg.kind === "mem") env.facts.access(env.pc, "mem", true);
  else if (reg.kind === "ptr_") env.facts.needs.add("ptr_");
  else if (reg.kind === "pkt" || reg.kind === "pkt_meta") {
    env.facts.access(env.pc, reg.kind, true);
    env.facts.writesPkt = true;
  } else throw new Error(`store through ${reg.kind} was not refused`);
}
