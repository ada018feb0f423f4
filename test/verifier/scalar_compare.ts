// A program with what the kernel's log said of it, and where the scalar domain says otherwise.
import { fmtScalar } from "../../src/verifier/scalar/fmt.ts";
import { Scalar } from "../../src/verifier/scalar/scalar.ts";
import type { LoggedStates } from "./scalar_log.ts";
import { layout, type Op, type State, stepOp } from "./scalar_program.ts";

type Regs = Readonly<Record<string, string>>;

/** One op: the registers it changed, where it went on in line; for jumps also what holds at the target. */
export interface Want {
  /** undefined: the insn was not reached */
  readonly line?: Regs;
  /** jumps: was the next insn explored, and the target */
  readonly fallthrough?: boolean;
  readonly taken?: boolean;
  readonly target?: Regs;
}

export interface KernelCase {
  readonly ops: readonly Op[];
  readonly want: readonly Want[];
}

const REGS = [6, 7, 8, 9] as const;

function namedRegs(op: Op, states: ReadonlyMap<string, string>): Regs {
  const regs: number[] = [op.dst];
  if ("src" in op && "reg" in op.src) regs.push(op.src.reg);
  return Object.fromEntries(
    regs.flatMap((r) => {
      const text = states.get(`r${r}`);
      return text === undefined ? [] : [[`r${r}`, text]];
    }),
  );
}

export function caseOf(ops: readonly Op[], log: LoggedStates): KernelCase {
  const { pcs, exitPc } = layout(ops);
  const want = ops.map((op, i): Want => {
    const pc = pcs[i] ?? 0;
    const line = log.after.get(pc);
    if (line === undefined) return {};
    if (op.k !== "jmp") return { line: namedRegs(op, line) };
    const target = log.from.get(`${pc}-${op.follow === "taken" ? pc + 3 : exitPc}`);
    const fallthrough = log.after.has(pc + 1);
    const base = { line: namedRegs(op, line), fallthrough, taken: target !== undefined || !fallthrough };
    return target === undefined ? base : { ...base, target: namedRegs(op, target) };
  });
  return { ops, want };
}

/** The registers of `want` that our state shows otherwise. */
function differences(want: Regs | undefined, have: State | undefined): string[] {
  return Object.entries(want ?? {}).flatMap(([name, text]) => {
    const reg = REGS.find((r) => name === `r${r}`);
    const ours = have === undefined || reg === undefined ? "unreachable" : fmtScalar(have[reg]);
    return ours === text ? [] : [`${name}: kernel ${text}, here ${ours}`];
  });
}

function compareOp(op: Op, want: Want, next: State | undefined, other: State | undefined): string[] {
  if (op.k !== "jmp") return differences(want.line, next);
  const taken = op.follow === "taken" ? next : other;
  const fallthrough = op.follow === "taken" ? other : next;
  const sides: string[] = [];
  if ((fallthrough !== undefined) !== want.fallthrough)
    sides.push(`fallthrough explored: kernel ${want.fallthrough}`);
  if ((taken !== undefined) !== want.taken) sides.push(`target explored: kernel ${want.taken}`);
  return [...sides, ...differences(want.line, fallthrough ?? taken), ...differences(want.target, taken)];
}

/** Runs the ops in the scalar domain; the first op that differs, in words, or undefined. */
export function compare({ ops, want }: KernelCase): string | undefined {
  let st: State = { 6: Scalar.unknown, 7: Scalar.unknown, 8: Scalar.unknown, 9: Scalar.unknown };
  for (const [i, op] of ops.entries()) {
    const w = want[i];
    if (w?.line === undefined) return `op ${i} ${JSON.stringify(op)}: the kernel did not get here`;
    const { next, other } = stepOp(st, op);
    const bad = compareOp(op, w, next, other);
    if (bad.length > 0) {
      const before = Object.entries(st).map(([r, s]) => `r${r}=${fmtScalar(s)}`);
      return `op ${i} ${JSON.stringify(op)}: ${bad.join("; ")} (before: ${before.join(" ")})`;
    }
    if (next === undefined) return undefined;
    st = next;
  }
  return undefined;
}
