// Puts a program into a copy of the library: the program takes the place of the function the walker calls,
// what nobody needs is dropped, calls of helpers are inlined, and the bytes come out.
import type { FrameKind } from "../../src/spec/run_types.ts";
import type { Binaryen, Env, Fn, Module } from "../lower/fn.ts";
import { lowerProg, PROG, subprogName } from "../lower/prog.ts";
import { createModule, exportedFunctions, tableName } from "./module.ts";
import { parseSourceMap, type TrapTable } from "./traps.ts";

/** The library function that a run is started with, by what packets are to the program; exported as WALK. */
const WALKERS: Readonly<Record<FrameKind, string>> = { xdp: "walk", skb: "walk_skb", flow: "walk_flow" };
const WALK = "walk";
/** What stays exported of the library. */
export const ENTRIES: readonly string[] = [WALK];

/** 0: nothing; 1: helpers inlined, which gives nearly all of the speed; 2 and 3: binaryen's optimiser as well. */
export type OptLevel = 0 | 1 | 2 | 3;

// biome-ignore format: table
const OPT_PASSES: Record<OptLevel, readonly string[]> = {
  0: ["remove-unused-module-elements"],
  1: ["no-inline", "remove-unused-module-elements", "inlining", "remove-unused-module-elements"],
  2: ["no-inline", "remove-unused-module-elements", "inlining-optimizing", "remove-unused-module-elements"],
  3: ["no-inline", "remove-unused-module-elements", "inlining-optimizing", "optimize-instructions", "local-cse", "coalesce-locals", "remove-unused-module-elements"],
};

/**
 * Expressions up to which a function is inlined wherever it is called, by the insns of the program: a small one gets
 * even the slow paths of maps, a big one only what is shorter than a call.
 */
// biome-ignore format: table
const INLINE_LIMITS: readonly { readonly insns: number; readonly always: number; readonly oneCaller: number }[] = [
  { insns: 512,      always: 400, oneCaller: 400 },
  { insns: 4096,     always: 160, oneCaller: 400 },
  { insns: Infinity, always: 40,  oneCaller: 160 },
];

export interface LinkInput extends Omit<Env, "b" | "m" | "table" | "libFunction" | "subprogName"> {
  /** the library's module; without it nothing but the program is emitted, and no helper can be called */
  readonly lib?: Uint8Array;
  readonly opt: OptLevel;
}

export interface Linked {
  readonly wasm: Uint8Array;
  readonly traps: TrapTable;
}

export function link(b: Binaryen, input: LinkInput): Linked {
  const m = createModule(b, input.lib);
  try {
    build(b, m, input);
    optimise(b, m, input);
    if (m.validate() === 0) throw new Error("the emitted module is not valid");
    return emit(b, m);
  } finally {
    m.dispose();
  }
}

function build(b: Binaryen, m: Module, input: LinkInput): void {
  const exported = exportedFunctions(b, m);
  const walked = findImport(b, m, "prog");
  if (walked !== undefined) m.removeFunction(walked);
  const nameOf = (subprogno: number): string =>
    subprogno === 0 && walked !== undefined ? walked : subprogName(subprogno);
  const fns = lowerProg({
    ...input,
    b,
    m,
    table: tableName(b, m),
    libFunction: (name) => exported.get(name),
    subprogName: nameOf,
  });
  markTraps(m, fns, nameOf);
  const walker = exported.get(WALKERS[input.options.frames ?? "xdp"]);
  for (const name of exported.keys()) m.removeExport(name);
  if (walker !== undefined) m.addFunctionExport(walker, WALK);
  m.addFunctionExport(nameOf(0), PROG);
  input.subprogs.forEach((subprog, subprogno) => {
    if (subprogno > 0 && isCallback(subprog)) m.addFunctionExport(nameOf(subprogno), subprogName(subprogno));
  });
}

export function isCallback(subprog: LinkInput["subprogs"][number]): boolean {
  return subprog.isCallback || subprog.isAsyncCallback;
}

function findImport(b: Binaryen, m: Module, base: string): string | undefined {
  for (let i = 0; i < m.getNumFunctions(); i++) {
    const info = b.getFunctionInfo(m.getFunctionByIndex(i));
    if (info.module === "env" && info.base === base) return info.name;
  }
  return undefined;
}

function markTraps(m: Module, fns: readonly Fn[], nameOf: (subprogno: number) => string): void {
  const file = m.addDebugInfoFileName("prog");
  fns.forEach((fn, subprogno) => {
    const func = m.getFunction(nameOf(subprogno));
    // lines count from 1 in binaryen and from 0 in the map
    for (const { expr, pc } of fn.marks) m.setDebugLocation(func, expr, file, pc + 1, 0);
  });
}

function optimise(b: Binaryen, m: Module, { opt, insns }: LinkInput): void {
  const { always, oneCaller } = INLINE_LIMITS.find((row) => insns.length <= row.insns)!;
  b.setAlwaysInlineMaxSize(always);
  b.setFlexibleInlineMaxSize(always);
  b.setOneCallerInlineMaxSize(oneCaller);
  b.setAllowInliningFunctionsWithLoops(true);
  b.setPassArgument("no-inline", "*Cold");
  b.setOptimizeLevel(opt);
  b.setShrinkLevel(0);
  m.runPasses(OPT_PASSES[opt]);
}

function emit(b: Binaryen, m: Module): Linked {
  b.setDebugInfo(true);
  const { binary, sourceMap } = m.emitBinary("m");
  if (sourceMap === null) throw new Error("no source map was written");
  return { wasm: withoutLastSection(binary, "sourceMappingURL"), traps: parseSourceMap(sourceMap) };
}

/** Drops the custom section at the end of a module; offsets before it stay. */
function withoutLastSection(wasm: Uint8Array, name: string): Uint8Array {
  const text = new TextEncoder().encode(name);
  // id, size, length of the name, name, length of the URL, URL
  const start = wasm.length - (text.length + 5);
  const isIt =
    wasm[start] === 0 &&
    wasm[start + 2] === text.length &&
    text.every((byte, i) => wasm[start + 3 + i] === byte);
  if (!isIt) throw new Error(`section ${name} is not the last one`);
  return wasm.slice(0, start);
}
