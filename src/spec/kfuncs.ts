// Kernel functions that programs may call by name: what they take and when their callback runs. Rows only; a call
// names its row by id, which loading puts in the place of the kernel's BTF id.
import type { ArgType } from "./helpers.ts";

export type KfuncArg = ArgType | "wq" | "ignored";

export interface KfuncProto {
  /** what loading writes into the call; never 0 */
  readonly id: number;
  readonly name: string;
  readonly args: readonly KfuncArg[];
  /** its callback runs later, from a stack of its own */
  readonly async: boolean;
}

type Row = readonly [name: string, args: readonly KfuncArg[], async?: "async"];

// biome-ignore format: table
const ROWS: readonly Row[] = [
  ["bpf_wq_init",               ["wq", "const_map_ptr", "anything"]],
  ["bpf_wq_set_callback_impl",  ["wq", "func", "anything", "ignored"], "async"],
  ["bpf_wq_start",              ["wq", "anything"]],
  ["bpf_timer_cancel_async",    ["timer"]],
];

const KFUNCS: readonly KfuncProto[] = ROWS.map(([name, args, async], i) => ({
  id: i + 1,
  name,
  args,
  async: async !== undefined,
}));

export function kfuncByName(name: string): KfuncProto | undefined {
  return KFUNCS.find((k) => k.name === name);
}

export function kfuncById(id: number): KfuncProto | undefined {
  return KFUNCS[id - 1];
}

/** What the library calls it. */
export function libName(kfunc: KfuncProto): string {
  return kfunc.name.replace(/^bpf_/, "");
}
