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
  const { words, count } = cpus;
  for (let i = 0; i < count; i++) {
    // with one CPU it is known whose deadline it was
    if (count > 1 && words.dueOf(i) > clockNs()) continue;
    if (!cpus.tryAcquire(i) && !cpus.acquire(i, patience(cpus, i))) continue;
    try {
      cpus.runDue(i, TURN_NS);
    } finally {
      cpus.release(i);
    }
  }
  cpus.yieldToWaiters();
}

function patience({ words, count }: RealCpus, index: number): bigint {
  const end = clockNs() + PATIENCE_NS;
  const other = count === 1 ? NEVER : words.earliest(index);
  return other < end ? other : end;
}
