// What any call leaves behind, whatever it calls: the argument registers are gone, and packet pointers with them
// where the packet may have moved.
import type { Env } from "../env.ts";
import { afterwards } from "./privileges.ts";
import { NOT_INIT, PKT_SLICE, isPktAny } from "./regs.ts";
import { mapRegs } from "./state.ts";

export function clearCallerSaved(env: Env): void {
  for (let i = 0; i <= 5; i++) env.setReg(i, NOT_INIT);
}

/** Packet pointers die. */
export function killPktPointers(env: Env): void {
  const gone = afterwards(env);
  mapRegs(env.state, (r) => (isPktAny(r) || (r.kind === "mem" && r.is(PKT_SLICE)) ? gone : r));
}

/** The dynptr is gone: nothing points into its data any more. Slices of a packet stay, and go with the packet. */
export function killSlices(env: Env, dynptrId: number): void {
  const gone = afterwards(env);
  mapRegs(env.state, (r) => (r.kind === "mem" && r.dynptrId === dynptrId && !r.is(PKT_SLICE) ? gone : r));
}
