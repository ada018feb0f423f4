// The virtual clock after the last packet: it goes on, and timers fire at their due times, in order. Before that
// the walker fires them between packets.
import { BpfError } from "../../src/spec/errors.ts";
import type { Events } from "../events/events.ts";
import type { Host } from "../host/host.ts";
import {
  CPU_MONOTONIC,
  CPU_REALTIME,
  CPU_STORM_FN,
  CPU_TIMERS,
  CPU_TIMERS_CANCELLED,
  CPU_TIMERS_FIRED,
  CPU_WALK_REASON,
  TIMER_CAP_DEFAULT,
  WALK_DONE,
  WALK_STOPPED,
  WALK_STORM,
  WORLD_FUNC_PROG,
  WORLD_TIMER_CAP,
  WORLD_TIMER_SEQ,
  WORLD_TIMER_SEQ_RESET,
} from "../memory/layout.ts";

/** Callbacks of one call: some milliseconds, after which the event loop is let run. */
const BUDGET = 1 << 15;

export interface TimerStats {
  readonly started: number;
  readonly fired: number;
  readonly cancelled: number;
  /** armed now */
  readonly pending: number;
}

/** Counted since the last resetRun, over all CPUs. */
export function timerStats(host: Host): TimerStats {
  const { world } = host;
  const sum = (read: (cpu: number) => number) => {
    let n = 0;
    for (let i = 0; i < world.ncpus; i++) n += read(world.cpu(i));
    return n;
  };
  const u64 = (off: number) => sum((cpu) => Number(world.view.getBigUint64(cpu + off, true)));
  return {
    started: Number(
      world.view.getBigUint64(WORLD_TIMER_SEQ, true) - world.view.getBigUint64(WORLD_TIMER_SEQ_RESET, true),
    ),
    fired: u64(CPU_TIMERS_FIRED),
    cancelled: u64(CPU_TIMERS_CANCELLED),
    pending: sum((cpu) => world.view.getUint32(cpu + CPU_TIMERS, true)),
  };
}

/** A callback that re-arms itself for ever, by the name of its function. */
export function stormError(host: Host, cpu = 0): BpfError {
  const { view } = host.world;
  const fn = view.getUint32(host.world.cpu(cpu) + CPU_STORM_FN, true);
  const prog = [...host.progs].find((p) => p.id === view.getUint32(WORLD_FUNC_PROG + fn * 4, true));
  const name = prog?.verified.subprogs[fn - prog.engine.tableIndex]?.name ?? `#${fn}`;
  const cap = view.getUint32(WORLD_TIMER_CAP, true) || TIMER_CAP_DEFAULT;
  return new BpfError(
    "ELOOP",
    `timer storm: callback '${name}' of program '${prog?.name ?? "?"}' ran more than ${cap} times in one virtual second`,
  );
}

/** The clock goes on by `ns` and fires what is due meanwhile. False when the stop word ended it. */
export async function runTimers(host: Host, ns: bigint, events: Events): Promise<boolean> {
  const { world, lib } = host;
  const cpu = world.cpu(0);
  const until = world.view.getBigUint64(cpu + CPU_MONOTONIC, true) + ns;
  const realtime = world.view.getBigUint64(cpu + CPU_REALTIME, true) + ns;
  while (host.hasTimers) {
    lib.timers_run_all(cpu, until, BUDGET);
    events.drainAll();
    const reason = world.view.getUint32(cpu + CPU_WALK_REASON, true);
    if (reason === WALK_STORM) throw stormError(host);
    if (reason === WALK_STOPPED) return false;
    if (reason === WALK_DONE) break;
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (ns > 0n) for (let i = 0; i < world.ncpus; i++) lib.clock_set(world.cpu(i), realtime);
  return true;
}
