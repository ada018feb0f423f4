// A loaded object: its maps exist, its programs are verified, compiled and in the table of one world.
import type { MapSpec, ObjectSpec, ProgSpec } from "../../src/elf/object_spec.ts";
import { BpfError } from "../../src/spec/errors.ts";
import type { MapDef, VerifiedProg } from "../../src/verifier/proof.ts";
import { bindMap } from "../../jit/compile.ts";
import { type CtxFields, setCtx } from "../cpu/ctx.ts";
import { Bench, type OnePacket } from "../cpu/run_once.ts";
import type { EngineName, EngineOptions, EngineProg } from "../engine/engine.ts";
import { ENGINES } from "../engine/engines.ts";
import { Events } from "../events/events.ts";
import { BpfMap, type MapHome } from "../map/bpf_map.ts";
import { TypedMap } from "../map/typed_map.ts";
import { createMap, mapLayout } from "../map/map_layout.ts";
import { CPU_REALTIME, CPU_WALK_PACKET, PAGE_SIZE } from "../memory/layout.ts";
import { World } from "../memory/world.ts";
import type { RowContext } from "../replay/result.ts";
import { type LibExports, createLib } from "../wasm/lib.ts";
import { checkMapSpec } from "./map_check.ts";
import { OpenObject } from "./open.ts";
import { mapsOf, progsToLoad, toMapDef, verifyProg } from "./prog.ts";

/** What bpf_get_prandom_u32 starts from unless told, so that runs repeat exactly. */
const DEFAULT_SEED = 0x50f71a9n;
/** Event records and printk lines kept, each. */
const DEFAULT_KEEP = 100_000;

export interface LoadOptions extends Partial<EngineOptions> {
  /** programs to load, by name; those reachable through program arrays come along. Default: all */
  readonly progs?: readonly string[];
  /** simulated CPUs, default 1 */
  readonly cpus?: number;
  readonly engine?: EngineName;
  readonly seed?: bigint;
}

export interface RunPacketOptions {
  /** timestamp in ns since the epoch */
  readonly ts?: bigint;
  /** runs of the same bytes, the result is the last one's */
  readonly repeat?: number;
  /** fields of the context that differ from what the kernel's test run supplies */
  readonly ctx?: CtxFields;
}

export interface LoadedProg {
  readonly name: string;
  readonly spec: ProgSpec;
  readonly verified: VerifiedProg;
  readonly engine: EngineProg;
}

/**
 * Creates the maps, verifies and compiles the programs, fills program arrays. Throws VerifierError where a
 * program is rejected, BpfError where the object asks for something that cannot be; then nothing is left.
 */
export async function loadObject(opened: OpenObject, options: LoadOptions = {}): Promise<BpfObject> {
  const { spec } = opened;
  const wanted = progsToLoad(opened, options.progs);
  const world = new World(options.cpus ?? 1);
  const lib = createLib(world.memory);
  lib.world_init(world.ncpus, options.seed ?? DEFAULT_SEED, 0);
  const seed = options.seed ?? DEFAULT_SEED;
  const maps = createMaps({ memory: world.memory, lib, cpu: world.cpu(0), scratch: scratchIn(world) }, world, spec, wanted, seed);
  const engine = ENGINES[options.engine ?? "wasm"];
  const engineOptions = { checked: options.checked ?? false, opt: options.opt ?? 1, cache: options.cache ?? true };
  const progs = new Map<string, LoadedProg>();
  for (const prog of wanted) {
    const verified = verifyProg(spec, prog);
    const bindings = verified.prog.maps.map((def, i) => bindMap(world.memory.buffer, maps.get(spec.maps[i]?.name ?? "")?.addr ?? 0, def));
    const loaded = await engine.load(world, verified, { maps: bindings }, engineOptions);
    progs.set(prog.name, { name: prog.name, spec: prog, verified, engine: loaded });
  }
  const object = new BpfObject(spec, world, lib, maps, progs);
  fillProgArrays(spec, object);
  return object;
}

/** Every map of the object, but for those that cannot be and that no wanted program needs. */
function createMaps(home: MapHome, world: World, spec: ObjectSpec, progs: readonly ProgSpec[], seed: bigint): Map<string, BpfMap> {
  const needed = new Set(progs.flatMap((p) => [...mapsOf(p)]));
  const maps = new Map<string, BpfMap>();
  for (const [index, map] of spec.maps.entries()) {
    try {
      checkMapSpec(map, world.ncpus);
    } catch (error) {
      if (needed.has(index) || !(error instanceof BpfError)) throw error;
      continue;
    }
    const shape = toMapDef(map);
    const addr = world.alloc(mapLayout(shape, world.ncpus).totalSize, PAGE_SIZE);
    createMap(world.memory, home.lib, addr, shape, { ncpus: world.ncpus, seed: seed + BigInt(index), id: index + 1 });
    const created = new BpfMap(home, addr, shape);
    fillData(map, created);
    maps.set(map.name, created);
  }
  return maps;
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

function fillData(map: MapSpec, created: BpfMap): void {
  if (map.data !== undefined) created.update(new Uint8Array(4), map.data);
  if (map.readonlyData === true) created.freeze();
}

function fillProgArrays(spec: ObjectSpec, object: BpfObject): void {
  for (const map of spec.maps) {
    for (const value of map.values ?? []) {
      if (value.kind !== "prog" || !object.maps.has(map.name) || !object.progs.has(value.target)) continue;
      object.setTailCall(map.name, value.key, value.target);
    }
  }
}

export class BpfObject {
  #bench: Bench | undefined;
  #events: Events | undefined;
  #closed = false;

  constructor(
    readonly spec: ObjectSpec,
    readonly world: World,
    readonly lib: LibExports,
    readonly maps: ReadonlyMap<string, BpfMap>,
    readonly progs: ReadonlyMap<string, LoadedProg>,
  ) {}

  get name(): string {
    return this.spec.name;
  }

  get ncpus(): number {
    return this.world.ncpus;
  }

  prog(name: string): LoadedProg {
    this.#assertOpen();
    const found = this.progs.get(name);
    if (found === undefined) throw new BpfError("ENOENT", `${this.name}: program '${name}' is not loaded; loaded are: ${[...this.progs.keys()].join(", ")}`);
    return found;
  }

  /** The map by JavaScript values instead of bytes, by its BTF. Throws where it has none. */
  typedMap(name: string): TypedMap {
    return new TypedMap(this.map(name), this.spec.btf, this.mapDef(name));
  }

  /** The definition a map was made from. */
  mapDef(name: string): MapDef {
    return toMapDef(this.spec.maps.find((m) => m.name === this.map(name).name) as MapSpec);
  }

  map(name: string): BpfMap {
    this.#assertOpen();
    const found = this.maps.get(name);
    if (found === undefined) throw new BpfError("ENOENT", `${this.name}: no map '${name}'; there are: ${[...this.maps.keys()].join(", ") || "none"}`);
    return found;
  }

  /** Puts a program into a slot of a program array. */
  setTailCall(map: string, index: number, prog: string): void {
    this.map(map).update(u32Key(index), this.slotOfProg(prog));
  }

  /** The value that stands for a program in a program array. */
  slotOfProg(prog: string): Uint8Array {
    return u32Key(this.prog(prog).engine.tableIndex + 1);
  }

  /** The program that a program array's value stands for. */
  progInSlot(value: Uint8Array): string | undefined {
    return this.progAt(new DataView(value.buffer, value.byteOffset).getUint32(0, true) - 1)?.name;
  }

  /** The program whose place in the table this is. */
  progAt(tableIndex: number): LoadedProg | undefined {
    return [...this.progs.values()].find((p) => p.engine.tableIndex === tableIndex);
  }

  /** Runs a program on one packet. Throws BpfError when the packet cannot be run. */
  runPacket(prog: string, frame: Uint8Array, options: RunPacketOptions = {}): OnePacket {
    const { engine } = this.prog(prog);
    this.#bench ??= new Bench(this.world);
    const events = this.#events ?? this.openEvents(DEFAULT_KEEP);
    setCtx(this.world, options.ctx ?? {});
    try {
      return this.#bench.run(engine, frame, options.ts ?? 0n, options.repeat ?? 1);
    } finally {
      events.drain();
    }
  }

  /** Calls a program on bytes that need not be a frame and gives all 64 bits of r0. */
  callPacket(prog: string, bytes: Uint8Array): bigint {
    const { engine } = this.prog(prog);
    this.#bench ??= new Bench(this.world);
    return this.#bench.call(engine, bytes);
  }

  /** Counters, records and the stop word as before a first run; maps and clocks stay. @internal */
  resetRun(): void {
    this.#assertOpen();
    this.world.clearStop();
    for (let i = 0; i < this.world.ncpus; i++) this.lib.stats_reset(this.world.cpu(i));
    this.world.view.setBigUint64(this.world.cpu(0) + CPU_WALK_PACKET, 0n, true);
  }

  /** Buffers for what programs send; kept until the next run. @internal */
  openEvents(keep: number): Events {
    this.#events = new Events(this.world, keep);
    return this.#events;
  }

  get events(): Events | undefined {
    return this.#events;
  }

  /** @internal */
  advanceClock(ns: bigint): void {
    if (ns === 0n) return;
    const { view } = this.world;
    for (let i = 0; i < this.world.ncpus; i++) {
      const cpu = this.world.cpu(i);
      this.lib.clock_set(cpu, view.getBigUint64(cpu + CPU_REALTIME, true) + ns);
    }
  }

  /** @internal */
  rowContext(verdicts: readonly string[]): RowContext {
    const byAddress = new Map([...this.maps.values()].map((m) => [m.addr, m]));
    return {
      verdicts,
      mapName: (header) => byAddress.get(header)?.name ?? `map@${header}`,
      redirectTarget: (header, index) => {
        const value = byAddress.get(header)?.lookup(u32Key(index));
        return value instanceof Uint8Array ? new DataView(value.buffer, value.byteOffset).getUint32(0, true) : undefined;
      },
    };
  }

  #assertOpen(): void {
    if (this.#closed) throw new BpfError("EBADF", `${this.name} is closed`);
  }

  /** Ends the object; its handles refuse further use. Memory goes when nothing refers to it. */
  close(): void {
    this.#closed = true;
    this.world.stop();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function u32Key(index: number): Uint8Array {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, index, true);
  return key;
}
