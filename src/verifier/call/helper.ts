// Helper calls: may this program call it, do the arguments fit, does the map fit, and what is left afterwards.
import { MAP_TYPES, type MapTypeName } from "../../spec/map_types.ts";
import { HELPERS, type HelperProto } from "../../spec/helpers.ts";
import { TRAMPOLINE } from "../../spec/helpers/callers.ts";
import { ALSO, MADE_FOR, WALKABLE } from "../../spec/map_helpers.ts";
import { progRules } from "../../spec/prog_rules.ts";
import { progTypeId } from "../../spec/prog_types.ts";
import { enterCallback, queueCallback } from "./callback.ts";
import { clearCallerSaved, killPktPointers } from "../state/call_effects.ts";
import type { Env } from "../env.ts";
import { countFormatArgs } from "./format_string.ts";
import { releaseArg, withReference } from "./helper_objects.ts";
import { type CallMeta, newCallMeta } from "./call_meta.ts";
import { checkArg } from "./helper_args.ts";
import { returned } from "./helper_ret.ts";
import { stepDynptrRead, stepDynptrRelease, stepNewDynptr } from "../objects/dynptr.ts";
import { stepLock } from "../locks/locks.ts";
import type { MapDef } from "../proof.ts";
import { markPrecise } from "../precision/precision.ts";
import { helperOf } from "../state/privileges.ts";
import { checkNothingHeld } from "../state/refs.ts";
import { type RegState, UNKNOWN, isNull, regTypeStr } from "../state/regs.ts";
import { sleeplessRegion } from "../locks/regions.ts";
import { noteTailMap } from "../state/speculation.ts";
import { stepStackRange } from "../stack/range.ts";
import { inSleepable } from "../state/trust.ts";

const F_RDONLY_PROG = 1 << 7;
const HOLDS_SOCKETS: ReadonlySet<MapTypeName> = new Set<MapTypeName>(["sockmap", "sockhash"]);

/** Sockets are put into maps and taken out only where none of them can be locked. */
function mayChangeSockets(env: Env, proto: HelperProto): boolean {
  const { sockmap } = progRules(env.prog.type);
  if (env.prog.expectedAttachType === "trace_iter") return true;
  if (proto.name === "map_update_elem") return sockmap === "update";
  return proto.name !== "map_delete_elem" || sockmap !== undefined;
}

function cannotPass({ type }: MapDef, { name, id }: HelperProto): string {
  return `cannot pass map_type ${MAP_TYPES[type].id} into func bpf_${name}#${id}`;
}

function checkMapFits(env: Env, proto: HelperProto, map: number): void {
  if (map < 0) return;
  const def = env.mapAt(map);
  if (proto.name === "tail_call" && def.type !== "prog_array")
    env.reject("EINVAL", "expected prog array map for tail call");
  if (proto.name === "for_each_map_elem" && !WALKABLE.has(def.type))
    env.reject("ENOTSUPP", "callback function not allowed for map");
  const made = MADE_FOR[proto.name];
  const fits = made === undefined ? ALSO[def.type]?.includes(proto.name) !== false : made.includes(def.type);
  if (!fits) env.reject("EINVAL", cannotPass(def, proto));
  if (HOLDS_SOCKETS.has(def.type) && !mayChangeSockets(env, proto))
    env.reject("EINVAL", "cannot update sockmap in this context", cannotPass(def, proto));
  if (
    (def.flags & F_RDONLY_PROG) !== 0 &&
    (proto.name === "map_update_elem" || proto.name === "map_delete_elem")
  )
    env.reject("EACCES", "write into map forbidden");
}

function checkAllowed(env: Env, id: number): HelperProto {
  if (id === 0) env.reject("EINVAL", "program of this type cannot use helper bpf_unspec#0");
  const row = HELPERS[id];
  if (row === undefined) env.reject("EINVAL", `invalid func unknown#${id}`);
  const { gplCompatible } = env.prog;
  const proto = helperOf(env, id);
  if (proto === undefined)
    env.reject("EINVAL", `program of this type cannot use helper bpf_${row.name}#${id}`);
  const { gplOnly, notInProbe, mightSleep } = proto.effects;
  if (gplOnly === true && !gplCompatible)
    env.reject("EINVAL", "cannot call GPL-restricted function from non-GPL compatible program");
  if (notInProbe === true) env.reject("EINVAL", "helper call is not allowed in probe");
  if (mightSleep === true) {
    if (!inSleepable(env)) env.reject("EINVAL", "helper call might sleep in a non-sleepable prog");
    const region = sleeplessRegion(env);
    if (region !== undefined)
      env.reject("EINVAL", `sleepable helper bpf_${row.name}#${id} in ${region} region`);
  }
  return proto;
}

function noteFacts(env: Env, proto: HelperProto, meta: CallMeta): void {
  const facts = env.facts;
  facts.helpers.add(proto.id);
  if (proto.effects.changesPkt === true && proto.name !== "tail_call") facts.resizesPkt = true;
  if (proto.effects.writesPkt === true) facts.writesPkt = true;
  if (proto.name === "tail_call") {
    facts.usesTailCall = true;
    noteTailMap(env, meta.map);
    meta.constKey = tailCallKey(env, meta);
  }
  for (const m of meta.mem) {
    const { kind } = env.regs[m.regno] as RegState;
    if (kind === "ptr_" || kind === "buf") facts.needs.add(kind);
  }
  if (meta.map < 0) return;
  facts.callMap(env.pc, env.progMaps.isOwn(meta.map) ? meta.map : undefined);
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

/** The format string is constant; the arguments it reads must all be in the array. */
function checkFormat(env: Env): void {
  const fmt = env.regs[3] as RegState;
  const size = Number((env.regs[5] as RegState).s.value);
  if (size % 8 !== 0) env.reject("EINVAL", "the arguments of bpf_snprintf are an array of 64-bit numbers");
  const bytes = env.mapAt(fmt.aux).frozen?.subarray(fmt.off + fmt.s.constNum) ?? new Uint8Array();
  const reads = countFormatArgs(bytes);
  if (reads === undefined || reads > size / 8) env.reject("EINVAL", "Invalid format string");
}

/** Attached to one function, with its arguments. */
function hasTrampoline({ prog: { type, expectedAttachType: attach } }: Env): boolean {
  return type === "tracing" && attach !== undefined && TRAMPOLINE.includes(attach);
}

/** Rules of single helpers about their arguments as a whole. */
function checkSpecial(env: Env, { name, id }: HelperProto): void {
  const { type } = env.prog;
  if (name === "get_local_storage") {
    if (!isNull(env.regs[2] as RegState))
      env.reject("EINVAL", "get_local_storage() doesn't support non-zero flags");
    markPrecise(env, 2);
  }
  if (name === "dynptr_from_mem") {
    const data = env.regs[1] as RegState;
    if (data.kind !== "map_value" || data.maybeNull)
      env.reject("EACCES", `Unsupported reg type ${regTypeStr(data)} for bpf_dynptr_from_mem data`);
  }
  if (name === "tail_call") checkNothingHeld(env, "tail_call");
  // anything, but how often it calls must be known: the kernel calls what it says of a pointer a bug of its own
  if (name === "loop" && (env.regs[1] as RegState).kind !== "scalar")
    env.reject("EFAULT", "verifier bug: backtracking misuse");
  if (name === "snprintf") checkFormat(env);
  if (name === "get_func_ip" && type !== "kprobe" && !hasTrampoline(env)) {
    const why = type === "tracing" ? "supported only for fentry/fexit/fmod_ret programs" : "";
    env.reject(
      "ENOTSUPP",
      `func bpf_${name}#${id} ${why || `not supported for program type ${progTypeId(type)}`}`,
    );
  }
}

function stepDynptrs(env: Env, { name, effects }: HelperProto, { dynptr, newDynptr }: CallMeta): void {
  if (dynptr !== undefined) {
    stepDynptrRead(env, dynptr);
    if (effects.releases !== undefined) stepDynptrRelease(env, dynptr);
    const inPacket = dynptr.type === "skb" || dynptr.type === "skb_meta";
    if (name === "dynptr_write" && inPacket) killPktPointers(env);
    if (name === "dynptr_write" && (inPacket || dynptr.type === "xdp")) env.facts.writesPkt = true;
  }
  if (newDynptr !== undefined) stepNewDynptr(env, newDynptr.place, newDynptr.type, 0);
}

/** True if the current path now goes on where the function returns: see below. */
export function execHelper(env: Env, id: number): boolean {
  const proto = checkAllowed(env, id);
  const meta = newCallMeta();
  for (let i = 0; i < proto.args.length; i++) checkArg(env, proto, i, meta);
  checkSpecial(env, proto);
  checkMapFits(env, proto, meta.map);
  noteFacts(env, proto, meta);
  for (const m of meta.mem) {
    const reg = env.regs[m.regno] as RegState;
    if (reg.kind === "fp") stepStackRange(env, reg, m.size, m.write, m.wholly);
  }
  if (meta.lock !== undefined) stepLock(env, meta.lock);
  stepDynptrs(env, proto, meta);
  if (meta.dynptr === undefined) releaseArg(env, proto, meta);
  if (meta.callback >= 0) {
    if (proto.effects.async === true) queueCallback(env, meta.callback, meta.map);
    else enterCallback(env, proto, meta);
  }
  clearCallerSaved(env);
  env.setReg(0, withReference(env, proto, meta, returned(env, proto, meta)));
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
