// Stores through frame pointers: what a slot remembers of a value, and what is lost around it.
import { checkMayOverwrite, destroyDynptr } from "./dynptr_slots.ts";
import type { Env } from "../env.ts";
import { stepFastcallSlot } from "../passes/fastcall.ts";
import { stackFlags } from "../state/history.ts";
import { stepStoreBarrier } from "../state/speculation.ts";
import { markPrecise } from "../precision/precision.ts";
import { type RegState, isNull, withId, withoutId } from "../state/regs.ts";
import {
  BYTE_INVALID,
  BYTE_MISC,
  BYTE_SPILL,
  BYTE_ZERO,
  byteAt,
  isSpill,
  scrubSlot,
  setBytes,
  spillSlot,
} from "../state/stack.ts";
import { OPAQUE_STORED, type Stored } from "../state/stored.ts";
import { frameOf, minOff, maxOff, growStack, noteUninitRead, noteEscape } from "./bounds.ts";
import { noteSlotWrite } from "./live.ts";
import type { Frame } from "../state/state.ts";

/** The lowest number of a slot that holds one of the bytes before `end`. */
function firstSlot(end: number): number {
  return -end >> 3;
}

/** The highest, of those from `min` on. */
function lastSlot(min: number): number {
  return (-min - 1) >> 3;
}

function checkOverwrites(env: Env, ptr: RegState, off: number, size: number): void {
  const min = minOff(ptr, off);
  const max = maxOff(ptr, off);
  checkMayOverwrite(env, frameOf(env, ptr), firstSlot(max + size), lastSlot(min));
}

function loseDynptrs(env: Env, frame: Frame, min: number, end: number): void {
  if (!env.stackObjects) return;
  for (let spi = firstSlot(end); spi <= lastSlot(min); spi++) destroyDynptr(env, frame, spi);
}

/** Part of a pointer, once it is overwritten, would be readable as a number. */
function checkCorrupts(env: Env, ptr: RegState, off: number, size: number): void {
  if (env.may.pointerLeaks || size === 8 || !ptr.s.isConst) return;
  const slot = frameOf(env, ptr).slot((-minOff(ptr, off) - 1) >> 3);
  if (slot.spilled !== undefined && slot.spilled.kind !== "scalar")
    env.reject("EACCES", "attempt to corrupt spilled pointer on stack");
}

/** Pointers that the stack remembers as such; the others come back as numbers, as in the kernel. */
function isRemembered({ kind }: RegState): boolean {
  return kind !== "scalar" && kind !== "tp_buffer" && kind !== "dynptr_ptr";
}

export function checkStackWrite(env: Env, regno: number, off: number, size: number, stored: Stored): void {
  const ptr = env.regs[regno] as RegState;
  checkCorrupts(env, ptr, off, size);
  checkOverwrites(env, ptr, off, size);
  if (!isRemembered(stored.value) || !ptr.s.isConst) return;
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

function writeFixed(env: Env, frame: Frame, off: number, size: number, stored: Stored): void {
  const i = -off - 1;
  const spi = i >> 3;
  const slot = frame.slot(spi);
  const value = stored.value;
  env.scratchSlot(spi);
  if (size === 8) noteSlotWrite(env, frame.frameno, spi);
  stepStoreBarrier(env, slot, i & 7, size, stored.regno >= 0 && value.kind !== "scalar");
  const isKept =
    value.kind === "scalar" && off % 8 === 0 && stored !== OPAQUE_STORED && env.may.numbersTracked;
  if (isRemembered(value) || isKept) {
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
