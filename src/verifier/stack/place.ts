// Where on the stack a pointer says an object of whole slots lies: dynptrs, iterators, saved irq flags.
import type { Env } from "../env.ts";
import type { RegState } from "../state/regs.ts";
import type { Frame } from "../state/state.ts";

export interface ObjectPlace {
  readonly frame: Frame;
  /** the slot at the lowest address: the others have lower numbers */
  readonly spi: number;
}

/** Undefined where no object can lie; the log says why. */
export function objectPlace(
  env: Env,
  regno: number,
  what: "dynptr" | "iter" | "irq_flag",
  slots: number,
): ObjectPlace | undefined {
  const reg = env.regs[regno] as RegState;
  if (!reg.s.isConst) {
    env.say(`${what} has to be at a constant offset`);
    return undefined;
  }
  const off = reg.off + reg.s.constNum;
  const spi = Math.trunc((-off - 1) / 8);
  // The kernel rounds -1 / 8 up to slot 0, so that it takes what lies above the frame for its first slot.
  if (off % 8 !== 0 || off >= 0 || spi + 1 < slots) {
    env.say(`cannot pass in ${what} at an offset=${off}`);
    return undefined;
  }
  return { frame: env.state.frames[reg.aux] as Frame, spi };
}
