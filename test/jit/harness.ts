// Compiles insns without a verifier and runs them on a small memory of their own: memory at MEM, the frame
// below STACK_TOP. Says nothing about what is right.
import binaryen from "binaryen";
import { ENTRIES, link, type LinkInput } from "../../jit/emit/link.ts";
import { OPT_PASSES } from "../../jit/opt/passes.ts";
import type { TrapTable } from "../../jit/emit/traps.ts";
import type { Insn } from "../../src/isa/insn.ts";
import type { SubprogInfo } from "../../src/verifier/proof.ts";
import { CPU_BASE, CPU_STACK_TOP } from "../../runtime/memory/layout.ts";

export const MEM = 0x60000;
export const CPU = CPU_BASE;
export const STACK_TOP = CPU_BASE + CPU_STACK_TOP;
const PAGES = 16;

/** Subprogs as calls and callback addresses name them. */
export function findSubprogs(
  insns: readonly (Insn | undefined)[],
  facts: Partial<SubprogInfo> = {},
): SubprogInfo[] {
  const starts = new Set([0]);
  const callbacks = new Set<number>();
  for (const insn of insns) {
    if (insn?.kind === "call" && insn.callee.kind === "subprog") starts.add(insn.callee.target);
    if (insn?.kind === "ld_imm64" && insn.value.kind === "func") {
      starts.add(insn.value.target);
      callbacks.add(insn.value.target);
    }
  }
  const sorted = [...starts].toSorted((a, b) => a - b);
  return sorted.map((start, i) => ({
    name: `f${i}`,
    start,
    end: sorted[i + 1] ?? insns.length,
    stackDepth: 512,
    isCallback: callbacks.has(start),
    isAsyncCallback: false,
    stackEscapes: true,
    readsUninitStack: false,
    hasTailCall: false,
    ...facts,
  }));
}

export type Options = Partial<Omit<LinkInput, "insns" | "options">> & {
  readonly options?: Partial<LinkInput["options"]>;
  readonly facts?: Partial<SubprogInfo>;
};

export function linkInsns(
  insns: readonly (Insn | undefined)[],
  opts: Options = {},
): { wasm: Uint8Array; traps: TrapTable } {
  const { options, facts, ...rest } = opts;
  return link(binaryen, {
    insns,
    aux: undefined,
    subprogs: findSubprogs(insns, facts),
    maps: [],
    loopHeads: new Set(),
    opt: 1,
    ...rest,
    options: { checked: false, concurrency: "shared", tableBase: 0, passes: OPT_PASSES, ...options },
  });
}

type ProgFn = (cpu: number, fp: number, ctx: bigint) => bigint;

export interface Machine {
  readonly memory: Uint8Array;
  readonly view: DataView;
  readonly table: WebAssembly.Table;
  readonly exports: Record<string, unknown>;
  readonly traps: TrapTable;
  /** r0 after a run with this r1 */
  run(r1?: bigint): bigint;
}

export function createMachine(wasm: Uint8Array, traps: TrapTable, memory = newMemory()): Machine {
  const table = new WebAssembly.Table({ element: "anyfunc", initial: 16 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource), {
    env: { memory, table },
  });
  const prog = instance.exports["prog"] as ProgFn;
  return {
    memory: new Uint8Array(memory.buffer),
    view: new DataView(memory.buffer),
    table,
    exports: instance.exports,
    traps,
    run: (r1 = BigInt(MEM)) => BigInt.asUintN(64, prog(CPU, STACK_TOP, r1)),
  };
}

export function newMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: PAGES, maximum: 65536, shared: true });
}

export function build(insns: readonly (Insn | undefined)[], opts: Options = {}): Machine {
  const { wasm, traps } = linkInsns(insns, opts);
  return createMachine(wasm, traps);
}

export { ENTRIES };
