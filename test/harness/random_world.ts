// A world for random programs: their maps, some contents, some frames. The same for every engine, so that after a run
// of the same program the memories of two engines must be equal, byte for byte, but for what is an engine's own.
import { bindMap, type MapBinding } from "../../jit/compile.ts";
import type { Engine, EngineOptions, EngineProg } from "../../runtime/engine/engine.ts";
import { BpfMap, type MapHome } from "../../runtime/map/bpf_map.ts";
import { createMap, mapLayout } from "../../runtime/map/map_layout.ts";
import * as L from "../../runtime/memory/layout.ts";
import { World } from "../../runtime/memory/world.ts";
import { createLib } from "../../runtime/wasm/lib.ts";
import type { VerifiedProg } from "../../src/verifier/proof.ts";
import { Rng } from "./random_builder.ts";
import { RANDOM_MAPS } from "./random_gen.ts";

/** Room for one frame; the first of each run is a runt of 14 bytes. */
const FRAME_ROOM = 512;
const FRAMES = 5;
const LENGTHS = [14, 15, 18, 34, 42, 60, 64, 98, 400] as const;
const FLAGS = L.WALK_COPY | L.WALK_HEADROOM | L.WALK_ROWS | L.WALK_CRC | L.WALK_CLOCK | L.WALK_EVENTS;
const EVENTS_SIZE = 1 << 16;

/** Memory that two engines may leave different: the stack (slots may be locals), words of checked mode. */
const OWN: readonly (readonly [start: number, end: number])[] = [
  [L.CPU_BASE + L.CPU_FAULT_PC, L.CPU_BASE + L.CPU_FAULT_ADDR + 8],
  [L.CPU_BASE + L.CPU_STACK, L.CPU_BASE + L.CPU_STACK_TOP],
];

const randomBytes = (rng: Rng, n: number): Uint8Array =>
  Uint8Array.from({ length: n }, () => rng.u32() & (rng.chance(40) ? 7 : 255));

export class RandomWorld {
  readonly world = new World(1);
  readonly maps: readonly MapBinding[];
  readonly #initial: Uint8Array;
  readonly #jump: MapBinding;
  #descriptors = 0;
  #frames = 0;

  constructor(
    readonly engine: Engine,
    readonly options: EngineOptions,
  ) {
    const { world } = this;
    const lib = createLib(world.memory);
    lib.world_init(1, 42n, 0);
    const scratch = world.alloc(1 << 17);
    const home: MapHome = { memory: world.memory, lib, cpu: world.cpu(0), scratch: () => scratch };
    const addrs = RANDOM_MAPS.map((def) => world.alloc(mapLayout(def, 1).totalSize, L.PAGE_SIZE));
    RANDOM_MAPS.forEach((def, i) =>
      createMap(world.memory, lib, addrs[i] ?? 0, def, { ncpus: 1, seed: 7n, id: i + 1 }),
    );
    this.maps = RANDOM_MAPS.map((def, i) => bindMap(world.memory.buffer, addrs[i] ?? 0, def));
    RANDOM_MAPS.forEach((def, i) => fill(new BpfMap(home, addrs[i] ?? 0, def)));
    const jump = this.maps.find(({ def }) => def.type === "prog_array");
    if (jump === undefined) throw new Error("no program array");
    this.#jump = jump;
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
    return Array.from({ length: FRAMES }, (_, i) => randomBytes(rng, i === 0 ? 14 : rng.pick(LENGTHS)));
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

  /** Runs a program on every frame of a seed, from the same start each time; it is in two slots of its own program array. */
  run(prog: EngineProg, seed: number = 1): void {
    const { world } = this;
    world.bytes.set(this.#initial);
    this.#putFrames(seed);
    const slots = this.#jump.address + this.#jump.elemsOff;
    for (const slot of [0, 2])
      world.view.setUint32(slots + slot * L.PROG_SLOT_SIZE, prog.tableIndex + 1, true);
    prog.walk(world.cpu(0), FLAGS, FRAMES);
  }
}

/** Contents to find: small keys, a few prefixes, one port. */
function fill(map: BpfMap): void {
  const { type, keySize, valueSize, maxEntries } = map.shape;
  const rng = new Rng(maxEntries);
  if (type === "prog_array" || type === "perf_event_array") return;
  for (let i = 0; i < Math.min(maxEntries, 4); i++) {
    const key = new Uint8Array(keySize);
    const view = new DataView(key.buffer);
    view.setUint32(0, type === "lpm_trie" ? 8 * i : i, true);
    if (type === "lpm_trie") view.setUint32(4, i, true);
    const value = type === "devmap" ? Uint8Array.of(i + 1, 0, 0, 0) : randomBytes(rng, valueSize);
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
