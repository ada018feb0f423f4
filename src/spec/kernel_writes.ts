// Fields of the kernel's structs that some programs may write, as of Linux 6.18; everything else is only read.
import type { ProgTypeName } from "./prog_types.ts";

export interface KernelWriteRow {
  readonly progs: readonly ProgTypeName[];
  /** all laid out like the first, which the log names */
  readonly structs: readonly [string, ...string[]];
  readonly fields: readonly string[];
}

// biome-ignore format: table
export const KERNEL_WRITES: readonly KernelWriteRow[] = [
  { progs: ["sched_cls", "sched_act", "xdp"], structs: ["nf_conn", "nf_conn___init"], fields: ["mark"] },
];
