// The control flow graph before anything is executed: every insn reachable, every jump inside, marks where states
// are kept and where history is noted, and the heads of loops. Knows no registers.
import { HELPERS } from "../../spec/helpers.ts";
import type { Insn } from "../../isa/insn.ts";
import type { Env } from "../env.ts";
import { insnSlots, jumpOf } from "./flow.ts";

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

interface Edge {
  readonly to: number;
  readonly branch: boolean;
}

/** Where control may go after the insn; a call's callee counts as a branch. */
function edgesOf(insn: Insn): Edge[] {
  const jump = jumpOf(insn);
  if (jump !== undefined) return jump.map((to, i) => ({ to, branch: i > 0 }));
  const next = { to: insn.pc + insnSlots(insn), branch: false };
  switch (insn.kind) {
    case "call":
      return insn.callee.kind === "subprog" ? [next, { to: insn.callee.target, branch: true }] : [next];
    case "ld_imm64":
      return insn.value.kind === "func" ? [next, { to: insn.value.target, branch: true }] : [next];
    default:
      return [next];
  }
}

/** Marks at and after one insn; needs only the insn itself. */
function mark(env: Env, insn: Insn, edges: readonly Edge[]): void {
  const { prunePoint, jmpPoint } = env;
  for (const e of edges) {
    if (!e.branch) continue;
    prunePoint[e.to] = 1;
    jmpPoint[e.to] = 1;
  }
  const pc = insn.pc;
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
  const color = new Uint8Array(n);
  const heads = new Set<number>();
  const path: { readonly pc: number; readonly edges: readonly Edge[]; next: number }[] = [];

  const enter = (pc: number): void => {
    const insn = env.insns[pc];
    if (insn === undefined) env.rejectAt(-1, "EINVAL", `jump into the middle of ldimm64 insn ${pc - 1}`);
    const edges = edgesOf(insn);
    for (const e of edges)
      if (e.to < 0 || e.to >= n) env.rejectAt(pc, "EINVAL", `jump out of range from insn ${pc} to ${e.to}`);
    mark(env, insn, edges);
    color[pc] = ON_PATH;
    path.push({ pc, edges, next: 0 });
  };

  const follow = (from: number): void => {
    if (color[from] === 0) enter(from);
    for (let top = path[0]; top !== undefined; top = path[path.length - 1]) {
      const e = top.edges[top.next++];
      if (e === undefined) {
        color[top.pc] = DONE;
        path.pop();
      } else if (color[e.to] === 0) enter(e.to);
      else if (color[e.to] === ON_PATH) {
        if (!env.may.loops) env.rejectAt(top.pc, "EINVAL", `back-edge from insn ${top.pc} to ${e.to}`);
        heads.add(e.to);
      }
    }
  };
  follow(0);
  follow(env.subprogs[env.exceptionCb]?.start ?? 0);
  for (let pc = 0; pc < n; pc++) {
    const insn = env.insns[pc];
    if (insn === undefined) continue;
    if (color[pc] !== DONE) env.rejectAt(-1, "EINVAL", `unreachable insn ${pc}`);
  }
  env.loopHeads = [...heads].sort((a, b) => a - b);
}
