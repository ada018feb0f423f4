// Options that choose and tune the engine, the same for every command that runs something.
import type { EngineName } from "../../runtime/engine/engine.ts";
import { type OptionRows, type OptionValues, UsageError } from "./command.ts";

export const ENGINE_OPTIONS = {
  engine: { type: "string", value: "wasm|interp", help: "wasm (default), or interp: the slow reference" },
  opt: {
    type: "string",
    value: "0|1|2|3",
    help: "0 none, 1 helpers inlined (default), 2 and 3 the whole optimiser",
  },
  checked: { type: "boolean", help: "check each memory access against what was verified" },
  "no-cache": { type: "boolean", help: "neither read nor write compiled modules on disk" },
} as const satisfies OptionRows;

/** For commands that can use the running kernel's BPF as well. */
export const KERNEL_ENGINE_OPTION = {
  engine: {
    type: "string",
    value: "wasm|interp|kernel",
    help: "wasm (default); interp: the slow reference; kernel: the running kernel's BPF",
  },
} as const satisfies OptionRows;

const OPT_LEVELS = ["0", "1", "2", "3"] as const;
const ENGINES = ["wasm", "interp"] as const;

/** What people may say where the running kernel is a choice too. */
export const ENGINES_AND_KERNEL: readonly string[] = [...ENGINES, "kernel"];

export interface EngineChoice {
  readonly engine: EngineName;
  readonly opt: 0 | 1 | 2 | 3;
  readonly checked: boolean;
  readonly cache: boolean;
}

function oneOf<T extends string>(
  command: string,
  option: string,
  known: readonly T[],
  text: string,
  shown: readonly string[] = known,
): T {
  const found = known.find((k) => k === text);
  if (found === undefined)
    throw new UsageError(`${command}: --${option} takes ${shown.join(", ")}, not '${text}'`);
  return found;
}

/** Is the running kernel asked for? Options that only ours understand are refused with it. */
export function wantsKernel(
  command: string,
  options: OptionValues<typeof ENGINE_OPTIONS>,
  ours: readonly (readonly [option: string, given: boolean])[],
): boolean {
  if (options.engine !== "kernel") return false;
  const all = [
    ["opt", options.opt !== undefined],
    ["checked", options.checked === true],
    ["no-cache", options["no-cache"] === true],
    ...ours,
  ] as const;
  for (const [option, given] of all)
    if (given) throw new UsageError(`${command}: --${option} is not for --engine kernel`);
  return true;
}

export function parseEngineOptions(
  command: string,
  options: OptionValues<typeof ENGINE_OPTIONS>,
  known: readonly string[] = ENGINES,
): EngineChoice {
  return {
    engine: oneOf(command, "engine", ENGINES, options.engine ?? "wasm", known),
    opt: Number(oneOf(command, "opt", OPT_LEVELS, options.opt ?? "1")) as EngineChoice["opt"],
    checked: options.checked === true,
    cache: options["no-cache"] !== true,
  };
}
