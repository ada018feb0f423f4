// An object ready to run over captures, in an engine of ours or in the running kernel: one face for the commands.
import type { ProgSpec } from "../elf/object_spec.ts";
import type { PacketSource } from "../pcap/index.ts";
import { RUN_TYPES } from "../spec/run_types.ts";
import { notRun } from "../../runtime/cpu/walk_flags.ts";
import { loadKernelObject } from "../../runtime/engine/kernel/kernel_object.ts";
import { runKernelProg } from "../../runtime/engine/kernel/kernel_run.ts";
import type { ShownObject } from "../../runtime/json/shown.ts";
import { type LoadOptions, loadObject } from "../../runtime/load/object.ts";
import type { OpenObject } from "../../runtime/load/open.ts";
import { type RunOptions, type RunResult, runProg } from "../../runtime/run.ts";
import { type Interrupt, stopOnInterrupt } from "./interrupt.ts";

export interface Runnable {
  readonly object: ShownObject & { readonly name: string; close(): void };
  /** what people should know of the clock */
  readonly clockNote?: string;
  /** Ctrl-C ends the run from now on. */
  stopOnInterrupt(): Interrupt;
  run(prog: string, source: PacketSource, options: RunOptions): Promise<RunResult>;
  /** No timer fires any more: what is in the maps stays. */
  end(): Promise<void>;
}

/** Before anything is loaded: programs that take no packets are not run. */
export function checkRuns(prog: ProgSpec): ProgSpec {
  if (RUN_TYPES[prog.type] === undefined) throw notRun(prog);
  return prog;
}

export async function loadRunnable(opened: OpenObject, options: LoadOptions): Promise<Runnable> {
  const object = await loadObject(opened, options);
  const { clock } = object.host;
  const note =
    clock === undefined || clock.native
      ? {}
      : { clockNote: `clock: ${clock.name}; timers are later than with the addon` };
  return {
    object,
    ...note,
    end: () => object.host.close(),
    stopOnInterrupt: () => stopOnInterrupt(object.world),
    run: (prog, source, runOptions) => runProg(object, prog, source, runOptions),
  };
}

export function loadKernelRunnable(opened: OpenObject, progs: readonly string[]): Runnable {
  const object = loadKernelObject(opened, { progs });
  let stopped = false;
  return {
    object,
    end: () => Promise.resolve(),
    stopOnInterrupt: () => stopOnInterrupt({ stop: () => (stopped = true) }),
    run: (prog, source, options) =>
      runKernelProg(object, prog, source, { ...options, stopping: () => stopped }),
  };
}
