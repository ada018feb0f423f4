// What every insn asks of a register before it looks at the kind: readable, writable, a pointer as it was given.
import type { Env } from "./env.ts";
import { type RegState, regTypeStr } from "./regs.ts";
import { fmtTnum } from "./scalar_fmt.ts";

export function checkRegRead(env: Env, regno: number): RegState {
  const reg = env.regs[regno] as RegState;
  env.scratchedRegs |= 1 << regno;
  if (reg.kind === "?") env.reject("EACCES", `R${regno} !read_ok`);
  return reg;
}

export function checkRegWrite(env: Env, regno: number): void {
  if (regno === 10) env.reject("EACCES", "frame pointer is read only");
}

/** The pointer is as it was given, perhaps with a constant added where that is allowed. */
export function checkPtrOff(env: Env, reg: RegState, regno: number): void {
  const type = regTypeStr(reg);
  if (reg.off < 0) env.reject("EACCES", `negative offset ${type} ptr R${regno} off=${reg.off} disallowed`);
  if (reg.off !== 0)
    env.reject("EACCES", `dereference of modified ${type} ptr R${regno} off=${reg.off} disallowed`);
  if (!reg.s.isZero) env.reject("EACCES", `variable ${type} access var_off=${fmtTnum(reg.s)} disallowed`);
}
