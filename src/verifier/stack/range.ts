// Stack that a call reads or writes: ranges of bytes, and the constants in them.
import type { Env } from "../env.ts";
import { stepFastcallSlot } from "../passes/fastcall.ts";
import { isSecret } from "../state/privileges.ts";
import { stepStoreBarrier } from "../state/speculation.ts";
import type { RegState } from "../state/regs.ts";
import { fmtTnum } from "../scalar/fmt.ts";
import {
  BYTE_DYNPTR,
  BYTE_INVALID,
  BYTE_MISC,
  BYTE_SPILL,
  BYTE_ZERO,
  byteAt,
  setBytes,
  type StackSlot,
} from "../state/stack.ts";
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
  if (wholly) stepFastcallSlot(env, frame, min);
  const end = max + size;
  for (let off = min; off < end; off = (off & ~7) + 8) {
    const i = -off - 1;
    const spi = i >> 3;
    const slot = frame.slot(spi);
    const n = Math.min((i & 7) + 1, end - off);
    if (hasInvalid(slot, i & 7, n)) noteUninitRead(env, frame);
    if (wholly) {
      env.scratchSlot(spi);
      stepStoreBarrier(env, slot, i & 7, n, false); // byte by byte
    } else noteSlotRead(env, reg.aux, spi);
    if (write) frame.setSlot(spi, setBytes(slot, i & 7, n, BYTE_MISC));
  }
}

/** A constant that the program put where the pointer points, as arrays' keys often are. */
export function constantAt(
  env: Env,
  reg: RegState,
  size: number,
  entries: number,
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
  const { valLo, valHi } = spilled.s;
  if (valHi !== 0 || valLo >>> 0 >= entries) return { value: undefined, spi };
  return { value: top === 7 ? valLo : 0, spi };
}
