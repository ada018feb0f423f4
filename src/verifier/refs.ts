// Things a path must give back before it ends: taking them, giving them back, and what becomes of the values that
// were derived from them. Which calls take and give is said elsewhere.
import type { Env } from "./env.ts";
import { UNKNOWN } from "./regs.ts";
import { StackSlot } from "./stack.ts";
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

/** Gives the object back: every value derived from it is from now on just a number. False if it is not held. */
export function releaseRef(env: Env, id: number): boolean {
  if (!forgetRef(env.state, id)) return false;
  mapRegs(
    env.state,
    (r) => (r.refId === id ? UNKNOWN : r),
    (slot, r) => new StackSlot(slot.bytes, r),
  );
  return true;
}

/** Nothing may be held where a program ends or leaves for good (bpf_check's check_reference_leak). */
export function checkNoRefs(env: Env): void {
  const leaks = env.state.refs.filter((r) => r.kind === "ptr");
  if (leaks.length === 0) return;
  env.reject("EINVAL", ...leaks.map((r) => `Unreleased reference id=${r.id} alloc_insn=${r.pc}`));
}
