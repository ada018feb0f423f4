// Subprograms: where each begins and ends, that jumps stay inside, how deep their stacks add up.
// Knows no registers; stack depths are what the walk found.
import { HELPERS } from "../../spec/helpers.ts";
import type { Insn } from "../../isa/insn.ts";
import { isTailCall, NOWHERE } from "./flow.ts";
import type { Env } from "../env.ts";

export interface Subprog {
  readonly name: string;
  readonly start: number;
  end: number;
  readonly global: boolean;
  stackDepth: number;
  /** what lies below belongs to spills around calls: see fastcall */
  fastcallOff: number;
  dropsSpills: boolean;
  keepsSpills: boolean;
  isCallback: boolean;
  isAsyncCallback: boolean;
  hasTailCall: boolean;
  changesPkt: boolean;
  /** global: some verified code calls it */
  called: boolean;
  verified: boolean;
}

const MAX_SUBPROGS = 256;

/** Start of the subprogram that the insn calls or whose address it takes. */
export function calleePc(insn: Insn): number | undefined {
  if (insn.kind === "call" && insn.callee.kind === "subprog") return insn.callee.target;
  if (insn.kind === "ld_imm64" && insn.value.kind === "func") return insn.value.target;
  return undefined;
}

function newSubprog(env: Env, start: number): Subprog {
  const spec = env.prog.subprogs.find((s) => s.pc === start);
  return {
    name: spec?.name ?? (start === 0 ? env.prog.name : `func#${start}`),
    start,
    end: env.insns.length,
    // without func_info the kernel knows of no linkage: check_subprogs, subprog_is_global
    global: start !== 0 && spec?.global === true && env.prog.funcs.length > 0,
    stackDepth: 0,
    fastcallOff: 0,
    dropsSpills: false,
    keepsSpills: false,
    isCallback: false,
    isAsyncCallback: false,
    hasTailCall: false,
    changesPkt: false,
    called: false,
    verified: false,
  };
}

export function findSubprog(env: Env, pc: number): number {
  return env.subprogStarts.get(pc) ?? -1;
}

function isKfuncCall(insn: Insn): boolean {
  return insn.kind === "call" && insn.callee.kind === "kfunc";
}

function refuseFunctions(env: Env): never {
  env.rejectAt(
    -1,
    "EPERM",
    "loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN",
  );
}

/** `also`: a subprogram that no insn names. */
export function addSubprogs(env: Env, also: number | undefined): void {
  const starts = new Set([0]);
  for (const insn of env.insns) {
    if (insn === undefined) continue;
    const pc = calleePc(insn);
    if (!env.may.functions && (pc !== undefined || isKfuncCall(insn))) refuseFunctions(env);
    if (pc === undefined) continue;
    if (pc < 0 || pc >= env.insns.length) env.rejectAt(insn.pc, "EINVAL", "call to invalid destination");
    starts.add(pc);
  }
  if (also !== undefined) starts.add(also);
  if (starts.size > MAX_SUBPROGS) env.rejectAt(-1, "E2BIG", "too many subprograms");
  env.subprogs = [...starts].sort((a, b) => a - b).map((start) => newSubprog(env, start));
  env.subprogs.forEach((s, i) => {
    env.subprogStarts.set(s.start, i);
    s.end = env.subprogs[i + 1]?.start ?? env.insns.length;
  });
}

/** Jumps stay in their subprogram, and none runs off its end. */
export function checkSubprogs(env: Env): void {
  for (const sub of env.subprogs) {
    let last: Insn | undefined;
    for (let pc = sub.start; pc < sub.end; pc++) {
      const insn = env.insns[pc];
      if (insn === undefined) continue;
      last = insn;
      if (isTailCall(insn)) sub.hasTailCall = true;
      const target = env.flow.target[pc] as number;
      if (target !== NOWHERE && (target < sub.start || target >= sub.end))
        env.rejectAt(pc, "EINVAL", `jump out of range from insn ${pc} to ${target}`);
    }
    if (last?.pc !== sub.end - 1 || env.flow.next[last.pc] !== NOWHERE)
      env.rejectAt(-1, "EINVAL", "last insn is not an exit or jmp");
  }
  markPktChanges(env);
}

/** Subprograms that a subprogram calls or whose address it takes, in the order of its insns, each once. */
export function calleesOf(env: Env, sub: Subprog): readonly number[] {
  const callees = new Set<number>();
  for (let pc = sub.start; pc < sub.end; pc++) {
    const insn = env.insns[pc];
    const target = insn === undefined ? undefined : calleePc(insn);
    if (target === undefined) continue;
    const callee = findSubprog(env, target);
    const runsLater = env.subprogs[callee]?.isAsyncCallback === true;
    if (runsLater && env.subprogs[callee]?.hasTailCall === true)
      env.rejectAt(-1, "EFAULT", "verifier bug: subprog has tail_call and async cb");
    // what runs later has a stack of its own, unless it is called directly as well
    if (insn?.kind === "call" || !runsLater) callees.add(callee);
  }
  return [...callees];
}

/** A subprogram changes the packet if it, or anything it reaches, calls a helper that does. */
function markPktChanges(env: Env): void {
  const callees = env.subprogs.map((sub) => calleesOf(env, sub));
  for (const sub of env.subprogs)
    for (let pc = sub.start; pc < sub.end && !sub.changesPkt; pc++)
      sub.changesPkt = changesPkt(env.insns[pc]);
  for (let changed = true; changed; ) {
    changed = false;
    env.subprogs.forEach((sub, i) => {
      if (sub.changesPkt || callees[i]?.some((c) => env.subprogs[c]?.changesPkt === true) !== true) return;
      sub.changesPkt = true;
      changed = true;
    });
  }
}

function changesPkt(insn: Insn | undefined): boolean {
  if (insn?.kind !== "call" || insn.callee.kind !== "helper") return false;
  return HELPERS[insn.callee.id]?.proto?.effects.changesPkt === true;
}
