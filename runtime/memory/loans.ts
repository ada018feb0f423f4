// Pieces of a world's memory that one run borrows and gives back together when it ends.
import type { World } from "./world.ts";

export class Loans {
  readonly #world: World;
  readonly #pieces: { readonly addr: number; readonly size: number }[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** As world.borrow: not zeroed. */
  take(size: number): number {
    const addr = this.#world.borrow(size);
    this.#pieces.push({ addr, size });
    return addr;
  }

  end(): void {
    for (const { addr, size } of this.#pieces.splice(0)) this.#world.giveBack(addr, size);
  }
}
