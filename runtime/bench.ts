// What one packet costs, engine beside engine: measured in rounds that take turns, so that all see the same machine,
// and the least of each counts. Knows nothing of how figures are shown.
import { loadKernelObject } from "./engine/kernel/kernel_object.ts";
import { type BpfObject, loadObject } from "./load/object.ts";
import type { OpenObject } from "./load/open.ts";

export const benchEngines = ["wasm", "interp", "kernel"] as const;
export type BenchEngine = (typeof benchEngines)[number];

export interface BenchOptions {
  readonly engines: readonly BenchEngine[];
  /** runs in one measurement; an engine that is too slow for it runs fewer */
  readonly repeat: number;
  /** default: a UDP datagram over IPv4, 64 bytes */
  readonly data?: Uint8Array;
}

export interface BenchResult {
  readonly engine: BenchEngine;
  /** a run of the packet; ours with the packet restored before each, which the kernel's repeat does not do */
  readonly ns: number;
  readonly packetsPerSecond: number;
}

const ROUNDS = 7;
/** Of one measurement. */
const MAX_ROUND_NS = 300e6;
const PROBE_RUNS = 200;

/** Ethernet, IPv4 (correct header checksum), UDP 10.0.0.1:1000 -> 10.0.0.2:53, zeros up to 64 bytes. */
export function defaultPacket(): Uint8Array {
  const ethernet = "0200000000020200000000010800";
  const ip = "4500003200000000401166b90a0000010a000002";
  const udp = "03e80035001e0000";
  const packet = new Uint8Array(64);
  packet.set(Buffer.from(`${ethernet}${ip}${udp}`, "hex"));
  return packet;
}

/** One engine with the program loaded. */
interface Lane {
  readonly engine: BenchEngine;
  /** ns a run */
  measure(repeat: number): number;
  close(): void;
}

async function openLane(
  opened: OpenObject,
  name: string,
  engine: BenchEngine,
  data: Uint8Array,
): Promise<Lane> {
  if (engine === "kernel") {
    const object = loadKernelObject(opened, { progs: [name] });
    const prog = object.prog(name);
    return {
      engine,
      measure: (repeat) => object.sys.onCpu0(() => object.repeatPacket(prog, data, repeat)),
      close: () => object.close(),
    };
  }
  const object: BpfObject = await loadObject(opened, { progs: [name], engine });
  return {
    engine,
    measure: (repeat) => object.runPacket(name, data, { repeat }).ns,
    close: () => object.close(),
  };
}

/** Runs that fit a measurement, of those wanted. */
function affordable(lane: Lane, repeat: number): number {
  const probe = Math.min(repeat, PROBE_RUNS);
  const ns = Math.max(lane.measure(probe), 1);
  return Math.max(1, Math.min(repeat, Math.floor(MAX_ROUND_NS / ns)));
}

/** Throws BpfError where an engine refuses the program or the packet. */
export async function benchProg(
  opened: OpenObject,
  name: string,
  options: BenchOptions,
): Promise<BenchResult[]> {
  const data = options.data ?? defaultPacket();
  const lanes: Lane[] = [];
  try {
    for (const engine of new Set(options.engines)) lanes.push(await openLane(opened, name, engine, data));
    const runs = lanes.map((lane) => affordable(lane, options.repeat));
    const best = lanes.map(() => Number.POSITIVE_INFINITY);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, lane] of lanes.entries()) {
        best[i] = Math.min(best[i] ?? Number.POSITIVE_INFINITY, lane.measure(runs[i] ?? 1));
        // lets V8 put in what it has compiled meanwhile
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    return lanes.map(({ engine }, i) => {
      const ns = best[i] ?? 0;
      return { engine, ns, packetsPerSecond: ns === 0 ? 0 : 1e9 / ns };
    });
  } finally {
    for (const lane of lanes) lane.close();
  }
}
