// Things a path must give back before it ends: taking them, giving them back, and what becomes of the values that
// were derived from them. Which calls take and give is said elsewhere.
import type { Env } from "../env.ts";
import { afterwards } from "./privileges.ts";
import { ALLOC, NON_OWN_REF, RegState } from "./regs.ts";
import { mapRegs, type VerifierState } from "./state.ts";

/** A new counted object; the number is for RegState.refId of what the call returns. */
export function acquireRef(env: Env): number {
  const id = env.newId();
  env.state.addRef({ kind: "ptr", id, pc: env.pc });
  return id;
}

/** Forgets the object without touching the values that held it: they are null. False if it is not held. */
export function forgetRef(st: VerifierState, id: number): boolean {
  const ref = st.refs.find((r) => r.kind === "ptr" && r.id === id);
  if (ref === undefined) return false;
  st.dropRef(ref);
  return true;
}

/** Gives the object back: no value derived from it is a pointer any more. False if it is not held. */
export function releaseRef(env: Env, id: number): boolean {
  if (!forgetRef(env.state, id)) return false;
  const gone = afterwards(env);
  mapRegs(env.state, (r) => (r.refId === id ? gone : r));
  return true;
}

/** The object belongs to something else now: values derived from it may look at it, with these flags. */
export function linkOwned(st: VerifierState, id: number, flags: number): void {
  mapRegs(st, (r) =>
    r.refId === id ? new RegState(r.kind, r.off, r.s, r.id, r.aux, r.flags | flags, 0, r.btf, r.dynptrId) : r,
  );
  forgetRef(st, id);
}

/** What was seen without being owned may be gone. */
export function dropUnowned(env: Env): void {
  const gone = afterwards(env);
  mapRegs(env.state, (r) => (r.kind === "ptr_" && r.is(ALLOC | NON_OWN_REF) ? gone : r));
}

/** Objects that are held here, as the log names them. */
function leaks(env: Env): string[] {
  return env.state.refs
    .filter((r) => r.kind === "ptr")
    .map((r) => `Unreleased reference id=${r.id} alloc_insn=${r.pc}`);
}

/** Where a program ends or leaves for good nothing may be held: no object, no lock, no region. */
export function checkNothingHeld(env: Env, what: string): void {
  const { state } = env;
  const inside = (region: string): never =>
    env.reject("EINVAL", `${what} cannot be used inside ${region}-ed region`);
  if (state.holdsLock) inside("bpf_spin_lock");
  checkNoObjects(env, what);
  if (state.refs.some((r) => r.kind === "irq")) inside("bpf_local_irq_save");
  if (state.rcuDepth > 0) inside("bpf_rcu_read_lock");
  if (state.preemptDepth > 0) inside("bpf_preempt_disable");
}

function checkNoObjects(env: Env, what: string): void {
  const lines = leaks(env);
  if (lines.length > 0) env.reject("EINVAL", ...lines, `${what} would lead to reference leak`);
}
