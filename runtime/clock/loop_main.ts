// The real clock's loop on the main thread: a native thread (or a timer of Node's) waits, callbacks run between two
// turns of the event loop. For hosts whose callbacks must not run beside the caller's own code.
import { runDueCpus } from "./loop.ts";
import type { RealCpus } from "./real_cpu.ts";
import type { Sleeper } from "./real_sleep.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

export class MainLoop {
  readonly #cpus: RealCpus;
  readonly #sleeper: Sleeper;
  readonly #onTrap: (cause: Error) => void;
  readonly ended: Promise<void>;
  #open = true;
  #resume: (() => void) | undefined;

  constructor(cpus: RealCpus, sleeper: Sleeper, onTrap: (cause: Error) => void) {
    this.#cpus = cpus;
    this.#sleeper = sleeper;
    this.#onTrap = onTrap;
    this.ended = this.#run();
  }

  async #run(): Promise<void> {
    while (this.#open) {
      const why = await this.#sleeper.waitAsync();
      if (!this.#open || why === "closed") return;
      if (why === "stopped") await new Promise<void>((resolve) => (this.#resume = resolve));
      if (why !== "due") continue;
      try {
        runDueCpus(this.#cpus);
      } catch (cause) {
        this.#onTrap(cause as Error);
        return;
      }
      await turn(); // a callback that is always due again leaves room for others
    }
  }

  /** The stop word has been cleared. */
  look(): void {
    this.#resume?.();
    this.#resume = undefined;
    this.#sleeper.kick();
  }

  /** No callback runs after it. */
  close(): void {
    this.#open = false;
    this.#resume?.();
    this.#sleeper.close();
  }
}
