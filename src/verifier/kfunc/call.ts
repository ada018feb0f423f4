// Calls of kernel functions: which there are, may this program call this one, and the order in which a call is
// checked and takes effect.
import type { InsnOf } from "../../isa/insn.ts";
import { mayCall, THROW } from "../../spec/kfuncs/index.ts";
import { progRules } from "../../spec/prog_rules.ts";
import { clearCallerSaved, killPktPointers } from "../state/call_effects.ts";
import { queueCallback, runCallback } from "../call/callback.ts";
import type { Env } from "../env.ts";
import { checkThrow } from "../call/exceptions.ts";
import { stepDynptrRead, stepNewDynptr } from "../objects/dynptr.ts";
import { forkNext, stepIter } from "../objects/iter.ts";
import { stepIrqFlag } from "../objects/irq_flag.ts";
import { stepLock } from "../locks/locks.ts";
import { releaseRef } from "../state/refs.ts";
import { NOT_INIT, type RegState, scalarReg } from "../state/regs.ts";
import { Scalar } from "../scalar/scalar.ts";
import { withLimits } from "../scalar/bounds.ts";
import { stepStackRange } from "../stack/range.ts";
import { inRcu, inSleepable } from "../state/trust.ts";
import { checkKfuncArgs } from "./args.ts";
import { findKfunc, type Kfunc } from "./desc.ts";
import { nodeOf, stepLink } from "./graph.ts";
import type { KfuncMeta } from "./meta.ts";
import { execRegion } from "../locks/regions.ts";
import { execReturned } from "./ret.ts";

/** Looks up every kernel function that is called; refused before any path is walked, as the kernel's first pass does. */
export function resolveKfuncs(env: Env): void {
  for (const insn of env.insns) {
    if (insn?.kind !== "call" || insn.callee.kind !== "kfunc") continue;
    const { btfId } = insn.callee;
    if (!env.prog.gplCompatible)
      env.rejectAt(-1, "EINVAL", "cannot call kernel function from non-GPL compatible program");
    if (env.kfuncs.has(btfId)) continue;
    const kfunc = findKfunc(btfId, () => env.kernelBtf);
    if (kfunc === undefined) env.rejectAt(-1, "EINVAL", `kernel btf_id ${btfId} is not a function`);
    if (kfunc.row?.deviceBound === true)
      env.rejectAt(-1, "EINVAL", "metadata kfuncs require device-bound program");
    env.kfuncs.set(btfId, kfunc);
  }
}

function checkAllowed(env: Env, kfunc: Kfunc): void {
  const { type, expectedAttachType } = env.prog;
  if (kfunc.row === undefined || !mayCall(kfunc.row, type, expectedAttachType))
    env.reject("EACCES", `calling kernel function ${kfunc.name} is not allowed`);
  if (kfunc.name === "__bpf_trap")
    env.reject("EFAULT", "unexpected __bpf_trap() due to uninitialized variable?");
  if (kfunc.is("sleepable") && !inSleepable(env))
    env.reject("EACCES", `program must be sleepable to call sleepable kfunc ${kfunc.name}`);
}

/** Functions that move the packet. */
const MOVES_PACKET: ReadonlySet<string> = new Set(["bpf_xdp_pull_data"]);

/** Functions that write to what a dynptr stands for, or let the program do it: it may be the packet. */
const WRITES_DATA: ReadonlySet<string> = new Set([
  "bpf_dynptr_slice_rdwr",
  "bpf_dynptr_copy",
  "bpf_dynptr_memset",
]);

/** The function that runs: programs that may not write to packets get another one. */
function calledName(env: Env, { name }: Kfunc): string {
  return name === "bpf_dynptr_from_skb" && progRules(env.prog.type).pkt !== "write" ? `${name}_rdonly` : name;
}

function releaseArg(env: Env, meta: KfuncMeta): void {
  if (meta.releaseRegno === 0) return;
  const { kfunc } = meta;
  const reg = env.regs[meta.releaseRegno] as RegState;
  if (!releaseRef(env, reg.refId))
    env.reject("EINVAL", `kfunc ${kfunc.name}#${kfunc.id} reference has not been acquired before`);
}

function stepMem(env: Env, meta: KfuncMeta): void {
  for (const m of meta.mem) {
    const reg = env.regs[m.regno] as RegState;
    if (reg.kind === "fp") stepStackRange(env, reg, m.size, m.write, m.wholly);
    else if (m.write && (reg.kind === "pkt" || reg.kind === "pkt_meta")) env.facts.writesPkt = true;
  }
}

const MAX_ERRNO = 4095;

/** The path on which the lock could not be taken. */
function forkLockFailed(env: Env): void {
  if (env.isFull) {
    env.say(`The sequence of ${env.branches.length + 1} jumps is too complex.`);
    env.reject("ENOMEM", "failed to push state for failed lock acquisition");
  }
  const failed = env.push(env.pc + 1, env.pc);
  const { regs } = failed.cur;
  regs.fill(NOT_INIT, 0, 6);
  regs[0] = scalarReg(
    withLimits(Scalar.unknown, { s32min: -MAX_ERRNO, s32max: -1, smin: BigInt(-MAX_ERRNO), smax: -1n }),
  );
}

function stepLocks(env: Env, { lock, irq }: KfuncMeta): void {
  if (lock?.take === true) forkLockFailed(env);
  if (lock !== undefined) stepLock(env, lock);
  if (irq !== undefined) stepIrqFlag(env, irq);
}

/** The callback that orders a tree is shown two of what is kept there. */
function runOrder(env: Env, { graphRoot, callback }: KfuncMeta): void {
  if (graphRoot === undefined || callback < 0) return;
  const node = nodeOf(env, graphRoot, false);
  runCallback(env, callback, () => [node, node]);
}

/** False where the path ends with the call: it throws. */
export function execKfunc(env: Env, insn: InsnOf<"call">): boolean {
  const kfunc = insn.callee.kind === "kfunc" ? env.kfuncs.get(insn.callee.btfId) : undefined;
  if (kfunc === undefined) throw new Error("the kernel function was not looked up");
  checkAllowed(env, kfunc);
  const meta = checkKfuncArgs(env, kfunc);
  stepMem(env, meta);
  stepIter(env, meta);
  if (meta.dynptr !== undefined) stepDynptrRead(env, meta.dynptr);
  if (meta.newDynptr !== undefined)
    stepNewDynptr(env, meta.newDynptr.place, meta.newDynptr.type, meta.dynptr?.refId ?? 0);
  env.facts.callKfunc(
    env.pc,
    calledName(env, kfunc),
    kfunc.params.map((p) => p.ignored),
  );
  if (WRITES_DATA.has(kfunc.name)) env.facts.writesPkt = true;
  stepLocks(env, meta);
  runOrder(env, meta);
  if (kfunc.async && meta.owner !== undefined) queueCallback(env, meta.callback, meta.owner.map);
  execRegion(env, kfunc);
  if (kfunc.is("rcu_protected") && !inRcu(env))
    env.reject("EACCES", `kernel func ${kfunc.name} requires RCU critical section protection`);
  releaseArg(env, meta);
  stepLink(env, meta);
  if (kfunc.name === THROW) {
    checkThrow(env);
    return false;
  }
  clearCallerSaved(env);
  execReturned(env, meta);
  if (kfunc.is("iter_next")) forkNext(env, meta);
  if (MOVES_PACKET.has(kfunc.name)) {
    env.facts.resizesPkt = true;
    killPktPointers(env);
  }
  env.pc++;
  return true;
}
