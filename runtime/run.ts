// Runs a loaded program over captures: prepares the context and the clock, runs the init program, replays, and
// gathers what came out.
import type { ProgTypeName } from "../src/spec/prog_types.ts";
import { BpfError } from "../src/spec/errors.ts";
import type { PacketSource } from "../src/pcap/index.ts";
import type { ShownEvents } from "./json/shown.ts";
import type { RealClock } from "./clock/real.ts";
import { Pace } from "./clock/real_pace.ts";
import { clockNs } from "./clock/real_words.ts";
import { type TimerStats, runTimers, timerStats } from "./clock/virtual.ts";
import type { Events } from "./events/events.ts";
import type { Host } from "./host/host.ts";
import type { BpfObject } from "./load/object.ts";
import { type CtxFields, setCtx } from "./cpu/ctx.ts";
import { ParallelReplay } from "./replay/parallel.ts";
import { type FirstFrame, Replay, type ReplayOptions, type ReplayStats } from "./replay/replay.ts";
import { runTypeOf } from "./cpu/walk_flags.ts";

export interface RunOptions extends Omit<Partial<ReplayOptions>, "limit" | "repeat"> {
  /** only the first so many packets of the captures */
  readonly limit?: number;
  /** the captures so many times over */
  readonly repeat?: number;
  /** a program of the same object, run once before the run on a copy of the first packet */
  readonly init?: string;
  /** on the real clock: how many times as fast as it was recorded; default 1 */
  readonly speed?: number;
  /** nanoseconds the clock goes on for after the last packet */
  readonly until?: bigint;
  /** fields of the context that differ from what the kernel's test run supplies */
  readonly ctx?: CtxFields;
  /** each simulated CPU on a thread of its own; packets of different CPUs meet in no certain order */
  readonly parallel?: boolean;
  /** event records and printk lines kept, each; default 100,000 */
  readonly keep?: number;
}

export interface RunResult {
  readonly prog: string;
  readonly progType: ProgTypeName;
  readonly packets: number;
  /** packets that could not be run */
  readonly errors: number;
  /** of the packets as they came */
  readonly bytes: bigint;
  /** by verdict class, values unknown to the type last */
  readonly verdicts: readonly number[];
  /** in the walk alone */
  readonly elapsedNs: bigint;
  readonly clock: "virtual" | "real";
  readonly cpus: number;
  readonly timers: TimerStats;
  readonly events: ShownEvents;
  /** the stop word ended it before the last packet */
  readonly stopped: boolean;
  /** captures that ended badly: their complete packets were run, one line each says what is wrong */
  readonly captureErrors: readonly string[];
}

/** An init program sees a copy of the first packet, or 64 zero bytes where there is none that can be run. */
function runInit(object: BpfObject, init: string, first: FirstFrame | undefined): void {
  const blank = new Uint8Array(64);
  const ts = first?.ts ?? 0n;
  try {
    object.runPacket(init, first?.data ?? blank, { ts });
  } catch (error) {
    if (!(error instanceof BpfError) || first === undefined) throw error;
    object.runPacket(init, blank, { ts });
  }
}

/** Replays; then the clock goes on by `until`. */
async function playVirtual(
  host: Host,
  until: bigint,
  events: Events,
  play: (more: object) => Promise<ReplayStats>,
): Promise<ReplayStats> {
  const stats = await play({});
  const ended = !stats.stopped && (await runTimers(host, until, events));
  return { ...stats, stopped: !ended };
}

/** The same in real time. A failure of the clock's thread ends it, and is thrown here. */
async function playReal(
  host: Host,
  clock: RealClock,
  options: RunOptions,
  play: (more: Pick<ReplayOptions, "pace">) => Promise<ReplayStats>,
): Promise<ReplayStats> {
  if (options.parallel === true)
    throw new BpfError(
      "EOPNOTSUPP",
      "the real clock has no thread for each CPU: it cannot be run in parallel",
    );
  const { speed = 1 } = options;
  if (!(speed > 0 && Number.isFinite(speed)))
    throw new BpfError("EINVAL", `speed must be above 0, not ${speed}`);
  const pace = new Pace(host.world, clock, speed);
  try {
    const stats = await clock.reportTo(
      () => host.world.stop(),
      async () => {
        const played = await play({ pace });
        const ended =
          !played.stopped && (await pace.sleepUntil(clockNs() + (options.until ?? 0n), () => undefined));
        return { ...played, stopped: !ended };
      },
    );
    host.exclusive(() => undefined); // the last events come in, a failure is thrown
    return stats;
  } finally {
    pace.close();
  }
}

export async function runProg(
  object: BpfObject,
  name: string,
  source: PacketSource,
  options: RunOptions = {},
): Promise<RunResult> {
  const prog = object.prog(name);
  const type = prog.verified.prog.type;
  const run = runTypeOf(prog.verified);
  const { world } = object;
  const { host } = object;
  host.resetRun();
  const events = host.openEvents(options.keep ?? 100_000);
  const prepare = () => host.exclusive(() => setCtx(world, run, options.ctx ?? {}));
  prepare();
  const play = (more: Pick<ReplayOptions, "pace">) => {
    const replayOptions = {
      ...options,
      ...more,
      limit: options.limit ?? Number.MAX_SAFE_INTEGER,
      repeat: options.repeat ?? 1,
    };
    const Run = options.parallel === true && world.ncpus > 1 ? ParallelReplay : Replay;
    const replay = new Run(host, prog.engine, events, object.rowContext(run), replayOptions);
    return replay.run(source, (first) => {
      if (options.init === undefined) return;
      runInit(object, options.init, first);
      prepare(); // the init program has had a context of its own
    });
  };
  const until = options.until ?? 0n;
  const stats = await (host.clock === undefined
    ? playVirtual(host, until, events, play)
    : playReal(host, host.clock, options, play));
  host.collect();
  return {
    prog: name,
    progType: type,
    ...stats,
    clock: host.clock === undefined ? "virtual" : "real",
    cpus: world.ncpus,
    timers: host.exclusive(() => timerStats(host)),
    events,
    captureErrors: source.ends.flatMap((end) => (end.kind === "eof" ? [] : [end.message])),
  };
}
