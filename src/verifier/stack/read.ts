// Loads through frame pointers: what a slot remembers and a load gives back.
// Stack bytes that were never written may be read with the right to; those reads are noted for the JIT.
import type { Env } from "../env.ts";
import { stepFastcallSlot } from "../passes/fastcall.ts";
import { stackFlags } from "../state/history.ts";
import { isSecret } from "../state/privileges.ts";
import { type RegState, UNKNOWN, ZERO, withoutId } from "../state/regs.ts";
import { fmtTnum } from "../scalar/fmt.ts";
import { BYTE_INVALID, BYTE_SPILL, BYTE_ZERO, byteAt, type StackSlot, spillSize } from "../state/stack.ts";
import {
  frameOf,
  minOff,
  maxOff,
  growStack,
  noteUninitRead,
  noteEscape,
  byteOf,
  isReadable,
} from "./bounds.ts";
import { noteSlotRead } from "./live.ts";
import type { Frame } from "../state/state.ts";

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

/** The lowest of these bytes that may not be read. */
function unreadableIn(env: Env, frame: Frame, min: number, end: number): number | undefined {
  if (env.may.uninitStack) return env.stackObjects ? objectIn(frame, min, end) : undefined;
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
export function stepStackRead(env: Env, reg: RegState, off: number, size: number, unseen: boolean): RegState {
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
  return readFixed(env, frame, min, size, unseen);
}

function readFixed(env: Env, frame: Frame, off: number, size: number, unseen: boolean): RegState {
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
  if (unseen) return UNKNOWN; // nothing to follow back: the kernel's histories are as long as its checkpoints are far apart
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
