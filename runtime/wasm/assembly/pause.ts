// Waiting for another thread: looks at a word with growing, bounded gaps in between, so that those who wait leave its cache
// line to the holder. Nothing here decides how long to wait. Not memory.atomic.wait32 with a short timeout, which would give
// the core away: in Node 20 the code around it in a loop lost its locals under load (a lock was released that was not held).
import * as L from "../../memory/layout";

const GAP_MOST: u32 = 256;

/** Between two looks; `looks` counts them. */
export function pause(looks: u32): void {
  // atomic, so that no optimiser takes the loop away
  for (let gap = min(looks, GAP_MOST); gap != 0; gap--) atomic.load<i32>(L.WORLD_MAGIC);
}

/** Whether the world is being stopped: nobody may be left to wait for. */
@inline
export function stopping(): bool {
  return atomic.load<i32>(L.WORLD_STOP) != 0;
}
