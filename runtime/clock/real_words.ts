// The words of a world's real clock: where they lie in its memory and who stores them. Every thread that takes part
// makes its own views of them. Decides nothing.
import {
  CLOCK_ACK,
  CLOCK_AHEAD,
  CLOCK_ASLEEP,
  CLOCK_CTL,
  CLOCK_NOW,
  CLOCK_SEQ,
  CLOCK_STATE,
  CLOCK_WANTED,
  CPU_MONOTONIC,
  CPU_OWNER,
  CPU_REALTIME,
  CPU_TIMER_DUE,
  CPU_TIMERS,
  WORLD_STOP,
} from "../memory/layout.ts";

/** Offsets in the block of a sleep that is not for timers. */
export const TICK_ASLEEP = 0; // u64
export const TICK_DUE = 8; // u64
export const TICK_SEQ = 16; // u32
export const TICK_NOW = 24; // u64
export const TICK_BLOCK_SIZE = 64;

export const LOOP_STARTING = 0;
export const LOOP_RUNS = 1;
export const LOOP_ENDED = 2;

/** No deadline. */
export const NEVER = 0xffff_ffff_ffff_ffffn;

export interface ClockPlace {
  readonly memory: WebAssembly.Memory;
  /** addresses of the CPU blocks */
  readonly cpus: readonly number[];
  /** address of the clock's block */
  readonly block: number;
  /** REALTIME less MONOTONIC, constant for the world's life */
  readonly ahead: bigint;
}

/** CLOCK_MONOTONIC; the addon's clock and Node's are the same. */
export const clockNs = (): bigint => process.hrtime.bigint();

/** Views of a place, on one thread. Memory may grow meanwhile: these words stay where they are. */
export class ClockWords {
  readonly bytes: Uint8Array;
  readonly u32: Int32Array;
  readonly u64: BigUint64Array;
  readonly asleep: number;
  readonly seq: number;
  readonly now: number;
  readonly ctl: number;
  readonly ack: number;
  readonly state: number;
  readonly wanted: number;
  readonly stop = WORLD_STOP / 4;
  /** of each CPU, indices of its words */
  readonly due: readonly number[];
  readonly owner: readonly number[];
  readonly armed: readonly number[];

  constructor(readonly place: ClockPlace) {
    const { buffer } = place.memory;
    this.bytes = new Uint8Array(buffer);
    this.u32 = new Int32Array(buffer);
    this.u64 = new BigUint64Array(buffer, 0, buffer.byteLength >> 3);
    const word = (off: number) => (place.block + off) / 4;
    const long = (off: number) => (place.block + off) / 8;
    this.asleep = long(CLOCK_ASLEEP);
    this.seq = word(CLOCK_SEQ);
    this.now = long(CLOCK_NOW);
    this.u64[long(CLOCK_AHEAD)] = place.ahead;
    this.ctl = word(CLOCK_CTL);
    this.ack = word(CLOCK_ACK);
    this.state = word(CLOCK_STATE);
    this.wanted = word(CLOCK_WANTED);
    this.due = place.cpus.map((cpu) => (cpu + CPU_TIMER_DUE) / 8);
    this.owner = place.cpus.map((cpu) => (cpu + CPU_OWNER) / 4);
    this.armed = place.cpus.map((cpu) => (cpu + CPU_TIMERS) / 4);
  }

  /** Earliest deadline of all CPUs, or of those but one. */
  earliest(but = -1): bigint {
    let first = NEVER;
    for (let i = 0; i < this.due.length; i++) {
      const due = Atomics.load(this.u64, this.due[i] ?? 0);
      if (due < first && i !== but) first = due;
    }
    return first;
  }

  dueOf(index: number): bigint {
    return Atomics.load(this.u64, this.due[index] ?? 0);
  }

  get stopping(): boolean {
    return Atomics.load(this.u32, this.stop) !== 0;
  }

  /** The clocks a program on this CPU reads. By its owner. */
  stamp(index: number, now: bigint): void {
    const cpu = this.place.cpus[index] ?? 0;
    this.u64[(cpu + CPU_MONOTONIC) / 8] = now;
    this.u64[(cpu + CPU_REALTIME) / 8] = now + this.place.ahead;
  }
}
