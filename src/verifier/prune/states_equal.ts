// Is a state covered by an earlier one, so that whatever was safe from there is safe from here?
// Ids need not be the same numbers, only the same pattern. Compares; marks nothing but what the JIT must know.
import type { Env } from "../env.ts";
import { ADD_CONST, type RegState, sameButId } from "../state/regs.ts";
import { subsumes } from "../scalar/bounds.ts";
import { noteUninitRead } from "../stack/bounds.ts";
import {
  byteAt,
  BYTE_INVALID,
  BYTE_MISC,
  BYTE_SPILL,
  BYTE_ZERO,
  isUnset,
  slotScalar,
  type StackObject,
  type StackSlot,
} from "../state/stack.ts";
import type { IdMap } from "../state/id_map.ts";
import type { Call, Frame, VerifierState } from "../state/state.ts";

/**
 * "covered": values nobody depended on are not compared. "whole": all are, but a wider range covers a narrower one.
 * "range": and the stack's bytes are of the same kinds. "exact": everything is the same.
 */
export type Mode = "covered" | "whole" | "range" | "exact";

function scalarSafe(old: RegState, cur: RegState, ids: IdMap): boolean {
  if (old.id !== 0 && ((old.flags ^ cur.flags) & ADD_CONST) !== 0) return false;
  if (old.addConst && old.off !== cur.off) return false;
  return ids.sameScalar(old.id, cur.id) && subsumes(old.s, cur.s);
}

/** Slices are of the very same dynptr: the kernel does not take another in its place. */
function samePtrIds(old: RegState, cur: RegState, ids: IdMap): boolean {
  return old.dynptrId === cur.dynptrId && ids.same(old.id, cur.id) && ids.same(old.refId, cur.refId);
}

function pktSafe(old: RegState, cur: RegState, ids: IdMap): boolean {
  const range = old.aux < 0 || cur.aux < 0 ? old.aux === cur.aux : old.aux <= cur.aux;
  return range && old.off === cur.off && ids.same(old.id, cur.id) && subsumes(old.s, cur.s);
}

function regSafe(old: RegState, cur: RegState, ids: IdMap, mode: Mode, precise: boolean): boolean {
  if (old === cur && (old.id | old.refId | old.dynptrId) === 0) return true;
  if (mode === "exact") return sameButId(old, cur) && samePtrIds(old, cur, ids);
  if (old.kind === "?") return mode === "covered" || cur.kind === "?";
  if (old.kind !== cur.kind || ((old.flags ^ cur.flags) & ~ADD_CONST) !== 0) return false;
  switch (old.kind) {
    case "scalar":
      if (ids.exactNumbers) return sameButId(old, cur) && ids.sameScalar(old.id, cur.id);
      return (!precise && !ids.allPrecise && mode === "covered") || scalarSafe(old, cur, ids);
    case "map_key":
    case "map_value":
    case "mem":
    case "buf":
    case "tp_buffer":
      return (
        old.off === cur.off && old.aux === cur.aux && subsumes(old.s, cur.s) && samePtrIds(old, cur, ids)
      );
    case "arena":
      return true;
    case "pkt":
    case "pkt_meta":
      return pktSafe(old, cur, ids);
    default:
      return sameButId(old, cur) && samePtrIds(old, cur, ids);
  }
}

function objectSafe(old: StackObject, cur: StackObject, ids: IdMap): boolean {
  if (old.kind === "dynptr")
    return (
      cur.kind === "dynptr" &&
      old.type === cur.type &&
      old.first === cur.first &&
      old.rdonly === cur.rdonly &&
      ids.same(old.id, cur.id) &&
      ids.same(old.refId, cur.refId)
    );
  // how often an iterator went round is not compared: that is what makes its loops end
  if (old.kind === "iter")
    return (
      cur.kind === "iter" &&
      old.name === cur.name &&
      old.state === cur.state &&
      old.rcu === cur.rcu &&
      old.untrusted === cur.untrusted &&
      ids.same(old.refId, cur.refId)
    );
  return cur.kind === "irq" && old.native === cur.native && ids.same(old.refId, cur.refId);
}

function slotSafe(old: StackSlot, cur: StackSlot, ids: IdMap, mode: Mode, precise: boolean): boolean {
  if (old.bytes === 0) return true;
  const oldScalar = slotScalar(old, ids.uninitStack);
  const curScalar = slotScalar(cur, ids.uninitStack);
  if (oldScalar !== undefined && curScalar !== undefined)
    return regSafe(oldScalar, curScalar, ids, mode, precise);
  for (let i = 0; i < 8; i++) {
    const o = byteAt(old, i);
    if (o === BYTE_INVALID || (o === BYTE_MISC && ids.uninitStack)) continue; // read as anything, whatever is there now
    const c = byteAt(cur, i);
    if (o !== c && !(o === BYTE_MISC && c === BYTE_ZERO)) return false;
  }
  if (old.object !== undefined) return cur.object !== undefined && objectSafe(old.object, cur.object, ids);
  if (byteAt(old, 7) !== BYTE_SPILL) return true;
  return (
    old.spilled !== undefined &&
    cur.spilled !== undefined &&
    regSafe(old.spilled, cur.spilled, ids, mode, precise)
  );
}

/** The same slot in both states may still stand for different things: its ids must match. */
function hasIds(slot: StackSlot): boolean {
  const r = slot.spilled;
  return slot.object !== undefined || (r !== undefined && (r.id | r.refId | r.dynptrId) !== 0);
}

function stackSafe(old: Frame, cur: Frame, ids: IdMap, mode: Mode): boolean {
  for (let spi = 0; spi < old.stack.length; spi++) {
    const o = old.slot(spi);
    const c = cur.slot(spi);
    const beyond = spi >= cur.stack.length;
    if ((mode === "range" || mode === "exact") && (beyond || o.bytes !== c.bytes)) return false;
    if (beyond && !isUnset(o, ids.uninitStack)) return false; // the kernel does not look what could be read there
    if (o !== c && !slotSafe(o, c, ids, mode, old.preciseSlots.has(spi))) return false;
    if (o === c && hasIds(o) && !slotSafe(o, c, ids, mode, old.preciseSlots.has(spi))) return false;
  }
  return true;
}

/** In which register, of those of `among`, the frames differ; -1: in none. */
function differingReg(old: Frame, cur: Frame, ids: IdMap, mode: Mode, among: number): number {
  for (let left = among; left !== 0; left &= left - 1) {
    const i = 31 - Math.clz32(left & -left);
    const precise = (old.preciseRegs & (1 << i)) !== 0;
    if (!regSafe(old.regs[i] as RegState, cur.regs[i] as RegState, ids, mode, precise)) return i;
  }
  return -1;
}

/** Looks first where states differed the last time they met here: most differ there again. */
function regsSafe(
  env: Env,
  old: Frame,
  cur: Frame,
  ids: IdMap,
  mode: Mode,
  pc: number,
  live: number,
): boolean {
  const first = live & (1 << (env.differed[pc] as number));
  if (first !== 0 && differingReg(old, cur, ids, mode, first) >= 0) return false;
  const regno = differingReg(old, cur, ids, mode, live & ~first);
  if (regno >= 0) env.differed[pc] = regno;
  return regno < 0;
}

/** Bytes that were set in the covering path and are not in this one may be read all the same. */
function noteUninit(env: Env, old: Frame, cur: Frame): void {
  for (let spi = 0; spi < old.stack.length; spi++) {
    const o = old.slot(spi).bytes;
    const c = cur.slot(spi).bytes;
    if (o === c) continue;
    for (let k = 0; k < 32; k += 4)
      if (((c >>> k) & 0xf) === BYTE_INVALID && ((o >>> k) & 0xf) !== BYTE_INVALID) noteUninitRead(env, cur);
  }
}

/** The same things held, in the same order, and the same regions entered. */
function refsSafe(old: VerifierState, cur: VerifierState, ids: IdMap): boolean {
  if (old.preemptDepth !== cur.preemptDepth || old.rcuDepth !== cur.rcuDepth) return false;
  if (old.inSleepable !== cur.inSleepable) return false;
  if (old.refs.length !== cur.refs.length) return false;
  if (old.refs.length === 0) return true;
  for (const [i, o] of old.refs.entries()) {
    const c = cur.refs[i];
    if (c === undefined || o.kind !== c.kind || o.owner !== c.owner || !ids.same(o.id, c.id)) return false;
  }
  return true;
}

function sameCall(a: Call, b: Call): boolean {
  return a === b || (a.callsite === b.callsite && a.kind === b.kind);
}

export function statesEqual(
  env: Env,
  old: VerifierState,
  cur: VerifierState,
  pc: number,
  mode: Mode,
): boolean {
  if (old.frames.length !== cur.frames.length || (old.speculative && !cur.speculative)) return false;
  const ids = env.ids.restart(env.idGen);
  ids.exactNumbers = env.speculation.exploreLimits;
  if (!refsSafe(old, cur, ids)) return false;
  for (const frame of cur.frames) {
    const was = old.frames[frame.frameno] as Frame;
    if (!sameCall(was.call, frame.call) || was.callbackDepth > frame.callbackDepth) return false;
    if (!regsSafe(env, was, frame, ids, mode, pc, env.liveIn(cur, frame, pc))) return false;
    if (!stackSafe(was, frame, ids, mode)) return false;
  }
  if (mode !== "exact")
    for (const frame of cur.frames) noteUninit(env, old.frames[frame.frameno] as Frame, frame);
  return true;
}

/** All registers of the innermost frame are the same, ids included: reason to look closer. */
export function maybeLooping(old: VerifierState, cur: VerifierState): boolean {
  if (old.frames.length !== cur.frames.length) return false;
  for (let i = 0; i < 11; i++) {
    const o = old.cur.regs[i] as RegState;
    const c = cur.cur.regs[i] as RegState;
    if (!sameButId(o, c) || o.id !== c.id || o.refId !== c.refId) return false;
  }
  return true;
}
