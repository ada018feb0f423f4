// bpf_throw: a subprog that throws returns at once, with a word in the CPU block that its caller looks at, which returns
// in turn; the program clears it and calls the exception callback, or returns what was thrown. Nothing else is on the
// way: the verifier lets no callback throw. Functions that never throw, and calls of them, stay as they are.
import { CPU_THROWN, CPU_THROWN_VALUE } from "../../runtime/memory/layout.ts";
import { THROW } from "../../src/spec/kfuncs/index.ts";
import type { Env, Expr, Fn } from "./fn.ts";

/** Subprogs from which bpf_throw can be reached by calls. */
export function throwingSubprogs({ insns, aux, subprogs }: Env): ReadonlySet<number> {
  const throwing = new Set<number>();
  const numberOf = new Map(subprogs.map(({ start }, i) => [start, i]));
  const throwsAt = (pc: number): boolean => {
    const insn = insns[pc];
    if (insn?.kind !== "call") return false;
    if (insn.callee.kind === "kfunc") return aux?.[pc]?.call?.kfunc?.name === THROW;
    return insn.callee.kind === "subprog" && throwing.has(numberOf.get(insn.callee.target) ?? -1);
  };
  for (let before = -1; before !== throwing.size; ) {
    before = throwing.size;
    for (const [i, { start, end }] of subprogs.entries())
      for (let pc = start; pc < end && !throwing.has(i); pc++) if (throwsAt(pc)) throwing.add(i);
  }
  return throwing;
}

function isProg({ env, subprog }: Fn): boolean {
  return env.subprogs[0] === subprog;
}

/** What the program returns. */
function caught(fn: Fn, value: Expr): Expr {
  const { m, env } = fn;
  const { exceptionCb = 0 } = env;
  if (exceptionCb === 0) return value;
  const rest = [2, 3, 4, 5].map(() => fn.imm64(0));
  return m.call(env.subprogName(exceptionCb), [fn.cpu(), fn.calleeFp(), value, ...rest], env.b.i64);
}

export function lowerThrow(fn: Fn): void {
  const { m } = fn;
  if (isProg(fn)) return fn.push(m.return(caught(fn, fn.get(1))));
  fn.push(m.i64.store(CPU_THROWN_VALUE, 8, fn.cpu(), fn.get(1)));
  fn.push(m.i32.store(CPU_THROWN, 4, fn.cpu(), m.i32.const(1)));
  fn.push(m.return(fn.imm64(0)));
}

/** After a call of what may throw. */
export function passThrown(fn: Fn): void {
  const { m, env } = fn;
  const thrown = m.i32.load(CPU_THROWN, 4, fn.cpu());
  const out = isProg(fn)
    ? [
        m.i32.store(CPU_THROWN, 4, fn.cpu(), m.i32.const(0)),
        m.return(caught(fn, m.i64.load(CPU_THROWN_VALUE, 8, fn.cpu()))),
      ]
    : [m.return(fn.imm64(0))];
  fn.push(m.if(thrown, m.block(null, out, env.b.none)));
}
