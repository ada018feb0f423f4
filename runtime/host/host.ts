// A simulated host: one world, its library, the maps and programs that live in it, pins and devices. What refers
// to what is kept here; objects are loaded into it.
import type { ProgSpec } from "../../src/elf/object_spec.ts";
import { BpfError } from "../../src/spec/errors.ts";
import type { MapDef, VerifiedProg } from "../../src/verifier/proof.ts";
import { type CtxFields, setCtx } from "../cpu/ctx.ts";
import { Bench, type OnePacket } from "../cpu/run_once.ts";
import type { EngineProg } from "../engine/engine.ts";
import { Events } from "../events/events.ts";
import type { MapHome } from "../map/bpf_map.ts";
import {
  CPU_REALTIME,
  CPU_WALK_PACKET,
  WORLD_FUNC_PROG,
  WORLD_PROG_REFS,
  WORLD_TIMER_CAP,
} from "../memory/layout.ts";
import { World } from "../memory/world.ts";
import { type LibExports, createLib } from "../wasm/lib.ts";
import { Bpffs } from "./bpffs.ts";
import { Device } from "./device.ts";
import { LiveMap } from "./live_map.ts";
import { LiveProg } from "./live_prog.ts";

/** What bpf_get_prandom_u32 starts from unless told, so that runs repeat exactly. */
const DEFAULT_SEED = 0x50f71a9n;
/** Event records and printk lines kept, each. */
const DEFAULT_KEEP = 100_000;
/** Rooms of WORLD_FUNC_PROG and WORLD_PROG_REFS. */
const MAX_FUNCTIONS = 8192;
const MAX_PROGS = 3071;

export interface HostOptions {
  /** simulated CPUs, default 1 */
  readonly cpus?: number;
  /** of bpf_get_prandom_u32 */
  readonly seed?: bigint;
  /** callbacks of one timer in one virtual second after which a run ends as a storm; default 1,000,000 */
  readonly timerCap?: number;
}

export interface RunPacketOptions {
  /** timestamp in ns since the epoch */
  readonly ts?: bigint;
  /** runs of the same bytes, the result is the last one's */
  readonly repeat?: number;
  /** fields of the context that differ from what the kernel's test run supplies */
  readonly ctx?: CtxFields;
}

export class Host {
  readonly world: World;
  readonly lib: LibExports;
  readonly home: MapHome;
  readonly bpffs = new Bpffs();
  readonly seed: bigint;
  readonly #maps = new Set<LiveMap>();
  readonly #progs = new Map<number, LiveProg>();
  readonly #devices = new Map<string, Device>();
  #nextProg = 1;
  #nextMap = 1;
  #bench: Bench | undefined;
  #events: Events | undefined;

  constructor(options: HostOptions = {}) {
    this.world = new World(options.cpus ?? 1);
    this.lib = createLib(this.world.memory, undefined, this.world.table);
    this.seed = options.seed ?? DEFAULT_SEED;
    this.lib.world_init(this.world.ncpus, this.seed, 0);
    if (options.timerCap !== undefined) this.world.view.setUint32(WORLD_TIMER_CAP, options.timerCap, true);
    this.home = { memory: this.world.memory, lib: this.lib, cpu: this.world.cpu(0), scratch: scratchIn(this.world) };
  }

  /** Maps and programs that something refers to. */
  get maps(): ReadonlySet<LiveMap> {
    return this.#maps;
  }

  get progs(): Iterable<LiveProg> {
    return this.#progs.values();
  }

  /** Some map's values hold timers or work items. */
  get hasTimers(): boolean {
    return [...this.#maps].some((map) => map.hasTimers);
  }

  nextMapId(): number {
    return this.#nextMap++;
  }

  /** A map that was made at `addr` comes to life, without a reference yet. */
  addMap(addr: number, def: MapDef): LiveMap {
    const map = new LiveMap(this.home, addr, def, (freed) => this.#maps.delete(freed));
    this.#maps.add(map);
    return map;
  }

  /** A program that an engine has loaded comes to life, without a reference yet. */
  addProg(spec: ProgSpec, verified: VerifiedProg, engine: EngineProg, maps: readonly LiveMap[]): LiveProg {
    const id = this.#nextProg++;
    if (id > MAX_PROGS) throw new BpfError("ENOSPC", `more than ${MAX_PROGS} programs in one host`);
    this.#setFunctions(engine.tableIndex, verified.subprogs.length, id);
    const timerRefs = () => Atomics.load(new Int32Array(this.world.memory.buffer, WORLD_PROG_REFS + id * 4, 1), 0);
    const prog = new LiveProg(id, spec, verified, engine, maps, timerRefs, (freed) => this.#forget(freed));
    this.#progs.set(id, prog);
    return prog;
  }

  #setFunctions(first: number, count: number, id: number): void {
    if (first + count > MAX_FUNCTIONS) throw new BpfError("ENOSPC", `more than ${MAX_FUNCTIONS} functions in one host`);
    for (let i = 0; i < count; i++) this.world.view.setUint32(WORLD_FUNC_PROG + (first + i) * 4, id, true);
  }

  /** Nothing can call it any more: its functions leave the table. */
  #forget(prog: LiveProg): void {
    this.#progs.delete(prog.id);
    const { tableIndex } = prog.engine;
    for (let i = 0; i < prog.verified.subprogs.length; i++) this.world.table.set(tableIndex + i, null);
    this.#setFunctions(tableIndex, prog.verified.subprogs.length, 0);
  }

  /** Frees the programs that only a timer held and that it has let go meanwhile. */
  collect(): void {
    for (const prog of [...this.#progs.values()]) prog.freeIfUnused();
  }

  /** The device of this name; made when it is first asked for. */
  device(name: string): Device {
    let device = this.#devices.get(name);
    if (device === undefined) {
      device = new Device(name, this.#devices.size + 1, (prog, frame, ts, ifindex) => this.runPacket(prog, frame, { ts, ctx: { ingress_ifindex: ifindex } }));
      this.#devices.set(name, device);
    }
    return device;
  }

  /** Runs a program on one packet; timers that are due by its time fire before. Throws BpfError when it cannot be run. */
  runPacket(prog: LiveProg, frame: Uint8Array, options: RunPacketOptions = {}): OnePacket {
    this.#bench ??= new Bench(this.world);
    const events = this.#events ?? this.openEvents(DEFAULT_KEEP);
    setCtx(this.world, options.ctx ?? {});
    try {
      return this.#bench.run(prog.engine, frame, options.ts ?? 0n, options.repeat ?? 1);
    } finally {
      events.drain();
    }
  }

  /** Calls a program on bytes that need not be a frame and gives all 64 bits of r0. */
  callPacket(prog: LiveProg, bytes: Uint8Array): bigint {
    this.#bench ??= new Bench(this.world);
    return this.#bench.call(prog.engine, bytes);
  }

  /** Counters and the stop word as before a first run; maps, timers and clocks stay. */
  resetRun(): void {
    this.world.clearStop();
    for (let i = 0; i < this.world.ncpus; i++) {
      this.lib.stats_reset(this.world.cpu(i));
      if (this.hasTimers) this.lib.timers_stats_reset(this.world.cpu(i));
    }
    this.world.view.setBigUint64(this.world.cpu(0) + CPU_WALK_PACKET, 0n, true);
  }

  /** Buffers for what programs send; kept until the next run. */
  openEvents(keep: number): Events {
    this.#events = new Events(this.world, keep);
    return this.#events;
  }

  get events(): Events | undefined {
    return this.#events;
  }

  /** Time of the virtual clock, ns since the epoch. */
  get now(): bigint {
    return this.world.view.getBigUint64(this.world.cpu(0) + CPU_REALTIME, true);
  }
}

/** Scratch space for the host's map calls, in growing steps; the last piece asked for is the valid one. */
function scratchIn(world: World): (size: number) => number {
  let addr = 0;
  let room = 0;
  return (size) => {
    if (size > room) {
      room = Math.max(size, 1 << 17);
      addr = world.alloc(room);
    }
    return addr;
  };
}
