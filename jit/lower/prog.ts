// Lowers every subprog of a program into a module. Takes plain fields, so that it can be tested alone; the
// gate, which takes only verified programs, is compile.ts.
import { lowerFunc } from "./func.ts";
import type { Env, Fn } from "./fn.ts";
import { throwingSubprogs } from "./throw.ts";

/** Internal name of the program's own function. */
export const PROG = "prog";

export function subprogName(subprogno: number): string {
  return subprogno === 0 ? PROG : `subprog_${subprogno}`;
}

/** Adds one function a subprog. */
export function lowerProg(env: Env): Fn[] {
  const all = { ...env, throwing: throwingSubprogs(env) };
  return env.subprogs.map((_, subprogno) => lowerFunc(all, subprogno, env.subprogName(subprogno)));
}
