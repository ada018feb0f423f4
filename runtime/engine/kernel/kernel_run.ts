// A program in the running kernel over captures, packet by packet: the same results as a run of ours, but that the
// clock is real and nobody tells where a redirect leads.
import type { PacketSource } from "../../../src/pcap/index.ts";
import { BpfError, errnoName } from "../../../src/spec/errors.ts";
import { type RunType, verdictClass, verdictClasses } from "../../../src/spec/run_types.ts";
import { notRun } from "../../cpu/walk_flags.ts";
import { ETH_HLEN } from "../../memory/layout.ts";
import type { PacketResult } from "../../replay/result.ts";
import type { RunOptions, RunResult } from "../../run.ts";
import { crc32 } from "./crc32.ts";
import { frameOut } from "./frame_out.ts";
import type { KernelObject, KernelPacket, KernelProg } from "./kernel_object.ts";
import { type Frame, framesOf } from "./kernel_feed.ts";

/** How long the event loop may be kept waiting. */
const BREATH_MS = 20;
const BLANK = new Uint8Array(64);

export interface KernelRunOptions extends Omit<RunOptions, "until"> {
  /** asked between packets: true ends the run */
  readonly stopping?: () => boolean;
}

/** The init program sees a copy of the first packet, or 64 zero bytes where there is none that can be run. */
export function runKernelInit(object: KernelObject, name: string, first: Frame | undefined): void {
  const prog = object.prog(name);
  const data = first === undefined || !first.ethernet ? BLANK : first.data;
  const { errno } = object.runPacket(prog, data);
  if (errno === 0) return;
  const again = object.runPacket(prog, BLANK).errno;
  if (again !== 0) throw new BpfError(errnoName(again) ?? "EINVAL", `the kernel does not run '${name}'`);
}

/** A packet's outcome in the form of `--verdicts`, less a redirect's target. */
export function kernelResult(frame: Frame, packet: KernelPacket, run: RunType, withCrc = true): PacketResult {
  const head = { i: frame.i, ts_ns: frame.tsNs.toString() };
  if (packet.errno !== 0) return { ...head, error: errnoName(packet.errno) ?? String(packet.errno) };
  const verdict = verdictClasses(run)[verdictClass(run, packet.retval)]?.name;
  return {
    ...head,
    ...(verdict === undefined ? {} : { verdict }),
    retval: packet.retval,
    len: packet.data.length,
    ...(withCrc ? { crc32: crc32(packet.data) } : {}),
    ...(packet.metaLen === 0 ? {} : { meta_len: packet.metaLen }),
    ...packet.skb,
  };
}

const REFUSED: KernelPacket = { errno: 22, retval: 0, metaLen: 0, data: new Uint8Array(0), ns: 0n };

/** A packet that is not Ethernet is refused as ours is; the kernel would take any bytes for it. */
export function runFrame(
  object: KernelObject,
  prog: KernelProg,
  frame: Frame,
  ctx: RunOptions["ctx"],
): KernelPacket {
  return frame.ethernet ? object.runPacket(prog, frame.data, ctx) : REFUSED;
}

/** The bytes of a packet that a socket filter would let through. */
function keptOf(run: RunType, { data, retval }: KernelPacket): Uint8Array {
  return run.keeps === true ? data.subarray(0, Math.min(data.length, ETH_HLEN + retval)) : data;
}

class Totals {
  packets = 0;
  errors = 0;
  bytes = 0n;
  elapsedNs = 0n;
  readonly verdicts: number[];

  constructor(readonly run: RunType) {
    this.verdicts = new Array<number>(verdictClasses(run).length).fill(0);
  }

  add(frame: Frame, packet: KernelPacket): void {
    this.packets++;
    this.bytes += BigInt(frame.data.length);
    this.elapsedNs += packet.ns;
    if (packet.errno !== 0) this.errors++;
    else this.verdicts[this.classOf(packet)] = (this.verdicts[this.classOf(packet)] ?? 0) + 1;
  }

  classOf(packet: KernelPacket): number {
    return verdictClass(this.run, packet.retval);
  }
}

/** Runs all packets on CPU 0. */
export async function runKernelProg(
  object: KernelObject,
  name: string,
  source: PacketSource,
  options: KernelRunOptions = {},
): Promise<RunResult> {
  const prog = object.prog(name);
  const { run } = prog;
  if (run === undefined) throw notRun(prog.spec);
  const events = object.openEvents(options.keep ?? 100_000);
  const totals = new Totals(run);
  const { onPacket, onFrames, outMask = 0, ctx } = options;
  const frames = framesOf(source, {
    limit: options.limit ?? Number.MAX_SAFE_INTEGER,
    repeat: options.repeat ?? 1,
  });
  let next = frames.next();
  if (options.init !== undefined) {
    const { init } = options;
    const first = next.done === true ? undefined : next.value;
    object.sys.onCpu0(() => runKernelInit(object, init, first));
    events.drain(null);
  }
  let stopped = false;
  while (next.done !== true && !stopped) {
    const until = performance.now() + BREATH_MS;
    object.sys.onCpu0(() => {
      while (next.done !== true && performance.now() < until) {
        const frame = next.value;
        const packet = runFrame(object, prog, frame, ctx);
        totals.add(frame, packet);
        if (events.any) events.drain(frame.i);
        onPacket?.(kernelResult(frame, packet, run));
        if (
          onFrames !== undefined &&
          packet.errno === 0 &&
          ((outMask >>> totals.classOf(packet)) & 1) === 1
        ) {
          onFrames(frameOut(keptOf(run, packet), frame.tsNs, options.outNanoseconds === true));
        }
        next = frames.next();
      }
    });
    options.onProgress?.({
      packets: totals.packets,
      bytesRead: source.bytesRead,
      totalBytes: source.totalBytes,
      elapsedNs: totals.elapsedNs,
    });
    await new Promise((resolve) => setImmediate(resolve));
    stopped = options.stopping?.() === true;
  }
  return {
    prog: name,
    progType: prog.spec.type,
    packets: totals.packets,
    errors: totals.errors,
    bytes: totals.bytes,
    verdicts: totals.verdicts,
    elapsedNs: totals.elapsedNs,
    stopped,
    clock: "real",
    cpus: 1,
    timers: { started: 0, fired: 0, cancelled: 0, pending: 0 },
    events,
    captureErrors: source.ends.flatMap((end) => (end.kind === "eof" ? [] : [end.message])),
  };
}
