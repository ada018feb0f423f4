// Loads and stores through frame pointers: bounds, what a slot remembers, what a load gives back.
// Stack bytes that were never written may be read with the right to; those reads are noted for the JIT.
import type { Env } from "./env.ts";
import { stepFastcallSlot } from "./fastcall.ts";
import { checkMayOverwrite, destroyDynptr } from "./dynptr_slots.ts";
import { stackFlags } from "./history.ts";
import { markPrecise } from "./precision.ts";
import { isSecret } from "./privileges.ts";
import { type RegState, UNKNOWN, ZERO, isNull, withId, withoutId } from "./regs.ts";
import { fmtTnum } from "./scalar_fmt.ts";
import {
  BYTE_DYNPTR,
  BYTE_INVALID,
  BYTE_MISC,
  BYTE_SPILL,
  BYTE_ZERO,
  byteAt,
  isObjectByte,
  isSpill,
  scrubSlot,
  setBytes,
  type StackSlot,
  spillSize,
  spillSlot,
} from "./stack.ts";
import { noteSlotRead, noteSlotWrite } from "./stack_live.ts";
import { type Frame, MAX_STACK } from "./state.ts";

export const MAX_VAR_OFF = 1 << 29;

function frameOf(env: Env, reg: RegState): Frame {
  return env.state.frames[reg.aux] as Frame;
}

/** Lowest offset that the pointer may have, from the frame pointer. */
function minOff(reg: RegState, off: number): number {
  return reg.off + off + (reg.s.isConst ? reg.s.constNum : reg.s.sminNum);
}

/** Highest offset. */
function maxOff(reg: RegState, off: number): number {
  return reg.off + off + (reg.s.isConst ? reg.s.constNum : reg.s.smaxNum);
}

export function checkStackBounds(env: Env, regno: number, off: number, size: number, write: boolean): void {
  const reg = env.regs[regno] as RegState;
  const what = write ? "write to" : "read from";
  const isConst = reg.s.isConst;
  if (!isConst && (reg.s.smaxNum >= MAX_VAR_OFF || reg.s.sminNum <= -MAX_VAR_OFF))
    env.reject("EACCES", `invalid unbounded variable-offset ${what} stack R${regno}`);
  const min = minOff(reg, off);
  const max = maxOff(reg, off);
  const lowest = write || env.may.uninitStack ? -MAX_STACK : -8 * frameOf(env, reg).stack.length;
  const inside = min >= lowest && min <= -1;
  if (inside && max + size <= 0) return;
  const where = `off=${reg.off + off} size=${size}`;
  env.reject(
    inside ? "EINVAL" : "EACCES",
    isConst
      ? `invalid ${what} stack R${regno} ${where}`
      : `invalid variable-offset ${what} stack R${regno} var_off=${fmtTnum(reg.s)} ${where}`,
  );
}

/** The frame's subprogram needs this many bytes. */
export function growStack(env: Env, frame: Frame, minOff: number): void {
  const sub = env.subprogs[frame.subprogno];
  const depth = (-minOff + 7) & ~7;
  if (sub !== undefined && sub.stackDepth < depth) sub.stackDepth = depth;
}

export function noteUninitRead(env: Env, frame: Frame): void {
  env.facts.readsUninit[frame.subprogno] = true;
}

export function noteEscape(env: Env, reg: RegState): void {
  if (reg.kind === "fp") env.facts.stackEscapes[frameOf(env, reg).subprogno] = true;
}

function byteOf(frame: Frame, off: number): number {
  const i = -off - 1;
  return byteAt(frame.slot(i >> 3), i & 7);
}

/** Bytes from lowest to highest offset, all zero? Notes reads of bytes never written. */
function readBytes(env: Env, frame: Frame, min: number, end: number): RegState {
  let zeros = true;
  for (let off = min; off < end; off++) {
    const b = byteOf(frame, off);
    if (zeros) env.scratchSlot((-off - 1) >> 3); // the log shows slots up to the first byte that is not zero
    if (b !== BYTE_ZERO) zeros = false;
    if (b === BYTE_INVALID) noteUninitRead(env, frame);
  }
  return zeros ? ZERO : UNKNOWN;
}

/** The byte may become part of a number. */
function isReadable(env: Env, byte: number): boolean {
  return byte === BYTE_INVALID ? env.may.uninitStack : !isObjectByte(byte);
}

/** The lowest of these bytes that may not be read. */
function unreadableIn(env: Env, frame: Frame, min: number, end: number): number | undefined {
  if (env.may.uninitStack) return objectIn(frame, min, end);
  for (let at = min; at < end; at++) if (!isReadable(env, byteOf(frame, at))) return at;
  return undefined;
}

/** The lowest of these bytes that is part of an object. */
function objectIn(frame: Frame, min: number, end: number): number | undefined {
  for (let at = min; at < end; at = (at & ~7) + 8)
    if (frame.slot((-at - 1) >> 3).object !== undefined) return at;
  return undefined;
}

/** A filled pointer must be whole. A read at a variable place gives an unknown number, whatever is there. */
export function checkStackRead(env: Env, regno: number, off: number, size: number, unseen: boolean): void {
  const reg = env.regs[regno] as RegState;
  const frame = frameOf(env, reg);
  const min = minOff(reg, off);
  const max = maxOff(reg, off);
  // a read that a barrier will stop counts as one
  if (env.speculation.guarded && reg.s.isConst) noteSlotRead(env, reg.aux, (-min - 1) >> 3);
  const at = unreadableIn(env, frame, min, max + size);
  if (at !== undefined)
    env.reject(
      "EACCES",
      reg.s.isConst
        ? `invalid read from stack off ${min}+${at - min} size ${size}`
        : `invalid read from stack R${regno} var_off ${fmtTnum(reg.s)}+${at - min} size ${size}`,
    );
  if (!reg.s.isConst) return;
  const spilled = frame.slot((-min - 1) >> 3).spilled;
  if (spilled === undefined || spilled.kind === "scalar") return;
  if (size !== 8) env.reject("EACCES", "invalid size of register fill");
  if (unseen && isSecret(env, spilled)) env.reject("EACCES", `leaking pointer from stack off ${min}`);
}

/** The value of a load; the caller truncates it to its size. */
export function stepStackRead(env: Env, reg: RegState, off: number, size: number): RegState {
  const frame = frameOf(env, reg);
  const min = minOff(reg, off);
  const max = maxOff(reg, off);
  growStack(env, frame, min);
  stepFastcallSlot(env, frame, min);
  const depth = env.state.frames.length - 1 - reg.aux;
  if (!reg.s.isConst) {
    env.facts.stackAccess(env.pc, false, frame.subprogno, depth, undefined);
    noteEscape(env, reg);
    for (let spi = (-min - 1) >> 3; spi >= (-(max + size - 1) - 1) >> 3 && spi >= 0; spi--)
      noteSlotRead(env, reg.aux, spi);
    return readBytes(env, frame, min, max + size);
  }
  env.facts.stackAccess(env.pc, false, frame.subprogno, depth, min);
  return readFixed(env, frame, min, size);
}

function readFixed(env: Env, frame: Frame, off: number, size: number): RegState {
  const i = -off - 1;
  const spi = i >> 3;
  const slot = frame.slot(spi);
  env.scratchSlot(spi);
  noteSlotRead(env, frame.frameno, spi);
  const spilled = slot.spilled;
  if (spilled === undefined) return readBytes(env, frame, off, off + size);
  const n = spillSize(slot);
  if (size === 8 && n === 8) {
    env.pushHistory(stackFlags(frame.frameno, spi), undefined);
    return spilled;
  }
  if (size <= n && off % 8 === 0) {
    env.pushHistory(stackFlags(frame.frameno, spi), undefined);
    return spilled.s.bitWidth > size * 8 ? withoutId(spilled) : spilled;
  }
  return readOverSpill(env, frame, slot, off, size);
}

/** Part of a spilled scalar, or it and what is around it. */
function readOverSpill(env: Env, frame: Frame, slot: StackSlot, off: number, size: number): RegState {
  const i = -off - 1;
  let spills = 0;
  let zeros = 0;
  for (let k = 0; k < size; k++) {
    const b = byteAt(slot, (i - k) & 7);
    if (b === BYTE_SPILL) spills++;
    else if (b === BYTE_ZERO) zeros++;
    else if (b === BYTE_INVALID) noteUninitRead(env, frame);
  }
  if (spills === size && slot.spilled?.s.isZero === true) {
    env.pushHistory(stackFlags(frame.frameno, (-off - 1) >> 3), undefined);
    return ZERO;
  }
  return zeros === size ? ZERO : UNKNOWN;
}

/** The result of an atomic operation: only known to be a number. */
const OPAQUE = -2;
export const OPAQUE_STORED: Stored = { regno: OPAQUE, value: UNKNOWN };

/** What a store puts there: a register, or an immediate (regno -1). */
export interface Stored {
  readonly regno: number;
  readonly value: RegState;
}

/** The numbers of the slots that hold these bytes, lowest and highest. */
function slotRange(min: number, end: number): readonly [number, number] {
  return [-end >> 3, (-min - 1) >> 3];
}

function checkOverwrites(env: Env, ptr: RegState, off: number, size: number): void {
  const min = minOff(ptr, off);
  const max = maxOff(ptr, off);
  checkMayOverwrite(env, frameOf(env, ptr), ...slotRange(min, max + size));
}

function loseDynptrs(env: Env, frame: Frame, min: number, end: number): void {
  const [lo, hi] = slotRange(min, end);
  for (let spi = lo; spi <= hi; spi++) destroyDynptr(env, frame, spi);
}

/** Part of a pointer, once it is overwritten, would be readable as a number. */
function checkCorrupts(env: Env, ptr: RegState, off: number, size: number): void {
  if (env.may.pointerLeaks || size === 8 || !ptr.s.isConst) return;
  const slot = frameOf(env, ptr).slot((-minOff(ptr, off) - 1) >> 3);
  if (slot.spilled !== undefined && slot.spilled.kind !== "scalar")
    env.reject("EACCES", "attempt to corrupt spilled pointer on stack");
}

export function checkStackWrite(env: Env, regno: number, off: number, size: number, stored: Stored): void {
  const ptr = env.regs[regno] as RegState;
  checkCorrupts(env, ptr, off, size);
  checkOverwrites(env, ptr, off, size);
  const isPtr = stored.value.kind !== "scalar";
  if (!isPtr || !ptr.s.isConst) return;
  if (size !== 8) env.reject("EACCES", "invalid size of register spill");
  if (ptr.aux !== env.frame.frameno && stored.value.kind === "fp")
    env.reject("EINVAL", "cannot spill pointers to stack into stack frame of the caller");
}

export function stepStackWrite(env: Env, reg: RegState, off: number, size: number, stored: Stored): void {
  const frame = frameOf(env, reg);
  const min = minOff(reg, off);
  const max = maxOff(reg, off);
  growStack(env, frame, min);
  stepFastcallSlot(env, frame, min);
  loseDynptrs(env, frame, min, max + size);
  const depth = env.state.frames.length - 1 - reg.aux;
  env.facts.stackAccess(env.pc, true, frame.subprogno, depth, reg.s.isConst ? min : undefined);
  if (reg.s.isConst) writeFixed(env, frame, min, size, stored);
  else {
    noteEscape(env, reg);
    noteEscape(env, stored.value);
    writeVariable(env, frame, min, max + size, stored);
  }
}

/** Loads that do not see this store yet would take for a number what is none, or the other way round. */
function stepBarrier(env: Env, slot: StackSlot, hi: number, size: number, stored: Stored): void {
  let needed = stored.regno >= 0 && stored.value.kind !== "scalar";
  for (let i = hi; i > hi - size; i--) {
    const b = byteAt(slot, i);
    if (b !== BYTE_MISC && b !== BYTE_ZERO) needed = true;
  }
  if (needed) env.speculation.barrierAfter[env.pc] = 1;
}

function writeFixed(env: Env, frame: Frame, off: number, size: number, stored: Stored): void {
  const i = -off - 1;
  const spi = i >> 3;
  const slot = frame.slot(spi);
  const value = stored.value;
  env.scratchSlot(spi);
  if (size === 8) noteSlotWrite(env, frame.frameno, spi);
  if (!env.may.storeBypass) stepBarrier(env, slot, i & 7, size, stored);
  const isKept = off % 8 === 0 && stored.regno !== OPAQUE && env.may.numbersTracked;
  if (value.kind !== "scalar" || isKept) {
    frame.setSlot(spi, spillSlot(slot, spillValue(env, stored, size), size));
    env.pushHistory(stackFlags(frame.frameno, spi), undefined);
    return;
  }
  if (isNull(value) && stored.regno >= 0) markPrecise(env, stored.regno);
  frame.setSlot(spi, setBytes(slot, i & 7, size, isNull(value) ? BYTE_ZERO : BYTE_MISC));
}

/** The value as remembered: a scalar that fits shares its facts with the register it came from. */
function spillValue(env: Env, stored: Stored, size: number): RegState {
  let value = stored.value;
  if (value.kind !== "scalar" || stored.regno < 0) return value;
  if (value.s.bitWidth > size * 8) return withoutId(value);
  if (stored.regno < 10) {
    value = linkable(env, value);
    if (value !== stored.value) env.regs[stored.regno] = value;
  }
  return value;
}

/** The scalar with an id of its own, so that a copy shares what is learned later. Constants need none. */
export function linkable(env: Env, r: RegState): RegState {
  if (r.kind !== "scalar") return r;
  const own = r.addConst ? withoutId(r) : r;
  return own.id === 0 && !own.s.isConst ? withId(own, env.newId()) : own;
}

function writeVariable(env: Env, frame: Frame, min: number, end: number, stored: Stored): void {
  const zero = isNull(stored.value);
  let zeroUsed = false;
  for (let off = min; off < end; off++) {
    const i = -off - 1;
    const spi = i >> 3;
    const slot = frame.slot(spi);
    const b = byteAt(slot, i & 7);
    env.scratchSlot(spi);
    if (zero && b === BYTE_SPILL && slot.spilled?.kind === "scalar" && slot.spilled.s.isZero) {
      zeroUsed = true;
      continue;
    }
    const keepsZero = zero && b === BYTE_ZERO && !isSpill(slot);
    if (keepsZero) zeroUsed = true;
    if (b === BYTE_INVALID) noteUninitRead(env, frame); // only some of the range is written
    frame.setSlot(spi, setBytes(scrubSlot(slot), i & 7, 1, keepsZero ? BYTE_ZERO : BYTE_MISC));
  }
  if (zeroUsed && stored.regno >= 0) markPrecise(env, stored.regno);
}

/** A call may read the byte: to it, all are numbers. Those around a spilled number pass with it. */
function isPassable(env: Env, frame: Frame, off: number): boolean {
  const b = byteOf(frame, off);
  if (b === BYTE_MISC || b === BYTE_ZERO) return true;
  const { spilled } = frame.slot((-off - 1) >> 3);
  return spilled === undefined ? isReadable(env, b) : !isSecret(env, spilled);
}

/** A call reads these bytes, or overwrites all of them unseen: they hold no object, or none that must stay. */
export function checkStackRange(env: Env, regno: number, size: number, wholly: boolean): void {
  const reg = env.regs[regno] as RegState;
  const frame = frameOf(env, reg);
  const min = minOff(reg, 0);
  const max = maxOff(reg, 0);
  for (let off = min; off < max + size; off++) {
    const b = byteOf(frame, off);
    if (wholly ? b !== BYTE_DYNPTR : isPassable(env, frame, off)) continue;
    if (wholly) env.reject("EACCES", `potential write to dynptr at off=${off} disallowed`);
    const place = reg.s.isConst ? `off ${min}` : `var_off ${fmtTnum(reg.s)}`;
    env.reject("EACCES", `invalid read from stack R${regno} ${place}+${off - min} size ${size}`);
  }
}

/** Of the slot's bytes from index `hi` down, is one of the first `n` not set? */
function hasInvalid(slot: StackSlot, hi: number, n: number): boolean {
  for (let i = hi; i > hi - n; i--) if (byteAt(slot, i) === BYTE_INVALID) return true;
  return false;
}

/** A helper reads `size` bytes, or overwrites up to that many. */
export function stepStackRange(env: Env, reg: RegState, size: number, write: boolean, wholly: boolean): void {
  const frame = frameOf(env, reg);
  const min = minOff(reg, 0);
  const max = maxOff(reg, 0);
  noteEscape(env, reg);
  growStack(env, frame, min);
  const end = max + size;
  for (let off = min; off < end; off = (off & ~7) + 8) {
    const i = -off - 1;
    const spi = i >> 3;
    const slot = frame.slot(spi);
    const n = Math.min((i & 7) + 1, end - off);
    if (hasInvalid(slot, i & 7, n)) noteUninitRead(env, frame);
    if (wholly) env.scratchSlot(spi);
    else noteSlotRead(env, reg.aux, spi);
    if (write) frame.setSlot(spi, setBytes(slot, i & 7, n, BYTE_MISC));
  }
}

/** A constant that the program put where the pointer points, as arrays' keys often are. */
export function constantAt(
  env: Env,
  reg: RegState,
  size: number,
): { value: number | undefined; spi: number | undefined } | undefined {
  if (!env.may.numbersTracked || reg.kind !== "fp" || !reg.s.isConst) return undefined;
  const i = -(reg.off + reg.s.constNum) - 1;
  const spi = i >> 3;
  const slot = frameOf(env, reg).slot(spi);
  const top = i & 7;
  let zeros = 0;
  for (let k = top; k >= 0 && byteAt(slot, k) === BYTE_ZERO; k--) zeros++;
  if (zeros >= size) return { value: 0, spi: undefined };
  const spilled = slot.spilled;
  if (spilled === undefined || spilled.kind !== "scalar") return undefined;
  let spills = 0;
  for (let k = top; k >= 0 && byteAt(slot, k) === BYTE_SPILL; k--) spills++;
  if (spills !== size || size !== 4 || !spilled.s.isConst) return undefined;
  // The kernel takes the spilled number for the key, though only four bytes of it are: one that is no index in all its
  // 64 bits is none. The four bytes are its low half, or the high half of a whole one, which then is 0.
  if (spilled.s.valHi !== 0) return { value: undefined, spi };
  return { value: top === 7 ? spilled.s.valLo >>> 0 : 0, spi };
}

export function immStored(env: Env, imm: number): Stored {
  return { regno: -1, value: env.imm(imm) };
}
