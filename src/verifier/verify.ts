// The gate: walks every path of a program and either issues a VerifiedProg or refuses in the kernel's words.
// Here is only the loop over insns and the order of the passes; each rule lives in the file named after it.
import type { Insn, InsnOf } from "../isa/insn.ts";
import { CTX_LAYOUTS } from "../spec/ctx/layouts.ts";
import { BpfError } from "../spec/errors.ts";
import { CAPABILITIES } from "../spec/privileges.ts";
import { execAlu } from "./insns/alu.ts";
import { execCast } from "./mem/arena.ts";
import { execJmp } from "./insns/branch.ts";
import { entryRegs } from "./call/global.ts";
import { execHelper } from "./call/helper.ts";
import { execCall, execReturn } from "./call/subprog.ts";
import { markCfg } from "./passes/cfg.ts";
import { checkDeadCallbacks } from "./passes/dead_callbacks.ts";
import { Env, MAX_INSNS } from "./env.ts";
import { pathLevel, type VerifyOptions } from "./options.ts";
import { VerifierError } from "./error.ts";
import {
  checkNotCalledDirectly,
  checkThrowsInCallbacks,
  exceptionCallbackPc,
  markExceptionCallback,
} from "./call/exceptions.ts";
import { markFastcalls } from "./passes/fastcall.ts";
import { insnSlots } from "./passes/flow.ts";
import { resolveKfuncs, execKfunc } from "./kfunc/call.ts";
import { checkKernelSymbols } from "./mem/kernel_symbols.ts";
import { attachTarget } from "./prog/attach_target.ts";
import { NO_HIST } from "./state/history.ts";
import { computeLiveRegs } from "./passes/live_regs.ts";
import { checkAbnormalReturns, execLdAbs } from "./insns/ld_abs.ts";
import { checkLdImm64 } from "./insns/ld_imm64.ts";
import { fromTo, logTouched, logWholeState } from "./log/log_state.ts";
import { checkMapUses, namesArena } from "./call/map_use.ts";
import { execAtomic, execLdx, execSt } from "./insns/mem_insns.ts";
import { issue, type Prog, type SubprogInfo, type VerifiedProg } from "./proof.ts";
import { endPath, isVisited } from "./prune/prune.ts";
import { checkAttachType, checkExit, checkSleepable } from "./prog/prog_type.ts";
import { checkLoadable } from "./state/privileges.ts";
import { checkCallUnderLock } from "./locks/under_lock.ts";
import { computeSccs } from "./prune/scc.ts";
import { checkTailMaps, execGuarded } from "./state/speculation.ts";
import { beginInsn, endInsn } from "./stack/live.ts";
import { MAIN_CALLSITE, newFrame, VerifierState } from "./state/state.ts";
import { checkMaxStackDepth, jittedDepths } from "./passes/stack_depth.ts";
import { addSubprogs, checkSubprogs, type Subprog } from "./passes/subprogs.ts";
import { widenImprecise } from "./state/widen.ts";

export { VerifierError } from "./error.ts";
export type { ClaimRecorder, VerifyOptions } from "./options.ts";

function logInsn(env: Env, insn: Insn, newPath: boolean): void {
  if (newPath && env.log.level === 2) {
    env.log.line("");
    logWholeState(env);
  }
  logTouched(env);
  env.log.source(env.lineAt(insn.pc));
  env.log.insn(`${insn.pc}: ${env.textOf(insn)}`);
}

function execMayGoto(env: Env, insn: InsnOf<"may_goto">): void {
  const queued = env.push(env.pc + 1, env.pc, "ENOMEM");
  queued.mayGotoDepth++;
  widenImprecise(env, env.pc, queued, env.state.parent?.parent); // the parent is this very insn
  env.facts.jump(env.pc, true);
  env.facts.jump(env.pc, false);
  env.pc = insn.target;
}

/** False where the path ends. */
function execAnyCall(env: Env, insn: InsnOf<"call">): boolean {
  if (insn.callee.kind === "subprog") {
    execCall(env, insn);
    return true;
  }
  checkCallUnderLock(env, insn);
  if (insn.callee.kind === "kfunc") return execKfunc(env, insn);
  if (execHelper(env, insn.callee.id)) execReturn(env);
  return true;
}

/** Executes one insn; false where the path ends. */
function exec(env: Env, insn: Insn): boolean {
  switch (insn.kind) {
    case "alu":
    case "movsx":
    case "neg":
    case "end":
      execAlu(env, insn);
      env.pc++;
      return true;
    case "addr_space_cast":
      execCast(env, insn);
      env.pc++;
      return true;
    case "ldx":
    case "load_acquire":
      execLdx(env, insn);
      env.pc++;
      return true;
    case "st":
    case "store_release":
      execSt(env, insn);
      env.pc++;
      return true;
    case "atomic":
      execAtomic(env, insn);
      env.pc++;
      return true;
    case "ld_imm64":
      env.setReg(insn.dst, checkLdImm64(env, insn));
      env.pc += insnSlots(insn);
      return true;
    case "jmp":
      env.jmpsProcessed++;
      execJmp(env, insn);
      return true;
    case "may_goto":
      env.jmpsProcessed++;
      execMayGoto(env, insn);
      return true;
    case "ja":
      env.jmpsProcessed++;
      env.pc = insn.target;
      return true;
    case "call":
      env.jmpsProcessed++;
      return execAnyCall(env, insn);
    case "exit":
      env.jmpsProcessed++;
      if (env.state.frames.length === 1) {
        checkExit(env);
        return false;
      }
      execReturn(env);
      return true;
    case "ld_abs":
    case "ld_ind":
      if (execLdAbs(env, insn)) execReturn(env);
      return true;
    case "invalid":
      return env.reject("EINVAL", insn.message);
  }
}

/** Executes one insn and notes what it does to the stack; false where the path ends. */
export function step(env: Env, insn: Insn): boolean {
  const { pc } = env;
  if (env.state.speculative && env.speculation.barrierBefore[pc] === 1) return false;
  beginInsn(env);
  const open = env.state.speculative ? execGuarded(env, exec, insn) : exec(env, insn);
  endInsn(env, pc);
  return open;
}

/** Follows every path from env.pc until none is left. */
function walk(env: Env): void {
  let newPath = false;
  let prevPc = -1;
  for (;;) {
    env.curHist = NO_HIST;
    env.prevPc = prevPc;
    const insn = env.insns[env.pc];
    if (insn === undefined) env.reject("EFAULT", `invalid insn idx ${env.pc} insn_cnt ${env.insns.length}`);
    if (++env.processed > MAX_INSNS)
      env.reject("E2BIG", `BPF program is too large. Processed ${env.processed} insn`);
    env.state.lastPc = prevPc;
    if (env.processed === env.logFrom) {
      env.log.level = pathLevel(env.options.logLevel);
      env.scratchAll();
    }
    let open = true;
    if (env.prunePoint[env.pc] === 1 && isVisited(env)) {
      if (env.log.level > 0) {
        if (newPath) env.log.line("");
        env.log.line(newPath ? `${fromTo(env)}: safe` : `${env.pc}: safe`);
      }
      open = false;
    } else {
      if (env.jmpPoint[env.pc] === 1) env.pushHistory(0, undefined);
      if (env.log.level > 0) logInsn(env, insn, newPath);
      newPath = false;
      env.facts.seen(env.pc);
      if (!env.state.speculative) env.options.claims?.(env.pc, env.regs, env.frame.stack);
      prevPc = env.pc;
      const depth = env.state.frames.length;
      open = step(env, insn);
      if (open && insn.kind === "exit" && env.state.frames.length < depth) newPath = true;
    }
    if (open) continue;
    env.scratchAll();
    endPath(env);
    if (!env.pop()) return;
    prevPc = env.prevPc;
    newPath = true;
  }
}

/** The current path begins at a function's start, with its arguments. */
export function enter(env: Env, subprogno: number): void {
  const sub = env.subprogs[subprogno] as Subprog;
  const frame = newFrame(0, subprogno, MAIN_CALLSITE);
  env.log.forgetSource();
  env.state = new VerifierState([frame]);
  env.state.firstPc = sub.start;
  env.pc = sub.start;
  env.explored = new Array(env.insns.length).fill(undefined);
  if (subprogno !== 0 && env.log.level > 0) env.log.line(`Validating ${sub.name}() func#${subprogno}...`);
  entryRegs(env, subprogno).forEach((reg, i) => {
    frame.regs[i + 1] = reg;
  });
  env.scratchAll();
}

function verifyFrom(env: Env, subprogno: number): void {
  enter(env, subprogno);
  walk(env);
  if (env.log.level === 1) env.log.reset(0);
}

/** Global functions that verified code calls, until there is no new one. */
function verifyGlobals(env: Env): void {
  for (let again = true; again; ) {
    again = false;
    for (const [i, sub] of env.subprogs.entries()) {
      if (!sub.global || !sub.called || sub.verified) continue;
      verifyFrom(env, i);
      if (env.log.level > 0)
        env.log.line(`Func#${i} ('${sub.name}') is safe for any args that match its prototype`);
      sub.verified = true;
      again = true;
    }
  }
}

function subprogInfos(env: Env): SubprogInfo[] {
  const { stackEscapes, readsUninit } = env.facts;
  return env.subprogs.map((s, i) => ({
    name: s.name,
    start: s.start,
    end: s.end,
    stackDepth: s.stackDepth,
    isCallback: s.isCallback,
    isAsyncCallback: s.isAsyncCallback,
    stackEscapes: stackEscapes[i] === true,
    readsUninitStack: readsUninit[i] === true,
    hasTailCall: s.hasTailCall,
  }));
}

/** Which registers may still be read, before any path is walked. */
function logLiveRegs(env: Env): void {
  env.log.line("Live regs before insn:");
  for (const insn of env.insns) {
    if (insn === undefined) continue;
    const live = env.liveRegs[insn.pc] as number;
    const regs = Array.from({ length: 10 }, (_, i) => ((live >> i) & 1 ? `${i}` : ".")).join("");
    const scc = env.scc[insn.pc] === 0 ? "" : `${env.scc[insn.pc]}`;
    env.log.line(`${scc.padStart(3)} ${String(insn.pc).padStart(3)}: ${regs} ${env.textOf(insn)}`);
  }
}

/** All that is done before the first path is walked. */
export function prepare(prog: Prog, options: VerifyOptions, logFrom = 0): Env {
  checkLoadable(prog, options.caps ?? CAPABILITIES);
  const ctx = CTX_LAYOUTS[prog.type];
  if (ctx === undefined) throw new BpfError("EINVAL", `programs of type ${prog.type} cannot be verified yet`);
  const env = new Env(prog, ctx, options, logFrom);
  checkAttachType(env);
  const catches = exceptionCallbackPc(env);
  addSubprogs(env, catches);
  if (env.log.level === 2)
    for (const [i, sub] of env.subprogs.entries()) env.log.line(`func#${i} @${sub.start}`);
  markExceptionCallback(env, catches);
  checkSubprogs(env);
  checkAbnormalReturns(env);
  checkSleepable(env);
  for (const insn of env.insns)
    if (insn?.kind === "invalid" && insn.atLoad) env.rejectAt(insn.pc, "EINVAL", insn.message);
  resolveKfuncs(env);
  checkKernelSymbols(env);
  checkMapUses(env);
  env.hasArena = namesArena(env);
  markCfg(env);
  env.target = attachTarget(env);
  computeSccs(env);
  computeLiveRegs(env);
  markFastcalls(env);
  if (env.log.level === 2) logLiveRegs(env);
  return env;
}

function run(prog: Prog, options: VerifyOptions, logFrom: number): VerifiedProg {
  const started = performance.now();
  const env = prepare(prog, options, logFrom);
  try {
    verifyFrom(env, 0);
    verifyGlobals(env);
  } finally {
    env.forgetStates();
  }
  checkNotCalledDirectly(env);
  checkThrowsInCallbacks(env);
  checkMaxStackDepth(env);
  checkDeadCallbacks(env);
  checkTailMaps(env);
  const aux = env.facts.finish();
  env.timeUs = Math.round((performance.now() - started) * 1000);
  env.closeLog(() => jittedDepths(env, aux));
  const facts = {
    writesPkt: env.facts.writesPkt,
    resizesPkt: env.facts.resizesPkt,
    usesTailCall: env.facts.usesTailCall,
    helpers: [...env.facts.helpers].sort((a, b) => a - b),
    kfuncs: [...env.facts.kfuncs].sort(),
    loopHeads: env.loopHeads,
    exceptionCb: env.exceptionCb,
    needs: [...env.facts.needs].sort(),
  };
  return issue(prog, aux, subprogInfos(env), facts, env.stats(), env.log.lines);
}

/** Of a refusal without a log level, this many insns before the end are logged. */
const LOGGED_INSNS = 20_000;

/**
 * Verifies a program. Throws a VerifierError where the kernel would refuse it, with the log that leads there:
 * without a log level the program is verified silently and a second time for the log of a refusal.
 */
export function verify(prog: Prog, options: VerifyOptions = {}): VerifiedProg {
  let refused: VerifierError;
  try {
    return run(prog, options, 0);
  } catch (e) {
    if (!(e instanceof VerifierError) || options.logLevel !== undefined) throw e;
    refused = e;
  }
  return run(prog, { ...options, logLevel: 1 }, Math.max(0, refused.stats.processed - LOGGED_INSNS));
}
