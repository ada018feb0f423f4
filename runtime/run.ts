// Runs a loaded program over captures: prepares the context and the clock, runs the init program, replays, and
// gathers what came out.
import type { ProgTypeName } from "../src/spec/prog_types.ts";
import { BpfError } from "../src/spec/errors.ts";
import type { PacketSource } from "../src/pcap/index.ts";
import type { ShownEvents } from "./json/shown.ts";
import { type TimerStats, runTimers, timerStats } from "./clock/virtual.ts";
import type { BpfObject } from "./load/object.ts";
import { type CtxFields, setCtx } from "./cpu/ctx.ts";
import { ParallelReplay } from "./replay/parallel.ts";
import { type FirstFrame, Replay, type ReplayOptions } from "./replay/replay.ts";
import { VERDICTS } from "./replay/result.ts";

export interface RunOptions extends Omit<Partial<ReplayOptions>, "limit" | "repeat"> {
  /** only the first so many packets of the captures */
  readonly limit?: number;
  /** the captures so many times over */
  readonly repeat?: number;
  /** a program of the same object, run once before the run on a copy of the first packet */
  readonly init?: string;
  /** nanoseconds the virtual clock goes on for after the last packet */
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
  /** by verdict number, values unknown to the type last */
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

export async function runProg(object: BpfObject, name: string, source: PacketSource, options: RunOptions = {}): Promise<RunResult> {
  const prog = object.prog(name);
  const type = prog.verified.prog.type;
  const verdicts = VERDICTS[type];
  if (verdicts === undefined) throw new BpfError("EOPNOTSUPP", `programs of type ${type} cannot be run over a capture yet`);
  const { world } = object;
  const { host } = object;
  host.resetRun();
  const events = host.openEvents(options.keep ?? 100_000);
  setCtx(world, options.ctx ?? {});
  const replayOptions = { ...options, limit: options.limit ?? Number.MAX_SAFE_INTEGER, repeat: options.repeat ?? 1 };
  const Run = options.parallel === true && world.ncpus > 1 ? ParallelReplay : Replay;
  const replay = new Run(host, prog.engine, events, object.rowContext(verdicts), replayOptions);
  const { init } = options;
  const stats = await replay.run(source, (first) => {
    if (init !== undefined) runInit(object, init, first);
  });
  const ended = !stats.stopped && (await runTimers(host, options.until ?? 0n, events));
  host.collect();
  return {
    prog: name,
    progType: type,
    ...stats,
    stopped: !ended,
    clock: "virtual",
    cpus: world.ncpus,
    timers: timerStats(host),
    events,
    captureErrors: source.ends.flatMap((end) => (end.kind === "eof" ? [] : [end.message])),
  };
}
