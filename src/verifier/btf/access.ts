// Loads and stores through pointers to structs by BTF: what is there, and how far a pointer found there may be
// trusted. Structs of the kernel are only read; the program's own may be written where no special field lies.
import type { Btf } from "../../btf/btf.ts";
import { sizeOfType } from "../../btf/query.ts";
import { walkAccess, type Walked } from "./walk.ts";
import { KERNEL_WRITES } from "../../spec/kernel_writes.ts";
import { MAP_STRUCTS } from "../../spec/map_structs.ts";
import { MAP_TYPES } from "../../spec/map_types.ts";
import type { Env } from "../env.ts";
import { fieldsOf } from "./fields.ts";
import {
  ALLOC,
  MAYBE_NULL,
  NON_OWN_REF,
  PERCPU,
  RCU,
  RDONLY,
  RegState,
  TRUSTED,
  UNKNOWN,
  UNTRUSTED,
  USER,
} from "../state/regs.ts";
import { Scalar } from "../scalar/scalar.ts";
import { fmtTnum } from "../scalar/fmt.ts";
import { inRcu, isRcu, isTrusted } from "../state/trust.ts";

/** One access; `off` includes the register's fixed offset. */
export interface BtfPlace {
  readonly off: number;
  readonly size: number;
}

function typeOf(r: RegState): { readonly btf: Btf; readonly name: string } {
  if (r.btf === undefined) throw new Error("a pointer by BTF without a BTF");
  return { btf: r.btf, name: r.btf.byId(r.aux).name };
}

/** An object of the program's own, owned or not. */
function isOwnObject(r: RegState): boolean {
  return (r.flags & ALLOC) !== 0;
}

function walk(r: RegState, at: BtfPlace): Walked {
  return walkAccess(typeOf(r).btf, r.aux, at.off, at.size, !isOwnObject(r));
}

function checkStructAllowed(env: Env, name: string): void {
  if (!env.may.pointerLeaks)
    env.reject("EPERM", `'struct ${name}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN`);
}

function checkPlace(env: Env, regno: number, off: number): void {
  const reg = env.regs[regno] as RegState;
  const { btf, name } = typeOf(reg);
  checkStructAllowed(env, name);
  const what = `R${regno} is ptr_${name}`;
  if (!env.prog.gplCompatible && btf !== env.prog.btf)
    env.reject("EINVAL", `Cannot access kernel 'struct ${name}' from non-GPL compatible program`);
  if (off < 0) env.reject("EACCES", `${what} invalid negative access: off=${off}`);
  if (!reg.s.isZero)
    env.reject("EACCES", `${what} invalid variable offset: off=${off}, var_off=${fmtTnum(reg.s)}`);
  if (reg.is(USER)) env.reject("EACCES", `${what} access user memory: off=${off}`);
  if (reg.is(PERCPU)) env.reject("EACCES", `${what} access percpu memory: off=${off}`);
}

/** A few fields of a few structs of the kernel may be written. */
function checkKernelWrite(env: Env, reg: RegState, at: BtfPlace): void {
  const { btf, name } = typeOf(reg);
  const row = KERNEL_WRITES.find((r) => r.progs.includes(env.prog.type) && r.structs.includes(name));
  if (row === undefined || reg.is(UNTRUSTED) || btf !== env.kernelBtf)
    return env.reject("EACCES", "only read is supported");
  const [first] = row.structs;
  const struct = btf.find(first, "struct");
  const field = struct?.members.find((m) => row.fields.includes(m.name) && m.bitOff === at.off * 8);
  if (field === undefined) return env.reject("EACCES", `no write support to ${first} at off ${at.off}`);
  const end = at.off + (sizeOfType(btf, field.typeId) ?? 0);
  if (at.off + at.size > end)
    env.reject(
      "EACCES",
      `write access at off ${at.off} with size ${at.size} beyond the member of ${first} ended at ${end}`,
    );
}

export function checkBtf(env: Env, regno: number, at: BtfPlace, write: boolean): void {
  const reg = env.regs[regno] as RegState;
  checkPlace(env, regno, at.off);
  if (write && !isOwnObject(reg)) return checkKernelWrite(env, reg, at);
  if (write && reg.is(UNTRUSTED)) env.reject("EACCES", "only read is supported");
  if (isOwnObject(reg)) checkSpecialFields(env, reg, at);
  const found = walk(reg, at);
  if (found.to === "nothing") env.reject(found.code, found.reason);
}

/** What the kernel keeps in an object of the program's own. */
function checkSpecialFields(env: Env, reg: RegState, at: BtfPlace): void {
  const field = fieldsOf(env, reg).find((f) => at.off < f.off + f.size && f.off < at.off + at.size);
  if (field !== undefined) env.reject("EACCES", `direct access to ${field.kind} is disallowed`);
}

/** Fields that the kernel promises about: its BTF holds twins of structs that list them. */
type Promise = "__safe_trusted" | "__safe_trusted_or_null" | "__safe_rcu" | "__safe_rcu_or_null";

function isPromised(r: RegState, field: string, id: number, promise: Promise): boolean {
  const { btf } = typeOf(r);
  const t = btf.byId(r.aux);
  if (t.kind !== "struct" && t.kind !== "union") return false;
  const twin = btf.find(t.name + promise, t.kind);
  return (
    twin?.members.some((m) => {
      const to = btf.byId(m.typeId);
      return m.name === field && to.kind === "ptr" && btf.resolve(to.typeId).id === id;
    }) === true
  );
}

/** Flags of a pointer that was found behind one that is valid. */
function trustedFlags(env: Env, r: RegState, found: Extract<Walked, { to: "ptr" }>): number {
  const { flags, field, id } = found;
  const promised = (p: Promise): boolean => isPromised(r, field, id, p);
  if (promised("__safe_trusted")) return flags | TRUSTED;
  if (promised("__safe_trusted_or_null")) return flags | TRUSTED | MAYBE_NULL;
  if (!inRcu(env) || r.maybeNull) return UNTRUSTED;
  if (promised("__safe_rcu")) return flags | RCU;
  const orNull = promised("__safe_rcu_or_null");
  if ((flags & RCU) !== 0 || orNull) return (orNull ? flags & ~UNTRUSTED : flags) | RCU | MAYBE_NULL;
  return (flags & (PERCPU | USER)) !== 0 ? flags : withoutTrust(flags);
}

function withoutTrust(flags: number): number {
  return flags & ~(TRUSTED | RCU | ALLOC | NON_OWN_REF);
}

function pointerFlags(env: Env, r: RegState, found: Extract<Walked, { to: "ptr" }>): number {
  if (r.is(UNTRUSTED)) return UNTRUSTED;
  if (isTrusted(r) || isRcu(r)) return trustedFlags(env, r, found);
  return withoutTrust(found.flags);
}

/** What a load gives: a number, or a pointer to a struct or to some other memory of the kernel. */
export function stepBtfLoad(env: Env, r: RegState, at: BtfPlace): RegState {
  env.facts.needs.add("ptr_");
  return loaded(env, r, walk(r, at), (found) => pointerFlags(env, r, found));
}

/** The kernel's struct of a map, as a pointer to it; nothing where this kernel's types are not known. */
function mapStruct(env: Env, r: RegState): RegState | undefined {
  const btf = env.kernelBtf;
  const name = MAP_STRUCTS[env.mapAt(r.aux).type];
  const id = name === undefined ? undefined : btf?.find(name, "struct")?.id;
  if (btf === undefined || id === undefined) return undefined;
  return new RegState("ptr_", 0, Scalar.zero, 0, id, 0, 0, btf);
}

/** A map pointer read through as if it were one to the kernel's struct. */
export function checkMapPtr(env: Env, regno: number, at: BtfPlace, write: boolean): void {
  const reg = env.regs[regno] as RegState;
  const struct = mapStruct(env, reg);
  const known = MAP_STRUCTS[env.mapAt(reg.aux).type];
  if (known !== undefined) checkStructAllowed(env, known);
  if (struct === undefined)
    env.reject(
      "ENOTSUPP",
      `map_ptr access not supported for map type ${MAP_TYPES[env.mapAt(reg.aux).type].id}`,
    );
  const { name } = typeOf(struct);
  if (at.off < 0) env.reject("EACCES", `R${regno} is ${name} invalid negative access: off=${at.off}`);
  if (write) env.reject("EACCES", `only read from ${name} is supported`);
  const found = walk(struct, at);
  if (found.to === "nothing") env.reject(found.code, found.reason);
}

export function stepMapPtrLoad(env: Env, r: RegState, at: BtfPlace): RegState {
  const struct = mapStruct(env, r);
  if (struct === undefined) throw new Error("a load through a map pointer was not refused");
  env.facts.needs.add("map_ptr");
  return loaded(env, struct, walk(struct, at), (found) => found.flags);
}

function loaded(
  env: Env,
  r: RegState,
  found: Walked,
  flagsOf: (found: Extract<Walked, { to: "ptr" }>) => number,
): RegState {
  switch (found.to) {
    case "mem":
      return new RegState("mem", 0, Scalar.zero, 0, 0, RDONLY | UNTRUSTED);
    case "ptr": {
      if (isOwnObject(r)) return UNKNOWN;
      const flags = flagsOf(found);
      const id = (flags & MAYBE_NULL) === 0 ? 0 : env.newId();
      return new RegState("ptr_", 0, Scalar.zero, id, found.id, flags, 0, typeOf(r).btf);
    }
    default:
      return UNKNOWN;
  }
}
