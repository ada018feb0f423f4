// Locks in map values, data sections and objects: where they lie, who may take them and give them back. A lock is known
// by what it lies in and by the id of the value. Checks; what changes is said by a LockCall, which is stepped later.
import type { SpecialKind } from "../../spec/special_structs.ts";
import type { Env } from "../env.ts";
import { fieldsOf } from "../btf/fields.ts";
import { dropUnowned } from "../state/refs.ts";
import type { RegState } from "../state/regs.ts";
import { isLock, type LockKind, type Ref } from "../state/state.ts";

/** A lock that a call takes or gives back. */
export interface LockCall {
  readonly take: boolean;
  readonly lock: Omit<Ref, "pc">;
}

interface LockWords {
  readonly field: SpecialKind;
  /** how its functions' names begin */
  readonly word: string;
}

const WORDS: Readonly<Record<LockKind, LockWords>> = {
  lock: { field: "bpf_spin_lock", word: "bpf_spin" },
  res_lock: { field: "bpf_res_spin_lock", word: "bpf_res_spin" },
  res_lock_irq: { field: "bpf_res_spin_lock", word: "bpf_res_spin" },
};

/** What a lock lies in; with the value's id it names the lock. */
export function lockOwner(reg: RegState): string {
  return reg.kind === "map_value" ? `map ${reg.aux}` : "object";
}

/** The pointer is one to the lock: constant, and at the lock's start. */
function checkPlace(env: Env, regno: number, { field, word }: LockWords): void {
  const reg = env.regs[regno] as RegState;
  if (!reg.s.isConst)
    env.reject(
      "EINVAL",
      `R${regno} doesn't have constant offset. ${word}_lock has to be at the constant offset`,
    );
  const map = reg.kind === "map_value" ? env.mapAt(reg.aux) : undefined;
  if (map !== undefined && map.valueTypeId === 0) {
    env.hint = `define the map with __type(value, …) instead of value_size: a struct with a 'struct ${field}' in it`;
    env.reject("EINVAL", `map '${map.name}' has to have BTF in order to use ${word}_lock`);
  }
  const found = fieldsOf(env, reg).find((f) => f.kind === field);
  if (found === undefined) {
    env.hint = `its type must hold one 'struct ${field}', and no field of that kind twice`;
    env.reject(
      "EINVAL",
      `${map === undefined ? "local 'kptr'" : `map '${map.name}'`} has no valid ${word}_lock`,
    );
  }
  const off = reg.s.constNum + reg.off;
  if (off !== found.off)
    env.reject("EINVAL", `off ${off} doesn't point to 'struct ${word}_lock' that is at ${found.off}`);
}

function isSame(a: Pick<Ref, "id" | "owner">, b: Pick<Ref, "id" | "owner">): boolean {
  return a.id === b.id && a.owner === b.owner;
}

export function checkTakeLock(env: Env, regno: number, kind: LockKind): LockCall {
  checkPlace(env, regno, WORDS[kind]);
  const reg = env.regs[regno] as RegState;
  const lock = { kind, id: reg.id, owner: lockOwner(reg) };
  if (kind !== "lock" && env.state.refs.some((r) => isLock(r) && r.kind !== "lock" && isSame(r, lock)))
    env.reject("EINVAL", "Acquiring the same lock again, AA deadlock detected");
  return { take: true, lock };
}

export function checkReleaseLock(env: Env, regno: number, kind: LockKind): LockCall {
  const { word } = WORDS[kind];
  checkPlace(env, regno, WORDS[kind]);
  const reg = env.regs[regno] as RegState;
  const locks = env.state.refs.filter(isLock);
  const last = locks.at(-1);
  if (last === undefined) env.reject("EINVAL", `${word}_unlock without taking a lock`);
  const lock = { kind, id: reg.id, owner: lockOwner(reg) };
  if (!locks.some((r) => r.kind === kind && isSame(r, lock)))
    env.reject("EINVAL", `${word}_unlock of different lock`);
  if (!isSame(last, lock)) env.reject("EINVAL", `${word}_unlock cannot be out of order`);
  return { take: false, lock };
}

/** With the lock goes what was only seen under it. */
export function stepLock(env: Env, { take, lock }: LockCall): void {
  if (take) return env.state.addRef({ ...lock, pc: env.pc });
  const held = env.state.refs.findLast((r) => r.kind === lock.kind && isSame(r, lock));
  if (held === undefined) throw new Error("a lock that is not held was not refused");
  env.state.dropRef(held);
  dropUnowned(env);
}

/** The lock that guards what lies in the same value or object is held. `what`: the list or tree. */
export function checkGuarded(env: Env, reg: RegState, what: SpecialKind): void {
  const locks = env.state.refs.filter(isLock);
  const mine = { id: reg.id, owner: lockOwner(reg) };
  if (locks.some((r) => isSame(r, mine))) return;
  const off = fieldsOf(env, reg).find((f) => f.kind === "bpf_spin_lock")?.off ?? NO_FIELD;
  const other = locks.length > 0 ? ["held lock and object are not in the same allocation"] : [];
  env.reject("EINVAL", ...other, `bpf_spin_lock at off=${off} must be held for ${what}`);
}

/** -EINVAL: what the kernel's log says of a lock of that kind where there is none. */
const NO_FIELD = -22;
