// What an engine is: it turns a verified program into something the walker runs. All engines work on the same
// world, so that one can be held against the other.
import type { MapBinding } from "../../jit/compile.ts";
import type { VerifiedProg } from "../../src/verifier/proof.ts";
import type { World } from "../memory/world.ts";

export type EngineName = "wasm" | "interp";

export interface EngineOptions {
  /** test each memory access against the region the verifier claimed for it */
  readonly checked: boolean;
  /** 0 nothing, 1 helpers inlined, 2 and 3 binaryen's optimiser as well */
  readonly opt: 0 | 1 | 2 | 3;
  /** false: emitted modules are neither read from nor written to disk */
  readonly cache: boolean;
}

export interface LoadInput {
  /** one for each of Prog.maps */
  readonly maps: readonly MapBinding[];
}

/** What another thread needs to run the program on the same memory, with a table of its own. */
export interface LinkedModule {
  readonly module: WebAssembly.Module;
  /** what goes where in the table */
  readonly functions: readonly { readonly index: number; readonly exportName: string }[];
}

/** A program ready to run on one CPU thread. */
export interface EngineProg {
  readonly verified: VerifiedProg;
  /** its place in the function table: what a program array holds, less one */
  readonly tableIndex: number;
  /** the program itself: (cpu, fp, ctx) -> r0 */
  readonly entry: (cpu: number, fp: number, ctx: bigint) => bigint;
  /** the walker with this program in it: (cpu, WALK_* flags, budget) -> frames taken */
  readonly walk: (cpu: number, flags: number, budget: number) => number;
  /** emitted module, where there is one */
  readonly wasm?: Uint8Array;
  /** for other threads; absent where the engine lives on one thread only */
  readonly linked?: LinkedModule;
  /** the insn a trap came from */
  readonly trapPc?: (error: Error) => number | undefined;
}

export interface Engine {
  readonly name: EngineName;
  load(world: World, verified: VerifiedProg, input: LoadInput, options: EngineOptions): Promise<EngineProg>;
}
