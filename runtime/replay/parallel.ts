// A run with a thread for each CPU: frames are dealt out by flow, all CPUs walk their shares at once, and when
// all have stopped their buffers are emptied and put in the order of the capture. Same results as the run on one
// thread, but for what programs make of the order in which packets of different CPUs come.
import type { PacketSource } from "../../src/pcap/index.ts";
import { CpuThreads, type ThreadFailure } from "../cpu/threads.ts";
import { setWalkFrames, walkStats } from "../cpu/walk_words.ts";
import { walkTurn } from "../cpu/worker_walk.ts";
import type { EngineProg } from "../engine/engine.ts";
import { trapped } from "../engine/trap.ts";
import { type Events, NO_PACKET } from "../events/events.ts";
import {
  CPU_EVENTS,
  CPU_EVENTS_TAIL,
  CPU_REALTIME,
  CPU_STAT_PACKETS,
  CPU_WALK_PACKET,
  CPU_WALK_REASON,
  EV_CPU,
  EV_PACKET,
  EV_SIZE,
  FRAME_DESC_SIZE,
  FRAME_TS,
  WALK_BUDGET,
  WALK_DONE,
  WALK_EVENTS,
  WALK_EVENTS_FULL,
  WALK_OUT_FULL,
  WALK_ROWS,
  WALK_ROWS_FULL,
  WALK_STOPPED,
  WALK_STORM,
  WALK_TIMERS,
} from "../memory/layout.ts";
import { stormError } from "../clock/virtual.ts";
import type { Host } from "../host/host.ts";
import { Loans } from "../memory/loans.ts";
import type { World } from "../memory/world.ts";
import { Feed } from "./feed.ts";
import { type FirstFrame, type ReplayOptions, type ReplayStats, firstFrame } from "./replay.ts";
import { walkFlags } from "../cpu/walk_flags.ts";
import { ROWS_CAP, RowMerge } from "./parallel_rows.ts";
import { Dealer, type Group, type Shares, grouped } from "./parallel_shares.ts";
import type { RowContext } from "./result.ts";

/** How long the event loop may be kept waiting. */
const BREATH_MS = 20;

/** Reasons after which a CPU goes on as soon as its buffers are empty. */
const GOES_ON = new Set([WALK_ROWS_FULL, WALK_OUT_FULL, WALK_EVENTS_FULL]);

interface Crew {
  readonly feed: Feed;
  readonly threads: CpuThreads;
}

/** A part of the run that all CPUs do at once: some rounds of a group of chunks. */
interface Section {
  readonly shares: Shares;
  readonly rounds: number;
  /** number of its first packet in the run */
  readonly first: number;
}

export class ParallelReplay {
  readonly #host: Host;
  readonly #world: World;
  readonly #loans: Loans;
  readonly #prog: EngineProg;
  readonly #events: Events;
  readonly #options: ReplayOptions;
  readonly #rows: RowContext;
  readonly #merge: RowMerge;
  readonly #dealer: Dealer;
  readonly #flags: number;
  /** Parts of the run are short: rows of a long one would be too many, and the clocks of CPUs with timers too far apart. */
  readonly #short: boolean;
  #packets = 0;
  #elapsedNs = 0n;
  #lastBreath = performance.now();

  constructor(host: Host, prog: EngineProg, events: Events, rows: RowContext, options: ReplayOptions) {
    this.#host = host;
    this.#world = host.world;
    this.#loans = new Loans(host.world);
    this.#prog = prog;
    this.#events = events;
    this.#options = options;
    this.#rows = rows;
    this.#merge = new RowMerge(host.world, this.#loans, options, rows);
    this.#dealer = new Dealer(host.world, this.#loans);
    this.#short = this.#merge.wanted || host.hasTimers;
    // The order of packets is put back by their rows.
    this.#flags =
      walkFlags(prog.verified, options) |
      (this.#merge.wanted ? WALK_ROWS : 0) |
      (host.hasTimers ? WALK_TIMERS : 0);
  }

  /** Runs all packets, or those before the stop word. `before` is given a copy of the first frame first. */
  async run(source: PacketSource, before?: (first: FirstFrame | undefined) => void): Promise<ReplayStats> {
    const feed = new Feed(this.#world, source, this.#options);
    let threads: CpuThreads | undefined;
    try {
      const groups = grouped(feed.chunks(), !this.#short);
      const first = groups.next();
      const frames = first.done === true ? undefined : first.value.chunks[0]?.frames;
      before?.(frames === undefined ? undefined : firstFrame(this.#world, frames));
      this.#merge.setUpBuffers(); // after what runs before: that used the same words
      // Whatever program lies in a map or a timer by now, every thread has it before its first packet.
      threads = await CpuThreads.start(
        this.#world,
        this.#loans,
        [...this.#host.progs].map((p) => p.engine),
      );
      const crew = { feed, threads };
      if (frames !== undefined) this.#startClock(frames);
      let stopped = this.#world.stopping;
      for (let next = first; next.done !== true && !stopped; next = groups.next())
        stopped = await this.#runGroup(crew, next.value);
      for (const line of feed.warnings) this.#options.onWarning?.(line);
      this.#alignClocks();
      return this.#stats(stopped);
    } finally {
      await threads?.close();
      feed.close();
      this.#loans.end();
    }
  }

  /** The world's first timestamp is the capture's, whichever CPU is first. */
  #startClock(frames: number): void {
    this.#host.lib.clock_set(this.#world.cpu(0), this.#world.view.getBigUint64(frames + FRAME_TS, true));
  }

  /** True when the stop word ended it. Rows need room for every round of a section. */
  async #runGroup(crew: Crew, group: Group): Promise<boolean> {
    const shares = this.#dealer.deal(group);
    const step = this.#short ? Math.max(1, Math.floor(ROWS_CAP / group.count)) : group.rounds;
    for (let round = 0; round < group.rounds; round += step) {
      const rounds = Math.min(step, group.rounds - round);
      const section = { shares, rounds, first: this.#packets };
      this.#setUp(section, group.roundNs, group.tsOffset + BigInt(round) * group.roundNs);
      const stopped = await this.#runSection(crew, section);
      this.#merge.merge(shares, rounds, section.first);
      this.#packets += rounds * group.count;
      if (stopped) return true;
      if (this.#late) await this.#breathe(crew);
    }
    return this.#world.stopping;
  }

  #setUp({ shares, rounds }: Section, roundNs: bigint, tsOffset: bigint): void {
    const world = this.#world;
    const { view } = world;
    for (let i = 0; i < world.ncpus; i++) {
      const cpu = world.cpu(i);
      const from = shares.start[i] ?? 0;
      setWalkFrames(view, cpu, {
        frames: shares.frames + from * FRAME_DESC_SIZE,
        count: (shares.start[i + 1] ?? 0) - from,
        rounds,
        roundNs,
        tsOffset,
      });
      view.setBigUint64(cpu + CPU_WALK_PACKET, 0n, true); // within the share; renumber() makes the run's number of it
    }
  }

  /** All CPUs at once until each has done its share; true when the stop word ended it. */
  async #runSection(crew: Crew, section: Section): Promise<boolean> {
    const world = this.#world;
    let active = Array.from({ length: world.ncpus }, (_, i) => i).filter(
      (i) => section.shares.start[i] !== section.shares.start[i + 1],
    );
    while (active.length > 0) {
      await this.#walkAll(crew, active);
      this.#takeEvents(section, active);
      const reasons = active.map((i) => world.view.getUint32(world.cpu(i) + CPU_WALK_REASON, true));
      for (const [n, i] of active.entries()) this.#merge.take(i, GOES_ON.has(reasons[n] ?? WALK_DONE));
      if (reasons.includes(WALK_STOPPED) || world.stopping) return true;
      const storm = active[reasons.indexOf(WALK_STORM)];
      if (storm !== undefined) throw stormError(this.#host, storm);
      const odd = reasons.find((r) => r !== WALK_DONE && !GOES_ON.has(r));
      if (odd !== undefined) throw new Error(`a walker ended for reason ${odd}`);
      active = active.filter((_, n) => GOES_ON.has(reasons[n] ?? WALK_DONE));
    }
    return world.stopping;
  }

  /** One turn of these CPUs, each on its thread, the first one on this. */
  async #walkAll(crew: Crew, active: readonly number[]): Promise<void> {
    const { threads } = crew;
    const prog = this.#prog;
    const others = active.filter((i) => i !== 0);
    const start = process.hrtime.bigint();
    let own: unknown;
    try {
      for (const i of others) threads.walk(i, prog, this.#flags);
      if (active.includes(0)) own = await this.#walkOwn(crew);
    } finally {
      await threads.settle(BREATH_MS, () => this.#breathe(crew));
      this.#elapsedNs += process.hrtime.bigint() - start;
    }
    if (own !== undefined) throw trapped(prog, own);
    for (const i of others) {
      const failure = await threads.failure(i);
      if (failure !== undefined) throw trapped(prog, remoteError(failure));
    }
  }

  /** CPU 0's share; gives the error of a trap. */
  async #walkOwn(crew: Crew): Promise<unknown> {
    const world = this.#world;
    const cpu = world.cpu(0);
    let reason: number = WALK_BUDGET;
    while (reason === WALK_BUDGET) {
      try {
        reason = walkTurn(world.memory, this.#prog.walk, cpu, this.#flags);
      } catch (error) {
        return error;
      }
      if (reason === WALK_BUDGET && this.#late) await this.#breathe(crew);
    }
    world.view.setUint32(cpu + CPU_WALK_REASON, reason, true);
    return undefined;
  }

  /** While no CPU walks: the buffers of all of them, and what the ring buffers still hold. */
  #takeEvents(section: Section, active: readonly number[]): void {
    const sends = (this.#flags & WALK_EVENTS) !== 0;
    if (sends) for (const i of active) this.#renumber(section, i);
    this.#events.drain();
    for (let all = !sends; !all; ) {
      all = this.#host.lib.rings_read(this.#world.cpu(0)) !== 0;
      this.#renumber(section, 0);
      this.#events.drainCpu(0);
    }
  }

  /** Event records name a packet by its number within the CPU's share: theirs becomes that of the run. */
  #renumber({ shares, first }: Section, index: number): void {
    const { view } = this.#world;
    const cpu = this.#world.cpu(index);
    const start = view.getUint32(cpu + CPU_EVENTS, true);
    const end = start + view.getUint32(cpu + CPU_EVENTS_TAIL, true);
    for (let at = start; at < end; at += view.getUint32(at + EV_SIZE, true)) {
      const packet = view.getBigUint64(at + EV_PACKET, true);
      if (packet === NO_PACKET) continue;
      const on = view.getUint32(at + EV_CPU, true); // of ring buffers another one may have read it
      const from = shares.start[on] ?? 0;
      const count = (shares.start[on + 1] ?? 0) - from;
      const n = Number(packet);
      const i = first + Math.floor(n / count) * shares.count + (shares.place[from + (n % count)] ?? 0);
      view.setBigUint64(at + EV_PACKET, BigInt(i), true);
    }
  }

  get #late(): boolean {
    return performance.now() - this.#lastBreath > BREATH_MS;
  }

  /** Lets timers, signals and I/O of the process run. */
  async #breathe({ feed }: Crew): Promise<void> {
    this.#options.onProgress?.({
      packets: Number(this.#sum(CPU_STAT_PACKETS)),
      bytesRead: feed.bytesRead,
      totalBytes: feed.totalBytes,
      elapsedNs: this.#elapsedNs,
    });
    await new Promise((resolve) => setImmediate(resolve));
    this.#lastBreath = performance.now();
  }

  /** After the last packet it is as late on every CPU as on the latest. */
  #alignClocks(): void {
    const world = this.#world;
    let latest = 0n;
    for (let i = 0; i < world.ncpus; i++) {
      const now = world.view.getBigUint64(world.cpu(i) + CPU_REALTIME, true);
      if (now > latest) latest = now;
    }
    if (latest > 0n) this.#host.lib.clock_set(world.cpu(0), latest);
  }

  #sum(off: number): bigint {
    const world = this.#world;
    let sum = 0n;
    for (let i = 0; i < world.ncpus; i++) sum += world.view.getBigUint64(world.cpu(i) + off, true);
    return sum;
  }

  #stats(stopped: boolean): ReplayStats {
    return {
      ...walkStats(this.#rows.verdicts.length, (off) => this.#sum(off)),
      elapsedNs: this.#elapsedNs,
      stopped,
    };
  }
}

/** A thread's error as if it had been thrown here: its stack is what the insn is found by. */
function remoteError({ trap, message, stack }: ThreadFailure): Error {
  const error = trap ? new WebAssembly.RuntimeError(message) : new Error(message);
  error.stack = stack;
  return error;
}
