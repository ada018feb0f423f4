// Our run of a program against the running kernel's, packet by packet on the same captures, and the maps at the
// end: the first thing that differs. Decides what counts as a difference, not how it is told.
import type { PacketSource } from "../src/pcap/index.ts";
import { type Frame, framesOf } from "./engine/kernel/kernel_feed.ts";
import type { KernelObject, KernelPacket } from "./engine/kernel/kernel_object.ts";
import { kernelResult, runFrame, runKernelInit } from "./engine/kernel/kernel_run.ts";
import { type MapDifference, compareMaps } from "./diff_maps.ts";
import { mapsToJson } from "./json/maps.ts";
import type { BpfObject } from "./load/object.ts";
import { notRun } from "./cpu/walk_flags.ts";
import { VERDICT_CLASSES } from "./memory/layout.ts";
import type { PacketResult } from "./replay/result.ts";
import { type RunOptions, runProg } from "./run.ts";

/** A packet whose outcome is not the same. `field` is what differs first. */
export interface PacketDifference {
  readonly kind: "packet";
  readonly packet: number;
  readonly field: "error" | "retval" | "verdict" | "len" | "meta_len" | "mark" | "priority" | "cb" | "bytes";
  /** of the first byte that differs, metadata first */
  readonly offset?: number;
  readonly ours: string;
  readonly kernel: string;
}

export type Difference = PacketDifference | MapDifference;

export interface DiffOptions
  extends Pick<RunOptions, "limit" | "repeat" | "init" | "ctx" | "keep" | "onProgress" | "onWarning"> {}

export interface DiffResult {
  readonly packets: number;
  readonly mapEntries: number;
  readonly records: number;
  readonly difference?: Difference;
  /** ended by the stop word: what was compared so far is equal, maps were not compared */
  readonly stopped: boolean;
  readonly captureErrors: readonly string[];
}

const PCAP_RECORD = 16;
/** Frames of every verdict, unknown ones too. */
const ALL_VERDICTS = (1 << VERDICT_CLASSES) - 1;

const FIELDS = ["error", "retval", "verdict", "len", "meta_len", "mark", "priority", "cb"] as const;

function fmtField(result: PacketResult, field: (typeof FIELDS)[number]): string {
  return String(result[field] ?? (field === "meta_len" ? 0 : "none"));
}

/** Takes the frames that left apart again, in the order of their packets. */
class LeftFrames {
  #records: Uint8Array = new Uint8Array(0);

  put(records: Uint8Array): void {
    if (this.#records.length > 0) throw new Error("frames of an earlier batch were not taken");
    this.#records = records;
  }

  next(): Uint8Array {
    const records = this.#records;
    if (records.length < PCAP_RECORD) throw new Error("a packet left no frame");
    const len = new DataView(records.buffer, records.byteOffset).getUint32(8, true);
    this.#records = records.subarray(PCAP_RECORD + len);
    return records.subarray(PCAP_RECORD, PCAP_RECORD + len);
  }
}

function comparePacket(
  ours: PacketResult,
  kernel: PacketResult,
  left: Uint8Array | undefined,
  packet: KernelPacket,
): PacketDifference | undefined {
  for (const field of FIELDS) {
    const [a, b] = [fmtField(ours, field), fmtField(kernel, field)];
    if (a !== b) return { kind: "packet", packet: ours.i, field, ours: a, kernel: b };
  }
  if (left === undefined || Buffer.compare(left, packet.data) === 0) return undefined;
  const offset = left.findIndex((byte, at) => byte !== packet.data[at]);
  const hex = (byte: number | undefined) => `0x${(byte ?? 0).toString(16).padStart(2, "0")}`;
  return {
    kind: "packet",
    packet: ours.i,
    field: "bytes",
    offset,
    ours: hex(left[offset]),
    kernel: hex(packet.data[offset]),
  };
}

/**
 * `object` and `kernel` hold the same object; `source` and `again` are the same captures, opened twice. The
 * kernel's clock is real: a program whose outcome hangs on time or chance will differ.
 */
export async function diffProg(
  object: BpfObject,
  kernel: KernelObject,
  name: string,
  source: PacketSource,
  again: PacketSource,
  options: DiffOptions = {},
): Promise<DiffResult> {
  const prog = kernel.prog(name);
  const { run } = prog;
  if (run === undefined) throw notRun(prog.spec);
  const events = kernel.openEvents(options.keep ?? 100_000);
  const frames = framesOf(again, {
    limit: options.limit ?? Number.MAX_SAFE_INTEGER,
    repeat: options.repeat ?? 1,
  });
  const left = new LeftFrames();
  let started = false;
  let difference: PacketDifference | undefined;
  let packets = 0;

  const nextFrame = (): Frame => {
    const next = frames.next();
    if (next.done === true) throw new Error("the capture is shorter when read again");
    return next.value;
  };
  const initKernel = (first: Frame | undefined): void => {
    started = true;
    const { init } = options;
    if (init !== undefined) runKernelInit(kernel, init, first);
    events.drain(null);
  };
  const onPacket = (ours: PacketResult): void => {
    if (difference !== undefined) return;
    const frame = nextFrame();
    if (!started) initKernel(frame);
    const packet = runFrame(kernel, prog, frame, options.ctx);
    if (events.any) events.drain(frame.i);
    difference = comparePacket(
      ours,
      kernelResult(frame, packet, run, false),
      ours.error === undefined ? left.next() : undefined,
      packet,
    );
    packets++;
    if (difference !== undefined) object.world.stop();
  };

  const stats = await kernel.sys.onCpu0Async(() =>
    runProg(object, name, source, {
      ...options,
      outMask: ALL_VERDICTS,
      outWhole: true,
      onFrames: (records) => left.put(records),
      onPacket,
    }),
  );
  if (difference !== undefined)
    return { packets, mapEntries: 0, records: 0, difference, stopped: false, captureErrors: [] };
  const { captureErrors } = stats;
  if (stats.stopped) return { packets, mapEntries: 0, records: 0, stopped: true, captureErrors };
  if (!started) initKernel(undefined);
  const maps = compareMaps(mapsToJson(object, { events: stats.events }), mapsToJson(kernel, { events }));
  return { packets, ...maps, stopped: false, captureErrors };
}
