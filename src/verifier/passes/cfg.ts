// The control flow graph before anything is executed: every insn reachable, every jump inside, marks where states
// are kept and where history is noted, and the heads of loops. Knows no registers.
import { HELPERS } from "../../spec/helpers.ts";
import type { Insn } from "../../isa/insn.ts";
import type { Env } from "../env.ts";
import { insnSlots, NOWHERE } from "./flow.ts";
import { calleePc } from "./subprogs.ts";

/** The helper calls its callback before it returns. */
export function isSyncCallbackCall(env: Env, insn: Insn): boolean {
  if (insn.kind !== "call") return false;
  if (insn.callee.kind === "kfunc") return env.kfuncs.get(insn.callee.btfId)?.name === "bpf_rbtree_add_impl";
  if (insn.callee.kind !== "helper") return false;
  const proto = HELPERS[insn.callee.id]?.proto;
  return proto?.args.includes("func") === true && proto.effects.async !== true;
}

/** The call names a callback that runs later. */
function isAsyncCallbackCall(env: Env, insn: Insn): boolean {
  if (insn.kind !== "call") return false;
  if (insn.callee.kind === "helper") return HELPERS[insn.callee.id]?.proto?.effects.async === true;
  return insn.callee.kind === "kfunc" && env.kfuncs.get(insn.callee.btfId)?.async === true;
}

/** Marks at and after one insn, and where its branch leads; needs only the insn itself. */
function mark(env: Env, insn: Insn, branch: number): void {
  const { prunePoint, jmpPoint } = env;
  const { pc } = insn;
  if (branch !== NOWHERE && env.flow.next[pc] !== NOWHERE) {
    prunePoint[branch] = 1;
    jmpPoint[branch] = 1;
  }
  switch (insn.kind) {
    case "ja":
      prunePoint[insn.target] = 1;
      jmpPoint[insn.target] = 1;
      return;
    case "may_goto":
      env.forceCheckpoint[pc] = 1;
      prunePoint[pc] = 1;
      return;
    case "jmp":
      prunePoint[pc] = 1;
      return;
    case "call":
      if (isSyncCallbackCall(env, insn)) {
        env.callsCallback[pc] = 1;
        env.forceCheckpoint[pc] = 1;
        jmpPoint[pc] = 1;
        prunePoint[pc] = 1;
      }
      if (insn.callee.kind === "kfunc" && env.kfuncs.get(insn.callee.btfId)?.is("iter_next") === true) {
        env.iterNext[pc] = 1;
        env.forceCheckpoint[pc] = 1;
        prunePoint[pc] = 1;
      }
      if (insn.callee.kind === "subprog" || isAsyncCallbackCall(env, insn)) prunePoint[pc] = 1;
      break;
    case "ld_imm64":
      if (insn.value.kind !== "func") return;
      prunePoint[pc] = 1;
      break;
    default:
      return;
  }
  const next = pc + insnSlots(insn);
  prunePoint[next] = 1;
  jmpPoint[next] = 1;
}

const ON_PATH = 1;
const DONE = 2;

/** Depth-first walk from the entry: marks every reachable insn, refuses edges that lead nowhere. */
export function markCfg(env: Env): void {
  const n = env.insns.length;
  const { next } = env.flow;
  // of a call, what it calls
  const branch = env.flow.target.slice();
  const color = new Uint8Array(n);
  /** how many of the insn's two ways were taken */
  const taken = new Uint8Array(n);
  const heads = new Set<number>();
  const path: number[] = [];

  const checkEdge = (pc: number, to: number): void => {
    if (to !== NOWHERE && (to < 0 || to >= n))
      env.rejectAt(pc, "EINVAL", `jump out of range from insn ${pc} to ${to}`);
  };

  const enter = (pc: number): void => {
    const insn = env.insns[pc];
    if (insn === undefined) env.rejectAt(-1, "EINVAL", `jump into the middle of ldimm64 insn ${pc - 1}`);
    const callee = calleePc(insn);
    if (callee !== undefined) branch[pc] = callee;
    checkEdge(pc, next[pc] as number);
    checkEdge(pc, branch[pc] as number);
    mark(env, insn, branch[pc] as number);
    color[pc] = ON_PATH;
    path.push(pc);
  };

  const goOn = (pc: number, to: number): void => {
    if (to === NOWHERE) return;
    if (color[to] === 0) enter(to);
    else if (color[to] === ON_PATH) {
      if (!env.may.loops) env.rejectAt(pc, "EINVAL", `back-edge from insn ${pc} to ${to}`);
      heads.add(to);
    }
  };

  const follow = (from: number): void => {
    if (color[from] === 0) enter(from);
    for (let pc = path.at(-1); pc !== undefined; pc = path.at(-1)) {
      const way = taken[pc] as number;
      taken[pc] = way + 1;
      if (way === 2) {
        color[pc] = DONE;
        path.pop();
      } else goOn(pc, (way === 0 ? next : branch)[pc] as number);
    }
  };
  follow(0);
  follow(env.subprogs[env.exceptionCb]?.start ?? 0);
  for (let pc = 0; pc < n; pc++)
    if (env.insns[pc] !== undefined && color[pc] !== DONE)
      env.rejectAt(-1, "EINVAL", `unreachable insn ${pc}`);
  env.loopHeads = [...heads].sort((a, b) => a - b);
}
