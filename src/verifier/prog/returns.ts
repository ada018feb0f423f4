// What a program may return where it is attached, and whether it does: rows of src/spec/prog_rules.ts, but for security
// hooks, whose own function decides.
import { type ReturnRange, returnRange } from "../../spec/prog_rules.ts";
import { LSM_BOOLEAN } from "../../spec/attach_targets.ts";
import { type AttachTarget, hookName } from "./attach_target.ts";
import type { Env } from "../env.ts";
import { markPrecise } from "../precision/precision.ts";
import { badRange } from "../state/reg_checks.ts";
import { type RegState, regTypeStr } from "../state/regs.ts";

interface Returned {
  readonly range: ReturnRange;
  /** of an int: the upper half of the register does not count */
  readonly isInt?: true;
  readonly note?: string;
}

const ZERO: Returned = { range: [0, 0] };
const BOOLEAN: ReturnRange = [0, 1];
const ERRNO: ReturnRange = [-4095, 0];
const VOID_NOTE = "Note, BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!";

function isVoid({ btf, proto }: AttachTarget): boolean {
  return btf.resolve(proto.typeId).kind === "void";
}

/** What a security hook returns, and so what a program in its place may; undefined: nothing. */
export function hookRange(target: AttachTarget): ReturnRange | undefined {
  if (isVoid(target)) return undefined;
  return LSM_BOOLEAN.has(hookName(target.name)) ? BOOLEAN : ERRNO;
}

/** undefined: anything. */
function ofHook(env: Env, target: AttachTarget): Returned | undefined {
  if (env.prog.expectedAttachType === "lsm_cgroup")
    return isVoid(target) ? { range: [1, 1], note: VOID_NOTE } : { range: BOOLEAN };
  const range = hookRange(target);
  return range && { range, isInt: true };
}

function returned(env: Env): Returned | undefined {
  const { type, expectedAttachType } = env.prog;
  if (type === "lsm" && env.target !== undefined) return ofHook(env, env.target);
  const range = returnRange(type, expectedAttachType);
  return range && { range };
}

function checkRange(env: Env, where: string, { range, isInt, note }: Returned, regno: number): void {
  const [min, max] = range;
  const r = env.regs[regno] as RegState;
  if (r.kind !== "scalar")
    env.reject("EINVAL", `${where} the register R${regno} is not a known value (${regTypeStr(r)})`);
  markPrecise(env, regno);
  const fits = isInt ? r.s.s32min >= min && r.s.s32max <= max : r.s.sminNum >= min && r.s.smaxNum <= max;
  if (fits) return;
  const words = badRange(where, r, min, max, regno);
  if (note === undefined) env.reject("EINVAL", words);
  env.reject("EINVAL", words, note);
}

/** Of callbacks that run on their own. */
export function checkAsyncReturn(env: Env, regno = 0): void {
  checkRange(env, "At async callback return", ZERO, regno);
}

/** In the place of a security hook that returns nothing: R0 is nobody's. */
export function returnsNothing({ prog, target }: Env): boolean {
  return (
    prog.type === "lsm" &&
    prog.expectedAttachType !== "lsm_cgroup" &&
    target !== undefined &&
    target.proto.typeId === 0
  );
}

/** Of the program. */
export function checkProgReturn(env: Env, regno = 0): void {
  const allowed = returned(env);
  if (allowed !== undefined) checkRange(env, "At program exit", allowed, regno);
}
