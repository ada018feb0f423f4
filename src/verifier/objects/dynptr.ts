// Dynptrs: two slots of the stack that a call fills and the program may only hand to calls. Where they are made, found,
// given back and overwritten, and what becomes of the slices of their data. Which calls do what is said elsewhere.
import { killSlices } from "../state/call_effects.ts";
import { checkMayOverwrite, clearPair, destroyDynptr, dynptrAt } from "../stack/dynptr_slots.ts";
import type { Env } from "../env.ts";
import { acquireRef, releaseRef } from "../state/refs.ts";
import { RegState } from "../state/regs.ts";
import { Scalar } from "../scalar/scalar.ts";
import { checkStackBounds, growStack } from "../stack/bounds.ts";
import { type DynptrType, objectSlot } from "../state/stack.ts";
import { noteSlotRead, noteSlotWrite } from "../stack/live.ts";
import { objectPlace, type ObjectPlace } from "../stack/place.ts";

const SLOTS = 2;

/** What `dynptr_ptr` registers say in `aux`. */
const DYNPTR_TYPES: readonly DynptrType[] = ["local", "ringbuf", "skb", "xdp", "skb_meta", "file"];

/** Dynptrs of packet bytes, which a write may move. */
export const PACKETS: ReadonlySet<DynptrType> = new Set<DynptrType>(["skb", "xdp", "skb_meta"]);

/** A dynptr that is there. */
export interface FoundDynptr {
  readonly id: number;
  readonly type: DynptrType;
  readonly refId: number;
  /** undefined: the program was only lent it */
  readonly place: ObjectPlace | undefined;
}

/** The dynptr that begins where the register points. */
export function dynptrOf(env: Env, regno: number): FoundDynptr | undefined {
  const reg = env.regs[regno] as RegState;
  if (reg.kind === "dynptr_ptr")
    return { id: reg.id, type: DYNPTR_TYPES[reg.aux] as DynptrType, refId: reg.refId, place: undefined };
  const place = objectPlace(env, regno, "dynptr", SLOTS);
  if (place === undefined) return undefined;
  const first = dynptrAt(place.frame, place.spi);
  const second = dynptrAt(place.frame, place.spi - 1);
  if (first?.first !== true || second === undefined || second.first || second.id !== first.id)
    return undefined;
  return { id: first.id, type: first.type, refId: first.refId, place };
}

export function checkDynptr(env: Env, regno: number, type: DynptrType | undefined): FoundDynptr {
  const found = dynptrOf(env, regno);
  if (found === undefined) env.reject("EINVAL", `Expected an initialized dynptr as arg #${regno - 1}`);
  if (type !== undefined && found.type !== type)
    env.reject("EINVAL", `Expected a dynptr of type ${type} as arg #${regno - 1}`);
  return found;
}

/** Whether what lies in the slot must be given back, be it a dynptr or not. */
function isHeld({ frame, spi }: ObjectPlace): boolean {
  const { object, spilled } = frame.slot(spi);
  return (object ?? spilled)?.refId !== undefined && (object ?? spilled)?.refId !== 0;
}

/** One that the call gives back. */
export function checkDynptrRelease(env: Env, regno: number, type: DynptrType | undefined): FoundDynptr {
  const reg = env.regs[regno] as RegState;
  if (reg.kind === "dynptr_ptr") env.reject("EINVAL", "cannot release unowned const bpf_dynptr");
  const place = objectPlace(env, regno, "dynptr", SLOTS);
  if (place === undefined || !isHeld(place)) env.reject("EINVAL", `arg ${regno} is an unacquired reference`);
  return checkDynptr(env, regno, type);
}

/** A place for a new one. */
export function checkNewDynptr(env: Env, regno: number): ObjectPlace {
  const reg = env.regs[regno] as RegState;
  const place = reg.kind === "fp" ? objectPlace(env, regno, "dynptr", SLOTS) : undefined;
  if (place === undefined) env.reject("EINVAL", "Dynptr has to be an uninitialized dynptr");
  for (let i = 0; i < SLOTS; i++) checkStackBounds(env, regno, i * 8, 8, true);
  checkMayOverwrite(env, place.frame, place.spi - 1, place.spi);
  return place;
}

/** `refId`: the reference that a clone shares; 0 = none. Made anew where the type needs one. */
export function stepNewDynptr(env: Env, { frame, spi }: ObjectPlace, type: DynptrType, refId: number): void {
  growStack(env, frame, -(spi + 1) * 8);
  destroyDynptr(env, frame, spi);
  destroyDynptr(env, frame, spi - 1);
  const id = env.newId();
  const held = type === "ringbuf" && refId === 0 ? acquireRef(env) : refId;
  const part = { kind: "dynptr", type, id, refId: held, rdonly: false, parentId: 0 } as const;
  env.stackObjects = true;
  frame.setSlot(spi, objectSlot({ ...part, first: true }));
  frame.setSlot(spi - 1, objectSlot({ ...part, first: false }));
  for (const slot of [spi, spi - 1]) {
    env.scratchSlot(slot);
    noteSlotWrite(env, frame.frameno, slot);
  }
}

/** Given back: it, its clones, and all that was derived from them. */
export function stepDynptrRelease(env: Env, { refId }: FoundDynptr): void {
  releaseRef(env, refId);
  for (const frame of env.state.frames)
    for (let spi = 1; spi < frame.stack.length; spi++) {
      const object = dynptrAt(frame, spi);
      if (object?.first !== true || object.refId !== refId) continue;
      killSlices(env, object.id);
      clearPair(env, frame, spi);
    }
}

export function stepDynptrRead(env: Env, { place }: FoundDynptr): void {
  if (place === undefined) return;
  for (const spi of [place.spi, place.spi - 1]) {
    noteSlotRead(env, place.frame.frameno, spi);
    env.scratchSlot(spi);
  }
}

/** One that a function is given and may not give back or change. */
export function lentDynptr(env: Env): RegState {
  return new RegState("dynptr_ptr", 0, Scalar.zero, env.newId(), DYNPTR_TYPES.indexOf("local"), 0);
}
