// The two slots a dynptr takes: which there are, and what becomes of it where the program or a call writes over them.
import { killSlices } from "../state/call_effects.ts";
import type { Env } from "../env.ts";
import { type Dynptr, EMPTY_SLOT } from "../state/stack.ts";
import { noteSlotWrite } from "./live.ts";
import type { Frame } from "../state/state.ts";

export function dynptrAt(frame: Frame, spi: number): Dynptr | undefined {
  const { object } = frame.slot(spi);
  return object?.kind === "dynptr" ? object : undefined;
}

/** Slots lo..hi are about to be written: no dynptr that must be given back lies there. */
export function checkMayOverwrite(env: Env, frame: Frame, lo: number, hi: number): void {
  if (!env.stackObjects) return;
  for (let spi = lo; spi <= hi; spi++)
    if (dynptrAt(frame, spi)?.type === "ringbuf") env.reject("EINVAL", "cannot overwrite referenced dynptr");
}

export function clearPair(env: Env, frame: Frame, first: number): void {
  for (const spi of [first, first - 1]) {
    frame.setSlot(spi, EMPTY_SLOT);
    env.scratchSlot(spi);
    noteSlotWrite(env, frame.frameno, spi);
  }
}

/** Part of it is written: all of it is gone, and so are the slices of its data. */
export function destroyDynptr(env: Env, frame: Frame, spi: number): void {
  const object = dynptrAt(frame, spi);
  if (object === undefined) return;
  clearPair(env, frame, object.first ? spi : spi + 1);
  killSlices(env, object.id);
}
