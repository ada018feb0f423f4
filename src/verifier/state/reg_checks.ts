// What every insn asks of a register before it looks at the kind: readable, writable, a pointer as it was given.
import type { Env } from "../env.ts";
import {
  ALLOC,
  NON_OWN_REF,
  RCU,
  RDONLY,
  type RegKind,
  type RegState,
  regTypeStr,
  RINGBUF,
  SPELLED,
  TRUSTED,
} from "./regs.ts";
import { Scalar } from "../scalar/scalar.ts";
import { fmtTnum } from "../scalar/fmt.ts";

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
  if (reg.off === 0 && reg.s.isZero) return;
  const type = regTypeStr(reg);
  if (reg.off < 0) env.reject("EACCES", `negative offset ${type} ptr R${regno} off=${reg.off} disallowed`);
  if (reg.off !== 0)
    env.reject("EACCES", `dereference of modified ${type} ptr R${regno} off=${reg.off} disallowed`);
  env.reject("EACCES", `variable ${type} access var_off=${fmtTnum(reg.s)} disallowed`);
}

/** Flags of pointers to structs that may come with a fixed offset. */
const FIXED_OFF: readonly number[] = [0, ALLOC, TRUSTED, RCU, ALLOC | NON_OWN_REF, ALLOC | NON_OWN_REF | RCU];
/** Pointers that may point anywhere into their region, by kind: which of the flags that make another type they may have. */
const ANY_OFF: ReadonlyMap<RegKind, readonly number[]> = new Map<RegKind, readonly number[]>([
  ["fp", [0]],
  ["pkt", [0]],
  ["pkt_meta", [0]],
  ["map_key", [0]],
  ["map_value", [0]],
  ["mem", [0, RDONLY, RINGBUF]],
  ["buf", [0, RDONLY]],
  ["arena", [0]],
  ["scalar", [0]],
]);

/** The pointer lies where the kind of pointer allows it; one that is given back lies where it did. */
export function checkArgOff(env: Env, regno: number, released: boolean): void {
  const reg = env.regs[regno] as RegState;
  if (released) {
    if (reg.off !== 0)
      env.reject(
        "EINVAL",
        `R${regno} must have zero offset when passed to release func or trusted arg to kfunc`,
      );
    return checkPtrOff(env, reg, regno);
  }
  if (ANY_OFF.get(reg.kind)?.includes(reg.flags & SPELLED) === true) return;
  // nothing is known of a register that was not set, not even where it points
  if (reg.kind === "?")
    env.reject("EACCES", `variable ${regTypeStr(reg)} access var_off=${fmtTnum(Scalar.unknown)} disallowed`);
  if (reg.kind !== "ptr_" || !FIXED_OFF.includes(reg.flags)) return checkPtrOff(env, reg, regno);
  const type = regTypeStr(reg);
  if (reg.off < 0) env.reject("EACCES", `negative offset ${type} ptr R${regno} off=${reg.off} disallowed`);
  if (!reg.s.isZero) env.reject("EACCES", `variable ${type} access var_off=${fmtTnum(reg.s)} disallowed`);
}

/** The words for a number that is returned where it may not be. */
export function badRange(where: string, r0: RegState, min: number, max: number, regno = 0): string {
  const smin = r0.s.smin > -0x8000_0000_0000_0000n ? ` smin=${r0.s.smin}` : "";
  const smax = r0.s.smax < 0x7fff_ffff_ffff_ffffn ? ` smax=${r0.s.smax}` : "";
  const has = smin + smax === "" ? " unknown scalar value" : smin + smax;
  return `${where} the register R${regno} has${has} should have been in [${min}, ${max}]`;
}
