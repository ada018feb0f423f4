// The engines there are, by name.
import type { Engine, EngineName } from "./engine.ts";
import { interpEngine } from "./interp_engine.ts";
import { wasmEngine } from "./wasm.ts";

export const ENGINES: Readonly<Record<EngineName, Engine>> = { wasm: wasmEngine, interp: interpEngine };
