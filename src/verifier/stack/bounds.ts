// Frame pointers: where they may point, which frame they are of, and what is noted when one is used or given away.
import type { Env } from "../env.ts";
import type { RegState } from "../state/regs.ts";
import { fmtTnum } from "../scalar/fmt.ts";
import { BYTE_INVALID, byteAt, isObjectByte } from "../state/stack.ts";
import { type Frame, MAX_STACK } from "../state/state.ts";

export const MAX_VAR_OFF = 1 << 29;

export function frameOf(env: Env, reg: RegState): Frame {
  return env.state.frames[reg.aux] as Frame;
}

/** Lowest offset that the pointer may have, from the frame pointer. */
export function minOff(reg: RegState, off: number): number {
  return reg.off + off + (reg.s.isConst ? reg.s.constNum : reg.s.sminNum);
}

/** Highest offset. */
export function maxOff(reg: RegState, off: number): number {
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

/** The frame's subprogram needs this many bytes, and this path has come so far: reads count. */
export function growStack(env: Env, frame: Frame, minOff: number): void {
  const sub = env.subprogs[frame.subprogno];
  const depth = (-minOff + 7) & ~7;
  frame.growTo(depth >> 3);
  if (sub !== undefined && sub.stackDepth < depth) sub.stackDepth = depth;
}

export function noteUninitRead(env: Env, frame: Frame): void {
  env.facts.readsUninit[frame.subprogno] = true;
}

export function noteEscape(env: Env, reg: RegState): void {
  if (reg.kind === "fp") env.facts.stackEscapes[frameOf(env, reg).subprogno] = true;
}

export function byteOf(frame: Frame, off: number): number {
  const i = -off - 1;
  return byteAt(frame.slot(i >> 3), i & 7);
}

/** The byte may become part of a number. */
export function isReadable(env: Env, byte: number): boolean {
  return byte === BYTE_INVALID ? env.may.uninitStack : !isObjectByte(byte);
}
