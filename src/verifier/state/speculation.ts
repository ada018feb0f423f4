// Paths that a processor may take before it finds that it guessed wrong. Without the right to ignore them they are
// walked too; what is not allowed there does not refuse the program: a barrier before the insn keeps it from being
// reached, and the path ends. Holds what is known of each insn; what is masked is decided in sanitize.ts.
import type { Insn } from "../../isa/insn.ts";
import type { ErrnoName } from "../../spec/errors.ts";
import type { Env } from "../env.ts";
import { UNKNOWN } from "./regs.ts";
import { BYTE_MISC, BYTE_ZERO, byteAt, type StackSlot } from "./stack.ts";

export class Speculation {
  /** a barrier stands before the insn, after it */
  readonly barrierBefore: Uint8Array;
  readonly barrierAfter: Uint8Array;
  /** how the operand of an addition or subtraction is masked, 0 = not, and to which limit */
  readonly mask: Uint8Array;
  readonly limit: Uint32Array;
  /** the one map of a tail call, -1 = more than one */
  readonly tailMaps = new Map<number, number>();
  /** some mask depends on a number that is not known: numbers are compared exactly from then on */
  exploreLimits = false;
  /** the insn at hand is one of such a path: see STOPPED */
  guarded = false;

  constructor(insns: number) {
    this.barrierBefore = new Uint8Array(insns);
    this.barrierAfter = new Uint8Array(insns);
    this.mask = new Uint8Array(insns);
    this.limit = new Uint32Array(insns);
  }
}

class Stopped extends Error {}
/** Thrown where an insn is refused on such a path. */
export const STOPPED: Error = new Stopped("stopped");

const BY_BARRIER: ReadonlySet<ErrnoName> = new Set<ErrnoName>(["EPERM", "EACCES", "EINVAL"]);

/** A barrier makes up for a refusal with this errno. Others would only come again. */
export function isStoppedBy(code: ErrnoName): boolean {
  return BY_BARRIER.has(code);
}

/** Executes an insn of such a path; false where the path ends. */
export function execGuarded(env: Env, exec: (env: Env, insn: Insn) => boolean, insn: Insn): boolean {
  const { speculation, pc } = env;
  speculation.guarded = true;
  try {
    return exec(env, insn) && speculation.barrierAfter[pc] === 0;
  } catch (e) {
    if (e !== STOPPED) throw e;
    speculation.barrierBefore[pc] = 1;
    speculation.mask[pc] = 0;
    env.blame = undefined;
    env.hint = undefined;
    return false;
  } finally {
    speculation.guarded = false;
  }
}

/**
 * Loads that do not see this store yet would take for a number what is none, or the other way round. The store goes to
 * the slot's bytes from index `hi` down.
 */
export function stepStoreBarrier(
  env: Env,
  slot: StackSlot,
  hi: number,
  size: number,
  isPointer: boolean,
): void {
  if (env.may.storeBypass) return;
  let needed = isPointer;
  for (let i = hi; i > hi - size; i--) {
    const b = byteAt(slot, i);
    if (b !== BYTE_MISC && b !== BYTE_ZERO) needed = true;
  }
  if (needed) env.speculation.barrierAfter[env.pc] = 1;
}

/** A tail call takes its index below the map's size; which map that is must be known. */
export function noteTailMap(env: Env, map: number): void {
  const { tailMaps } = env.speculation;
  const known = tailMaps.get(env.pc) ?? map;
  tailMaps.set(env.pc, known === map ? map : -1);
}

/** After every path was walked. */
export function checkTailMaps(env: Env): void {
  if (env.may.misprediction) return;
  for (const [pc, map] of env.speculation.tailMaps)
    if (map < 0 && env.facts.isSeen(pc)) env.rejectAt(-1, "EINVAL", "tail_call abusing map_ptr");
}

/** The side of a decided jump that is not taken, where nothing is known of what was compared. */
export function pushMispredicted(env: Env, pc: number, compared: readonly number[]): void {
  const state = env.push(pc, env.pc);
  state.speculative = true;
  for (const regno of compared) state.cur.regs[regno] = UNKNOWN;
}
