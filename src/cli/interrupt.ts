// Ctrl-C while a run goes on: the first ends it through the world's stop word, a later one ends the process.
import { World } from "../../runtime/memory/world.ts";
import { stopWorldOnSignal } from "../../runtime/cpu/stop.ts";
import { EXIT } from "./command.ts";

/** A signal to a whole process group can arrive twice: what comes this soon is the same Ctrl-C. */
const SAME_MS = 1000;

export class Interrupt {
  interrupted = false;
  readonly #uninstallNative: () => boolean;
  readonly #onSignal: () => void;

  /** `stop` ends a run that is in no world. */
  constructor(world: World | { stop(): void }) {
    let first = Number.POSITIVE_INFINITY;
    this.#onSignal = () => {
      if (performance.now() - first > SAME_MS) process.exit(EXIT.interrupted);
      first = Math.min(first, performance.now());
      this.interrupted = true;
      world.stop();
    };
    // The listener first: the native handler calls the one it finds.
    process.on("SIGINT", this.#onSignal);
    this.#uninstallNative = world instanceof World ? stopWorldOnSignal(world) : () => false;
  }

  /** Puts the process's own way with Ctrl-C back. */
  uninstall(): void {
    // The run may end before the listener had its turn: the native handler knows all the same.
    if (this.#uninstallNative()) this.interrupted = true;
    process.off("SIGINT", this.#onSignal);
  }
}

export const stopOnInterrupt = (world: World | { stop(): void }): Interrupt => new Interrupt(world);
