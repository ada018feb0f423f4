// A program's life: handles, pins, attachments hold it; so do timers whose callback is its code, by a count in
// shared memory. It keeps the maps it uses.
import type { ProgSpec } from "../../src/elf/object_spec.ts";
import type { VerifiedProg } from "../../src/verifier/proof.ts";
import type { EngineProg } from "../engine/engine.ts";
import type { LiveMap } from "./live_map.ts";

export class LiveProg {
  #refs = 0;

  constructor(
    /** 1 and up, of its host; what WORLD_FUNC_PROG says of its functions */
    readonly id: number,
    readonly spec: ProgSpec,
    readonly verified: VerifiedProg,
    readonly engine: EngineProg,
    readonly maps: readonly LiveMap[],
    /** references that timers hold */
    readonly timerRefs: () => number,
    /** called when nothing refers to it any more */
    readonly onFree: (prog: LiveProg) => void,
  ) {
    for (const map of maps) map.getProg();
  }

  get name(): string {
    return this.spec.name;
  }

  get referenced(): boolean {
    return this.#refs > 0 || this.timerRefs() > 0;
  }

  get(): void {
    this.#refs++;
  }

  put(): void {
    this.#refs--;
    this.freeIfUnused();
  }

  /** Timers drop their references without a word: whoever ran any asks again. */
  freeIfUnused(): void {
    if (this.referenced) return;
    for (const map of this.maps) map.putProg();
    this.onFree(this);
  }
}

/** An open handle of a program. */
export class BpfProg {
  #open = true;

  constructor(readonly live: LiveProg) {
    live.get();
  }

  get name(): string {
    return this.live.name;
  }
  get spec(): ProgSpec {
    return this.live.spec;
  }
  /** what the verifier proved of it */
  get verified(): VerifiedProg {
    return this.live.verified;
  }
  get engine(): EngineProg {
    return this.live.engine;
  }

  /** Gives the reference up; the program stays while it is pinned, attached or some timer's. Again is harmless. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.live.put();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
