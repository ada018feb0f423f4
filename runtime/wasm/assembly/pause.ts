// Waiting for another thread: a bounded row of looks, then short sleeps, so that a holder that lost its core gets it back.
// Nothing here decides how long to wait; sleepers are not woken, they look again.
import * as L from "../../memory/layout";

const LOOKS: u32 = 100;
const NAP_NS: i64 = 20000;

/** Between two looks at the word at `addr` (4-aligned), which was `seen` at the last one; `looks` counts them. */
export function pause(looks: u32, addr: i32, seen: i32): void {
  if (looks > LOOKS) atomic.wait<i32>(addr, seen, NAP_NS);
}

/** Whether the world is being stopped: nobody may be left to wait for. */
@inline
export function stopping(): bool {
  return atomic.load<i32>(L.WORLD_STOP) != 0;
}
