// Pointers kept in map values and objects: what may be put there, what a load gives, and the exchange by
// bpf_kptr_xchg, which is how what is counted comes and goes.
import { structHolds } from "../btf/match.ts";
import type { Env } from "../env.ts";
import {
  type Field,
  fieldsOf,
  isLinked,
  isRcuField,
  mapFields,
  POINTERS,
  type Target,
} from "../btf/fields.ts";
import { forgetRef } from "../state/refs.ts";
import {
  ALLOC,
  isNull,
  MAYBE_NULL,
  NON_OWN_REF,
  PERCPU,
  QUALIFIERS,
  RCU,
  RegState,
  regTypeStr,
  TRUSTED,
  typeStr,
  UNKNOWN,
  UNTRUSTED,
} from "../state/regs.ts";
import { Scalar } from "../scalar/scalar.ts";
import { fmtTnum } from "../scalar/fmt.ts";
import { markPrecise } from "../precision/precision.ts";
import { mapRegs } from "../state/state.ts";
import type { Stored } from "../state/stored.ts";
import { inRcu } from "../state/trust.ts";

/** A load or store by an insn; calls have none of this. */
export interface DirectAccess {
  /** of plain loads and stores: no atomic, no sign extension */
  readonly plain: boolean;
  readonly write: boolean;
}

/** An access to a map's value touches no special field; pointers may be loaded and stored as a whole. */
export function checkFields(
  env: Env,
  reg: RegState,
  off: number,
  size: number,
  direct: DirectAccess | undefined,
  stored: Stored | undefined,
): void {
  const fields = mapFields(env, reg.aux);
  if (fields.length === 0) return;
  for (const f of fields) {
    if (reg.s.sminNum + off >= f.off + f.size || f.off >= reg.s.umaxNum + off + size) continue;
    if (!POINTERS.has(f.kind)) env.reject("EACCES", `${f.kind} cannot be accessed directly by load/store`);
    checkWhole(env, reg, f, off, size, direct);
  }
  const field = pointerAt(env, reg, off);
  if (field !== undefined && direct !== undefined) checkPointerAccess(env, field, direct, stored);
}

function checkWhole(
  env: Env,
  reg: RegState,
  f: Field,
  off: number,
  size: number,
  direct?: DirectAccess,
): void {
  const word = f.kind === "uptr" ? "uptr" : "kptr";
  if (direct === undefined) env.reject("EACCES", `${word} cannot be accessed indirectly by helper`);
  if (!reg.s.isConst) env.reject("EACCES", `${word} access cannot have variable offset`);
  const at = off + reg.s.constNum;
  if (f.off !== at) env.reject("EACCES", `${word} access misaligned expected=${f.off} off=${at}`);
  if (size !== 8) env.reject("EACCES", `${word} access size must be BPF_DW`);
}

/** The pointer field that begins there. `off` includes the register's fixed offset. */
export function pointerAt(env: Env, reg: RegState, off: number): Field | undefined {
  if (reg.kind !== "map_value" || !reg.s.isConst) return undefined;
  const fields = mapFields(env, reg.aux);
  if (fields.length === 0) return undefined;
  const at = off + reg.s.constNum;
  return fields.find((f) => f.off === at && POINTERS.has(f.kind));
}

function checkPointerAccess(
  env: Env,
  f: Field,
  { plain, write }: DirectAccess,
  stored: Stored | undefined,
): void {
  if (!plain) env.reject("EACCES", "kptr in map can only be accessed using BPF_MEM instruction mode");
  if (f.target === undefined)
    env.reject("EOPNOTSUPP", `a ${f.kind} needs the kernel's BTF, which is not there`);
  if (!write || stored === undefined) return;
  if (f.kind === "uptr") env.reject("EACCES", "store to uptr disallowed");
  if (f.pointer?.counted === true) env.reject("EACCES", "store to referenced kptr disallowed");
  if (stored.regno < 0) {
    if (!isNull(stored.value))
      env.reject("EACCES", `BPF_ST imm must be 0 when storing to kptr at off=${f.off}`);
    return;
  }
  if (isNull(stored.value)) markPrecise(env, stored.regno);
  else checkFits(env, stored.regno, f, f.target);
}

const KERNEL_FLAGS = MAYBE_NULL | TRUSTED | RCU;

/** Flags that what is put there may have. */
function allowedFlags(reg: RegState, f: Field, own: boolean): number {
  if (!own) return f.pointer?.counted === true ? KERNEL_FLAGS : KERNEL_FLAGS | UNTRUSTED;
  return MAYBE_NULL | ALLOC | (f.kind === "percpu_kptr" ? PERCPU : 0);
}

/** The register's value is of the field's type. */
export function checkFits(env: Env, regno: number, f: Field, target: Target): void {
  const reg = env.regs[regno] as RegState;
  const counted = f.pointer?.counted === true;
  const name = target.btf.byId(target.id).name;
  const refuse = (have: string): never =>
    env.reject(
      "EACCES",
      `invalid kptr access, R${regno} type=${regTypeStr(reg)}${have} expected=ptr_${name}` +
        (counted ? "" : ` or ${typeStr("ptr_", UNTRUSTED)}${name}`),
    );
  if (reg.kind !== "ptr_" || reg.btf === undefined) return refuse("");
  if ((reg.flags & QUALIFIERS & ~allowedFlags(reg, f, reg.btf === env.prog.btf)) !== 0) return refuse("");
  if ((f.kind === "percpu_kptr") !== reg.is(PERCPU)) return refuse("");
  checkFixedOff(env, regno, reg);
  const fits = structHolds({ btf: reg.btf, id: reg.aux }, reg.off, target, {
    strict: counted,
    flexArrays: !reg.is(ALLOC),
    say: (line) => env.say(line),
  });
  if (!fits) refuse(reg.btf.byId(reg.aux).name);
}

function checkFixedOff(env: Env, regno: number, reg: RegState): void {
  const type = regTypeStr(reg);
  if (reg.off < 0) env.reject("EACCES", `negative offset ${type} ptr R${regno} off=${reg.off} disallowed`);
  if (!reg.s.isZero) env.reject("EACCES", `variable ${type} access var_off=${fmtTnum(reg.s)} disallowed`);
}

/** What a load of the field gives. */
export function stepPointerLoad(env: Env, f: Field): RegState {
  env.facts.needs.add("kptr");
  const { target } = f;
  if (target === undefined) throw new Error("a load of a pointer without a type was not refused");
  if (f.kind === "uptr") {
    const t = target.btf.byId(target.id);
    return new RegState("mem", 0, Scalar.zero, env.newId(), t.kind === "struct" ? t.size : 0, MAYBE_NULL);
  }
  return new RegState(
    "ptr_",
    0,
    Scalar.zero,
    env.newId(),
    target.id,
    loadedFlags(env, f, target),
    0,
    target.btf,
  );
}

function loadedFlags(env: Env, f: Field, target: Target): number {
  if (!isRcuField(f) || !inRcu(env)) return MAYBE_NULL | UNTRUSTED;
  const own = f.kind === "percpu_kptr" ? PERCPU : target.own ? ALLOC : 0;
  return MAYBE_NULL | RCU | own | (target.own && isLinked(env, target) ? NON_OWN_REF : 0);
}

/** The field that bpf_kptr_xchg is to exchange. */
export function checkXchgField(env: Env, regno: number): Field {
  const reg = env.regs[regno] as RegState;
  const map = reg.kind === "map_value" ? env.mapAt(reg.aux) : undefined;
  if (map !== undefined && map.valueTypeId === 0)
    env.reject("EINVAL", `map '${map.name}' has to have BTF in order to use bpf_kptr_xchg`);
  if (!reg.s.isConst)
    env.reject("EINVAL", `R${regno} doesn't have constant offset. kptr has to be at the constant offset`);
  const fields = fieldsOf(env, reg).filter((f) => f.kind !== "uptr" && POINTERS.has(f.kind));
  if (fields.length === 0) env.reject("EINVAL", `R${regno} has no valid kptr`);
  const off = reg.off + reg.s.constNum;
  const field = fields.find((f) => f.off === off);
  if (field === undefined) env.reject("EACCES", `off=${off} doesn't point to kptr`);
  if (field.pointer?.counted !== true) env.reject("EACCES", `off=${off} kptr isn't referenced kptr`);
  if (field.target === undefined)
    env.reject("EOPNOTSUPP", "a kptr needs the kernel's BTF, which is not there");
  return field;
}

/** What was in the field before: the program's now. */
export function exchanged(env: Env, { kind, target }: Field): RegState {
  if (target === undefined) throw new Error("an exchange of a pointer without a type was not refused");
  env.facts.needs.add("kptr");
  const flags = MAYBE_NULL | (target.own ? ALLOC | (kind === "percpu_kptr" ? PERCPU : 0) : 0);
  return new RegState("ptr_", 0, Scalar.zero, env.newId(), target.id, flags, 0, target.btf);
}

/**
 * What was held is in the field now. Values derived from it are just numbers; but RCU keeps per-CPU objects where they
 * are, so that they can still be looked at. False if it was not held.
 */
export function giveToField(env: Env, refId: number): boolean {
  if (!forgetRef(env.state, refId)) return false;
  const rcu = inRcu(env);
  mapRegs(env.state, (r) => {
    if (r.refId !== refId) return r;
    if (!rcu || !r.is(ALLOC | PERCPU)) return UNKNOWN;
    return new RegState(r.kind, r.off, r.s, r.id, r.aux, (r.flags & ~ALLOC) | RCU, 0, r.btf);
  });
  return true;
}
