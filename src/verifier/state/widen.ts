// Loops that the verifier does not count out (callbacks, may_goto): what differs between two rounds and nothing
// depended on is forgotten, so that a later round is covered by an earlier one.
import type { Env } from "../env.ts";
import { ADD_CONST, type RegState, sameButId, UNKNOWN } from "./regs.ts";
import { respill } from "./stack.ts";
import type { VerifierState } from "./state.ts";

/** The latest checkpoint of this path at pc, in the same calls, that is still compared: the kernel knows no others. */
function previousAt(
  from: VerifierState | undefined,
  pc: number,
  like: VerifierState,
): VerifierState | undefined {
  for (let st = from; st !== undefined; st = st.parent) {
    if (st.pc !== pc || st.dropped || st.frames.length !== like.frames.length) continue;
    if (st.frames.every((f, i) => f.callsite === like.frames[i]?.callsite)) return st;
  }
  return undefined;
}

/** A number at a distance from others counts as linked with those at one only. */
const linkOf = ({ id, flags }: RegState): number => id && id + (flags & ADD_CONST) * 0x100000;

function widened(env: Env, old: RegState, cur: RegState, precise: boolean): RegState {
  if (old.kind !== "scalar" || cur.kind !== "scalar" || (precise && !env.exact)) return cur;
  return sameButId(old, cur) && env.ids.same(linkOf(old), linkOf(cur)) ? cur : UNKNOWN;
}

/** `from`: the checkpoint where the search for the round before begins. */
export function widenImprecise(
  env: Env,
  pc: number,
  st: VerifierState,
  from: VerifierState | undefined,
): void {
  const old = previousAt(from, pc, st);
  if (old === undefined) return;
  env.ids.restart(env.idGen);
  // the innermost first: of ids that cannot all be matched the earlier ones are
  for (const frame of st.frames.toReversed()) {
    const was = old.frames[frame.frameno];
    if (was === undefined) continue;
    for (let i = 0; i < 10; i++)
      frame.regs[i] = widened(
        env,
        was.regs[i] as RegState,
        frame.regs[i] as RegState,
        (was.preciseRegs & (1 << i)) !== 0,
      );
    const n = Math.min(frame.stack.length, was.stack.length);
    for (let spi = 0; spi < n; spi++) {
      const slot = frame.slot(spi);
      const before = was.slot(spi);
      if (slot.spilled === undefined || before.spilled === undefined) continue;
      const now = widened(env, before.spilled, slot.spilled, was.preciseSlots.has(spi));
      if (now !== slot.spilled) frame.setSlot(spi, respill(slot, now));
    }
  }
}
