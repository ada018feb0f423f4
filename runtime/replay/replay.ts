// The main job: a program over captures. Sets the walker up, calls it chunk by chunk, empties its buffers, and
// lets the event loop breathe in between. Which file anything goes to is the caller's business.
import type { PacketSource } from "../../src/pcap/index.ts";
import { setWalkBuffers, setWalkFrames, walkStats } from "../cpu/walk_words.ts";
import type { EngineProg } from "../engine/engine.ts";
import { trapped } from "../engine/trap.ts";
import type { Events } from "../events/events.ts";
import {
  CPU_STAT_PACKETS,
  CPU_WALK_OUT_POS,
  CPU_WALK_REASON,
  CPU_WALK_ROWS_POS,
  FRAME_ADDR,
  FRAME_ERRNO,
  FRAME_LEN,
  FRAME_TS,
  ROW_SIZE,
  WALK_CPUS,
  WALK_DONE,
  WALK_STOPPED,
  WALK_STORM,
  WALK_TIMERS,
  WORLD_STOPPED,
} from "../memory/layout.ts";
import type { Pace } from "../clock/real_pace.ts";
import { stormError } from "../clock/virtual.ts";
import type { Host } from "../host/host.ts";
import { Loans } from "../memory/loans.ts";
import type { World } from "../memory/world.ts";
import { Feed } from "./feed.ts";
import { type PacketResult, type RowContext, decodeResult } from "./result.ts";
import { walkFlags } from "../cpu/walk_flags.ts";

const ROWS_CAP = 1 << 14;
const OUT_BYTES = 4 << 20;
/** Packets a call of the walker takes at most: some milliseconds, after which V8 can swap in better code. */
const BUDGET = 1 << 18;
/** How long the event loop may be kept waiting. */
const BREATH_MS = 20;

export interface ReplayOptions {
  readonly limit: number;
  readonly repeat: number;
  /** called for every packet, in order */
  readonly onPacket?: (result: PacketResult) => void;
  /** pcap records (header and bytes) of the frames that left, ready to be appended to a capture file */
  readonly onFrames?: (records: Uint8Array) => void;
  /** bit n: frames of verdict class n go to onFrames */
  readonly outMask?: number;
  /** frames go to onFrames whole, also where the program said how much of them to keep */
  readonly outWhole?: boolean;
  /** timestamps of records in nanoseconds, not microseconds */
  readonly outNanoseconds?: boolean;
  readonly onProgress?: (done: {
    packets: number;
    bytesRead: number;
    totalBytes: number | undefined;
    elapsedNs: bigint;
  }) => void;
  /** lines about captures that can only partly be run */
  readonly onWarning?: (line: string) => void;
  /** on the real clock: when which packet is due */
  readonly pace?: Pace;
}

/** The capture's first packet as it came; no bytes when it cannot be run. */
export interface FirstFrame {
  readonly data: Uint8Array;
  readonly ts: bigint;
}

export interface ReplayStats {
  readonly packets: number;
  readonly errors: number;
  /** of the packets as they came */
  readonly bytes: bigint;
  /** by verdict class */
  readonly verdicts: readonly number[];
  /** spent in the walker */
  readonly elapsedNs: bigint;
  /** the stop word ended the run */
  readonly stopped: boolean;
}

export class Replay {
  readonly #host: Host;
  readonly #world: World;
  readonly #loans: Loans;
  readonly #prog: EngineProg;
  readonly #events: Events;
  readonly #rows: RowContext;
  readonly #options: ReplayOptions;
  readonly #cpu: number;
  #rowsAddr = 0;
  #outAddr = 0;
  #elapsedNs = 0n;
  #lastBreath = performance.now();

  constructor(host: Host, prog: EngineProg, events: Events, rows: RowContext, options: ReplayOptions) {
    this.#host = host;
    this.#world = host.world;
    this.#loans = new Loans(host.world);
    this.#prog = prog;
    this.#events = events;
    this.#rows = rows;
    this.#options = options;
    this.#cpu = host.world.cpu(0);
  }

  /** Runs all packets, or those before the stop word. `before` is given a copy of the first frame first. */
  async run(source: PacketSource, before?: (first: FirstFrame | undefined) => void): Promise<ReplayStats> {
    const feed = new Feed(this.#world, source, this.#options);
    try {
      return await this.#runFeed(feed, before);
    } finally {
      feed.close();
      this.#loans.end();
    }
  }

  async #runFeed(feed: Feed, before?: (first: FirstFrame | undefined) => void): Promise<ReplayStats> {
    const { pace } = this.#options;
    const flags =
      walkFlags(this.#prog.verified, this.#options) |
      (this.#world.ncpus > 1 ? WALK_CPUS : 0) |
      (this.#host.hasTimers ? WALK_TIMERS : 0);
    const chunks = feed.chunks();
    let next = chunks.next();
    before?.(next.done === true ? undefined : firstFrame(this.#world, next.value.frames));
    this.#setUpBuffers(); // after what runs before: that used the same words
    let stopped = this.#world.stopping;
    for (; next.done !== true && !stopped; next = chunks.next()) {
      setWalkFrames(this.#world.view, this.#cpu, next.value);
      let reason: number;
      do {
        const budget = pace === undefined ? BUDGET : await pace.nextFrames(() => this.#progress(feed));
        reason = budget === 0 ? WALK_STOPPED : this.#host.exclusive(() => this.#walk(flags, budget));
        this.#drain();
        if (reason === WALK_STORM) throw stormError(this.#host);
        if (await this.#breathe(feed)) reason = WALK_STOPPED;
      } while (reason !== WALK_DONE && reason !== WALK_STOPPED);
      stopped = reason === WALK_STOPPED;
    }
    for (const line of feed.warnings) this.#options.onWarning?.(line);
    return this.#stats(stopped);
  }

  #setUpBuffers(): void {
    if (this.#options.onPacket !== undefined) this.#rowsAddr = this.#loans.take(ROWS_CAP * ROW_SIZE);
    if (this.#options.onFrames !== undefined) this.#outAddr = this.#loans.take(OUT_BYTES);
    setWalkBuffers(this.#world.view, this.#cpu, {
      rows: this.#rowsAddr,
      rowsCap: ROWS_CAP,
      out: this.#outAddr,
      outSize: OUT_BYTES,
      outMask: this.#options.outMask ?? 0,
    });
  }

  #walk(flags: number, budget: number): number {
    const start = process.hrtime.bigint();
    try {
      this.#prog.walk(this.#cpu, flags, budget);
    } catch (cause) {
      if (this.#world.view.getUint32(WORLD_STOPPED, true) !== 0) return WALK_STOPPED;
      throw trapped(this.#prog, cause);
    } finally {
      this.#elapsedNs += process.hrtime.bigint() - start;
      this.#events.drainAll();
    }
    return this.#world.view.getUint32(this.#cpu + CPU_WALK_REASON, true);
  }

  #drain(): void {
    const { view } = this.#world;
    const { onPacket, onFrames } = this.#options;
    if (onFrames !== undefined) {
      const used = view.getUint32(this.#cpu + CPU_WALK_OUT_POS, true);
      if (used > 0) onFrames(this.#world.bytes.subarray(this.#outAddr, this.#outAddr + used));
      view.setUint32(this.#cpu + CPU_WALK_OUT_POS, 0, true);
    }
    if (onPacket !== undefined) {
      const rows = view.getUint32(this.#cpu + CPU_WALK_ROWS_POS, true);
      for (let i = 0; i < rows; i++) onPacket(decodeResult(view, this.#rowsAddr + i * ROW_SIZE, this.#rows));
      view.setUint32(this.#cpu + CPU_WALK_ROWS_POS, 0, true);
    }
  }

  /** Lets timers, signals and I/O of the process run now and then; true when a stop was asked for meanwhile. */
  async #breathe(feed: Feed): Promise<boolean> {
    if (performance.now() - this.#lastBreath > BREATH_MS) {
      this.#progress(feed);
      await new Promise((resolve) => setImmediate(resolve));
      this.#lastBreath = performance.now();
    }
    return this.#world.stopping;
  }

  #progress(feed: Feed): void {
    this.#options.onProgress?.({
      packets: Number(this.#world.view.getBigUint64(this.#cpu + CPU_STAT_PACKETS, true)),
      bytesRead: feed.bytesRead,
      totalBytes: feed.totalBytes,
      elapsedNs: this.#elapsedNs,
    });
  }

  #stats(stopped: boolean): ReplayStats {
    const { view } = this.#world;
    const counted = walkStats(this.#rows.verdicts.length, (off) => view.getBigUint64(this.#cpu + off, true));
    return { ...counted, elapsedNs: this.#elapsedNs, stopped };
  }
}

/** A copy of the frame of the first descriptor. */
export function firstFrame({ view, bytes }: World, frames: number): FirstFrame {
  const addr = view.getUint32(frames + FRAME_ADDR, true);
  const len = view.getUint32(frames + FRAME_ERRNO, true) === 0 ? view.getUint32(frames + FRAME_LEN, true) : 0;
  return { data: bytes.slice(addr, addr + len), ts: view.getBigUint64(frames + FRAME_TS, true) };
}
