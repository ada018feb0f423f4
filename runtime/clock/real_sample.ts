// Programs run at a rate by the real clock, as a sampling event of the kernel would run them: on the main thread,
// at absolute times, a late one is run once and not made up for.
import { BpfError } from "../../src/spec/errors.ts";
import { NO_PACKET } from "../events/events.ts";
import type { Host } from "../host/host.ts";
import type { BpfProg, LiveProg } from "../host/live_prog.ts";
import { CPU_PACKET, CPU_STACK_TOP, CPU_TAIL_CALLS, WORLD_STOPPED } from "../memory/layout.ts";
import { trapped } from "../engine/trap.ts";
import type { RealClock } from "./real.ts";
import type { Sleeper } from "./real_sleep.ts";
import { clockNs } from "./real_words.ts";

export type SampleRate = { readonly hz: number } | { readonly everyMs: number };

const MOST_HZ = 100_000;
/** While the world is stopped nothing is sampled: looked at again so often. */
const STOPPED_MS = 10;

function periodNs(rate: SampleRate): bigint {
  const ns = Math.round("hz" in rate ? 1e9 / rate.hz : rate.everyMs * 1e6);
  if (!(ns >= 1e9 / MOST_HZ && Number.isSafeInteger(ns)))
    throw new BpfError("EINVAL", `a rate of up to ${MOST_HZ} Hz, not one sample every ${ns} ns`);
  return BigInt(ns);
}

/** A program that is being sampled. */
export class Sampler {
  readonly #period: bigint;
  readonly #run: (periodNs: bigint) => void;
  readonly #onEnd: () => void;
  readonly #sleeper: Sleeper;
  #runs = 0;
  #missed = 0;
  #open = true;
  #error: Error | undefined;

  constructor(clock: RealClock, rate: SampleRate, run: (periodNs: bigint) => void, onEnd: () => void) {
    this.#period = periodNs(rate);
    this.#run = run;
    this.#onEnd = onEnd;
    this.#sleeper = clock.ticker();
    void this.#loop(); // ends by itself, errors are kept
  }

  /** samples taken */
  get runs(): number {
    return this.#runs;
  }

  /** samples whose time had passed before they could be taken */
  get missed(): number {
    return this.#missed;
  }

  /** what ended it, if it was not stop() */
  get error(): Error | undefined {
    return this.#error;
  }

  async #loop(): Promise<void> {
    let at = clockNs() + this.#period;
    while (this.#open) {
      const why = await this.#sleeper.waitAsync(at);
      if (!this.#open) return;
      if (why === "stopped") await new Promise((resolve) => setTimeout(resolve, STOPPED_MS));
      if (why !== "until") continue;
      this.#take();
      const late = (clockNs() - at) / this.#period;
      this.#missed += Number(late);
      at += (late + 1n) * this.#period;
    }
  }

  #take(): void {
    try {
      this.#run(this.#period);
      this.#runs++;
    } catch (cause) {
      this.#error = cause as Error;
      this.stop();
    }
  }

  /** Ends it. Again is harmless. */
  stop(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#sleeper.close();
    this.#onEnd();
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}

/** Throws EINVAL for programs that nobody can run without an event of their own. */
export function checkSample(prog: BpfProg): void {
  const { type } = prog.verified.prog;
  if (type !== "perf_event" && type !== "xdp")
    throw new BpfError(
      "EINVAL",
      `sample '${prog.name}': programs of type ${type} cannot be sampled; perf_event and xdp can`,
    );
}

// bpf_perf_event_data: registers, sample_period, addr
const REGS_SIZE = 168;
const DATA_SIZE = REGS_SIZE + 16;
/** What an XDP program is run on: there is no packet. */
const NO_FRAME = new Uint8Array(64);

export function sampleOnce(host: Host, prog: LiveProg): (periodNs: bigint) => void {
  if (prog.verified.prog.type === "xdp") return () => void host.runPacket(prog, NO_FRAME);
  const ctx = host.world.alloc(DATA_SIZE);
  return (period) => host.exclusive(() => runOnCtx(host, prog, ctx, period));
}

/** No registers are known here, and no address: they are zero. */
function runOnCtx(host: Host, prog: LiveProg, ctx: number, period: bigint): void {
  const { view } = host.world;
  const cpu = host.world.cpu(0);
  host.world.bytes.fill(0, ctx, ctx + DATA_SIZE);
  view.setBigUint64(ctx + REGS_SIZE, period, true);
  view.setUint32(cpu + CPU_TAIL_CALLS, 0, true);
  view.setBigUint64(cpu + CPU_PACKET, NO_PACKET, true);
  try {
    prog.engine.entry(cpu, cpu + CPU_STACK_TOP, BigInt(ctx));
  } catch (cause) {
    if (view.getUint32(WORLD_STOPPED, true) === 0) throw trapped(prog.engine, cause);
  }
}
