// Arguments that name a special field of a map value: timers, work queues. The pointer must lie at the field's own place,
// and what else is given must belong to the same map. Changes nothing.
import type { SpecialField } from "../../elf/object_spec.ts";
import type { Env } from "../env.ts";
import { fieldsOf } from "../btf/fields.ts";
import type { RegState } from "../state/regs.ts";

/** The map a timer or work queue came from; a map argument must be the same one. */
export interface FieldOwner {
  readonly map: number;
  readonly word: "timer" | "workqueue";
}

function fieldOf(env: Env, reg: RegState, kind: SpecialField["kind"]): SpecialField | undefined {
  return fieldsOf(env, reg).find((f) => f.kind === kind);
}

/** The pointer is one to this field: constant, and at the field's start. */
function checkFieldPlace(env: Env, regno: number, kind: "bpf_timer"): void {
  const reg = env.regs[regno] as RegState;
  if (!reg.s.isConst)
    env.reject("EINVAL", `R${regno} doesn't have constant offset. ${kind} has to be at the constant offset`);
  const map = env.mapAt(reg.aux);
  if (map.valueTypeId === 0) {
    env.hint = `define the map with __type(value, …) instead of value_size: a struct with a 'struct ${kind}' in it`;
    env.reject("EINVAL", `map '${map.name}' has to have BTF in order to use ${kind}`);
  }
  const field = fieldOf(env, reg, kind);
  if (field === undefined) {
    env.hint = `its value type must hold one 'struct ${kind}', and no field of that kind twice`;
    env.reject("EINVAL", `map '${map.name}' has no valid ${kind}`);
  }
  checkOff(env, reg, field, kind);
}

function checkOff(env: Env, reg: RegState, field: SpecialField, kind: string): void {
  const off = reg.s.constNum + reg.off;
  if (off !== field.off)
    env.reject("EINVAL", `off ${off} doesn't point to 'struct ${kind}' that is at ${field.off}`);
}

export function checkTimer(env: Env, regno: number): FieldOwner {
  checkFieldPlace(env, regno, "bpf_timer");
  return { map: (env.regs[regno] as RegState).aux, word: "timer" };
}

/** Work queues and timers of kernel functions: other words for what is no map value. */
export function checkKfuncField(env: Env, regno: number, kind: "bpf_wq" | "bpf_timer"): FieldOwner {
  const reg = env.regs[regno] as RegState;
  if (reg.kind !== "map_value" || reg.maybeNull)
    env.reject("EINVAL", `arg#${regno - 1} doesn't point to a map value`);
  if (kind === "bpf_timer") return checkTimer(env, regno);
  if (!reg.s.isConst)
    env.reject("EINVAL", `R${regno} doesn't have constant offset. bpf_wq has to be at the constant offset`);
  const map = env.mapAt(reg.aux);
  const field = fieldOf(env, reg, kind);
  if (field === undefined) env.reject("EINVAL", `map '${map.name}' has no valid bpf_wq`);
  checkOff(env, reg, field, kind);
  return { map: reg.aux, word: "workqueue" };
}

/** The map argument behind a timer or work queue: the same map, and for an inner map out of the same lookup. */
export function checkSameMap(env: Env, owner: FieldOwner, map: number): void {
  if (owner.map === map) return;
  env.reject(
    "EINVAL",
    `${owner.word} pointer in R1 map_uid=${env.progMaps.uids[owner.map]} doesn't match map pointer in R2 map_uid=${env.progMaps.uids[map]}`,
  );
}
