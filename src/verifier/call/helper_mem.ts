// Memory that a call reads or writes through an argument: are all its bytes there, whatever it lies in? Changes nothing.
import { progRules } from "../../spec/prog_rules.ts";
import { checkBtf } from "../btf/access.ts";
import type { Env } from "../env.ts";
import {
  checkMapValue,
  checkMem,
  checkPacket,
  checkRegion,
  PLAIN_LOAD,
  PLAIN_STORE,
} from "../mem/mem_access.ts";
import { checkIterBuffer } from "../mem/object_access.ts";
import { markPrecise } from "../precision/precision.ts";
import { isNull, RDONLY, type RegState, regTypeStr } from "../state/regs.ts";
import { checkStackBounds, MAX_VAR_OFF } from "../stack/bounds.ts";
import { checkStackRange } from "../stack/range.ts";

/** A context that is plain memory: its last byte must be there. */
function checkCtxMem(env: Env, regno: number, size: number, write: boolean, zeroOk: boolean): void {
  if (size > 0) checkMem(env, regno, size - 1, 1, write ? PLAIN_STORE : PLAIN_LOAD);
  else if (!zeroOk) env.reject("EACCES", "invalid zero-sized read");
}

function refuseMem(env: Env, regno: number, reg: RegState): never {
  env.reject("EACCES", `R${regno} type=${regTypeStr(reg)} expected=fp`);
}

/** `size` bytes at the register, read or written by a helper. */
export function checkHelperMem(
  env: Env,
  regno: number,
  size: number,
  write: boolean,
  zeroOk: boolean,
  wholly = false,
): void {
  const reg = env.regs[regno] as RegState;
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
      if (write && reg.is(RDONLY)) env.reject("EACCES", `R${regno} cannot write into ${regTypeStr(reg)}`);
      return checkRegion(env, regno, reg.off, size, reg.aux, zeroOk);
    case "buf":
      return checkIterBuffer(env, regno, { off: reg.off, size, write, signed: false });
    case "ptr_":
      return checkBtf(env, regno, { off: reg.off, size }, false);
    case "fp":
      if (size === 0 && !zeroOk) env.reject("EACCES", "invalid zero-sized read");
      checkStackBounds(env, regno, 0, size, write);
      return checkStackRange(env, regno, size, wholly);
    case "ctx":
      if (progRules(env.prog.type).plainCtx === true) return checkCtxMem(env, regno, size, write, zeroOk);
      return refuseMem(env, regno, reg);
    default:
      if (zeroOk && size === 0 && isNull(reg)) return;
      return refuseMem(env, regno, reg);
  }
}

/** The length in this register, of the memory in the one before. */
export function checkMemSize(env: Env, regno: number, write: boolean, zeroOk: boolean, wholly = false): void {
  const s = (env.regs[regno] as RegState).s;
  if (s.sminHi < 0)
    env.reject("EACCES", `R${regno} min value is negative, either use unsigned or 'var &= const'`);
  if (s.uminNum === 0 && !zeroOk)
    env.reject("EACCES", `R${regno} invalid zero-sized read: u64=[${s.umin},${s.umax}]`);
  if (s.umaxNum >= MAX_VAR_OFF)
    env.reject("EACCES", `R${regno} unbounded memory access, use 'var &= const' or 'if (var < const)'`);
  checkHelperMem(env, regno - 1, s.umaxNum, write, zeroOk, wholly);
  markPrecise(env, regno);
}
