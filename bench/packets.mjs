// Packets a second: a parse-only program and a flow counter over a capture of a million packets, the engines taking
// turns. The kernel once with a test run for each packet, once repeating a single one.
import { join } from "node:path";
import { loadKernelObject, loadObject, openCaptures, openObject, runProg } from "../dist/runtime/index.js";
import { makeCapture } from "./capture.mjs";
import { fmtNs, printTable } from "./table.mjs";

const OBJECT = new URL("../test/objects/bench.o", import.meta.url).pathname;
const PACKETS = 1 << 20;
const INTERP_PACKETS = 4000;

// goal: million packets a second
const PROGS = [
  { name: "nop", goal: undefined },
  { name: "parse", goal: 60 },
  { name: "count", goal: 30 },
];

async function ours(name, engine, capture, { repeat, limit }) {
  const object = await loadObject(openObject(OBJECT), { progs: [name], engine });
  return {
    label: `${engine}, ${limit === undefined ? `${repeat} × ${PACKETS}` : limit} packets`,
    async measure() {
      const source = openCaptures([capture]);
      const result = await runProg(object, name, source, {
        repeat,
        ...(limit === undefined ? {} : { limit }),
      });
      source.close();
      return Number(result.elapsedNs) / result.packets;
    },
  };
}

/** Both ways to measure the kernel, or why there is none. */
function kernels(name, capture) {
  const object = loadKernelObject(openObject(OBJECT), { progs: [name] });
  const prog = object.prog(name);
  const { bytes, rows } = readRows(capture);
  const { sys } = object;
  return [
    {
      label: `kernel, ${rows.length / 2} packets one by one`,
      measure: async () => sys.onCpu0(() => sys.runPackets(prog.fd, bytes, rows).ns / (rows.length / 2)),
    },
    {
      label: "kernel, repeating one packet",
      measure: async () =>
        sys.onCpu0(() => object.repeatPacket(prog, bytes.slice(rows[0], rows[0] + rows[1]), 1e6)),
    },
  ];
}

/** The capture's first packets: as many as a reader gives at once. */
function readRows(capture) {
  const source = openCaptures([capture]);
  const bytes = new Uint8Array(4 << 20);
  const view = new DataView(new ArrayBuffer(bytes.length / 2));
  const count = source.nextBatch({ bytes, addr: 0, rows: view });
  source.close();
  const rows = new Uint32Array(count * 2);
  for (let i = 0; i < count; i++) {
    rows[i * 2] = view.getUint32(i * 32, true);
    rows[i * 2 + 1] = view.getUint32(i * 32 + 4, true);
  }
  return { bytes, rows };
}

export async function packets(dir, quick) {
  const capture = join(dir, "flows.pcap");
  makeCapture(capture, { packets: PACKETS, flows: 4096, len: 64 });
  const rounds = quick ? 3 : 9; // many short ones: the least is what the machine can do when nobody else wants it
  for (const { name, goal } of PROGS) {
    const lanes = [await ours(name, "wasm", capture, { repeat: 8 })];
    try {
      lanes.push(...kernels(name, capture));
    } catch (error) {
      if (error.code === undefined) throw error;
      console.log(`\n${name}: no figures of the kernel: ${error.message}`);
    }
    lanes.push(await ours(name, "interp", capture, { repeat: 1, limit: INTERP_PACKETS }));
    const best = lanes.map(() => Number.POSITIVE_INFINITY);
    for (let round = 0; round < rounds; round++) {
      for (const [i, lane] of lanes.entries()) best[i] = Math.min(best[i], await lane.measure());
    }
    const kernel = best.filter((_, i) => lanes[i].label.startsWith("kernel"));
    const rows = lanes.map((lane, i) => [
      lane.label,
      fmtNs(best[i]),
      (1e3 / best[i]).toFixed(2),
      ...kernel.map((ns) => `${(ns / best[i]).toFixed(best[i] > ns ? 3 : 1)}×`),
    ]);
    const names = kernel.length === 0 ? [] : ["of one by one", "of repeating"];
    const verdict =
      goal === undefined ? "" : ` (goal ${goal} M packets/s: ${1e3 / best[0] >= goal ? "met" : "missed"})`;
    printTable(`${name}${verdict}`, ["ENGINE", "A PACKET", "M/S", ...names], rows);
  }
}
