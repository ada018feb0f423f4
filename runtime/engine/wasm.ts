// The engine: verified programs compiled to WebAssembly, instantiated on the world's memory and table.
import { compile, trapPc } from "../../jit/compile.ts";
import type { VerifiedProg } from "../../src/verifier/proof.ts";
import { libBytes } from "../wasm/lib.ts";
import type { World } from "../memory/world.ts";
import type { Engine, EngineOptions, EngineProg, LoadInput } from "./engine.ts";

interface ProgExports {
  readonly walk: EngineProg["walk"];
  readonly prog: EngineProg["entry"];
}

export const wasmEngine: Engine = {
  name: "wasm",

  async load(
    world: World,
    verified: VerifiedProg,
    input: LoadInput,
    options: EngineOptions,
  ): Promise<EngineProg> {
    const tableBase = world.reserveFunctions(verified.subprogs.length);
    const compiled = await compile(
      verified,
      { maps: input.maps, lib: libBytes() },
      {
        checked: options.checked,
        opt: options.opt,
        concurrency: world.ncpus === 1 && !world.threaded ? "single" : "shared",
        tableBase,
        ...(options.cache ? {} : { cache: null }),
      },
    );
    const module = new WebAssembly.Module(compiled.wasm as BufferSource);
    const instance = new WebAssembly.Instance(module, { env: { memory: world.memory, table: world.table } });
    for (const { index, exportName } of compiled.table) world.table.set(index, instance.exports[exportName]);
    const exports = instance.exports as unknown as ProgExports;
    return {
      verified,
      tableIndex: tableBase,
      walk: exports.walk,
      entry: exports.prog,
      wasm: compiled.wasm,
      linked: { module, functions: compiled.table },
      trapPc: (error) => trapPc(compiled.traps, error),
    };
  },
};
