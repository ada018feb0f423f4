// The reference interpreter's machine: functions, frames, calls and limits around the rows of interp_insn.ts.
// `interpret` runs any insns, verified or not, and is what tests use; the gate for programs is interp_engine.ts.
import type { Imm64, Insn, InsnOf } from "../../src/isa/insn.ts";
import { HELPERS } from "../../src/spec/helpers.ts";
import { libName, THROW } from "../../src/spec/kfuncs/index.ts";
import type { InsnAux, SubprogInfo } from "../../src/verifier/proof.ts";
import { WORLD_STOP, WORLD_STOPPED } from "../memory/layout.ts";
import { type CallOutcome, type Frame, InterpTrap, type Machine, step } from "./interp_insn.ts";
import { InterpMemory, MemoryTrap } from "./interp_memory.ts";

/** A library helper: (cpu block, r1..rN) -> r0. */
export type HelperFn = (cpu: number, ...args: bigint[]) => bigint;

/** One element of a map that is walked, by address; an array's key is its index. */
export interface MapElement {
  readonly index: number;
  readonly key: number | undefined;
  readonly value: number;
}

/** What the interpreter needs of a subprog. */
export type InterpSubprog = Pick<SubprogInfo, "start" | "stackDepth" | "readsUninitStack">;

export interface InterpEnv {
  readonly memory: { readonly buffer: ArrayBufferLike };
  /** address of the CPU block: first argument of every helper */
  readonly cpu: number;
  /** by slot */
  readonly insns: readonly (Insn | undefined)[];
  /** number 0 is the program itself */
  readonly subprogs: readonly InterpSubprog[];
  /** by name without `bpf_` */
  readonly helpers: Readonly<Record<string, HelperFn | undefined>>;
  /** value of a 64-bit immediate that is no number: address of a map, of a map's value, id of a callback */
  readonly imm64: (value: Exclude<Imm64, { kind: "imm" }>) => bigint;
  /** subprog number of a callback's id, as `imm64` gave it */
  readonly callback?: (id: bigint) => number | undefined;
  /** number of the subprog that is called with what is thrown; 0 or absent: it is what the program returns */
  readonly exceptionCb?: number;
  /** what the verifier found, where it was asked */
  readonly aux?: readonly (InsnAux | undefined)[];
  /** elements of a map, one after the other */
  readonly elements?: (cpu: number, map: number) => Iterable<MapElement>;
  /** runs the program in a slot of a program array with this frame pointer; undefined: the call falls through */
  readonly tailCall?: (fp: number, ctx: bigint, map: bigint, index: bigint) => bigint | undefined;
  /** what is done in an insn's place; undefined: nothing */
  readonly instead?: ((insn: Insn, frame: Frame) => Insn | undefined) | undefined;
  /** before every insn */
  readonly onStep?: (insn: Insn, frame: Frame) => void;
  /** insns after which the run is ended with InsnLimit; default none */
  readonly insnLimit?: number;
}

/** The stop word was set. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}

/** bpf_throw was called. */
class Thrown extends Error {
  override readonly name = "Thrown";
  constructor(readonly value: bigint) {
    super("thrown");
  }
}

export class InsnLimit extends Error {
  override readonly name = "InsnLimit";
}

const TAIL_CALL = 12;
const MAX_FRAMES = 8;
/** Passes of may_goto in one activation, and of bpf_loop (BPF_MAX_LOOPS). */
const MAX_LOOPS = 8 * 1024 * 1024;
const E2BIG = 7n;
const EINVAL = 22n;
/** Left in r1-r5 by a call, so that a program that reads them shows. */
const SCRATCHED = 0xdead_beef_dead_beefn;

const roundUp8 = (n: number): number => (n + 7) & ~7;

/** Register `regno` as u64. */
function reg(frame: Frame, regno: number): bigint {
  return frame.regs[regno] ?? 0n;
}

class Interp implements Machine {
  readonly #memory: InterpMemory;
  #budget: number;

  constructor(readonly env: InterpEnv) {
    this.#memory = new InterpMemory(env.memory.buffer);
    this.#budget = env.insnLimit ?? Number.POSITIVE_INFINITY;
  }

  /** The whole program; what is thrown in it is caught here. */
  runProg(fp: number, args: readonly bigint[]): bigint {
    try {
      return this.run(0, 0, fp, args);
    } catch (error) {
      if (!(error instanceof Thrown)) throw error;
      const { exceptionCb = 0, subprogs } = this.env;
      const below = fp - roundUp8(subprogs[0]?.stackDepth ?? 0);
      return exceptionCb === 0 ? error.value : this.run(exceptionCb, 0, below, [error.value]);
    }
  }

  /** A function from its start to its exit. */
  run(subprogno: number, depth: number, fp: number, args: readonly bigint[]): bigint {
    const subprog = this.env.subprogs[subprogno];
    if (subprog === undefined) throw new Error(`no subprog ${subprogno}`);
    const regs = new BigUint64Array(11);
    args.forEach((value, i) => (regs[i + 1] = value));
    regs[10] = BigInt(fp);
    if (subprog.readsUninitStack) {
      const size = roundUp8(subprog.stackDepth);
      this.#memory.zero(fp - size, size);
    }
    return this.#walk({ regs, memory: this.#memory, subprogno, depth, mayGoto: MAX_LOOPS }, subprog.start);
  }

  #walk(frame: Frame, start: number): bigint {
    let pc = start;
    for (;;) {
      const insn = this.env.insns[pc];
      if (insn === undefined) throw new InterpTrap(pc, "no insn here");
      if (this.#budget-- <= 0) throw new InsnLimit(`${pc}: more than ${this.env.insnLimit} insns`);
      this.env.onStep?.(insn, frame);
      const next = this.#step(frame, insn);
      if (next === "exit") return reg(frame, 0);
      if (next !== undefined && next <= pc) this.#pollStop();
      pc = next ?? (insn.kind === "ld_imm64" ? pc + 2 : pc + 1);
    }
  }

  #step(frame: Frame, insn: Insn): number | "exit" | undefined {
    const { instead } = this.env;
    try {
      const done = instead === undefined ? insn : instead(insn, frame);
      return done === undefined ? undefined : step(this, frame, done);
    } catch (cause) {
      if (!(cause instanceof MemoryTrap)) throw cause;
      throw new InterpTrap(insn.pc, cause.message, { cause });
    }
  }

  /** Backward jumps look at the stop word, so that every loop can be ended. */
  #pollStop(): void {
    const words = this.#memory.words;
    if (Atomics.load(words, WORLD_STOP / 4) === 0) return;
    Atomics.store(words, WORLD_STOPPED / 4, 1);
    throw new Stopped("stopped");
  }

  imm64({ value }: InsnOf<"ld_imm64">): bigint {
    return value.kind === "imm" ? value.imm : this.env.imm64(value);
  }

  loadPacket(frame: Frame, offset: bigint, size: number): bigint | undefined {
    const load = this.env.helpers["ld_abs"];
    if (load === undefined) throw new Error("legacy packet loads are not available here");
    const value = load(this.env.cpu, reg(frame, 6), offset, BigInt(size));
    return value < 0n ? undefined : value;
  }

  call(frame: Frame, { callee, pc }: InsnOf<"call">): CallOutcome {
    if (callee.kind === "helper" && callee.id === TAIL_CALL) return this.#tailCall(frame);
    const args = [1, 2, 3, 4, 5].map((regno) => reg(frame, regno));
    frame.regs[0] = this.#callee(frame, pc, callee, args);
    frame.regs.fill(SCRATCHED, 1, 6);
    return "next";
  }

  #callee(frame: Frame, pc: number, callee: InsnOf<"call">["callee"], args: readonly bigint[]): bigint {
    if (callee.kind === "helper") return this.#helper(frame, pc, callee.id, args);
    if (callee.kind === "subprog") return this.#subprog(frame, pc, callee.target, args);
    const fact = this.env.aux?.[pc]?.call?.kfunc;
    if (fact?.name === THROW) throw new Thrown(args[0] ?? 0n);
    const kfunc = fact === undefined ? undefined : this.env.helpers[libName(fact.name)];
    if (fact === undefined || kfunc === undefined)
      throw new InterpTrap(pc, `kernel function #${callee.btfId} is not known here`);
    return kfunc(this.env.cpu, ...fact.ignored.map((ignored, i) => (ignored ? 0n : (args[i] ?? 0n))));
  }

  #tailCall(frame: Frame): CallOutcome {
    const r0 = this.env.tailCall?.(Number(reg(frame, 10)), reg(frame, 1), reg(frame, 2), reg(frame, 3));
    if (r0 === undefined) {
      frame.regs.fill(SCRATCHED, 0, 6);
      return "next";
    }
    frame.regs[0] = r0;
    return "ended";
  }

  #helper(frame: Frame, pc: number, id: number, args: readonly bigint[]): bigint {
    const row = HELPERS[id];
    if (row?.name === "loop") return this.#loop(frame, pc, args);
    if (row?.name === "for_each_map_elem") return this.#forEach(frame, pc, args);
    const helper = row === undefined ? undefined : this.env.helpers[row.name];
    if (row === undefined || helper === undefined)
      throw new InterpTrap(pc, `helper #${id} is not available here`);
    return helper(this.env.cpu, ...args.slice(0, row.proto?.args.length ?? 5));
  }

  #subprog(frame: Frame, pc: number, target: number, args: readonly bigint[]): bigint {
    const subprogno = this.env.subprogs.findIndex(({ start }) => start === target);
    if (subprogno === -1) throw new InterpTrap(pc, `no subprog starts at ${target}`);
    return this.#enter(frame, pc, subprogno, args);
  }

  /** The callee's frame starts below all of the caller's, and `room` bytes more. */
  #enter(frame: Frame, pc: number, subprogno: number, args: readonly bigint[], room = 0): bigint {
    if (frame.depth + 1 >= MAX_FRAMES) throw new InterpTrap(pc, "the call stack is too deep");
    const depth = this.env.subprogs[frame.subprogno]?.stackDepth ?? 0;
    return this.run(subprogno, frame.depth + 1, Number(reg(frame, 10)) - roundUp8(depth) - room, args);
  }

  /** bpf_for_each_map_elem(map, callback, ctx, flags): elements visited, the one that asked for the end included. */
  #forEach(frame: Frame, pc: number, [map = 0n, id = 0n, ctx = 0n, flags = 0n]: readonly bigint[]): bigint {
    if (flags !== 0n) return -EINVAL;
    const subprogno = this.env.callback?.(id);
    const elements = this.env.elements?.(this.env.cpu, Number(map));
    if (subprogno === undefined || elements === undefined)
      throw new InterpTrap(pc, `no callback has id ${id}`);
    const own = roundUp8(this.env.subprogs[frame.subprogno]?.stackDepth ?? 0);
    const keyRoom = reg(frame, 10) - BigInt(own) - 8n;
    let visited = 0n;
    for (const { index, key, value } of elements) {
      this.#pollStop();
      visited++;
      if (key === undefined) this.#memory.store(keyRoom, 4, BigInt(index));
      const args = [map, key === undefined ? keyRoom : BigInt(key), BigInt(value), ctx, 0n];
      if (this.#enter(frame, pc, subprogno, args, 8) !== 0n) break;
    }
    return visited;
  }

  /** bpf_loop(nr, callback, ctx, flags): passes made, the one that asked for the end included. */
  #loop(frame: Frame, pc: number, [nr = 0n, id = 0n, ctx = 0n, flags = 0n]: readonly bigint[]): bigint {
    const count = BigInt.asUintN(32, nr);
    if (flags !== 0n) return -EINVAL;
    if (count > MAX_LOOPS)
      return this.env.aux?.[pc]?.call?.inlined === true ? BigInt.asUintN(32, -E2BIG) : -E2BIG;
    const subprogno = this.env.callback?.(id);
    if (subprogno === undefined) throw new InterpTrap(pc, `no callback has id ${id}`);
    for (let i = 0n; i < count; i++) {
      this.#pollStop();
      if (this.#enter(frame, pc, subprogno, [i, ctx, 0n, 0n, 0n]) !== 0n) return i + 1n;
    }
    return count;
  }
}

/** Runs subprog 0 with this frame pointer and r1.. set; gives r0. Traps as InterpTrap, ends as Stopped or InsnLimit. */
export function interpret(env: InterpEnv, fp: number, args: readonly bigint[]): bigint {
  return new Interp(env).runProg(fp, args);
}

/** Runs one subprog alone, as a callback is run from outside. */
export function interpretSubprog(
  env: InterpEnv,
  subprogno: number,
  fp: number,
  args: readonly bigint[],
): bigint {
  return new Interp(env).run(subprogno, 0, fp, args);
}
