// A world for many programs of one kind: their maps, some contents, some frames. The same for every engine, so that after a
// run of the same program the memories of two engines must be equal, byte for byte, but for what is an engine's own.
import { bindMap, type MapBinding } from "../../jit/compile.ts";
import type { Engine, EngineOptions, EngineProg } from "../../runtime/engine/engine.ts";
import { setCtx } from "../../runtime/cpu/ctx.ts";
import { safestFlags } from "../../runtime/cpu/walk_flags.ts";
import { BpfMap, type MapHome } from "../../runtime/map/bpf_map.ts";
import { createMap, mapLayout } from "../../runtime/map/map_layout.ts";
import * as L from "../../runtime/memory/layout.ts";
import { World } from "../../runtime/memory/world.ts";
import { createLib, type LibExports } from "../../runtime/wasm/lib.ts";
import { type MapTypeRow, mapTypeRow } from "../../src/spec/map_types.ts";
import { RUN_TYPES } from "../../src/spec/run_types.ts";
import type { MapDef, Prog, VerifiedProg } from "../../src/verifier/proof.ts";
import { Rng } from "./random_builder.ts";
import { RANDOM_MAPS } from "./random_gen.ts";

/** Room for one frame; the first of each run is a runt of 14 bytes. */
const FRAME_ROOM = 512;
const FRAMES = 5;
const LENGTHS = [14, 15, 18, 34, 42, 60, 64, 98, 400] as const;
const FLAGS = L.WALK_ROWS | L.WALK_CRC | L.WALK_CLOCK | L.WALK_EVENTS;
const EVENTS_SIZE = 1 << 16;
/** How long the clock goes on after the last packet, and how many timers and works may then run. */
const LATER_NS = 60_000_000_000n;
const MAX_LATE = 64;

/** Memory that two engines may leave different: the stack (slots may be locals), words of checked mode, what was thrown. */
const OWN: readonly (readonly [start: number, end: number])[] = [
  [L.CPU_BASE + L.CPU_FAULT_PC, L.CPU_BASE + L.CPU_FAULT_ADDR + 8],
  [L.CPU_BASE + L.CPU_THROWN_VALUE, L.CPU_BASE + L.CPU_THROWN_VALUE + 8],
  [L.CPU_BASE + L.CPU_STACK, L.CPU_BASE + L.CPU_STACK_TOP],
];

const randomBytes = (rng: Rng, n: number): Uint8Array =>
  Uint8Array.from({ length: n }, () => rng.u32() & (rng.chance(40) ? 7 : 255));

/** What programs of one world have in common. */
export interface Surroundings {
  readonly type: Prog["type"];
  readonly maps: readonly MapDef[];
  /** the bytes of maps whose one value is not random, by index */
  readonly data?: readonly (Uint8Array | undefined)[];
  /** undefined: random bytes */
  readonly frame?: (rng: Rng) => Uint8Array;
}

const RANDOM: Surroundings = { type: "xdp", maps: RANDOM_MAPS };

export class RandomWorld {
  readonly world = new World(1);
  readonly maps: readonly MapBinding[];
  readonly #lib: LibExports;
  readonly #initial: Uint8Array;
  readonly #jumps: readonly MapBinding[];
  #descriptors = 0;
  #frames = 0;

  constructor(
    readonly engine: Engine,
    readonly options: EngineOptions,
    readonly around: Surroundings = RANDOM,
  ) {
    const { world } = this;
    const { maps, data } = around;
    const lib = createLib(world.memory, world.table);
    this.#lib = lib;
    lib.world_init(1, 42n, 0);
    const scratch = world.alloc(1 << 17);
    const home: MapHome = { memory: world.memory, lib, cpu: world.cpu(0), scratch: () => scratch };
    const addrs = maps.map((def) => world.alloc(mapLayout(def, 1).totalSize, L.PAGE_SIZE));
    maps.forEach((def, i) =>
      createMap(world.memory, lib, addrs[i] ?? 0, def, { ncpus: 1, seed: 7n, id: i + 1 }),
    );
    this.maps = maps.map((def, i) => bindMap(world.memory.buffer, addrs[i] ?? 0, def));
    maps.forEach((def, i) => fill(new BpfMap(home, addrs[i] ?? 0, def), data?.[i] ?? def.frozen));
    this.#jumps = this.maps.filter(({ def }) => def.type === "prog_array");
    const run = RUN_TYPES[around.type];
    if (run !== undefined) setCtx(world, run, {});
    this.#layFrames();
    this.#initial = world.bytes.slice();
  }

  /** Room for descriptors, frames, rows and events. */
  #layFrames(): void {
    const { world } = this;
    const count = FRAMES;
    const descriptors = world.alloc(count * L.FRAME_DESC_SIZE);
    const rows = world.alloc(count * L.ROW_SIZE);
    const events = world.alloc(EVENTS_SIZE);
    this.#frames = world.alloc(count * FRAME_ROOM);
    this.#descriptors = descriptors;
    const { view } = world;
    // biome-ignore format: table
    const words: readonly (readonly [number, number])[] = [
      [L.CPU_WALK_FRAMES, descriptors], [L.CPU_WALK_COUNT, count], [L.CPU_WALK_ROUNDS, 1],
      [L.CPU_WALK_ROWS, rows], [L.CPU_WALK_ROWS_CAP, count], [L.CPU_EVENTS, events], [L.CPU_EVENTS_SIZE, EVENTS_SIZE],
    ];
    for (const [off, value] of words) view.setUint32(world.cpu(0) + off, value, true);
  }

  load(verified: VerifiedProg): Promise<EngineProg> {
    return this.engine.load(this.world, verified, { maps: this.maps }, this.options);
  }

  /** The packets of a seed. */
  frames(seed: number): Uint8Array[] {
    const rng = new Rng(seed ^ 0x5eed);
    const { frame } = this.around;
    return Array.from({ length: FRAMES }, (_, i) =>
      frame === undefined ? randomBytes(rng, i === 0 ? 14 : rng.pick(LENGTHS)) : frame(rng),
    );
  }

  #putFrames(seed: number): void {
    const { bytes, view } = this.world;
    this.frames(seed).forEach((frame, i) => {
      const at = this.#descriptors + i * L.FRAME_DESC_SIZE;
      const address = this.#frames + i * FRAME_ROOM;
      bytes.set(frame, address);
      view.setUint32(at + L.FRAME_ADDR, address, true);
      view.setUint32(at + L.FRAME_LEN, frame.length, true);
      view.setUint32(at + L.FRAME_ORIG_LEN, frame.length, true);
      view.setBigUint64(at + L.FRAME_TS, 1_700_000_000_000_000_000n + BigInt(i) * 1_000_003n, true);
    });
  }

  /** Memory as it was before any run. */
  reset(): void {
    this.world.bytes.set(this.#initial);
  }

  /**
   * Runs a program on every frame of a seed, from the same start each time, then what it put off. It is in two slots of each
   * program array.
   */
  run(prog: EngineProg, seed: number = 1): void {
    const { world } = this;
    this.reset();
    this.#putFrames(seed);
    for (const { address, elemsOff, def } of this.#jumps)
      for (const slot of [0, 2])
        if (slot < def.maxEntries)
          world.view.setUint32(address + elemsOff + slot * L.PROG_SLOT_SIZE, prog.tableIndex + 1, true);
    const cpu = world.cpu(0);
    prog.walk(cpu, FLAGS | safestFlags(prog.verified), FRAMES);
    this.#lib.timers_run(cpu, world.view.getBigUint64(cpu + L.CPU_MONOTONIC, true) + LATER_NS, MAX_LATE);
  }
}

const FILLED: ReadonlySet<MapTypeRow["holds"]> = new Set(["bytes", "dev", "cpu"]);

/** Contents to find: small keys, a few prefixes, one port; nothing where values are more than bytes. */
function fill(map: BpfMap, data: Uint8Array | undefined): void {
  const { type, keySize, valueSize, maxEntries, specialFields } = map.shape;
  const rng = new Rng(maxEntries);
  if (data !== undefined) {
    map.update(new Uint8Array(4), data);
    return;
  }
  const { holds, entries } = mapTypeRow(type);
  if (!FILLED.has(holds) || entries === "bytes" || keySize === 0 || specialFields.length > 0) return;
  for (let i = 0; i < Math.min(maxEntries, 4); i++) {
    const key = new Uint8Array(keySize);
    key[0] = type === "lpm_trie" ? 8 * i : i;
    if (type === "lpm_trie") key[4] = i;
    const value = randomBytes(rng, valueSize);
    if (holds !== "bytes") value.fill(0).fill(i + 1, 0, 1);
    map.update(key, map.perCpu ? [value] : value);
  }
}

/** The first address at which two memories differ, engines' own parts aside. */
export function firstDifference(a: World, b: World): number | undefined {
  let start = 0;
  for (const [from, to] of [...OWN, [Math.min(a.bytes.length, b.bytes.length), 0] as const]) {
    const [x, y] = [a, b].map((w) => Buffer.from(w.memory.buffer, start, from - start));
    if (x !== undefined && y !== undefined && !x.equals(y))
      return start + x.findIndex((byte, i) => byte !== y[i]);
    start = to;
  }
  return undefined;
}
