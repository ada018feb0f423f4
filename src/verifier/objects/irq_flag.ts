// Saved interrupt flags: one slot of the stack that a call fills and another empties again, the last one first.
import { checkMayOverwrite, destroyDynptr } from "../stack/dynptr_slots.ts";
import type { Env } from "../env.ts";
import type { PtrArg } from "../kfunc/arg_checks.ts";
import type { KfuncMeta } from "../kfunc/meta.ts";
import { BYTE_IRQ, byteAt, EMPTY_SLOT, objectSlot, type StackObject } from "../state/stack.ts";
import { checkStackBounds, growStack } from "../stack/bounds.ts";
import { noteSlotRead, noteSlotWrite } from "../stack/live.ts";
import { objectPlace, type ObjectPlace } from "../stack/place.ts";
import type { Ref } from "../state/state.ts";

type IrqFlag = Extract<StackObject, { kind: "irq" }>;

/** What a call does with the flags. */
export interface IrqCall {
  readonly place: ObjectPlace;
  readonly save: boolean;
  /** by calls made for it, not by those of a lock */
  readonly native: boolean;
}

/** Calls that save or restore. */
const CALLS: Readonly<Record<string, Pick<IrqCall, "save" | "native">>> = {
  bpf_local_irq_save: { save: true, native: true },
  bpf_local_irq_restore: { save: false, native: true },
  bpf_res_spin_lock_irqsave: { save: true, native: false },
  bpf_res_spin_unlock_irqrestore: { save: false, native: false },
};

function flagAt({ frame, spi }: ObjectPlace): IrqFlag | undefined {
  const { object } = frame.slot(spi);
  return object?.kind === "irq" ? object : undefined;
}

function lastSaved(env: Env): Ref | undefined {
  return env.state.refs.findLast((r) => r.kind === "irq");
}

function checkSave(env: Env, { i, regno }: PtrArg, place: ObjectPlace | undefined): ObjectPlace {
  const isFree = (at: ObjectPlace): boolean =>
    [0, 1, 2, 3, 4, 5, 6, 7].every((b) => byteAt(at.frame.slot(at.spi), b) !== BYTE_IRQ);
  if (place === undefined || !isFree(place))
    env.reject("EINVAL", `expected uninitialized irq flag as arg#${i}`);
  checkStackBounds(env, regno, 0, 8, true);
  checkMayOverwrite(env, place.frame, place.spi, place.spi);
  return place;
}

function checkRestore(env: Env, { i }: PtrArg, place: ObjectPlace | undefined, native: boolean): ObjectPlace {
  const flag = place === undefined ? undefined : flagAt(place);
  if (place === undefined || flag === undefined)
    env.reject("EINVAL", `expected an initialized irq flag as arg#${i}`);
  const word = (is: boolean): string => (is ? "native" : "lock");
  if (flag.native !== native)
    env.reject(
      "EINVAL",
      `irq flag acquired by ${word(flag.native)} kfuncs cannot be restored with ${word(native)} kfuncs`,
    );
  const last = lastSaved(env);
  if (last?.id !== flag.refId)
    env.reject(
      "EACCES",
      `cannot restore irq state out of order, expected id=${last?.id} acquired at insn_idx=${last?.pc}`,
    );
  return place;
}

export function checkIrqFlag(env: Env, arg: PtrArg, meta: KfuncMeta): void {
  const call = CALLS[meta.kfunc.name];
  if (call === undefined) throw new Error(`${meta.kfunc.name} takes irq flags`);
  if (arg.reg.kind !== "fp") env.reject("EINVAL", `arg#${arg.i} doesn't point to an irq flag on stack`);
  const at = objectPlace(env, arg.regno, "irq_flag", 1);
  const place = call.save ? checkSave(env, arg, at) : checkRestore(env, arg, at, call.native);
  meta.irq = { ...call, place };
}

export function stepIrqFlag(env: Env, { place, save, native }: IrqCall): void {
  const { frame, spi } = place;
  if (save) {
    growStack(env, frame, -(spi + 1) * 8);
    destroyDynptr(env, frame, spi);
    const refId = env.newId();
    env.state.addRef({ kind: "irq", id: refId, pc: env.pc });
    env.stackObjects = true;
    frame.setSlot(spi, objectSlot({ kind: "irq", refId, native }));
  } else {
    noteSlotRead(env, frame.frameno, spi);
    env.state.dropRef(lastSaved(env) as Ref);
    frame.setSlot(spi, EMPTY_SLOT);
  }
  noteSlotWrite(env, frame.frameno, spi);
  env.scratchSlot(spi);
}
