// The pace of a capture on the real clock: which packet is due when, and the wait for it.
import {
  CPU_WALK_COUNT,
  CPU_WALK_FRAMES,
  CPU_WALK_POS,
  CPU_WALK_ROUND,
  CPU_WALK_ROUND_NS,
  CPU_WALK_TS_OFFSET,
  FRAME_DESC_SIZE,
  FRAME_TS,
} from "../memory/layout.ts";
import type { World } from "../memory/world.ts";
import type { RealClock } from "./real.ts";
import type { Sleeper } from "./real_sleep.ts";
import { clockNs } from "./real_words.ts";

/** The last stretch before a packet is waited for on this thread: a turn of the event loop is not that exact. */
const BLOCK_NS = 1_500_000n;
/** Packets of one walk: callbacks that are due meanwhile wait for its end. */
const MOST_FRAMES = 64;
/** So often progress is shown and a failure of the clock is seen. */
const TURN_NS = 100_000_000n;

export class Pace {
  readonly #world: World;
  readonly #sleeper: Sleeper;
  readonly #speed: number;
  #start: bigint | undefined;
  #firstTs = 0n;
  #lastTs = 0n;

  /** `speed` 2: twice as fast as it was recorded. */
  constructor(world: World, clock: RealClock, speed: number) {
    this.#world = world;
    this.#sleeper = clock.ticker("adaptive");
    this.#speed = speed;
  }

  /** When a packet of this timestamp is due, ns of the clock. Time never goes back, whatever the capture says. */
  #dueAt(ts: bigint): bigint {
    if (this.#start === undefined) {
      this.#start = clockNs();
      this.#firstTs = ts;
    }
    if (ts > this.#lastTs) this.#lastTs = ts;
    const since = Number(this.#lastTs - this.#firstTs);
    return this.#start + BigInt(Math.max(0, Math.round(since / this.#speed)));
  }

  /** How many of the walker's next frames are due, once one is; 0 where the stop word ended the wait. */
  async nextFrames(onTurn: () => void): Promise<number> {
    const { view } = this.#world;
    const cpu = this.#world.cpu(0);
    const u32 = (off: number) => view.getUint32(cpu + off, true);
    const u64 = (off: number) => view.getBigUint64(cpu + off, true);
    const left = u32(CPU_WALK_COUNT) - u32(CPU_WALK_POS);
    if (left <= 0) return MOST_FRAMES; // the walker goes to its next round, or says that it is done
    const first = u32(CPU_WALK_FRAMES) + u32(CPU_WALK_POS) * FRAME_DESC_SIZE;
    const offset = u64(CPU_WALK_TS_OFFSET) + BigInt(u32(CPU_WALK_ROUND)) * u64(CPU_WALK_ROUND_NS);
    const tsOf = (n: number) => view.getBigUint64(first + n * FRAME_DESC_SIZE + FRAME_TS, true) + offset;
    if (!(await this.sleepUntil(this.#dueAt(tsOf(0)), onTurn))) return 0;
    const now = clockNs();
    let due = 1;
    while (due < Math.min(left, MOST_FRAMES) && this.#dueAt(tsOf(due)) <= now) due++;
    return due;
  }

  /** False where the stop word ended it. */
  async sleepUntil(at: bigint, onTurn: () => void): Promise<boolean> {
    for (let now = clockNs(); at - now > BLOCK_NS; now = clockNs()) {
      const next = at - BLOCK_NS;
      if ((await this.#sleeper.waitAsync(next - now > TURN_NS ? now + TURN_NS : next)) === "stopped")
        return false;
      onTurn();
    }
    return this.#sleeper.wait(at) !== "stopped";
  }

  close(): void {
    this.#sleeper.close();
  }
}
