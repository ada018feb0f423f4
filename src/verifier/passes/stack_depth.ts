// Whether the stacks of every chain of calls fit: into 512 bytes together, but for functions with a stack of their own.
import { THROW } from "../../spec/kfuncs/index.ts";
import { mayHavePrivateStacks } from "../../spec/prog_rules.ts";
import { countedDepth } from "./fastcall.ts";
import type { Env } from "../env.ts";
import type { InsnAux } from "../proof.ts";
import { MAX_FRAMES, MAX_STACK } from "../state/state.ts";
import { calleesOf, type Subprog } from "./subprogs.ts";

/** Programs with tail calls keep to 256 bytes above a subprogram that makes one. */
const TAIL_CALL_MAX_DEPTH = 256;
/** A smaller stack is not worth one of its own. */
const PRIVATE_MIN = 64;

function roundUp16(n: number): number {
  return Math.ceil(n / 16) * 16;
}

class Depths {
  readonly #env: Env;
  readonly #callees: readonly (readonly number[])[];
  /** by subprogram, what it has been reached with */
  readonly #visits: { readonly above: number; readonly frames: number }[][];
  /** what callbacks of their own reach may interrupt the program, and keeps to the common stack */
  readonly #common = new Set<number>();

  constructor(env: Env) {
    this.#env = env;
    this.#callees = env.subprogs.map((sub) => calleesOf(env, sub));
    this.#visits = env.subprogs.map(() => []);
  }

  /** `above`: bytes of the callers on the common stack. `split`: stacks of their own may be had. */
  walk(idx: number, above: number, frames: number, split: boolean): void {
    const visits = this.#visits[idx] ?? [];
    if (visits.some((v) => v.above >= above && v.frames >= frames)) return; // nothing worse than before
    visits.push({ above, frames });
    if (!split) this.#common.add(idx);
    const depth = this.#enter(idx, above, frames, split);
    for (const callee of this.#callees[idx] ?? []) {
      if (frames >= MAX_FRAMES) this.#refuse("E2BIG", `the call stack of ${frames} frames is too deep !`);
      this.walk(callee, depth, frames + 1, split);
    }
  }

  /** Bytes of the common stack with this one. */
  #enter(idx: number, above: number, frames: number, split: boolean): number {
    const sub = this.#env.subprogs[idx] as Subprog;
    if (idx !== 0 && sub.hasTailCall && above >= TAIL_CALL_MAX_DEPTH)
      this.#refuse(
        "EACCES",
        `tail_calls are not allowed when call stack of previous frames is ${above} bytes. Too large`,
      );
    const own = roundUp16(countedDepth(sub));
    if (split && own >= PRIVATE_MIN && !this.#common.has(idx)) {
      if (own > MAX_STACK) this.#refuse("EACCES", `stack size of subprog ${idx} is ${own}. Too large`);
      return above;
    }
    const depth = above + own;
    if (depth > MAX_STACK)
      this.#refuse("EACCES", `combined stack size of ${frames} calls is ${depth}. Too large`);
    return depth;
  }

  #refuse(code: "EACCES" | "E2BIG", why: string): void {
    this.#env.rejectAt(-1, code, why);
  }
}

export function checkMaxStackDepth(env: Env): void {
  const { type, expectedAttachType } = env.prog;
  const split =
    mayHavePrivateStacks(type, expectedAttachType) && !env.subprogs.some((sub) => sub.hasTailCall);
  const depths = new Depths(env);
  for (let idx = env.subprogs.length - 1; idx > 0; idx--)
    if (env.subprogs[idx]?.isAsyncCallback === true) depths.walk(idx, 0, 1, false);
  depths.walk(0, 0, 1, split);
}

/** What the kernel's code for a `bpf_loop` in line, or for the clock of `may_goto`, keeps on the stack. */
const LOOP_BYTES = 24;
const MAY_GOTO_BYTES = 16;

/** The stacks of the functions that are left, as the kernel compiles them. */
export function jittedDepths(env: Env, aux: readonly (InsnAux | undefined)[]): number[] {
  const left = env.subprogs.filter((sub) => aux[sub.start]?.seen === true);
  const depths = left.map((sub) => {
    const insns = env.insns.slice(sub.start, sub.end).filter((insn) => insn && aux[insn.pc]?.seen === true);
    const loops = insns.some((insn) => insn && aux[insn.pc]?.call?.inlined === true);
    const clock = insns.some((insn) => insn?.kind === "may_goto" && insn.target !== insn.pc + 1);
    return countedDepth(sub) + (loops ? LOOP_BYTES : 0) + (clock ? MAY_GOTO_BYTES : 0);
  });
  const throws = env.facts.kfuncs.has(THROW);
  return throws && env.exceptionCb === 0 ? [...depths, 0] : depths; // the kernel's own function that catches
}
