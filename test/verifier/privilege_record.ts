// Records privilege_kernel.jsonl on the running kernel: what it says of privilege_programs.ts to processes with some
// capabilities only, which helpers it lets them call, which types of programs and maps it refuses them.
//   sysctl kernel.unprivileged_bpf_disabled=0
//   tsx test/verifier/privilege_record.ts LOADER > test/verifier/privilege_kernel.jsonl
// LOADER is prog_load.c built; needs root and setpriv.
import { release } from "node:os";
import { CREATE_RULES } from "../../src/spec/map_create.ts";
import { MAP_TYPES, type MapTypeName } from "../../src/spec/map_types.ts";
import type { Capability } from "../../src/spec/privileges.ts";
import { PROG_TYPES, type ProgTypeName } from "../../src/spec/prog_types.ts";
import { withCaps } from "../harness/drop_caps.ts";
import { mapDef } from "../harness/map_def.ts";
import { type LoadOptions, loadInKernel } from "./kernel_load.ts";
import {
  ATTACHED,
  assembleFree,
  callOnly,
  FREE_MAPS,
  flagsOf,
  HELPER_IDS,
  LEVELS,
  privilegePrograms,
} from "./privilege_programs.ts";

const [loader = ""] = process.argv.slice(2);
const EPERM = 1;
const NOT_ALLOWED = "program of this type cannot use helper";

function ask(caps: readonly Capability[]): LoadOptions {
  return { under: ["setpriv", ...withCaps(caps), loader] };
}

function answersOf(caps: readonly Capability[], type: ProgTypeName): Record<string, string> {
  const rows = Object.entries(privilegePrograms(type));
  const progs = rows.map(([, source]) => ({ type, attach: undefined, insns: assembleFree(source) }));
  const verdicts = loadInKernel(loader, progs, { maps: FREE_MAPS, ...ask(caps) });
  return Object.fromEntries(rows.map(([name], i) => [name, `${verdicts[i]?.errno} ${verdicts[i]?.words}`]));
}

function helpersRefused(caps: readonly Capability[], type: ProgTypeName): number[] {
  const progs = HELPER_IDS.map((id) => ({
    type,
    attach: ATTACHED[type],
    flags: flagsOf(type),
    insns: callOnly(id),
  }));
  const verdicts = loadInKernel(loader, progs, ask(caps));
  return HELPER_IDS.filter((_, i) => verdicts[i]?.words.startsWith(NOT_ALLOWED));
}

/** No type, and one that needs the kernel's LSM to be on. */
const NO_TYPE: ReadonlySet<ProgTypeName> = new Set<ProgTypeName>(["unspec", "lsm"]);

function progsRefused(caps: readonly Capability[]): ProgTypeName[] {
  const types = (Object.keys(PROG_TYPES) as ProgTypeName[]).filter((t) => !NO_TYPE.has(t));
  const insns = assembleFree("r0 = 1\nexit");
  const progs = types.map((type) => ({ type, attach: ATTACHED[type], flags: flagsOf(type), insns }));
  const verdicts = loadInKernel(loader, progs, ask(caps));
  return types.filter((_, i) => verdicts[i]?.errno === EPERM);
}

/** Sizes that a map of this type may have. */
function someMap(type: MapTypeName) {
  const { key, value } = { key: 4, value: 8, ...SIZES[type] };
  return mapDef(
    "m",
    type,
    key,
    value,
    type.includes("ringbuf") ? 4096 : type === "arena" ? 1 : 4,
    FLAGS[type] ?? 0,
  );
}

const SIZES: Partial<Record<MapTypeName, { readonly key?: number; readonly value?: number }>> = {
  prog_array: { value: 4 },
  perf_event_array: { value: 4 },
  cgroup_array: { value: 4 },
  lpm_trie: { key: 8 },
  devmap: { value: 4 },
  devmap_hash: { value: 4 },
  sockmap: { value: 4 },
  sockhash: { value: 4 },
  cpumap: { value: 4 },
  xskmap: { value: 4 },
  reuseport_sockarray: { value: 4 },
  queue: { key: 0 },
  stack: { key: 0 },
  bloom_filter: { key: 0 },
  ringbuf: { key: 0, value: 0 },
  user_ringbuf: { key: 0, value: 0 },
};
/** BPF_F_NO_PREALLOC */
const FLAGS: Partial<Record<MapTypeName, number>> = { lpm_trie: 1 };
/** What these need beside sizes, this recorder has not. */
const NOT_ASKED: ReadonlySet<MapTypeName> = new Set<MapTypeName>([
  "array_of_maps",
  "hash_of_maps",
  "cgroup_storage",
  "percpu_cgroup_storage",
  "sk_storage",
  "inode_storage",
  "task_storage",
  "cgrp_storage",
  "struct_ops",
  "arena",
]);

function mapsRefused(caps: readonly Capability[]): MapTypeName[] {
  const types = Object.keys(CREATE_RULES).filter((t) => t in MAP_TYPES) as MapTypeName[];
  return types.filter((type) => {
    if (NOT_ASKED.has(type)) return false;
    try {
      loadInKernel(loader, [], { maps: [someMap(type)], ...ask(caps) });
      return false;
    } catch (e) {
      if (/: -1\n?$/.test(String((e as { stderr?: Buffer }).stderr))) return true;
      throw e;
    }
  });
}

console.log(
  JSON.stringify({
    release: release(),
    mapsAsked: Object.keys(CREATE_RULES).filter((t) => !NOT_ASKED.has(t as MapTypeName)),
  }),
);
for (const { caps, types } of LEVELS) {
  console.log(JSON.stringify({ caps, progs: progsRefused(caps), maps: mapsRefused(caps) }));
  for (const type of types)
    console.log(
      JSON.stringify({
        caps,
        type,
        answers: answersOf(caps, type),
        helpersRefused: helpersRefused(caps, type),
      }),
    );
}
