// May a program of this type name these maps at all? Asked before any path is walked. Knows no registers.
import type { SpecialField } from "../../elf/object_spec.ts";
import type { MapTypeName } from "../../spec/map_types.ts";
import type { ProgTypeName } from "../../spec/prog_types.ts";
import type { Env } from "../env.ts";
import { hasField, mapFields } from "../btf/fields.ts";

const TRACING: ReadonlySet<ProgTypeName> = new Set<ProgTypeName>([
  "kprobe",
  "tracepoint",
  "perf_event",
  "raw_tracepoint",
  "raw_tracepoint_writable",
]);

/** Fields that tracing programs may not have, in the order they are looked at, and what they are called. */
const LOCKED_OUT: readonly (readonly [kind: SpecialField["kind"], word: string])[] = [
  ["bpf_list_head", "bpf_{list_head,rb_root}"],
  ["bpf_rb_root", "bpf_{list_head,rb_root}"],
  ["bpf_spin_lock", "bpf_spin_lock"],
  ["bpf_res_spin_lock", "bpf_spin_lock"],
  ["bpf_timer", "bpf_timer"],
  ["bpf_wq", "bpf_wq"],
];

/** Maps that sleepable programs may use. */
const SLEEPABLE: ReadonlySet<MapTypeName> = new Set<MapTypeName>([
  "hash",
  "lru_hash",
  "array",
  "percpu_hash",
  "percpu_array",
  "lru_percpu_hash",
  "array_of_maps",
  "hash_of_maps",
  "ringbuf",
  "user_ringbuf",
  "inode_storage",
  "sk_storage",
  "task_storage",
  "cgrp_storage",
  "queue",
  "stack",
  "arena",
]);

function checkMapUse(env: Env, index: number): void {
  const map = env.mapAt(index);
  const { type, flags } = env.prog;
  const refuse = (why: string): never => env.rejectAt(-1, "EINVAL", why);
  for (const [kind, word] of LOCKED_OUT) {
    if (!hasField(mapFields(env, index), kind)) continue;
    if (word === "bpf_spin_lock" && type === "socket_filter")
      refuse("socket filter progs cannot use bpf_spin_lock yet");
    if (TRACING.has(type)) refuse(`tracing progs cannot use ${word} yet`);
  }
  if (flags.includes("sleepable") && !SLEEPABLE.has(map.type))
    refuse("Sleepable programs can only use array, hash, ringbuf and local storage maps");
}

export function checkMapUses(env: Env): void {
  const seen = new Set<number>();
  let arenas = 0;
  for (const insn of env.insns) {
    if (insn?.kind !== "ld_imm64" || (insn.value.kind !== "map" && insn.value.kind !== "map_value")) continue;
    const map = env.maps[insn.value.map];
    if (map === undefined || seen.has(insn.value.map)) continue;
    seen.add(insn.value.map);
    checkMapUse(env, insn.value.map);
    if (map.type !== "arena") continue;
    if (arenas++ > 0) env.rejectAt(-1, "EBUSY", "Only one arena per program");
    if (!env.caps.includes("bpf") || !env.caps.includes("perfmon"))
      env.rejectAt(-1, "EPERM", "CAP_BPF and CAP_PERFMON are required to use arena");
  }
}

/** Whether the program names an arena. */
export function namesArena(env: Env): boolean {
  return env.insns.some(
    (insn) =>
      insn?.kind === "ld_imm64" &&
      (insn.value.kind === "map" || insn.value.kind === "map_value") &&
      env.maps[insn.value.map]?.type === "arena",
  );
}
