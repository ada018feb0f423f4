// The maps that recorded programs may name, of most types, and the assembler that knows them and the helpers by name.
import { assemble } from "../../src/isa/asm.ts";
import { helperByName } from "../../src/spec/helpers.ts";
import type { MapDef, Prog } from "../../src/verifier/proof.ts";
import { mapDef } from "../harness/map_def.ts";

/** BPF_F_RDONLY_PROG */
const RDONLY = 128;
const RODATA = new Uint8Array([1, 2, 3, 4, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0]);

export const KERNEL_MAPS: readonly MapDef[] = [
  mapDef("h", "hash", 4, 16, 8),
  mapDef("a", "array", 4, 16, 4),
  mapDef("prog", "prog_array", 4, 4, 4),
  mapDef("perf", "perf_event_array", 4, 4, 4),
  mapDef("dev", "devmap", 4, 4, 4),
  { ...mapDef("ro", "array", 4, 16, 1, RDONLY), frozen: RODATA },
  mapDef("ring", "ringbuf", 0, 0, 4096),
  mapDef("uring", "user_ringbuf", 0, 0, 4096),
  mapDef("stack", "stack_trace", 4, 8, 4),
  mapDef("cg", "cgroup_array", 4, 4, 4),
  mapDef("sockmap", "sockmap", 4, 4, 4),
  mapDef("sockhash", "sockhash", 4, 4, 4),
  mapDef("reuse", "reuseport_sockarray", 4, 4, 4),
  mapDef("queue", "queue", 0, 16, 4),
  mapDef("pc", "percpu_array", 4, 16, 4),
  mapDef("cpu", "cpumap", 4, 4, 4),
  mapDef("xsk", "xskmap", 4, 4, 4),
];

export function assembleFor(source: string): Prog["insns"] {
  return assemble(source, {
    helperId: (name) => helperByName(name.replace(/^bpf_/, ""))?.id,
    mapIndex: (name) => KERNEL_MAPS.findIndex((m) => m.name === name),
  });
}
