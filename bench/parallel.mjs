// One CPU against two on two threads, taking turns: a parse-only program and a flow counter over a million packets
// of many flows. Needs two idle cores to show the gain.
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { loadObject, openCaptures, openObject, runProg } from "../dist/runtime/index.js";
import { makeCapture } from "./capture.mjs";
import { fmtNs, printTable } from "./table.mjs";

const OBJECT = new URL("../test/objects/bench.o", import.meta.url).pathname;
const PACKETS = 1 << 20;

// biome-ignore format: table
const LANES = [
  { label: "1 CPU",                   cpus: 1, parallel: false },
  { label: "2 CPUs, one thread",      cpus: 2, parallel: false },
  { label: "2 CPUs, two threads",     cpus: 2, parallel: true },
];

async function makeLane(name, capture, lane) {
  const object = await loadObject(openObject(OBJECT), { progs: [name], cpus: lane.cpus });
  return async () => {
    const source = openCaptures([capture]);
    const result = await runProg(object, name, source, { repeat: 4, parallel: lane.parallel });
    source.close();
    return Number(result.elapsedNs) / result.packets;
  };
}

export async function cpus(dir, quick) {
  const capture = join(dir, "spread.pcap");
  makeCapture(capture, { packets: PACKETS, flows: 4096, len: 64 });
  for (const name of ["parse", "count"]) {
    const lanes = await Promise.all(LANES.map((lane) => makeLane(name, capture, lane)));
    const best = LANES.map(() => Number.POSITIVE_INFINITY);
    for (let round = 0; round < (quick ? 6 : 20); round++) {
      for (const [i, measure] of lanes.entries()) best[i] = Math.min(best[i], await measure());
    }
    const rows = LANES.map(({ label }, i) => [
      label,
      fmtNs(best[i]),
      (1e3 / best[i]).toFixed(2),
      `${(best[0] / best[i]).toFixed(2)}×`,
    ]);
    printTable(`${name}, ${availableParallelism()} cores`, ["CPUS", "A PACKET", "M/S", "OF ONE"], rows);
  }
}
