// One packet through the walker: what a test of a program shows, and how an init program is run before a run.
import { BpfError, errnoName } from "../../src/spec/errors.ts";
import type { EngineProg } from "../engine/engine.ts";
import {
  CPU_CTX,
  CPU_CTX_DATA,
  CPU_CTX_DATA_END,
  CPU_CTX_DATA_META,
  CPU_FRAME_END,
  CPU_HARD_START,
  CPU_STACK_TOP,
  CPU_STATS,
  CPU_STATS_SIZE,
  CPU_WALK_PACKET,
  FRAME_ADDR,
  FRAME_CPU,
  FRAME_DESC_SIZE,
  FRAME_ERRNO,
  FRAME_LEN,
  FRAME_ORIG_LEN,
  FRAME_TS,
  ROW_ERRNO,
  ROW_LEN,
  ROW_META_LEN,
  ROW_RETVAL,
  ROW_SIZE,
  ROW_VERDICT,
  VERDICT_CLASSES,
  WALK_CLOCK,
  WALK_CPUS,
  WALK_CRC,
  WALK_OUT,
  WALK_ROWS,
  WORLD_FLAGS,
  WORLD_F_REAL_CLOCK,
  WORLD_STOPPED,
  XDP_LEN_MAX,
} from "../memory/layout.ts";
import type { World } from "../memory/world.ts";
import { NO_PACKET } from "../events/events.ts";
import { trapped } from "../engine/trap.ts";
import { type CtxAfter, ctxAfter } from "./ctx_after.ts";
import { runTypeOf, safestFlags } from "./walk_flags.ts";
import { setWalkBuffers, setWalkFrames } from "./walk_words.ts";

const PCAP_RECORD_SIZE = 16;
const OUT_BYTES = 128 << 10;
const ALL_VERDICTS = (1 << VERDICT_CLASSES) - 1;
/** Rounds of one walk: some milliseconds, after which V8 can swap in better code. */
const MAX_ROUNDS = 1 << 18;

/** Memory a single packet needs; taken once for a world. */
export class Bench {
  readonly #world: World;
  readonly #frame: number;
  readonly #desc: number;
  readonly #row: number;
  readonly #out: number;

  constructor(world: World) {
    this.#world = world;
    this.#frame = world.alloc(XDP_LEN_MAX);
    this.#desc = world.alloc(FRAME_DESC_SIZE);
    this.#row = world.alloc(ROW_SIZE);
    this.#out = world.alloc(OUT_BYTES);
  }

  /**
   * Runs `frame` at time `ts` on a CPU, `repeat` times from the same bytes; the result is the last one's.
   * Counters are left as they were. Throws BpfError when the packet cannot be run.
   */
  run(prog: EngineProg, frame: Uint8Array, ts: bigint, repeat = 1, cpuIndex = 0): OnePacket {
    const { view, bytes } = this.#world;
    if (frame.length > XDP_LEN_MAX)
      throw new BpfError("ENOMEM", `a packet of ${frame.length} bytes is longer than ${XDP_LEN_MAX}`);
    bytes.set(frame, this.#frame);
    const cpu = this.#world.cpu(0);
    const stats = bytes.slice(cpu + CPU_STATS, cpu + CPU_STATS + CPU_STATS_SIZE);
    const packet = view.getBigUint64(cpu + CPU_WALK_PACKET, true);
    view.setBigUint64(cpu + CPU_WALK_PACKET, NO_PACKET, true);
    let ns = 0n;
    const real = (view.getUint32(WORLD_FLAGS, true) & WORLD_F_REAL_CLOCK) !== 0;
    const rewrites = (real ? 0 : WALK_CLOCK) | safestFlags(prog.verified);
    for (let left = repeat - 1; left > 0; left -= MAX_ROUNDS) {
      const rounds = Math.min(left, MAX_ROUNDS);
      this.#setUp(view, cpu, frame.length, ts, cpuIndex, rounds);
      ns += this.#walk(prog, cpu, rewrites | (cpuIndex === 0 ? 0 : WALK_CPUS), rounds);
    }
    this.#setUp(view, cpu, frame.length, ts, cpuIndex, 1);
    ns += this.#walk(prog, cpu, rewrites | WALK_ROWS | WALK_CRC | WALK_OUT | WALK_CPUS, 1);
    bytes.set(stats, cpu + CPU_STATS);
    view.setBigUint64(cpu + CPU_WALK_PACKET, packet, true);
    return this.#result(prog, view, this.#world.cpu(cpuIndex), Number(ns) / repeat);
  }

  /** Calls the program itself on `frame` and gives all 64 bits of r0. */
  call(prog: EngineProg, frame: Uint8Array): bigint {
    const { view, bytes } = this.#world;
    const cpu = this.#world.cpu(0);
    const start = this.#frame;
    bytes.set(frame, start);
    view.setUint32(cpu + CPU_CTX_DATA, start, true);
    view.setUint32(cpu + CPU_CTX_DATA_META, start, true);
    view.setUint32(cpu + CPU_CTX_DATA_END, start + frame.length, true);
    view.setUint32(cpu + CPU_HARD_START, start, true);
    view.setUint32(cpu + CPU_FRAME_END, start + frame.length, true);
    return BigInt.asUintN(64, prog.entry(cpu, cpu + CPU_STACK_TOP, BigInt(cpu + CPU_CTX)));
  }

  #walk(prog: EngineProg, cpu: number, flags: number, budget: number): bigint {
    const start = process.hrtime.bigint();
    try {
      prog.walk(cpu, flags, budget);
    } catch (cause) {
      if (this.#world.view.getUint32(WORLD_STOPPED, true) !== 0) throw new BpfError("EINTR", "stopped");
      throw trapped(prog, cause);
    }
    return process.hrtime.bigint() - start;
  }

  #setUp(view: DataView, cpu: number, len: number, ts: bigint, cpuIndex: number, rounds: number): void {
    const u32 = (addr: number, value: number) => view.setUint32(addr, value, true);
    u32(this.#desc + FRAME_ADDR, this.#frame);
    u32(this.#desc + FRAME_LEN, len);
    u32(this.#desc + FRAME_ORIG_LEN, len);
    u32(this.#desc + FRAME_CPU, cpuIndex);
    u32(this.#desc + FRAME_ERRNO, 0);
    view.setBigUint64(this.#desc + FRAME_TS, ts, true);
    setWalkFrames(view, cpu, { frames: this.#desc, count: 1, rounds, roundNs: 0n, tsOffset: 0n });
    setWalkBuffers(view, cpu, {
      rows: this.#row,
      rowsCap: 1,
      out: this.#out,
      outSize: OUT_BYTES,
      outMask: ALL_VERDICTS,
    });
  }

  #result(prog: EngineProg, view: DataView, cpu: number, ns: number): OnePacket {
    const u32 = (addr: number) => view.getUint32(addr, true);
    const errno = u32(this.#row + ROW_ERRNO);
    if (errno !== 0) {
      const name = errnoName(errno) ?? "EINVAL";
      throw new BpfError(name, `a packet of ${u32(this.#desc + FRAME_LEN)} bytes cannot be run`);
    }
    const len = u32(this.#row + ROW_LEN);
    const start = this.#out + PCAP_RECORD_SIZE;
    return {
      retval: u32(this.#row + ROW_RETVAL),
      verdict: u32(this.#row + ROW_VERDICT),
      metaLen: u32(this.#row + ROW_META_LEN),
      data: this.#world.bytes.slice(start, start + len),
      ctx: ctxAfter(runTypeOf(prog.verified).frames, view, cpu),
      ns,
    };
  }
}

/** What became of one packet. */
export interface OnePacket {
  /** what the program returned, unsigned 32 bits */
  readonly retval: number;
  /** class of the verdict, see src/spec/run_types.ts */
  readonly verdict: number;
  readonly metaLen: number;
  /** bytes as they left, metadata first */
  readonly data: Uint8Array;
  /** the context afterwards, as far as the kernel's test run gives it back */
  readonly ctx: CtxAfter;
  /** a run, averaged over the repeats, copying included */
  readonly ns: number;
}
