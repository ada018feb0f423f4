// The gate: a verified program in, the bytes of a WebAssembly module out, from the cache where it has been
// compiled before. The only file that loads binaryen, and only when something must be compiled.
import { createRequire } from "node:module";
import { RUN_TYPES } from "../src/spec/run_types.ts";
import { VerifiedProg } from "../src/verifier/proof.ts";
import { decodeEntry, encodeEntry } from "./cache/entry.ts";
import { cacheKey } from "./cache/key.ts";
import { isCacheOff, openCache, type ModuleCache } from "./cache/store.ts";
import { isCallback, link, type Linked, type LinkInput, type OptLevel } from "./emit/link.ts";
import type { TrapTable } from "./emit/traps.ts";
import type { MapBinding } from "./lower/abi.ts";
import type { Concurrency } from "./lower/fn.ts";
import { PROG, subprogName } from "./lower/prog.ts";
import { OPT_PASSES, type OptPass } from "./opt/passes.ts";
import { checkRunnable } from "./runnable.ts";

export type { OptLevel } from "./emit/link.ts";
export { findTrap, trapPc, type TrapTable } from "./emit/traps.ts";
export { bindMap, type MapBinding } from "./lower/abi.ts";
export type { Concurrency } from "./lower/fn.ts";
export { OPT_PASSES, type OptPass } from "./opt/passes.ts";
export { defaultCacheDir, openCache, type ModuleCache } from "./cache/store.ts";

export interface CompileOptions {
  /** test every access against the region the verifier claimed for it; default false */
  readonly checked?: boolean;
  /** 0 nothing, 1 helpers inlined (default), 2 and 3 binaryen's optimiser */
  readonly opt?: OptLevel;
  /** what is done to the program's own code; default: everything, with `opt` 0 nothing */
  readonly passes?: readonly OptPass[];
  /** "single" only while nobody else can reach the memory: one CPU, no pins, no other thread; default "shared" */
  readonly concurrency?: Concurrency;
  /** table index the program gets; its callbacks get tableBase + their subprog number */
  readonly tableBase: number;
  /** null: do not look at or fill any cache; default: the user's, unless SOFTIRQ_CACHE=off */
  readonly cache?: ModuleCache | null;
}

export interface CompileInput {
  /** one for each of Prog.maps, see bindMap */
  readonly maps: readonly MapBinding[];
  /** the bytes of the library module */
  readonly lib: Uint8Array;
}

/** A function to put into the table before the program runs. */
export interface TableEntry {
  readonly exportName: string;
  readonly subprogno: number;
  readonly index: number;
}

export interface CompiledProg {
  /** imports env.memory and env.table and nothing else; exports `walk`, `prog` and what `table` names */
  readonly wasm: Uint8Array;
  /** the program itself first, then its callbacks */
  readonly table: readonly TableEntry[];
  /** table indices from tableBase on that this program may use */
  readonly tableSlots: number;
  readonly traps: TrapTable;
  readonly cached: boolean;
}

const require = createRequire(import.meta.url);

type Binaryen = typeof import("binaryen");

interface Manifest {
  readonly version: string;
  readonly dependencies: { readonly binaryen: string };
}

function versions(): string[] {
  const { version, dependencies } = require("#package.json") as Manifest;
  return [version, dependencies.binaryen, process.versions.v8];
}

export async function compile(
  verified: VerifiedProg,
  input: CompileInput,
  options: CompileOptions,
): Promise<CompiledProg> {
  if (!VerifiedProg.is(verified)) throw new Error("only a verified program can be compiled");
  checkRunnable(verified);
  const { prog, aux, subprogs, facts } = verified;
  if (input.maps.length !== prog.maps.length) {
    throw new Error(`${input.maps.length} maps bound, the program has ${prog.maps.length}`);
  }
  const { checked = false, opt = 1, concurrency = "shared", tableBase } = options;
  const passes = options.passes ?? (opt === 0 ? [] : OPT_PASSES);
  const frames = RUN_TYPES[prog.type]?.frames ?? "xdp";
  const lowering = { checked, concurrency, tableBase, passes, frames };
  const { exceptionCb } = facts;
  const base = { insns: prog.insns, aux, subprogs, exceptionCb, maps: input.maps, lib: input.lib };
  const cache = options.cache === undefined ? (isCacheOff() ? null : openCache()) : options.cache;

  const key =
    cache === null
      ? ""
      : cacheKey({
          ...base,
          loopHeads: facts.loopHeads,
          options: { ...lowering, opt },
          versions: versions(),
        });
  const stored = cache?.read(key);
  const hit = stored === undefined ? undefined : decodeEntry(stored);
  const linked =
    hit ?? (await linkNow({ ...base, loopHeads: new Set(facts.loopHeads), options: lowering, opt }));
  if (hit === undefined) cache?.write(key, encodeEntry(linked));

  const exported = subprogs.flatMap((subprog, subprogno) =>
    subprogno === 0 || isCallback(subprog) ? [subprogno] : [],
  );
  return {
    ...linked,
    table: exported.map((subprogno) => ({
      exportName: subprogno === 0 ? PROG : subprogName(subprogno),
      subprogno,
      index: tableBase + subprogno,
    })),
    tableSlots: subprogs.length,
    cached: hit !== undefined,
  };
}

/**
 * Under tsx, which rewrites every module it is asked for, binaryen's 15 MB take as long as a thousand compilations. It
 * leaves a module alone that is asked for in a namespace which is not its own; to Node that is a query without meaning.
 */
export function binaryenUrl(execArgv: readonly string[], resolve: (name: string) => string): string {
  const underTsx = execArgv.some((arg) => /\btsx\b/.test(arg));
  return underTsx ? `${resolve("binaryen")}?tsx-namespace=untouched` : "binaryen";
}

async function linkNow(input: LinkInput): Promise<Linked> {
  const url = binaryenUrl(process.execArgv, (name) => import.meta.resolve(name));
  // said by name where it can be, so that bundlers see it
  const { default: binaryen } =
    url === "binaryen" ? await import("binaryen") : ((await import(url)) as Binaryen);
  return link(binaryen, input);
}
