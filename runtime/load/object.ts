// A loaded object: its maps exist, its programs are verified, compiled and in the table of one world.
import { type JsValue, formatValue } from "../../src/btf/value.ts";
import type { MapSpec, ObjectSpec, ProgSpec } from "../../src/elf/object_spec.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { mapTypeRow } from "../../src/spec/map_types.ts";
import type { RunType } from "../../src/spec/run_types.ts";
import type { MapDef } from "../../src/verifier/proof.ts";
import { bindMap } from "../../jit/compile.ts";
import type { OnePacket } from "../cpu/run_once.ts";
import type { EngineName, EngineOptions } from "../engine/engine.ts";
import { ENGINES } from "../engine/engines.ts";
import type { Events } from "../events/events.ts";
import { Host, type HostOptions, type RunPacketOptions } from "../host/host.ts";
import type { MapHandle } from "../host/live_map.ts";
import { BpfProg } from "../host/live_prog.ts";
import { BpfMap } from "../map/bpf_map.ts";
import { TypedMap } from "../map/typed_map.ts";
import type { World } from "../memory/world.ts";
import { type RowContext, verdictNames } from "../replay/result.ts";
import type { LibExports } from "../wasm/lib.ts";
import { type CreateMapsOptions, createMapIn, createMaps } from "./create_maps.ts";
import { Handles, u32Bytes, u32Of } from "./handles.ts";
import { OpenObject } from "./open.ts";
import { mapsOf, progsToLoad, toMapDef, verifyProg } from "./prog.ts";

export interface LoadOptions extends Partial<EngineOptions>, HostOptions, CreateMapsOptions {
  /** programs to load, by name; those reachable through program arrays come along. Default: all */
  readonly progs?: readonly string[];
  readonly engine?: EngineName;
  /** the host to load into; default: one of its own, made with cpus, seed and timerCap */
  readonly host?: Host;
}

/**
 * Creates the maps, verifies and compiles the programs, fills program arrays. Throws VerifierError where a
 * program is rejected, BpfError where the object asks for something that cannot be; then nothing is left.
 */
export async function loadObject(opened: OpenObject, options: LoadOptions = {}): Promise<BpfObject> {
  const { spec } = opened;
  const wanted = progsToLoad(opened, options.progs);
  const host = options.host ?? new Host(options);
  const ownsHost = options.host === undefined;
  const object = new BpfObject(spec, host, mapsIn(host, spec, wanted, options), new Map(), ownsHost);
  try {
    for (const prog of wanted)
      object.progs.set(prog.name, await loadProg(host, opened, prog, object.maps, options));
    object.fillProgArrays();
  } catch (error) {
    object.close();
    throw error;
  }
  return object;
}

/** The maps these programs need; a host that was made for them does not outlive their refusal. */
function mapsIn(
  host: Host,
  spec: ObjectSpec,
  progs: readonly ProgSpec[],
  options: LoadOptions,
): Map<string, MapHandle> {
  try {
    return createMaps(host, spec, new Set(progs.flatMap((p) => [...mapsOf(p)])), options);
  } catch (error) {
    if (options.host === undefined) void host.close();
    throw error;
  }
}

async function loadProg(
  host: Host,
  { spec, outside }: OpenObject,
  prog: ProgSpec,
  maps: ReadonlyMap<string, MapHandle>,
  options: LoadOptions,
): Promise<BpfProg> {
  const verified = verifyProg(spec, prog, {}, outside);
  const handles = spec.maps.map((m) => maps.get(m.name));
  const bindings = verified.prog.maps.map((def, i) =>
    bindMap(host.world.memory.buffer, handles[i]?.addr ?? 0, def),
  );
  const engine = await ENGINES[options.engine ?? "wasm"].load(
    host.world,
    verified,
    { maps: bindings },
    { checked: options.checked ?? false, opt: options.opt ?? 1, cache: options.cache ?? true },
  );
  const used = [...mapsOf(prog)].flatMap((i) => handles[i]?.live ?? []);
  return new BpfProg(host.addProg(prog, verified, engine, used));
}

/** Handles of an object's maps and programs; closing it closes them all. */
export class BpfObject extends Handles<MapHandle, BpfProg> {
  constructor(
    spec: ObjectSpec,
    readonly host: Host,
    maps: ReadonlyMap<string, MapHandle>,
    override readonly progs: Map<string, BpfProg>,
    /** the host was made for this object alone */
    readonly ownsHost: boolean,
  ) {
    super(spec, maps, progs);
  }

  get world(): World {
    return this.host.world;
  }

  get lib(): LibExports {
    return this.host.lib;
  }

  get ncpus(): number {
    return this.world.ncpus;
  }

  /** The map by JavaScript values instead of bytes, by its BTF. Throws where it has none. */
  typedMap(name: string): TypedMap {
    return new TypedMap(this.map(name), this.spec.btf, this.mapDef(name));
  }

  /** The global variables as they are now, by their BTF; bytes where there is none. */
  globals(): Record<string, JsValue | Uint8Array> {
    const { btf } = this.spec;
    const values: Record<string, JsValue | Uint8Array> = {};
    for (const v of this.spec.variables) {
      const data = this.maps.get(this.spec.maps[v.map]?.name ?? "")?.lookup(new Uint8Array(4));
      if (!(data instanceof Uint8Array)) continue;
      const bytes = data.slice(v.off, v.off + v.size);
      values[v.name] = btf === undefined || v.typeId === 0 ? bytes : formatValue(btf, v.typeId, bytes);
    }
    return values;
  }

  /** The definition a map was made from. */
  mapDef(name: string): MapDef {
    return toMapDef(this.spec.maps.find((m) => m.name === this.map(name).name) as MapSpec);
  }

  /** The map in a slot of a map of maps, without a reference to it. */
  innerMap(value: Uint8Array): { map: BpfMap; def: MapDef } | undefined {
    const addr = u32Of(value);
    const live = [...this.host.maps].find((m) => m.addr === addr);
    return live === undefined
      ? undefined
      : { map: new BpfMap(live.home, live.addr, live.def), def: live.def };
  }

  /** A new map as a map of maps wants them inside, by its definition; put it there with setInner. */
  createInner(outer: string): MapHandle {
    const template = this.spec.maps.find((m) => m.name === this.map(outer).name)?.inner;
    if (template === undefined) throw new BpfError("EINVAL", `map '${outer}' is no map of maps`);
    return createMapIn(this.host, template);
  }

  slotOfProg(prog: string): Uint8Array {
    return u32Bytes(this.prog(prog).engine.tableIndex + 1);
  }

  /** The program that a program array's value stands for. */
  progInSlot(value: Uint8Array): string | undefined {
    return this.progAt(u32Of(value) - 1)?.name;
  }

  /** The program whose place in the table this is. */
  progAt(tableIndex: number): BpfProg | undefined {
    return [...this.progs.values()].find((p) => p.engine.tableIndex === tableIndex);
  }

  /** Runs a program on one packet. Throws BpfError when the packet cannot be run. */
  runPacket(prog: string, frame: Uint8Array, options: RunPacketOptions = {}): OnePacket {
    return this.host.runPacket(this.prog(prog).live, frame, options);
  }

  /** Calls a program on bytes that need not be a frame and gives all 64 bits of r0. */
  callPacket(prog: string, bytes: Uint8Array): bigint {
    return this.host.callPacket(this.prog(prog).live, bytes);
  }

  get events(): Events | undefined {
    return this.host.events;
  }

  /** @internal */
  rowContext(run: RunType): RowContext {
    const byAddress = new Map([...this.maps.values()].map((m) => [m.addr, m]));
    return {
      verdicts: verdictNames(run),
      frames: run.frames,
      mapName: (header) => byAddress.get(header)?.name ?? `map@${header}`,
      redirectTarget: (header, index) => {
        const map = byAddress.get(header);
        const value =
          map !== undefined && mapTypeRow(map.shape.type).holds === "dev"
            ? map.lookup(u32Bytes(index))
            : undefined;
        return value instanceof Uint8Array ? u32Of(value) : undefined;
      },
    };
  }

  /**
   * Timers of maps that nobody else holds are cancelled, programs nobody else holds unloaded. With a real clock and
   * a host of its own where nothing is pinned or attached, that clock ends as well.
   */
  protected release(): void {
    for (const map of this.maps.values()) map.close();
    for (const prog of this.progs.values()) prog.close();
    if (this.ownsHost && this.host.idle) void this.host.close();
  }
}
