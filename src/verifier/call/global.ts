// Calls of global functions: the arguments against the prototype, what the call leaves behind; and what the function's
// own arguments are when it is checked by itself. The function may be entered with anything that fits.
import { checkArgType } from "./arg_types.ts";
import { structHolds } from "../btf/match.ts";
import { clearCallerSaved, killPktPointers } from "../state/call_effects.ts";
import type { Env } from "../env.ts";
import type { Subprog } from "../passes/subprogs.ts";
import { checkExceptionArgs } from "./exceptions.ts";
import { globalArgs, globalProto, type GlobalArg, isRefusal, type PtrArg } from "./global_args.ts";
import { checkDynptr, dynptrOf, lentDynptr, PACKETS, stepDynptrRead } from "../objects/dynptr.ts";
import { checkHelperMem } from "./helper_mem.ts";
import { checkArgOff } from "../state/reg_checks.ts";
import { markPrecise } from "../precision/precision.ts";
import {
  isNull,
  MAYBE_NULL,
  ptrReg,
  RDONLY,
  RegState,
  TRUSTED,
  UNKNOWN,
  UNTRUSTED,
  withFlags,
} from "../state/regs.ts";
import { Scalar } from "../scalar/scalar.ts";
import { noteEscape } from "../stack/bounds.ts";
import { stepStackRange } from "../stack/range.ts";

/** What `check` finds where the register holds this value instead. */
function supposing(env: Env, regno: number, value: RegState, check: () => void): void {
  const reg = env.regs[regno] as RegState;
  env.regs[regno] = value;
  check();
  env.regs[regno] = reg;
}

function checkMemArg(env: Env, regno: number, size: number, nullable: boolean): void {
  checkArgOff(env, regno, false);
  const reg = env.regs[regno] as RegState;
  const refuse = (): never => env.reject("EINVAL", `arg#${regno - 1} is expected to be non-NULL`);
  if (isNull(reg)) {
    if (!nullable) refuse();
    markPrecise(env, regno);
    return;
  }
  env.blame = { ...env.blame, line: env.blame?.line ?? "", code: "EINVAL" };
  supposing(env, regno, withFlags(reg, reg.flags & ~MAYBE_NULL), () => {
    checkHelperMem(env, regno, size, false, true);
    checkHelperMem(env, regno, size, true, true);
  });
  if (reg.maybeNull && !nullable) refuse();
}

function checkPtrArg(env: Env, regno: number, arg: PtrArg): void {
  const reg = env.regs[regno] as RegState;
  if (!arg.trusted || (arg.nullable && isNull(reg))) return;
  checkArgType(env, regno, "btf_id", arg.nullable);
  checkArgOff(env, regno, false);
  checkArgOff(env, regno, false);
  const have = reg.btf === undefined ? undefined : { btf: reg.btf, id: reg.aux };
  const fits =
    have !== undefined &&
    structHolds(have, reg.off, arg, { strict: false, flexArrays: true, say: (line) => env.say(line) });
  if (fits) return;
  const name = have?.btf.byId(have.id).name ?? "";
  env.reject("EACCES", `R${regno} is of type ${name} but ${arg.btf.byId(arg.id).name} is expected`);
}

function checkGlobalArg(env: Env, regno: number, arg: GlobalArg): void {
  const reg = env.regs[regno] as RegState;
  switch (arg.kind) {
    case "scalar":
      if (reg.kind !== "scalar") env.reject("EINVAL", `R${regno} is not a scalar`);
      return;
    case "ctx":
      checkArgOff(env, regno, false);
      if (reg.kind !== "ctx") env.reject("EINVAL", `arg#${regno - 1} expects pointer to ctx`);
      return;
    case "mem":
      return checkMemArg(env, regno, arg.size, arg.nullable);
    case "ptr":
      return checkPtrArg(env, regno, arg);
    case "untrusted_mem":
      return;
    case "arena":
      if (reg.kind !== "arena" && reg.kind !== "scalar")
        env.reject("EINVAL", `R${regno} is not a pointer to arena or scalar.`);
      return;
    case "dynptr":
      return checkDynptrArg(env, regno);
  }
}

/** One that is there. The function may write through it, not change it or give it back. */
function checkDynptrArg(env: Env, regno: number): void {
  checkArgOff(env, regno, false);
  const { kind } = env.regs[regno] as RegState;
  if (kind !== "fp" && kind !== "dynptr_ptr")
    env.reject("EINVAL", `arg#${regno - 1} expected pointer to stack or const struct bpf_dynptr`);
  checkDynptr(env, regno, undefined);
}

/** The function takes it for one of plain memory: what a write into a packet moves is gone for the caller. */
function stepDynptrArg(env: Env, regno: number): void {
  const found = dynptrOf(env, regno);
  if (found === undefined) return;
  stepDynptrRead(env, found);
  if (PACKETS.has(found.type)) killPktPointers(env);
}

/** What the callee may do to what it was given. */
function stepArgs(env: Env, args: readonly GlobalArg[]): void {
  args.forEach((arg, i) => {
    const reg = env.regs[i + 1] as RegState;
    noteEscape(env, reg);
    if (arg.kind === "dynptr") stepDynptrArg(env, i + 1);
    if (arg.kind !== "mem") return;
    if (reg.kind === "fp") {
      stepStackRange(env, reg, arg.size, true, false);
    }
    if (reg.kind === "pkt" || reg.kind === "pkt_meta") env.facts.writesPkt = true;
  });
}

function checkedArgs(env: Env, proto: ReturnType<typeof globalProto>): readonly GlobalArg[] {
  const args = globalArgs(env, proto);
  if (isRefusal(args)) env.reject(args.code, args.reason);
  return args;
}

export function callGlobal(env: Env, subprogno: number): void {
  const sub = env.subprogs[subprogno] as Subprog;
  if (env.state.holdsLock)
    env.reject(
      "EINVAL",
      "global function calls are not allowed while holding a lock,",
      "use static function instead",
    );
  const proto = globalProto(env, subprogno);
  const blame = { line: `Caller passes invalid args into func#${subprogno} ('${sub.name}')` };
  env.blame = blame;
  const args = checkedArgs(env, proto);
  args.forEach((arg, i) => {
    env.blame = blame;
    checkGlobalArg(env, i + 1, arg);
  });
  env.blame = undefined;
  stepArgs(env, args);
  if (env.log.level > 0) env.log.line(`Func#${subprogno} ('${sub.name}') is global and assumed valid.`);
  sub.called = true;
  clearCallerSaved(env);
  env.setReg(0, UNKNOWN);
  if (sub.changesPkt) killPktPointers(env);
  env.pc++;
}

/** The argument as the function finds it, whoever calls. */
function entryReg(env: Env, arg: GlobalArg): RegState {
  switch (arg.kind) {
    case "scalar":
      return UNKNOWN;
    case "ctx":
      return ptrReg("ctx", 0, 0);
    case "mem":
      return new RegState("mem", 0, Scalar.zero, env.newId(), arg.size, arg.nullable ? MAYBE_NULL : 0);
    case "untrusted_mem":
      return new RegState("mem", 0, Scalar.zero, 0, 0, RDONLY | UNTRUSTED);
    case "ptr": {
      const flags = (arg.trusted ? TRUSTED : UNTRUSTED) | (arg.nullable ? MAYBE_NULL : 0);
      return new RegState("ptr_", 0, Scalar.zero, env.newId(), arg.id, flags, 0, arg.btf);
    }
    case "arena":
      return UNKNOWN; // a pointer or an address: the function casts it
    case "dynptr":
      return lentDynptr(env);
  }
}

/** What a function that is checked by itself begins with. The main program's context needs no prototype. */
export function entryRegs(env: Env, subprogno: number): readonly RegState[] {
  if (subprogno !== 0) {
    const args = checkedArgs(env, globalProto(env, subprogno));
    if (subprogno === env.exceptionCb) checkExceptionArgs(env, args);
    return args.map((arg) => entryReg(env, arg));
  }
  if (env.prog.btf !== undefined && env.prog.funcs.length > 0) {
    const args = globalArgs(env, globalProto(env, 0));
    if (isRefusal(args)) env.say(args.reason);
  }
  return [ptrReg("ctx", 0, 0)];
}
