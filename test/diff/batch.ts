// Many verified programs in one WebAssembly module beside one copy of the library, so that a test of a hundred
// thousand of them is not a test of how fast the library can be read. The lowering is the product's own; linking and
// inlining of single programs is checked by those that go through the engine itself.
import type Binaryen from "binaryen";
import { binaryenUrl } from "../../jit/compile.ts";
import { isCallback } from "../../jit/emit/link.ts";
import { createModule, exportedFunctions, tableName } from "../../jit/emit/module.ts";
import { findTrap, parseSourceMap, type TrapTable } from "../../jit/emit/traps.ts";
import type { Fn, Module } from "../../jit/lower/fn.ts";
import { OPT_PASSES } from "../../jit/opt/passes.ts";
import { lowerProg, PROG } from "../../jit/lower/prog.ts";
import type { EngineProg } from "../../runtime/engine/engine.ts";
import { createLib, libBytes } from "../../runtime/wasm/lib.ts";
import { RUN_TYPES } from "../../src/spec/run_types.ts";
import type { VerifiedProg } from "../../src/verifier/proof.ts";
import type { RandomWorld } from "../harness/random_world.ts";

const url = binaryenUrl(process.execArgv, (name) => import.meta.resolve(name));
const binaryen = ((await import(url)) as { default: typeof Binaryen }).default;

type Entry = EngineProg["entry"];

const WALKERS = { xdp: "walk", skb: "walk_skb", flow: "walk_flow" } as const;

/** One world's library, walking over whichever program of a batch is wanted. */
export class BatchWorld {
  readonly #lib;
  #current: Entry | undefined;
  /** all 64 bits of r0, packet by packet, since the last run began */
  readonly results: bigint[] = [];

  constructor(readonly random: RandomWorld) {
    this.#lib = createLib(random.world.memory, undefined, {
      prog: (cpu, fp, ctx) => {
        if (this.#current === undefined) throw new Error("no program");
        const r0 = this.#current(cpu, fp, ctx);
        this.results.push(BigInt.asUintN(64, r0));
        return r0;
      },
    });
  }

  /** Compiles programs into one module; each takes table slots as if it had been loaded alone, in this order. */
  load(progs: readonly VerifiedProg[], checked: boolean): EngineProg[] {
    const { world, maps } = this.random;
    const bases = progs.map(({ subprogs }) => world.reserveFunctions(subprogs.length));
    const { wasm, traps } = emitBatch(progs, bases, maps, checked);
    const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource), {
      env: { memory: world.memory, table: world.table },
    });
    return progs.map((verified, i) => {
      const entry = instance.exports[`p${i}_0`] as Entry;
      const tableIndex = bases[i] ?? 0;
      for (const subprogno of inTable(verified))
        world.table.set(tableIndex + subprogno, instance.exports[`p${i}_${subprogno}`]);
      return {
        verified,
        tableIndex,
        entry,
        walk: (cpu, flags, budget) => {
          this.#current = entry;
          this.results.length = 0;
          return this.#lib[WALKERS[RUN_TYPES[verified.prog.type]?.frames ?? "xdp"]](cpu, flags, budget);
        },
        trapPc: (error) => pcOf(traps, error),
      };
    });
  }
}

/** The program itself and what helpers call back. */
function inTable({ subprogs }: VerifiedProg): number[] {
  return [...subprogs.keys()].filter((i) => i === 0 || isCallback(subprogs[i] as (typeof subprogs)[number]));
}

function emitBatch(
  progs: readonly VerifiedProg[],
  bases: readonly number[],
  maps: RandomWorld["maps"],
  checked: boolean,
): { wasm: Uint8Array; traps: TrapTable } {
  const b = binaryen;
  const m = createModule(b, libBytes());
  try {
    const exported = exportedFunctions(b, m);
    const file = m.addDebugInfoFileName("prog");
    const table = tableName(b, m);
    progs.forEach((verified, i) => {
      const { prog, aux, subprogs, facts } = verified;
      const nameOf = (subprogno: number): string => `p${i}_${subprogno}`;
      const fns = lowerProg({
        b,
        m,
        table,
        insns: prog.insns,
        aux,
        subprogs,
        maps,
        loopHeads: new Set(facts.loopHeads),
        exceptionCb: facts.exceptionCb,
        options: {
          checked,
          concurrency: checked ? "shared" : "single",
          tableBase: bases[i] ?? 0,
          passes: OPT_PASSES,
          frames: RUN_TYPES[prog.type]?.frames ?? "xdp",
        },
        libFunction: (name) => exported.get(name),
        subprogName: nameOf,
      });
      fns.forEach((fn, subprogno) => mark(m, fn, nameOf(subprogno), file));
    });
    for (const name of exported.keys()) m.removeExport(name);
    progs.forEach((verified, i) => {
      for (const subprogno of inTable(verified))
        m.addFunctionExport(`p${i}_${subprogno}`, `p${i}_${subprogno}`);
    });
    replaceProgImport(m);
    m.runPasses(["remove-unused-module-elements"]);
    const { binary, sourceMap } = m.emitBinary("m");
    if (sourceMap === null) throw new Error("no source map was written");
    return { wasm: binary, traps: parseSourceMap(sourceMap) };
  } finally {
    m.dispose();
  }
}

function mark(m: Module, fn: Fn, name: string, file: number): void {
  const func = m.getFunction(name);
  for (const { expr, pc } of fn.marks) m.setDebugLocation(func, expr, file, pc + 1, 0);
}

/** The library's own walker is not used here, but must not stay an import if something keeps it. */
function replaceProgImport(m: Module): void {
  for (let i = 0; i < m.getNumFunctions(); i++) {
    const info = binaryen.getFunctionInfo(m.getFunctionByIndex(i));
    if (info.module !== "env" || info.base !== PROG) continue;
    m.removeFunction(info.name);
    const type = binaryen.createType([binaryen.i32, binaryen.i32, binaryen.i64]);
    m.addFunction(info.name, type, binaryen.i64, [], m.unreachable());
    return;
  }
}

/** V8 names the byte of the module in a trap's stack. */
function pcOf(traps: TrapTable, error: Error): number | undefined {
  const found = /wasm-function\[\d+\]:0x([0-9a-f]+)/.exec(error.stack ?? "");
  return found?.[1] === undefined ? undefined : findTrap(traps, Number.parseInt(found[1], 16));
}
