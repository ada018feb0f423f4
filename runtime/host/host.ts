// A simulated host: one world, its library, the maps and programs that live in it, pins and devices. What refers
// to what is kept here; objects are loaded into it.
import type { ProgSpec } from "../../src/elf/object_spec.ts";
import { BpfError } from "../../src/spec/errors.ts";
import type { MapDef, VerifiedProg } from "../../src/verifier/proof.ts";
import { type CtxFields, setCtx } from "../cpu/ctx.ts";
import { RealClock, type RealClockOptions } from "../clock/real.ts";
import { type SampleRate, Sampler, checkSample, sampleOnce } from "../clock/real_sample.ts";
import { Bench, type OnePacket } from "../cpu/run_once.ts";
import type { EngineProg } from "../engine/engine.ts";
import { Events } from "../events/events.ts";
import type { MapHome } from "../map/bpf_map.ts";
import {
  CPU_REALTIME,
  CPU_WALK_PACKET,
  MAP_LOST,
  PAGE_SIZE,
  WORLD_FUNC_PROG,
  WORLD_F_ALONE,
  WORLD_PROG_REFS,
  WORLD_RING_COUNT,
  WORLD_RING_MAX,
  WORLD_RINGS,
  WORLD_TIMER_CAP,
} from "../memory/layout.ts";
import { World } from "../memory/world.ts";
import { runTypeOf } from "../cpu/walk_flags.ts";
import { trapped } from "../engine/trap.ts";
import { type LibExports, createLib } from "../wasm/lib.ts";
import { Bpffs } from "./bpffs.ts";
import { Device } from "./device.ts";
import { LiveMap } from "./live_map.ts";
import { type BpfProg, LiveProg } from "./live_prog.ts";

/** What bpf_get_prandom_u32 starts from unless told, so that runs repeat exactly. */
const DEFAULT_SEED = 0x50f71a9n;
/** Event records and printk lines kept, each. */
const DEFAULT_KEEP = 100_000;
/** Rooms of WORLD_FUNC_PROG and WORLD_PROG_REFS. */
const MAX_FUNCTIONS = 8192;
const MAX_PROGS = 3071;

export interface HostOptions extends RealClockOptions {
  /**
   * "virtual" (default): time is the packets', timers fire between them. "real": timers fire in real time until the
   * host is closed, which keeps the process; spin, loop, priority and onError are for it.
   */
  readonly clock?: "virtual" | "real";
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
  /** undefined: the virtual clock */
  readonly clock: RealClock | undefined;
  readonly #maps = new Set<LiveMap>();
  readonly #byAddr = new Map<number, LiveMap>();
  readonly #progs = new Map<number, LiveProg>();
  readonly #devices = new Map<string, Device>();
  readonly #samplers = new Set<Sampler>();
  #nextProg = 1;
  #nextMap = 1;
  #bench: Bench | undefined;
  #events: Events | undefined;

  constructor(options: HostOptions = {}) {
    this.world = new World(options.cpus ?? 1);
    this.lib = createLib(this.world.memory, this.world.table);
    this.seed = options.seed ?? DEFAULT_SEED;
    this.lib.world_init(this.world.ncpus, this.seed, options.clock === "real" ? 0 : WORLD_F_ALONE);
    if (options.timerCap !== undefined) this.world.view.setUint32(WORLD_TIMER_CAP, options.timerCap, true);
    this.clock = options.clock === "real" ? this.#openClock(options) : undefined;
    const cpu = this.clock === undefined ? this.world.cpu(0) : this.#ownCpu();
    this.home = { memory: this.world.memory, lib: this.lib, cpu, scratch: scratchIn(this.world) };
  }

  #openClock(options: HostOptions): RealClock {
    this.#events = this.#newEvents(DEFAULT_KEEP);
    const clock = new RealClock(
      {
        world: this.world,
        lib: this.lib,
        takeEvents: (index) => this.#events?.drainCpu(index),
        takeRecords: (bytes, lostPrintk) => this.#events?.takeRecords(bytes, lostPrintk),
        trapError: (id, cause) => this.#trapError(id, cause),
      },
      options,
    );
    this.world.threaded = clock.threaded;
    return clock;
  }

  /** A CPU block of the caller's own: its map operations must not use one that callbacks run on. */
  #ownCpu(): number {
    const cpu = this.world.alloc(PAGE_SIZE, PAGE_SIZE);
    this.lib.cpu_init(cpu, 0, this.seed);
    return cpu;
  }

  #trapError(id: number, cause: WebAssembly.RuntimeError): Error {
    const prog = this.#progs.get(id);
    return prog === undefined ? cause : trapped(prog.engine, cause);
  }

  /** Which clock this host has, for people. */
  get clockName(): string {
    return this.clock?.name ?? "virtual";
  }

  /** Runs `body` while no callback runs. On the virtual clock that is always so. */
  exclusive<T>(body: () => T): T {
    return this.clock === undefined ? body() : this.clock.run(body);
  }

  /** Nothing is pinned or attached: closing the handles leaves nothing that anybody could reach. */
  get idle(): boolean {
    return this.bpffs.paths.length === 0 && ![...this.#devices.values()].some((device) => device.attached);
  }

  /**
   * On the real clock: no callback runs after this call, samplers end, and the promise says that the clock's thread
   * is gone. Maps can still be read. Again is harmless.
   */
  async close(): Promise<void> {
    for (const sampler of this.#samplers) sampler.stop();
    await this.clock?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Runs a program at a rate by the real clock until the handle is stopped: a `perf_event` program as if a timer
   * of the kernel sampled it, an XDP program on 64 zero bytes. What comes too late is left out.
   */
  sample(prog: BpfProg, rate: SampleRate): Sampler {
    const { clock } = this;
    if (clock === undefined)
      throw new BpfError("EOPNOTSUPP", `sample '${prog.name}': needs a host with clock: "real"`);
    checkSample(prog);
    const run = sampleOnce(this, prog.live);
    prog.live.get();
    const sampler = new Sampler(clock, rate, run, () => {
      this.#samplers.delete(sampler);
      prog.live.put();
    });
    this.#samplers.add(sampler);
    return sampler;
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
    const map = new LiveMap(
      this.home,
      addr,
      def,
      (freed) => {
        this.#maps.delete(freed);
        this.#byAddr.delete(addr);
        if (freed.def.type === "ringbuf") this.#listRings();
      },
      () => this.collect(),
    );
    this.#maps.add(map);
    this.#byAddr.set(addr, map);
    if (def.type === "ringbuf") this.#listRings();
    return map;
  }

  /** The walker empties every ring buffer that is listed. */
  #listRings(): void {
    const rings = [...this.#maps].filter((map) => map.def.type === "ringbuf");
    if (rings.length > WORLD_RING_MAX)
      throw new BpfError("ENOSPC", `more than ${WORLD_RING_MAX} ring buffers in one host`);
    const { view } = this.world;
    rings.forEach((map, i) => view.setUint32(WORLD_RINGS + i * 4, map.addr, true));
    view.setUint32(WORLD_RING_COUNT, rings.length, true);
  }

  /** A program that an engine has loaded comes to life, without a reference yet. */
  addProg(spec: ProgSpec, verified: VerifiedProg, engine: EngineProg, maps: readonly LiveMap[]): LiveProg {
    const id = this.#nextProg++;
    if (id > MAX_PROGS) throw new BpfError("ENOSPC", `more than ${MAX_PROGS} programs in one host`);
    this.clock?.link(engine);
    this.#setFunctions(engine.tableIndex, verified.subprogs.length, id);
    const timerRefs = () =>
      Atomics.load(new Int32Array(this.world.memory.buffer, WORLD_PROG_REFS + id * 4, 1), 0);
    const prog = new LiveProg(id, spec, verified, engine, maps, timerRefs, (freed) => this.#forget(freed));
    this.#progs.set(id, prog);
    return prog;
  }

  #setFunctions(first: number, count: number, id: number): void {
    if (first + count > MAX_FUNCTIONS)
      throw new BpfError("ENOSPC", `more than ${MAX_FUNCTIONS} functions in one host`);
    for (let i = 0; i < count; i++) this.world.view.setUint32(WORLD_FUNC_PROG + (first + i) * 4, id, true);
  }

  /** Nothing can call it any more: its functions leave the table. */
  #forget(prog: LiveProg): void {
    this.#progs.delete(prog.id);
    const { tableIndex } = prog.engine;
    for (let i = 0; i < prog.verified.subprogs.length; i++) this.world.table.set(tableIndex + i, null);
    this.#setFunctions(tableIndex, prog.verified.subprogs.length, 0);
    this.clock?.unlink(tableIndex, prog.verified.subprogs.length);
  }

  /** Frees the programs that only a timer held and that it has let go meanwhile. */
  collect(): void {
    for (const prog of [...this.#progs.values()]) prog.freeIfUnused();
  }

  /** The device of this name; made when it is first asked for. */
  device(name: string): Device {
    let device = this.#devices.get(name);
    if (device === undefined) {
      device = new Device(name, this.#devices.size + 1, (prog, frame, ts, ifindex) =>
        this.runPacket(prog, frame, { ts, ctx: { ingress_ifindex: ifindex } }),
      );
      this.#devices.set(name, device);
    }
    return device;
  }

  /** Runs a program on one packet; timers that are due by its time fire before. Throws BpfError when it cannot be run. */
  runPacket(prog: LiveProg, frame: Uint8Array, options: RunPacketOptions = {}): OnePacket {
    const bench = (this.#bench ??= new Bench(this.world));
    const events = this.#events ?? this.openEvents(DEFAULT_KEEP);
    return this.exclusive(() => {
      setCtx(this.world, runTypeOf(prog.verified), options.ctx ?? {});
      try {
        return bench.run(prog.engine, frame, options.ts ?? this.clock?.now ?? 0n, options.repeat ?? 1);
      } finally {
        events.drainAll();
      }
    });
  }

  /** Calls a program on bytes that need not be a frame and gives all 64 bits of r0. */
  callPacket(prog: LiveProg, bytes: Uint8Array): bigint {
    const bench = (this.#bench ??= new Bench(this.world));
    return this.exclusive(() => bench.call(prog.engine, bytes));
  }

  /** Counters and the stop word as before a first run; maps, timers and clocks stay. */
  resetRun(): void {
    this.world.clearStop();
    this.exclusive(() => {
      this.lib.rings_abort();
      for (let i = 0; i < this.world.ncpus; i++) {
        this.lib.stats_reset(this.world.cpu(i));
        if (this.hasTimers) this.lib.timers_stats_reset(this.world.cpu(i));
      }
      this.world.view.setBigUint64(this.world.cpu(0) + CPU_WALK_PACKET, 0n, true);
    });
    this.clock?.resume();
  }

  /** Buffers for what programs send; kept until the next run. */
  openEvents(keep: number): Events {
    const events = this.exclusive(() => this.#newEvents(keep));
    this.#events = events;
    return events;
  }

  #newEvents(keep: number): Events {
    for (const map of this.#maps) this.world.view.setBigUint64(map.addr + MAP_LOST, 0n, true);
    return new Events(
      this.world,
      keep,
      (cpu) => this.lib.rings_read(cpu) !== 0,
      (addr) => this.#byAddr.get(addr)?.sink,
    );
  }

  get events(): Events | undefined {
    return this.#events;
  }

  /** Time of the host's clock, ns since the epoch. */
  get now(): bigint {
    return this.clock?.now ?? this.world.view.getBigUint64(this.world.cpu(0) + CPU_REALTIME, true);
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
