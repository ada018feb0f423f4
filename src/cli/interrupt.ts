// Ctrl-C while a run goes on: the first ends it through the world's stop word, the second ends the process.
import type { World } from "../../runtime/memory/world.ts";
import { stopWorldOnSignal } from "../../runtime/cpu/stop.ts";
import { EXIT } from "./command.ts";

export class Interrupt {
  interrupted = false;
  readonly #uninstallNative: () => void;
  readonly #onSignal: () => void;

  constructor(world: World) {
    this.#onSignal = () => {
      if (this.interrupted) process.exit(EXIT.interrupted);
      this.interrupted = true;
      world.stop();
    };
    // The listener first: the native handler calls the one it finds.
    process.on("SIGINT", this.#onSignal);
    this.#uninstallNative = stopWorldOnSignal(world);
  }

  /** Puts the process's own way with Ctrl-C back. */
  uninstall(): void {
    this.#uninstallNative();
    process.off("SIGINT", this.#onSignal);
  }
}

export const stopOnInterrupt = (world: World): Interrupt => new Interrupt(world);
