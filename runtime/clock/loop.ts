// The real clock's loop, on whatever thread: sleep until the earliest deadline, own that CPU, run what is due there.
// Decides the order of these steps; how a thread sleeps and owns is given to it.
import type { RealCpus } from "./real_cpu.ts";
import { NEVER, clockNs } from "./real_words.ts";

/** A loop that cannot have a CPU looks after this long whether it is told something meanwhile. */
const PATIENCE_NS = 10_000_000n;
/** Callbacks of one CPU before the others have a turn. */
const TURN_NS = 2_000_000n;

/**
 * Runs what is due on every CPU. A CPU that a program runs on is waited for, but no longer than to the next
 * deadline of another: its owner runs what is due when it leaves it.
 */
export function runDueCpus(cpus: RealCpus): void {
  const { words } = cpus;
  for (let i = 0; i < cpus.count; i++) {
    const now = clockNs();
    if (words.dueOf(i) > now) continue;
    const other = words.earliest(i);
    const patience = now + PATIENCE_NS;
    if (!cpus.acquire(i, cpus.count === 1 || other === NEVER || other > patience ? patience : other))
      continue;
    try {
      cpus.runDue(i, TURN_NS);
    } finally {
      cpus.release(i);
    }
  }
  cpus.yieldToWaiters();
}
