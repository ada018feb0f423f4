// Helper calls: may this program call it, do the arguments fit, does the map fit, and what is left afterwards.
import { MAP_TYPES, type MapTypeName } from "../spec/map_types.ts";
import { HELPERS, type HelperProto } from "../spec/helpers.ts";
import { enterCallback, queueCallback } from "./callback.ts";
import { clearCallerSaved, killPktPointers } from "./call_effects.ts";
import type { Env } from "./env.ts";
import { type CallMeta, checkArg } from "./helper_args.ts";
import { markPrecise } from "./precision.ts";
import {
  hasLock,
  MAYBE_NULL,
  NOT_INIT,
  type RegState,
  UNKNOWN,
  ptrReg,
  RegState as Reg,
  scalarReg,
  withId,
} from "./regs.ts";
import { Scalar } from "./scalar.ts";
import { withLimits } from "./scalar_bounds.ts";
import { stepStackRange } from "./stack_access.ts";

/** Map types that only these helpers may be given. */
const ONLY: Partial<Record<MapTypeName, readonly string[]>> = {
  prog_array: ["tail_call"],
  perf_event_array: ["perf_event_output"],
  devmap: ["redirect_map", "map_lookup_elem"],
  devmap_hash: ["redirect_map", "map_lookup_elem"],
  cpumap: ["redirect_map"],
  xskmap: ["redirect_map", "map_lookup_elem"],
  stack_trace: [],
  cgroup_array: [],
  ringbuf: [],
  array_of_maps: ["map_lookup_elem"],
  hash_of_maps: ["map_lookup_elem"],
  queue: [],
  stack: [],
  bloom_filter: [],
};

/** Helpers that take only these map types. */
const NEEDS: Readonly<Record<string, readonly MapTypeName[]>> = {
  perf_event_output: ["perf_event_array"],
  redirect_map: ["devmap", "devmap_hash", "cpumap", "xskmap"],
};

/** Maps that can be walked by for_each_map_elem. */
const FOR_EACH: readonly MapTypeName[] = [
  "hash",
  "percpu_hash",
  "lru_hash",
  "lru_percpu_hash",
  "array",
  "percpu_array",
];

const F_RDONLY_PROG = 1 << 7;
/** The maps put into a map of maps may have another number of elements than its template. */
const F_INNER_MAP = 1 << 12;

function checkMapFits(env: Env, proto: HelperProto, map: number): void {
  if (map < 0) return;
  const def = env.mapAt(map);
  if (proto.name === "tail_call" && def.type !== "prog_array")
    env.reject("EINVAL", "expected prog array map for tail call");
  const only = ONLY[def.type];
  const needs = NEEDS[proto.name];
  if (proto.name === "for_each_map_elem" && !FOR_EACH.includes(def.type))
    env.reject("ENOTSUPP", "callback function not allowed for map");
  if (
    (only !== undefined && !only.includes(proto.name)) ||
    (needs !== undefined && !needs.includes(def.type))
  )
    env.reject(
      "EINVAL",
      `cannot pass map_type ${MAP_TYPES[def.type].id} into func bpf_${proto.name}#${proto.id}`,
    );
  if (
    (def.flags & F_RDONLY_PROG) !== 0 &&
    (proto.name === "map_update_elem" || proto.name === "map_delete_elem")
  )
    env.reject("EACCES", "write into map forbidden");
}

function checkAllowed(env: Env, id: number): HelperProto {
  const row = HELPERS[id];
  if (row === undefined) env.reject("EINVAL", `invalid func unknown#${id}`);
  const proto = row.proto;
  if (proto === undefined || (proto.progTypes !== "any" && !proto.progTypes.includes(env.prog.type)))
    env.reject("EINVAL", `program of this type cannot use helper bpf_${row.name}#${id}`);
  if (proto.effects.gplOnly === true && !env.prog.gplCompatible)
    env.reject("EINVAL", "cannot call GPL-restricted function from non-GPL compatible program");
  return proto;
}

function noteFacts(env: Env, proto: HelperProto, meta: CallMeta): void {
  const facts = env.facts;
  facts.helpers.add(proto.id);
  if (proto.effects.changesPkt === true && proto.name !== "tail_call") facts.resizesPkt = true;
  if (proto.effects.writesPkt === true) facts.writesPkt = true;
  if (proto.name === "tail_call") {
    facts.usesTailCall = true;
    meta.constKey = tailCallKey(env, meta);
  }
  if (meta.map < 0) return;
  facts.callMap(env.pc, env.isOwnMap(meta.map) ? meta.map : undefined);
  facts.callKey(env.pc, meta.constKey);
}

/** The slot of a program array that r3 names, if it is a constant inside the array. */
function tailCallKey(env: Env, meta: CallMeta): number | undefined {
  const r3 = env.regs[3] as RegState;
  if (r3.kind !== "scalar" || !r3.s.isConst || r3.s.sminHi !== 0) return undefined;
  const key = r3.s.uminNum;
  if (key >= env.mapAt(meta.map).maxEntries) return undefined;
  markPrecise(env, 3);
  return key;
}

function returned(env: Env, proto: HelperProto, meta: CallMeta): RegState {
  if (proto.ret === "void") return NOT_INIT;
  if (proto.ret === "integer") {
    const cpus = env.options.cpus;
    if (proto.name !== "get_smp_processor_id" || cpus === undefined) return UNKNOWN;
    return scalarReg(
      withLimits(Scalar.unknown, { umin: 0n, umax: BigInt(cpus - 1), smin: 0n, smax: BigInt(cpus - 1) }),
    );
  }
  const map = env.mapAt(meta.map);
  const sizeKnown = env.isOwnMap(meta.map) || (map.flags & F_INNER_MAP) === 0;
  const always =
    sizeKnown && meta.constKey !== undefined && meta.constKey >= 0 && meta.constKey < map.maxEntries;
  const value = ptrReg("map_value", 0, meta.map);
  if (always) return hasLock(map) ? withId(value, env.newId()) : value;
  return new Reg("map_value", 0, value.s, env.newId(), meta.map, MAYBE_NULL);
}

/** True if the current path now goes on where the function returns: see below. */
export function execHelper(env: Env, id: number): boolean {
  const proto = checkAllowed(env, id);
  const meta: CallMeta = { map: -1, constKey: undefined, callback: -1, owner: undefined, mem: [] };
  for (let i = 0; i < proto.args.length; i++) checkArg(env, proto, i, meta);
  checkMapFits(env, proto, meta.map);
  noteFacts(env, proto, meta);
  for (const m of meta.mem) {
    const reg = env.regs[m.regno] as RegState;
    if (reg.kind === "fp") stepStackRange(env, reg, m.size, m.write, m.wholly);
  }
  if (meta.callback >= 0) {
    if (proto.effects.async === true) queueCallback(env, meta.callback, meta.map);
    else enterCallback(env, proto, meta);
  }
  clearCallerSaved(env);
  env.setReg(0, returned(env, proto, meta));
  if (proto.name === "tail_call") return tailCall(env);
  if (proto.effects.changesPkt === true) killPktPointers(env);
  env.pc++;
  return false;
}

/**
 * A tail call that fails goes on and has changed nothing. One that succeeds ends a main program; out of a called
 * function it comes back to the caller, with whatever the other program returned and did to the packet.
 */
function tailCall(env: Env): boolean {
  if (env.state.frames.length === 1) {
    env.pc++;
    return false;
  }
  env.push(env.pc + 1, env.pc);
  killPktPointers(env);
  env.setReg(0, UNKNOWN);
  return true;
}
